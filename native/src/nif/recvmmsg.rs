//! recvmmsg.

use super::run;
use crate::process::{Args, Handle, Job, Place, Wait, notify};
use crate::{atoms, buffer, fail};
use esock::op::recv::least;
use esock::op::recvmmsg::RecvMmsg;
use esock::socket::answer::{Answer, Mode};
use esock::sys::io::{BATCH_MAX, Received};
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The most bytes of a message: the system has none that is longer.
const MESSAGE: usize = 1 << 20;

/// Size of each message of a batch in bytes, if the caller does not say: `{otp, rcvbuf}`, or 8192.
fn default_size(handle: &Handle) -> usize {
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

const RECVMMSG: Job =
    Job { name: atoms::recvmmsg, call: received, remaining: None, reads_file: false, receives_descriptors: true };

fn received<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [count, sizes, flags]: Args<'a>,
) -> NifResult<Term<'a>> {
    let sizes: (Term<'a>, Term<'a>) = sizes.decode()?;
    let (len, flags) = match super::recv::arguments(env, socket, sizes.0, flags, default_size)? {
        Ok(arguments) => arguments,
        Err(error) => return Ok(error),
    };
    let Ok(count) = count.decode::<u64>().map(|count| usize::try_from(count.max(1)).unwrap_or(usize::MAX)) else {
        return fail::integer_range(env, count);
    };
    let size = len.min(MESSAGE);
    let ctrl_size = match super::recvmsg::ctrl_size(env, socket, sizes.1)? {
        Ok(size) => size,
        Err(error) => return Ok(error),
    };
    wait.set_least(least(flags));
    let answer = buffer::batch(count.min(BATCH_MAX), RecvMmsg::each(size, ctrl_size), |room| {
        let tag = || atoms::recvmmsg().encode(env);
        let mut op = RecvMmsg { room, count, size, ctrl_size, flags, continues: wait.follows() };
        run(env, socket, wait, &mut op, tag, |op, received, _| {
            let (all, more) = receive_more(env, socket, wait, op, received)?;
            Some((if more { atoms::more() } else { atoms::ok() }, all).encode(env))
        })
    });
    answer.unwrap_or_else(|| Ok(fail::error(env, atoms::enomem())))
}

/// The terms of the received messages. If these have filled the room, receives further ones, for no longer than
/// [`ROUND`] on a scheduler. Answers too whether there may be more. `None`: there is no memory for the first ones.
fn receive_more<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    op: &mut RecvMmsg<'_>,
    mut received: Vec<Received>,
) -> Option<(Vec<Term<'a>>, bool)> {
    let (mut all, begun) = (Vec::new(), Instant::now());
    loop {
        let full = received.len() == op.capacity();
        // If there is no memory for these, those before them are answered.
        let Some(terms) = messages(env, socket.socket.kind.protocol, op, &received) else {
            return Some((all, false)).filter(|(all, _)| !all.is_empty());
        };
        received.iter_mut().for_each(Received::release_rights);
        op.count -= terms.len().min(op.count);
        all.extend(terms);
        // With `{otp, select_read}` the call already has the turn, to wait for the next message.
        let last = !full || op.count == 0 || socket.socket.settings.select_read.load(Relaxed);
        let late = wait.place() != Place::Thread && begun.elapsed() > ROUND;
        if last || late {
            return Some((all, !last && !wait.completes()));
        }
        let Some(next) = next(env, socket, wait, op) else {
            return Some((all, false));
        };
        received = next;
    }
}

/// Receives what there is besides, without waiting.
fn next<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    op: &mut RecvMmsg<'_>,
) -> Option<Vec<Received>> {
    op.continues = true;
    let (answer, wakes) = socket.socket.run(op, wait.pid, Mode::Once, || wait.new_waiter(env, socket.clone()));
    notify::deliver(env, wait.place(), wakes);
    if let Answer::Done(next) = answer { Some(next) } else { None }
}

/// How long a call goes on receiving on a scheduler.
const ROUND: Duration = Duration::from_micros(300);

/// The terms of the received messages; `None` if there is no memory for them.
fn messages<'a>(env: Env<'a>, protocol: i32, op: &RecvMmsg<'_>, received: &[Received]) -> Option<Vec<Term<'a>>> {
    let parts = received.iter().zip(op.parts()).map(|(got, (data, ctrl))| {
        let data = buffer::copy(env, data.get(..got.len)?)?;
        super::recvmsg::message(env, protocol, got, data, ctrl)
    });
    parts.collect()
}
