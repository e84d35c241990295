//! send, sendto.

use super::run;
use crate::process::{Args, Handle, Job, Wait, job::unsent};
use crate::term::{flags, sockaddr};
use crate::{atoms, fail};
use esock::op;
use rustler::{Atom, Binary, Encoder, Env, NifResult, ResourceArc, Term};

/// `send(Socket, Data, Flags, Handle, How)`
#[rustler::nif]
fn send<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    data: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    Wait::decode(env, handle, how)?.call(env, &socket, &SEND, [data, flags, flags])
}

const SEND: Job =
    Job { name: atoms::send, call: send_data, remaining: Some(unsent), reads_file: false, receives_descriptors: false };

fn send_data<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [data, flags, _]: Args<'a>,
) -> NifResult<Term<'a>> {
    let data: Binary<'a> = data.decode()?;
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let mut op = op::send::Send { data: data.as_slice(), flags: bits };
    run(env, socket, wait, &mut op, || tag(env, atoms::send(), flags), |_, put, all| sent(env, data, put, all))
}

/// `sendto(Socket, Data, Dest, Flags, Handle, How)`
#[rustler::nif]
fn sendto<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    data: Term<'a>,
    dest: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    Wait::decode(env, handle, how)?.call(env, &socket, &SENDTO, [data, dest, flags])
}

const SENDTO: Job = Job {
    name: atoms::sendto,
    call: send_data_to,
    remaining: Some(unsent),
    reads_file: false,
    receives_descriptors: false,
};

fn send_data_to<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [data, dest, flags]: Args<'a>,
) -> NifResult<Term<'a>> {
    let data: Binary<'a> = data.decode()?;
    let to = match sockaddr::decode(env, dest)? {
        Ok(to) => to,
        Err(error) => return Ok(error),
    };
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let mut op = op::sendto::SendTo { data: data.as_slice(), to, flags: bits };
    let tag = || tag(env, atoms::sendto(), (dest, flags).encode(env));
    run(env, socket, wait, &mut op, tag, |_, put, all| sent(env, data, put, all))
}

/// `{Op, Continuation}`
fn tag<'a>(env: Env<'a>, op: Atom, continuation: Term<'a>) -> Term<'a> {
    (op, continuation).encode(env)
}

/// `ok`; `{ok, Rest}` of a message that was cut; or the rest of a stream's data, which is still to be sent.
fn sent<'a>(env: Env<'a>, data: Binary<'a>, put: usize, all: bool) -> Option<Term<'a>> {
    if all && put == data.len() {
        return Some(atoms::ok().encode(env));
    }
    let rest = match data.make_subbinary(put, data.len() - put) {
        Ok(rest) => rest.encode(env),
        Err(_) => return Some(fail::error(env, atoms::invalid())),
    };
    Some(if all { (atoms::ok(), rest).encode(env) } else { rest })
}
