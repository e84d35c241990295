//! The life of a descriptor: socket(2), bind(2), connect(2), listen(2), accept4(2), shutdown(2) and close(2).

use super::{Result, check, uninterrupted};
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

/// The flags of every socket that esock creates.
const FLAGS: i32 = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;

/// socket(2): close-on-exec and non-blocking.
pub fn open(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: no pointers.
    let fd = check(unsafe { libc::socket(domain, kind | FLAGS, protocol) })?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// socket(2) in the network namespace at a path, setns(2). It runs in a new thread, which then ends: a namespace is an
/// attribute of a thread, and the calling thread must keep its own.
pub fn open_in(netns: &std::ffi::OsStr, domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    let failed = |error: &std::io::Error| Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
    // Non-blocking: the path may be that of a FIFO.
    let mut options = std::fs::OpenOptions::new();
    let namespace = options.read(true).custom_flags(libc::O_NONBLOCK).open(netns).map_err(|error| failed(&error))?;
    let inside = std::thread::Builder::new().spawn(move || {
        // SAFETY: no pointers.
        check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })?;
        open(domain, kind, protocol)
    });
    match inside.map_err(|error| failed(&error))?.join() {
        Ok(result) => result,
        Err(_) => Err(Errno::new(libc::EIO)),
    }
}

/// Duplicates a descriptor, fcntl(2) with F_DUPFD_CLOEXEC. Both refer to the same open file.
pub fn dup(fd: RawFd) -> Result<OwnedFd> {
    // SAFETY: no pointers; for a number that is not a descriptor the call fails.
    let fd = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The inode number of a descriptor's file, fstat(2). No two open sockets have the same one.
pub fn inode(fd: BorrowedFd<'_>) -> Option<u64> {
    nix::sys::stat::fstat(fd).ok().map(|stat| stat.st_ino)
}

/// A descriptor that is owned, or lent by another part of the program. Only an owned one is closed.
pub struct MaybeOwnedFd(State);

enum State {
    Owned(OwnedFd),
    /// Stays open.
    Lent(ManuallyDrop<OwnedFd>),
}

impl MaybeOwnedFd {
    /// A lent descriptor, by its number. Dropping this value leaves it open. The lender must leave it open for as long as this
    /// value lives.
    pub fn lent(number: RawFd) -> Result<Self> {
        // SAFETY: no pointers.
        check(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
        // SAFETY: the call above has shown that the number is a descriptor, and `ManuallyDrop` does not close it.
        Ok(Self(State::Lent(ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) }))))
    }

    /// The same descriptor, owned from now on: the lender has given it away.
    pub fn into_owned(self) -> Self {
        match self.0 {
            State::Lent(fd) => Self(State::Owned(ManuallyDrop::into_inner(fd))),
            owned => Self(owned),
        }
    }

    /// Whether [`MaybeOwnedFd::close`], or dropping this value, closes it.
    pub fn owned(&self) -> bool {
        matches!(self.0, State::Owned(_))
    }

    /// The number. The descriptor is not closed, owned or not.
    pub fn into_number(self) -> RawFd {
        match self.0 {
            State::Owned(fd) => fd.into_raw_fd(),
            State::Lent(fd) => fd.as_raw_fd(),
        }
    }

    /// close(2), if the descriptor is owned. Even if that fails the descriptor is released, and must not be closed again.
    pub fn close(self) -> Result<()> {
        match self.0 {
            // SAFETY: the descriptor had one owner, and has none after `into_raw_fd`.
            State::Owned(fd) => check(unsafe { libc::close(fd.into_raw_fd()) }).map(drop),
            State::Lent(_) => Ok(()),
        }
    }
}

impl From<OwnedFd> for MaybeOwnedFd {
    fn from(fd: OwnedFd) -> Self {
        Self(State::Owned(fd))
    }
}

impl AsFd for MaybeOwnedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            State::Owned(fd) => fd.as_fd(),
            State::Lent(fd) => fd.as_fd(),
        }
    }
}

/// Moves one association to a socket of its own, SCTP_SOCKOPT_PEELOFF_FLAGS: close-on-exec and non-blocking.
pub fn peel_off(fd: BorrowedFd<'_>, association: i32) -> Result<OwnedFd> {
    // A `sctp_peeloff_flags_arg_t`: the association, room for the new descriptor, and the flags of that descriptor.
    let mut request = [association, -1, FLAGS];
    let mut len = size_of_val(&request) as libc::socklen_t;
    let (level, option) = (crate::wire::sctp::LEVEL, crate::wire::sctp::PEELOFF);
    // SAFETY: pointer and length are those of a local array.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, request.as_mut_ptr().cast(), &raw mut len) })?;
    let [_, new, _] = request;
    if new < 0 {
        return Err(Errno::new(libc::EBADF));
    }
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// A pair of connected Unix stream sockets, socketpair(2).
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    pair_of(libc::AF_UNIX, libc::SOCK_STREAM, 0)
}

