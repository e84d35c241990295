//! recv, recvfrom.

use super::{Wait, run};
use crate::term::{address, flags};
use crate::{atoms, buffer, fail};
use esock::addr::Address;
use esock::op::recv::Recv;
use esock::op::recvfrom::RecvFrom;
use rustler::{Atom, Encoder, Env, NifResult, Term};

/// `recv(Socket, Length, Flags, Handle, How)`. `{some, Length}`: what there is, and no more than that.
#[rustler::nif]
fn recv<'a>(
    env: Env<'a>,
    socket: Term<'a>,
    length: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    let some = length.decode::<(Atom, Term<'a>)>().ok().map(|(_, length)| length);
    let (length, exact) = (some.unwrap_or(length), some.is_none());
    let (len, flags) = match arguments(env, socket, length, flags, wait.blocking())? {
        Ok(arguments) => arguments,
        Err(error) => return Ok(error),
    };
    let exact = exact && !length.decode::<u64>().is_ok_and(|len| len == 0);
    let tag = || atoms::recv().encode(env);
    buffer::with(|room| {
        run(env, socket, &wait, &mut Recv { room, len, exact, flags }, tag, |op, got, all| {
            let data = op.room.term(env, got)?;
            Some(if all { (atoms::ok(), data).encode(env) } else { data })
        })
    })
}

/// `recvfrom(Socket, Size, Flags, Handle, How)`
#[rustler::nif]
fn recvfrom<'a>(
    env: Env<'a>,
    socket: Term<'a>,
    size: Term<'a>,
    flags: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    let (len, flags) = match arguments(env, socket, size, flags, false)? {
        Ok(arguments) => arguments,
        Err(error) => return Ok(error),
    };
    let tag = || atoms::recvfrom().encode(env);
    buffer::with(|room| {
        run(env, socket, &wait, &mut RecvFrom { room, len, flags }, tag, |op, (got, from), _| {
            let data = op.room.term(env, got)?;
            let from = address::encode(env, &Address::from_raw(&from))?;
            Some((atoms::ok(), (from, data)).encode(env))
        })
    })
}

/// The length, which is the socket's own where the caller names none, and the flags.
pub(super) fn arguments<'a>(
    env: Env<'a>,
    socket: Term<'a>,
    length: Term<'a>,
    flags: Term<'a>,
    many: bool,
) -> NifResult<Result<(usize, i32), Term<'a>>> {
    let handle = super::handle(socket)?;
    let Some(len) = length.decode::<u64>().ok().and_then(|len| isize::try_from(len).ok()) else {
        return fail::integer_range(env, length).map(Err);
    };
    let len = if len == 0 {
        let rcvbuf = handle.socket.settings.receive();
        let count = if many && handle.socket.kind.stream() { rcvbuf.count.unwrap_or(1) } else { 1 };
        rcvbuf.size.saturating_mul(count as usize)
    } else {
        len.unsigned_abs()
    };
    Ok(flags::decode(env, flags)?.map(|flags| (len, flags)))
}
