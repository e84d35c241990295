//! How a call waits, and what it answers while it does.

use crate::caller::{self, Place, Waiter};
use crate::handle::Handle;
use crate::job::{Args, Job, Task};
use crate::{atoms, charge, fail};
use esock::lane::wakes::Wakes;
use esock::lane::{Claim, Wake};
use esock::op::Op;
use esock::socket::Outcome;
use esock::socket::answer::{Answer, Failure, Mode};
use esock::socket::backend::Backend;
use rustler::{Atom, Encoder, Env, Error, LocalPid, NifResult, ResourceArc, Term};
use std::cell::Cell;
use std::sync::Arc;

/// How a call waits, from its arguments `Handle` and `How`:
///
/// | `How` | `Handle` | |
/// |---|---|---|
/// | `nowait` | a reference, or `nowait` for a new one | answer as the user of the API gets it |
/// | `select` | as with `nowait` | the same, and never `completion` |
/// | `zero` | anything | do not wait: `{error, timeout}`; or `yield` where a ring is about to bring something |
/// | an integer | a reference | answer `yield`, `wait` or `{wait, Part}`; so often has the caller yielded |
pub(crate) struct Wait<'a> {
    handle: Cell<Term<'a>>,
    how: How,
    /// Who waits.
    pub(crate) pid: LocalPid,
    /// Who is acted for, by whoever polls.
    pub(crate) acting: Option<Arc<Waiter>>,
    task: Cell<Option<Task<'a>>>,
    step: Cell<Step<'a>>,
    /// So many bytes are worth a message.
    least: Cell<usize>,
    /// The call has the turn from its last attempt.
    kept: Cell<bool>,
    /// The waiters to tell when the completion that is being done has had its message.
    others: Cell<Wakes<Waiter>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Nowait,
    Select,
    Zero,
    /// As `Zero`, after an answer that there is more.
    More,
    Yielded(u32),
}

