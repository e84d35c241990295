//! Socket options: setting and reading, and the interfaces that a value names.

use crate::lane::Wake;
use crate::socket::answer::Failure;
use crate::socket::{Outcome, Socket};
use crate::sys;
use crate::table::option::MCAST;
use crate::wire::codec::Codec;
use crate::wire::errno::Errno;
use crate::wire::tls;
use crate::wire::value::Value;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::Relaxed;

/// Options that change what a receive returns, or that add something to it.
const RECEIVED_WITH: &[(i32, i32)] = &[
    (libc::SOL_SOCKET, libc::SO_OOBINLINE),
    (libc::SOL_SOCKET, libc::SO_RCVLOWAT),
    (libc::SOL_SOCKET, libc::SO_TIMESTAMP),
    (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS),
    (libc::SOL_SOCKET, libc::SO_TIMESTAMPING),
    // The forms of these three with 64 bits for the time, and SO_RCVMARK and SO_RCVPRIORITY.
    (libc::SOL_SOCKET, 63),
    (libc::SOL_SOCKET, 64),
    (libc::SOL_SOCKET, 65),
    (libc::SOL_SOCKET, 75),
    (libc::SOL_SOCKET, 82),
    (libc::IPPROTO_TCP, libc::TCP_ULP),
    // A receive in repair mode reads a queue that TCP_REPAIR_QUEUE selects.
    (libc::IPPROTO_TCP, libc::TCP_REPAIR),
    (libc::IPPROTO_TCP, libc::TCP_REPAIR_QUEUE),
    // TLS_RX: receives decrypt.
    (282, 2),
];

impl<W: Wake> Socket<W> {
    /// Whether an option may be set now; if not, the caller is to ask again. An option that changes what a receive
    /// returns is not known to a ring: the ring that receives has to release the descriptor first, and no ring
    /// receives for this socket again.
    pub fn may_set(&self, level: i32, option: i32) -> bool {
        match (level, option) {
            // SO_PEEK_OFF is an offset in the kernel's queue, and TCP_INQ its length, so bytes must not be read ahead of it.
            (libc::SOL_SOCKET, libc::SO_PEEK_OFF) | (libc::IPPROTO_TCP, libc::TCP_INQ) => self.share(),
            with => !RECEIVED_WITH.contains(&with) || self.leave_ring(),
        }
    }

