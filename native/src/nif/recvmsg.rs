//! recvmsg.

use super::rights::Rights;
use super::run;
use crate::process::{Args, Handle, Job, Wait};
use crate::term::{flags, sockaddr, value};
use crate::{atoms, buffer};
use esock::op::recv::least;
use esock::op::recvmsg::RecvMsg;
use esock::sys::io::Received;
use esock::sys::memory::zeros;
use esock::wire::addr::Address;
use esock::wire::notification;
use rustler::{Atom, Binary, Encoder, Env, NifResult, ResourceArc, Term};
use std::sync::atomic::Ordering::Relaxed;

/// `recvmsg(Socket, Size, CtrlSize, Flags, Handle, How)`
#[rustler::nif]
fn recvmsg<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    size: Term<'a>,
    ctrl: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    Wait::decode(env, handle, how)?.call(env, &socket, &RECVMSG, [size, ctrl, flags])
}

const RECVMSG: Job =
    Job { name: atoms::recvmsg, call: received, remaining: None, reads_file: false, receives_descriptors: true };

fn received<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [size, ctrl, flags]: Args<'a>,
) -> NifResult<Term<'a>> {
    let (len, flags) = match super::recv::arguments(env, socket, size, flags, super::recv::default_length)? {
        Ok(arguments) => arguments,
        Err(error) => return Ok(error),
    };
    let (rights, ctrl) = match control(env, socket, ctrl)? {
        Ok(control) => control,
        Err(error) => return Ok(error),
    };
    wait.set_least(least(flags));
    let tag = || atoms::recvmsg().encode(env);
    buffer::with(false, |room| {
        run(env, socket, wait, &mut RecvMsg { room, len, ctrl, flags }, tag, |op, got, _| {
            answer(env, (wait, socket), rights, got, (op.room.term(env)?, &op.ctrl))
        })
    })
}

fn answer<'a>(
    env: Env<'a>,
    (wait, socket): (&Wait<'a>, &Handle),
    rights: Option<Rights>,
    mut got: Received,
    (data, ctrl): (Term<'a>, &[u8]),
) -> Option<Term<'a>> {
    let fds = rights.map(|rights| rights.take(&mut got)).unwrap_or_default();
    let message = message(env, socket.socket.kind.protocol, &got, data, ctrl)?;
    match rights {
        Some(rights) => rights.answer(env, (wait, socket), message, fds),
        None => {
            got.release_rights();
            Some((atoms::ok(), message).encode(env))
        }
    }
}

/// What to do with descriptors, if the caller says that, and the buffer for control messages.
type Control = (Option<Rights>, Vec<u8>);

/// [`Control`] from the argument of the caller; or the answer for a size out of range, or without memory.
fn control<'a>(env: Env<'a>, socket: &Handle, size: Term<'a>) -> NifResult<Result<Control, Term<'a>>> {
    let rights = Rights::decode(size);
    let size = if rights.is_some() { Ok(Rights::ROOM) } else { ctrl_size(env, socket, size)? };
    let no_memory = || crate::fail::error(env, atoms::enomem());
    Ok(size.and_then(|size| Ok((rights, zeros(size).ok_or_else(no_memory)?))))
}

/// The most bytes of control messages: more than the system has for one message.
const CTRL: u64 = 1 << 20;

/// The room for control messages in bytes: what the caller says, or with 0 the socket's setting; or the answer for a
/// size out of range.
pub(super) fn ctrl_size<'a>(env: Env<'a>, handle: &Handle, size: Term<'a>) -> NifResult<Result<usize, Term<'a>>> {
    Ok(match size.decode::<u64>() {
        Ok(0) => Ok(handle.socket.settings.rcvctrlbuf.load(Relaxed)),
        Ok(size) => Ok(size.min(CTRL) as usize),
        Err(_) => return crate::fail::integer_range(env, size).map(Err),
    })
}

/// `#{addr, iov, ctrl, flags}`, or for a notification of SCTP `#{addr, notification, ctrl, flags}`. `length` is the
/// whole length of a message that was cut, if the flag `trunc` asked for it. `gro` is the length of the datagrams of
/// which the message was made.
pub(super) fn message<'a>(
    env: Env<'a>,
    protocol: i32,
    got: &Received,
    data: Term<'a>,
    ctrl: &[u8],
) -> Option<Term<'a>> {
    let messages = esock::wire::cmsg::parse(ctrl.get(..got.ctrl).unwrap_or_default());
    let list: Vec<_> = messages.iter().map(|one| value::control_message(env, one)).collect::<Option<_>>()?;
    let mut pairs: Vec<(Atom, Term<'a>)> = vec![(atoms::ctrl(), list.encode(env))];
    let event = notification::is(protocol, got.flags).then(|| data.decode::<Binary<'_>>().ok()).flatten();
    match event.and_then(|bytes| notification::read(&bytes)) {
        Some(value) => {
            let flags = flags::encode(env, got.flags & !notification::FLAG);
            pairs.push((atoms::notification(), value::encode(env, &value, 0)?));
            pairs.push((atoms::flags_key(), flags.list_prepend(atoms::notification().encode(env))));
        }
        None => {
            pairs.extend([(atoms::iov(), vec![data].encode(env)), (atoms::flags_key(), flags::encode(env, got.flags))])
        }
    }
    if !got.from.as_bytes().is_empty() {
        pairs.push((atoms::addr(), sockaddr::encode(env, &Address::from_raw(&got.from), protocol)?));
    }
    pairs.extend(esock::wire::cmsg::gro(&messages).map(|size| (atoms::gro(), size.encode(env))));
    pairs.extend((got.full_len > got.len).then(|| (atoms::length(), got.full_len.encode(env))));
    Term::map_from_pairs(env, &pairs).ok()
}
