//! Accept one connection, or several that are waiting, accept4(2).

use super::{Attempt, Op, blocked};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The most connections that one call accepts. Each takes a system call, and the call must not hold a scheduler for long.
pub const BURST: usize = 64;

/// Accepts one connection.
pub struct Accept;

/// Accepts one connection, with the address of its peer.
pub struct AcceptFrom;

/// Accepts the waiting connections: at least one, and at most `most` and [`BURST`].
pub struct AcceptMany {
    /// The maximum number of connections.
    pub most: usize,
}

impl Op for Accept {
    /// The connection. Dropping it closes it.
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

    /// Most errors of accept are about one connection, or about a temporary shortage (no descriptors left): the listener goes on.
    /// EINVAL says that the listener was shut down, and no wait will get a connection.
    fn fatal(errno: Errno) -> bool {
        errno.number() == libc::EINVAL
    }

    fn shortage(errno: Errno) -> bool {
        matches!(errno.number(), libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
    }
}

impl Op for AcceptFrom {
    /// The connection, which is closed when it is dropped, and the address of the peer.
    type Done = (OwnedFd, Raw);
    const CLAIM: Claim = Accept::CLAIM;
    const SEPARATE_TALLY: bool = Accept::SEPARATE_TALLY;

    fn attempt(&mut self, fd: BorrowedFd<'_>, _: Kind) -> Attempt<(OwnedFd, Raw)> {
        match sys::socket::accept_from(fd) {
            Ok(accepted) => Attempt::Done(accepted),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes(_: &(OwnedFd, Raw)) -> usize {
        0
    }

    fn fatal(errno: Errno) -> bool {
        Accept::fatal(errno)
    }

    fn shortage(errno: Errno) -> bool {
        Accept::shortage(errno)
    }
}

impl Op for AcceptMany {
    /// The connections, in the order of the backlog. Dropping them closes them.
    type Done = Vec<OwnedFd>;
    const CLAIM: Claim = Accept::CLAIM;
    const SEPARATE_TALLY: bool = Accept::SEPARATE_TALLY;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Vec<OwnedFd>> {
        let most = self.most.clamp(1, BURST);
        // Reserved before the first accept: a connection without room in the list would be lost.
        let mut accepted = Vec::new();
        if accepted.try_reserve_exact(most).is_err() {
            return Attempt::NoMemory;
        }
        while accepted.len() < most {
            match Accept.attempt(fd, kind) {
                Attempt::Done(connection) => accepted.push(connection),
                // The error that ends a burst is not reported. If it persists, the next call meets it.
                _ if !accepted.is_empty() => break,
                Attempt::Failed(errno) => return Attempt::Failed(errno),
                _ => return Attempt::Blocked,
            }
        }
        Attempt::Done(accepted)
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
