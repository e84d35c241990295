//! open: a new socket, or one on an existing descriptor.

use super::backend;
use crate::charge::charge;
use crate::process::{Handle, Place, Waiter, handle, notify, open, registry};
use crate::{atoms, fail};
use esock::socket::Socket;
use esock::socket::backend::Backend;
use esock::sys::descriptor;
use esock::sys::kind::Kind;
use esock::table::family;
use esock::wire::{errno, name};
use rustler::{Atom, Binary, Encoder, Env, Error, NifResult, Term};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What an open takes, in microseconds.
const OPEN: u32 = 4;

/// `open(Domain, Type, Protocol, Options)`
#[rustler::nif]
fn open<'a>(
    env: Env<'a>,
    domain: Term<'a>,
    kind: Term<'a>,
    protocol: Term<'a>,
    options: Term<'a>,
) -> NifResult<Term<'a>> {
    let [domain, kind, protocol] = match numbers(env, [domain, kind, protocol])? {
        Ok(numbers) => numbers,
        Err(error) => return Ok(error),
    };
    if !options.is_map() {
        return Err(Error::BadArg);
    }
    match options.map_get(atoms::netns()) {
        Ok(_) => Ok(atoms::netns().encode(env)),
        Err(_) => opened(env, options, |backend| Socket::open(domain, kind, protocol, backend)),
    }
}

/// `open_in(Path, Domain, Type, Protocol, Options)`, after `open` has answered `netns`: on a dirty scheduler, because
/// it opens a file and starts a thread.
#[rustler::nif(schedule = "DirtyIo")]
fn open_in<'a>(
    env: Env<'a>,
    path: Binary<'a>,
    domain: Term<'a>,
    kind: Term<'a>,
    protocol: i32,
    options: Term<'a>,
) -> NifResult<Term<'a>> {
    let domain = number(atoms::domains(), domain).ok_or(Error::BadArg)?;
    let kind = number(atoms::types(), kind).ok_or(Error::BadArg)?;
    opened(env, options, |backend| Socket::open_in(OsStr::from_bytes(&path), domain, kind, protocol, backend))
}

/// `open(FD, Options)`
#[rustler::nif(name = "open")]
fn open_fd<'a>(env: Env<'a>, fd: Term<'a>, options: Term<'a>) -> NifResult<Term<'a>> {
    let Ok(number) = fd.decode::<i32>() else {
        return fail::integer_range(env, fd);
    };
    if !options.is_map() {
        return Err(Error::BadArg);
    }
    let dup = flag(options, atoms::dup()).unwrap_or(true);
    let own = flag(options, atoms::own()).unwrap_or(false);
    if poll_only(options) {
        return opened(env, options, |backend| Socket::open_poll_only(number, dup, own, backend));
    }
    let found = match descriptor::kind(number) {
        Ok(kind) => kind,
        // The answer of OTP, unless the caller uses an option that OTP does not have, or does not check.
        Err(errno::NOT_OPEN | errno::NOT_A_SOCKET) if !says_what(options) => {
            return Ok(fail::invalid(env, (atoms::options(), atoms::domain(), options)));
        }
        Err(errno) => return Ok(fail::posix(env, errno)),
    };
    if let Some(other) = unexpected(options, found) {
        return Ok(fail::invalid(env, other));
    }
    opened(env, options, |backend| Socket::open_fd(number, dup, own, backend))
}

/// Whether the options give the descriptor away, or say what it is to be.
fn says_what(options: Term<'_>) -> bool {
    let keys = [atoms::domain(), atoms::kind(), atoms::protocol()];
    flag(options, atoms::own()) == Some(true) || keys.iter().any(|key| options.map_get(*key).is_ok())
}

/// The first of domain, type and protocol for which the options say something else than the system. The protocol
/// `default` is any.
fn unexpected<'a>(options: Term<'a>, found: Kind) -> Option<(Atom, Term<'a>)> {
    let default = |term: Term<'a>| term.decode::<Atom>().is_ok_and(|name| name == atoms::default());
    let rows = [
        (atoms::domain(), atoms::domains(), found.domain),
        (atoms::kind(), atoms::types(), found.kind),
        (atoms::protocol(), atoms::protocols(), found.protocol),
    ];
    rows.into_iter().find_map(|(key, names, found)| {
        let said = options.map_get(key).ok().filter(|said| key != atoms::protocol() || !default(*said))?;
        (number(names, said) != Some(found)).then_some((key, said))
    })
}

