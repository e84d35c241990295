//! setopt, getopt.

use super::otp::{self, Set};
use super::{finish, handle};
use crate::process::Handle;
use crate::term::value;
use crate::{atoms, fail};
use esock::table::option::{Access, Keeper, Own, Row};
use esock::wire::codec::Codec;
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};

/// `setopt(Socket, {Level, Option}, Value)`
#[rustler::nif]
fn setopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some(row) = row(option).filter(|row| row.access != Access::R) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    match row.keeper {
        Keeper::System(level, number) => {
            match value::decode(env, row.codec, value).and_then(|value| row.codec.write(&value)) {
                Some(_) if !resource.socket.may_set(level, number) => Ok(atoms::yield_().encode(env)),
                Some(bytes) => {
                    finish(env, resource.socket.set_option(level, number, &bytes), |()| atoms::ok().encode(env))
                }
                None => Ok(bad_value(env, option, value)),
            }
        }
        Keeper::Unsupported => Ok(fail::invalid(env, (atoms::socket_option(), option))),
        Keeper::Library(own) => match otp::set(env, &resource, own, value)? {
            Set::Done => Ok(atoms::ok().encode(env)),
            Set::Yield => Ok(atoms::yield_().encode(env)),
            Set::Closed(answer) => Ok(answer),
            Set::NotOwner => Ok(fail::invalid(env, atoms::not_owner())),
            Set::BadValue => Ok(bad_value(env, option, value)),
        },
    }
}

/// `getopt(Socket, {Level, Option})`
#[rustler::nif]
fn getopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some(row) = row(option).filter(|row| row.access != Access::W) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    match row.keeper {
        Keeper::System(level, number) => {
            let result = resource.socket.option(level, number, row.codec.size());
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
    let (Keeper::System(level, number), Codec::Struct(layout)) = (row.keeper, row.codec) else {
        return Ok(invalid());
    };
    let known = value::sparse(env, layout, value).and_then(|value| layout.write_sparse(&value));
    let Some(bytes) = known else {
        return Ok(invalid());
    };
    let domain = resource.socket.kind.domain;
    let term = |value| Some((atoms::ok(), value::encode(env, &value, domain)?).encode(env));
    finish(env, resource.socket.option_into(level, number, bytes), |bytes| {
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
