//! The operations, one file each.
//!
//! An operation defines one attempt. `socket::Socket::run` does the rest: waiting, the waiter queues and further attempts.

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

/// The outcome of one attempt.
pub enum Attempt<T> {
    /// The operation is complete.
    Done(T),
    /// A partial result: a part of a length, of a file or of a batch. The call waits for the rest.
    Partial(T),
    /// A partial result, because the attempt has reached its limit. The rest would not block. The call keeps the turn, and makes
    /// another attempt.
    Unfinished(T),
    /// A partial result where the caller asked for the whole length: the stream has ended.
    Cut(T, Cut),
    /// It would block.
    Blocked,
    /// It would block, and no event will show when it no longer would.
    BlockedWithoutEvent,
    /// The peer has closed its side of the stream.
    Closed,
    /// The system call has failed.
    Failed(Errno),
    /// No result yet, although it would not block: the attempt has reached its limit, or the result is too much for this thread
    /// to copy at once.
    More,
    /// There is no memory for the buffer. Nothing was taken from the socket.
    NoMemory,
}

/// Why a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The peer has closed its side.
    Closed,
    /// An error of the socket.
    Errno(Errno),
}

impl<T> Attempt<T> {
    /// The same outcome, but `Unfinished` instead of `Done` if there is `more` to do.
    fn unfinished(self, more: bool) -> Self {
        match self {
            Self::Done(done) if more => Self::Unfinished(done),
            attempt => attempt,
        }
    }

    /// The same outcome, with its result converted by `make`.
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

/// What a receive takes from the read-ahead buffer of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// The minimum in bytes: with fewer the call waits, unless the stream has ended.
    pub least: usize,
    /// The maximum in bytes.
    pub most: usize,
    /// The bytes stay in the buffer (MSG_PEEK).
    pub peek: bool,
    /// The attempt may copy any number of bytes at once. Without it a whole length of more than 1 MB has the outcome
    /// [`Attempt::More`], because the thread may be a scheduler.
    pub unbounded: bool,
}

impl Want {
    /// Whether the call is answered only when its whole length is there.
    pub fn whole(self) -> bool {
        self.least > 1
    }
}

