//! The life of a descriptor: socket(2), bind(2), connect(2), listen(2), accept4(2), shutdown(2), close(2).

use super::{Result, check, uninterrupted};
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// What every descriptor of ours is.
const FLAGS: i32 = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;

/// socket(2), with CLOEXEC and without blocking.
pub fn open(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: no pointers.
    let fd = check(unsafe { libc::socket(domain, kind | FLAGS, protocol) })?;
    // SAFETY: the descriptor is new, so it is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// socket(2) in the network namespace behind a path, setns(2). On a thread of its own, which ends: a namespace belongs
/// to a thread, and no other thread may be moved.
pub fn open_in(netns: &std::ffi::OsStr, domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    let failed = |error: &std::io::Error| Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
    let namespace = std::fs::File::open(netns).map_err(|error| failed(&error))?;
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

/// A new descriptor, with CLOEXEC, for the open socket behind `fd`, fcntl(2) F_DUPFD_CLOEXEC.
pub fn dup(fd: RawFd) -> Result<OwnedFd> {
    // SAFETY: no pointers; a number that is not a descriptor is an error of the call.
    let fd = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is new, so it is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Which file is behind a descriptor, fstat(2): no two open sockets have the same number.
pub fn inode(fd: BorrowedFd<'_>) -> Option<u64> {
    nix::sys::stat::fstat(fd).ok().map(|stat| stat.st_ino)
}

/// A descriptor that is used, and closed only if it is ours.
pub struct MaybeOwnedFd(State);

enum State {
    Ours(OwnedFd),
    /// Somebody else's: it stays open.
    Lent(ManuallyDrop<OwnedFd>),
}

impl MaybeOwnedFd {
    /// One that somebody else has opened, and lends us by its number: it is not closed, whatever becomes of this. Who lends it
    /// leaves it open for as long.
    pub fn lent(number: RawFd) -> Result<Self> {
        // SAFETY: no pointers.
        check(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
        // SAFETY: the number is a descriptor, as the call above said, and nothing here closes it.
        Ok(Self(State::Lent(ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) }))))
    }

    /// The same descriptor, which is ours from now on: whoever lent it has given it away.
    pub fn into_owned(self) -> Self {
        match self.0 {
            State::Lent(fd) => Self(State::Ours(ManuallyDrop::into_inner(fd))),
            ours => Self(ours),
        }
    }

    /// Whether it is closed in the end.
    pub fn owned(&self) -> bool {
        matches!(self.0, State::Ours(_))
    }

    /// close(2), if it is ours. Whatever that answers, the descriptor is gone: it must not be closed again.
    pub fn close(self) -> Result<()> {
        match self.0 {
            // SAFETY: the descriptor was ours alone and nobody has it after `into_raw_fd`.
            State::Ours(fd) => check(unsafe { libc::close(fd.into_raw_fd()) }).map(drop),
            State::Lent(_) => Ok(()),
        }
    }
}

impl From<OwnedFd> for MaybeOwnedFd {
    fn from(fd: OwnedFd) -> Self {
        Self(State::Ours(fd))
    }
}

impl AsFd for MaybeOwnedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            State::Ours(fd) => fd.as_fd(),
            State::Lent(fd) => fd.as_fd(),
        }
    }
}

/// A socket of its own for one association, SCTP_SOCKOPT_PEELOFF_FLAGS, with CLOEXEC and without blocking.
pub fn peel_off(fd: BorrowedFd<'_>, association: i32) -> Result<OwnedFd> {
    // A `sctp_peeloff_flags_arg_t`: the association, room for the descriptor, and the flags it is to have.
    let mut request = [association, -1, FLAGS];
    let mut len = size_of_val(&request) as libc::socklen_t;
    let (level, option) = (crate::wire::sctp::LEVEL, crate::wire::sctp::PEELOFF);
    // SAFETY: pointer and length are those of an array that is ours alone.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, request.as_mut_ptr().cast(), &raw mut len) })?;
    let [_, new, _] = request;
    if new < 0 {
        return Err(Errno::new(libc::EBADF));
    }
    // SAFETY: the descriptor is new, so it is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// Has calls on this descriptor answer EAGAIN where they would block.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no pointers.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    // SAFETY: no pointers.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
    Ok(())
}

/// Two Unix streams that are connected, socketpair(2).
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: room for two.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | FLAGS, 0, fds.as_mut_ptr()) })?;
    // SAFETY: the descriptors are new, so they are ours alone.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// bind(2)
pub fn bind(fd: BorrowedFd<'_>, addr: &Raw) -> Result<()> {
    let bytes = addr.as_bytes();
    // SAFETY: pointer and length are those of a slice.
    check(unsafe { libc::bind(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as libc::socklen_t) })?;
    Ok(())
}

/// connect(2). One that a signal interrupts goes on, as one that does not wait does: that is EINPROGRESS.
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

/// accept4(2), with CLOEXEC and without blocking.
pub fn accept(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let null = std::ptr::null_mut();
    // SAFETY: with null pointers the peer's address is not asked for.
    let fd = uninterrupted(|| check(unsafe { libc::accept4(fd.as_raw_fd(), null, null.cast(), FLAGS) }))?;
    // SAFETY: the descriptor is new, so it is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// How many connections wait to be accepted, tcp(7): what TCP_INFO of a listener says, and only that of TCP.
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
    // SAFETY: the call writes no more than `len` bytes of an address to memory that is ours alone.
    check(unsafe { call(fd.as_raw_fd(), raw.storage().as_mut_ptr().cast(), &raw mut len) })?;
    raw.set_len(len as usize);
    Ok(raw)
}
