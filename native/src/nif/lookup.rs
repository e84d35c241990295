//! lookup: names, services and addresses by libc; and the names of the host and of interfaces.

use crate::charge::charge;
use crate::process::lookup::{Cancel, Limits, Lookup, Slot, counts, slots};
use crate::term::{address, list, lookup};
use crate::{atoms, buffer, fail};
use esock::sys::{interface, resolve};
use rustler::{Encoder, Env, Error, NifResult, Term};

/// The longest name of a host, in bytes. The system refuses one of more than 64.
const HOST_NAME: usize = 255;
/// The longest name of an interface, in bytes.
const INTERFACE: usize = 15;

/// `lookup(Handle, {Threads, Queue}, Query)`: `ok`, and the caller receives `{'$esock_net', Handle, Result}`; or `busy`.
#[rustler::nif(name = "lookup")]
fn start<'a>(env: Env<'a>, handle: Term<'a>, limits: (usize, usize), query: Term<'a>) -> NifResult<Term<'a>> {
    let query = lookup::query(query).ok_or(Error::BadArg)?;
    if !handle.is_ref() {
        return Err(Error::BadArg);
    }
    let limits = Limits { threads: limits.0, queue: limits.1 };
    charge(env, 1);
    let started = Lookup::start(env, handle, limits, query);
    Ok(if started { atoms::ok() } else { atoms::busy() }.encode(env))
}

/// `cancel_lookup(Handle)`: `ok` (no message comes), `sending` (it is in flight: the caller asks again), `not_found` (it is in
/// the inbox, or there was no such lookup).
#[rustler::nif]
fn cancel_lookup<'a>(env: Env<'a>, handle: Term<'a>) -> NifResult<Term<'a>> {
    charge(env, 1);
    Ok(match Lookup::cancel_by(env, handle) {
        Cancel::Clean => atoms::ok(),
        Cancel::Sending => atoms::sending(),
        Cancel::Over => atoms::not_found(),
    }
    .encode(env))
}

/// `lookups()`: `{Threads, Running, Waiting, Slots}`
#[rustler::nif]
fn lookups(env: Env<'_>) -> Term<'_> {
    let (threads, running, waiting) = counts();
    (threads, running, waiting, slots()).encode(env)
}

/// `lookup_slot(Most)`: `{ok, Slot}`, which is free again when the process drops it or ends; or `busy`.
#[rustler::nif]
fn lookup_slot(env: Env<'_>, most: usize) -> Term<'_> {
    Slot::take(most).map_or_else(|| atoms::busy().encode(env), |slot| (atoms::ok(), slot).encode(env))
}

/// `gethostname()`
#[rustler::nif]
fn gethostname(env: Env<'_>) -> Term<'_> {
    text(env, resolve::host_name())
}

/// `sethostname(Name)`
#[rustler::nif]
fn sethostname<'a>(env: Env<'a>, name: Term<'a>) -> NifResult<Term<'a>> {
    let name = address::binary(name, HOST_NAME).ok_or(Error::BadArg)?;
    Ok(match resolve::set_host_name(&name) {
        Ok(()) => atoms::ok().encode(env),
        Err(errno) => fail::posix(env, errno),
    })
}

/// `if_nametoindex(Name)`
#[rustler::nif]
fn if_nametoindex<'a>(env: Env<'a>, name: Term<'a>) -> NifResult<Term<'a>> {
    let name = address::binary(name, INTERFACE).or_else(|| list::text(name, INTERFACE)).ok_or(Error::BadArg)?;
    Ok(match interface::index(&name) {
        Ok(index) => (atoms::ok(), index).encode(env),
        Err(errno) => fail::posix(env, errno),
    })
}

/// `if_indextoname(Index)`
#[rustler::nif]
fn if_indextoname(env: Env<'_>, index: u32) -> Term<'_> {
    text(env, interface::name(index))
}

fn text(env: Env<'_>, result: esock::sys::Result<Vec<u8>>) -> Term<'_> {
    match result.map(|bytes| buffer::copy(env, &bytes)) {
        Ok(Some(bytes)) => (atoms::ok(), bytes).encode(env),
        Ok(None) => fail::error(env, atoms::enomem()),
        Err(errno) => fail::posix(env, errno),
    }
}
