//! close: on a dirty scheduler if close(2) may block.

use crate::charge::charge;
use crate::process::{Handle, Place};
use crate::{atoms, fail};
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// What a close takes, in microseconds.
const CLOSE: u32 = 8;

/// `close(Socket)`: closes the socket and notifies all waiters. If close(2) may block, or a ring has to release the
/// file first, it answers `linger` and leaves the rest to `close_linger/1`.
#[rustler::nif]
fn close<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle: ResourceArc<Handle> = socket.decode()?;
    let Some(descriptor) = handle.close(env, Place::Call) else {
        return Ok(fail::error(env, atoms::closed()));
    };
    Handle::disown(&handle, env);
    charge(env, CLOSE);
    if !descriptor.slow() && descriptor.held_by_ring() {
        // The file is closed even if the caller ends before `close_linger/1`.
        *handle.closing.lock() = Some(descriptor.close_when_released());
        return Ok(atoms::linger().encode(env));
    }
    if descriptor.slow() {
        Handle::linger(&handle, env, descriptor);
        return Ok(atoms::linger().encode(env));
    }
    Ok(closed(env, descriptor.close()))
}

/// `close_linger(Socket)`, after `close/1` has answered `linger`: on a dirty scheduler, because close(2) blocks for as
/// long as SO_LINGER says, takes long for a listener with many connections in its backlog, and waits until a ring that
/// receives releases the file. It sends no message: a process that is killed meanwhile could send none.
#[rustler::nif(schedule = "DirtyIo")]
fn close_linger<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle: ResourceArc<Handle> = socket.decode()?;
    let closing = handle.closing.lock().take();
    let descriptor = Handle::take_lingering(&handle, env);
    Ok(match (closing, descriptor) {
        // If there is no result, the ring's thread has ended, and the program is about to end.
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
