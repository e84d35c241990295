//! Accept a connection, or those that are there, accept4(2).

use super::{Attempt, Op, blocked};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::errno::Errno;
use std::os::fd::{BorrowedFd, OwnedFd};

/// No call takes more connections: each is a system call, and a scheduler is not to be held for long.
pub const BURST: usize = 64;

/// Accepts one connection.
pub struct Accept;

/// Accepts the connections that are there, up to `most` (and [`BURST`]) and at least one.
pub struct AcceptMany {
    /// How many at the most.
    pub most: usize,
}

impl Op for Accept {
    /// The connection. Whoever drops it closes it.
    type Done = OwnedFd;
    const CLAIM: Claim = Claim::Accept;
    const SEPARATE_TALLY: bool = true;

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

    /// Errors of accept are those of one connection, or of the moment (no descriptors left): the listener goes on. But one that was
    /// shut down has no more connections for anybody.
    fn fatal(errno: Errno) -> bool {
        errno.number() == libc::EINVAL
    }

    fn shortage(errno: Errno) -> bool {
        matches!(errno.number(), libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
    }
}

impl Op for AcceptMany {
    /// The connections, in the order of the backlog. Whoever drops them closes them.
    type Done = Vec<OwnedFd>;
    const CLAIM: Claim = Accept::CLAIM;
    const SEPARATE_TALLY: bool = Accept::SEPARATE_TALLY;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Vec<OwnedFd>> {
        let most = self.most.clamp(1, BURST);
        // Before the first is taken: one for which there is no room would be lost.
        let mut taken = Vec::new();
        if taken.try_reserve_exact(most).is_err() {
            return Attempt::NoMemory;
        }
        while taken.len() < most {
            match Accept.attempt(fd, kind) {
                Attempt::Done(connection) => taken.push(connection),
                // What ends a burst meets the next call, if it lasts.
                _ if !taken.is_empty() => break,
                Attempt::Failed(errno) => return Attempt::Failed(errno),
                _ => return Attempt::Blocked,
            }
        }
        Attempt::Done(taken)
    }

    fn bytes(_: &Vec<OwnedFd>) -> usize {
        0
    }

    fn packages(done: &Vec<OwnedFd>) -> u64 {
        done.len() as u64
    }

    fn calls(done: &Vec<OwnedFd>) -> usize {
        done.len()
    }

    fn fatal(errno: Errno) -> bool {
        Accept::fatal(errno)
    }

    fn shortage(errno: Errno) -> bool {
        Accept::shortage(errno)
    }
}
