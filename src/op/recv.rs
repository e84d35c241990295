//! Receive from a connected socket, recv(2).

use super::{Attempt, Cut, Op, Room, blocked, bypasses_stream, copy_buffered, discarded, room};
use crate::lane::Claim;
use crate::op::Want;
use crate::sys;
use crate::sys::kind::Kind;
use crate::wire::errno::Errno;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// What is worth a message to who waits: with 0, what is in the error queue.
pub fn least(flags: i32) -> usize {
    usize::from(flags & libc::MSG_ERRQUEUE == 0)
}

/// MSG_PEEK
pub const PEEK: i32 = libc::MSG_PEEK;

/// Receives into `room`.
pub struct Recv<'r, R> {
    /// Where the bytes go.
    pub room: &'r mut R,
    /// How many at the most.
    pub len: usize,
    /// Whether a stream is to give exactly so many: fewer are a part then.
    pub exact: bool,
    /// Whether it is answered only when all of that is there.
    pub whole: bool,
    /// Whether the end of a connection is to be told from an empty record.
    pub detects_end: bool,
    /// Whether the caller waits for all of a length that it peeks_exact at ([`peeks_exact`]).
    pub peeks_exact: bool,
    /// MSG_*
    pub flags: i32,
    /// Whether this thread may be held for as long as it takes to copy much.
    pub unbounded: bool,
    /// What was received, where that is so much that it is not in the room yet: it is to be copied there.
    pub uncopied: Option<VecDeque<u8>>,
}

impl<'r, R> Recv<'r, R> {
    /// What there is, up to so many bytes.
    pub fn new(room: &'r mut R, len: usize, flags: i32) -> Self {
        let (exact, whole, detects_end, peeks_exact, unbounded) = (false, false, false, false, false);
        Self { room, len, exact, whole, detects_end, peeks_exact, flags, unbounded, uncopied: None }
    }
}

impl<R: Room> Recv<'_, R> {
    /// Whether so much is a part. What MSG_TRUNC discards is not counted up.
    fn part(&self, got: usize, kind: Kind) -> bool {
        self.exact && kind.stream() && got < self.len && self.flags & libc::MSG_TRUNC == 0
    }
}

/// Whether a caller who waits is to see all of a length.
pub fn peeks_exact(kind: Kind, exact: bool, flags: i32) -> bool {
    exact && flags & PEEK != 0 && kind.reports_pending() && !bypasses_stream(flags)
}

/// How much a stream has room for, of which nothing is taken: TCP's window is half of the buffer, a Unix stream fills the sender's.
fn room_for(fd: BorrowedFd<'_>, kind: Kind) -> usize {
    let option = if kind.local() { libc::SO_SNDBUF } else { libc::SO_RCVBUF };
    let size = sys::option::get_int(fd, libc::SOL_SOCKET, option).ok().and_then(|size| usize::try_from(size).ok());
    size.map_or(usize::MAX, |size| if kind.local() { size } else { size / 2 })
}

/// Why there is no more to see: an error is taken from the socket so.
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
            // It would never be there.
            let too_much = self.len > room_for(fd, kind);
            return if too_much { Attempt::Failed(Errno::new(libc::ENOBUFS)) } else { Attempt::Blocked };
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
            // Nothing is put together of what is seen: it would be the same again.
            Ok(got) if self.part(got, kind) && self.peeks_exact => {
                if sys::ready::ended(fd) {
                    Attempt::Cut(got, end(fd))
                } else {
                    Attempt::Done(got)
                }
            }
            // Of what is beside the stream nothing is gathered.
            Ok(got) if self.part(got, kind) && !self.whole => Attempt::Partial(got),
            Ok(got) => Attempt::Done(got),
            Err(errno) if blocked(errno) => Attempt::Blocked,
            Err(errno) => Attempt::Failed(errno),
        }
    }

    fn peeks(&self) -> bool {
        self.flags & PEEK != 0
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
            Some(got) if self.part(got, kind) => Attempt::Partial(got),
            Some(got) => Attempt::Done(got),
            None => Attempt::NoMemory,
        }
    }

    fn take_buffered(&mut self, bytes: &mut VecDeque<u8>, len: usize) -> Attempt<usize> {
        let len = len.min(bytes.len());
        // They stay where there is no memory for what is made of them.
        let Some(mut space) = self.room.room(len) else {
            return Attempt::NoMemory;
        };
        if bytes.len() - len > len {
            // To move what stays would cost more.
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
