//! recvmmsg.

use super::{Wait, run};
use crate::handle::Handle;
use crate::job::{Args, Job};
use crate::{atoms, buffer, fail};
use esock::op::recvmmsg::RecvMmsg;
use esock::op::sendmmsg::MOST;
use esock::sys::io::Received;
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// No message of the system is longer.
const MESSAGE: usize = 1 << 20;

/// What each message of a batch has room for where the caller does not say.
fn each(handle: &Handle) -> usize {
    handle.socket.settings.receive(8192).1
}

/// `recvmmsg(Socket, Count, {Size, CtrlSize}, Flags, Handle, How)`
#[rustler::nif]
fn recvmmsg<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    count: Term<'a>,
    sizes: (Term<'a>, Term<'a>),
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    Wait::decode(env, handle, how)?.call(env, &socket, &RECVMMSG, [count, sizes.encode(env), flags])
}

const RECVMMSG: Job = Job { name: atoms::recvmmsg, call: received, rest: None, reads: false, rights: true };

fn received<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [count, sizes, flags]: Args<'a>,
) -> NifResult<Term<'a>> {
    let sizes: (Term<'a>, Term<'a>) = sizes.decode()?;
    let (len, flags) = match super::recv::arguments(env, socket, sizes.0, flags, each)? {
        Ok(arguments) => arguments,
        Err(error) => return Ok(error),
    };
    let Ok(count) = count.decode::<u64>().map(|count| count.clamp(1, MOST as u64) as usize) else {
        return fail::integer_range(env, count);
    };
    let size = len.min(MESSAGE);
    let ctrl_size = match super::recvmsg::ctrl_size(env, socket, sizes.1)? {
        Ok(size) => size,
        Err(error) => return Ok(error),
    };
    let protocol = socket.socket.kind.protocol;
    let answer = buffer::batch(count, RecvMmsg::each(size, ctrl_size), |room| {
        let tag = || atoms::recvmmsg().encode(env);
        run(env, socket, wait, &mut RecvMmsg { room, count, size, ctrl_size, flags }, tag, |op, mut received, _| {
            let messages = messages(env, protocol, op, &received)?;
            received.iter_mut().for_each(Received::told);
            Some((atoms::ok(), messages).encode(env))
        })
    });
    answer.unwrap_or_else(|| Ok(fail::error(env, atoms::enomem())))
}

/// The terms of what was received; nothing where there is no memory for them.
fn messages<'a>(env: Env<'a>, protocol: i32, op: &RecvMmsg<'_>, received: &[Received]) -> Option<Vec<Term<'a>>> {
    let parts = received.iter().zip(op.parts()).map(|(got, (data, ctrl))| {
        let data = buffer::copy(env, data.get(..got.len)?)?;
        super::recvmsg::message(env, protocol, got, data, ctrl)
    });
    parts.collect()
}
