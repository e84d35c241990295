//! setopt_native, getopt_native: options by number, values as bytes.

use super::finish;
use crate::process::Handle;
use crate::term::{address, control, list};
use crate::{atoms, buffer, fail};
use esock::table::option::Keeper;
use rustler::{Atom, Encoder, Env, NifResult, ResourceArc, Term};

/// The most bytes of an I/O list as a value, and of a value to read: no option of the system needs as many.
const MOST: usize = 1 << 20;

/// Options whose value has addresses that the kernel writes to, when it is set or later: TCP_ZEROCOPY_RECEIVE, and
/// XDP_UMEM_REG of SOL_XDP. Bytes of a caller must not say where the kernel writes.
const WRITES_ELSEWHERE: [(i32, i32); 2] = [(6, 35), (283, 4)];

/// `setopt_native(Socket, {Level, Option}, Value)`
#[rustler::nif]
fn setopt_native<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, value: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some((level, number)) = numbers(option) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    if !resource.socket.may_set(level, number) {
        return Ok(atoms::yield_().encode(env));
    }
    // A binary is not copied here: the system says how long it may be.
    let size = if value.is_binary() { usize::MAX } else { MOST };
    match control::native(value, size, &mut list::CELLS.clone()) {
        Some(bytes) => finish(env, resource.socket.set_option(level, number, &bytes), |()| atoms::ok().encode(env)),
        None => Ok(fail::invalid(env, atoms::value())),
    }
}

/// `getopt_native(Socket, {Level, Option}, integer | boolean | Size | Binary)`
#[rustler::nif]
fn getopt_native<'a>(env: Env<'a>, socket: Term<'a>, option: Term<'a>, spec: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Some((level, number)) = numbers(option) else {
        return Ok(fail::invalid(env, (atoms::socket_option(), option)));
    };
    let name = spec.decode::<Atom>().ok();
    let room = match (name, address::binary(spec, MOST), spec.decode::<u64>()) {
        (Some(name), _, _) if name == atoms::integer() || name == atoms::boolean() => vec![0; 4],
        (None, Some(bytes), _) => bytes,
        (None, None, Ok(size)) if size <= MOST as u64 => vec![0; size as usize],
        _ if spec.decode::<i64>().is_ok_and(|size| size < 0) => return Ok(fail::error(env, atoms::einval())),
        _ => return Ok(fail::invalid(env, (atoms::value_spec(), spec))),
    };
    finish(env, resource.socket.option_into(level, number, room), |bytes| {
        answer(env, name, &bytes).unwrap_or_else(|| fail::invalid(env, (atoms::value_spec(), spec)))
    })
}

/// The value as an integer or a boolean, if the caller asked for one; otherwise as bytes.
fn answer<'a>(env: Env<'a>, form: Option<Atom>, bytes: &[u8]) -> Option<Term<'a>> {
    let int = || bytes.first_chunk().map(|word| i32::from_ne_bytes(*word));
    Some(match form {
        Some(name) if name == atoms::boolean() => (atoms::ok(), int()? != 0).encode(env),
        Some(_) => (atoms::ok(), int()?).encode(env),
        None => match buffer::copy(env, bytes) {
            Some(binary) => (atoms::ok(), binary).encode(env),
            None => fail::error(env, atoms::enomem()),
        },
    })
}

/// Level and option as numbers, given as numbers or by name. `None` for an option that cannot be used by number.
fn numbers(option: Term<'_>) -> Option<(i32, i32)> {
    let (level, opt): (Term<'_>, Term<'_>) = option.decode().ok()?;
    if let (Ok(level), Ok(opt)) = (level.decode(), opt.decode()) {
        return match atoms::row(level, opt)?.keeper {
            Keeper::System(level, number) => Some((level, number)),
            Keeper::Library(_) | Keeper::Unsupported => None,
        };
    }
    let level = match level.decode::<Atom>() {
        Ok(name) => atoms::level_number(name)?,
        Err(_) => level.decode().ok()?,
    };
    Some((level, opt.decode().ok()?)).filter(|numbers| !WRITES_ELSEWHERE.contains(numbers))
}
