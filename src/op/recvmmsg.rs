//! Receive several messages with one system call, recvmmsg(2).

use super::{Attempt, Op, blocked, bypasses_stream, discarded, sender};
use crate::lane::Claim;
use crate::op::Want;
use crate::sys;
use crate::sys::io::Received;
use crate::sys::kind::Kind;
use crate::sys::room::Space;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// Receives up to `count` messages, and no more than there is room for.
pub struct RecvMmsg<'r> {
    /// Where they go: room for at least one. It is not cleared, so that a call costs what it brings.
    pub room: &'r mut [u8],
    /// How many messages at the most.
    pub count: usize,
    /// How many bytes of a message at the most.
    pub size: usize,
    /// How many bytes of its control messages at the most.
    pub ctrl_size: usize,
    /// MSG_*
    pub flags: i32,
    /// It goes on where another has received: what it meets is for the next call.
    pub continues: bool,
}

impl RecvMmsg<'_> {
    /// How many bytes of the room a message takes.
    pub fn each(size: usize, ctrl_size: usize) -> usize {
        size.saturating_add(ctrl_size).max(1)
    }

    /// The room holds what somebody else has received: what was not written over is cleared.
    fn clear(&mut self, received: &[Received]) {
        let each = Self::each(self.size, self.ctrl_size);
        for (part, got) in self.room.chunks_exact_mut(each).zip(received) {
            part.get_mut(..got.len).unwrap_or_default().fill(0);
        }
    }

    /// How many messages one attempt receives at the most.
    pub fn capacity(&self) -> usize {
        self.count.min(self.room.len() / Self::each(self.size, self.ctrl_size))
    }

    /// The room of each message: for its bytes, and for its control messages.
    pub fn parts(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.room
            .chunks_exact(Self::each(self.size, self.ctrl_size))
            .map(|part| part.split_at(self.size.min(part.len())))
    }
}

impl Op for RecvMmsg<'_> {
    /// What was received, in the first parts of the room.
    type Done = Vec<Received>;
    const CLAIM: Claim = Claim::Read;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Vec<Received>> {
        let parts = self.room.chunks_exact_mut(Self::each(self.size, self.ctrl_size)).take(self.count);
        let parts = parts.map(|part| part.split_at_mut(self.size.min(part.len())));
        match sys::io::recvmmsg(fd, parts, sys::io::message_flags(kind, self.flags)) {
            Ok(received) if kind.stream() && received.iter().all(|one| one.full_len == 0) => Attempt::Closed,
            Ok(received) => {
                if discarded(kind, self.flags) {
                    self.clear(&received);
                }
                Attempt::Done(received)
            }
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn continues(&self) -> bool {
        self.continues
    }

    fn want(&self) -> Option<Want> {
        (!bypasses_stream(self.flags)).then_some(Want {
            least: 1,
            most: self.size,
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
    ) -> Attempt<Vec<Received>> {
        let mut filled = 0;
        let len = Space::over(self.room, &mut filled).copy(bytes, len);
        let received = vec![Received::from_stream(len, sender(fd, kind))];
        if discarded(kind, self.flags) {
            self.clear(&received);
        }
        Attempt::Done(received)
    }

    fn bytes(done: &Vec<Received>) -> usize {
        done.iter().map(|one| one.len).sum()
    }
}
