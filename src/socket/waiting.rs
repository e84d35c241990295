//! How a call that would block waits: as the head of its lane, with the descriptor registered.

use crate::lane::{Claim, Wake};
use crate::op::{Attempt, Op};
use crate::poller::event::Ready;
use crate::ring::ahead::Ahead;
use crate::socket::answer::{Answer, Failure, Mode};
use crate::socket::backoff::Backoff;
use crate::socket::probe::Probe;
use crate::socket::readiness::LockedCall;
use crate::socket::{EventSource, Socket};
use crate::sys;
use crate::sys::ready::Events;
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// When to attempt a send again if no event can report room at the receiver.
const RETRY_AFTER: Duration = Duration::from_millis(8);

impl<W: Wake> Socket<W> {
    /// Makes the poller report room at a receiver: by a probe, or by a timer if there can be none.
    pub(crate) fn probe(self: &Arc<Self>, to: &Raw) -> Option<Box<Probe>> {
        let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
        match Probe::new(to, self.poller, source) {
            Ok(probe) => Some(Box::new(probe)),
            // The receiver accepts datagrams from this sender alone (EPERM). So what is full is the sender's own
            // buffer, which has events.
            Err(errno) if errno.number() == libc::EPERM => None,
            Err(_) => {
                if !self.timer_set.swap(true, Relaxed) {
                    self.poller.notify_at(Instant::now() + RETRY_AFTER, true, Arc::<Self>::clone(self));
                }
                None
            }
        }
    }
}

