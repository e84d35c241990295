//! pack, unpack: addresses as the bytes of a `struct sockaddr`.

use crate::term::sockaddr;
use crate::{atoms, buffer, fail};
use esock::wire::addr::{Address, Raw, STORAGE};
use rustler::{Binary, Encoder, Env, Error, NifResult, Term};

/// `pack(Address)`
#[rustler::nif]
fn pack<'a>(env: Env<'a>, address: Term<'a>) -> NifResult<Term<'a>> {
    Ok(match sockaddr::decode(env, address)? {
        Ok(raw) => match buffer::copy(env, raw.as_bytes()) {
            Some(bytes) => (atoms::ok(), bytes).encode(env),
            None => fail::error(env, atoms::enomem()),
        },
        Err(error) => error,
    })
}

/// `unpack(Bytes, Protocol)`
#[rustler::nif]
fn unpack<'a>(env: Env<'a>, bytes: Binary<'a>, protocol: i32) -> NifResult<Term<'a>> {
    if bytes.len() > STORAGE {
        return Err(Error::BadArg);
    }
    let address = Address::from_raw(&Raw::new(&bytes).ok_or(Error::BadArg)?);
    Ok(sockaddr::encode(env, &address, protocol).unwrap_or_else(|| fail::error(env, atoms::enomem())))
}
