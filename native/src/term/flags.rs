//! Lists of message flags: names, and integers for those that have none here.

use crate::{atoms, fail};
use rustler::{Atom, Encoder, Env, Error, NifResult, Term};

/// The bits of a list of flags; or the term to answer, `{error, {invalid, {msg_flag, Flag}}}`, for a name that is
/// none. Raises `{invalid, {msg_flags, Rest}}` for what is neither name nor integer.
pub(crate) fn decode<'a>(env: Env<'a>, list: Term<'a>) -> NifResult<Result<i32, Term<'a>>> {
    let raise = |rest: Term<'a>| -> NifResult<Result<i32, Term<'a>>> {
        // The term lives as long as the call: what is raised is made at once.
        let what = (atoms::invalid(), (atoms::msg_flags(), rest)).encode(env);
        Err(Error::RaiseTerm(Box::new(fail::Raised::new(what))))
    };
    let (mut bits, mut rest) = (0, list);
    while let Ok((flag, tail)) = rest.list_get_cell() {
        if let Ok(number) = flag.decode::<i64>() {
            match i32::try_from(number) {
                Ok(number) if number >= 0 => bits |= number,
                Ok(_) => return raise(rest),
                Err(_) => return fail::integer_range(env, flag).map(Err),
            }
        } else if let Ok(name) = flag.decode::<Atom>() {
            match atoms::flags().number(name) {
                Some(bit) => bits |= bit,
                None => return Ok(Err(fail::invalid(env, (atoms::msg_flag(), flag)))),
            }
        } else {
            return raise(rest);
        }
        rest = tail;
    }
    if rest.is_empty_list() { Ok(Ok(bits)) } else { raise(rest) }
}

/// The names of the bits that are set; a bit without a name as a number.
pub(crate) fn encode(env: Env<'_>, bits: i32) -> Term<'_> {
    let mut list = Vec::new();
    let mut left = bits;
    for (name, bit) in atoms::flags().list() {
        if left & bit != 0 && *bit != esock::flag::CLOEXEC {
            list.push(name.encode(env));
        }
        left &= !bit;
    }
    if left != 0 {
        list.push(left.encode(env));
    }
    list.encode(env)
}
