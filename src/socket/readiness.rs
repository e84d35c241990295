//! The readiness protocol, once, for every operation: whose turn it is, the attempt, and what comes of it.

use crate::lane::tally::Tally;
use crate::lane::wakes::Wakes;
use crate::lane::{Claim, Direction, Reason, State, Turn, Wake};
use crate::op::{Attempt, Cut, Op};
use crate::socket::answer::{Answer, Failure, Mode};
use crate::socket::{Side, Socket};
use crate::sys;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

/// One call of one process, while it holds the lane.
pub(crate) struct Visit<'v, W: Wake> {
    pub(crate) socket: &'v Arc<Socket<W>>,
    pub(crate) state: &'v mut State<W, Side>,
    pub(crate) wakes: &'v mut Wakes<W>,
    pub(crate) fd: BorrowedFd<'v>,
    pub(crate) me: W::Process,
    pub(crate) mode: Mode,
    pub(crate) again: bool,
    /// What the operation takes is of the stream, so that a ring that receives brings it.
    pub(crate) streams: bool,
    /// It goes on for a call that is answered: it has no turn, and loses nobody's.
    pub(crate) follows: bool,
}

impl<W: Wake> State<W, Side> {
    pub(crate) fn tally<O: Op>(&mut self) -> &mut Tally {
        if O::SEPARATE_TALLY { self.apart.get_or_insert_default() } else { &mut self.tally }
    }
}

