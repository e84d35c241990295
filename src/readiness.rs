//! The readiness protocol, once, for every operation: whose turn it is, the attempt, and what comes of it.

use crate::errno::Errno;
use crate::lane::{Claim, Reason, State, Turn, Wake, Wakes};
use crate::op::{Attempt, Op};
use crate::socket::{Direction, Side, Socket};
use crate::sys;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// How an operation is to go about waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Do not wait.
    Once,
    /// Wait to be woken.
    Wait,
    /// The caller can give up its turn and come back, and has done so this many times: only wait where, as this
    /// socket has been, it would not help.
    Yield(u32),
}

/// What came of an operation.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is done.
    Done(T),
    /// It is done in part, and the caller is in line for the rest (unless it is not to wait).
    Partial(T),
    /// The caller is in line.
    Waiting,
    /// It would block; the caller is not to wait and is not in line.
    Blocked,
    /// The caller is to give up its turn and try again.
    Yield,
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The socket, or the peer's side of the stream, is closed.
    Closed,
    /// The system says so.
    Errno(Errno),
    /// There is no memory for a buffer.
    NoMemory,
    /// Something is going on that excludes this.
    State,
    /// The caller is in line already.
    InLine,
    /// A connect is under way.
    Already,
}

/// One call of one process, while it holds the lane.
pub(crate) struct Visit<'v, 'lane, W: Wake> {
    pub(crate) socket: &'v Arc<Socket<W>>,
    pub(crate) state: &'v mut State<W, Side>,
    pub(crate) wakes: &'v mut Wakes<'lane, W>,
    pub(crate) fd: BorrowedFd<'v>,
    pub(crate) me: W::Process,
    pub(crate) mode: Mode,
}

impl<W: Wake> Visit<'_, '_, W> {
    pub(crate) fn run<O: Op>(mut self, op: &mut O, waiter: impl FnOnce() -> W) -> Answer<O::Done> {
        let leads = self.state.line.leads(self.me);
        match self.state.line.turn(self.me, O::CLAIM) {
            Turn::Mine if O::CLAIM == Claim::Connect && leads && !sys::ready::writable(self.fd) => {
                return self.still_connecting(waiter);
            }
            Turn::Mine => {}
            Turn::Excluded => return Answer::Failed(Failure::State),
            Turn::InLine => return Answer::Failed(Failure::InLine),
            // A look that does not wait may be had out of turn; it takes what is there.
            Turn::Behind if self.mode == Mode::Once && O::CLAIM == Claim::Read => {}
            Turn::Behind if self.mode == Mode::Once => return Answer::Blocked,
            Turn::Behind if O::CLAIM == Claim::Connect => return Answer::Failed(Failure::Already),
            Turn::Behind => {
                self.state.line.queue(O::CLAIM, waiter());
                return Answer::Waiting;
            }
        }
        self.state.tally(O::CLAIM).tries += 1;
        match if leads { op.resume(self.fd, self.socket.kind) } else { op.attempt(self.fd, self.socket.kind) } {
            Attempt::Done(done) => {
                self.done::<O>(&done);
                Answer::Done(done)
            }
            // All that is there is all that a look is after.
            Attempt::Partial(done) if self.mode == Mode::Once && O::CLAIM == Claim::Read => {
                self.done::<O>(&done);
                Answer::Done(done)
            }
            Attempt::Partial(done) => {
                self.state.tally(O::CLAIM).part(O::bytes(&done));
                self.wait_for_rest(O::CLAIM, waiter);
                Answer::Partial(done)
            }
            Attempt::Blocked => self.blocked(O::CLAIM, waiter),
            Attempt::BlockedUntold => {
                let answer = self.blocked(O::CLAIM, waiter);
                if matches!(answer, Answer::Waiting) {
                    self.socket.ready_later();
                }
                answer
            }
            Attempt::Closed => {
                self.fail(O::CLAIM, Some(Reason::Closed));
                Answer::Failed(Failure::Closed)
            }
            Attempt::Failed(errno) => {
                self.fail(O::CLAIM, O::fatal(errno).then_some(Reason::Errno(errno)));
                Answer::Failed(Failure::Errno(errno))
            }
            Attempt::NoMemory => {
                self.fail(O::CLAIM, None);
                Answer::Failed(Failure::NoMemory)
            }
        }
    }

    /// The connect under way has to have ended before it can be asked how.
    fn still_connecting<T>(&mut self, waiter: impl FnOnce() -> W) -> Answer<T> {
        match self.mode {
            Mode::Yield(_) => self.waiting(Claim::Connect, waiter),
            Mode::Once | Mode::Wait => Answer::Failed(Failure::Already),
        }
    }

    fn done<O: Op>(&mut self, done: &O::Done) {
        self.state.tally(O::CLAIM).package(O::bytes(done));
        if let Mode::Yield(after) = self.mode {
            self.state.own.patience.paid(after);
        }
        self.state.own.connected |= O::CLAIM == Claim::Connect;
        self.pass_on(O::CLAIM);
    }

    fn blocked<T>(&mut self, claim: Claim, waiter: impl FnOnce() -> W) -> Answer<T> {
        match self.mode {
            Mode::Once => return Answer::Blocked,
            Mode::Yield(after) if self.state.own.patience.more(after) => return Answer::Yield,
            Mode::Yield(after) => self.state.own.patience.waited(after),
            Mode::Wait => {}
        }
        self.waiting(claim, waiter)
    }

    fn waiting<T>(&mut self, claim: Claim, waiter: impl FnOnce() -> W) -> Answer<T> {
        self.wait(claim, waiter).map_or_else(|errno| Answer::Failed(Failure::Errno(errno)), |()| Answer::Waiting)
    }

    /// A part is done. Unlike EAGAIN, that does not say that there is nothing more.
    fn wait_for_rest(&mut self, claim: Claim, waiter: impl FnOnce() -> W) {
        if self.mode == Mode::Once {
            self.pass_on(claim);
            return;
        }
        // Where it fails, the next call meets the error again.
        if self.wait(claim, waiter).is_ok() && ready(self.fd, claim) {
            self.state.line.notify(self.wakes);
        }
    }

    /// Gives the turn to a waiter, with the descriptor registered.
    fn wait(&mut self, claim: Claim, waiter: impl FnOnce() -> W) -> sys::Result<()> {
        self.socket.register(self.fd, claim.direction())?;
        self.state.tally(claim).waits += 1;
        self.state.own.selected = true;
        self.state.line.lead(claim, waiter(), self.wakes);
        Ok(())
    }

    /// A failure is everybody's who waits here, for a reason, or this call's alone.
    fn fail(&mut self, claim: Claim, reason: Option<Reason>) {
        self.state.tally(claim).fails += 1;
        match reason {
            Some(reason) => self.state.line.abort(Some(self.me), reason, self.wakes),
            None => self.pass_on(claim),
        }
    }

    /// Whoever leads and has got something lets the next one have his turn.
    fn pass_on(&mut self, claim: Claim) {
        if self.state.line.leads(self.me) {
            let fd = self.fd;
            self.state.line.advance(|| ready(fd, claim), self.wakes);
        }
    }
}

/// Whether an attempt would get something.
pub(crate) fn ready(fd: BorrowedFd<'_>, claim: Claim) -> bool {
    match claim.direction() {
        Direction::Read => sys::ready::readable(fd),
        Direction::Write => sys::ready::writable(fd),
    }
}
