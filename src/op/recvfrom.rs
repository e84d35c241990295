//! Receive, and learn from whom, recvfrom(2).

use super::{Attempt, Op, Room, blocked, cleared, discarded, room};
use crate::addr::Raw;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::os::fd::BorrowedFd;

/// Receives into `room`.
pub struct RecvFrom<'r, R> {
    /// Where the bytes go.
    pub room: &'r mut R,
    /// How many at the most.
    pub len: usize,
    /// MSG_*
    pub flags: i32,
}

impl<R: Room> Op for RecvFrom<'_, R> {
    /// How many bytes of the room were filled, and who sent them.
    type Done = (usize, Raw);
    const CLAIM: Claim = Claim::Read;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<(usize, Raw)> {
        let Some(buf) = room(self.room, fd, self.len) else {
            return Attempt::NoMemory;
        };
        let mut from = Raw::default();
        match sys::io::recvfrom(fd, buf, self.flags, &mut from) {
            Ok(0) if kind.stream() => Attempt::Closed,
            Ok(got) if discarded(kind, self.flags) => Attempt::Done((cleared(buf, got), from)),
            Ok(got) => Attempt::Done((got.min(buf.len()), from)),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes((got, _): &(usize, Raw)) -> usize {
        *got
    }
}
