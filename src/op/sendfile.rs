//! Send a part of a file without copying it through the program, sendfile(2).

use super::{Attempt, Op, blocked};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The most bytes that one attempt sends.
pub const BYTES: usize = 1024 * 1024;

/// Sends `count` bytes of `file` from `offset`.
pub struct SendFile<'f> {
    /// The file.
    pub file: &'f OwnedFd,
    /// The offset of the first byte.
    pub offset: i64,
    /// The number of bytes.
    pub count: usize,
}

impl Op for SendFile<'_> {
    /// How many bytes were sent: `count`, or 0 at the end of the file. Fewer are a partial result.
    type Done = usize;
    const CLAIM: Claim = Claim::Write;
    const SEPARATE_TALLY: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, _: Kind) -> Attempt<usize> {
        match sys::io::sendfile(fd, self.file, self.offset, self.count.min(BYTES)) {
            Ok(0) => Attempt::Done(0),
            Ok(sent) if sent == self.count => Attempt::Done(sent),
            Ok(sent) => Attempt::Partial(sent),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
