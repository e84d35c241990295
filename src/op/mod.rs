//! The operations: one file each.
//!
//! An operation says how it is attempted once; waiting, lines and retries are `socket::Socket::run`'s.

pub mod accept;
pub mod connect;
pub mod gso;
pub mod recv;
pub mod recvfrom;
pub mod recvmmsg;
pub mod recvmsg;
pub mod send;
pub mod sendfile;
pub mod sendmmsg;
pub mod sendmsg;
pub mod sendto;

use crate::lane::Claim;
use crate::sys::kind::Kind;
use crate::sys::room::Space;
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// How one attempt went.
pub enum Attempt<T> {
    /// It is done.
    Done(T),
    /// A part is done (of a stream, where the caller asked for a length).
    Partial(T),
    /// Much is done, and not all: the rest would not block, and is for the next attempt of who has the turn.
    Unfinished(T),
    /// A part is done of what was to be whole, and there will be no more.
    Cut(T, Cut),
    /// It would block.
    Blocked,
    /// It would block, and the kernel will not say when it would no more.
    BlockedWithoutEvent,
    /// The peer has closed its side of the stream.
    Closed,
    /// The system refused.
    Failed(Errno),
    /// It has done much, is not done, and would not block.
    More,
    /// There is no memory for a buffer. Nothing was taken from the socket.
    NoMemory,
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The peer has closed its side.
    Closed,
    /// The system says so.
    Errno(Errno),
}

impl<T> Attempt<T> {
    /// The same attempt, where it is only the first part of what is to be done.
    fn unfinished(self, more: bool) -> Self {
        match self {
            Self::Done(done) if more => Self::Unfinished(done),
            attempt => attempt,
        }
    }

    /// The same attempt, with something else made of what came of it.
    fn map<U>(self, make: impl FnOnce(T) -> U) -> Attempt<U> {
        match self {
            Self::Done(done) => Attempt::Done(make(done)),
            Self::Partial(done) => Attempt::Partial(make(done)),
            Self::Unfinished(done) => Attempt::Unfinished(make(done)),
            Self::Cut(done, cut) => Attempt::Cut(make(done), cut),
            Self::Blocked => Attempt::Blocked,
            Self::BlockedWithoutEvent => Attempt::BlockedWithoutEvent,
            Self::More => Attempt::More,
            Self::Closed => Attempt::Closed,
            Self::Failed(errno) => Attempt::Failed(errno),
            Self::NoMemory => Attempt::NoMemory,
        }
    }
}

/// What a receive takes from a stream that is read ahead.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// Fewer bytes are not worth an answer, but at the stream's end.
    pub least: usize,
    /// More than this it has no room for.
    pub most: usize,
    /// The bytes stay (MSG_PEEK).
    pub peek: bool,
    /// This thread may be held for as long as much takes: it is no scheduler.
    pub unbounded: bool,
}

impl Want {
    /// Whether it is answered only when all of a length is there.
    pub fn whole(self) -> bool {
        self.least > 1
    }
}

