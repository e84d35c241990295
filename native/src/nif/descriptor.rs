//! Descriptors: pairs and duplicates of sockets, giving a descriptor up, and flags and close by number.

use super::{finish, handle, open};
use crate::process::{Handle, Place, Waiter, handle, open as process_open};
use crate::{atoms, fail};
use esock::socket::leave::Kept;
use esock::socket::{Socket, numbers};
use esock::sys::descriptor;
use rustler::{Encoder, Env, Error, NifResult, ResourceArc, Term};
use std::sync::Arc;

/// `socketpair(Domain, Type, Protocol, Options)`: `{ok, {Socket, Socket}}`
#[rustler::nif]
fn socketpair<'a>(
    env: Env<'a>,
    domain: Term<'a>,
    kind: Term<'a>,
    protocol: Term<'a>,
    options: Term<'a>,
) -> NifResult<Term<'a>> {
    let [domain, kind, protocol] = match open::numbers(env, [domain, kind, protocol])? {
        Ok(numbers) => numbers,
        Err(error) => return Ok(error),
    };
    if !options.is_map() {
        return Err(Error::BadArg);
    }
    Ok(match open::attempt(env, options, |backend| Socket::pair(domain, kind, protocol, backend)) {
        Ok(pair) => {
            let [one, other] = pair.map(|socket| {
                let registered = open::settle(env, options, &socket);
                mine(env, socket, registered)
            });
            (process_open::ok_or_signals(2), (one, other)).encode(env)
        }
        Err(error) => error,
    })
}

/// The term of a new socket that belongs to the caller.
fn mine<'a>(env: Env<'a>, socket: Arc<Socket<Waiter>>, registered: bool) -> Term<'a> {
    handle::socket_term(env, &Handle::open(env, (Place::Call, env.pid()), socket, registered))
}

/// `dup(Socket)`: `{ok, Socket}`, or `yield` if a ring has not released the stream yet.
#[rustler::nif]
fn dup<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let resource = handle(socket)?;
    if !resource.socket.share() {
        return Ok(atoms::yield_().encode(env));
    }
    finish(env, resource.socket.duplicate(), |socket| {
        (process_open::ok_or_signals(1), mine(env, socket, resource.registered())).encode(env)
    })
}

/// `detach(Socket, Nonblock)`: ends the socket and answers `{ok, Number}`, the number of its descriptor, which stays open;
/// `yield` if a ring has not released the stream yet; or why the socket stays as it is.
#[rustler::nif]
fn detach<'a>(env: Env<'a>, socket: Term<'a>, nonblock: bool) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let descriptor = match resource.detach(env, Place::Call) {
        Ok(descriptor) => descriptor,
        Err(Kept::ByRing) => return Ok(atoms::yield_().encode(env)),
        Err(Kept::Closed) => return Ok(fail::error(env, atoms::closed())),
        Err(Kept::Unread(bytes)) => return Ok(fail::error(env, (atoms::read_ahead(), bytes))),
        Err(Kept::Failed(errno)) => return Ok(fail::posix(env, errno)),
    };
    Handle::disown(&resource, env);
    let Some(number) = descriptor.release() else {
        return Ok(fail::error(env, atoms::closed()));
    };
    if !nonblock {
        // This fails only for a number that is no descriptor.
        let _ = descriptor::set_nonblocking(number, false);
    }
    Ok((atoms::ok(), number).encode(env))
}

/// `close_fd(FD)`: closes a descriptor that no socket has. It runs on a dirty scheduler because close(2) may block.
#[rustler::nif(schedule = "DirtyIo")]
fn close_fd<'a>(env: Env<'a>, fd: Term<'a>) -> NifResult<Term<'a>> {
    let Ok(number) = fd.decode::<i32>() else {
        return fail::integer_range(env, fd);
    };
    Ok(match numbers::close(number) {
        Some(Ok(())) => atoms::ok().encode(env),
        Some(Err(errno)) => fail::posix(env, errno),
        None => fail::invalid(env, (atoms::fd(), number)),
    })
}

/// `fd(Socket)`: the number of an open socket's descriptor, for texts. The socket is used as before, unlike after
/// `getopt(Socket, {otp, fd})`.
#[rustler::nif]
fn fd<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    finish(env, handle(socket)?.socket.fd(), |number| (atoms::ok(), number).encode(env))
}

/// `inheritable(Socket | FD)`: `{ok, boolean()}`
#[rustler::nif]
fn inheritable<'a>(env: Env<'a>, of: Term<'a>) -> NifResult<Term<'a>> {
    match of.decode::<&Handle>() {
        Ok(handle) => finish(env, handle.socket.inheritable(), |on| (atoms::ok(), on).encode(env)),
        Err(_) => by_number(env, of, |number| descriptor::inheritable(number).map(|on| (atoms::ok(), on).encode(env))),
    }
}

/// `set_inheritable(Socket | FD, On)`
#[rustler::nif]
fn set_inheritable<'a>(env: Env<'a>, of: Term<'a>, on: bool) -> NifResult<Term<'a>> {
    let ok = |()| atoms::ok().encode(env);
    match of.decode::<&Handle>() {
        Ok(handle) => finish(env, handle.socket.set_inheritable(on), ok),
        Err(_) => by_number(env, of, |number| descriptor::set_inheritable(number, on).map(ok)),
    }
}

/// `nonblocking(FD)`: `{ok, boolean()}`
#[rustler::nif]
fn nonblocking<'a>(env: Env<'a>, fd: Term<'a>) -> NifResult<Term<'a>> {
    by_number(env, fd, |number| descriptor::nonblocking(number).map(|on| (atoms::ok(), on).encode(env)))
}

fn by_number<'a>(
    env: Env<'a>,
    fd: Term<'a>,
    call: impl FnOnce(i32) -> esock::sys::Result<Term<'a>>,
) -> NifResult<Term<'a>> {
    match fd.decode::<i32>() {
        Ok(number) => Ok(call(number).unwrap_or_else(|errno| fail::posix(env, errno))),
        Err(_) => fail::integer_range(env, fd),
    }
}
