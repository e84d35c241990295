//! Jobs: what is done for a process that waits for a completion, by whoever polls.
//!
//! A job is a call of the API again: the same function with the same arguments, or with those that are left of them.

use crate::handle::Handle;
use crate::kept::Kept;
use crate::nif::{Step, Wait};
use crate::worker::{COPIES, DISK, Pool};
use crate::{atoms, fail};
use esock::ring::ahead::MUCH;
use parking_lot::Mutex;
use rustler::env::{OwnedEnv, SavedTerm};
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};

/// The arguments of a call but for the socket and what says how to wait.
pub(crate) type Args<'a> = [Term<'a>; 3];

/// A call that can be completed.
pub(crate) struct Job {
    /// Its name, which is the tag of `completion_info`.
    pub(crate) name: fn() -> Atom,
    /// The call.
    pub(crate) call: for<'a> fn(Env<'a>, &ResourceArc<Handle>, &Wait<'a>, Args<'a>) -> NifResult<Term<'a>>,
    /// Of a call with data to send, what is left of the arguments when a part has gone.
    pub(crate) rest: Option<for<'a> fn(Args<'a>, Term<'a>) -> Args<'a>>,
    /// It reads a file, and the disk may be slow: after the first part it is done by threads for that.
    pub(crate) reads: bool,
    /// Descriptors may come with what it takes. Of a Unix socket the process takes them itself: one that has ended by the time of its
    /// message would leave them open.
    pub(crate) rights: bool,
}

/// Parts that are done in one go, before others have their turn.
const PARTS: usize = 8;

/// What is to be done, and whether a part of it is.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) job: &'static Job,
    pub(crate) args: Args<'a>,
    /// What is left, of data of which a part has gone.
    pub(crate) left: Option<Term<'a>>,
}

impl<'a> Task<'a> {
    /// Makes the call as far as it goes now.
    pub(crate) fn proceed(
        mut self,
        env: Env<'a>,
        socket: &ResourceArc<Handle>,
        wait: &Wait<'a>,
    ) -> NifResult<Term<'a>> {
        let parts = if self.job.reads && wait.acting.is_none() { 1 } else { PARTS };
        loop {
            for _ in 0..parts {
                wait.set(self);
                let answer = (self.job.call)(env, socket, wait, self.args)?;
                match (wait.step(), self.job.rest) {
                    (Step::Part(left), Some(rest)) => {
                        self.args = rest(self.args, left);
                        self.left = Some(left);
                    }
                    _ => return Ok(self.result(env, answer)),
                }
            }
            wait.set(self);
            if let Some(answer) = wait.suspend(env, socket) {
                return Ok(answer);
            }
        }
    }

    /// With an error goes what was not sent.
    fn result(&self, env: Env<'a>, answer: Term<'a>) -> Term<'a> {
        match (self.left, answer.decode::<(Atom, Atom)>()) {
            (Some(left), Ok((error, reason))) if error == atoms::error() => fail::error(env, (reason, left)),
            _ => answer,
        }
    }
}

/// A task, kept until its turn comes.
pub(crate) struct StoredCall {
    job: &'static Job,
    /// It receives a length that only a thread of ours copies.
    much: bool,
    kept: Mutex<Keep>,
}

/// Data has an environment of its own, which ends with it; other terms share one; numbers and empty lists, which most
/// arguments are, need none.
enum Keep {
    Plain([Option<i64>; 3]),
    Shared(Kept),
    Own(OwnedEnv, SavedTerm),
}

impl StoredCall {
    pub(crate) fn new<'a>(env: Env<'a>, task: Task<'a>) -> Self {
        let [length, ..] = task.args;
        let much = task.job.rest.is_none() && length.decode::<u64>().is_ok_and(|length| length > MUCH as u64);
        Self { job: task.job, much, kept: Mutex::new(Keep::new(env, task)) }
    }

    /// The threads for it, if it may hold one: it waits for a disk, or copies much.
    pub(crate) fn pool(&self) -> Option<&'static Pool> {
        if self.job.reads { Some(&DISK) } else { self.much.then_some(&COPIES) }
    }

    /// So much has been done.
    pub(crate) fn update<'a>(&self, env: Env<'a>, task: Task<'a>) {
        *self.kept.lock() = Keep::new(env, task);
    }

    /// The task, in an environment of the caller's.
    pub(crate) fn load<'a>(&self, env: Env<'a>) -> Option<Task<'a>> {
        let kept = match &*self.kept.lock() {
            Keep::Plain(args) => {
                let term = |number: Option<i64>| match number {
                    Some(number) => number.encode(env),
                    None => Term::list_new_empty(env),
                };
                return Some(Task { job: self.job, args: args.map(term), left: None });
            }
            Keep::Shared(kept) => kept.term(env)?,
            Keep::Own(own, saved) => own.run(|own| saved.load(own).in_env(env)),
        };
        let (a, b, c, left): (Term<'a>, Term<'a>, Term<'a>, Term<'a>) = kept.decode().ok()?;
        let left = Some(left).filter(|left| !left.is_atom());
        Some(Task { job: self.job, args: [a, b, c], left })
    }
}

impl Keep {
    fn new<'a>(env: Env<'a>, Task { job, args: [a, b, c], left }: Task<'a>) -> Self {
        let plain = |term: Term<'a>| {
            if term.is_empty_list() { Some(None) } else { term.decode::<i64>().ok().map(Some) }
        };
        if let (Some(a), Some(b), Some(c), None) = (plain(a), plain(b), plain(c), left) {
            return Self::Plain([a, b, c]);
        }
        let term = (a, b, c, left.unwrap_or_else(|| atoms::undefined().encode(env))).encode(env);
        if job.rest.is_none() {
            return Self::Shared(Kept::new(term));
        }
        let own = OwnedEnv::new();
        let saved = own.save(term);
        Self::Own(own, saved)
    }
}

/// What is left of a call whose first argument is data to send.
pub(crate) fn unsent<'a>([_, b, c]: Args<'a>, rest: Term<'a>) -> Args<'a> {
    [rest, b, c]
}