/// Something that can be attempted, and waited for.
pub trait Op {
    /// What comes of it.
    type Done;
    /// What it does with its direction.
    const CLAIM: Claim;
    /// Whether its counters are apart from those of its direction.
    const SEPARATE_TALLY: bool = false;
    /// Tries once, without blocking.
    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Self::Done>;
    /// Tries again for who has waited with the turn.
    fn resume(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Self::Done> {
        self.attempt(fd, kind)
    }
    /// It goes on with what a call has begun that has an answer: an error is for the next call.
    fn continues(&self) -> bool {
        false
    }
    /// Whom the part is for that did not go, where that is not the peer.
    fn receiver(&self) -> Option<&Raw> {
        None
    }
    /// What it gives stays in the socket.
    fn peeks(&self) -> bool {
        false
    }
    /// It ends a connection, and another may follow on the descriptor.
    fn disconnects(&self) -> bool {
        false
    }
    /// What it takes of a stream that is read ahead; nothing: it goes to the descriptor.
    fn want(&self) -> Option<Want> {
        None
    }
    /// Copies the first `len` bytes of what was read ahead, which is as much as it wants, or all there will be, or as much as is
    /// copied at once.
    fn copy_buffered(&mut self, _: &VecDeque<u8>, _len: usize, _: BorrowedFd<'_>, _: Kind) -> Attempt<Self::Done> {
        Attempt::Blocked
    }
    /// The same, where that is so much that the bytes are taken out, to be copied when the lane has been let go.
    fn take_buffered(&mut self, _: &mut VecDeque<u8>, _len: usize) -> Attempt<Self::Done> {
        Attempt::Blocked
    }
    /// Whether a ring may receive while it waits. What comes beside the bytes, control messages, does not come that way.
    const USES_RING: bool = false;
    /// How many bytes an outcome moved.
    fn bytes(done: &Self::Done) -> usize;
    /// How many packages an outcome is.
    fn packages(_: &Self::Done) -> u64 {
        1
    }
    /// How many system calls an outcome is worth.
    fn calls(_: &Self::Done) -> usize {
        1
    }
    /// Whether an error is everybody's who waits in this direction, not only this attempt's.
    /// What is about the call's arguments, or its memory, is its own.
    fn fatal(errno: Errno) -> bool {
        !matches!(
            errno.number(),
            libc::EINVAL | libc::EOPNOTSUPP | libc::EFAULT | libc::EMSGSIZE | libc::ENOMEM | libc::ENOBUFS
        )
    }
    /// Whether an error is of the moment, and no event tells when the moment is over.
    fn shortage(_: Errno) -> bool {
        false
    }
}

/// Whether a call should be made again later.
pub(crate) fn blocked(errno: Errno) -> bool {
    errno.number() == libc::EAGAIN
}

/// Whether the system counts bytes of a stream and writes none: MSG_TRUNC, tcp(7). A Unix stream knows no such thing.
fn discarded(kind: Kind, flags: i32) -> bool {
    kind.stream() && kind.domain != libc::AF_UNIX && flags & libc::MSG_TRUNC != 0
}

/// Whether flags leave a stream's bytes to the descriptor: what they ask for is not among them.
fn bypasses_stream(flags: i32) -> bool {
    flags & (libc::MSG_OOB | libc::MSG_ERRQUEUE) != 0
}

/// Who sent the bytes of a stream: of a Unix stream, the peer if it has a name, as unix(7) has it; of others nobody says.
fn sender(fd: BorrowedFd<'_>, kind: Kind) -> Raw {
    let named = |raw: &Raw| raw.as_bytes().len() > size_of::<libc::sa_family_t>();
    let peer = (kind.domain == libc::AF_UNIX).then(|| crate::sys::socket::peername(fd).ok()).flatten();
    peer.filter(named).unwrap_or_default()
}

/// The first `len` bytes that were read ahead, into room; zeros in their place if they are discarded. Answers how many.
fn copy_buffered<R: Room>(room: &mut R, bytes: &VecDeque<u8>, len: usize, discarded: bool) -> Option<usize> {
    let mut space = room.room(len)?;
    Some(if discarded { space.zeros(len) } else { space.copy(bytes, len) })
}

/// Room for received bytes: the caller's, because only it can make what the receiver gets.
pub trait Room {
    /// Up to this size [`Room::room`] costs nothing and does not fail.
    const SCRATCH: usize;
    /// Room for exactly `len` bytes, if there is memory for it.
    fn room(&mut self, len: usize) -> Option<Space<'_>>;
}

/// How many bytes of a stream one attempt takes: it runs on a scheduler.
const AT_ONCE: usize = 1 << 20;

/// Makes room for up to `len` bytes without trusting `len`: what is larger than the scratch buffer is no larger than
/// what there is to read, and of a stream no more than one attempt takes. A look is not made in parts: each would be the first.
fn room<'r, R: Room>(room: &'r mut R, fd: BorrowedFd<'_>, kind: Kind, len: usize, flags: i32) -> Option<Space<'r>> {
    let parts = kind.stream() && flags & libc::MSG_PEEK == 0;
    let len = if parts { len.min(AT_ONCE.max(R::SCRATCH)) } else { len };
    let len = if len <= R::SCRATCH {
        len
    } else {
        // A family that cannot tell (netlink, say) has no message larger than the scratch buffer.
        len.min(crate::sys::ioctl::pending(fd).unwrap_or(0).max(R::SCRATCH))
    };
    room.room(len)
}
