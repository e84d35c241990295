//! recv, recvfrom.

use super::run;
use crate::buffer::{self, Buffer, DIRECT, SCRATCH};
use crate::process::{Args, Handle, Job, Place, Step, Wait, notify};
use crate::term::{flags, sockaddr};
use crate::{atoms, fail};
use esock::op::recv::{Recv, is_urgent, least, peeks_exact};
use esock::op::recvfrom::RecvFrom;
use esock::wire::addr::Address;
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};
use std::sync::atomic::Ordering::Relaxed;

/// `recv(Socket, Length, Flags, Handle, How)`. `{some, Length}`: what there is, at most `Length` bytes.
#[rustler::nif]
fn recv<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    length: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let urgent = flags::decode(env, flags).is_ok_and(|flags| flags.is_ok_and(is_urgent));
    let nowait = how.decode::<Atom>().is_ok_and(|how| how == atoms::nowait());
    let how =
        if nowait && (urgent || falls_back_to_select(&socket, length)) { atoms::select().encode(env) } else { how };
    let wait = Wait::decode(env, handle, how)?;
    if urgent {
        replace_observer(env, &socket, &wait);
    }
    wait.call(env, &socket, &RECV, [length, flags, flags])
}

/// A receive of urgent data waits as an observer, in place of an earlier one under the same handle.
fn replace_observer<'a>(env: Env<'a>, socket: &Handle, wait: &Wait<'a>) {
    let (_, wakes) = socket.socket.cancel_observer(wait.observe(), |waiter| wait.is(waiter));
    notify::deliver(env, Place::Call, wakes);
}

/// Whether a `nowait` receive of a length answers `select` with a partial result, although the socket completes calls.
/// Bytes are not gathered for a length if others may read from the descriptor too.
fn falls_back_to_select(socket: &Handle, length: Term<'_>) -> bool {
    let shared = socket.socket.kind.stream() && !socket.socket.gathers();
    shared && length.decode::<u64>().is_ok_and(|length| length > 0)
}

const RECV: Job =
    Job { name: atoms::recv, call: received, remaining: None, reads_file: false, receives_descriptors: false };

fn received<'a>(env: Env<'a>, socket: &ResourceArc<Handle>, wait: &Wait<'a>, args: Args<'a>) -> NifResult<Term<'a>> {
    let [length, flags, _] = args;
    let some = length.decode::<(Atom, Term<'a>)>().ok().map(|(_, length)| length);
    let length = some.unwrap_or(length);
    let (len, flags) =
        match arguments(env, socket, length, flags, if wait.blocking() { blocking_length } else { default_length })? {
            Ok(arguments) => arguments,
            Err(error) => return Ok(error),
        };
    let has_length = !length.decode::<u64>().is_ok_and(|len| len == 0);
    let answer = receive(env, socket, wait, (len, has_length, some.is_some()), flags)?;
    Ok(if some.is_some() && ended(wait, answer) { atoms::eof().encode(env) } else { answer })
}

/// `has_length`: the caller asks for `len` bytes. `some`: it asks for at most that many.
fn receive<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    (len, has_length, some): (usize, bool, bool),
    flags: i32,
) -> NifResult<Term<'a>> {
    let exact = has_length && !some;
    let (len, direct) = room_for(socket, len, has_length);
    let peeks_exact = peeks_exact(socket.socket.kind, exact, flags) && wait.waits();
    wait.set_least(if peeks_exact { len } else { least(flags) });
    let whole = wait.completes() || peeks_exact;
    // A peek is copied at once, whatever its size.
    let unbounded = wait.place() == Place::Thread || peeks_exact && !wait.completes();
    let tag = || atoms::recv().encode(env);
    buffer::with(direct, |room| {
        let mut op = Recv { room, len, exact, whole, detects_end: some, peeks_exact, flags, unbounded, uncopied: None };
        run(env, socket, wait, &mut op, tag, |op, got, all| {
            socket.socket.settings.last_received.store(got, Relaxed);
            let data = binary(env, op)?;
            Some(if all { (atoms::ok(), data).encode(env) } else { data })
        })
    })
}