fn opened<'a>(
    env: Env<'a>,
    options: Term<'a>,
    open: impl FnOnce(Backend) -> esock::sys::Result<Arc<Socket<Waiter>>>,
) -> NifResult<Term<'a>> {
    Ok(match attempt(env, options, open) {
        Ok(socket) => {
            let registered = settle(env, options, &socket);
            owned(env, socket, registered).unwrap_or_else(|| fail::posix(env, errno::NOT_OPEN))
        }
        Err(error) => error,
    })
}

/// Opens something on the back end that the options choose; or the answer that says why not.
pub(super) fn attempt<'a, T>(
    env: Env<'a>,
    options: Term<'a>,
    open: impl FnOnce(Backend) -> esock::sys::Result<T>,
) -> Result<T, Term<'a>> {
    if let Some(other) = options.map_get(atoms::cloexec()).ok().filter(|on| on.decode::<bool>().is_err()) {
        return Err(fail::invalid(env, (atoms::cloexec(), other)));
    }
    let backend = backend::choose(env, options);
    let backend = backend.map_err(|reason| fail::invalid(env, (atoms::io_backend(), reason)))?;
    open(backend).map_err(|errno| fail::posix(env, errno))
}

/// Applies the options to a new socket. Answers whether it is to be registered.
pub(super) fn settle(env: Env<'_>, options: Term<'_>, socket: &Socket<Waiter>) -> bool {
    let debug = flag(options, atoms::debug()).unwrap_or_else(|| super::info::SOCKET_DEBUG.load(Relaxed));
    socket.settings.debug.store(debug, Relaxed);
    // A descriptor that is new is close-on-exec, one that was given may not be.
    let cloexec = flag(options, atoms::cloexec());
    if let Some(cloexec) = cloexec.or_else(|| flag(options, atoms::own()).filter(|own| *own)) {
        notify::deliver(env, Place::Call, socket.set_inheritable(!cloexec).1);
    }
    charge(env, OPEN);
    flag(options, atoms::use_registry()).unwrap_or_else(registry::use_registry)
}

/// `{ok, Socket}`. `None`: the descriptor was lent, and its owner has closed it meanwhile. The number may belong to
/// another file.
fn owned(env: Env<'_>, socket: Arc<Socket<Waiter>>, registered: bool) -> Option<Term<'_>> {
    let lent = socket.lent().map(|number| (number, file(env, &socket)));
    let handle = Handle::open(env, (Place::Call, env.pid()), socket, registered);
    if let Some((number, before)) = lent {
        Handle::add_to_lent(&handle, number);
        if before.is_none() || file(env, &handle.socket) != before {
            drop(handle.close(env, Place::Call));
            return None;
        }
    }
    Some((open::ok_or_signals(1), handle::socket_term(env, &handle)).encode(env))
}

fn file(env: Env<'_>, socket: &Socket<Waiter>) -> Option<u64> {
    let (file, wakes) = socket.file();
    notify::deliver(env, Place::Call, wakes);
    file.ok()
}

/// Whether the descriptor is used for waiting alone.
fn poll_only(options: Term<'_>) -> bool {
    flag(options, atoms::poll_only()).unwrap_or(false)
}

fn flag(options: Term<'_>, name: Atom) -> Option<bool> {
    options.map_get(name).ok()?.decode().ok()
}

/// Domain, type and protocol as numbers; or the answer for a name that is unknown, or a number out of range.
pub(super) fn numbers<'a>(
    env: Env<'a>,
    [domain, kind, protocol]: [Term<'a>; 3],
) -> NifResult<Result<[i32; 3], Term<'a>>> {
    let Some(domain_number) = number(atoms::domains(), domain) else {
        return Ok(Err(fail::invalid(env, (atoms::domain(), domain))));
    };
    let Some(kind_number) = number(atoms::types(), kind) else {
        return Ok(Err(fail::invalid(env, (atoms::kind(), kind))));
    };
    match protocol.decode::<i32>() {
        Ok(protocol) => Ok(Ok([domain_number, kind_number, protocol])),
        Err(_) => fail::integer_range(env, protocol).map(Err),
    }
}

fn number(names: &atoms::Names, term: Term<'_>) -> Option<i32> {
    match term.decode::<Atom>() {
        Ok(name) => names.number(name),
        Err(_) => term.decode().ok(),
    }
}

/// `protocol(Domain, Name)`: the number of a protocol of that domain, or `undefined`.
#[rustler::nif]
fn protocol<'a>(env: Env<'a>, domain: Term<'a>, name: Atom) -> Term<'a> {
    let own = || {
        let row = family::find(number(atoms::domains(), domain)?)?;
        name::number(row.protocols, &name.to_term(env).atom_to_string().ok()?)
    };
    match own().or_else(|| atoms::protocols().number(name)) {
        Some(number) => number.encode(env),
        None => atoms::undefined().encode(env),
    }
}
