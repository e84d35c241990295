//! A look at whether a descriptor is ready, poll(2).

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::BorrowedFd;

/// Whether a read (or an accept) would get something now: data, an end of file or an error.
pub fn readable(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::POLLIN)
}

/// Whether a write would get on now, or a connect has come to its end.
pub fn writable(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::POLLOUT)
}

fn ready(fd: BorrowedFd<'_>, what: PollFlags) -> bool {
    // A poll that fails says "ready": the attempt that follows finds out.
    poll(&mut [PollFd::new(fd, what)], PollTimeout::ZERO).map_or(true, |count| count > 0)
}