impl<W: Wake> Visit<'_, W> {
    pub(crate) fn run<O: Op>(mut self, op: &mut O, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        (self.streams, self.follows) = (op.want().is_some(), op.continues());
        let leads = self.leads();
        match self.turn(O::CLAIM) {
            Turn::Mine if O::CLAIM == Claim::Connect && leads && !sys::ready::writable(self.fd) => {
                return self.still_connecting::<O>(waiter);
            }
            Turn::Mine => {}
            Turn::Excluded => return Answer::Failed(Failure::State),
            Turn::InLine => return Answer::Failed(Failure::InLine),
            // A look that does not wait may be had out of turn; it takes what is there.
            Turn::Behind if self.mode == Mode::Once && O::CLAIM == Claim::Read => {}
            Turn::Behind if self.mode == Mode::Once => return Answer::Blocked,
            Turn::Behind if O::CLAIM == Claim::Connect => return Answer::Failed(Failure::Already),
            Turn::Behind => {
                self.state.waiters.queue(O::CLAIM, waiter());
                return Answer::Waiting;
            }
        }
        if let Mode::Yield(after) = self.mode
            && O::CLAIM != Claim::Connect
            && self.state.waiters.head.is_none()
            && self.state.own.patience.skips_first_attempt(after)
        {
            return Answer::Yield;
        }
        self.count::<O>(|tally| tally.tries += 1);
        let attempt = self.attempt(op, leads);
        if self.state.waiters.head.is_some() {
            // What the poller has heard before may be about what was taken just now.
            self.state.own.round = self.socket.poller.round();
        }
        match attempt {
            Attempt::Done(done)
                if self.again && O::CLAIM == Claim::Read && matches!(self.mode, Mode::Wait | Mode::Start) =>
            {
                self.count::<O>(|tally| tally.package(O::bytes(&done)));
                self.wait_for_rest::<O>(waiter);
                Answer::Again(done)
            }
            Attempt::Done(done) => {
                if op.disconnects() {
                    self.socket.reset_stream();
                }
                if O::CLAIM.direction() == Direction::Read && self.state.waiters.head.is_none() {
                    self.socket.received_without_wait(self.fd);
                }
                self.done::<O>(&done);
                Answer::Done(done)
            }
            Attempt::Partial(done) => {
                self.count::<O>(|tally| tally.part(O::bytes(&done)));
                match self.mode {
                    // The turn is kept: who completes it goes on at once.
                    Mode::Complete => {}
                    Mode::Start => self.keep::<O>(waiter),
                    _ => {
                        self.probe(op);
                        self.wait_for_rest::<O>(waiter);
                    }
                }
                Answer::Partial(done)
            }
            Attempt::Unfinished(done) => {
                self.count::<O>(|tally| tally.part(O::bytes(&done)));
                if self.mode != Mode::Complete {
                    self.keep::<O>(waiter);
                }
                Answer::Unfinished(done)
            }
            Attempt::Cut(done, cut) => {
                self.count::<O>(|tally| tally.part(O::bytes(&done)));
                let (reason, failure) = match cut {
                    Cut::Closed => (Reason::Closed, Failure::Closed),
                    Cut::Errno(errno) => (Reason::Errno(errno), Failure::Errno(errno)),
                };
                if op.peeks() {
                    // All of it is still there for the next calls, the error behind it; what is ahead keeps its own.
                    if let (Failure::Errno(errno), false) = (failure, self.ahead_has()) {
                        self.socket.error_after_data.put(errno);
                    }
                    self.pass_on(O::CLAIM);
                } else {
                    self.fail::<O>(Some(reason));
                }
                Answer::Cut(done, failure)
            }
            Attempt::Blocked => self.blocked::<O>(waiter),
            Attempt::More => {
                let answer = self.blocked::<O>(waiter);
                if matches!(answer, Answer::Waiting) {
                    self.socket.readable_at(Instant::now());
                }
                answer
            }
            Attempt::BlockedWithoutEvent if self.mode == Mode::Once => self.blocked::<O>(waiter),
            Attempt::BlockedWithoutEvent => {
                self.probe(op);
                self.waiting::<O>(waiter)
            }
            Attempt::Closed => {
                // A look may have met why.
                let behind = self.socket.error_after_data.take();
                self.fail::<O>(Some(behind.map_or(Reason::Closed, Reason::Errno)));
                Answer::Failed(behind.map_or(Failure::Closed, Failure::Errno))
            }
            Attempt::Failed(errno) if self.follows => {
                self.socket.pending_error.put(errno);
                self.state.waiters.notify(self.wakes);
                Answer::Blocked
            }
            Attempt::Failed(errno) if O::shortage(errno) => self.shortage::<O>(errno, waiter),
            Attempt::Failed(errno) => {
                self.fail::<O>(O::fatal(errno).then_some(Reason::Errno(errno)));
                Answer::Failed(Failure::Errno(errno))
            }
            Attempt::NoMemory => {
                self.fail::<O>(None);
                Answer::Failed(Failure::NoMemory)
            }
        }
    }

    /// Whether this call has the turn.
    pub(super) fn leads(&self) -> bool {
        !self.follows && (self.mode == Mode::Complete || self.state.waiters.leads(self.me))
    }

    fn turn(&self, claim: Claim) -> Turn {
        if self.mode == Mode::Complete { Turn::Mine } else { self.state.waiters.turn(self.me, claim) }
    }

    /// One attempt: on what was read ahead, or on the descriptor.
    fn attempt<O: Op>(&mut self, op: &mut O, leads: bool) -> Attempt<O::Done> {
        // Who looks for what is queued is told that.
        let told = !self.follows && (O::CLAIM == Claim::Write || self.streams);
        if let Some(errno) = told.then(|| self.socket.pending_error.take()).flatten() {
            return Attempt::Failed(errno);
        }
        if let Some(ahead) = &self.socket.ahead {
            if let Some(attempt) = ahead.attempt(op, self.fd, self.socket.kind) {
                return attempt;
            }
            if O::CLAIM == Claim::Read && !self.streams {
                // Urgent data is where the stream is: a ring would go past it.
                ahead.leave();
            }
            if O::CLAIM == Claim::Write
                && let Some(errno) = ahead.take_error()
            {
                return Attempt::Failed(errno);
            }
        }
        if leads { op.resume(self.fd, self.socket.kind) } else { op.attempt(self.fd, self.socket.kind) }
    }

    /// Whether there is something of the stream that is not behind the descriptor.
    fn ahead_has(&self) -> bool {
        self.socket.ahead.as_ref().is_some_and(|ahead| ahead.ready() == Some(true))
    }

    /// A connect moves nothing and has no counters.
    pub(super) fn count<O: Op>(&mut self, change: impl FnOnce(&mut Tally)) {
        if O::CLAIM != Claim::Connect {
            change(self.state.tally::<O>());
        }
    }

    fn done<O: Op>(&mut self, done: &O::Done) {
        self.state.own.shortage = None;
        self.count::<O>(|tally| {
            tally.package(O::bytes(done));
            tally.more(O::packages(done).saturating_sub(1));
        });
        if let Mode::Yield(after) = self.mode {
            self.state.own.patience.succeeded(after);
        }
        self.state.own.connected |= O::CLAIM == Claim::Connect;
        self.pass_on(O::CLAIM);
    }

    /// A failure ends all waits of the direction, for a reason, or is this call's alone. The call answers for its own.
    pub(super) fn fail<O: Op>(&mut self, reason: Option<Reason>) {
        self.state.own.probe = None;
        self.count::<O>(|tally| tally.fails += 1);
        match reason {
            Some(reason) => {
                if self.leads() {
                    self.advance(|_| false);
                }
                self.state.waiters.abort(reason, self.wakes);
            }
            None => self.pass_on(O::CLAIM),
        }
    }

    /// Gives up the turn, with an answer.
    pub(super) fn advance(&mut self, ready: impl FnOnce(&W) -> bool) {
        // It was for who had the turn.
        self.state.own.probe = None;
        if self.mode == Mode::Complete {
            self.state.waiters.complete(ready, self.wakes);
        } else {
            self.state.waiters.supersede(self.wakes);
            self.state.waiters.advance(ready, self.wakes);
        }
    }

    /// Whoever leads and has got something lets the next one have his turn.
    pub(super) fn pass_on(&mut self, claim: Claim) {
        if self.leads() {
            let (socket, fd) = (self.socket, self.fd);
            self.advance(|next| socket.ready_for_next(fd, claim, next));
        }
    }
}
