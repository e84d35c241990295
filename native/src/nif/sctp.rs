//! Functions of SCTP beside options, RFC 6458 section 9: addresses of an association, connecting to several, peeling
//! off.

use super::finish;
use crate::process::{Handle, Place, handle, notify};
use crate::term::{list, sockaddr};
use crate::{atoms, fail};
use esock::wire::sctp;
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// `bindx(Socket, Addresses, Add)`
#[rustler::nif]
fn bindx<'a>(env: Env<'a>, socket: Term<'a>, addresses: Term<'a>, add: bool) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    match packed(env, addresses)? {
        Ok(bytes) => {
            let option = if add { sctp::BINDX_ADD } else { sctp::BINDX_REM };
            finish(env, resource.socket.set_option(sctp::LEVEL, option, &bytes), |()| atoms::ok().encode(env))
        }
        Err(error) => Ok(error),
    }
}

/// `connectx(Socket, Addresses)`: `{ok, AssocId}`
#[rustler::nif]
fn connectx<'a>(env: Env<'a>, socket: Term<'a>, addresses: Term<'a>) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    match packed(env, addresses)? {
        Ok(bytes) => finish(env, resource.socket.sctp_connect(&bytes), |id| (atoms::ok(), id).encode(env)),
        Err(error) => Ok(error),
    }
}

/// `names(Socket, AssocId, Own)`: the local (`Own`) or the remote addresses of an association.
#[rustler::nif]
fn names<'a>(env: Env<'a>, socket: Term<'a>, id: Term<'a>, own: bool) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let Ok(id) = id.decode::<i32>() else {
        return fail::integer_range(env, id);
    };
    let option = if own { sctp::LOCAL_ADDRS } else { sctp::PEER_ADDRS };
    finish(env, resource.socket.sctp_addresses(option, id), |addresses| {
        let terms: Option<Vec<_>> = addresses.iter().map(|one| sockaddr::encode(env, one, sctp::LEVEL)).collect();
        terms.map_or_else(|| fail::error(env, atoms::enomem()), |terms| (atoms::ok(), terms).encode(env))
    })
}

/// `peeloff(Socket, AssocId)`: a socket for one association, owned by the caller.
#[rustler::nif]
fn peeloff<'a>(env: Env<'a>, socket: Term<'a>, id: i32) -> NifResult<Term<'a>> {
    let resource: ResourceArc<Handle> = socket.decode()?;
    let (result, wakes) = resource.socket.sctp_peeloff(id);
    notify::deliver(env, Place::Call, wakes);
    match result {
        Ok(socket) => {
            let handle = Handle::open(env, (Place::Call, env.pid()), socket, resource.registered());
            Ok((atoms::ok(), handle::socket_term(env, &handle)).encode(env))
        }
        Err(failure) => fail::failure(env, failure),
    }
}

/// The most addresses: more than an association has.
const ADDRESSES: usize = 256;

/// The addresses one after another, each with its own length.
fn packed<'a>(env: Env<'a>, addresses: Term<'a>) -> NifResult<Result<Vec<u8>, Term<'a>>> {
    let mut bytes = Vec::new();
    for term in list::elements(addresses, ADDRESSES)? {
        match sockaddr::decode(env, term)? {
            Ok(raw) => bytes.extend_from_slice(raw.as_bytes()),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(bytes))
}
