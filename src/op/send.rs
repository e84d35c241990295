//! Send on a connected socket, send(2).

use super::{Attempt, Op, blocked};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use std::os::fd::BorrowedFd;

/// The most bytes that one attempt sends on a stream. It may run on a scheduler, and the kernel takes any number of bytes if the
/// peer reads as fast as they are sent.
pub const BYTES: usize = 256 * 1024;

/// Sends `data`.
pub struct Send<'d> {
    /// The data.
    pub data: &'d [u8],
    /// MSG_*
    pub flags: i32,
}

impl Op for Send<'_> {
    /// How many bytes were sent.
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

/// The most bytes that one attempt sends: [`BYTES`] on a stream of bytes, else no limit.
///
/// SCTP carries messages even if its type is SOCK_STREAM. The flags below apply to all the data of one call, and so do control
/// messages. On a Unix stream control messages go with the first byte.
pub fn most(kind: Kind, flags: i32, ctrl: &[u8]) -> usize {
    let bytes = kind.stream() && kind.protocol != libc::IPPROTO_SCTP;
    let whole = flags & (libc::MSG_OOB | libc::MSG_ZEROCOPY | libc::MSG_FASTOPEN) != 0;
    let about_all = !ctrl.is_empty() && kind.domain != libc::AF_UNIX;
    if bytes && !whole && !about_all { BYTES } else { usize::MAX }
}

/// The part of `data` that one attempt sends.
pub(super) fn part(data: &[u8], kind: Kind, flags: i32) -> &[u8] {
    data.get(..most(kind, flags, &[])).unwrap_or(data)
}

/// The outcome of a send of `len` bytes. If a stream took fewer, the call waits to send the rest. A message that was
/// truncated has no rest.
pub(super) fn sent(result: sys::Result<usize>, len: usize, kind: Kind) -> Attempt<usize> {
    match result {
        // SCTP takes a message with the flag `abort` or `eof`, and says 0.
        Ok(0) if kind.protocol == libc::IPPROTO_SCTP => Attempt::Done(len),
        Ok(sent) if sent < len && kind.stream() => Attempt::Partial(sent),
        Ok(sent) => Attempt::Done(sent),
        Err(errno) if blocked(errno) => Attempt::Blocked,
        Err(errno) => Attempt::Failed(errno),
    }
}
