//! The options of level `otp`, which the library keeps itself.

use crate::process::{Handle, Place, notify};
use crate::{atoms, fail};
use esock::socket::answer::Failure;
use esock::socket::settings::{CTRL_BUFFER, READ_AHEAD, Rcvbuf};
use esock::table::option::Own;
use esock::wire::sctp;
use rustler::env::OwnedEnv;
use rustler::{Atom, Encoder, Env, LocalPid, NifResult, ResourceArc, Term};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The outcome of setting an option.
pub(super) enum Set<'a> {
    Done,
    /// A ring has not released the stream yet: the caller yields and tries again.
    Yield,
    /// The socket is closed: the answer that says so.
    Closed(Term<'a>),
    NotOwner,
    BadValue,
}

pub(super) fn set<'a>(env: Env<'a>, resource: &ResourceArc<Handle>, own: Own, value: Term<'a>) -> NifResult<Set<'a>> {
    if let Err(failure) = fd(env, resource) {
        return Ok(Set::Closed(fail::failure(env, failure)?));
    }
    let settings = &resource.socket.settings;
    let done = match own {
        Own::ControllingProcess | Own::Meta if !resource.owned_by(env.pid()) => return Ok(Set::NotOwner),
        Own::ControllingProcess => value.decode().ok().map(|pid| Handle::own(resource, env, Place::Call, pid)),
        Own::Debug => flag(&settings.debug, value),
        Own::Iow => flag(&settings.iow, value),
        Own::Meta => set_meta(resource, value),
        Own::Rcvctrlbuf => size(value, CTRL_BUFFER).map(|size| settings.rcvctrlbuf.store(size, Relaxed)),
        Own::Sndctrlbuf => size(value, CTRL_BUFFER).map(|size| settings.sndctrlbuf.store(size, Relaxed)),
        Own::ReadAhead => match read_ahead(value) {
            Some(size) if !resource.socket.set_read_ahead(size) => return Ok(Set::Yield),
            size => size.map(|_| ()),
        },
        Own::SelectRead => flag(&settings.select_read, value),
        Own::Rcvbuf => rcvbuf(value).map(|size| *settings.rcvbuf.lock() = size),
        // It can only be turned on: processes that monitor the socket rely on it.
        Own::UseRegistry => value.decode().ok().filter(|on| *on).map(|_: bool| _ = Handle::register(resource, env)),
        Own::AssocId | Own::Domain | Own::Fd => None,
    };
    Ok(done.map_or(Set::BadValue, |()| Set::Done))
}

/// Whether [`set`] takes the value.
pub(super) fn fits(own: Own, value: Term<'_>) -> bool {
    match own {
        Own::ControllingProcess => value.decode::<LocalPid>().is_ok(),
        Own::Debug | Own::Iow | Own::SelectRead => value.decode::<bool>().is_ok(),
        Own::UseRegistry => value.decode::<bool>().is_ok_and(|on| on),
        Own::Meta => true,
        Own::Rcvctrlbuf | Own::Sndctrlbuf => size(value, CTRL_BUFFER).is_some(),
        Own::ReadAhead => read_ahead(value).is_some(),
        Own::Rcvbuf => rcvbuf(value).is_some(),
        Own::AssocId | Own::Domain | Own::Fd => false,
    }
}

fn flag(flag: &AtomicBool, value: Term<'_>) -> Option<()> {
    flag.store(value.decode().ok()?, Relaxed);
    Some(())
}

fn set_meta(resource: &Handle, value: Term<'_>) -> Option<()> {
    let own = OwnedEnv::new();
    let saved = own.save(value);
    *resource.meta.lock() = Some((own, saved));
    Some(())
}

/// `auto` or `default`, a size in bytes, or `{Count, Size}`, in which the default size is that of OTP.
fn rcvbuf(value: Term<'_>) -> Option<Rcvbuf> {
    match value.decode::<(u32, Term<'_>)>() {
        Ok((0, _)) => None,
        Ok((count, each)) => Some(Rcvbuf { count: Some(count), size: Some(size(each, 8192)?) }),
        Err(_) if value.decode::<Atom>().is_ok_and(|name| name == atoms::auto()) => Some(Rcvbuf::default()),
        // `default` is 0 here, which stands for no size.
        Err(_) => Some(Rcvbuf { count: None, size: Some(size(value, 0)?).filter(|size| *size > 0) }),
    }
}

