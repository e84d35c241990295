//! Connect to an address, connect(2).

use super::{Attempt, Op};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::os::fd::BorrowedFd;

/// Connects to `to`.
pub struct Connect {
    /// The destination. It is not used to find out how a connect in progress has ended.
    pub to: Raw,
}

impl Op for Connect {
    type Done = ();
    const CLAIM: Claim = Claim::Connect;

    fn attempt(&mut self, fd: BorrowedFd<'_>, _: Kind) -> Attempt<()> {
        match sys::socket::connect(fd, &self.to) {
            Ok(()) => Attempt::Done(()),
            // EAGAIN fails instead of waiting: there is no event for room in the full backlog of a Unix listener.
            Err(errno) if errno.number() == libc::EINPROGRESS => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn resume(&mut self, fd: BorrowedFd<'_>, _: Kind) -> Attempt<()> {
        match sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR) {
            // The kernel reports an error once, and a concurrent receive may have taken it.
            Ok(0) if sys::socket::peername(fd).is_err_and(|errno| errno.number() == libc::ENOTCONN) => {
                // Or the connection was established, and was reset between these calls.
                let reset = sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR).ok().filter(|error| *error != 0);
                Attempt::Failed(Errno::new(reset.unwrap_or(libc::ECONNREFUSED)))
            }
            Ok(0) => Attempt::Done(()),
            Ok(error) => Attempt::Failed(Errno::new(error)),
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn disconnects(&self) -> bool {
        self.to.disconnects()
    }

    fn bytes((): &()) -> usize {
        0
    }

    fn fatal(_: Errno) -> bool {
        true
    }
}
