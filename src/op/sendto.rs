//! Send to an address, sendto(2).

use super::send::{part, sent};
use super::{Attempt, Op};
use crate::lane::Claim;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use std::os::fd::BorrowedFd;

/// Sends `data` to an address.
pub struct SendTo<'d> {
    /// The data.
    pub data: &'d [u8],
    /// The destination.
    pub to: Raw,
    /// MSG_*
    pub flags: i32,
}

impl Op for SendTo<'_> {
    /// How many bytes were sent.
    type Done = usize;
    const CLAIM: Claim = Claim::Write;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        let data = part(self.data, kind, self.flags);
        let attempt = sent(sys::io::sendto(fd, data, self.flags, &self.to), data.len(), kind);
        without_event(attempt, kind, true).unfinished(data.len() < self.data.len())
    }

    fn receiver(&self) -> Option<&Raw> {
        Some(&self.to)
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}

/// The same outcome, but `BlockedWithoutEvent` instead of `Blocked` for a Unix datagram with an address. The full queue is the
/// receiver's, and a sender that is not connected to the receiver has no event for room in it.
pub(super) fn without_event<T>(attempt: Attempt<T>, kind: Kind, addressed: bool) -> Attempt<T> {
    match attempt {
        Attempt::Blocked if addressed && (kind.domain, kind.kind) == (libc::AF_UNIX, libc::SOCK_DGRAM) => {
            Attempt::BlockedWithoutEvent
        }
        attempt => attempt,
    }
}