/// An operation on a socket, which can be attempted and waited for.
pub trait Op {
    /// Its result.
    type Done;
    /// The direction that it uses, and for what.
    const CLAIM: Claim;
    /// Whether it has counters of its own, separate from those of its direction.
    const SEPARATE_TALLY: bool = false;
    /// Attempts it once, without blocking.
    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Self::Done>;
    /// Attempts it once more for a caller that has the turn since an earlier attempt.
    fn resume(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<Self::Done> {
        self.attempt(fd, kind)
    }
    /// Whether it continues a call that already has a result. An error is then kept for the next call.
    fn continues(&self) -> bool {
        false
    }
    /// The destination of the data that was not sent, if it is not the connected peer.
    fn receiver(&self) -> Option<&Raw> {
        None
    }
    /// Whether what it receives stays in the socket (MSG_PEEK).
    fn peeks(&self) -> bool {
        false
    }
    /// Whether it ends a connection. The descriptor may have another one after it.
    fn disconnects(&self) -> bool {
        false
    }
    /// Whether it receives urgent data (MSG_OOB), apart from the bytes of the stream and from the turns of their readers.
    fn urgent(&self) -> bool {
        false
    }
    /// What it takes from the read-ahead buffer of a stream. `None`: it always uses the descriptor.
    fn want(&self) -> Option<Want> {
        None
    }
    /// Copies the first `len` bytes of the read-ahead buffer: as many as it wants, or all there will be, or as many as are copied
    /// at once.
    fn copy_buffered(&mut self, _: &VecDeque<u8>, _len: usize, _: BorrowedFd<'_>, _: Kind) -> Attempt<Self::Done> {
        Attempt::Blocked
    }
    /// The same for more than 1 MB: the bytes may be moved out of the buffer, to be copied after the lane's lock is released.
    fn take_buffered(&mut self, _: &mut VecDeque<u8>, _len: usize) -> Attempt<Self::Done> {
        Attempt::Blocked
    }
    /// Whether a ring may receive while it waits. A ring brings bytes only, and no control messages.
    const USES_RING: bool = false;
    /// How many bytes a result has moved.
    fn bytes(done: &Self::Done) -> usize;
    /// How many packages a result counts as.
    fn packages(_: &Self::Done) -> u64 {
        1
    }
    /// How many system calls a result took, for which the caller is charged.
    fn calls(_: &Self::Done) -> usize {
        1
    }
    /// Whether an error ends all waits of this direction, and not only this call. An error about the call's arguments or its
    /// memory ends this call alone.
    fn fatal(errno: Errno) -> bool {
        !matches!(
            errno.number(),
            libc::EINVAL | libc::EOPNOTSUPP | libc::EFAULT | libc::EMSGSIZE | libc::ENOMEM | libc::ENOBUFS
        )
    }
    /// Whether an error is a temporary shortage. No event shows when it is over, so the socket backs off.
    fn shortage(_: Errno) -> bool {
        false
    }
}

/// Whether an error says that the call would block.
pub(crate) fn blocked(errno: Errno) -> bool {
    errno.number() == libc::EAGAIN
}

/// Whether the kernel discards the bytes of a stream and only counts them: MSG_TRUNC, tcp(7). On a Unix stream it does not.
fn discarded(kind: Kind, flags: i32) -> bool {
    kind.stream() && kind.domain != libc::AF_UNIX && flags & libc::MSG_TRUNC != 0
}

/// Whether flags ask for something that is not among the bytes of a stream: urgent data, or the error queue. The read-ahead
/// buffer does not have it.
fn bypasses_stream(flags: i32) -> bool {
    flags & (libc::MSG_OOB | libc::MSG_ERRQUEUE) != 0
}

/// The sender's address for bytes from the read-ahead buffer. On a Unix stream it is the peer's, if the peer has a name, as in
/// unix(7). Other streams have none.
fn sender(fd: BorrowedFd<'_>, kind: Kind) -> Raw {
    let named = |raw: &Raw| raw.as_bytes().len() > size_of::<libc::sa_family_t>();
    let peer = (kind.domain == libc::AF_UNIX).then(|| crate::sys::socket::peername(fd).ok()).flatten();
    peer.filter(named).unwrap_or_default()
}

/// Copies the first `len` bytes of the read-ahead buffer to `room`, or zeros in their place if they are `discarded`. Returns how
/// many. `None` if there is no memory.
fn copy_buffered<R: Room>(room: &mut R, bytes: &VecDeque<u8>, len: usize, discarded: bool) -> Option<usize> {
    let mut space = room.room(len)?;
    Some(if discarded { space.zeros(len) } else { space.copy(bytes, len) })
}

/// Provides the receive buffer. The caller implements it, because only the caller can create what the receiver gets.
pub trait Room {
    /// The size of the scratch buffer in bytes. A larger buffer than this is only asked for if there are so many bytes to read.
    const SCRATCH: usize;
    /// A buffer of exactly `len` bytes. `None` if there is no memory.
    fn room(&mut self, len: usize) -> Option<Space<'_>>;
}

/// The most bytes of a stream that one attempt receives: it may run on a scheduler.
const BYTES: usize = 1 << 20;

/// Provides a buffer of up to `len` bytes without trusting `len`. If it is larger than the scratch buffer, it is no larger than
/// the bytes there are to read, and on a stream no larger than [`BYTES`]. A peek is not split: each part would be the first one.
fn room<'r, R: Room>(room: &'r mut R, fd: BorrowedFd<'_>, kind: Kind, len: usize, flags: i32) -> Option<Space<'r>> {
    let parts = kind.stream() && flags & libc::MSG_PEEK == 0;
    let len = if parts { len.min(BYTES.max(R::SCRATCH)) } else { len };
    let len = if len <= R::SCRATCH {
        len
    } else {
        // A family without FIONREAD (netlink, for one) has no message larger than the scratch buffer.
        len.min(crate::sys::ioctl::pending(fd).unwrap_or(0).max(R::SCRATCH))
    };
    room.room(len)
}
