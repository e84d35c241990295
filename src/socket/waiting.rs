//! How a call that would block waits: it takes its place in the lane, with the descriptor registered.

use crate::lane::{Claim, Wake};
use crate::op::Op;
use crate::poller::event::Ready;
use crate::ring::ahead::Ahead;
use crate::socket::answer::{Answer, Failure, Mode};
use crate::socket::backoff::Backoff;
use crate::socket::probe::Probe;
use crate::socket::readiness::Visit;
use crate::socket::{EventSource, Socket};
use crate::sys;
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long a sender waits whom no event will tell of room.
const LATER: Duration = Duration::from_millis(8);

impl<W: Wake> Socket<W> {
    /// Has the poller say when there may be room at a receiver.
    pub(crate) fn probe(self: &Arc<Self>, to: &Raw) -> Option<Box<Probe>> {
        let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
        match Probe::new(to, self.poller, source) {
            Ok(probe) => Some(Box::new(probe)),
            // The receiver takes from nobody else, and what is full is the sender's: that has an event.
            Err(errno) if errno.number() == libc::EPERM => None,
            Err(_) => {
                if !self.timer_set.swap(true, Relaxed) {
                    self.poller.notify_at(Instant::now() + LATER, true, Arc::<Self>::clone(self));
                }
                None
            }
        }
    }
}

impl<W: Wake> Visit<'_, W> {
    /// Whether a ring receives, and may have taken bytes from the kernel: it brings them and ends.
    pub(super) fn ring_may_deliver(&self) -> bool {
        self.streams && self.socket.ahead.as_ref().is_some_and(Ahead::looked)
    }

    /// Whether a ring is to receive for who waits. Who blocks tries himself when he is woken, and mostly before.
    pub(super) fn register<O: Op>(&self) -> sys::Result<()> {
        let begins = O::USES_RING && matches!(self.mode, Mode::Start | Mode::Complete);
        let ahead = if self.streams { EventSource::Ring { begins } } else { EventSource::Poller };
        self.socket.register(self.fd, O::CLAIM.direction(), ahead)
    }

    /// The connect under way has to have ended before it can be asked how.
    pub(super) fn still_connecting<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        match self.mode {
            Mode::Yield(_) | Mode::Complete => self.waiting::<O>(waiter),
            Mode::Once | Mode::Wait | Mode::Start => {
                // Woken too early, he is to be woken once more.
                if let Some(head) = &mut self.state.waiters.head {
                    head.armed = true;
                }
                Answer::Failed(Failure::Already)
            }
        }
    }

    /// Where no event tells when the rest may go, somebody stands in for the sender.
    pub(super) fn probe<O: Op>(&mut self, op: &O) {
        let kind = (self.socket.kind.domain, self.socket.kind.kind);
        if self.mode != Mode::Once && kind == (libc::AF_UNIX, libc::SOCK_DGRAM) {
            // Where there is room, what is full is the sender's own buffer, which has events.
            let probe = op.receiver().and_then(|to| self.socket.probe(to));
            self.state.own.probe = probe.filter(|probe| !probe.room() || sys::ready::writable(self.fd));
        }
    }

    pub(super) fn blocked<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        self.state.own.shortage = None;
        match self.mode {
            // A call that does not wait is to see what has come.
            Mode::Once if self.ring_may_deliver() => return Answer::Yield,
            Mode::Once => {
                // Who was woken, looks in vain and does not wait again has had his turn.
                if self.state.waiters.woken() {
                    self.pass_on(O::CLAIM);
                }
                return Answer::Blocked;
            }
            // A connect is not to be made twice.
            Mode::Yield(after) if O::CLAIM != Claim::Connect && self.state.own.patience.more(after) => {
                return Answer::Yield;
            }
            Mode::Yield(_) | Mode::Wait | Mode::Start | Mode::Complete => {}
        }
        self.waiting::<O>(waiter)
    }

    pub(super) fn waiting<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        match self.wait::<O>(waiter) {
            Ok(()) => Answer::Waiting,
            Err(errno) => {
                // He may have the turn already, and does not wait.
                self.fail::<O>(None);
                Answer::Failed(Failure::Errno(errno))
            }
        }
    }

    /// A part is done. Unlike EAGAIN, that does not say that there is nothing more.
    pub(super) fn wait_for_rest<O: Op>(&mut self, waiter: impl FnOnce() -> W) {
        if self.mode == Mode::Once {
            self.pass_on(O::CLAIM);
            return;
        }
        // Where there can be no event, the waiter is woken at once, and meets the error with its next call.
        let registered = self.register::<O>();
        self.lead::<O>(waiter);
        let room = self.state.own.probe.as_ref().is_none_or(|probe| probe.room());
        let next = self.state.waiters.head.as_ref().map(|head| Arc::clone(&head.waiter));
        let there = || next.is_some_and(|next| self.socket.ready_for(self.fd, O::CLAIM, &next));
        if registered.is_err() || room && there() {
            self.state.waiters.notify(self.wakes);
        }
    }

    /// Gives the turn to a waiter, with the descriptor registered.
    pub(super) fn wait<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> sys::Result<()> {
        self.register::<O>()?;
        self.lead::<O>(waiter);
        Ok(())
    }

    pub(super) fn lead<O: Op>(&mut self, waiter: impl FnOnce() -> W) {
        self.count::<O>(|tally| tally.waits += 1);
        self.state.own.selected = true;
        self.state.own.round = self.socket.poller.round();
        self.state.waiters.lead(O::CLAIM, waiter(), self.wakes);
    }

    /// Takes the turn without waiting for anything: who has it is about to go on.
    pub(super) fn keep<O: Op>(&mut self, waiter: impl FnOnce() -> W) {
        self.state.waiters.lead(O::CLAIM, waiter(), self.wakes);
        if let Some(head) = &mut self.state.waiters.head {
            (head.armed, head.kept) = (false, true);
        }
    }

    /// Something has run out. One call is told so in each pause; others wait for its end, and so does the line: who is next
    /// would meet the same.
    pub(super) fn shortage<O: Op>(&mut self, errno: Errno, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        let news = Backoff::record_shortage(&mut self.state.own.shortage, Instant::now());
        let answer = if news || self.mode == Mode::Once {
            self.count::<O>(|tally| tally.fails += 1);
            if self.leads() {
                self.advance(|_| false);
            }
            Answer::Failed(Failure::Errno(errno))
        } else {
            self.waiting::<O>(waiter)
        };
        // Only for somebody: where nobody waits there is no timer.
        if self.state.waiters.head.is_some()
            && let Some(at) = self.state.own.shortage.as_mut().and_then(|shortage| shortage.alarm())
        {
            self.socket.readable_at(at);
        }
        answer
    }
}
