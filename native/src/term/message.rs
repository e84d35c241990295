//! Messages of sendmsg(2), `socket:msg_send()`, and I/O vectors.

use super::control::{self, Index};
use super::sockaddr;
use crate::{atoms, fail};
use esock::op::sendmsg::IOV_MAX;
use esock::op::{gso, send};
use esock::sys::io::Message;
use esock::sys::kind::Kind;
use esock::wire::addr::Raw;
use esock::wire::errno;
use rustler::{Binary, Encoder, Env, NifResult, Term};
use std::io::IoSlice;
use std::num::NonZeroU16;

/// An I/O vector, as far as one attempt takes it.
pub(crate) struct Iov<'a> {
    parts: Vec<Part<'a>>,
    /// The most bytes of these parts that one attempt takes.
    pub(crate) most: usize,
    /// The list behind the parts, not decoded.
    tail: Term<'a>,
}

/// A part, and the list that begins with it.
struct Part<'a> {
    bytes: Binary<'a>,
    cell: Term<'a>,
}

impl<'a> Iov<'a> {
    /// Decodes the first binaries; or the answer `{error, {invalid, {iov, Why}}}`.
    pub(crate) fn decode(env: Env<'a>, iov: Term<'a>) -> Result<Self, Term<'a>> {
        let (mut parts, mut tail) = (Vec::new(), iov);
        // At most `IOV_MAX`.
        while parts.len() < IOV_MAX
            && let Ok((head, rest)) = tail.list_get_cell()
        {
            let Ok(bytes) = head.decode() else {
                let why = (atoms::element_not_binary(), parts.len() + 1);
                return Err(fail::invalid(env, (atoms::iov(), why)));
            };
            parts.push(Part { bytes, cell: tail });
            tail = rest;
        }
        if tail.is_empty_list() || tail.is_list() {
            Ok(Self { parts, most: usize::MAX, tail })
        } else {
            Err(fail::invalid(env, (atoms::iov(), (atoms::improper_list(), parts.len()))))
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether there is more than one attempt takes.
    pub(crate) fn cut(&self) -> bool {
        self.most < self.there() || !self.tail.is_empty_list()
    }

    /// Whether a socket of that kind can send these parts without sending the beginning of a message as the whole. An
    /// attempt with `gso` sends about [`gso::BYTES`] bytes and ends before the last datagram of these parts, so it does
    /// not notice that there are more.
    pub(crate) fn fits(&self, kind: Kind, gso: bool) -> bool {
        !self.cut() || kind.stream() || gso && self.len() >= gso::BYTES + gso::DATAGRAM
    }

    fn there(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    /// How many bytes one attempt has to send.
    fn len(&self) -> usize {
        self.there().min(self.most)
    }

    /// How many microseconds the parts take: to decode them, and for the system to gather them.
    pub(crate) fn micros(&self) -> u32 {
        u32::try_from(self.parts.len() / 8).unwrap_or(u32::MAX)
    }

    /// The cost of these parts, where a cell of a control message costs one.
    pub(crate) fn cost(&self) -> usize {
        self.parts.len() + self.len() / 1024
    }

    /// The parts for the system.
    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        let (whole, left) = self.after(self.most);
        let cut = self.parts.get(whole).and_then(|part| part.bytes.get(..left)).filter(|_| left > 0);
        let parts = self.parts.iter().take(whole).map(|part| part.bytes.as_slice());
        parts.chain(cut).map(IoSlice::new).collect()
    }

    /// How many whole parts are in the first `bytes` bytes, and how many of those bytes are in the next part.
    fn after(&self, bytes: usize) -> (usize, usize) {
        let mut left = bytes;
        for (whole, part) in self.parts.iter().enumerate() {
            match left.checked_sub(part.bytes.len()) {
                Some(behind) => left = behind,
                None => return (whole, left),
            }
        }
        (self.parts.len(), left)
    }

    /// The list of what remains after `put` bytes.
    fn rest(&self, put: usize) -> Term<'a> {
        let (whole, gone) = self.after(put);
        let Some(Part { bytes, cell }) = self.parts.get(whole) else {
            return self.tail;
        };
        let cut = bytes.make_subbinary(gone, bytes.len() - gone);
        // At most one cell.
        match (cut, cell.list_get_cell()) {
            (Ok(cut), Ok((_, behind))) if gone > 0 => behind.list_prepend(cut.encode(cell.get_env())),
            _ => *cell,
        }
    }

