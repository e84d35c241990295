//! close: on a dirty scheduler where close(2) may block.

use super::handle;
use crate::handle::{Handle, Owned};
use crate::{atoms, caller, fail};
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// `close(Socket)`: `linger` where the close may block, and is left to `close_linger/1`.
#[rustler::nif]
fn close<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    if handle(socket)?.socket.lingers() {
        return Ok(atoms::linger().encode(env));
    }
    shut(env, socket)
}

/// `close_linger(Socket)`: on a dirty scheduler, because close(2) blocks for as long as SO_LINGER says.
#[rustler::nif(schedule = "DirtyIo")]
fn close_linger<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    shut(env, socket)
}

fn shut<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle: ResourceArc<Handle> = socket.decode()?;
    let Some(descriptor) = handle.close(env, caller::tell) else {
        return Ok(fail::error(env, atoms::closed()));
    };
    handle.disown(env);
    Ok(match descriptor.close() {
        Ok(()) => atoms::ok().encode(env),
        Err(errno) => fail::posix(env, errno),
    })
}
