//! Functions of the registry and of monitors.

use crate::atoms;
use crate::charge::charge;
use crate::process::{Handle, Place, Watch, Watches, registry};
use esock::socket::registry::Page;
use rustler::{Encoder, Env, Error, NifResult, ResourceArc, Term};
use std::sync::atomic::Ordering::Relaxed;

/// What it takes to start or end a monitor, in microseconds.
const MONITOR: u32 = 2;

/// `number_of()`
#[rustler::nif]
fn number_of() -> usize {
    registry::number_of()
}

/// `which_sockets(Cursor)`: a page of the sockets.
#[rustler::nif]
fn which_sockets(env: Env<'_>, cursor: usize) -> Term<'_> {
    page(env, registry::registered(env, cursor))
}

/// `{Found, Next}`, where `Next` is the cursor of the next page, or `done`. The first page is at 0.
fn page<'a>(env: Env<'a>, Page { entries, next }: Page<Term<'a>>) -> Term<'a> {
    charge(env, u32::try_from(entries.len()).map_or(u32::MAX, |micros| micros.saturating_add(1)));
    let next = next.map_or_else(|| atoms::done().encode(env), |next| next.encode(env));
    (entries, next).encode(env)
}

/// `use_registry(On)`
#[rustler::nif]
fn use_registry(env: Env<'_>, on: bool) -> Term<'_> {
    registry::USE_REGISTRY.store(on, Relaxed);
    atoms::ok().encode(env)
}

/// `monitor(Socket)`: the reference. If the socket is closed, `'DOWN'` is sent at once.
#[rustler::nif]
fn monitor<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    watch(env, socket, None)
}

/// `monitor(Socket, Named)`: the same, but `'DOWN'` has the term `Named` in the place of the socket.
#[rustler::nif(name = "monitor")]
fn monitor_named<'a>(env: Env<'a>, socket: Term<'a>, named: Term<'a>) -> NifResult<Term<'a>> {
    watch(env, socket, Some(named))
}

fn watch<'a>(env: Env<'a>, socket: Term<'a>, named: Option<Term<'a>>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let watch = Watch::start(env, &resource, named).ok_or(Error::BadArg)?;
    // The socket may have been closed between the two. If that close has not sent `'DOWN'`, this call does.
    if !Handle::register(&resource, env)
        && let Some(watch) = watch.remove()
    {
        Watch::send_down(&watch, env, Place::Call);
    }
    charge(env, MONITOR);
    Ok(watch.encode(env))
}

/// `cancel_monitor(MRef)`; raises `badarg` if the monitor belongs to another process.
#[rustler::nif]
fn cancel_monitor<'a>(env: Env<'a>, monitor: Term<'a>) -> NifResult<bool> {
    if !monitor.is_ref() {
        return Err(Error::BadArg);
    }
    let Ok(watch) = monitor.decode::<&Watch>() else {
        return Ok(false);
    };
    charge(env, MONITOR);
    if !watch.started_by(env.pid()) {
        return if watch.active() { Err(Error::BadArg) } else { Ok(false) };
    }
    let left = watch.remove();
    left.iter().for_each(|watch| Watch::end(watch, env, Place::Call));
    Ok(left.is_some())
}

/// `number_of_monitors()`
#[rustler::nif]
fn number_of_monitors() -> usize {
    Watches::number_of()
}

/// `monitors(Socket, Cursor)`: a page of `{MRef, Pid}`, the monitors on a socket. A term that is no socket has none.
#[rustler::nif]
fn monitors<'a>(env: Env<'a>, socket: Term<'a>, cursor: usize) -> Term<'a> {
    let watches = socket.decode::<&Handle>().map(|handle| handle.watches.page(cursor));
    let Page { entries, next } = watches.unwrap_or(Page { entries: Vec::new(), next: None });
    let terms = entries.iter().map(|watch| (watch, watch.pid()).encode(env));
    page(env, Page { entries: terms.collect(), next })
}
