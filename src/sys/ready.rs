//! A look at whether a descriptor is ready, poll(2).

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::BorrowedFd;

/// What a look finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Something: an attempt gets it.
    Ready,
    /// An error, which may be one that is queued for another look (MSG_ERRQUEUE).
    Error,
    /// Nothing.
    NotReady,
}

/// Looks for something to read, or else for room to write.
pub fn check(fd: BorrowedFd<'_>, reading: bool) -> Readiness {
    let mut one = [PollFd::new(fd, if reading { PollFlags::POLLIN } else { PollFlags::POLLOUT })];
    let found = poll(&mut one, PollTimeout::ZERO);
    let flags = one.first().and_then(PollFd::revents).unwrap_or(PollFlags::empty());
    match found {
        Ok(0) => Readiness::NotReady,
        Ok(_) if flags == PollFlags::POLLERR => Readiness::Error,
        // A poll that fails says that there is something: the attempt that follows finds out.
        _ => Readiness::Ready,
    }
}

/// Whether there is an error.
pub fn error(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::empty())
}

/// Whether a read (or an accept) would get something now: data, an end of file or an error.
pub fn readable(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::POLLIN)
}

/// Whether a write would get on now, or a connect has come to its end.
pub fn writable(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::POLLOUT)
}

/// Whether a stream has so much to look at, or has come to its end: the peer has sent all, or an error has ended it.
pub fn has_bytes(fd: BorrowedFd<'_>, least: usize) -> bool {
    let enough = |count| count >= least.saturating_add(peek_offset(fd));
    ended(fd) || readable(fd) && super::ioctl::pending(fd).map_or(true, enough)
}

/// How far looks have come, SO_PEEK_OFF of socket(7).
fn peek_offset(fd: BorrowedFd<'_>) -> usize {
    let offset = super::option::get_int(fd, libc::SOL_SOCKET, libc::SO_PEEK_OFF);
    offset.ok().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0)
}

/// Whether nothing more comes from the peer of a stream.
pub fn ended(fd: BorrowedFd<'_>) -> bool {
    let mut one = [PollFd::new(fd, PollFlags::from_bits_retain(libc::POLLRDHUP))];
    // Errors are told unasked.
    poll(&mut one, PollTimeout::ZERO).map_or(true, |count| count > 0)
}

fn ready(fd: BorrowedFd<'_>, what: PollFlags) -> bool {
    // A poll that fails says "ready": the attempt that follows finds out.
    poll(&mut [PollFd::new(fd, what)], PollTimeout::ZERO).map_or(true, |count| count > 0)
}
