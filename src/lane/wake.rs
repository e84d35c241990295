//! A waiter, and what it is told.

use crate::wire::errno::Errno;
use std::hash::Hash;
use std::sync::Arc;

/// A waiter.
pub trait Wake: Send + Sync + 'static {
    /// What tells one waiting party from another: a process waits once in a lane.
    type Process: Copy + Eq + Hash + Send + Sync + 'static;
    /// Who waits.
    fn process(&self) -> Self::Process;
    /// A number for the handle of a pending completion: waiters with the same handle have the same one.
    fn tag(&self) -> u64 {
        0
    }
    /// Tells it, from a thread of our own or in its place.
    fn wake(self: &Arc<Self>, signal: Signal);
    /// Whether its message has been sent.
    fn notified(&self) -> bool;
    /// It is a pending completion: when it is woken the operation is done in its place, and it does not come back itself.
    fn is_completion(&self) -> bool {
        false
    }
    /// It is sent a message and goes by what it says: it is woken where there is something, and not where there was.
    fn relies_on_select(&self) -> bool {
        false
    }
    /// How many bytes it waits for: it is woken for no fewer, but at the end of the stream. With 0 it waits for what is beside the
    /// data, an error in the queue.
    fn least(&self) -> usize {
        1
    }
    /// Whether something is to be cleared up when it leaves the lane ([`Signal::Departed`]).
    fn needs_cleanup(&self) -> bool;
}

/// What a waiter is told, exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Try again.
    Ready,
    /// The wait is over.
    Abort(Reason),
    /// It left the lane by a call of its own process: there is no message, only something to clear up.
    Departed,
}

/// Why a wait was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The socket was closed, here or (on a stream) by the peer.
    Closed,
    /// Somebody else's attempt met this error, which concerns everybody.
    Errno(Errno),
    /// A later call of its own process has taken its place.
    Cancelled,
}
