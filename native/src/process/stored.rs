//! Stored calls: tasks that are kept until their waiter is woken.

use super::model::{COPIES, DISK, StoredArgs, StoredCall, Task, Work};
use super::pool::Pool;
use super::stored_term::StoredTerm;
use crate::atoms;
use esock::ring::ahead::LARGE;
use parking_lot::Mutex;
use rustler::env::OwnedEnv;
use rustler::{Encoder, Env, Term};

impl StoredCall {
    pub(crate) fn new<'a>(env: Env<'a>, task: Task<'a>) -> Self {
        let [length, ..] = task.args;
        let large = task.job.remaining.is_none() && length.decode::<u64>().is_ok_and(|length| length > LARGE as u64);
        Self { job: task.job, large, args: Mutex::new(StoredArgs::new(env, task)) }
    }

    /// The pool for the call, if the call may hold a thread: it reads a file, or copies more than 1 MB.
    pub(crate) fn pool(&self) -> Option<&'static Pool<Work>> {
        if self.job.reads_file { Some(&DISK) } else { self.large.then_some(&COPIES) }
    }

    /// Replaces the arguments, after a part is done.
    pub(crate) fn update<'a>(&self, env: Env<'a>, task: Task<'a>) {
        *self.args.lock() = StoredArgs::new(env, task);
    }

    /// The task, with its terms copied to `env`.
    pub(crate) fn load<'a>(&self, env: Env<'a>) -> Option<Task<'a>> {
        let kept = match &*self.args.lock() {
            StoredArgs::Plain(args) => {
                let term = |number: Option<i64>| match number {
                    Some(number) => number.encode(env),
                    None => Term::list_new_empty(env),
                };
                return Some(Task { job: self.job, args: args.map(term), partial: None });
            }
            StoredArgs::Shared(kept) => kept.term(env)?,
            StoredArgs::Own(own, saved) => own.run(|own| saved.load(own).in_env(env)),
        };
        let (a, b, c, partial): (Term<'a>, Term<'a>, Term<'a>, Term<'a>) = kept.decode().ok()?;
        let partial = Some(partial).filter(|partial| !partial.is_atom());
        Some(Task { job: self.job, args: [a, b, c], partial })
    }
}

impl StoredArgs {
    fn new<'a>(env: Env<'a>, Task { job, args: [a, b, c], partial }: Task<'a>) -> Self {
        let plain = |term: Term<'a>| {
            if term.is_empty_list() { Some(None) } else { term.decode::<i64>().ok().map(Some) }
        };
        if let (Some(a), Some(b), Some(c), None) = (plain(a), plain(b), plain(c), partial) {
            return Self::Plain([a, b, c]);
        }
        let term = (a, b, c, partial.unwrap_or_else(|| atoms::undefined().encode(env))).encode(env);
        if job.remaining.is_none() {
            return Self::Shared(StoredTerm::new(term));
        }
        let own = OwnedEnv::new();
        let saved = own.save(term);
        Self::Own(own, saved)
    }
}
