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
    /// Whether this thread may be held for as long as it takes to copy much.
    pub apart: bool,
    /// What was received, where that is so much that it is not in the room yet: it is to be copied there.
    pub taken: Option<VecDeque<u8>>,
}

impl<R: Room> Recv<'_, R> {
    /// Whether so much is a part. What MSG_TRUNC discards is not counted up.
    fn part(&self, got: usize, kind: Kind) -> bool {
        self.exact && kind.stream() && got < self.len && self.flags & libc::MSG_TRUNC == 0
    }
}

impl<R: Room> Op for Recv<'_, R> {
    /// How many bytes of the room were filled.
    type Done = usize;
    const CLAIM: Claim = Claim::Read;
    const AHEAD: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        let Some(mut space) = room(self.room, fd, kind, self.len, self.flags) else {
            return Attempt::NoMemory;
        };
        match sys::io::recv(fd, &mut space, self.flags) {
            Ok(0) if kind.stream() => Attempt::Closed,
            // Of what is beside the stream nothing is gathered.
            Ok(got) if self.part(got, kind) && !self.whole => Attempt::Partial(got),
            Ok(got) => Attempt::Done(got),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn want(&self) -> Option<Want> {
        let whole = self.exact && self.whole && self.flags & libc::MSG_TRUNC == 0;
        let least = if whole { self.len } else { 1 };
        (!beside_the_stream(self.flags)).then_some(Want {
            least,
            most: self.len,
            peek: self.flags & libc::MSG_PEEK != 0,
            apart: self.apart,
        })
    }

    fn give(&mut self, bytes: &VecDeque<u8>, len: usize, _: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        match give(self.room, bytes, len, discarded(kind, self.flags)) {
            Some(got) if self.part(got, kind) => Attempt::Partial(got),
            Some(got) => Attempt::Done(got),
            None => Attempt::NoMemory,
        }
    }

    fn take(&mut self, bytes: &mut VecDeque<u8>, len: usize) -> Attempt<usize> {
        let len = len.min(bytes.len());
        // They stay where there is no memory for what is made of them.
        let Some(mut space) = self.room.room(len) else {
            return Attempt::NoMemory;
        };
        if bytes.len() - len > len {
            // To move what stays would cost more.
            space.copy(bytes, len);
            bytes.drain(..len);
        } else {
            let rest = bytes.split_off(len);
            self.taken = Some(std::mem::replace(bytes, rest));
        }
        if len < self.len { Attempt::Partial(len) } else { Attempt::Done(len) }
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
