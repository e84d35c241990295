//! Lists of message flags: names, and integers for those that have none here.

use crate::{atoms, fail};
use rustler::{Atom, Encoder, Env, Error, ListIterator, NifResult, Term};

/// The bits of a list of flags; or the term to answer, `{error, {invalid, {msg_flag, Flag}}}`, for a name that is
/// none. Raises `{invalid, {msg_flags, Rest}}` for what is neither name nor integer.
pub(crate) fn decode<'a>(env: Env<'a>, list: Term<'a>) -> NifResult<Result<i32, Term<'a>>> {
    let raise = |rest: Term<'a>| -> NifResult<Result<i32, Term<'a>>> {
        // The term lives as long as the call: what is raised is made at once.
        let what = (atoms::invalid(), (atoms::msg_flags(), rest)).encode(env);
        Err(Error::RaiseTerm(Box::new(fail::Raised::new(what))))
    };
    let mut bits = 0;
    let Ok(flags) = list.decode::<ListIterator<'_>>() else {
        return raise(list);
    };
    for flag in flags {
        if let Ok(number) = flag.decode::<i32>() {
            if number < 0 {
                return raise(list);
            }
            bits |= number;
        } else if let Ok(name) = flag.decode::<Atom>() {
            match atoms::flags().number(name) {
                Some(bit) => bits |= bit,
                None => return Ok(Err(fail::invalid(env, (atoms::msg_flag(), flag)))),
            }
        } else if flag.is_integer() {
            return Ok(Err(fail::integer_range(env, flag)?));
        } else {
            return raise(list);
        }
    }
    Ok(Ok(bits))
}
