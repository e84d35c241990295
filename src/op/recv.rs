//! Receive from a connected socket, recv(2).

use super::{Attempt, Cut, Op, Room, blocked, bypasses_stream, copy_buffered, discarded, room};
use crate::lane::Claim;
use crate::op::Want;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::errno::Errno;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// The number of bytes for which a waiter is woken: 1, or 0 if it waits for the error queue.
pub fn least(flags: i32) -> usize {
    usize::from(flags & libc::MSG_ERRQUEUE == 0)
}

/// Whether a receive with these flags receives urgent data.
pub fn is_urgent(flags: i32) -> bool {
    flags & libc::MSG_OOB != 0
}

/// MSG_PEEK
pub const PEEK: i32 = libc::MSG_PEEK;

/// Receives into `room`.
pub struct Recv<'r, R> {
    /// The receive buffer.
    pub room: &'r mut R,
    /// The maximum in bytes.
    pub len: usize,
    /// Whether the caller asks a stream for exactly `len` bytes. Fewer are then a partial result.
    pub exact: bool,
    /// Whether the call is answered only when all `len` bytes are there.
    pub whole: bool,
    /// Whether the end of a Unix SOCK_SEQPACKET connection is distinguished from an empty record.
    pub detects_end: bool,
    /// Whether the caller waits until it can peek at all `len` bytes ([`peeks_exact`]).
    pub peeks_exact: bool,
    /// MSG_*
    pub flags: i32,
    /// Whether one attempt may copy any number of bytes ([`Want::unbounded`]).
    pub unbounded: bool,
    /// Received bytes that are not in `room` yet, because they are more than 1 MB. The caller copies them there.
    pub uncopied: Option<VecDeque<u8>>,
}

impl<'r, R> Recv<'r, R> {
    /// Receives what there is, up to `len` bytes.
    pub fn new(room: &'r mut R, len: usize, flags: i32) -> Self {
        let (exact, whole, detects_end, peeks_exact, unbounded) = (false, false, false, false, false);
        Self { room, len, exact, whole, detects_end, peeks_exact, flags, unbounded, uncopied: None }
    }
}

impl<R: Room> Recv<'_, R> {
    /// Whether `got` bytes are a partial result. Bytes that MSG_TRUNC discards are not accumulated.
    fn is_partial(&self, got: usize, kind: Kind) -> bool {
        self.exact && kind.stream() && got < self.len && self.flags & libc::MSG_TRUNC == 0
    }
}

/// Whether a caller that waits has to see the whole length that it peeks at.
pub fn peeks_exact(kind: Kind, exact: bool, flags: i32) -> bool {
    exact && flags & PEEK != 0 && kind.reports_pending() && !bypasses_stream(flags)
}

/// How many unread bytes a stream can hold: half of SO_RCVBUF with TCP, whose window is half of the buffer. Those of a Unix
/// stream are in the sender's buffer, for which SO_SNDBUF of this socket stands in.
fn capacity(fd: BorrowedFd<'_>, kind: Kind) -> usize {
    let option = if kind.local() { libc::SO_SNDBUF } else { libc::SO_RCVBUF };
    let size = sys::option::get_int(fd, libc::SOL_SOCKET, option).ok().and_then(|size| usize::try_from(size).ok());
    size.map_or(usize::MAX, |size| if kind.local() { size } else { size / 2 })
}

/// Why the stream has ended. An error is taken from the socket with this (SO_ERROR).
fn end(fd: BorrowedFd<'_>) -> Cut {
    match sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR) {
        Ok(error) if error != 0 => Cut::Errno(Errno::new(error)),
        _ => Cut::Closed,
    }
}

impl<R: Room> Op for Recv<'_, R> {
    /// How many bytes of the room were filled.
    type Done = usize;
    const CLAIM: Claim = Claim::Read;
    const USES_RING: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        if self.peeks_exact && sys::ready::readable(fd) && !sys::ready::has_bytes(fd, self.len) {
            // More than the stream can hold would never be there.
            let too_long = self.len > capacity(fd, kind);
            return if too_long { Attempt::Failed(Errno::new(libc::ENOBUFS)) } else { Attempt::Blocked };
        }
        let Some(mut space) = room(self.room, fd, kind, self.len, self.flags) else {
            return Attempt::NoMemory;
        };
        if self.detects_end && kind.seqpacket() {
            return match sys::io::recv_record(fd, &mut space, self.flags) {
                Ok(got) => got.map_or(Attempt::Closed, Attempt::Done),
                Err(errno) if blocked(errno) => Attempt::Blocked,
                Err(errno) => Attempt::Failed(errno),
            };
        }
        match sys::io::recv(fd, &mut space, self.flags) {
            Ok(0) if kind.stream() => Attempt::Closed,
            // Peeked bytes are not accumulated: the next peek would see the same ones again.
            Ok(got) if self.is_partial(got, kind) && self.peeks_exact => {
                if sys::ready::ended(fd) {
                    Attempt::Cut(got, end(fd))
                } else {
                    Attempt::Done(got)
                }
            }
            Ok(got) if self.is_partial(got, kind) && !self.whole => Attempt::Partial(got),
            // Fewer bytes with `whole` are outside the stream (urgent data), and are not accumulated.
            Ok(got) => Attempt::Done(got),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn peeks(&self) -> bool {
        self.flags & PEEK != 0
    }

    fn urgent(&self) -> bool {
        is_urgent(self.flags)
    }

    fn want(&self) -> Option<Want> {
        let whole = self.exact && self.whole && self.flags & libc::MSG_TRUNC == 0;
        let least = if whole { self.len } else { 1 };
        (!bypasses_stream(self.flags)).then_some(Want {
            least,
            most: self.len,
            peek: self.peeks(),
            unbounded: self.unbounded,
        })
    }

    fn copy_buffered(&mut self, bytes: &VecDeque<u8>, len: usize, _: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        match copy_buffered(self.room, bytes, len, discarded(kind, self.flags)) {
            Some(got) if self.is_partial(got, kind) => Attempt::Partial(got),
            Some(got) => Attempt::Done(got),
            None => Attempt::NoMemory,
        }
    }

    fn take_buffered(&mut self, bytes: &mut VecDeque<u8>, len: usize) -> Attempt<usize> {
        let len = len.min(bytes.len());
        // Without memory for the result the bytes stay in the read-ahead buffer.
        let Some(mut space) = self.room.room(len) else {
            return Attempt::NoMemory;
        };
        if bytes.len() - len > len {
            // More bytes stay than are taken: to move those would cost more than to copy these.
            space.copy(bytes, len);
            bytes.drain(..len);
        } else {
            let rest = bytes.split_off(len);
            self.uncopied = Some(std::mem::replace(bytes, rest));
        }
        if len < self.len { Attempt::Partial(len) } else { Attempt::Done(len) }
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
