//! accept, accept_many: connections become sockets of the caller.

use super::run;
use crate::process::{Args, Handle, Job, Wait, handle, open};
use crate::term::address;
use crate::{atoms, fail};
use esock::op::accept::{Accept, AcceptFrom, AcceptMany};
use esock::wire::addr::Address;
use esock::wire::errno::Errno;
use rustler::{Encoder, Env, Error, NifResult, ResourceArc, Term};
use std::os::fd::OwnedFd;

/// `accept(Socket, Handle, How)`: the new socket belongs to the caller, and inherits the settings of the listening
/// socket.
#[rustler::nif]
fn accept<'a>(env: Env<'a>, socket: ResourceArc<Handle>, handle: Term<'a>, how: Term<'a>) -> NifResult<Term<'a>> {
    let nothing = Term::list_new_empty(env);
    Wait::decode(env, handle, how)?.call(env, &socket, &ACCEPT, [nothing; 3])
}

const ACCEPT: Job =
    Job { name: atoms::accept, call: accept_one, remaining: None, reads_file: false, receives_descriptors: false };

fn accept_one<'a>(env: Env<'a>, socket: &ResourceArc<Handle>, wait: &Wait<'a>, _: Args<'a>) -> NifResult<Term<'a>> {
    let tag = || atoms::accept().encode(env);
    run(env, socket, wait, &mut Accept, tag, |_, fd, _| Some(answer(env, wait, 1, accepted(env, wait, socket, fd))))
}

/// `accept_from(Socket, Handle, How)`: `{ok, {Socket, Address}}`
#[rustler::nif]
fn accept_from<'a>(env: Env<'a>, socket: ResourceArc<Handle>, handle: Term<'a>, how: Term<'a>) -> NifResult<Term<'a>> {
    let nothing = Term::list_new_empty(env);
    Wait::decode(env, handle, how)?.call(env, &socket, &ACCEPT_FROM, [nothing; 3])
}

const ACCEPT_FROM: Job = Job { call: accept_with_address, ..ACCEPT };

fn accept_with_address<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    _: Args<'a>,
) -> NifResult<Term<'a>> {
    let tag = || atoms::accept().encode(env);
    run(env, socket, wait, &mut AcceptFrom, tag, |_, (fd, from), _| {
        let from = address::encode(env, &Address::from_raw(&from))?;
        Some(answer(env, wait, 1, accepted(env, wait, socket, fd).map(|socket| (socket, from))))
    })
}

/// `accept_many(Socket, Max, Handle, How)`: `{ok, [Socket]}`
#[rustler::nif]
fn accept_many<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    max: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    Wait::decode(env, handle, how)?.call(env, &socket, &ACCEPT_MANY, [max; 3])
}

const ACCEPT_MANY: Job =
    Job { name: atoms::accept, call: accept_some, remaining: None, reads_file: false, receives_descriptors: false };

fn accept_some<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [max, ..]: Args<'a>,
) -> NifResult<Term<'a>> {
    // However large `Max` is, the core accepts no more than its own bound.
    let most = if max.is_integer() { max.decode().unwrap_or(usize::MAX) } else { return Err(Error::BadArg) };
    let tag = || atoms::accept().encode(env);
    run(env, socket, wait, &mut AcceptMany { most }, tag, |_, fds, _| {
        let count = fds.len();
        let sockets = fds.into_iter().map(|fd| accepted(env, wait, socket, fd));
        Some(answer(env, wait, count, sockets.collect::<Result<Vec<_>, _>>()))
    })
}

/// A socket of the caller for a connection. If there can be none, the connection is closed.
fn accepted<'a>(env: Env<'a>, wait: &Wait<'a>, listener: &Handle, fd: OwnedFd) -> Result<Term<'a>, Errno> {
    let socket = listener.socket.accepted(fd)?;
    Ok(handle::socket_term(env, &Handle::open(env, (wait.place(), wait.pid), socket, listener.registered())))
}

fn answer<'a>(env: Env<'a>, wait: &Wait<'a>, count: usize, accepted: Result<impl Encoder, Errno>) -> Term<'a> {
    match accepted {
        // The answer is sent as a message, which does not pass `esock_wait:taken/1`: no call handles signals.
        Ok(sockets) if wait.completing.is_some() => (atoms::ok(), sockets).encode(env),
        Ok(sockets) => (open::ok_or_signals(count), sockets).encode(env),
        Err(errno) => fail::posix(env, errno),
    }
}
