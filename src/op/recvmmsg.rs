//! Receive several messages with one system call, recvmmsg(2).

use super::{Attempt, Op, blocked, discarded, zeros};
use crate::errno::Errno;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use crate::sys::io::Received;
use std::os::fd::BorrowedFd;

/// Receives up to `count` messages.
pub struct RecvMmsg {
    /// How many messages at the most.
    pub count: usize,
    /// How many bytes of a message at the most.
    pub size: usize,
    /// How many bytes of its control messages at the most.
    pub ctrl_size: usize,
    /// MSG_*
    pub flags: i32,
}

/// Messages, and the buffers that hold what they carry, each its part.
pub struct Batch {
    /// What was received.
    pub received: Vec<Received>,
    /// The bytes of the messages.
    pub data: Vec<u8>,
    /// The bytes of their control messages.
    pub ctrl: Vec<u8>,
}

impl Op for RecvMmsg {
    type Done = Batch;
    const CLAIM: Claim = Claim::Read;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Batch> {
        // The buffers are large: they are not made in vain.
        if !sys::ready::readable(fd) {
            return Attempt::Blocked;
        }
        let room = |size: usize| zeros(size.checked_mul(self.count)?);
        let (Some(mut data), Some(mut ctrl)) = (room(self.size), room(self.ctrl_size)) else {
            return Attempt::NoMemory;
        };
        match sys::io::recvmmsg(fd, self.count, &mut data, &mut ctrl, self.flags) {
            Ok(received) if kind.stream() && received.iter().all(|one| one.whole == 0) => Attempt::Closed,
            Ok(received) => {
                if discarded(kind, self.flags) {
                    data.fill(0);
                }
                Attempt::Done(Batch { received, data, ctrl })
            }
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes(done: &Batch) -> usize {
        done.received.iter().map(|one| one.len).sum()
    }

    fn fatal(_: Errno) -> bool {
        true
    }
}
