//! setopt, getopt.

use super::otp::{self, Set};
use super::{finish, handle};
use crate::process::Handle;
use crate::term::value;
use crate::{atoms, fail};
use esock::table::option::{Access, Keeper, Own, Row};
use esock::wire::errno;
use esock::wire::value::Value;
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};

/// `setopt(Socket, {Level, Option}, Value)`
#[rustler::nif]
fn setopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let row = match having(env, &resource, option, Access::R) {
        Ok(row) => row,
        Err(answer) => return Ok(answer),
    };
    let Keeper::System(level, number) = row.keeper else {
        return set_own(env, &resource, row, option, value);
    };
    match encodable(env, row, value) {
        Some(_) if !resource.socket.may_set(level, number) => Ok(atoms::yield_().encode(env)),
        Some(value) => {
            let set = resource.socket.set_value(level, number, row.codec, value);
            finish(env, set, |()| atoms::ok().encode(env))
        }
        None => Ok(bad_value(env, option, value)),
    }
}

/// Sets an option that the library keeps.
fn set_own<'a>(
    env: Env<'a>,
    resource: &ResourceArc<Handle>,
    row: &Row,
    option: Term<'a>,
    value: Term<'a>,
) -> NifResult<Term<'a>> {
    let Keeper::Library(own) = row.keeper else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    Ok(match otp::set(env, resource, own, value)? {
        Set::Done => atoms::ok().encode(env),
        Set::Yield => atoms::yield_().encode(env),
        Set::Closed(answer) => answer,
        Set::NotOwner => fail::invalid(env, atoms::not_owner()),
        Set::BadValue => bad_value(env, option, value),
    })
}

/// The row of an option that the socket may have, whose access is not `only`; or the answer that there is none.
fn having<'a>(env: Env<'a>, socket: &Handle, option: Term<'a>, only: Access) -> Result<&'static Row, Term<'a>> {
    let known = row(option).filter(|row| row.access != only && row.keeper != Keeper::Unsupported);
    let row = known.ok_or_else(|| fail::invalid(env, (atoms::socket_option(), option)))?;
    if row.suits(socket.socket.kind.domain) { Ok(row) } else { Err(fail::posix(env, errno::NO_OPTION)) }
}

/// `checkopt(Socket, {Level, Option}, Value)`: what `setopt` answers before it sets anything.
#[rustler::nif]
fn checkopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let row = match having(env, &resource, option, Access::R) {
        Ok(row) => row,
        Err(answer) => return Ok(answer),
    };
    if let Keeper::Library(own) = row.keeper {
        let fits = otp::fits(own, value);
        return Ok(if fits { atoms::ok().encode(env) } else { bad_value(env, option, value) });
    }
    match encodable(env, row, value) {
        Some(value) => finish(env, resource.socket.check_value(row.codec, value), |()| atoms::ok().encode(env)),
        None => Ok(bad_value(env, option, value)),
    }
}

/// The value of a term that the codec of the row can encode.
fn encodable<'a>(env: Env<'a>, row: &Row, term: Term<'a>) -> Option<Value> {
    value::decode(env, row.codec, term).filter(|value| row.codec.write(value).is_some())
}

/// `getopt(Socket, {Level, Option})`
#[rustler::nif]
fn getopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let row = match having(env, &resource, option, Access::W) {
        Ok(row) if !row.codec.requests() => row,
        Ok(_) => return Ok(fail::invalid(env, (atoms::socket_option(), option))),
        Err(answer) => return Ok(answer),
    };
    match row.keeper {
        Keeper::System(level, number) => {
            let result = resource.socket.value(level, number, row.codec);
            let domain = resource.socket.kind.domain;
            let term = |value| Some((atoms::ok(), value::encode(env, &value, domain)?).encode(env));
            finish(env, result, |bytes| match row.codec.read(&bytes) {
                Some(value) => term(value).unwrap_or_else(|| fail::error(env, atoms::enomem())),
                None => fail::invalid(env, (atoms::socket_option(), option)),
            })
        }
        Keeper::Unsupported => Ok(fail::invalid(env, (atoms::socket_option(), option))),
        Keeper::Library(own) => otp::get(env, &resource, own),
    }
}

/// `getopt(Socket, Option, Value)`: reads an option whose request carries a part of its value, for example `{sctp,
/// status}`.
#[rustler::nif(name = "getopt")]
fn getopt_of<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let invalid = || fail::invalid(env, (atoms::socket_option(), option, value));
    let Some(row) = row(option) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    let known = value::request(env, row.codec, value).filter(|value| row.codec.request(value).is_some());
    let (Keeper::System(level, number), Some(request)) = (row.keeper, known) else {
        return Ok(invalid());
    };
    if !row.suits(resource.socket.kind.domain) {
        return Ok(fail::posix(env, errno::NO_OPTION));
    }
    let domain = resource.socket.kind.domain;
    let term = |value| Some((atoms::ok(), value::encode(env, &value, domain)?).encode(env));
    finish(env, resource.socket.value_of(level, number, row.codec, request), |bytes| {
        row.codec.read(&bytes).and_then(term).unwrap_or_else(|| fail::error(env, atoms::enomem()))
    })
}

fn row(option: Term<'_>) -> Option<&'static Row> {
    let (level, name): (Atom, Atom) = option.decode().ok()?;
    atoms::row(level, name)
}

fn bad_value<'a>(env: Env<'a>, option: Term<'a>, value: Term<'a>) -> Term<'a> {
    fail::invalid(env, (atoms::socket_option(), option, value))
}

/// `domain(Socket)`: the domain of an open socket.
#[rustler::nif]
fn domain<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    otp::get(env, handle(socket)?, Own::Domain)
}
