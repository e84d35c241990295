//! cancel: ends a wait.

use crate::charge::charge;
use crate::process::{Handle, Place, Waiter, notify, waiter};
use crate::{atoms, fail};
use esock::lane::{Cancelled, Direction};
use esock::socket::answer::Failure;
use rustler::{Atom, Encoder, Env, Error, NifResult, ResourceArc, Term};

/// `cancel(Socket, Op, Handle)`: `ok`; `select_sent` (the message is in the inbox); `sending` (the message is in
/// flight: the caller asks again); `not_found`; or `{error, closed}` (if the caller waited, an `abort` message is in
/// the inbox).
#[rustler::nif]
fn cancel<'a>(env: Env<'a>, socket: Term<'a>, op: Atom, handle: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let direction = if op == atoms::wait() { None } else { Some(direction(op).ok_or(Error::BadArg)?) };
    if !handle.is_ref() {
        return Err(Error::BadArg);
    }
    charge(env, 1);
    match cancelled(env, &resource, direction, handle) {
        Ok(Cancelled::Clean) => Ok(atoms::ok().encode(env)),
        Ok(Cancelled::Sent) => Ok(atoms::select_sent().encode(env)),
        Ok(Cancelled::Sending) => Ok(atoms::sending().encode(env)),
        Ok(Cancelled::NotFound) => Ok(atoms::not_found().encode(env)),
        Err(failure) => fail::failure(env, failure),
    }
}

/// Ends a wait in a lane. One that is not there may be an observer, as a wait for urgent data is.
fn cancelled<'a>(
    env: Env<'a>,
    resource: &Handle,
    direction: Option<Direction>,
    handle: Term<'a>,
) -> Result<Cancelled, Failure> {
    let (key, mine) = ((env.pid(), waiter::tag(handle)), |waiter: &Waiter| waiter.is(handle));
    if let Some(direction) = direction {
        let (cancelled, wakes) = resource.socket.cancel(direction, key, mine);
        notify::deliver(env, Place::Call, wakes);
        if direction == Direction::Write || !matches!(cancelled, Ok(Cancelled::NotFound) | Err(Failure::Closed)) {
            return cancelled;
        }
    }
    let (cancelled, wakes) = resource.socket.cancel_observer(key, mine);
    notify::deliver(env, Place::Call, wakes);
    cancelled
}

fn direction(op: Atom) -> Option<Direction> {
    use atoms::{accept, connect, recv, recvfrom, recvmmsg, recvmsg, send, sendfile, sendmmsg, sendmsg, sendto, sendv};
    let reads = [accept(), recv(), recvfrom(), recvmsg(), recvmmsg()];
    let writes = [connect(), send(), sendto(), sendmsg(), sendmmsg(), sendv(), sendfile()];
    if reads.contains(&op) { Some(Direction::Read) } else { writes.contains(&op).then_some(Direction::Write) }
}
