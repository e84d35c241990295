//! The calls that do not wait: names, ioctls, associations. Options are in [`option`](super::option).

use crate::lane::Wake;
use crate::socket::answer::Failure;
use crate::socket::{Outcome, Socket};
use crate::sys;
use crate::sys::kind::{Kind, Origin};
use crate::wire::addr::{Address, Raw};
use crate::wire::errno::Errno;
use crate::wire::ifreq::{ATMARK, IFREQ, NAME};
use crate::wire::sctp;
use crate::wire::value::Value;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl<W: Wake> Socket<W> {
    /// bind(2)
    pub fn bind(&self, addr: &Raw) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, side| {
            sys::socket::bind(fd, addr)?;
            side.bound = true;
            Ok(())
        })
    }

    /// listen(2)
    pub fn listen(&self, backlog: i32) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, side| {
            sys::socket::listen(fd, backlog)?;
            side.listening = true;
            Ok(())
        })
    }

    /// shutdown(2)
    pub fn shutdown(&self, how: i32) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| sys::socket::shutdown(fd, how))
    }

    /// getsockname(2)
    pub fn sockname(&self) -> Outcome<Result<Address, Failure>, W> {
        self.with_descriptor(|fd, _| sys::socket::sockname(fd).map(|raw| Address::from_raw(&raw)))
    }

    /// getpeername(2)
    pub fn peername(&self) -> Outcome<Result<Address, Failure>, W> {
        self.with_descriptor(|fd, _| sys::socket::peername(fd).map(|raw| Address::from_raw(&raw)))
    }

    /// No ring receives for this socket from now on. Returns whether the present ring has released it; if not, the
    /// caller is to ask again.
    pub fn leave_ring(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| !ahead.disable_ring())
    }

    /// Prepares the end of the connection: a ring must not hold bytes that would be mixed with those of the next
    /// connection. Returns whether the ring has released the descriptor, as [`Socket::leave_ring`].
    pub fn may_disconnect(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| !ahead.end_stream())
    }

    /// The connection has ended: drops what was kept of it, so that nothing of it reaches the next connection.
    pub(crate) fn reset_stream(&self) {
        let _ = (self.pending_error.take(), self.error_after_data.take());
        if let Some(ahead) = &self.ahead {
            ahead.reset_stream();
        }
    }

    /// The descriptor's number is handed out, and its bytes may be read elsewhere: as [`Socket::leave_ring`], and no
    /// bytes are gathered for a length from now on.
    pub fn share(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| !ahead.share())
    }

    /// Sets `{otp, read_ahead}`. With 0, answers whether the ring has released the descriptor; otherwise `true`.
    pub fn set_read_ahead(&self, most: usize) -> bool {
        self.settings.read_ahead.store(most, Relaxed);
        most > 0 || self.ahead.as_ref().is_none_or(|ahead| !ahead.stop_receive())
    }

    /// A request of ioctl(2) whose result is a number. Bytes that were read ahead count as unread.
    pub fn ioctl_int(&self, request: u32, read: impl Fn(i32) -> Value) -> Outcome<Result<Value, Failure>, W> {
        self.with_descriptor(|fd, _| {
            let ahead = i32::try_from(self.read_ahead()).unwrap_or(i32::MAX);
            let number = sys::ioctl::int(fd, request)?;
            Ok(read(match request {
                ATMARK if ahead > 0 => 0,
                _ if request == libc::FIONREAD as u32 => number.saturating_add(ahead),
                _ => number,
            }))
        })
    }

    /// The free space in the send buffer: its size less the bytes in it.
    pub fn ioctl_space(&self, request: u32) -> Outcome<Result<Value, Failure>, W> {
        self.with_descriptor(|fd, _| {
            let size = sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_SNDBUF)?;
            Ok(Value::Int(i64::from(size - sys::ioctl::int(fd, request)?).max(0)))
        })
    }

    /// A request about an interface. The result is what `read` makes of its `struct ifreq`.
    pub fn ioctl_interface(
        &self,
        request: u32,
        mut ifreq: [u8; IFREQ],
        read: impl Fn(&[u8]) -> Option<Value>,
    ) -> Outcome<Result<Value, Failure>, W> {
        self.with_descriptor(|fd, _| {
            sys::ioctl::ifreq(fd, request, &mut ifreq)?;
            read(&ifreq).ok_or(Errno::new(libc::EINVAL))
        })
    }

    /// Changes a property of an interface.
    pub fn set_interface(&self, request: u32, mut ifreq: [u8; IFREQ]) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| sys::ioctl::ifreq(fd, request, &mut ifreq))
    }

    /// Sets and clears flags of an interface.
    pub fn set_flags(&self, mut ifreq: [u8; IFREQ], set: i32, clear: i32) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| {
            sys::ioctl::ifreq(fd, libc::SIOCGIFFLAGS as u32, &mut ifreq)?;
            let bits = ifreq.get_mut(NAME..NAME + 2).ok_or(Errno::new(libc::EINVAL))?;
            let old =
                i32::from(u16::from_ne_bytes([bits.first().copied().unwrap_or(0), bits.last().copied().unwrap_or(0)]));
            bits.copy_from_slice(&(((old | set) & !clear) as u16).to_ne_bytes());
            sys::ioctl::ifreq(fd, libc::SIOCSIFFLAGS as u32, &mut ifreq)
        })
    }

    /// The interfaces that have an address.
    pub fn interfaces(&self) -> Outcome<Result<Value, Failure>, W> {
        self.with_descriptor(|fd, _| {
            let bytes = sys::ioctl::ifconf(fd, 1024 * IFREQ)?;
            crate::wire::ifreq::interfaces(&bytes).ok_or(Errno::new(libc::EINVAL))
        })
    }

    /// Begins an SCTP association with a host that has several addresses. The result is its number.
    pub fn sctp_connect(&self, addresses: &[u8]) -> Outcome<Result<i32, Failure>, W> {
        self.with_descriptor(|fd, _| sys::option::sctp_connect(fd, addresses))
    }

    /// The addresses of an association, SCTP_GET_LOCAL_ADDRS or SCTP_GET_PEER_ADDRS.
    pub fn sctp_addresses(&self, option: i32, association: i32) -> Outcome<Result<Vec<Address>, Failure>, W> {
        self.with_descriptor(|fd, _| {
            let mut room = sctp::addresses_request(association);
            // The length that the kernel returns leaves out the head of the struct for local addresses. The count in it is right.
            sys::option::get(fd, sctp::LEVEL, option, &mut room)?;
            Ok(sctp::addresses(&room))
        })
    }

    /// Peels off an association: makes a socket for it alone, which inherits the settings.
    pub fn sctp_peeloff(&self, association: i32) -> Outcome<Result<Arc<Self>, Failure>, W> {
        let kind = Kind { kind: libc::SOCK_STREAM, ..self.kind };
        self.with_descriptor(|fd, _| {
            let fd = sys::socket::peel_off(fd, association)?;
            Self::new(fd.into(), kind, Origin::Opened, self.settings.inherited(), true, self.backend)
        })
    }

    /// The inode number of the socket. The owner of a lent descriptor may close it, and its number may then belong to
    /// another file.
    pub fn file(&self) -> Outcome<Result<u64, Failure>, W> {
        self.with_any_descriptor(|fd, _| sys::socket::inode(fd).ok_or(Errno::new(libc::EBADF)))
    }

    /// The number of the descriptor, if it is lent.
    pub fn lent(&self) -> Option<RawFd> {
        let number = if let Origin::Lent(number) = self.origin { Some(number) } else { None };
        number.filter(|_| self.registration.lent())
    }

    /// Whether programs that the node executes inherit the descriptor.
    pub fn inheritable(&self) -> Outcome<Result<bool, Failure>, W> {
        self.with_descriptor(|fd, _| sys::descriptor::inheritable(fd.as_raw_fd()))
    }

    /// Sets whether programs that the node executes inherit the descriptor.
    pub fn set_inheritable(&self, on: bool) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| sys::descriptor::set_inheritable(fd.as_raw_fd(), on))
    }

    /// The number of the descriptor.
    pub fn fd(&self) -> Outcome<Result<RawFd, Failure>, W> {
        self.with_any_descriptor(|fd, _| Ok(fd.as_raw_fd()))
    }
}