impl<W: Wake> LockedCall<'_, W> {
    /// Receives urgent data, or waits for it as an observer. The bytes before it may have to be read first, so it takes no turn of
    /// their readers.
    pub(super) fn run_urgent<O: Op>(&mut self, op: &mut O, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        match self.attempt(op, false) {
            Attempt::Done(done) | Attempt::Partial(done) => {
                self.update_tally::<O>(|tally| tally.add_package(O::bytes(&done)));
                Answer::Done(done)
            }
            Attempt::Closed => Answer::Failed(Failure::Closed),
            Attempt::NoMemory => Answer::Failed(Failure::NoMemory),
            // The kernel's answer if there is no urgent data.
            Attempt::Failed(errno) if errno.number() != libc::EINVAL || !self.urgent_data_may_come() => {
                Answer::Failed(Failure::Errno(errno))
            }
            _ => {
                let asked = Events { priority: true, hup: true, ..Events::default() };
                match self.socket.add_observer(self.fd, asked, waiter(), self.wakes) {
                    Ok(_) => Answer::Waiting,
                    Err(errno) => Answer::Failed(Failure::Errno(errno)),
                }
            }
        }
    }

    /// Whether the peer of a stream may send urgent data, and a receive of it gets that.
    fn urgent_data_may_come(&self) -> bool {
        let inline = sys::option::get_int(self.fd, libc::SOL_SOCKET, libc::SO_OOBINLINE);
        self.socket.kind.stream() && inline == Ok(0) && !sys::ready::ended(self.fd)
    }

    /// Whether a ring receives, and may have taken bytes from the kernel. If so it is asked to deliver them and to
    /// end its receive.
    pub(super) fn ring_may_deliver(&self) -> bool {
        self.reads_stream && self.socket.ahead.as_ref().is_some_and(Ahead::stop_receive)
    }

    /// Makes sure that an event follows. Only for a completion is a receive of the ring started: a blocking call
    /// attempts again itself when it is woken, and mostly before.
    pub(super) fn register<O: Op>(&self) -> sys::Result<()> {
        let may_start = O::USES_RING && matches!(self.mode, Mode::Start | Mode::Complete);
        let ahead = if self.reads_stream { EventSource::Ring { may_start } } else { EventSource::Poller };
        self.socket.register(self.fd, O::CLAIM.direction(), ahead)
    }

    /// The connect under way has to end before its result can be asked for.
    pub(super) fn still_connecting<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        match self.mode {
            Mode::Yield(_) | Mode::Complete => self.wait_or_fail::<O>(waiter),
            Mode::Once | Mode::Wait | Mode::Start => {
                // It was notified too early: it is to be notified once more.
                if let Some(head) = &mut self.state.waiters.head {
                    head.awaits_event = true;
                }
                Answer::Failed(Failure::Already)
            }
        }
    }

    /// If no event reports when the rest can be sent, a probe stands in for the sender.
    pub(super) fn probe<O: Op>(&mut self, op: &O) {
        let kind = (self.socket.kind.domain, self.socket.kind.kind);
        if self.mode != Mode::Once && kind == (libc::AF_UNIX, libc::SOCK_DGRAM) {
            // If the receiver has room, the sender's own buffer is full, and that has events.
            let probe = op.receiver().and_then(|to| self.socket.probe(to));
            self.state.data.probe = probe.filter(|probe| !probe.room() || sys::ready::writable(self.fd));
        }
    }

    pub(super) fn blocked<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        self.state.data.shortage = None;
        match self.mode {
            // A call that does not wait is to see what the ring has taken from the kernel.
            Mode::Once if self.ring_may_deliver() => return Answer::Yield,
            Mode::Once => {
                // A head that was notified, finds nothing and does not wait again has had its turn.
                if self.state.waiters.head_notified() {
                    self.pass_on(O::CLAIM);
                }
                return Answer::Blocked;
            }
            // A connect must not be attempted twice.
            Mode::Yield(after) if O::CLAIM != Claim::Connect && self.state.data.yield_policy.should_yield(after) => {
                return Answer::Yield;
            }
            Mode::Yield(_) | Mode::Wait | Mode::Start | Mode::Complete => {}
        }
        self.wait_or_fail::<O>(waiter)
    }

    pub(super) fn wait_or_fail<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        match self.wait::<O>(waiter) {
            Ok(()) => Answer::Waiting,
            Err(errno) => {
                // The caller may be the head already, and does not wait.
                self.fail::<O>(None);
                Answer::Failed(Failure::Errno(errno))
            }
        }
    }

    /// A part is done. Unlike EAGAIN, that does not say that the rest would block.
    pub(super) fn wait_for_rest<O: Op>(&mut self, waiter: impl FnOnce() -> W) {
        if self.mode == Mode::Once {
            self.pass_on(O::CLAIM);
            return;
        }
        // If the registration fails there will be no event: the waiter is notified at once, and its next call reports
        // the error.
        let registered = self.register::<O>();
        self.become_head::<O>(waiter);
        let room = self.state.data.probe.as_ref().is_none_or(|probe| probe.room());
        let next = self.state.waiters.head.as_ref().map(|head| Arc::clone(&head.waiter));
        let there = || next.is_some_and(|next| self.socket.ready_for(self.fd, O::CLAIM, &next));
        if registered.is_err() || room && there() {
            self.state.waiters.notify(self.wakes);
        }
    }

    /// Makes the caller the head, with the descriptor registered.
    pub(super) fn wait<O: Op>(&mut self, waiter: impl FnOnce() -> W) -> sys::Result<()> {
        self.register::<O>()?;
        self.become_head::<O>(waiter);
        Ok(())
    }

    pub(super) fn become_head<O: Op>(&mut self, waiter: impl FnOnce() -> W) {
        self.update_tally::<O>(|tally| tally.waits += 1);
        self.state.data.selected = true;
        self.state.data.attempt_round = self.socket.poller.round();
        self.state.waiters.become_head(O::CLAIM, waiter(), self.wakes);
    }

    /// Keeps the turn without waiting: the caller goes on at once.
    pub(super) fn keep_turn<O: Op>(&mut self, waiter: impl FnOnce() -> W) {
        self.state.waiters.become_head(O::CLAIM, waiter(), self.wakes);
        if let Some(head) = &mut self.state.waiters.head {
            (head.awaits_event, head.in_call) = (false, true);
        }
    }

    /// Descriptors or memory have run out. In each back-off period one call reports the error; other calls wait for
    /// the end of the period. The next waiter is not notified either: it would get the same error.
    pub(super) fn shortage<O: Op>(&mut self, errno: Errno, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        let report = Backoff::record_shortage(&mut self.state.data.shortage, Instant::now());
        let answer = if report || self.mode == Mode::Once {
            self.update_tally::<O>(|tally| tally.fails += 1);
            if self.is_head() {
                self.advance(|_| false);
            }
            Answer::Failed(Failure::Errno(errno))
        } else {
            self.wait_or_fail::<O>(waiter)
        };
        // The timer is for a head: without a head none is set.
        if self.state.waiters.head.is_some()
            && let Some(at) = self.state.data.shortage.as_mut().and_then(|shortage| shortage.take_timer())
        {
            self.socket.readable_at(at);
        }
        answer
    }
}
