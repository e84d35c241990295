//! close: on a dirty scheduler where close(2) may block.

use crate::charge::charge;
use crate::process::{Handle, Place};
use crate::{atoms, fail};
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// What a close takes, in microseconds.
const CLOSE: u32 = 8;

/// `close(Socket)`. Everybody is told; `linger`: the descriptor's own close may block, and is left to `close_linger/1`.
#[rustler::nif]
fn close<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle: ResourceArc<Handle> = socket.decode()?;
    let Some(descriptor) = handle.close(env, Place::Call) else {
        return Ok(fail::error(env, atoms::closed()));
    };
    Handle::disown(&handle, env);
    charge(env, CLOSE);
    if !descriptor.slow() && descriptor.held() {
        // It is closed even if the caller does not live to wait for it.
        *handle.closing.lock() = Some(descriptor.close_when_released());
        return Ok(atoms::linger().encode(env));
    }
    if descriptor.slow() {
        Handle::linger(&handle, env, descriptor);
        return Ok(atoms::linger().encode(env));
    }
    Ok(closed(env, descriptor.close()))
}

/// `close_linger(Socket)`, after `close/1` has answered `linger`: on a dirty scheduler, because close(2) blocks for as long as
/// SO_LINGER says, takes long for a listener with many connections in its backlog, and waits until a ring that receives has let go.
/// It tells nobody: a process that is killed meanwhile can send nothing any more.
#[rustler::nif(schedule = "DirtyIo")]
fn close_linger<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle: ResourceArc<Handle> = socket.decode()?;
    let closing = handle.closing.lock().take();
    let descriptor = Handle::take_lingering(&handle, env);
    Ok(match (closing, descriptor) {
        // Without an answer the ring has ended, and the program is about to.
        (Some(told), _) => closed(env, told.recv().unwrap_or(Ok(()))),
        (None, Some(descriptor)) => closed(env, descriptor.close()),
        (None, None) => fail::error(env, atoms::closed()),
    })
}

fn closed(env: Env<'_>, closed: esock::sys::Result<()>) -> Term<'_> {
    match closed {
        Ok(()) => atoms::ok().encode(env),
        Err(errno) => fail::posix(env, errno),
    }
}
