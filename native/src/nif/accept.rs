//! accept: a connection becomes a socket of the caller.

use super::{Wait, run};
use crate::handle::{self, Handle};
use crate::{atoms, fail};
use esock::op::accept::Accept;
use rustler::{Encoder, Env, NifResult, Term};

/// `accept(Socket, Handle, How)`: the new socket is the caller's, and has the listening one's settings.
#[rustler::nif]
fn accept<'a>(env: Env<'a>, socket: Term<'a>, handle: Term<'a>, how: Term<'a>) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    let listener = super::handle(socket)?;
    let tag = || atoms::accept().encode(env);
    run(env, socket, &wait, &mut Accept, tag, |_, fd, _| {
        Some(match listener.socket.accepted(fd) {
            Ok(socket) => {
                let handle = Handle::open(env, socket, listener.registered());
                (atoms::ok(), handle::socket(env, &handle)).encode(env)
            }
            Err(errno) => fail::posix(env, errno),
        })
    })
}
