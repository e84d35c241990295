//! Receive, and learn from whom, recvfrom(2).

use super::{Attempt, Op, Room, beside_the_stream, blocked, cleared, copied, discarded, room, sender};
use crate::addr::Raw;
use crate::ahead::Want;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::collections::VecDeque;
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
    const AHEAD: bool = true;

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

    fn want(&self) -> Option<Want> {
        (!beside_the_stream(self.flags)).then_some(Want {
            least: 1,
            most: self.len,
            peek: self.flags & libc::MSG_PEEK != 0,
        })
    }

    fn give(&mut self, bytes: &VecDeque<u8>, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<(usize, Raw)> {
        let Some(buf) = self.room.room(self.len.min(bytes.len())) else {
            return Attempt::NoMemory;
        };
        let got = copied(bytes, buf);
        let got = if discarded(kind, self.flags) { cleared(buf, got) } else { got };
        Attempt::Done((got, sender(fd, kind)))
    }

    fn bytes((got, _): &(usize, Raw)) -> usize {
        *got
    }
}
