//! Jobs: what is done for a process that waits for a completion, by a thread of ours.
//!
//! A job is a call of the API again: the same function with the same arguments, or with those that are left of them.

use crate::handle::Handle;
use crate::kept::Kept;
use crate::nif::{Step, Wait};
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
    /// What is left of the arguments when a part is done.
    pub(crate) rest: for<'a> fn(Env<'a>, Args<'a>, Term<'a>) -> Args<'a>,
    /// The arguments hold data.
    pub(crate) data: bool,
}

impl Job {
    /// Makes the call as far as it goes now.
    pub(crate) fn proceed<'a>(
        &'static self,
        env: Env<'a>,
        socket: &ResourceArc<Handle>,
        wait: &Wait<'a>,
        mut args: Args<'a>,
    ) -> NifResult<Term<'a>> {
        loop {
            wait.set(self, args);
            let answer = (self.call)(env, socket, wait, args)?;
            match wait.step() {
                Step::Part(part) => args = (self.rest)(env, args, part),
                _ => return Ok(answer),
            }
        }
    }
}

/// A job with its arguments, kept until its turn comes.
pub(crate) struct Errand {
    job: &'static Job,
    args: Keep,
}

/// Data has an environment of its own, which ends with it; numbers and names share one.
enum Keep {
    Shared(Kept),
    Own(Mutex<(OwnedEnv, SavedTerm)>),
}

impl Errand {
    pub(crate) fn new(env: Env<'_>, job: &'static Job, [a, b, c]: Args<'_>) -> Self {
        let args = (a, b, c).encode(env);
        let args = if job.data {
            let own = OwnedEnv::new();
            let saved = own.save(args);
            Keep::Own(Mutex::new((own, saved)))
        } else {
            Keep::Shared(Kept::new(args))
        };
        Self { job, args }
    }

    /// The job, and the arguments in an environment of the caller's.
    pub(crate) fn load<'a>(&self, env: Env<'a>) -> Option<(&'static Job, Args<'a>)> {
        let args = match &self.args {
            Keep::Shared(kept) => kept.term(env)?,
            Keep::Own(own) => {
                let own = own.lock();
                own.0.run(|inner| own.1.load(inner).in_env(env))
            }
        };
        let (a, b, c) = args.decode().ok()?;
        Some((self.job, [a, b, c]))
    }
}

/// Of a call that is done whole or not at all.
pub(crate) fn same<'a>(_: Env<'a>, args: Args<'a>, _: Term<'a>) -> Args<'a> {
    args
}

/// Of a call whose first argument is data to send: what is left of it.
pub(crate) fn unsent<'a>(_: Env<'a>, [_, b, c]: Args<'a>, rest: Term<'a>) -> Args<'a> {
    [rest, b, c]
}
