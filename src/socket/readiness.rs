//! The readiness protocol, once for all operations: the turn, the attempt, and what follows from its outcome.

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

/// One call of one process, made under the lock of a lane.
pub(crate) struct LockedCall<'v, W: Wake> {
    pub(crate) socket: &'v Arc<Socket<W>>,
    pub(crate) state: &'v mut State<W, Side>,
    pub(crate) wakes: &'v mut Wakes<W>,
    pub(crate) fd: BorrowedFd<'v>,
    pub(crate) me: W::Process,
    pub(crate) mode: Mode,
    pub(crate) select_read: bool,
    /// The operation takes bytes of the stream (`Op::want`), so a ring that receives delivers them.
    pub(crate) reads_stream: bool,
    /// The operation continues a call that already has its answer (`Op::follows`). It does not have the turn, and
    /// passes no turn on.
    pub(crate) follows: bool,
}

impl<W: Wake> State<W, Side> {
    pub(crate) fn tally<O: Op>(&mut self) -> &mut Tally {
        if O::SEPARATE_TALLY { self.separate_tally.get_or_insert_default() } else { &mut self.tally }
    }
}

impl<W: Wake> LockedCall<'_, W> {
    pub(crate) fn run<O: Op>(mut self, op: &mut O, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        (self.reads_stream, self.follows) = (op.want().is_some(), op.continues());
        if op.urgent() && matches!(self.mode, Mode::Yield(_) | Mode::Wait) {
            return self.run_urgent(op, waiter);
        }
        let is_head = self.is_head();
        match self.turn(O::CLAIM) {
            Turn::Mine if O::CLAIM == Claim::Connect && is_head && !sys::ready::writable(self.fd) => {
                return self.still_connecting::<O>(waiter);
            }
            Turn::Mine => {}
            Turn::Excluded => return Answer::Failed(Failure::State),
            Turn::AlreadyQueued => return Answer::Failed(Failure::NotHead),
            // A receive that does not wait may be made without the turn. It takes what there is.
            Turn::Behind if self.mode == Mode::Once && O::CLAIM == Claim::Read => {}
            Turn::Behind if self.mode == Mode::Once => return Answer::Blocked,
            Turn::Behind if O::CLAIM == Claim::Connect => return Answer::Failed(Failure::Already),
            Turn::Behind => {
                self.state.waiters.enqueue(O::CLAIM, waiter());
                return Answer::Waiting;
            }
        }
        if let Mode::Yield(after) = self.mode
            && O::CLAIM != Claim::Connect
            && self.state.waiters.head.is_none()
            && self.state.data.yield_policy.skips_first_attempt(after)
        {
            return Answer::Yield;
        }
        self.update_tally::<O>(|tally| tally.tries += 1);
        let attempt = self.attempt(op, is_head);
        if self.state.waiters.head.is_some() {
            // Events that the poller has fetched before may be about what this attempt took.
            self.state.data.attempt_round = self.socket.poller.round();
        }
        match attempt {
            Attempt::Done(done)
                if self.select_read && O::CLAIM == Claim::Read && matches!(self.mode, Mode::Wait | Mode::Start) =>
            {
                self.update_tally::<O>(|tally| tally.add_package(O::bytes(&done)));
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
                self.finish::<O>(&done);
                Answer::Done(done)
            }
            Attempt::Partial(done) => {
                self.update_tally::<O>(|tally| tally.add_part(O::bytes(&done)));
                match self.mode {
                    // The completion keeps the turn: its next attempt follows at once.
                    Mode::Complete => {}
                    Mode::Start => self.keep_turn::<O>(waiter),
                    _ => {
                        self.probe(op);
                        self.wait_for_rest::<O>(waiter);
                    }
                }
                Answer::Partial(done)
            }
            Attempt::Unfinished(done) => {
                self.update_tally::<O>(|tally| tally.add_part(O::bytes(&done)));
                if self.mode != Mode::Complete {
                    self.keep_turn::<O>(waiter);
                }
                Answer::Unfinished(done)
            }
            Attempt::Cut(done, cut) => {
                self.update_tally::<O>(|tally| tally.add_part(O::bytes(&done)));
                let (reason, failure) = match cut {
                    Cut::Closed => (Reason::Closed, Failure::Closed),
                    Cut::Errno(errno) => (Reason::Errno(errno), Failure::Errno(errno)),
                };
                if op.peeks() {
                    // A peek leaves the data to later calls, and the error behind it. The read-ahead buffer keeps an
                    // error of its own.
                    if let (Failure::Errno(errno), false) = (failure, self.has_read_ahead()) {
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
                self.wait_or_fail::<O>(waiter)
            }
            Attempt::Closed => {
                // A peek may have found the reason.
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
    pub(super) fn is_head(&self) -> bool {
        !self.follows && (self.mode == Mode::Complete || self.state.waiters.is_head(self.me))
    }

    fn turn(&self, claim: Claim) -> Turn {
        if self.mode == Mode::Complete { Turn::Mine } else { self.state.waiters.turn(self.me, claim) }
    }

    /// One attempt: on the read-ahead buffer, or on the descriptor.
    pub(super) fn attempt<O: Op>(&mut self, op: &mut O, is_head: bool) -> Attempt<O::Done> {
        // A receive of the error queue, or of urgent data, does not report a pending error.
        let takes_error = !self.follows && (O::CLAIM == Claim::Write || self.reads_stream);
        if let Some(errno) = takes_error.then(|| self.socket.pending_error.take()).flatten() {
            return Attempt::Failed(errno);
        }
        if let Some(ahead) = &self.socket.ahead {
            if let Some(attempt) = ahead.attempt(op, self.fd, self.socket.kind) {
                return attempt;
            }
            if O::CLAIM == Claim::Read && !self.reads_stream {
                // Urgent data has its place in the stream, and a ring would receive past it: no ring receives from
                // now on.
                ahead.disable_ring();
            }
            if O::CLAIM == Claim::Write
                && let Some(errno) = ahead.take_error()
            {
                return Attempt::Failed(errno);
            }
        }
        if is_head { op.resume(self.fd, self.socket.kind) } else { op.attempt(self.fd, self.socket.kind) }
    }

    /// Whether the read-ahead buffer has bytes or an error of the stream.
    fn has_read_ahead(&self) -> bool {
        self.socket.ahead.as_ref().is_some_and(|ahead| ahead.ready() == Some(true))
    }

    /// Updates the counters. A connect moves no data and has none.
    pub(super) fn update_tally<O: Op>(&mut self, change: impl FnOnce(&mut Tally)) {
        if O::CLAIM != Claim::Connect {
            change(self.state.tally::<O>());
        }
    }

    fn finish<O: Op>(&mut self, done: &O::Done) {
        self.state.data.shortage = None;
        self.update_tally::<O>(|tally| {
            tally.add_package(O::bytes(done));
            tally.add_packages(O::packages(done).saturating_sub(1));
        });
        if let Mode::Yield(after) = self.mode {
            self.state.data.yield_policy.succeeded(after);
        }
        self.state.data.connected |= O::CLAIM == Claim::Connect;
        self.pass_on(O::CLAIM);
    }

    /// Counts a failure. With a reason it ends all waits of the direction, otherwise it concerns this call alone.
    /// This call reports its failure itself, so it gets no message.
    pub(super) fn fail<O: Op>(&mut self, reason: Option<Reason>) {
        self.state.data.probe = None;
        self.update_tally::<O>(|tally| tally.fails += 1);
        match reason {
            Some(reason) => {
                if self.is_head() {
                    self.advance(|_| false);
                }
                self.state.waiters.abort(reason, self.wakes);
            }
            None => self.pass_on(O::CLAIM),
        }
    }

    /// Gives up the turn, because the call has its answer.
    pub(super) fn advance(&mut self, ready: impl FnOnce(&W) -> bool) {
        // It was for the waiter that had the turn.
        self.state.data.probe = None;
        if self.mode == Mode::Complete {
            self.state.waiters.complete(ready, self.wakes);
        } else {
            self.state.waiters.supersede(self.wakes);
            self.state.waiters.advance(ready, self.wakes);
        }
    }

    /// If this call has the turn, passes it on to the next waiter.
    pub(super) fn pass_on(&mut self, claim: Claim) {
        if self.is_head() {
            let (socket, fd) = (self.socket, self.fd);
            self.advance(|next| socket.ready_for_next(fd, claim, next));
        }
    }
}
