//! connect, and its result.

use super::run;
use crate::process::{Args, Handle, Job, Place, Wait, notify};
use crate::term::sockaddr;
use crate::{atoms, fail};
use esock::op::connect::Connect;
use esock::socket::answer::Answer;
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
    Wait::decode(env, handle, how)?.call(env, &socket, &CONNECT, [addr; 3])
}

const CONNECT: Job =
    Job { name: atoms::connect, call: connect_to, remaining: None, reads_file: false, receives_descriptors: false };

fn connect_to<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [addr, ..]: Args<'a>,
) -> NifResult<Term<'a>> {
    let to = match sockaddr::decode(env, addr)? {
        Ok(to) => to,
        Err(error) => return Ok(error),
    };
    // Bytes that a ring still holds of the connection that ends here must not be delivered with those of the next.
    if to.disconnects() && !socket.socket.may_disconnect() {
        return Ok(atoms::yield_().encode(env));
    }
    let tag = || atoms::connect().encode(env);
    run(env, socket, wait, &mut Connect { to }, tag, |_, (), _| Some(atoms::ok().encode(env)))
}

/// `connect(Socket)`: the result of a connect that answered `select`. Raises `{invalid, state}` if there is none.
#[rustler::nif(name = "connect")]
fn connect_finish<'a>(env: Env<'a>, socket: ResourceArc<Handle>) -> NifResult<Term<'a>> {
    let again = Wait::decode(env, env.make_ref().encode(env), atoms::nowait().encode(env))?;
    let (answer, wakes) = socket.socket.finish_connect(env.pid(), again.waiter(env, &socket));
    notify::deliver(env, Place::Call, wakes);
    match answer {
        Answer::Done(()) | Answer::Again(()) => Ok(atoms::ok().encode(env)),
        Answer::Failed(failure) => fail::failure(env, failure),
        Answer::Partial(())
        | Answer::Unfinished(())
        | Answer::Cut((), _)
        | Answer::Waiting
        | Answer::Blocked
        | Answer::Yield => Ok(fail::error(env, atoms::already())),
    }
}
