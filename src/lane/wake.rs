//! The trait of a waiter, and the signals that it gets.

use crate::wire::errno::Errno;
use std::hash::Hash;
use std::sync::Arc;

/// A waiter.
pub trait Wake: Send + Sync + 'static {
    /// Identifies a process. A process has at most one wait of its own in a lane.
    type Process: Copy + Eq + Hash + Send + Sync + 'static;
    /// The process that waits.
    fn process(&self) -> Self::Process;
    /// A number for the handle of a pending completion or an observer: equal handles have equal tags. 0 for other waiters.
    fn tag(&self) -> u64 {
        0
    }
    /// Delivers a signal. A thread of this library calls it, or the helper in place of the poller thread.
    fn wake(self: &Arc<Self>, signal: Signal);
    /// Whether its message has been sent.
    fn notified(&self) -> bool;
    /// Whether it is a pending completion: after a wake-up the poller thread or the helper makes the call in place of
    /// the process, which does not call again itself.
    fn is_completion(&self) -> bool {
        false
    }
    /// Whether its process relies on the `select` message: it is notified only if an attempt would succeed at that
    /// time, not for data that another attempt has taken since the event.
    fn relies_on_select(&self) -> bool {
        false
    }
    /// How many bytes it waits for. It is not notified for fewer, except at the end of the stream. 0: it waits for an
    /// entry of the error queue, which is apart from the data.
    fn least(&self) -> usize {
        1
    }
    /// Whether it has something to clean up when it leaves the lane ([`Signal::Departed`]).
    fn needs_cleanup(&self) -> bool;
}

/// A signal to a waiter. For one wait, a waiter that is not a completion gets one of `Ready` and `Abort` at most; but a
/// connect whose result is asked for too early gets a second `Ready`. A completion may get `Ready` several times, and
/// then `Abort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Attempt again.
    Ready,
    /// The wait is over.
    Abort(Reason),
    /// It has left the lane and gets no message: it only cleans up.
    Departed,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The socket was closed, or the peer closed its side of the stream.
    Closed,
    /// An attempt of another call failed with this error, which ends all waits of the direction.
    Errno(Errno),
    /// A later call of the same process replaced it.
    Cancelled,
}
