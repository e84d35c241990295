//! sendmsg, sendv, sendmmsg.

use super::run;
use crate::charge::charge;
use crate::process::{Args, Handle, Job, Wait, notify};
use crate::term::flags;
use crate::term::message::{self, Envelope, Iov};
use crate::{atoms, fail};
use esock::op::send;
use esock::op::sendmmsg::SendMmsg;
use esock::op::sendmsg::SendMsg;
use esock::sys::io::Message;
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};
use std::sync::atomic::Ordering::Relaxed;

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
    // The caller of a message with `gso` learns how much was sent, so the call is not completed in its place.
    if msg.map_get(atoms::gso()).is_ok() {
        return send_message(env, &socket, &wait, [msg, flags, flags]);
    }
    wait.call(env, &socket, &SENDMSG, [msg, flags, flags])
}

const SENDMSG: Job = Job {
    name: atoms::sendmsg,
    call: send_message,
    remaining: Some(unsent_message),
    reads_file: false,
    receives_descriptors: false,
};

/// The arguments for the rest. The control messages went with the first byte.
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
    let (mut iov, envelope) =
        match message::decode(env, msg, socket.socket.kind, ctrl_room(socket), &index(env, socket, wait))? {
            Ok(parts) => parts,
            Err(error) => return Ok(error),
        };
    let bits = match flags::decode(env, flags)? {
        Ok(bits) => bits,
        Err(error) => return Ok(error),
    };
    let gso = envelope.gso.is_some();
    if !iov.fits(socket.socket.kind, gso) {
        return Ok(message::too_long(env));
    }
    iov.most = envelope.most(socket.socket.kind, bits);
    charge_for(env, wait, iov.micros());
    let mut op = SendMsg { message: envelope.with(&iov), flags: bits, more: iov.cut() };
    let tag = || (atoms::sendmsg(), (msg, flags)).encode(env);
    run(env, socket, wait, &mut op, tag, |_, put, all| iov.sent(env, put, all, gso))
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

const SENDV: Job = Job {
    name: atoms::sendv,
    call: send_vector,
    remaining: Some(unsent_vector),
    reads_file: false,
    receives_descriptors: false,
};

fn unsent_vector<'a>([_, undefined, _]: Args<'a>, rest: Term<'a>) -> Args<'a> {
    [rest, undefined, undefined]
}

fn send_vector<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [iov, ..]: Args<'a>,
) -> NifResult<Term<'a>> {
    let Ok(mut iov) = Iov::decode(env, iov) else {
        return Ok(fail::invalid(env, atoms::iov()));
    };
    // An empty vector needs no system call.
    if iov.is_empty() {
        return Ok(atoms::ok().encode(env));
    }
    if !iov.fits(socket.socket.kind, false) {
        return Ok(message::too_long(env));
    }
    iov.most = send::most(socket.socket.kind, 0, &[]);
    charge_for(env, wait, iov.micros());
    let message = Message { iov: iov.slices(), to: None, ctrl: Vec::new(), gso: None };
    let tag = || (atoms::sendv(), atoms::undefined()).encode(env);
    let mut op = SendMsg { message, flags: 0, more: iov.cut() };
    run(env, socket, wait, &mut op, tag, |_, put, all| iov.sent(env, put, all, false))
}

/// `sendmmsg(Socket, Msgs, Flags, Handle, How)`: answers `{more, Sent}`, the bytes sent of each of the first messages.
/// Further messages were not sent.
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
    let (iovs, envelopes) = match parts(env, msgs, bits, &socket, &wait)? {
        Ok(parts) => parts,
        Err(error) => return Ok(error),
    };
    let messages = iovs.iter().zip(envelopes).map(|(iov, envelope)| envelope.with(iov)).collect();
    charge_for(env, &wait, iovs.iter().map(Iov::micros).sum());
    let more = socket.socket.kind.stream() && iovs.last().is_some_and(Iov::cut);
    let tag = || atoms::sendmmsg().encode(env);
    run(env, &socket, &wait, &mut SendMmsg { messages, flags: bits, more, sent: 0 }, tag, |_, sent, all| {
        Some(if all { (atoms::more(), sent).encode(env) } else { sent.encode(env) })
    })
}

/// The most bytes of control messages to send, `{otp, sndctrlbuf}`.
fn ctrl_room(socket: &Handle) -> usize {
    socket.socket.settings.sndctrlbuf.load(Relaxed)
}

/// Finds interfaces by their names, in the network namespace of the socket.
fn index<'a>(env: Env<'a>, socket: &Handle, wait: &Wait<'a>) -> impl Fn(&[u8]) -> Option<i32> {
    move |name| {
        let (index, wakes) = socket.socket.interface_index(name);
        notify::deliver(env, wait.place(), wakes);
        index.ok()
    }
}

/// Charges the caller for the parts, in addition to the attempt. A completion charges no process.
fn charge_for(env: Env<'_>, wait: &Wait<'_>, micros: u32) {
    if wait.completing.is_none() {
        charge(env, micros);
    }
}

/// The data of each message, and what it has beside the data.
type Parts<'a> = (Vec<Iov<'a>>, Vec<Envelope>);

/// The cost of the messages of one call. A part of the data, a KB of it, and a cell of a control message cost one each,
/// and a message costs [`MESSAGE`]. In all that is about half a millisecond, of which a message takes three or four
/// microseconds.
const COST: usize = 1024;
const MESSAGE: usize = 8;

/// The first messages, as many as one call takes; or the answer for an invalid one. Those behind them are not decoded,
/// because each call with the rest of a long list would do so again.
fn parts<'a>(
    env: Env<'a>,
    msgs: Term<'a>,
    flags: i32,
    socket: &Handle,
    wait: &Wait<'a>,
) -> NifResult<Result<Parts<'a>, Term<'a>>> {
    let (mut parts, mut rest, mut cost, kind) = (Parts::default(), msgs, 0, socket.socket.kind);
    // At most as many as cost [`COST`], and one.
    while cost < COST && !rest.is_empty_list() {
        let (msg, tail) = rest.list_get_cell()?;
        let (mut iov, envelope) = match message::decode(env, msg, kind, ctrl_room(socket), &index(env, socket, wait))? {
            Ok(message) => message,
            Err(error) => return Ok(Err(error)),
        };
        iov.most = envelope.most(kind, flags);
        cost += MESSAGE + iov.cost() + envelope.cost;
        if !iov.fits(kind, envelope.gso.is_some()) {
            // The messages before it are sent first.
            return Ok(if parts.0.is_empty() { Err(message::too_long(env)) } else { Ok(parts) });
        }
        if cost > COST && !parts.0.is_empty() {
            break;
        }
        // No message may overtake the rest of one that is cut.
        rest = if iov.cut() { Term::list_new_empty(env) } else { tail };
        parts.0.push(iov);
        parts.1.push(envelope);
    }
    Ok(Ok(parts))
}
