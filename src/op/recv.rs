//! Receive from a connected socket, recv(2).

use super::{Attempt, Op, Room, beside_the_stream, blocked, discarded, give, room};
use crate::ahead::Want;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// Receives into `room`.
pub struct Recv<'r, R> {
    /// Where the bytes go.
    pub room: &'r mut R,
    /// How many at the most.
    pub len: usize,
    /// Whether a stream is to give exactly so many: fewer are a part then.
    pub exact: bool,
    /// Whether it is answered only when all of that is there.
    pub whole: bool,
    /// MSG_*
    pub flags: i32,
}

impl<R: Room> Op for Recv<'_, R> {
    /// How many bytes of the room were filled.
    type Done = usize;
    const CLAIM: Claim = Claim::Read;
    const AHEAD: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        let Some(mut space) = room(self.room, fd, self.len) else {
            return Attempt::NoMemory;
        };
        match sys::io::recv(fd, &mut space, self.flags) {
            Ok(0) if kind.stream() => Attempt::Closed,
            Ok(got) if self.exact && kind.stream() && got < self.len && !discarded(kind, self.flags) => {
                Attempt::Partial(got)
            }
            Ok(got) => Attempt::Done(got),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn want(&self) -> Option<Want> {
        // What MSG_TRUNC discards is not counted up.
        let whole = self.exact && self.whole && self.flags & libc::MSG_TRUNC == 0;
        let least = if whole { self.len } else { 1 };
        (!beside_the_stream(self.flags)).then_some(Want {
            least,
            most: self.len,
            peek: self.flags & libc::MSG_PEEK != 0,
        })
    }

    fn give(&mut self, bytes: &VecDeque<u8>, _: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        match give(self.room, bytes, self.len, discarded(kind, self.flags)) {
            Some(got) if self.exact && got < self.len && !discarded(kind, self.flags) => Attempt::Partial(got),
            Some(got) => Attempt::Done(got),
            None => Attempt::NoMemory,
        }
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
