//! Accept a connection, accept4(2).

use super::{Attempt, Op, blocked};
use crate::errno::Errno;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Accepts one connection.
pub struct Accept;

impl Op for Accept {
    /// The connection. Whoever drops it closes it.
    type Done = OwnedFd;
    const CLAIM: Claim = Claim::Accept;
    const APART: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, _: Kind) -> Attempt<OwnedFd> {
        match sys::socket::accept(fd) {
            Ok(fd) => Attempt::Done(fd),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes(_: &OwnedFd) -> usize {
        0
    }

    /// Errors of accept are those of one connection, or of the moment (no descriptors left): the listener goes on.
    fn fatal(_: Errno) -> bool {
        false
    }

    fn shortage(errno: Errno) -> bool {
        matches!(errno.number(), libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
    }
}
