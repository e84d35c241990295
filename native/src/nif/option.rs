//! setopt, getopt.

use super::otp::{self, Set};
use super::{finish, handle};
use crate::handle::Handle;
use crate::term::option;
use crate::{atoms, fail};
use esock::option::table::{Access, Keeper, Own, Row};
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};

/// `setopt(Socket, {Level, Option}, Value)`
#[rustler::nif]
fn setopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some(row) = row(option).filter(|row| row.access == Access::RW) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    match row.keeper {
        Keeper::System(level, number) => match option::decode(row.codec, value) {
            Some(value) => {
                let result = resource.socket.set_option(level, number, &value.to_bytes());
                finish(env, result, |()| atoms::ok().encode(env))
            }
            None => Ok(bad_value(env, option, value)),
        },
        Keeper::Library(own) => match otp::set(env, &resource, own, value)? {
            Set::Done => Ok(atoms::ok().encode(env)),
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
    let Some(row) = row(option) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    match row.keeper {
        Keeper::System(level, number) => {
            let result = resource.socket.option(level, number, row.codec.size());
            finish(env, result, |bytes| match row.codec.read(&bytes) {
                Some(value) => (atoms::ok(), option::encode(env, row.codec, &value, resource.socket.kind)).encode(env),
                None => fail::invalid(env, (atoms::socket_option(), option)),
            })
        }
        Keeper::Library(own) => otp::get(env, &resource, own),
    }
}

fn row(option: Term<'_>) -> Option<&'static Row> {
    let (level, name): (Atom, Atom) = option.decode().ok()?;
    atoms::row(level, name)
}

fn bad_value<'a>(env: Env<'a>, option: Term<'a>, value: Term<'a>) -> Term<'a> {
    fail::invalid(env, (atoms::socket_option(), option, value))
}

/// `domain(Socket)`, of an open socket.
#[rustler::nif]
fn domain<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    otp::get(env, handle(socket)?, Own::Domain)
}
