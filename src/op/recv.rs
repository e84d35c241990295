//! Receive from a connected socket, recv(2).

use super::{Attempt, Cut, Op, Room, beside_the_stream, blocked, discarded, give, room};
use crate::ahead::Want;
use crate::errno::Errno;
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

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
    pub tells_end: bool,
    /// Whether the caller waits for all of what it looks at.
    pub waits: bool,
    /// MSG_*
    pub flags: i32,
    /// Whether this thread may be held for as long as it takes to copy much.
    pub apart: bool,
    /// What was received, where that is so much that it is not in the room yet: it is to be copied there.
    pub taken: Option<VecDeque<u8>>,
}

impl<R: Room> Recv<'_, R> {
    /// Whether so much is a part. What MSG_TRUNC discards is not counted up.
    fn part(&self, got: usize, kind: Kind) -> bool {
        self.exact && kind.stream() && got < self.len && self.flags & libc::MSG_TRUNC == 0
    }
}

impl<R: Room> Recv<'_, R> {
    /// Whether it is to see a length of a stream, and less is there.
    fn sees_too_little(&self, fd: BorrowedFd<'_>, kind: Kind) -> bool {
        let exact = self.exact && self.waits && self.peeks() && kind.stream() && !beside_the_stream(self.flags);
        exact && sys::ready::readable(fd) && !sys::ready::has(fd, self.len.saturating_add(seen(fd)))
    }
}

/// How far looks have come, SO_PEEK_OFF of socket(7).
fn seen(fd: BorrowedFd<'_>) -> usize {
    let offset = sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_PEEK_OFF);
    offset.ok().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0)
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
    const AHEAD: bool = true;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        if self.sees_too_little(fd, kind) {
            return Attempt::Blocked;
        }
        let Some(mut space) = room(self.room, fd, kind, self.len, self.flags) else {
            return Attempt::NoMemory;
        };
        if self.tells_end && kind.records() {
            return match sys::io::record(fd, &mut space, self.flags) {
                Ok(got) => got.map_or(Attempt::Closed, Attempt::Done),
                Err(errno) if blocked(errno) => Attempt::Blocked,
                Err(errno) => Attempt::Failed(errno),
            };
        }
        match sys::io::recv(fd, &mut space, self.flags) {
            Ok(0) if kind.stream() => Attempt::Closed,
            // Nothing is put together of what is seen: it would be the same again.
            Ok(got) if self.part(got, kind) && self.waits && self.peeks() => {
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
        (!beside_the_stream(self.flags)).then_some(Want {
            least,
            most: self.len,
            peek: self.peeks(),
            apart: self.apart,
        })
    }

    fn give(&mut self, bytes: &VecDeque<u8>, len: usize, _: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        match give(self.room, bytes, len, discarded(kind, self.flags)) {
            Some(got) if self.part(got, kind) => Attempt::Partial(got),
            Some(got) => Attempt::Done(got),
            None => Attempt::NoMemory,
        }
    }

    fn take(&mut self, bytes: &mut VecDeque<u8>, len: usize) -> Attempt<usize> {
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
            self.taken = Some(std::mem::replace(bytes, rest));
        }
        if len < self.len { Attempt::Partial(len) } else { Attempt::Done(len) }
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}
