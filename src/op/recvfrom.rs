//! Receive with the sender's address, recvfrom(2).

use super::{Attempt, Op, Room, blocked, bypasses_stream, copy_buffered, discarded, room, sender};
use crate::lane::Claim;
use crate::op::Want;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// Receives into `room`.
pub struct RecvFrom<'r, R> {
    /// The receive buffer.
    pub room: &'r mut R,
    /// The maximum in bytes.
    pub len: usize,
    /// MSG_*
    pub flags: i32,
}

impl<R: Room> Op for RecvFrom<'_, R> {
    /// How many bytes of the buffer were filled, and the sender's address.
    type Done = (usize, Raw);
    const CLAIM: Claim = Claim::Read;
    const USES_RING: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<(usize, Raw)> {
        let Some(mut space) = room(self.room, fd, kind, self.len, self.flags) else {
            return Attempt::NoMemory;
        };
        let mut from = Raw::default();
        match sys::io::recvfrom(fd, &mut space, self.flags, &mut from) {
            Ok(0) if kind.stream() => Attempt::Closed,
            Ok(got) => Attempt::Done((got, from)),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn want(&self) -> Option<Want> {
        (!bypasses_stream(self.flags)).then_some(Want {
            least: 1,
            most: self.len,
            peek: self.flags & libc::MSG_PEEK != 0,
            unbounded: false,
        })
    }

    fn copy_buffered(
        &mut self,
        bytes: &VecDeque<u8>,
        len: usize,
        fd: BorrowedFd<'_>,
        kind: Kind,
    ) -> Attempt<(usize, Raw)> {
        match copy_buffered(self.room, bytes, len, discarded(kind, self.flags)) {
            Some(got) => Attempt::Done((got, sender(fd, kind))),
            None => Attempt::NoMemory,
        }
    }

    fn bytes((got, _): &(usize, Raw)) -> usize {
        *got
    }
}
