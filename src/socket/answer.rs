//! How an operation is to go about waiting, and what came of it.

use crate::wire::errno::Errno;

/// How an operation is to go about waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Do not wait.
    Once,
    /// Wait to be woken.
    Wait,
    /// The caller can give up its turn and come back, and has done so this many times: only wait where, as this
    /// socket has been, it would not help.
    Yield(u32),
    /// Begin what is to be completed for the caller: of a part it learns when the whole is done.
    Start,
    /// It is being done in place of who waits for it.
    Complete,
}

/// What came of an operation.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is done.
    Done(T),
    /// It is done, and the caller is in line for the next (`{otp, select_read}`).
    Again(T),
    /// It is done in part, and the caller is in line for the rest (unless it is not to wait).
    Partial(T),
    /// It is done in part, and the caller has the turn and is to go on at once.
    Unfinished(T),
    /// The caller is in line.
    Waiting,
    /// It would block; the caller is not to wait and is not in line.
    Blocked,
    /// The caller is to give up its turn and try again.
    Yield,
    /// A part is done of what was to be whole, and this is why there is no more.
    Cut(T, Failure),
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The socket, or the peer's side of the stream, is closed.
    Closed,
    /// The system says so.
    Errno(Errno),
    /// There is no memory for a buffer.
    NoMemory,
    /// Something is going on that excludes this.
    State,
    /// The caller is in line already.
    InLine,
    /// A connect is under way.
    Already,
}
