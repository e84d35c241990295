//! Receive a message with its sender's address and control messages, recvmsg(2).

use super::{Attempt, Op, Room, blocked, bypasses_stream, copy_buffered, discarded, room, sender};
use crate::lane::Claim;
use crate::op::Want;
use crate::sys;
use crate::sys::io::Received;
use crate::sys::kind::Kind;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// Receives into `room` and `ctrl`.
pub struct RecvMsg<'r, R> {
    /// The receive buffer.
    pub room: &'r mut R,
    /// The maximum in bytes.
    pub len: usize,
    /// The buffer for control messages.
    pub ctrl: Vec<u8>,
    /// MSG_*
    pub flags: i32,
}

impl<R: Room> Op for RecvMsg<'_, R> {
    type Done = Received;
    const CLAIM: Claim = Claim::Read;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Received> {
        let Some(mut space) = room(self.room, fd, kind, self.len, self.flags) else {
            return Attempt::NoMemory;
        };
        match sys::io::recvmsg(fd, &mut space, &mut self.ctrl, sys::io::message_flags(kind, self.flags)) {
            Ok(got) if got.full_len == 0 && got.ctrl == 0 && kind.stream() => Attempt::Closed,
            Ok(got) => Attempt::Done(got),
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

    fn copy_buffered(&mut self, bytes: &VecDeque<u8>, len: usize, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Received> {
        match copy_buffered(self.room, bytes, len, discarded(kind, self.flags)) {
            Some(len) => Attempt::Done(Received::from_stream(len, sender(fd, kind))),
            None => Attempt::NoMemory,
        }
    }

    fn bytes(done: &Received) -> usize {
        done.len
    }
}