/// A pair of connected sockets, socketpair(2): close-on-exec and non-blocking.
pub fn pair_of(domain: i32, kind: i32, protocol: i32) -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: the array has room for two descriptors.
    check(unsafe { libc::socketpair(domain, kind | FLAGS, protocol, fds.as_mut_ptr()) })?;
    // SAFETY: the descriptors are new, so nothing else owns them.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// bind(2)
pub fn bind(fd: BorrowedFd<'_>, addr: &Raw) -> Result<()> {
    let bytes = addr.as_bytes();
    // SAFETY: pointer and length are those of a slice.
    check(unsafe { libc::bind(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as libc::socklen_t) })?;
    Ok(())
}

/// connect(2). A connect that a signal interrupts goes on like a non-blocking one, so EINTR becomes EINPROGRESS.
pub fn connect(fd: BorrowedFd<'_>, addr: &Raw) -> Result<()> {
    let bytes = addr.as_bytes();
    // SAFETY: pointer and length are those of a slice.
    let answer = check(unsafe { libc::connect(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as libc::socklen_t) });
    answer.map(drop).map_err(|errno| match errno.number() {
        libc::EINTR => Errno::new(libc::EINPROGRESS),
        _ => errno,
    })
}

/// listen(2)
pub fn listen(fd: BorrowedFd<'_>, backlog: i32) -> Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) })?;
    Ok(())
}

/// accept4(2): close-on-exec and non-blocking.
pub fn accept(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let null = std::ptr::null_mut();
    // SAFETY: with null pointers the kernel does not write the peer's address.
    let fd = uninterrupted(|| check(unsafe { libc::accept4(fd.as_raw_fd(), null, null.cast(), FLAGS) }))?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// accept4(2) with the address of the peer: close-on-exec and non-blocking.
pub fn accept_from(fd: BorrowedFd<'_>) -> Result<(OwnedFd, Raw)> {
    let mut from = Raw::default();
    let mut len = 0;
    let accepted = uninterrupted(|| {
        len = crate::wire::addr::STORAGE as libc::socklen_t;
        let address = from.storage().as_mut_ptr().cast();
        // SAFETY: the call writes at most `len` bytes of an address, to a local buffer of that size.
        check(unsafe { libc::accept4(fd.as_raw_fd(), address, &raw mut len, FLAGS) })
    })?;
    from.set_len(len as usize);
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok((unsafe { OwnedFd::from_raw_fd(accepted) }, from))
}

/// How many connections wait to be accepted: `tcpi_unacked` of a listener's TCP_INFO, tcp(7). `None` for other sockets.
pub fn backlog(fd: BorrowedFd<'_>) -> Option<u32> {
    const UNACKED: usize = std::mem::offset_of!(libc::tcp_info, tcpi_unacked);
    let mut info = [0; UNACKED + 4];
    let listens = super::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN).is_ok_and(|on| on != 0);
    let known = listens && super::option::get(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info).is_ok();
    info.last_chunk().filter(|_| known).map(|count| u32::from_ne_bytes(*count))
}

/// shutdown(2)
pub fn shutdown(fd: BorrowedFd<'_>, how: i32) -> Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), how) })?;
    Ok(())
}

type NameCall = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

/// getsockname(2)
pub fn sockname(fd: BorrowedFd<'_>) -> Result<Raw> {
    name(fd, libc::getsockname)
}

/// getpeername(2)
pub fn peername(fd: BorrowedFd<'_>) -> Result<Raw> {
    name(fd, libc::getpeername)
}

fn name(fd: BorrowedFd<'_>, call: NameCall) -> Result<Raw> {
    let mut raw = Raw::default();
    let mut len = crate::wire::addr::STORAGE as libc::socklen_t;
    // SAFETY: the call writes at most `len` bytes of an address, to a local buffer of that size.
    check(unsafe { call(fd.as_raw_fd(), raw.storage().as_mut_ptr().cast(), &raw mut len) })?;
    raw.set_len(len as usize);
    Ok(raw)
}
