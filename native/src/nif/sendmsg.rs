//! sendmsg, sendv, sendmmsg.

use super::{Wait, run};
use crate::handle::Handle;
use crate::job::{Args, Job};
use crate::term::flags;
use crate::term::message::{self, Envelope};
use crate::{atoms, fail};
use esock::op::sendmmsg::{MOST, SendMmsg};
use esock::op::sendmsg::SendMsg;
use esock::sys::io::Message;
use rustler::{Binary, Encoder, Env, NifResult, ResourceArc, Term};

/// `sendmsg(Socket, Msg, Flags, Handle, How)`
#[rustler::nif]
fn sendmsg<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    msg: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(env, handle, how)?;
    // Of datagrams in one message the caller learns how many have gone.
    if msg.map_get(atoms::gso()).is_ok() {
        return send_message(env, &socket, &wait, [msg, flags, flags]);
    }
    wait.call(env, &socket, &SENDMSG, [msg, flags, flags])
}

const SENDMSG: Job = Job { name: atoms::sendmsg, call: send_message, rest: Some(unsent_message), reads: false };

/// The control messages have gone with the first byte.
fn unsent_message<'a>([msg, flags, _]: Args<'a>, rest: Term<'a>) -> Args<'a> {
    let msg = msg.map_put(atoms::iov(), rest).and_then(|msg| msg.map_remove(atoms::ctrl()));
    [msg.unwrap_or(rest), flags, flags]
}

fn send_message<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [msg, flags, _]: Args<'a>,
) -> NifResult<Term<'a>> {
    let (binaries, envelope) = match message::decode(env, msg, socket)? {
        Ok(parts) => parts,
        Err(error) => return Ok(error),
    };
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let mut op = SendMsg { message: envelope.with(&binaries), flags: bits };
    let tag = || (atoms::sendmsg(), (msg, flags)).encode(env);
    run(env, socket, wait, &mut op, tag, |_, put, all| message::sent(env, &binaries, put, all))
}

/// `sendv(Socket, IOV, Handle, How)`
#[rustler::nif]
fn sendv<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    iov: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let undefined = atoms::undefined().encode(env);
    Wait::decode(env, handle, how)?.call(env, &socket, &SENDV, [iov, undefined, undefined])
}

const SENDV: Job = Job { name: atoms::sendv, call: send_vector, rest: Some(unsent_vector), reads: false };

fn unsent_vector<'a>([_, undefined, _]: Args<'a>, rest: Term<'a>) -> Args<'a> {
    [rest, undefined, undefined]
}

fn send_vector<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [iov, ..]: Args<'a>,
) -> NifResult<Term<'a>> {
    let Ok(binaries) = message::binaries(env, iov) else {
        return Ok(fail::invalid(env, atoms::iov()));
    };
    // Nothing to send asks nothing of the system.
    if binaries.is_empty() {
        return Ok(atoms::ok().encode(env));
    }
    let message = Message { iov: message::slices(&binaries), to: None, ctrl: Vec::new(), gso: None };
    let tag = || (atoms::sendv(), atoms::undefined()).encode(env);
    let mut op = SendMsg { message, flags: 0 };
    run(env, socket, wait, &mut op, tag, |_, put, all| message::sent(env, &binaries, put, all))
}

/// `sendmmsg(Socket, Msgs, Flags, Handle, How)`. Answers `{ok, Sent}`, the bytes that went of each of the first
/// messages; the others were not sent.
#[rustler::nif]
fn sendmmsg<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    msgs: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(env, handle, how)?;
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let (binaries, envelopes) = match parts(env, msgs, &socket)? {
        Ok(parts) => parts,
        Err(error) => return Ok(error),
    };
    let messages = binaries.iter().zip(envelopes).map(|(binaries, envelope)| envelope.with(binaries));
    let mut op = SendMmsg { messages: messages.collect(), flags: bits };
    let tag = || atoms::sendmmsg().encode(env);
    run(env, &socket, &wait, &mut op, tag, |_, sent, all| {
        Some(if all { (atoms::ok(), sent).encode(env) } else { sent.encode(env) })
    })
}

/// Messages in parts: the data of each, and what goes with it.
type Parts<'a> = (Vec<Vec<Binary<'a>>>, Vec<Envelope>);

/// The first messages, as many as one call takes; or the answer for what is none. Those behind are not looked at: of a long
/// list each call would do it again.
fn parts<'a>(env: Env<'a>, msgs: Term<'a>, socket: &Handle) -> NifResult<Result<Parts<'a>, Term<'a>>> {
    let (mut parts, mut rest) = (Parts::default(), msgs);
    while parts.0.len() < MOST && !rest.is_empty_list() {
        let (msg, tail) = rest.list_get_cell()?;
        match message::decode(env, msg, socket)? {
            Ok((binaries, envelope)) => {
                parts.0.push(binaries);
                parts.1.push(envelope);
            }
            Err(error) => return Ok(Err(error)),
        }
        rest = tail;
    }
    Ok(Ok(parts))
}
