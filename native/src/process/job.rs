//! Jobs: calls that are completed in place of the process that waits.
//!
//! A job repeats a call of the API: the same function with the same arguments, or with those of the rest.

use super::model::{Args, Handle, How, Job, Step, Task, Wait};
use crate::{atoms, fail};
use esock::socket::backend::Backend;
use rustler::{Atom, Env, NifResult, ResourceArc, Term};

/// Number of parts that a job does before others have their turn.
const PARTS: usize = 8;

impl<'a> Wait<'a> {
    /// Makes a call. On a socket with completions a `nowait` call is a job.
    pub(crate) fn call(
        &self,
        env: Env<'a>,
        socket: &ResourceArc<Handle>,
        job: &'static Job,
        args: Args<'a>,
    ) -> NifResult<Term<'a>> {
        let by_process = job.receives_descriptors && socket.socket.kind.local();
        if self.how == How::Nowait && socket.socket.backend == Backend::Uring && !by_process {
            Task { job, args, partial: None }.proceed(env, socket, self)
        } else {
            (job.call)(env, socket, self, args)
        }
    }
}

impl<'a> Task<'a> {
    /// Makes attempts until the call is done, waits, or is suspended.
    pub(crate) fn proceed(
        mut self,
        env: Env<'a>,
        socket: &ResourceArc<Handle>,
        wait: &Wait<'a>,
    ) -> NifResult<Term<'a>> {
        let parts = if self.job.reads_file && wait.completing.is_none() { 1 } else { PARTS };
        loop {
            for _ in 0..parts {
                wait.begin_attempt(self);
                let answer = (self.job.call)(env, socket, wait, self.args)?;
                match (wait.step(), self.job.remaining) {
                    (Step::Part(part), Some(remaining)) => {
                        self.args = remaining(self.args, part);
                        self.partial = Some(part);
                    }
                    _ => return Ok(self.result(env, answer)),
                }
            }
            wait.begin_attempt(self);
            if let Some(answer) = wait.suspend(env, socket) {
                return Ok(answer);
            }
        }
    }

    /// An error carries the data that was not sent.
    fn result(&self, env: Env<'a>, answer: Term<'a>) -> Term<'a> {
        match (self.partial, answer.decode::<(Atom, Atom)>()) {
            (Some(left), Ok((error, reason))) if error == atoms::error() => fail::error(env, (reason, left)),
            _ => answer,
        }
    }
}

/// The arguments for the rest of a call whose first argument is data to send.
pub(crate) fn unsent<'a>([_, b, c]: Args<'a>, remaining: Term<'a>) -> Args<'a> {
    [remaining, b, c]
}
