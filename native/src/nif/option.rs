//! setopt, getopt

use super::{finish, handle};
use crate::handle::{Handle, Owned};
use crate::term::option;
use crate::{atoms, caller, fail};
use esock::option::table::{Access, Keeper, Own, Row};
use esock::socket::{Failure, Rcvbuf};
use rustler::env::OwnedEnv;
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// `setopt(Socket, {Level, Option}, Value)`
#[rustler::nif]
fn setopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some(row) = row(option).filter(|row| row.access == Access::RW) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    match row.keeper {
        Keeper::System(level, number) => match option::decode(row.codec, value) {
            Some(value) => {
                let result = resource.socket.set_option(level, number, &value.to_bytes());
                finish(env, result, |()| atoms::ok().encode(env))
            }
            None => Ok(bad_value(env, option, value)),
        },
        Keeper::Library(own) => set_own(env, &resource, own, value, || bad_value(env, option, value)),
    }
}

/// `getopt(Socket, {Level, Option})`
#[rustler::nif]
fn getopt<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some(row) = row(option) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    match row.keeper {
        Keeper::System(level, number) => {
            let result = resource.socket.option(level, number, row.codec.size());
            finish(env, result, |bytes| match row.codec.read(&bytes) {
                Some(value) => (atoms::ok(), option::encode(env, row.codec, &value, resource.socket.kind)).encode(env),
                None => fail::invalid(env, (atoms::socket_option(), option)),
            })
        }
        Keeper::Library(own) => get_own(env, &resource, own),
    }
}

fn row(option: Term<'_>) -> Option<&'static Row> {
    let (level, name): (Atom, Atom) = option.decode().ok()?;
    atoms::row(level, name)
}

fn bad_value<'a>(env: Env<'a>, option: Term<'a>, value: Term<'a>) -> Term<'a> {
    fail::invalid(env, (atoms::socket_option(), option, value))
}

/// Whether the socket is open; if not, the answer.
fn open<'a>(env: Env<'a>, resource: &Handle) -> NifResult<Option<Term<'a>>> {
    let (fd, wakes) = resource.socket.fd();
    caller::tell(env, wakes);
    fd.err().map(|failure| fail::failure(env, failure)).transpose()
}

fn set_own<'a>(
    env: Env<'a>,
    resource: &ResourceArc<Handle>,
    own: Own,
    value: Term<'a>,
    bad: impl Fn() -> Term<'a>,
) -> NifResult<Term<'a>> {
    if let Some(closed) = open(env, resource)? {
        return Ok(closed);
    }
    let ok = atoms::ok().encode(env);
    let settings = &resource.socket.settings;
    let flag = |flag: &AtomicBool| value.decode().map_or_else(|_| bad(), |on| set(ok, flag, on));
    let owned = || resource.owned_by(env.pid());
    let not_owner = || fail::invalid(env, atoms::not_owner());
    Ok(match own {
        Own::Debug => flag(&settings.debug),
        Own::Iow => flag(&settings.iow),
        Own::ControllingProcess | Own::Meta if !owned() => not_owner(),
        Own::ControllingProcess => match value.decode() {
            Ok(pid) => {
                resource.own(env, pid);
                ok
            }
            Err(_) => bad(),
        },
        Own::Meta => {
            let own = OwnedEnv::new();
            let saved = own.save(value);
            *resource.meta.lock() = Some((own, saved));
            ok
        }
        Own::Rcvbuf => match rcvbuf(value) {
            Some(rcvbuf) => {
                *settings.rcvbuf.lock() = rcvbuf;
                ok
            }
            None => bad(),
        },
        // It can only be turned on: whoever monitors the socket relies on it.
        Own::UseRegistry if value.decode().is_ok_and(|on: bool| on) => {
            resource.register(env);
            ok
        }
        Own::UseRegistry => bad(),
        Own::Domain | Own::Fd => bad(),
    })
}

fn set<'a>(ok: Term<'a>, flag: &AtomicBool, on: bool) -> Term<'a> {
    flag.store(on, Relaxed);
    ok
}

/// `default`, a size, or `{Count, Size}`.
fn rcvbuf(value: Term<'_>) -> Option<Rcvbuf> {
    let size = |term: Term<'_>| match term.decode::<Atom>() {
        Ok(name) => (name == atoms::default()).then_some(Rcvbuf::default().size),
        Err(_) => term.decode::<usize>().ok().filter(|size| *size > 0 && isize::try_from(*size).is_ok()),
    };
    match value.decode::<(u32, Term<'_>)>() {
        Ok((0, _)) => None,
        Ok((count, each)) => Some(Rcvbuf { count: Some(count), size: size(each)? }),
        Err(_) => Some(Rcvbuf { count: None, size: size(value)? }),
    }
}

fn get_own<'a>(env: Env<'a>, resource: &Handle, own: Own) -> NifResult<Term<'a>> {
    let registered = resource.registered().encode(env);
    let (fd, wakes) = resource.socket.fd();
    caller::tell(env, wakes);
    let fd = match (fd, own) {
        (_, Own::UseRegistry) => return Ok((atoms::ok(), registered).encode(env)),
        (Ok(fd), _) => fd,
        (Err(failure), _) => return fail::failure(env, failure),
    };
    let settings = &resource.socket.settings;
    let value = match own {
        Own::ControllingProcess => match resource.owner() {
            Some(pid) => pid.encode(env),
            None => return fail::failure(env, Failure::Closed),
        },
        Own::Debug => settings.debug.load(Relaxed).encode(env),
        Own::Iow => settings.iow.load(Relaxed).encode(env),
        Own::Fd => fd.encode(env),
        Own::Domain => match atoms::domains().atom(resource.socket.kind.domain) {
            Some(name) => name.encode(env),
            None => resource.socket.kind.domain.encode(env),
        },
        Own::Meta => meta(env, resource),
        Own::Rcvbuf => match *settings.rcvbuf.lock() {
            Rcvbuf { count: Some(count), size } => (count, size).encode(env),
            Rcvbuf { count: None, size } => size.encode(env),
        },
        Own::UseRegistry => registered,
    };
    Ok((atoms::ok(), value).encode(env))
}

fn meta<'a>(env: Env<'a>, resource: &Handle) -> Term<'a> {
    match &*resource.meta.lock() {
        Some((own, saved)) => own.run(|inner| saved.load(inner).in_env(env)),
        None => atoms::undefined().encode(env),
    }
}

/// `domain(Socket)`, of an open socket.
#[rustler::nif]
fn domain<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    get_own(env, handle(socket)?, Own::Domain)
}
