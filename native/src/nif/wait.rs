//! wait: for events of a descriptor, without reading.

use crate::charge::charge;
use crate::process::{Handle, Place, Wait, notify};
use crate::{atoms, fail};
use esock::socket::observe::Observed;
use esock::sys::ready::Events;
use rustler::{Encoder, Env, Error, NifResult, ResourceArc, Term};

/// What a wait that registers takes, in microseconds.
const REGISTER: u32 = 4;

/// `wait(Socket, Events, Handle, How)`. `Events`: a number, see `esock_events`. Answers `{ok, Events}`.
#[rustler::nif]
fn wait<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    events: u32,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(env, handle, how)?;
    let asked = Events::from_bits(events).ok_or(Error::BadArg)?;
    let (waiter, same) = (wait.waiter(env, &socket), |waiter: &_| wait.is(waiter));
    let (observed, wakes) = socket.socket.observe((asked, wait.waits()), wait.observe(), waiter, same);
    notify::deliver(env, Place::Call, wakes);
    charge(env, if observed == Ok(Observed::Waiting) { REGISTER } else { 1 });
    match observed {
        Ok(Observed::Events(now)) => Ok((atoms::ok(), now.bits()).encode(env)),
        Ok(Observed::Waiting) => Ok(wait.waiting(env, || atoms::wait().encode(env))),
        Ok(Observed::Nothing) => Ok(fail::error(env, atoms::timeout())),
        Ok(Observed::Releasing) => Ok(atoms::yield_().encode(env)),
        Err(failure) => fail::failure(env, failure),
    }
}
