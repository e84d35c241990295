//! How a call waits, and what it answers meanwhile.

use super::model::{Handle, How, Step, StoredCall, Task, Wait, Waiter};
use super::place::Place;
use super::stored_term::StoredTerm;
use super::{notify, waiter};
use crate::{atoms, charge, fail};
use esock::lane::wakes::Wakes;
use esock::lane::{Claim, Wake};
use esock::op::Op;
use esock::socket::Outcome;
use esock::socket::answer::{Answer, Failure, Mode};
use parking_lot::Mutex;
use rustler::{Atom, Encoder, Env, Error, LocalPid, NifResult, ResourceArc, Term};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl<'a> Wait<'a> {
    pub(crate) fn decode(env: Env<'a>, handle: Term<'a>, how: Term<'a>) -> NifResult<Self> {
        let how = match how.decode::<Atom>() {
            Ok(name) if name == atoms::nowait() => How::Nowait,
            Ok(name) if name == atoms::select() => How::Select,
            Ok(name) if name == atoms::zero() => How::Zero,
            Ok(name) if name == atoms::more() => How::More,
            Ok(_) => return Err(Error::BadArg),
            Err(_) => How::Yielded(how.decode()?),
        };
        let new = matches!(how, How::Nowait | How::Select)
            && handle.decode::<Atom>().is_ok_and(|name| name == atoms::nowait());
        if matches!(how, How::Zero | How::More) || new || handle.is_ref() {
            Ok(Self::new(handle, how, env.pid(), None))
        } else {
            Err(Error::BadArg)
        }
    }

    /// A call that is completed for a waiter, in place of its process.
    pub(crate) fn for_completion(waiter: &Arc<Waiter>, pid: LocalPid, handle: Term<'a>) -> Self {
        Self::new(handle, How::Nowait, pid, Some(Arc::clone(waiter)))
    }

    fn new(handle: Term<'a>, how: How, pid: LocalPid, completing: Option<Arc<Waiter>>) -> Self {
        Self {
            handle: Cell::new(handle),
            how,
            pid,
            completing,
            task: Cell::new(None),
            step: Cell::new(Step::Answered),
            least: Cell::new(1),
            observes: Cell::new(false),
            has_turn: Cell::new(false),
            deferred: Cell::default(),
        }
    }

    /// Begins an attempt at a task.
    pub(crate) fn begin_attempt(&self, task: Task<'a>) {
        self.has_turn.set(matches!(self.step.get(), Step::Part(_)));
        self.step.set(Step::Refused);
        self.task.set(Some(task));
    }

    /// The task, if the call is completed for the caller.
    pub(crate) fn task(&self) -> Option<Task<'a>> {
        self.task.get()
    }

    pub(crate) fn step(&self) -> Step<'a> {
        self.step.get()
    }

    /// Ends an attempt: charges the caller, unless it gives up its time slice, and delivers the notifications. If a
    /// completion ends with this attempt, its own message goes first and the notifications are deferred.
    pub(crate) fn attempted(&self, env: Env<'a>, micros: Option<u32>, ends: bool, mut wakes: Wakes<Waiter>) {
        self.step.set(Step::Answered);
        wakes.drop_same(|waiter| self.is(waiter));
        if self.completing.is_none() {
            micros.map_or_else(charge::yielded, |micros| charge::charge(env, micros));
        }
        if self.completing.is_some() && ends {
            self.deferred.set(wakes);
        } else {
            notify::deliver(env, self.place(), wakes);
        }
    }

    /// Takes the deferred notifications, to deliver them.
    pub(crate) fn take_deferred(&self) -> Wakes<Waiter> {
        self.deferred.take()
    }

    pub(crate) fn handle(&self) -> Term<'a> {
        self.handle.get()
    }

    /// The place of this attempt.
    pub(crate) fn place(&self) -> Place {
        if self.completing.is_some() { Place::polling() } else { Place::Call }
    }

    /// Whether the call is completed for the caller.
    pub(crate) fn completes(&self) -> bool {
        self.task.get().is_some()
    }

    /// What the core does if the call would block.
    pub(crate) fn mode(&self) -> Mode {
        match self.how {
            How::Nowait if self.completes() => Mode::Start,
            How::Nowait | How::Select => Mode::Wait,
            How::Zero | How::More => Mode::Once,
            How::Yielded(times) => Mode::Yield(times),
        }
    }

    /// Whether the caller waits if the call would block.
    pub(crate) fn waits(&self) -> bool {
        !matches!(self.how, How::Zero | How::More)
    }

    /// Sets the fewest bytes for which the waiter is notified.
    pub(crate) fn set_least(&self, least: usize) {
        self.least.set(least);
    }

    /// The fewest bytes for which the waiter is notified.
    pub(crate) fn least(&self) -> usize {
        self.least.get()
    }

    /// The waiter will be an observer. Answers the key under which an earlier one is found.
    pub(crate) fn observe(&self) -> (LocalPid, u64) {
        self.observes.set(true);
        (self.pid, waiter::tag(self.handle.get()))
    }

    /// Whether the caller continues after a `more` answer.
    pub(crate) fn follows(&self) -> bool {
        self.how == How::More
    }

    /// Whether the answer is for a process that blocks in `esock_wait`.
    pub(crate) fn blocking(&self) -> bool {
        matches!(self.how, How::Yielded(_))
    }

    /// Whether this waiter is the one of this call.
    pub(crate) fn is(&self, waiter: &Waiter) -> bool {
        match &self.completing {
            Some(waiting) => std::ptr::eq(&raw const **waiting, waiter),
            None => waiter.process() == self.pid && waiter.is(self.handle.get()),
        }
    }

    /// Makes the waiter, and a new handle if the caller asked for one.
    pub(crate) fn waiter<'w>(
        &'w self,
        env: Env<'a>,
        socket: &'w ResourceArc<Handle>,
    ) -> impl FnOnce() -> Waiter + use<'a, 'w> {
        move || {
            if !self.handle.get().is_ref() {
                self.handle.set(env.make_ref().encode(env));
            }
            self.new_waiter(env, socket.clone())
        }
    }

    /// The waiter of this call.
    pub(crate) fn new_waiter(&self, env: Env<'a>, socket: ResourceArc<Handle>) -> Waiter {
        let pid = self.pid;
        let monitor = match &self.completing {
            Some(before) => before.monitor.lock().take(),
            None if socket.owned_by(pid) => None,
            None => env.monitor(&socket, &pid).map(Arc::new),
        };
        let stored = self.task().map(|task| StoredCall::new(env, task));
        let tag = if stored.is_some() || self.observes.get() { waiter::tag(self.handle()) } else { 0 };
        let (handle, notified) = (StoredTerm::new(self.handle()), AtomicBool::new(false));
        // A blocking call attempts again by itself, and so does a completion.
        let relies_on_select = stored.is_none() && !self.blocking();
        Waiter {
            pid,
            socket,
            handle,
            stored,
            monitor: Mutex::new(monitor),
            tag,
            notified,
            relies_on_select,
            least: self.least(),
        }
    }

    /// Attempts the operation: as a new call, or as the rest of one that has the turn.
    pub(crate) fn attempt<O: Op>(
        &self,
        env: Env<'a>,
        handle: &ResourceArc<Handle>,
        op: &mut O,
    ) -> Outcome<Answer<O::Done>, Waiter> {
        let waiter = self.waiter(env, handle);
        if self.completing.is_some() {
            return handle.socket.proceed(op, self.pid, |waiter| self.is(waiter), waiter);
        }
        if self.has_turn.get() {
            let (answer, wakes) = handle.socket.proceed(op, self.pid, |waiter| self.is(waiter), waiter);
            // The call has left the lane because of an error that ends all waits. A new attempt meets it too.
            if !matches!(answer, Answer::Failed(Failure::NotHead)) {
                return (answer, wakes);
            }
            notify::deliver(env, self.place(), wakes);
        }
        handle.socket.run(op, self.pid, self.mode(), self.waiter(env, handle))
    }

    /// `{select_info, Tag, Handle}`, or `{completion_info, Op, Handle}`
    pub(crate) fn info(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>) -> Term<'a> {
        match self.task.get() {
            Some(task) => (atoms::completion_info(), (task.job.name)(), self.handle.get()).encode(env),
            None => (atoms::select_info(), tag(), self.handle.get()).encode(env),
        }
    }

    /// The answer of a call that waits.
    pub(crate) fn waiting(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>) -> Term<'a> {
        self.step.set(Step::Waiting);
        match self.how {
            How::Yielded(_) => atoms::wait().encode(env),
            _ if self.completes() => (atoms::completion(), self.info(env, tag)).encode(env),
            _ => (atoms::select(), self.info(env, tag)).encode(env),
        }
    }

    /// The answer of a call that is done and already waits for the next result.
    pub(crate) fn again(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>, answer: Term<'a>) -> NifResult<Term<'a>> {
        let (_, data): (Atom, Term<'a>) = answer.decode()?;
        let name = if self.completes() { atoms::completion() } else { atoms::select_read() };
        Ok((name, (self.info(env, tag), data)).encode(env))
    }

    /// The answer of a call if there is no memory for its result. The call is in the lane, but does not say so in its
    /// answer: it leaves the lane.
    pub(crate) fn out_of_memory(&self, env: Env<'a>, handle: &Handle, claim: Claim) -> Term<'a> {
        let (handle_term, mine) = (self.handle.get(), |waiter: &Waiter| waiter.is(self.handle.get()));
        let key = (self.pid, waiter::tag(handle_term));
        notify::deliver(env, self.place(), handle.socket.cancel(claim.direction(), key, mine).1);
        self.step.set(Step::Answered);
        fail::error(env, atoms::enomem())
    }

    /// The answer of a call that is done in part, and waits for the rest or is continued at once (`more`).
    pub(crate) fn partial(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>, data: Term<'a>, more: bool) -> Term<'a> {
        match self.how {
            _ if more && !self.completes() => (atoms::more(), data).encode(env),
            How::Zero | How::More => fail::error(env, (atoms::timeout(), data)),
            How::Yielded(_) => (atoms::wait(), data).encode(env),
            How::Nowait if self.completes() => {
                self.step.set(Step::Part(data));
                data
            }
            How::Nowait | How::Select => (atoms::select(), (self.info(env, tag), data)).encode(env),
        }
    }

    /// Suspends a call that has done much and not all, so that others have their turn first. `None`: the call has lost
    /// the turn meanwhile, and the next attempt says why.
    pub(crate) fn suspend(&self, env: Env<'a>, socket: &ResourceArc<Handle>) -> Option<Term<'a>> {
        if let (Some(waiting), Some(task)) = (&self.completing, self.task.get()) {
            waiting.suspend(env, task);
        } else if let Some(task) = self.task.get() {
            let mine = |waiter: &Waiter| self.is(waiter);
            socket
                .socket
                .with_woken(mine, |waiter| waiter.suspend(env, task))
                .into_iter()
                .for_each(|wakes| notify::deliver(env, self.place(), wakes));
        }
        let found = socket.socket.hand_to_poller(|waiter| self.is(waiter)).map(|(found, wakes)| {
            notify::deliver(env, self.place(), wakes);
            found
        });
        (self.completing.is_some() || found.contains(&true))
            .then(|| self.waiting(env, || atoms::undefined().encode(env)))
    }

    /// Records a failure: of the call, or of a waiter that has left the lane.
    pub(crate) fn failed(&self, failure: Failure) {
        self.step.set(match failure {
            Failure::NotHead if self.completing.is_some() => Step::Departed,
            _ => Step::Answered,
        });
    }
}
