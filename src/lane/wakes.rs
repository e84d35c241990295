//! Who is to be told what, once the lock of a lane is released.

use super::queue::Queue;
use super::wake::{Reason, Signal, Wake};
use std::sync::Arc;

/// Waiters to be told something, each with what. They are taken from the lane and no lock is held; whoever has the list
/// tells them.
#[must_use]
pub struct Wakes<W: Wake> {
    list: Vec<(Arc<W>, Signal)>,
    /// A whole queue: seldom, so apart.
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

    /// A queue is told why its waits have ended.
    pub(crate) fn abort(&mut self, queue: Arc<Queue<W>>, reason: Reason) {
        self.aborted = Some(Box::new((queue, reason)));
    }

    /// A waiter has left: only one with something to clear up is told.
    pub(crate) fn departed(&mut self, waiter: Option<Arc<W>>) {
        if let Some(waiter) = waiter.filter(|waiter| waiter.needs_cleanup()) {
            self.list.push((waiter, Signal::Departed));
        }
    }

    /// A wait under the handle of the call that takes its place is the same wait: it is told nothing.
    pub fn drop_same(&mut self, same: impl Fn(&W) -> bool) {
        for (waiter, signal) in &mut self.list {
            if *signal == Signal::Abort(Reason::Cancelled) && same(waiter) {
                *signal = Signal::Departed;
            }
        }
    }

    /// Who is to be told what.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<W>, Signal)> {
        let aborted = self.aborted.iter().flat_map(|aborted| {
            let (queue, reason) = &**aborted;
            queue.waiters().map(|waiter| (waiter, Signal::Abort(*reason)))
        });
        self.list.iter().map(|(waiter, signal)| (waiter, *signal)).chain(aborted)
    }

    /// How many are to be told.
    pub fn len(&self) -> usize {
        self.list.len() + self.aborted.as_ref().map_or(0, |aborted| aborted.0.len())
    }

    /// Whether there is nobody to tell.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.aborted.is_none()
    }

    /// Tells everybody, from a thread of our own or in its place.
    pub fn tell(self) {
        for (waiter, signal) in self.iter() {
            waiter.wake(signal);
        }
    }
}