    /// `ok`; `{ok, Rest}` of a message that was cut; `{more, Rest}` of datagrams, of which one call sends no more; or
    /// the rest of a stream's data, which is still to be sent.
    pub(crate) fn sent(&self, env: Env<'a>, put: usize, all: bool, gso: bool) -> Option<Term<'a>> {
        let rest = self.rest(put);
        Some(match (all, rest.is_empty_list()) {
            (true, true) => atoms::ok().encode(env),
            (true, false) if gso => (atoms::more(), rest).encode(env),
            (true, false) => (atoms::ok(), rest).encode(env),
            (false, _) => rest,
        })
    }
}

/// What a message has beside its data.
pub(crate) struct Envelope {
    to: Option<Raw>,
    ctrl: Vec<u8>,
    pub(crate) gso: Option<NonZeroU16>,
    /// The cost of decoding it, in the unit of [`Iov::cost`].
    pub(crate) cost: usize,
}

impl Envelope {
    /// The most bytes of the data that one attempt takes.
    pub(crate) fn most(&self, kind: Kind, flags: i32) -> usize {
        send::most(kind, flags, &self.ctrl)
    }

    /// The message with its data.
    pub(crate) fn with<'b>(self, iov: &'b Iov<'_>) -> Message<'b> {
        Message { iov: iov.slices(), to: self.to, ctrl: self.ctrl, gso: self.gso }
    }
}

/// The answer for a message that is too long.
pub(crate) fn too_long(env: Env<'_>) -> Term<'_> {
    fail::posix(env, errno::TOO_LONG)
}

/// Decodes a message for a socket of that kind; or the answer for an invalid one. Its control messages take at most
/// `room` bytes; `index` finds the interfaces that they name.
#[allow(clippy::type_complexity)]
pub(crate) fn decode<'a>(
    env: Env<'a>,
    msg: Term<'a>,
    kind: Kind,
    room: usize,
    index: Index<'_>,
) -> NifResult<Result<(Iov<'a>, Envelope), Term<'a>>> {
    let iov = match Iov::decode(env, msg.map_get(atoms::iov())?) {
        Ok(iov) => iov,
        Err(error) => return Ok(Err(error)),
    };
    let to = match msg.map_get(atoms::addr()) {
        Ok(addr) => match sockaddr::decode(env, addr)? {
            Ok(to) => Some(to),
            Err(error) => return Ok(Err(error)),
        },
        Err(_) => None,
    };
    let (ctrl, cost) = match ctrl(env, msg, room, index)? {
        Ok(ctrl) => ctrl,
        Err(error) => return Ok(Err(error)),
    };
    Ok(gso(env, msg, kind).map(|gso| (iov, Envelope { to, ctrl, gso, cost })))
}

/// The control messages, in at most `room` bytes, and their cost.
fn ctrl<'a>(
    env: Env<'a>,
    msg: Term<'a>,
    room: usize,
    index: Index<'_>,
) -> NifResult<Result<(Vec<u8>, usize), Term<'a>>> {
    let Ok(ctrl) = msg.map_get(atoms::ctrl()) else {
        return Ok(Ok((Vec::new(), 0)));
    };
    Ok(match control::decode(env, ctrl, room, index) {
        Ok(ctrl) => Ok(ctrl),
        Err(control::Invalid::Level(name)) => Err(fail::invalid(env, (atoms::protocol(), name))),
        Err(control::Invalid::Message) => {
            let only = Term::map_from_pairs(env, &[(atoms::ctrl(), ctrl)])?;
            Err(fail::invalid(env, (atoms::msg(), atoms::ctrl(), only)))
        }
    })
}

/// The size of the datagrams into which the data is divided. Only UDP sockets have it: others would ignore it, and send
/// something else than the caller asked for.
fn gso<'a>(env: Env<'a>, msg: Term<'a>, kind: Kind) -> Result<Option<NonZeroU16>, Term<'a>> {
    let Ok(size) = msg.map_get(atoms::gso()) else {
        return Ok(None);
    };
    let known = size.decode().ok().and_then(NonZeroU16::new).filter(|_| kind.udp());
    known.map(Some).ok_or_else(|| fail::invalid(env, (atoms::gso(), size)))
}
