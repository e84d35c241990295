//! How an operation waits, and its outcome.

use crate::wire::errno::Errno;

/// How an operation waits if it would block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does not wait.
    Once,
    /// It waits for a wake-up.
    Wait,
    /// The caller can yield and call again, and has yielded this many times. It waits only if, by the experience of
    /// this socket, another yield would not help.
    Yield(u32),
    /// The first attempt of a call that is completed for the caller. The caller does not learn of parts, only of the
    /// whole.
    Start,
    /// An attempt that is made in place of the process that waits for the completion.
    Complete,
}

/// The outcome of an operation.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is done.
    Done(T),
    /// It is done, and the caller now waits for the next one (`{otp, select_read}`).
    Again(T),
    /// A part is done. With `Once` the caller does not wait. With `Start` and `Complete` it keeps the turn and goes
    /// on at once. Otherwise it waits for the rest.
    Partial(T),
    /// A part is done, and the rest would not block. The caller keeps the turn and goes on at once.
    Unfinished(T),
    /// The caller waits, as the head or behind it.
    Waiting,
    /// It would block, and the caller does not wait.
    Blocked,
    /// The caller is to yield and call again.
    Yield,
    /// A part is done of what was wanted as a whole. The failure says why there is no more.
    Cut(T, Failure),
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The socket is closed, or the peer has closed its side of the stream.
    Closed,
    /// The system call failed.
    Errno(Errno),
    /// There is no memory for a buffer.
    NoMemory,
    /// The head has another claim, which excludes this operation.
    State,
    /// The caller is not the head as it should be: it already waits behind the head, its completion has left the
    /// lane, or it has no connect under way.
    NotHead,
    /// A connect is already under way.
    Already,
}
