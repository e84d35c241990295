//! Send data in parts, with an optional address and control messages, sendmsg(2).

use super::send::sent;
use super::sendto::without_event;
use super::{Attempt, Op, gso};
use crate::lane::Claim;
use crate::sys;
use crate::sys::io::Message;
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use std::os::fd::BorrowedFd;

/// The most parts that one system call takes, UIO_MAXIOV.
pub const IOV_MAX: usize = 1024;

/// Sends a message.
pub struct SendMsg<'d> {
    /// The message.
    pub message: Message<'d>,
    /// MSG_*
    pub flags: i32,
    /// The message has only the first parts of its data, and others follow. Streams only.
    pub more: bool,
}

impl Op for SendMsg<'_> {
    /// How many bytes were sent.
    type Done = usize;
    const CLAIM: Claim = Claim::Write;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        if self.message.gso.is_some() {
            let message = std::slice::from_ref(&self.message);
            return gso::attempt(fd, message, self.flags).map(|sent| sent.iter().sum());
        }
        let Message { iov, to, ctrl, .. } = &self.message;
        let len = iov.iter().map(|part| part.len()).sum();
        let result = sys::io::sendmsg(fd, iov, to.as_ref(), ctrl, self.flags);
        without_event(sent(result, len, kind), kind, to.is_some()).unfinished(self.more)
    }

    fn receiver(&self) -> Option<&Raw> {
        self.message.to.as_ref()
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
