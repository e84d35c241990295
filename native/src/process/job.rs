//! Jobs: what is done for a process that waits for a completion, by whoever polls.
//!
//! A job is a call of the API again: the same function with the same arguments, or with those that are left of them.

use super::model::{Args, Handle, How, Job, Step, Task, Wait};
use crate::{atoms, fail};
use esock::socket::backend::Backend;
use rustler::{Atom, Env, NifResult, ResourceArc, Term};

/// Parts that are done in one go, before others have their turn.
const PARTS: usize = 8;

impl<'a> Wait<'a> {
    /// Makes a call, one that is completed for the caller where the socket is of that kind.
    pub(crate) fn call(
        &self,
        env: Env<'a>,
        socket: &ResourceArc<Handle>,
        job: &'static Job,
        args: Args<'a>,
    ) -> NifResult<Term<'a>> {
        let by_process = job.receives_descriptors && socket.socket.kind.local();
        if self.how == How::Nowait && socket.socket.backend == Backend::Uring && !by_process {
            Task { job, args, remaining: None }.proceed(env, socket, self)
        } else {
            (job.call)(env, socket, self, args)
        }
    }
}

impl<'a> Task<'a> {
    /// Makes the call as far as it goes now.
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
                    (Step::Part(left), Some(remaining)) => {
                        self.args = remaining(self.args, left);
                        self.remaining = Some(left);
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

    /// With an error goes what was not sent.
    fn result(&self, env: Env<'a>, answer: Term<'a>) -> Term<'a> {
        match (self.remaining, answer.decode::<(Atom, Atom)>()) {
            (Some(left), Ok((error, reason))) if error == atoms::error() => fail::error(env, (reason, left)),
            _ => answer,
        }
    }
}

/// What is left of a call whose first argument is data to send.
pub(crate) fn unsent<'a>([_, b, c]: Args<'a>, remaining: Term<'a>) -> Args<'a> {
    [remaining, b, c]
}