    /// setsockopt(2)
    pub fn set_option(&self, level: i32, option: i32, value: &[u8]) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| {
            sys::option::set(fd, level, option, value)?;
            self.has_set(level, option, value);
            Ok(())
        })
    }

    /// setsockopt(2) of a value with its codec. The names of interfaces in it are those of the socket's network
    /// namespace.
    pub fn set_value(&self, level: i32, option: i32, codec: Codec, value: Value) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| {
            let bytes = encoded(fd, codec, value)?;
            let level = if level == MCAST { group_level(&bytes) } else { level };
            match codec {
                Codec::Program => sys::option::set_program(fd, level, option, &bytes)?,
                _ => sys::option::set(fd, level, option, &bytes)?,
            }
            self.has_set(level, option, &bytes);
            Ok(())
        })
    }

    /// Checks that a value can be encoded: each interface that it names is there.
    pub fn check_value(&self, codec: Codec, value: Value) -> Outcome<Result<(), Failure>, W> {
        self.with_descriptor(|fd, _| encoded(fd, codec, value).map(drop))
    }

    /// The index of an interface by its name, in the network namespace of the socket.
    pub fn interface_index(&self, name: &[u8]) -> Outcome<Result<i32, Failure>, W> {
        self.with_descriptor(|fd, _| sys::ioctl::interface_index(fd, name))
    }

    /// Keeps what the library has to know of an option that has been set.
    fn has_set(&self, level: i32, option: i32, value: &[u8]) {
        if (level, option) == (libc::SOL_SOCKET, libc::SO_LINGER) {
            // A linger that is off, or that has a time of 0 seconds (a reset), does not block.
            self.lingers.store(value.first_chunk::<4>() != Some(&[0; 4]) && value.get(4..) != Some(&[0; 4]), Relaxed);
        }
        if (level, option) == (libc::IPPROTO_UDP, libc::UDP_GRO) {
            self.settings.gro.store(value.first_chunk::<4>() != Some(&[0; 4]), Relaxed);
        }
    }

    /// getsockopt(2) of a value with its codec.
    pub fn value(&self, level: i32, option: i32, codec: Codec) -> Outcome<Result<Vec<u8>, Failure>, W> {
        match codec {
            // The kernel refuses a buffer that is longer than the address.
            _ if (level, option) == (libc::SOL_SOCKET, libc::SO_PEERNAME) => {
                self.with_descriptor(|fd, _| Ok(sys::socket::peername(fd)?.as_bytes().to_vec()))
            }
            Codec::Program => self.with_descriptor(|fd, _| sys::option::program(fd, level, option)),
            Codec::Tls => self.with_descriptor(|fd, _| {
                // The kernel asks for the size of the struct of the cipher, which the header has.
                let mut header = [0; tls::HEADER];
                sys::option::get(fd, level, option, &mut header)?;
                let mut value = tls::size(&header).map_or_else(|| header.to_vec(), |size| vec![0; size]);
                sys::option::get(fd, level, option, &mut value)?;
                Ok(value)
            }),
            _ => self.option(level, option, codec.size()),
        }
    }

    /// getsockopt(2): the first `size` bytes of the value.
    pub fn option(&self, level: i32, option: i32, size: usize) -> Outcome<Result<Vec<u8>, Failure>, W> {
        self.option_into(level, option, vec![0; size])
    }

    /// getsockopt(2) into the bytes of a request, which the kernel reads first. The names of interfaces in it are those
    /// of the socket's network namespace.
    pub fn value_of(
        &self,
        level: i32,
        option: i32,
        codec: Codec,
        request: Value,
    ) -> Outcome<Result<Vec<u8>, Failure>, W> {
        self.with_descriptor(|fd, _| {
            let request = request.resolved(&|name| sys::ioctl::interface_index(fd, name))?;
            let mut value = codec.request(&request).ok_or(Errno::new(libc::EINVAL))?;
            let level = if level == MCAST { group_level(&value) } else { level };
            let len = sys::option::get(fd, level, option, &mut value)?;
            value.truncate(len);
            Ok(value)
        })
    }

    /// getsockopt(2) into `value`, whose bytes the kernel may read first.
    pub fn option_into(&self, level: i32, option: i32, mut value: Vec<u8>) -> Outcome<Result<Vec<u8>, Failure>, W> {
        self.with_descriptor(|fd, _| {
            // SO_GET_FILTER counts in instructions: a length in bytes would have the kernel write past the room.
            if (level, option) == (libc::SOL_SOCKET, libc::SO_GET_FILTER) {
                let program = sys::option::program(fd, level, option)?;
                return if program.len() <= value.len() { Ok(program) } else { Err(Errno::new(libc::EINVAL)) };
            }
            let len = sys::option::get(fd, level, option, &mut value)?;
            value.truncate(len);
            if (level, option) == (libc::SOL_SOCKET, libc::SO_ERROR) && value.iter().all(|byte| *byte == 0) {
                self.fill_pending_error(&mut value);
            }
            Ok(value)
        })
    }

    /// Fills in an error that a ring or an earlier call has taken from the socket: SO_ERROR reports it, once.
    fn fill_pending_error(&self, value: &mut [u8]) {
        let errno = self.pending_error.take().or_else(|| self.ahead.as_ref().and_then(|ahead| ahead.take_error()));
        if let (Some(errno), Some(bytes)) = (errno, value.first_chunk_mut()) {
            *bytes = errno.number().to_ne_bytes();
        }
    }
}

/// The bytes of a value, with the index of each interface that it names.
fn encoded(fd: BorrowedFd<'_>, codec: Codec, value: Value) -> sys::Result<Vec<u8>> {
    let value = value.resolved(&|name| sys::ioctl::interface_index(fd, name))?;
    codec.write(&value).ok_or(Errno::new(libc::EINVAL))
}

/// The level of an option of RFC 3678: that of the group's address, which follows the index of the interface.
fn group_level(bytes: &[u8]) -> i32 {
    let family = bytes.get(8..).and_then(|rest| rest.first_chunk::<2>()).map(|family| u16::from_ne_bytes(*family));
    if family == Some(libc::AF_INET6 as u16) { libc::IPPROTO_IPV6 } else { libc::IPPROTO_IP }
}
