//! bind, listen, shutdown, sockname, peername.

use super::{finish, handle};
use crate::process::Waiter;
use crate::term::sockaddr;
use crate::{atoms, fail};
use esock::socket::Outcome;
use esock::socket::answer::Failure;
use esock::wire::addr::Address;
use rustler::{Atom, Encoder, Env, NifResult, Term};

/// `bind(Socket, Address)`
#[rustler::nif]
fn bind<'a>(env: Env<'a>, socket: Term<'a>, addr: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    match sockaddr::decode(env, addr)? {
        Ok(addr) => finish(env, handle.socket.bind(&addr), |()| atoms::ok().encode(env)),
        Err(error) => Ok(error),
    }
}

/// `listen(Socket, Backlog)`
#[rustler::nif]
fn listen<'a>(env: Env<'a>, socket: Term<'a>, backlog: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    let Ok(backlog) = backlog.decode() else {
        return fail::integer_range(env, backlog);
    };
    finish(env, handle.socket.listen(backlog), |()| atoms::ok().encode(env))
}

/// `shutdown(Socket, How)`; raises `{invalid, {how, How}}`.
#[rustler::nif]
fn shutdown<'a>(env: Env<'a>, socket: Term<'a>, how: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    let Some(number) = how.decode::<Atom>().ok().and_then(|how| atoms::hows().number(how)) else {
        let what = (atoms::invalid(), (atoms::how(), how)).encode(env);
        return Err(fail::raised(what));
    };
    finish(env, handle.socket.shutdown(number), |()| atoms::ok().encode(env))
}

/// `sockname(Socket)`
#[rustler::nif]
fn sockname<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    named(env, handle.socket.kind.protocol, handle.socket.sockname())
}

/// `peername(Socket)`
#[rustler::nif]
fn peername<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    named(env, handle.socket.kind.protocol, handle.socket.peername())
}

fn named<'a>(env: Env<'a>, protocol: i32, result: Outcome<Result<Address, Failure>, Waiter>) -> NifResult<Term<'a>> {
    finish(env, result, |addr| match sockaddr::encode(env, &addr, protocol) {
        Some(addr) => (atoms::ok(), addr).encode(env),
        None => fail::error(env, atoms::enomem()),
    })
}
