//! Receive from a connected socket, recv(2).

use super::{Attempt, Op, Room, blocked, cleared, discarded, room};
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::os::fd::BorrowedFd;

/// Receives into `room`.
pub struct Recv<'r, R> {
    /// Where the bytes go.
    pub room: &'r mut R,
    /// How many at the most.
    pub len: usize,
    /// Whether a stream is to give exactly so many: fewer are a part then.
    pub exact: bool,
    /// MSG_*
    pub flags: i32,
}

impl<R: Room> Op for Recv<'_, R> {
    /// How many bytes of the room were filled.
    type Done = usize;
    const CLAIM: Claim = Claim::Read;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        let Some(buf) = room(self.room, fd, self.len) else {
            return Attempt::NoMemory;
        };
        match sys::io::recv(fd, buf, self.flags) {
            Ok(0) if kind.stream() => Attempt::Closed,
            Ok(got) if discarded(kind, self.flags) => Attempt::Done(cleared(buf, got)),
            Ok(got) if self.exact && kind.stream() && got < self.len => Attempt::Partial(got),
            // MSG_TRUNC tells of more than was written.
            Ok(got) => Attempt::Done(got.min(buf.len())),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
