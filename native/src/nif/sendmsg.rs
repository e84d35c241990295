//! sendmsg, sendv, sendmmsg.

use super::{Wait, run};
use crate::term::{flags, list, message};
use crate::{atoms, fail};
use esock::addr::Raw;
use esock::op::sendmmsg::{MOST, SendMmsg};
use esock::op::sendmsg::SendMsg;
use esock::sys::io::Message;
use rustler::{Binary, Encoder, Env, NifResult, Term};
use std::sync::atomic::Ordering::Relaxed;

/// `sendmsg(Socket, Msg, Flags, Handle, How)`
#[rustler::nif]
fn sendmsg<'a>(
    env: Env<'a>,
    socket: Term<'a>,
    msg: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    let room = super::handle(socket)?.socket.settings.sndctrlbuf.load(Relaxed);
    let binaries = match message::binaries(env, msg.map_get(atoms::iov())?) {
        Ok(binaries) => binaries,
        Err(error) => return Ok(error),
    };
    let (to, ctrl) = match message::envelope(env, msg, room)? {
        Ok(envelope) => envelope,
        Err(error) => return Ok(error),
    };
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let mut op = SendMsg { message: Message { iov: message::slices(&binaries), to, ctrl }, flags: bits };
    let tag = || (atoms::sendmsg(), (msg, flags)).encode(env);
    run(env, socket, &wait, &mut op, tag, |_, put, all| message::sent(env, &binaries, put, all))
}

/// `sendv(Socket, IOV, Handle, How)`
#[rustler::nif]
fn sendv<'a>(env: Env<'a>, socket: Term<'a>, iov: Term<'a>, handle: Term<'a>, how: Term<'a>) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    super::handle(socket)?;
    let Ok(binaries) = message::binaries(env, iov) else {
        return Ok(fail::invalid(env, atoms::iov()));
    };
    // Nothing to send asks nothing of the system.
    if binaries.is_empty() {
        return Ok(atoms::ok().encode(env));
    }
    let message = Message { iov: message::slices(&binaries), to: None, ctrl: Vec::new() };
    let tag = || (atoms::sendv(), atoms::undefined()).encode(env);
    let mut op = SendMsg { message, flags: 0 };
    run(env, socket, &wait, &mut op, tag, |_, put, all| message::sent(env, &binaries, put, all))
}

/// `sendmmsg(Socket, Msgs, Flags, Handle, How)`. Answers `{ok, Sent}`, the bytes that went of each of the first
/// messages; the others were not sent.
#[rustler::nif]
fn sendmmsg<'a>(
    env: Env<'a>,
    socket: Term<'a>,
    msgs: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    let room = super::handle(socket)?.socket.settings.sndctrlbuf.load(Relaxed);
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let parts = match parts(env, &list::elements(msgs)?, room)? {
        Ok(parts) => parts,
        Err(error) => return Ok(error),
    };
    let messages = parts.iter().map(|(binaries, (to, ctrl))| {
        let iov = message::slices(binaries);
        Message { iov, to: to.clone(), ctrl: ctrl.clone() }
    });
    let mut op = SendMmsg { messages: messages.collect(), flags: bits };
    let tag = || atoms::sendmmsg().encode(env);
    run(env, socket, &wait, &mut op, tag, |_, sent, all| {
        Some(if all { (atoms::ok(), sent).encode(env) } else { sent.encode(env) })
    })
}

/// A message in parts: its data, and its address and control messages.
type Parts<'a> = (Vec<Binary<'a>>, (Option<Raw>, Vec<u8>));

/// The first messages, as many as one call takes; or the answer for what is none.
fn parts<'a>(env: Env<'a>, msgs: &[Term<'a>], room: usize) -> NifResult<Result<Vec<Parts<'a>>, Term<'a>>> {
    let mut parts = Vec::new();
    for msg in msgs.iter().take(MOST) {
        let binaries = match message::binaries(env, msg.map_get(atoms::iov())?) {
            Ok(binaries) => binaries,
            Err(error) => return Ok(Err(error)),
        };
        match message::envelope(env, *msg, room)? {
            Ok(envelope) => parts.push((binaries, envelope)),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(parts))
}
