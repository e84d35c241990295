//! close: on a dirty scheduler where close(2) may block.

use super::handle;
use crate::caller::Place;
use crate::handle::{Handle, Owned};
use crate::{atoms, fail};
use esock::descriptor::Descriptor;
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// `close(Socket)`. Everybody is told; `linger`: the descriptor's own close may block, and is left to `close_linger/1`.
#[rustler::nif]
fn close<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle: ResourceArc<Handle> = socket.decode()?;
    let Some(descriptor) = handle.close(env, Place::Call) else {
        return Ok(fail::error(env, atoms::closed()));
    };
    handle.disown(env);
    if handle.socket.lingers() || descriptor.held() {
        *handle.lingering.lock() = Some(descriptor);
        return Ok(atoms::linger().encode(env));
    }
    Ok(closed(env, descriptor))
}

/// `close_linger(Socket)`, after `close/1` has answered `linger`: on a dirty scheduler, because close(2) blocks for as
/// long as SO_LINGER says, and until a ring that receives has let go. It tells nobody: a process that is killed meanwhile can send nothing any more.
#[rustler::nif(schedule = "DirtyIo")]
fn close_linger<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let descriptor = handle(socket)?.lingering.lock().take();
    Ok(descriptor.map_or_else(|| fail::error(env, atoms::closed()), |descriptor| closed(env, descriptor)))
}

fn closed(env: Env<'_>, descriptor: Descriptor) -> Term<'_> {
    match descriptor.close() {
        Ok(()) => atoms::ok().encode(env),
        Err(errno) => fail::posix(env, errno),
    }
}
