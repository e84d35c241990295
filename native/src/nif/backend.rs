//! The back end of a socket: chosen by its options, the application or the system's environment, and by what the kernel
//! has.

use crate::atoms;
use esock::poller;
use esock::ring::{pool, thread};
use esock::socket::backend::Backend;
use esock::wire::errno::Errno;
use rustler::{Atom, Encoder, Env, NifResult, Term};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The names of the back ends. `auto`: io_uring if the system provides it, otherwise epoll.
const ASKED: [&str; 3] = ["epoll", "io_uring", "auto"];

/// The back end of sockets whose options name none, as an index of [`ASKED`].
static DEFAULT: AtomicU8 = AtomicU8::new(0);

/// `io_backend(Name)`: sets the default. Answers `ok`, or raises `badarg` if no back end has that name.
#[rustler::nif]
fn io_backend(env: Env<'_>, name: Atom) -> NifResult<Atom> {
    let place = place(env, name.encode(env)).ok_or(rustler::Error::BadArg)?;
    DEFAULT.store(place, Relaxed);
    Ok(atoms::ok())
}

/// Sets the default, when the module is loaded.
pub(super) fn set_default(env: Env<'_>, name: Term<'_>) {
    if let Some(place) = place(env, name) {
        DEFAULT.store(place, Relaxed);
    }
}

fn place(env: Env<'_>, name: Term<'_>) -> Option<u8> {
    let place = ASKED.iter().position(|asked| Atom::from_bytes(env, asked.as_bytes()).is_ok_and(|atom| atom == name));
    place.and_then(|place| u8::try_from(place).ok())
}

/// The back end for a socket with these options; or why the one that they name is not available.
pub(super) fn choose<'a>(env: Env<'a>, options: Term<'a>) -> Result<Backend, Term<'a>> {
    let asked = match options.map_get(atoms::io_backend()) {
        Ok(name) => place(env, name).ok_or(name)?,
        Err(_) => DEFAULT.load(Relaxed),
    };
    match asked {
        0 => Ok(Backend::Epoll),
        1 => pool::start().map(|_| Backend::Uring).map_err(|errno| refusal(env, errno)),
        _ => Ok(pool::start().map_or(Backend::Epoll, |_| Backend::Uring)),
    }
}

/// Why the system provides no ring: `posix()`, or `{memlock, Bytes}` if the limit of locked memory (RLIMIT_MEMLOCK) is
/// too low.
fn refusal(env: Env<'_>, errno: Errno) -> Term<'_> {
    match thread::short_of_locked_memory(errno) {
        Some(limit) => (atoms::memlock(), limit).encode(env),
        None => atoms::errno(env, errno).encode(env),
    }
}

/// The functions of SCTP. OTP takes them from a library that may be missing; here they are system calls.
fn calls_of_sctp(env: Env<'_>) -> NifResult<Term<'_>> {
    let names = ["bindx", "connectx", "peeloff", "getladdrs", "freeladdrs", "getpaddrs", "freepaddrs"];
    let map = Term::map_new(env);
    names.iter().try_fold(map, |map, name| map.map_put(Atom::from_bytes(env, name.as_bytes())?, true))
}

/// For `info/0`: the default back end, and whether the rings have started, if a socket or the default named them.
pub(super) fn info(env: Env<'_>) -> NifResult<Term<'_>> {
    let started = pool::started();
    let asked = usize::from(DEFAULT.load(Relaxed));
    let name = match started {
        Some(Err(_)) if asked == 2 => ASKED.first(),
        _ => ASKED.get(asked),
    };
    let name = Atom::from_bytes(env, name.copied().unwrap_or_default().as_bytes())?;
    let rings = started.and_then(Result::ok).unwrap_or(0);
    let mut map = Term::map_new(env).map_put(atoms::name(), name)?.map_put(atoms::pollers(), poller::pool::count())?;
    map = map.map_put(atoms::rings(), rings)?.map_put(atoms::memory(), rings * esock::sys::uring::MEMORY)?;
    map = map.map_put(atoms::busy(), poller::pool::helped())?.map_put(atoms::sctp(), calls_of_sctp(env)?)?;
    match started {
        Some(Err(errno)) => map.map_put(atoms::refused(), refusal(env, errno)),
        _ => Ok(map),
    }
}
