//! Failures as terms: the closed set of errors that the API answers or raises.

use crate::{atoms, sys};
use esock::lane::Reason;
use esock::socket::answer::Failure;
use esock::wire::errno::Errno;
use rustler::{Encoder, Env, Error, NifResult, Term};

/// `{error, Reason}`
pub(crate) fn error<'a>(env: Env<'a>, reason: impl Encoder) -> Term<'a> {
    (atoms::error(), reason).encode(env)
}

/// `{error, posix()}`
pub(crate) fn posix(env: Env<'_>, errno: Errno) -> Term<'_> {
    error(env, atoms::errno(env, errno))
}

/// `{error, {invalid, What}}`
pub(crate) fn invalid<'a>(env: Env<'a>, what: impl Encoder) -> Term<'a> {
    error(env, (atoms::invalid(), what))
}

/// `{error, {invalid, {integer_range, Integer}}}` for an integer that is too large; `badarg` for any other term.
pub(crate) fn integer_range<'a>(env: Env<'a>, term: Term<'a>) -> NifResult<Term<'a>> {
    if term.is_integer() { Ok(invalid(env, (atoms::integer_range(), term))) } else { Err(Error::BadArg) }
}

/// The answer for a failure of the core. `NotHead` raises `{invalid, state}`.
pub(crate) fn failure(env: Env<'_>, failure: Failure) -> NifResult<Term<'_>> {
    Ok(match failure {
        Failure::Closed => error(env, atoms::closed()),
        Failure::Errno(errno) => posix(env, errno),
        Failure::NoMemory => error(env, atoms::enomem()),
        Failure::Already => error(env, atoms::already()),
        Failure::State => invalid(env, atoms::state()),
        Failure::NotHead => {
            return Err(Error::RaiseTerm(Box::new((atoms::invalid(), atoms::state()))));
        }
    })
}

/// The reason in an `abort` message.
pub(crate) fn reason(env: Env<'_>, reason: Reason) -> Term<'_> {
    match reason {
        Reason::Closed => atoms::closed().encode(env),
        Reason::Errno(errno) => atoms::errno(env, errno).encode(env),
        Reason::Cancelled => atoms::cancelled().encode(env),
    }
}

/// An error that raises a term of this call.
pub(crate) fn raised(term: Term<'_>) -> Error {
    Error::RaiseTerm(Box::new(sys::Raised::new(term)))
}
