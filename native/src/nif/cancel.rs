//! cancel: ends a wait.

use crate::charge::charge;
use crate::process::{Handle, Place, notify, waiter};
use crate::{atoms, fail};
use esock::lane::{Cancelled, Direction};
use rustler::{Atom, Encoder, Env, Error, NifResult, ResourceArc, Term};

/// `cancel(Socket, Op, Handle)`: `ok`; `select_sent` (the message is in the inbox); `sending` (the message is in
/// flight: the caller asks again); `not_found`; or `{error, closed}` (if the caller waited, an `abort` message is in
/// the inbox).
#[rustler::nif]
fn cancel<'a>(env: Env<'a>, socket: Term<'a>, op: Atom, handle: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let direction = direction(op).ok_or(Error::BadArg)?;
    if !handle.is_ref() {
        return Err(Error::BadArg);
    }
    let key = (env.pid(), waiter::tag(handle));
    charge(env, 1);
    let (cancelled, wakes) = resource.socket.cancel(direction, key, |waiter| waiter.is(handle));
    notify::deliver(env, Place::Call, wakes);
    match cancelled {
        Ok(Cancelled::Clean) => Ok(atoms::ok().encode(env)),
        Ok(Cancelled::Sent) => Ok(atoms::select_sent().encode(env)),
        Ok(Cancelled::Sending) => Ok(atoms::sending().encode(env)),
        Ok(Cancelled::NotFound) => Ok(atoms::not_found().encode(env)),
        Err(failure) => fail::failure(env, failure),
    }
}

fn direction(op: Atom) -> Option<Direction> {
    use atoms::{accept, connect, recv, recvfrom, recvmmsg, recvmsg, send, sendfile, sendmmsg, sendmsg, sendto, sendv};
    let reads = [accept(), recv(), recvfrom(), recvmsg(), recvmmsg()];
    let writes = [connect(), send(), sendto(), sendmsg(), sendmmsg(), sendv(), sendfile()];
    if reads.contains(&op) { Some(Direction::Read) } else { writes.contains(&op).then_some(Direction::Write) }
}
