//! Generic segmentation offload: data is sent as many datagrams with few system calls, UDP_SEGMENT of udp(7).
//!
//! It only affects the speed. The kernel refuses a segmented message without checksum offload or with IPsec on the way (EIO),
//! and if IP would have to fragment the datagrams (EMSGSIZE; EINVAL of older kernels). Each datagram is then sent by itself, and
//! the result of that is the result of the attempt. Every attempt tries segmentation first, because it depends on the route,
//! which can change. A refusal costs one copy of 64 KB, and the same bytes take 50 datagrams.

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

/// The number of datagrams that every kernel makes of one message, UDP_MAX_SEGMENTS: 64, and 128 since Linux 6.9.
pub const SEGMENTS: usize = 64;
/// The most bytes of one message, whether it becomes one datagram or many: 65,535 less the headers of IPv4 and UDP.
pub const PAYLOAD: usize = 65_507;
/// More bytes than any datagram has.
pub const DATAGRAM: usize = 65_536;
/// About how many bytes one attempt sends at most: it may run on a scheduler.
pub const BYTES: usize = 1 << 20;

/// Attempts to send messages, some of them as many datagrams.
pub(super) fn attempt(fd: BorrowedFd<'_>, messages: &[Message<'_>], flags: i32) -> Attempt<Vec<usize>> {
    send(messages, offload(fd), |out| sys::io::sendmmsg(fd, out.iter().copied(), flags))
}

/// Whether the kernel knows UDP_SEGMENT. Kernels before Linux 4.18 would send all of the data as one datagram.
fn offload(fd: BorrowedFd<'_>) -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| sys::option::get_int(fd, libc::IPPROTO_UDP, libc::UDP_SEGMENT).is_ok())
}

/// One attempt with `call`, which sends messages and returns how many bytes of the first ones were sent.
///
/// The result is the number of bytes sent of each message, for the first messages. The outcome is `Done` if the kernel took all
/// that this attempt planned, even if there is more.
pub fn send(
    messages: &[Message<'_>],
    offload: bool,
    mut call: impl FnMut(&[Outgoing<'_>]) -> sys::Result<Vec<usize>>,
) -> Attempt<Vec<usize>> {
    let sources: Vec<_> = messages.iter().map(Source::new).collect();
    let mut parts = plan(&sources, offload);
    let mut result = call(&outgoing(&parts));
    if result.as_ref().is_err_and(|errno| refused(*errno)) && parts.iter().any(|part| part.segmented) {
        parts = plan(&sources, false);
        result = call(&outgoing(&parts));
    }
    match result {
        Ok(sent) if sent.len() < parts.len() => Attempt::Partial(by_message(&parts, &sent)),
        Ok(sent) => Attempt::Done(by_message(&parts, &sent)),
        Err(errno) if blocked(errno) => Attempt::Blocked,
        Err(errno) => Attempt::Failed(errno),
    }
}

/// Whether an error may be about segmentation, and not about the datagrams.
fn refused(errno: Errno) -> bool {
    matches!(errno.number(), libc::EIO | libc::EINVAL | libc::EMSGSIZE)
}

/// How many bytes of datagrams of `size` one message carries: a multiple of `size`, so that only the last datagram of all is
/// shorter.
pub fn stride(size: usize) -> usize {
    size * (PAYLOAD / size.max(1)).clamp(1, SEGMENTS)
}

/// A message, and what its parts have in common.
struct Source<'m> {
    iov: &'m [IoSlice<'m>],
    to: Option<&'m Raw>,
    ctrl: &'m [u8],
    /// The size of its datagrams, and the control messages that ask for it.
    gso: Option<(usize, Vec<u8>)>,
}

impl<'m> Source<'m> {
    fn new(message: &'m Message<'m>) -> Self {
        let gso = message.gso.map(|size| {
            let segment = control::write(&[control::segment(size.get())]);
            (usize::from(size.get()), [message.ctrl.as_slice(), segment.as_slice()].concat())
        });
        Self { iov: &message.iov, to: message.to.as_ref(), ctrl: &message.ctrl, gso }
    }
}

/// A message for the kernel: some or all of the data of message number `of`.
struct Part<'m> {
    of: usize,
    iov: Cow<'m, [IoSlice<'m>]>,
    to: Option<&'m Raw>,
    ctrl: &'m [u8],
    /// Whether the kernel makes many datagrams of it.
    segmented: bool,
}

/// What one attempt sends: the first messages, the last of them perhaps in part.
fn plan<'m>(sources: &'m [Source<'m>], offload: bool) -> Vec<Part<'m>> {
    let (mut parts, mut datagrams, mut bytes) = (Vec::new(), 0, 0);
    for (of, source) in sources.iter().enumerate() {
        if datagrams >= BATCH_MAX || bytes >= BYTES {
            break;
        }
        let Source { iov, to, ctrl, gso } = source;
        let total: usize = iov.iter().map(|part| part.len()).sum();
        let Some((size, with_segment)) = gso else {
            parts.push(Part { of, iov: Cow::Borrowed(iov), to: *to, ctrl, segmented: false });
            (datagrams, bytes) = (datagrams + 1, bytes + total);
            continue;
        };
        let step = if offload { stride(*size) } else { *size };
        let (mut cursor, mut remaining) = (Cursor { rest: iov, skip: 0 }, total);
        loop {
            let len = remaining.min(step);
            let segmented = len > *size;
            let ctrl = if segmented { with_segment.as_slice() } else { ctrl };
            parts.push(Part { of, iov: Cow::Owned(cursor.take(len)), to: *to, ctrl, segmented });
            (datagrams, bytes, remaining) = (datagrams + len.div_ceil(*size).max(1), bytes + len, remaining - len);
            if remaining == 0 || datagrams >= BATCH_MAX || bytes >= BYTES {
                break;
            }
        }
    }
    parts
}

/// A position in an I/O vector.
struct Cursor<'m> {
    rest: &'m [IoSlice<'m>],
    /// How many bytes of the first part have been taken.
    skip: usize,
}

impl<'m> Cursor<'m> {
    /// The next `len` bytes.
    fn take(&mut self, mut len: usize) -> Vec<IoSlice<'m>> {
        let mut taken = Vec::new();
        while len > 0
            && let Some((first, behind)) = self.rest.split_first()
        {
            let available = first.get(self.skip..).unwrap_or_default();
            if available.len() > len {
                taken.push(IoSlice::new(available.get(..len).unwrap_or_default()));
                self.skip += len;
                return taken;
            }
            if !available.is_empty() {
                taken.push(IoSlice::new(available));
            }
            (self.rest, self.skip) = (behind, 0);
            len -= available.len();
        }
        taken
    }
}

fn outgoing<'p>(parts: &'p [Part<'_>]) -> Vec<Outgoing<'p>> {
    parts.iter().map(|part| Outgoing { iov: &part.iov, to: part.to, ctrl: part.ctrl }).collect()
}

/// Adds up the bytes sent of each message from those sent of its parts.
fn by_message(parts: &[Part<'_>], sent: &[usize]) -> Vec<usize> {
    let mut totals: Vec<usize> = Vec::new();
    for (part, sent) in parts.iter().zip(sent) {
        match totals.get_mut(part.of) {
            Some(total) => *total += sent,
            None => totals.push(*sent),
        }
    }
    totals
}
