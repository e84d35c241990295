//! Send on a connected socket, send(2).

use super::{Attempt, Op, blocked};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use std::os::fd::BorrowedFd;

/// The most that one attempt sends of a stream: it runs on a scheduler, and where the peer reads as fast as it is sent to, the
/// system takes whatever there is.
pub const BYTES: usize = 256 * 1024;

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
        let data = part(self.data, kind, self.flags);
        sent(sys::io::send(fd, data, self.flags), data.len(), kind).unfinished(data.len() < self.data.len())
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}

/// How many bytes one attempt sends. SCTP has messages even where it is a stream. These flags are about all that goes with one
/// call, and so are control messages, but for those of a Unix stream, which go with its first byte.
pub fn most(kind: Kind, flags: i32, ctrl: &[u8]) -> usize {
    let bytes = kind.stream() && kind.protocol != libc::IPPROTO_SCTP;
    let whole = flags & (libc::MSG_OOB | libc::MSG_ZEROCOPY | libc::MSG_FASTOPEN) != 0;
    let about_all = !ctrl.is_empty() && kind.domain != libc::AF_UNIX;
    if bytes && !whole && !about_all { BYTES } else { usize::MAX }
}

/// What one attempt sends of it.
pub(super) fn part(data: &[u8], kind: Kind, flags: i32) -> &[u8] {
    data.get(..most(kind, flags, &[])).unwrap_or(data)
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
