//! Send on a connected socket, send(2).

use super::{Attempt, Op, blocked};
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::os::fd::BorrowedFd;

/// Sends `data`.
pub struct Send<'d> {
    /// What to send.
    pub data: &'d [u8],
    /// MSG_*
    pub flags: i32,
}

impl Op for Send<'_> {
    /// How many bytes went.
    type Done = usize;
    const CLAIM: Claim = Claim::Write;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        sent(sys::io::send(fd, self.data, self.flags), self.data.len(), kind)
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}

/// A stream that took less than all has to be waited for; a message that was cut is gone.
pub(super) fn sent(result: sys::Result<usize>, len: usize, kind: Kind) -> Attempt<usize> {
    match result {
        Ok(put) if put < len && kind.stream() => Attempt::Partial(put),
        Ok(put) => Attempt::Done(put),
        Err(errno) if blocked(errno) => Attempt::Blocked,
        Err(errno) => Attempt::Failed(errno),
    }
}
