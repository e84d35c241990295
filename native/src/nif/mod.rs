//! The functions of `esock_nif`: decode, one call of the core, encode.
//!
//! Those that may wait take a handle and a `How`; [`Wait`] says what they mean.

pub(crate) mod accept;
pub(crate) mod cancel;
pub(crate) mod close;
pub(crate) mod connect;
pub(crate) mod info;
pub(crate) mod ioctl;
pub(crate) mod load;
pub(crate) mod name;
pub(crate) mod native;
pub(crate) mod open;
pub(crate) mod option;
mod otp;
pub(crate) mod recv;
pub(crate) mod recvmmsg;
pub(crate) mod recvmsg;
pub(crate) mod registry;
pub(crate) mod sctp;
pub(crate) mod send;
pub(crate) mod sendfile;
pub(crate) mod sendmsg;
pub(crate) mod supports;

use crate::caller::{self, Waiter};
use crate::handle::Handle;
use crate::{atoms, fail};
use esock::lane::Claim;
use esock::op::Op;
use esock::readiness::{Answer, Failure, Mode};
use esock::socket::With;
use rustler::{Atom, Encoder, Env, Error, NifResult, ResourceArc, Term};
use std::cell::Cell;

/// How a call waits, from its arguments `Handle` and `How`:
///
/// | `How` | `Handle` | |
/// |---|---|---|
/// | `nowait` | a reference, or `nowait` for a new one | answer as the user of the API gets it |
/// | `zero` | anything | do not wait: `{error, timeout}` |
/// | an integer | a reference | answer `yield`, `wait` or `{wait, Part}`; so often has the caller yielded |
pub(crate) struct Wait<'a> {
    handle: Cell<Term<'a>>,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Nowait,
    Zero,
    Yielded(u32),
}

impl<'a> Wait<'a> {
    pub(crate) fn decode(handle: Term<'a>, how: Term<'a>) -> NifResult<Self> {
        let how = match how.decode::<Atom>() {
            Ok(name) if name == atoms::nowait() => How::Nowait,
            Ok(name) if name == atoms::zero() => How::Zero,
            Ok(_) => return Err(Error::BadArg),
            Err(_) => How::Yielded(how.decode()?),
        };
        let new = how == How::Nowait && handle.decode::<Atom>().is_ok_and(|name| name == atoms::nowait());
        if how == How::Zero || new || handle.is_ref() {
            Ok(Self { handle: Cell::new(handle), how })
        } else {
            Err(Error::BadArg)
        }
    }

    /// What the core is to do where the call would block.
    fn mode(&self) -> Mode {
        match self.how {
            How::Nowait => Mode::Wait,
            How::Zero => Mode::Once,
            How::Yielded(times) => Mode::Yield(times),
        }
    }

    /// Whether the answer is for a process that waits in `esock_wait`.
    pub(crate) fn blocking(&self) -> bool {
        matches!(self.how, How::Yielded(_))
    }

    /// What makes the waiter, and the handle where the caller left that to us.
    fn waiter<'w>(&'w self, env: Env<'a>, socket: &'w ResourceArc<Handle>) -> impl FnOnce() -> Waiter + use<'a, 'w> {
        move || {
            if !self.handle.get().is_ref() {
                self.handle.set(env.make_ref().encode(env));
            }
            Waiter::new(env, socket.clone(), self.handle.get())
        }
    }

    /// `{select_info, Tag, Handle}`
    fn select_info(&self, env: Env<'a>, tag: Term<'a>) -> Term<'a> {
        (atoms::select_info(), tag, self.handle.get()).encode(env)
    }

    /// The answer of a call that waits.
    fn waiting(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>) -> Term<'a> {
        match self.how {
            How::Yielded(_) => atoms::wait().encode(env),
            _ => (atoms::select(), self.select_info(env, tag())).encode(env),
        }
    }

    /// The answer of a call for whose outcome there is no memory. It is in line, and is not told so: it leaves.
    fn left(&self, env: Env<'a>, handle: &Handle, claim: Claim) -> Term<'a> {
        let mine = |waiter: &Waiter| waiter.is(self.handle.get());
        caller::tell(env, handle.socket.cancel(claim.direction(), env.pid(), mine).1);
        fail::error(env, atoms::enomem())
    }

    /// The answer of a call that has done a part and waits for the rest.
    fn partial(&self, env: Env<'a>, tag: impl FnOnce() -> Term<'a>, data: Term<'a>) -> Term<'a> {
        match self.how {
            How::Zero => fail::error(env, (atoms::timeout(), data)),
            How::Yielded(_) => (atoms::wait(), data).encode(env),
            How::Nowait => (atoms::select(), (self.select_info(env, tag()), data)).encode(env),
        }
    }
}

/// The resource of a socket term's reference.
pub(crate) fn handle<'a>(socket: Term<'a>) -> NifResult<&'a Handle> {
    socket.decode()
}

/// Runs an operation. `done` makes the term of what came of it (all of it, or a part), where there is memory for it;
/// `tag` is what the caller's `cancel` and continuation go by.
pub(crate) fn run<'a, O: Op>(
    env: Env<'a>,
    handle: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    op: &mut O,
    tag: impl FnOnce() -> Term<'a>,
    done: impl FnOnce(&mut O, O::Done, bool) -> Option<Term<'a>>,
) -> NifResult<Term<'a>> {
    let waiter = wait.waiter(env, handle);
    let (answer, wakes) = handle.socket.run(op, env.pid(), wait.mode(), waiter);
    caller::tell(env, wakes);
    Ok(match answer {
        Answer::Done(what) => done(op, what, true).unwrap_or_else(|| fail::error(env, atoms::enomem())),
        Answer::Again(what) => match done(op, what, true) {
            Some(answer) => {
                let (_, data): (Atom, Term<'a>) = answer.decode()?;
                (atoms::select_read(), (wait.select_info(env, tag()), data)).encode(env)
            }
            None => wait.left(env, handle, O::CLAIM),
        },
        Answer::Partial(what) => match done(op, what, false) {
            Some(data) => wait.partial(env, tag, data),
            None => wait.left(env, handle, O::CLAIM),
        },
        Answer::Waiting => wait.waiting(env, tag),
        Answer::Yield => atoms::yield_().encode(env),
        Answer::Blocked => fail::error(env, atoms::timeout()),
        Answer::Failed(failure) => return fail::failure(env, failure),
    })
}

/// Tells whoever is to be woken, and answers `ok`, what `done` makes of the result, or an error.
pub(crate) fn finish<'a, T>(
    env: Env<'a>,
    (result, wakes): With<'_, Result<T, Failure>, Waiter>,
    done: impl FnOnce(T) -> Term<'a>,
) -> NifResult<Term<'a>> {
    caller::tell(env, wakes);
    match result {
        Ok(value) => Ok(done(value)),
        Err(failure) => fail::failure(env, failure),
    }
}
