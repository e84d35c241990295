//! Data that goes as many datagrams with few calls, generic segmentation offload: UDP_SEGMENT of udp(7).
//!
//! It is a matter of speed only. What the system does not take in one piece (no checksum offload or IPsec on the way: EIO;
//! datagrams that IP has to cut: EMSGSIZE, of older kernels EINVAL) goes datagram by datagram, and what it says then is the
//! answer. That is found out anew with every attempt: it depends on the route, which can change, and an attempt that
//! is refused costs one copy of 64 KB where as many bytes go by 50 datagrams.

use super::{Attempt, blocked};
use crate::sys;
use crate::sys::io::{BATCH_MAX, Message, Outgoing};
use crate::wire::addr::Raw;
use crate::wire::cmsg as control;
use crate::wire::errno::Errno;
use std::borrow::Cow;
use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

/// As many datagrams as every kernel makes of one message, UDP_MAX_SEGMENTS: 64, and 128 since Linux 6.9.
pub const SEGMENTS: usize = 64;
/// The most data that one message has, whether it becomes one datagram or many: 65,535 less the headers of IPv4 and UDP.
pub const PAYLOAD: usize = 65_507;
/// More than any datagram has.
pub const DATAGRAM: usize = 65_536;
/// How many bytes one attempt sends, more or less: it runs on a scheduler.
pub const BYTES: usize = 1 << 20;

/// Sends messages of which some go as many datagrams.
pub(super) fn attempt(fd: BorrowedFd<'_>, messages: &[Message<'_>], flags: i32) -> Attempt<Vec<usize>> {
    send(messages, offload(fd), |out| sys::io::sendmmsg(fd, out.iter().copied(), flags))
}

/// Whether the kernel knows UDP_SEGMENT. One before 4.18 would make one datagram of it all.
fn offload(fd: BorrowedFd<'_>) -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| sys::option::get_int(fd, libc::IPPROTO_UDP, libc::UDP_SEGMENT).is_ok())
}

/// One attempt by `call`, which sends messages and answers how many bytes went of the first ones. Answers how many bytes
/// went of each message, of the first messages; it is done, though there may be more, where nothing was in the way.
pub fn send(
    messages: &[Message<'_>],
    offload: bool,
    mut call: impl FnMut(&[Outgoing<'_>]) -> sys::Result<Vec<usize>>,
) -> Attempt<Vec<usize>> {
    let sources: Vec<_> = messages.iter().map(Source::new).collect();
    let mut parts = plan(&sources, offload);
    let mut result = call(&outgoing(&parts));
    if result.as_ref().is_err_and(|errno| refused(*errno)) && parts.iter().any(|part| part.many) {
        parts = plan(&sources, false);
        result = call(&outgoing(&parts));
    }
    match result {
        Ok(went) if went.len() < parts.len() => Attempt::Partial(by_message(&parts, &went)),
        Ok(went) => Attempt::Done(by_message(&parts, &went)),
        Err(errno) if blocked(errno) => Attempt::Blocked,
        Err(errno) => Attempt::Failed(errno),
    }
}

/// Whether an error may be that of segmentation, and not of the datagrams.
fn refused(errno: Errno) -> bool {
    matches!(errno.number(), libc::EIO | libc::EINVAL | libc::EMSGSIZE)
}

/// How many bytes go with one call, as datagrams of `size`: a multiple of it, so that only the last of all is shorter.
pub fn stride(size: usize) -> usize {
    size * (PAYLOAD / size.max(1)).clamp(1, SEGMENTS)
}

/// A message, and what the calls for it have in common.
struct Source<'m> {
    iov: &'m [IoSlice<'m>],
    to: Option<&'m Raw>,
    ctrl: &'m [u8],
    /// The size of its datagrams, and the control messages that ask for it.
    many: Option<(usize, Vec<u8>)>,
}

impl<'m> Source<'m> {
    fn new(message: &'m Message<'m>) -> Self {
        let many = message.gso.map(|size| {
            let asking = control::write(&[control::segment(size.get())]);
            (usize::from(size.get()), [message.ctrl.as_slice(), asking.as_slice()].concat())
        });
        Self { iov: &message.iov, to: message.to.as_ref(), ctrl: &message.ctrl, many }
    }
}

/// A message for the system, made of the data of the message number `of`.
struct Part<'m> {
    of: usize,
    iov: Cow<'m, [IoSlice<'m>]>,
    to: Option<&'m Raw>,
    ctrl: &'m [u8],
    /// It becomes many datagrams.
    many: bool,
}

/// What one call is to send: of the first messages all, of the last one perhaps a part.
fn plan<'m>(sources: &'m [Source<'m>], offload: bool) -> Vec<Part<'m>> {
    let (mut parts, mut datagrams, mut bytes) = (Vec::new(), 0, 0);
    for (of, source) in sources.iter().enumerate() {
        if datagrams >= BATCH_MAX || bytes >= BYTES {
            break;
        }
        let Source { iov, to, ctrl, many } = source;
        let total: usize = iov.iter().map(|part| part.len()).sum();
        let Some((size, asking)) = many else {
            parts.push(Part { of, iov: Cow::Borrowed(iov), to: *to, ctrl, many: false });
            (datagrams, bytes) = (datagrams + 1, bytes + total);
            continue;
        };
        let step = if offload { stride(*size) } else { *size };
        let (mut cursor, mut left) = (Cursor { rest: iov, skip: 0 }, total);
        loop {
            let len = left.min(step);
            let many = len > *size;
            let ctrl = if many { asking.as_slice() } else { ctrl };
            parts.push(Part { of, iov: Cow::Owned(cursor.take(len)), to: *to, ctrl, many });
            (datagrams, bytes, left) = (datagrams + len.div_ceil(*size).max(1), bytes + len, left - len);
            if left == 0 || datagrams >= BATCH_MAX || bytes >= BYTES {
                break;
            }
        }
    }
    parts
}

/// A place in an I/O vector.
struct Cursor<'m> {
    rest: &'m [IoSlice<'m>],
    /// How much of the first part has been taken.
    skip: usize,
}

impl<'m> Cursor<'m> {
    /// The next `len` bytes.
    fn take(&mut self, mut len: usize) -> Vec<IoSlice<'m>> {
        let mut taken = Vec::new();
        while len > 0
            && let Some((first, behind)) = self.rest.split_first()
        {
            let there = first.get(self.skip..).unwrap_or_default();
            if there.len() > len {
                taken.push(IoSlice::new(there.get(..len).unwrap_or_default()));
                self.skip += len;
                return taken;
            }
            if !there.is_empty() {
                taken.push(IoSlice::new(there));
            }
            (self.rest, self.skip) = (behind, 0);
            len -= there.len();
        }
        taken
    }
}

fn outgoing<'p>(parts: &'p [Part<'_>]) -> Vec<Outgoing<'p>> {
    parts.iter().map(|part| Outgoing { iov: &part.iov, to: part.to, ctrl: part.ctrl }).collect()
}

/// How many bytes went of each of the first messages, of what went of their parts.
fn by_message(parts: &[Part<'_>], went: &[usize]) -> Vec<usize> {
    let mut sent: Vec<usize> = Vec::new();
    for (part, put) in parts.iter().zip(went) {
        match sent.get_mut(part.of) {
            Some(before) => *before += put,
            None => sent.push(*put),
        }
    }
    sent
}