/// Whether a completion has met the end of a stream. A call answers `{error, closed}` for it, and the API asks whether
/// the socket itself was closed.
fn ended<'a>(wait: &Wait<'a>, answer: Term<'a>) -> bool {
    let eof = wait.completing.is_some() && matches!(wait.step(), Step::Answered);
    eof && answer.decode().is_ok_and(|pair: (Atom, Atom)| pair == (atoms::error(), atoms::closed()))
}

/// A binary of what was received; `None` if there is no memory for it.
fn binary<'a>(env: Env<'a>, op: &mut Recv<'_, Buffer<'_>>) -> Option<Term<'a>> {
    if let Some(bytes) = op.uncopied.take() {
        op.room.fill(&bytes);
    }
    op.room.term(env)
}

/// `recvfrom(Socket, Size, Flags, Handle, How)`
#[rustler::nif]
fn recvfrom<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    size: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    Wait::decode(env, handle, how)?.call(env, &socket, &RECVFROM, [size, flags, flags])
}

const RECVFROM: Job =
    Job { name: atoms::recvfrom, call: received_from, remaining: None, reads_file: false, receives_descriptors: false };

fn received_from<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [size, flags, _]: Args<'a>,
) -> NifResult<Term<'a>> {
    let (len, flags) = match arguments(env, socket, size, flags, default_length)? {
        Ok(arguments) => arguments,
        Err(error) => return Ok(error),
    };
    wait.set_least(least(flags));
    let tag = || atoms::recvfrom().encode(env);
    buffer::with(false, |room| {
        run(env, socket, wait, &mut RecvFrom { room, len, flags }, tag, |op, (_, from), _| {
            let data = op.room.term(env)?;
            let from = sockaddr::encode(env, &Address::from_raw(&from), socket.socket.kind.protocol)?;
            Some((atoms::ok(), (from, data)).encode(env))
        })
    })
}

/// The room for a receive, and whether so much is expected that it is received into a binary. If a call names no length
/// and the last receive of the stream got at least [`DIRECT`] bytes, the room is twice that, rounded up to a power of
/// two: the receive gets at most four times as much as the last one.
fn room_for(handle: &Handle, len: usize, has_length: bool) -> (usize, bool) {
    let last = handle.socket.settings.last_received.load(Relaxed);
    if !has_length && len == SCRATCH && last >= DIRECT && handle.socket.kind.stream() {
        return (last.saturating_mul(2).next_power_of_two().min(SCRATCH), true);
    }
    (len, has_length && (DIRECT..SCRATCH).contains(&len))
}

/// The most bytes of a receive without a length.
pub(super) fn default_length(handle: &Handle) -> usize {
    handle.socket.settings.receive(SCRATCH).1
}

/// The most bytes of a blocking receive without a length: on a stream, as many buffers as `{otp, rcvbuf}` says.
fn blocking_length(handle: &Handle) -> usize {
    let (count, size) = handle.socket.settings.receive(SCRATCH);
    if handle.socket.kind.stream() { size.saturating_mul(count as usize) } else { size }
}

/// The length, by default that of the socket's settings, and the flags.
pub(super) fn arguments<'a>(
    env: Env<'a>,
    handle: &Handle,
    length: Term<'a>,
    flags: Term<'a>,
    default: impl FnOnce(&Handle) -> usize,
) -> NifResult<Result<(usize, i32), Term<'a>>> {
    let Some(len) = length.decode::<u64>().ok().and_then(|len| isize::try_from(len).ok()) else {
        return fail::integer_range(env, length).map(Err);
    };
    let len = if len == 0 { default(handle) } else { len.unsigned_abs() };
    Ok(flags::decode(env, flags)?.map(|flags| (len, flags)))
}
