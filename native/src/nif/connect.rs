//! connect, and how it has ended.

use super::{Wait, run};
use crate::handle::Handle;
use crate::term::address;
use crate::{atoms, caller, fail};
use esock::op::connect::Connect;
use esock::readiness::Answer;
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// `connect(Socket, Address, Handle, How)`
#[rustler::nif]
fn connect<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    addr: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(handle, how)?;
    let to = match address::decode(env, addr)? {
        Ok(to) => to,
        Err(error) => return Ok(error),
    };
    let tag = || atoms::connect().encode(env);
    run(env, &socket, &wait, &mut Connect { to }, tag, |_, (), _| Some(atoms::ok().encode(env)))
}

/// `connect(Socket)`: the end of a connect that answered `select`. Raises `{invalid, state}` where there is none.
#[rustler::nif(name = "connect")]
fn connect_finish<'a>(env: Env<'a>, socket: ResourceArc<Handle>) -> NifResult<Term<'a>> {
    let again = Wait::decode(env.make_ref().encode(env), atoms::nowait().encode(env))?;
    let (answer, wakes) = socket.socket.finish_connect(env.pid(), again.waiter(env, &socket));
    caller::tell(env, wakes);
    match answer {
        Answer::Done(()) | Answer::Again(()) => Ok(atoms::ok().encode(env)),
        Answer::Failed(failure) => fail::failure(env, failure),
        Answer::Partial(()) | Answer::Waiting | Answer::Blocked | Answer::Yield => {
            Ok(fail::error(env, atoms::already()))
        }
    }
}
