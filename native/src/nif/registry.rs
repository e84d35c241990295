//! The registry and the monitors.

use crate::atoms;
use crate::caller::{self, Place};
use crate::handle::{self, Handle, Owned};
use crate::watch::Watch;
use rustler::{Encoder, Env, Error, NifResult, ResourceArc, Term};
use std::sync::atomic::Ordering::Relaxed;

/// `number_of()`
#[rustler::nif]
fn number_of() -> usize {
    handle::number_of()
}

/// `which_sockets()`
#[rustler::nif]
fn which_sockets(env: Env<'_>) -> Vec<Term<'_>> {
    handle::registered(env)
}

/// `use_registry(On)`
#[rustler::nif]
fn use_registry(env: Env<'_>, on: bool) -> Term<'_> {
    handle::USE_REGISTRY.store(on, Relaxed);
    atoms::ok().encode(env)
}

/// `monitor(Socket)`: the reference; where the socket is closed, its `'DOWN'` message is sent at once.
#[rustler::nif]
fn monitor<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let watch = Watch::start(env, &resource).ok_or(Error::BadArg)?;
    let (fd, wakes) = resource.socket.fd();
    caller::tell(env, Place::Call, wakes);
    match fd {
        Ok(_) => resource.register(env),
        // It was closed, perhaps between the two; whoever closed it has told the watch, or nobody has.
        Err(_) => resource.watches.fire(env),
    }
    Ok(watch.encode(env))
}

/// `cancel_monitor(MRef)`; raises `badarg` where the monitor is another process's.
#[rustler::nif]
fn cancel_monitor<'a>(env: Env<'a>, monitor: Term<'a>) -> NifResult<bool> {
    if !monitor.is_ref() {
        return Err(Error::BadArg);
    }
    let Ok(watch) = monitor.decode::<&Watch>() else {
        return Ok(false);
    };
    let own = watch.started_by(env.pid());
    if !own && watch.active() { Err(Error::BadArg) } else { Ok(own && watch.remove()) }
}

/// `monitors()`: `{MRef, Pid, Socket}` of every monitor.
#[rustler::nif]
fn monitors(env: Env<'_>) -> Vec<Term<'_>> {
    let sockets = handle::registered_handles(env);
    let of = |socket: &ResourceArc<Handle>| {
        let monitors = socket.watches.list().into_iter();
        let terms = monitors.map(|(watch, pid)| (watch, pid, handle::socket(env, socket)).encode(env));
        terms.collect::<Vec<_>>()
    };
    sockets.iter().flat_map(of).collect()
}
