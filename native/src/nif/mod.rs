//! The functions of `esock_nif`: decode, one call of the core, encode.
//!
//! A function that may wait takes `Handle` and `How`, which [`Wait`] explains.

pub(crate) mod accept;
pub(crate) mod backend;
pub(crate) mod busy;
pub(crate) mod cancel;
pub(crate) mod close;
pub(crate) mod connect;
pub(crate) mod descriptor;
pub(crate) mod info;
pub(crate) mod ioctl;
pub(crate) mod load;
pub(crate) mod lookup;
pub(crate) mod name;
pub(crate) mod native;
pub(crate) mod open;
pub(crate) mod option;
mod otp;
pub(crate) mod recv;
pub(crate) mod recvmmsg;
pub(crate) mod recvmsg;
pub(crate) mod registry;
mod rights;
pub(crate) mod sctp;
pub(crate) mod send;
pub(crate) mod sendfile;
pub(crate) mod sendmsg;
pub(crate) mod sockaddr;
mod supports;
pub(crate) mod wait;

use crate::process::{Handle, Place, Wait, Waiter, notify};
use crate::{atoms, charge, fail};
use esock::op::Op;
use esock::socket::Outcome;
use esock::socket::answer::{Answer, Failure};
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};
use std::time::Instant;

/// The resource of a socket term's reference.
pub(crate) fn handle<'a>(socket: Term<'a>) -> NifResult<&'a Handle> {
    socket.decode()
}

/// Runs an operation. `done` makes the term of the result (all of it, or a part), if there is memory for it. `tag`
/// makes the tag in `select_info`, which identifies the call for `cancel` and for its continuation.
pub(crate) fn run<'a, O: Op>(
    env: Env<'a>,
    handle: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    op: &mut O,
    tag: impl FnOnce() -> Term<'a>,
    done: impl FnOnce(&mut O, O::Done, bool) -> Option<Term<'a>>,
) -> NifResult<Term<'a>> {
    let begun = Instant::now();
    let (answer, wakes) = wait.attempt(env, handle, op);
    let more = matches!(answer, Answer::Unfinished(_));
    wait.attempted(env, charge::cost::<O>(&answer, begun, wait.blocking()), is_final(&answer), wakes);
    Ok(match answer {
        Answer::Done(what) => done(op, what, true).unwrap_or_else(|| fail::error(env, atoms::enomem())),
        Answer::Again(what) => match done(op, what, true) {
            Some(answer) => return wait.again(env, tag, answer),
            None => wait.out_of_memory(env, handle, O::CLAIM),
        },
        Answer::Partial(what) | Answer::Unfinished(what) => match done(op, what, false) {
            Some(data) => wait.partial(env, tag, data, more),
            None => wait.out_of_memory(env, handle, O::CLAIM),
        },
        Answer::Cut(what, failure) => cut(env, done(op, what, false), fail::failure(env, failure)?),
        Answer::Waiting => wait.waiting(env, tag),
        Answer::Yield => atoms::yield_().encode(env),
        Answer::Blocked => fail::error(env, atoms::timeout()),
        Answer::Failed(failure) => {
            wait.failed(failure);
            return fail::failure(env, failure);
        }
    })
}

/// Whether this is the answer that a completion sends to its process.
fn is_final<T>(answer: &Answer<T>) -> bool {
    let waits = matches!(
        answer,
        Answer::Partial(_) | Answer::Unfinished(_) | Answer::Waiting | Answer::Failed(Failure::NotHead)
    );
    !waits
}

/// `{error, {Reason, Part}}`
fn cut<'a>(env: Env<'a>, part: Option<Term<'a>>, failed: Term<'a>) -> Term<'a> {
    match (part, failed.decode::<(Atom, Atom)>()) {
        (Some(part), Ok((_, reason))) => fail::error(env, (reason, part)),
        _ => fail::error(env, atoms::enomem()),
    }
}

/// Delivers the notifications, and answers what `done` makes of the result, or an error.
pub(crate) fn finish<'a, T>(
    env: Env<'a>,
    (result, wakes): Outcome<Result<T, Failure>, Waiter>,
    done: impl FnOnce(T) -> Term<'a>,
) -> NifResult<Term<'a>> {
    notify::deliver(env, Place::Call, wakes);
    charge::charge(env, 1);
    match result {
        Ok(value) => Ok(done(value)),
        Err(failure) => fail::failure(env, failure),
    }
}