/// How far a call has come that is completed for its caller.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    /// The answer is the result.
    Answered,
    /// It waits.
    Waiting,
    /// This is done (or left); the call is to be made again for the rest.
    Part(Term<'a>),
    /// Who waited has left, or was told why there will be nothing.
    Gone,
    /// No operation was attempted: the call was refused before.
    Refused,
}

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

    /// For a process that waits under this handle, in a thread of ours.
    pub(crate) fn acting(waiter: &Arc<Waiter>, pid: LocalPid, handle: Term<'a>) -> Self {
        Self::new(handle, How::Nowait, pid, Some(Arc::clone(waiter)))
    }

    fn new(handle: Term<'a>, how: How, pid: LocalPid, acting: Option<Arc<Waiter>>) -> Self {
        Self {
            handle: Cell::new(handle),
            how,
            pid,
            acting,
            task: Cell::new(None),
            step: Cell::new(Step::Answered),
            least: Cell::new(1),
            kept: Cell::new(false),
            others: Cell::default(),
        }
    }

    /// Makes a call, one that is completed for the caller where the socket is of that kind.
    pub(crate) fn call(
        &self,
        env: Env<'a>,
        socket: &ResourceArc<Handle>,
        job: &'static Job,
        args: Args<'a>,
    ) -> NifResult<Term<'a>> {
        let itself = job.rights && socket.socket.kind.local();
        if self.how == How::Nowait && socket.socket.backend == Backend::Uring && !itself {
            Task { job, args, left: None }.proceed(env, socket, self)
        } else {
            (job.call)(env, socket, self, args)
        }
    }

    /// What is being done, with what is left to do.
    pub(crate) fn set(&self, task: Task<'a>) {
        self.kept.set(matches!(self.step.get(), Step::Part(_)));
        self.step.set(Step::Refused);
        self.task.set(Some(task));
    }

    /// What is done for the caller, if anything.
    pub(crate) fn task(&self) -> Option<Task<'a>> {
        self.task.get()
    }

    pub(crate) fn step(&self) -> Step<'a> {
        self.step.get()
    }

    /// There was an attempt. The caller is charged, unless it gives up its turn, and whoever is to be woken is told; but a completion that ends with this has its
    /// message first.
    pub(super) fn attempted(&self, env: Env<'a>, micros: Option<u32>, ends: bool, mut wakes: Wakes<Waiter>) {
        self.step.set(Step::Answered);
        wakes.drop_same(|waiter| self.is(waiter));
        if self.acting.is_none() {
            micros.map_or_else(charge::rests, |micros| charge::charge(env, micros));
        }
        if self.acting.is_some() && ends {
            self.others.set(wakes);
        } else {
            caller::tell(env, self.place(), wakes);
        }
    }

    /// The waiters to tell now.
    pub(crate) fn others(&self) -> Wakes<Waiter> {
        self.others.take()
    }

    pub(crate) fn handle(&self) -> Term<'a> {
        self.handle.get()
    }

    /// Where this is done.
    pub(crate) fn place(&self) -> Place {
        if self.acting.is_some() { Place::acting() } else { Place::Call }
    }

    /// Whether it is completed for the caller.
    pub(crate) fn completes(&self) -> bool {
        self.task.get().is_some()
    }

    /// What the core is to do where the call would block.
    pub(super) fn mode(&self) -> Mode {
        match self.how {
            How::Nowait if self.completes() => Mode::Start,
            How::Nowait | How::Select => Mode::Wait,
            How::Zero | How::More => Mode::Once,
            How::Yielded(times) => Mode::Yield(times),
        }
    }

    /// Whether the caller waits, in whatever way.
    pub(crate) fn waits(&self) -> bool {
        !matches!(self.how, How::Zero | How::More)
    }

    /// It waits for so many bytes.
    pub(crate) fn wants(&self, least: usize) {
        self.least.set(least);
    }

    /// How many bytes it waits for.
    pub(crate) fn least(&self) -> usize {
        self.least.get()
    }

    /// Whether the caller goes on where there was more.
    pub(crate) fn follows(&self) -> bool {
        self.how == How::More
    }

    /// Whether the answer is for a process that waits in `esock_wait`.
    pub(crate) fn blocking(&self) -> bool {
        matches!(self.how, How::Yielded(_))
    }

    /// Whether this waiter is the caller under its handle.
    pub(super) fn is(&self, waiter: &Waiter) -> bool {
        match &self.acting {
            Some(acting) => std::ptr::eq(&raw const **acting, waiter),
            None => waiter.process() == self.pid && waiter.is(self.handle.get()),
        }
    }

    /// What makes the waiter, and the handle where the caller left that to us.
    pub(super) fn waiter<'w>(
        &'w self,
        env: Env<'a>,
        socket: &'w ResourceArc<Handle>,
    ) -> impl FnOnce() -> Waiter + use<'a, 'w> {
        move || {
            if !self.handle.get().is_ref() {
                self.handle.set(env.make_ref().encode(env));
            }
            Waiter::new(env, self, socket.clone())
        }
    }

    /// Attempts the operation: as a call, or as the rest of one that has the turn.
    pub(super) fn attempt<O: Op>(
        &self,
        env: Env<'a>,
        handle: &ResourceArc<Handle>,
        op: &mut O,
    ) -> Outcome<Answer<O::Done>, Waiter> {
        let waiter = self.waiter(env, handle);
        if self.acting.is_some() {
            return handle.socket.proceed(op, self.pid, |waiter| self.is(waiter), waiter);
        }
        if self.kept.get() {
            let (answer, wakes) = handle.socket.proceed(op, self.pid, |waiter| self.is(waiter), waiter);
            // Somebody has met what ends the line: so does this call.
            if !matches!(answer, Answer::Failed(Failure::InLine)) {
                return (answer, wakes);
            }
            caller::tell(env, self.place(), wakes);
        }
        handle.socket.run(op, self.pid, self.mode(), self.waiter(env, handle))
    }

    /// `{select_info, Tag, Handle}`, or `{completion_info, Op, Handle}`
    pub(super) fn info(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>) -> Term<'a> {
        match self.task.get() {
            Some(task) => (atoms::completion_info(), (task.job.name)(), self.handle.get()).encode(env),
            None => (atoms::select_info(), tag(), self.handle.get()).encode(env),
        }
    }

    /// The answer of a call that waits.
    pub(super) fn waiting(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>) -> Term<'a> {
        self.step.set(Step::Waiting);
        match self.how {
            How::Yielded(_) => atoms::wait().encode(env),
            _ if self.completes() => (atoms::completion(), self.info(env, tag)).encode(env),
            _ => (atoms::select(), self.info(env, tag)).encode(env),
        }
    }

    /// The answer of a call that is done, and waits for the next.
    pub(super) fn again(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>, answer: Term<'a>) -> NifResult<Term<'a>> {
        let (_, data): (Atom, Term<'a>) = answer.decode()?;
        let name = if self.completes() { atoms::completion() } else { atoms::select_read() };
        Ok((name, (self.info(env, tag), data)).encode(env))
    }

    /// The answer of a call for whose outcome there is no memory. It is in line, and is not told so: it leaves.
    pub(super) fn left(&self, env: Env<'a>, handle: &Handle, claim: Claim) -> Term<'a> {
        let (handle_term, mine) = (self.handle.get(), |waiter: &Waiter| waiter.is(self.handle.get()));
        let key = (self.pid, caller::tag(handle_term));
        caller::tell(env, self.place(), handle.socket.cancel(claim.direction(), key, mine).1);
        self.step.set(Step::Answered);
        fail::error(env, atoms::enomem())
    }

    /// The answer of a call that has done a part, and waits for the rest or is to go on (`more`).
    pub(super) fn partial(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>, data: Term<'a>, more: bool) -> Term<'a> {
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

    /// Much is done, and not all: others have their turn first. Nothing: the caller has lost the turn meanwhile, and the next
    /// attempt says why.
    pub(crate) fn suspend(&self, env: Env<'a>, socket: &ResourceArc<Handle>) -> Option<Term<'a>> {
        if let (Some(acting), Some(task)) = (&self.acting, self.task.get()) {
            acting.suspend(env, task);
        } else if let Some(task) = self.task.get() {
            let mine = |waiter: &Waiter| self.is(waiter);
            socket
                .socket
                .with_woken(mine, |waiter| waiter.suspend(env, task))
                .into_iter()
                .for_each(|wakes| caller::tell(env, self.place(), wakes));
        }
        let found = socket.socket.hand_to_poller(|waiter| self.is(waiter)).map(|(found, wakes)| {
            caller::tell(env, self.place(), wakes);
            found
        });
        (self.acting.is_some() || found.contains(&true)).then(|| self.waiting(env, || atoms::undefined().encode(env)))
    }

    /// A failure of what is completed: of the call, or of nobody's any more.
    pub(super) fn failed(&self, failure: Failure) {
        self.step.set(match failure {
            Failure::InLine if self.acting.is_some() => Step::Gone,
            _ => Step::Answered,
        });
    }
}
