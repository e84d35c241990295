//! Lists of message flags: names, and integers for flags without a name here.

use crate::{atoms, fail};
use esock::wire::flag::ZEROCOPY;
use rustler::{Atom, Encoder, Env, NifResult, Term};

/// The most flags of a list: each flag about twice.
const MOST: usize = 64;

/// The bits of a list of flags; or the answer `{error, {invalid, {msg_flag, Flag}}}` for an unknown name. Raises
/// `{invalid, {msg_flags, Rest}}` if an element is neither a name nor an integer, or if there are too many.
pub(crate) fn decode<'a>(env: Env<'a>, list: Term<'a>) -> NifResult<Result<i32, Term<'a>>> {
    let raise = |rest: Term<'a>| Err(fail::raised((atoms::invalid(), (atoms::msg_flags(), rest)).encode(env)));
    let (mut bits, mut rest, mut left) = (0, list, MOST);
    // At most `MOST`.
    while let Ok((flag, tail)) = rest.list_get_cell() {
        if left == 0 {
            return raise(rest);
        } else if let Ok(number) = flag.decode::<i64>() {
            match i32::try_from(number) {
                Ok(number) if number & ZEROCOPY != 0 && number >= 0 => {
                    return Ok(Err(fail::invalid(env, (atoms::msg_flag(), flag))));
                }
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
        (rest, left) = (tail, left - 1);
    }
    if rest.is_empty_list() { Ok(Ok(bits)) } else { raise(rest) }
}

/// The names of the bits that are set. Bits without a name are one integer.
pub(crate) fn encode(env: Env<'_>, bits: i32) -> Term<'_> {
    let mut list = Vec::new();
    let mut left = bits;
    for (name, bit) in atoms::flags().list() {
        if left & bit != 0 && *bit != esock::wire::flag::CLOEXEC {
            list.push(name.encode(env));
        }
        left &= !bit;
    }
    if left != 0 {
        list.push(left.encode(env));
    }
    list.encode(env)
}
