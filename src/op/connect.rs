//! Connect to an address, connect(2).

use super::{Attempt, Op};
use crate::addr::Raw;
use crate::errno::Errno;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::os::fd::BorrowedFd;

/// Connects to `to`; or, without an address, asks how the connect that was under way has ended.
pub struct Connect {
    /// Where to.
    pub to: Option<Raw>,
}

impl Op for Connect {
    type Done = ();
    const CLAIM: Claim = Claim::Connect;

    fn attempt(&mut self, fd: BorrowedFd<'_>, _: Kind) -> Attempt<()> {
        let result = match &self.to {
            Some(to) => sys::socket::connect(fd, to),
            None => sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR).and_then(|error| match error {
                0 => Ok(()),
                error => Err(Errno::new(error)),
            }),
        };
        match result {
            Ok(()) => Attempt::Done(()),
            // EAGAIN is not waited for: a Unix listener whose backlog is full tells nobody when there is room.
            Err(errno) if errno.number() == libc::EINPROGRESS => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn bytes((): &()) -> usize {
        0
    }

    fn fatal(_: Errno) -> bool {
        true
    }
}