/// `read_ahead(Bytes)`: sets how much is read ahead on sockets opened from now on whose options do not say.
#[rustler::nif(name = "read_ahead")]
fn read_ahead_of_all(size: Term<'_>) -> NifResult<Atom> {
    READ_AHEAD.store(read_ahead(size).ok_or(rustler::Error::BadArg)?, Relaxed);
    Ok(atoms::ok())
}

/// `default`, or a size in bytes; 0 turns reading ahead off.
pub(super) fn read_ahead(term: Term<'_>) -> Option<usize> {
    size(term, READ_AHEAD.load(Relaxed)).or_else(|| term.decode().ok().filter(|size| *size == 0))
}

/// `default`, or a size in bytes.
fn size(term: Term<'_>, default: usize) -> Option<usize> {
    match term.decode::<Atom>() {
        Ok(name) => (name == atoms::default()).then_some(default),
        Err(_) => term.decode::<usize>().ok().filter(|size| *size > 0 && isize::try_from(*size).is_ok()),
    }
}

pub(super) fn get<'a>(env: Env<'a>, resource: &Handle, own: Own) -> NifResult<Term<'a>> {
    if own == Own::AssocId && resource.socket.kind.protocol != sctp::LEVEL {
        let option = (atoms::otp(), atoms::assoc_id());
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    }
    // A closed socket is in no registry, so `use_registry` has a value for it too.
    let fd = match fd(env, resource) {
        Err(failure) if own != Own::UseRegistry => return fail::failure(env, failure),
        fd => fd.unwrap_or(-1),
    };
    if own == Own::Fd && !resource.socket.share() {
        return Ok(atoms::yield_().encode(env));
    }
    match value(env, resource, own, fd) {
        Some(value) => Ok((atoms::ok(), value).encode(env)),
        None => fail::failure(env, Failure::Closed),
    }
}

fn value<'a>(env: Env<'a>, resource: &Handle, own: Own, fd: i32) -> Option<Term<'a>> {
    let settings = &resource.socket.settings;
    let domain = resource.socket.kind.domain;
    Some(match own {
        Own::AssocId => {
            let (status, wakes) = resource.socket.option(sctp::LEVEL, sctp::STATUS, sctp::STATUS_SIZE);
            notify::deliver(env, Place::Call, wakes);
            i32::from_ne_bytes(*status.ok()?.first_chunk()?).encode(env)
        }
        Own::ControllingProcess => resource.owner()?.encode(env),
        Own::Debug => settings.debug.load(Relaxed).encode(env),
        Own::Domain => atoms::domains().atom(domain).map_or_else(|| domain.encode(env), |name| name.encode(env)),
        Own::Fd => fd.encode(env),
        Own::Iow => settings.iow.load(Relaxed).encode(env),
        Own::Meta => meta(env, resource),
        Own::Rcvbuf => buffer_size(env, *settings.rcvbuf.lock()),
        Own::Rcvctrlbuf => settings.rcvctrlbuf.load(Relaxed).encode(env),
        Own::ReadAhead => settings.read_ahead.load(Relaxed).encode(env),
        Own::SelectRead => settings.select_read.load(Relaxed).encode(env),
        Own::Sndctrlbuf => settings.sndctrlbuf.load(Relaxed).encode(env),
        Own::UseRegistry => resource.registered().encode(env),
    })
}

fn buffer_size(env: Env<'_>, rcvbuf: Rcvbuf) -> Term<'_> {
    match rcvbuf {
        Rcvbuf { size: None, .. } => atoms::auto().encode(env),
        Rcvbuf { count: Some(count), size: Some(size) } => (count, size).encode(env),
        Rcvbuf { count: None, size: Some(size) } => size.encode(env),
    }
}

fn meta<'a>(env: Env<'a>, resource: &Handle) -> Term<'a> {
    match &*resource.meta.lock() {
        Some((own, saved)) => own.run(|inner| saved.load(inner).in_env(env)),
        None => atoms::undefined().encode(env),
    }
}

/// The number of an open socket's descriptor.
fn fd(env: Env<'_>, resource: &Handle) -> Result<i32, Failure> {
    let (fd, wakes) = resource.socket.fd();
    notify::deliver(env, Place::Call, wakes);
    fd
}
