//! ioctl, and what it supports.

use super::finish;
use crate::process::Handle;
use crate::term::{list, value};
use crate::{atoms, fail};
use esock::table::ioctl::{self, Form, Row};
use esock::wire::codec::Codec;
use esock::wire::ifreq;
use esock::wire::value::Value;
use rustler::types::map::MapIterator;
use rustler::{Atom, Encoder, Env, Error, NifResult, ResourceArc, Term};

/// `ioctl(Socket, Request, Arguments)`
#[rustler::nif]
fn ioctl<'a>(env: Env<'a>, socket: Term<'a>, request: Term<'a>, arguments: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let name = request.atom_to_string()?;
    let Some(row) = ioctl::TABLE.iter().find(|row| row.name == name && !matches!(row.form, Form::Unsupported)) else {
        return Ok(fail::invalid(env, (atoms::ioctl_request(), request)));
    };
    match list::elements(arguments, 2)?.as_slice() {
        [] => about_socket(env, &resource, row),
        [name] => about_interface(env, &resource, row, *name),
        [name, value] => change(env, &resource, row, *name, *value),
        _ => Err(Error::BadArg),
    }
}

fn about_socket<'a>(env: Env<'a>, resource: &Handle, row: &Row) -> NifResult<Term<'a>> {
    if row.request == ifreq::ATMARK && !resource.socket.leave_ring() {
        return Ok(atoms::yield_().encode(env));
    }
    let result = match row.form {
        Form::Get(codec) => resource.socket.ioctl_int(row.request, |int| number(codec, int)),
        Form::Space => resource.socket.ioctl_space(row.request),
        Form::Interfaces => resource.socket.interfaces(),
        _ => return Err(Error::BadArg),
    };
    finish(env, result, |value| answer(env, &value))
}

fn about_interface<'a>(env: Env<'a>, resource: &Handle, row: &Row, name: Term<'a>) -> NifResult<Term<'a>> {
    let socket = &resource.socket;
    let result = match row.form {
        Form::InterfaceName => {
            let request = ifreq::ifreq(&[], &name.decode::<i32>()?.to_ne_bytes()).ok_or(Error::BadArg)?;
            socket.ioctl_interface(row.request, request, |request| {
                Codec::Text(ifreq::NAME).read(request.get(..ifreq::NAME)?)
            })
        }
        Form::Interface(codec) => {
            let read = |request: &[u8]| codec.read(request.get(ifreq::NAME..)?);
            socket.ioctl_interface(row.request, interface(name, &[])?, read)
        }
        Form::Flags => socket.ioctl_interface(row.request, interface(name, &[])?, flags),
        _ => return Err(Error::BadArg),
    };
    finish(env, result, |value| answer(env, &value))
}

fn change<'a>(env: Env<'a>, resource: &Handle, row: &Row, name: Term<'a>, term: Term<'a>) -> NifResult<Term<'a>> {
    let result = match row.form {
        Form::SetInterface(codec) => match value::decode(env, codec, term).and_then(|value| codec.write(&value)) {
            Some(bytes) => resource.socket.set_interface(row.request, interface(name, &bytes)?),
            None => return Ok(fail::error(env, atoms::einval())),
        },
        Form::SetFlags => match changes(term) {
            Some((set, clear)) => resource.socket.set_flags(interface(name, &[])?, set, clear),
            None => return Ok(fail::invalid(env, (atoms::ioctl_flag(), term))),
        },
        _ => return Err(Error::BadArg),
    };
    finish(env, result, |()| atoms::ok().encode(env))
}

fn number(codec: Codec, int: i32) -> Value {
    if matches!(codec, Codec::Bool) { Value::Bool(int != 0) } else { Value::Int(i64::from(int)) }
}

fn answer<'a>(env: Env<'a>, value: &Value) -> Term<'a> {
    match value::encode(env, value, 0) {
        Some(term) => (atoms::ok(), term).encode(env),
        None => fail::error(env, atoms::enomem()),
    }
}

fn flags(ifreq: &[u8]) -> Option<Value> {
    let bits = ifreq.get(ifreq::NAME..)?.first_chunk()?;
    Some(ioctl::flags(i32::from(u16::from_ne_bytes(*bits))))
}

/// A request for the interface of that name.
fn interface(name: Term<'_>, behind: &[u8]) -> NifResult<[u8; ifreq::IFREQ]> {
    list::text(name, ifreq::NAME).and_then(|bytes| ifreq::ifreq(&bytes, behind)).ok_or(Error::BadArg)
}

/// The flags to set and the flags to clear, of `#{Flag => boolean()}`.
fn changes(flags: Term<'_>) -> Option<(i32, i32)> {
    let (mut set, mut clear) = (0, 0);
    // At most as many as there are flags: the first unknown one ends the loop.
    for (name, on) in MapIterator::new(flags)? {
        let name = name.atom_to_string().ok()?;
        let bit = ioctl::FLAGS.iter().find(|row| row.0 == name)?.1?;
        if on.decode().ok()? { set |= bit } else { clear |= bit }
    }
    Some((set, clear))
}

/// `ioctl_requests()`: all requests, and whether this system has them.
#[rustler::nif]
fn ioctl_requests(env: Env<'_>) -> NifResult<Vec<(Atom, bool)>> {
    let one = |row: &Row| Ok((Atom::from_bytes(env, row.name.as_bytes())?, !matches!(row.form, Form::Unsupported)));
    ioctl::TABLE.iter().map(one).collect()
}

/// `ioctl_flags()`: all flags of an interface, and whether this system has them.
#[rustler::nif]
fn ioctl_flags(env: Env<'_>) -> NifResult<Vec<(Atom, bool)>> {
    ioctl::FLAGS.iter().map(|(name, bit)| Ok((Atom::from_bytes(env, name.as_bytes())?, bit.is_some()))).collect()
}
