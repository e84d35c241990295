//! Send several messages with one system call, sendmmsg(2).

use super::sendto::without_event;
use super::{Attempt, Op, blocked, gso};
use crate::lane::Claim;
use crate::sys;
use crate::sys::io::Message;
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use std::os::fd::BorrowedFd;

/// Messages to send.
pub struct SendMmsg<'d> {
    /// The messages.
    pub messages: Vec<Message<'d>>,
    /// MSG_*
    pub flags: i32,
    /// The last message has only the first parts of its data, and others follow. Streams only.
    pub more: bool,
    /// How many messages a partial result has sent.
    pub sent: usize,
}

impl Op for SendMmsg<'_> {
    /// How many bytes of each message were sent, for the first messages; the others were not sent.
    type Done = Vec<usize>;
    const CLAIM: Claim = Claim::Write;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Vec<usize>> {
        if self.messages.iter().any(|message| message.gso.is_some()) {
            return gso::attempt(fd, &self.messages, self.flags);
        }
        let addressed = self.messages.iter().any(|message| message.to.is_some());
        match sys::io::sendmmsg(fd, self.messages.iter().map(Message::outgoing), self.flags) {
            Ok(sent) if sent.len() < self.messages.len() => {
                self.sent = sent.len();
                Attempt::Partial(sent)
            }
            Ok(sent) => Attempt::Done(sent).unfinished(self.more),
            Err(errno) if blocked(errno) => without_event(Attempt::Blocked, kind, addressed),
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn receiver(&self) -> Option<&Raw> {
        self.messages.get(self.sent)?.to.as_ref()
    }

    fn bytes(done: &Vec<usize>) -> usize {
        done.iter().sum()
    }
}
