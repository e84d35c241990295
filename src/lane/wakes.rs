//! Deferred notifications: the waiters to notify after the lock of a lane is released.

use super::queue::Queue;
use super::wake::{Reason, Signal, Wake};
use std::sync::Arc;

/// Deferred notifications: waiters, each with its signal. The list holds no lock. Whoever receives it delivers it.
#[must_use]
pub struct Wakes<W: Wake> {
    list: Vec<(Arc<W>, Signal)>,
    /// an aborted queue as a whole; rare, so it is boxed
    aborted: Option<Box<(Arc<Queue<W>>, Reason)>>,
}

impl<W: Wake> Default for Wakes<W> {
    fn default() -> Self {
        Self { list: Vec::new(), aborted: None }
    }
}

impl<W: Wake> Wakes<W> {
    pub(crate) fn add(&mut self, waiter: Arc<W>, signal: Signal) {
        self.list.push((waiter, signal));
    }

    /// Adds `Abort` for all waiters of a queue.
    pub(crate) fn abort(&mut self, queue: Arc<Queue<W>>, reason: Reason) {
        self.aborted = Some(Box::new((queue, reason)));
    }

    /// Adds `Departed` for a waiter that has left the lane, if it has something to clean up.
    pub(crate) fn departed(&mut self, waiter: Option<Arc<W>>) {
        if let Some(waiter) = waiter.filter(|waiter| waiter.needs_cleanup()) {
            self.list.push((waiter, Signal::Departed));
        }
    }

    /// A wait that a call under the same handle replaces is the same wait: it gets no `abort`.
    pub fn drop_same(&mut self, same: impl Fn(&W) -> bool) {
        for (waiter, signal) in &mut self.list {
            if *signal == Signal::Abort(Reason::Cancelled) && same(waiter) {
                *signal = Signal::Departed;
            }
        }
    }

    /// The waiters with their signals.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<W>, Signal)> {
        let aborted = self.aborted.iter().flat_map(|aborted| {
            let (queue, reason) = &**aborted;
            queue.waiters().map(|waiter| (waiter, Signal::Abort(*reason)))
        });
        self.list.iter().map(|(waiter, signal)| (waiter, *signal)).chain(aborted)
    }

    /// How many signals there are.
    pub fn len(&self) -> usize {
        self.list.len() + self.aborted.as_ref().map_or(0, |aborted| aborted.0.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.aborted.is_none()
    }

    /// Delivers all signals, from a thread of this library or from the helper in its place.
    pub fn notify(self) {
        for (waiter, signal) in self.iter() {
            waiter.wake(signal);
        }
    }
}
