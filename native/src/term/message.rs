//! Messages to send, `socket:msg_send()`, and I/O vectors.

use super::{address, control};
use crate::handle::Handle;
use crate::{atoms, fail};
use esock::addr::Raw;
use esock::socket::Kind;
use esock::sys::io::Message;
use rustler::{Binary, Encoder, Env, NifResult, Term};
use std::io::IoSlice;
use std::num::NonZeroU16;
use std::sync::atomic::Ordering::Relaxed;

/// The binaries of an I/O vector; or the answer for what is none, `{error, {invalid, {iov, Why}}}`.
pub(crate) fn binaries<'a>(env: Env<'a>, iov: Term<'a>) -> Result<Vec<Binary<'a>>, Term<'a>> {
    let (mut binaries, mut rest) = (Vec::new(), iov);
    while let Ok((head, tail)) = rest.list_get_cell() {
        match head.decode() {
            Ok(binary) => binaries.push(binary),
            Err(_) => {
                let why = (atoms::element_not_binary(), binaries.len() + 1);
                return Err(fail::invalid(env, (atoms::iov(), why)));
            }
        }
        rest = tail;
    }
    let count = binaries.len();
    if rest.is_empty_list() {
        Ok(binaries)
    } else {
        Err(fail::invalid(env, (atoms::iov(), (atoms::improper_list(), count))))
    }
}

/// The parts for the system.
pub(crate) fn slices<'b>(binaries: &'b [Binary<'_>]) -> Vec<IoSlice<'b>> {
    binaries.iter().map(|binary| IoSlice::new(binary.as_slice())).collect()
}

/// What goes with the data of a message.
pub(crate) struct Envelope {
    to: Option<Raw>,
    ctrl: Vec<u8>,
    gso: Option<NonZeroU16>,
}

impl Envelope {
    /// The message, with its data.
    pub(crate) fn with<'b>(self, binaries: &'b [Binary<'_>]) -> Message<'b> {
        Message { iov: slices(binaries), to: self.to, ctrl: self.ctrl, gso: self.gso }
    }
}

/// A message for a socket in parts; or the answer for what is none. Its control messages take no more room than the socket's
/// setting allows.
#[allow(clippy::type_complexity)]
pub(crate) fn decode<'a>(
    env: Env<'a>,
    msg: Term<'a>,
    socket: &Handle,
) -> NifResult<Result<(Vec<Binary<'a>>, Envelope), Term<'a>>> {
    let binaries = match binaries(env, msg.map_get(atoms::iov())?) {
        Ok(binaries) => binaries,
        Err(error) => return Ok(Err(error)),
    };
    let to = match msg.map_get(atoms::addr()) {
        Ok(addr) => match address::decode(env, addr)? {
            Ok(to) => Some(to),
            Err(error) => return Ok(Err(error)),
        },
        Err(_) => None,
    };
    let (ctrl, _) = match ctrl(env, msg, socket.socket.settings.sndctrlbuf.load(Relaxed))? {
        Ok(ctrl) => ctrl,
        Err(error) => return Ok(Err(error)),
    };
    Ok(gso(env, msg, socket.socket.kind).map(|gso| (binaries, Envelope { to, ctrl, gso })))
}

/// The control messages, in no more than `room` bytes, and what they cost.
fn ctrl<'a>(env: Env<'a>, msg: Term<'a>, room: usize) -> NifResult<Result<(Vec<u8>, usize), Term<'a>>> {
    let Ok(ctrl) = msg.map_get(atoms::ctrl()) else {
        return Ok(Ok((Vec::new(), 0)));
    };
    Ok(match control::decode(env, ctrl, room) {
        Ok(ctrl) => Ok(ctrl),
        Err(control::Wrong::Level(name)) => Err(fail::invalid(env, (atoms::protocol(), name))),
        Err(control::Wrong::Message) => {
            let only = Term::map_from_pairs(env, &[(atoms::ctrl(), ctrl)])?;
            Err(fail::invalid(env, (atoms::msg(), atoms::ctrl(), only)))
        }
    })
}

/// The size of the datagrams that the data goes as. Other sockets than UDP's would take no notice of it, and send something
/// else than was asked for.
fn gso<'a>(env: Env<'a>, msg: Term<'a>, kind: Kind) -> Result<Option<NonZeroU16>, Term<'a>> {
    let Ok(size) = msg.map_get(atoms::gso()) else {
        return Ok(None);
    };
    let known = size.decode().ok().and_then(NonZeroU16::new).filter(|_| kind.udp());
    known.map(Some).ok_or_else(|| fail::invalid(env, (atoms::gso(), size)))
}

/// `ok`, `{ok, Rest}` of a message that was cut, or the rest of a stream's data that is still to be sent.
pub(crate) fn sent<'a>(env: Env<'a>, binaries: &[Binary<'a>], put: usize, all: bool) -> Option<Term<'a>> {
    let rest = rest(env, binaries, put);
    Some(match (all, rest.is_empty()) {
        (true, true) => atoms::ok().encode(env),
        (true, false) => (atoms::ok(), rest).encode(env),
        (false, _) => rest.encode(env),
    })
}

/// What is left of an I/O vector when so many bytes of it have gone.
fn rest<'a>(env: Env<'a>, binaries: &[Binary<'a>], mut put: usize) -> Vec<Term<'a>> {
    let mut rest = Vec::new();
    for binary in binaries {
        if put >= binary.len() {
            put -= binary.len();
        } else {
            let part = binary.make_subbinary(put, binary.len() - put);
            rest.push(part.map_or_else(|_| binary.encode(env), |part| part.encode(env)));
            put = 0;
        }
    }
    rest
}
