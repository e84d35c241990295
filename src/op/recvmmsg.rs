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

/// Receives up to `count` messages, and no more than fit into `room`.
pub struct RecvMmsg<'r> {
    /// The receive buffer, with room for at least one message. It is not cleared before a call, so that a call costs
    /// no more than what it receives.
    pub room: &'r mut [u8],
    /// The maximum number of messages.
    pub count: usize,
    /// The maximum size of a message's data in bytes.
    pub size: usize,
    /// The maximum size of its control messages in bytes.
    pub ctrl_size: usize,
    /// MSG_*
    pub flags: i32,
    /// Whether it continues a call that has received messages already. An error is then kept for the next call.
    pub continues: bool,
}

impl RecvMmsg<'_> {
    /// How many bytes of `room` one message takes.
    pub fn each(size: usize, ctrl_size: usize) -> usize {
        size.saturating_add(ctrl_size).max(1)
    }

    /// Fills the data of received messages with zeros: the kernel has not written it, and `room` still holds what earlier calls
    /// have received there, perhaps from other sockets.
    fn clear(&mut self, received: &[Received]) {
        let each = Self::each(self.size, self.ctrl_size);
        for (part, got) in self.room.chunks_exact_mut(each).zip(received) {
            part.get_mut(..got.len).unwrap_or_default().fill(0);
        }
    }

    /// The most messages that one attempt receives.
    pub fn capacity(&self) -> usize {
        self.count.min(self.room.len() / Self::each(self.size, self.ctrl_size))
    }

    /// The part of `room` for each message: its data and its control messages.
    pub fn parts(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.room
            .chunks_exact(Self::each(self.size, self.ctrl_size))
            .map(|part| part.split_at(self.size.min(part.len())))
    }
}

impl Op for RecvMmsg<'_> {
    /// The received messages. Their bytes are in the first parts of `room`.
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
