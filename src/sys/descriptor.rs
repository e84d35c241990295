//! Descriptors by their number: flags with fcntl(2), what kind of socket one is, close(2).

use super::{Result, check};
use crate::sys::kind::Kind;
use crate::sys::option::get_int;
use crate::sys::socket::MaybeOwnedFd;
use std::os::fd::{AsFd, RawFd};

/// Whether programs that the node executes inherit the descriptor: it is not close-on-exec.
pub fn inheritable(number: RawFd) -> Result<bool> {
    // SAFETY: no pointers; for a number that is not a descriptor the call fails.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
    Ok(flags & libc::FD_CLOEXEC == 0)
}

/// Sets whether programs that the node executes inherit the descriptor.
pub fn set_inheritable(number: RawFd, on: bool) -> Result<()> {
    // SAFETY: no pointers; for a number that is not a descriptor the call fails.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
    let flags = if on { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
    // SAFETY: no pointers.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, flags) }).map(drop)
}

/// Whether calls on the open file that would block return EAGAIN (O_NONBLOCK).
pub fn nonblocking(number: RawFd) -> Result<bool> {
    // SAFETY: no pointers; for a number that is not a descriptor the call fails.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFL) })?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

/// Sets whether calls on the open file that would block return EAGAIN. All duplicates of the descriptor share this.
pub fn set_nonblocking(number: RawFd, on: bool) -> Result<()> {
    // SAFETY: no pointers; for a number that is not a descriptor the call fails.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFL) })?;
    let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: no pointers.
    check(unsafe { libc::fcntl(number, libc::F_SETFL, flags) }).map(drop)
}

/// Domain, type and protocol of a descriptor. ENOTSOCK if it is not one of a socket, EBADF if it is not open.
pub fn kind(number: RawFd) -> Result<Kind> {
    let lent = MaybeOwnedFd::lent(number)?;
    let get = |option| get_int(lent.as_fd(), libc::SOL_SOCKET, option);
    Ok(Kind { domain: get(libc::SO_DOMAIN)?, kind: get(libc::SO_TYPE)?, protocol: get(libc::SO_PROTOCOL)? })
}

/// close(2) by number. The caller has made sure that no socket of ours has the number.
pub fn close(number: RawFd) -> Result<()> {
    // SAFETY: no pointers. The number is not that of a descriptor that the core owns.
    check(unsafe { libc::close(number) }).map(drop)
}
