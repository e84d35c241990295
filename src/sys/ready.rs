//! Readiness of a descriptor, poll(2) without waiting.

use super::{Result, check as checked, uninterrupted};
use crate::wire::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Events of poll(2): those that a caller asks for, or those that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// POLLIN: a read would not block
    pub read: bool,
    /// POLLOUT: a write would not block
    pub write: bool,
    /// POLLERR: an error, or an entry of the error queue. Reported without being asked for.
    pub error: bool,
    /// POLLRDHUP if asked for: the peer sends no more. POLLHUP, a hang-up, is reported without being asked for.
    pub hup: bool,
    /// POLLPRI: urgent data, or what the kind of descriptor has in its place
    pub priority: bool,
}

impl Events {
    /// The events of a number: the sum of 1 (read), 2 (write), 4 (error), 8 (hup) and 16 (priority).
    pub fn from_bits(bits: u32) -> Option<Self> {
        let has = |bit| bits & bit != 0;
        (bits < 32).then(|| Self { read: has(1), write: has(2), error: has(4), hup: has(8), priority: has(16) })
    }

    /// The number of the events.
    pub fn bits(self) -> u32 {
        let bit = |is: bool, bit| if is { bit } else { 0 };
        bit(self.read, 1) | bit(self.write, 2) | bit(self.error, 4) | bit(self.hup, 8) | bit(self.priority, 16)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Which of the events there are now, and whether there is an error or a hang-up.
pub fn events_of(fd: BorrowedFd<'_>, asked: Events) -> Result<Events> {
    let flag = |is: bool, flag| if is { flag } else { 0 };
    let events = flag(asked.read, libc::POLLIN)
        | flag(asked.write, libc::POLLOUT)
        | flag(asked.hup, libc::POLLRDHUP)
        | flag(asked.priority, libc::POLLPRI);
    let mut one = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    // SAFETY: the pointer is to one `pollfd`, which outlives the call.
    uninterrupted(|| checked(unsafe { libc::poll(&raw mut one, 1, 0) }))?;
    let has = |flag| one.revents & flag != 0;
    if has(libc::POLLNVAL) {
        return Err(Errno::new(libc::EBADF));
    }
    Ok(Events {
        read: has(libc::POLLIN),
        write: has(libc::POLLOUT),
        error: has(libc::POLLERR),
        hup: has(libc::POLLHUP | libc::POLLRDHUP),
        priority: has(libc::POLLPRI),
    })
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// An attempt would not block.
    Ready,
    /// POLLERR alone: an error of the socket, or an entry of its error queue (MSG_ERRQUEUE).
    Error,
    /// An attempt would block.
    NotReady,
}

/// Checks for data to read if `reading`, else for room to write.
pub fn check(fd: BorrowedFd<'_>, reading: bool) -> Readiness {
    match events(fd, if reading { PollFlags::POLLIN } else { PollFlags::POLLOUT }) {
        Some(flags) if flags.is_empty() => Readiness::NotReady,
        Some(PollFlags::POLLERR) => Readiness::Error,
        _ => Readiness::Ready,
    }
}

/// Whether there is an error, or an entry of the error queue: POLLERR. A hang-up alone (POLLHUP) is neither.
pub fn error(fd: BorrowedFd<'_>) -> bool {
    events(fd, PollFlags::empty()).is_none_or(|flags| flags.contains(PollFlags::POLLERR))
}

/// Whether a read or an accept would not block now: there is data, a connection, an end of file or an error.
pub fn readable(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::POLLIN)
}

/// Whether a write would not block now, or a connect has ended.
pub fn writable(fd: BorrowedFd<'_>) -> bool {
    ready(fd, PollFlags::POLLOUT)
}

/// Whether a peek would see at least this many bytes of a stream, or the stream has ended: the peer has sent all, or there is an
/// error.
pub fn has_bytes(fd: BorrowedFd<'_>, least: usize) -> bool {
    let enough = |count| count >= least.saturating_add(peek_offset(fd));
    ended(fd) || readable(fd) && super::ioctl::pending(fd).map_or(true, enough)
}

/// How many bytes the next peek skips, SO_PEEK_OFF of socket(7); 0 if that is not set.
fn peek_offset(fd: BorrowedFd<'_>) -> usize {
    let offset = super::option::get_int(fd, libc::SOL_SOCKET, libc::SO_PEEK_OFF);
    offset.ok().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0)
}

/// Whether the peer of a stream sends no more: it has closed its side (POLLRDHUP), or there is an error or a hang-up.
pub fn ended(fd: BorrowedFd<'_>) -> bool {
    // poll(2) reports errors and hang-ups without being asked.
    ready(fd, PollFlags::from_bits_retain(libc::POLLRDHUP))
}

fn ready(fd: BorrowedFd<'_>, asked: PollFlags) -> bool {
    events(fd, asked).is_none_or(|flags| !flags.is_empty())
}

/// What poll(2) reports of these events, and of errors and hang-ups. `None`: the call failed. The descriptor counts as ready then,
/// and the next attempt meets the error.
fn events(fd: BorrowedFd<'_>, asked: PollFlags) -> Option<PollFlags> {
    let mut one = [PollFd::new(fd, asked)];
    poll(&mut one, PollTimeout::ZERO).ok()?;
    // POLLRDHUP has no name in nix: `any` would lose it.
    one.first().map(|one| one.revents().unwrap_or(PollFlags::POLLHUP))
}
