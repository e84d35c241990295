//! The waiters behind the head of a lane: a FIFO queue with an index by process and handle, so that no lookup is a
//! search.

use super::claim::Claim;
use super::wake::Wake;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A queue of waiters. Each has a sequence number, in the order of arrival.
pub(crate) struct Queue<W: Wake> {
    waiters: BTreeMap<u64, (Claim, Arc<W>)>,
    by_process: HashMap<W::Process, ProcessWaits>,
    next: u64,
}

/// The sequence numbers of the waiters of one process.
#[derive(Default)]
struct ProcessWaits {
    /// the process's own wait, of which it has at most one
    own: Option<u64>,
    /// its pending completions: the tag of each handle, and the sequence number
    completions: BTreeSet<(u64, u64)>,
}

impl<W: Wake> Default for Queue<W> {
    fn default() -> Self {
        Self { waiters: BTreeMap::new(), by_process: HashMap::new(), next: 0 }
    }
}

impl<W: Wake> Queue<W> {
    /// Appends a waiter.
    pub(crate) fn push(&mut self, claim: Claim, waiter: Arc<W>) {
        let number = self.next;
        self.next += 1;
        let waits = self.by_process.entry(waiter.process()).or_default();
        if waiter.is_completion() {
            waits.completions.insert((waiter.tag(), number));
        } else {
            waits.own = Some(number);
        }
        self.waiters.insert(number, (claim, waiter));
    }

    /// Removes the first waiter.
    pub(crate) fn pop(&mut self) -> Option<(Claim, Arc<W>)> {
        let (number, (claim, waiter)) = self.waiters.pop_first()?;
        self.unindex(number, &waiter);
        Some((claim, waiter))
    }

    /// Whether the process's own wait is here. Its pending completions do not count.
    pub(crate) fn has_own(&self, process: W::Process) -> bool {
        self.by_process.get(&process).is_some_and(|waits| waits.own.is_some())
    }

    /// Finds the waiter of a process for which `matches` holds: its own wait, or a completion whose handle has that
    /// tag. Returns the sequence number.
    pub(crate) fn find(&self, process: W::Process, tag: u64, matches: impl Fn(&W) -> bool) -> Option<u64> {
        let waits = self.by_process.get(&process)?;
        let tagged = waits.completions.range((tag, 0)..=(tag, u64::MAX)).map(|(_, number)| *number);
        let mut numbers = waits.own.into_iter().chain(tagged);
        numbers.find(|number| self.waiters.get(number).is_some_and(|(_, waiter)| matches(waiter)))
    }

    /// Removes the waiter that [`Queue::find`] finds.
    pub(crate) fn remove(&mut self, process: W::Process, tag: u64, matches: impl Fn(&W) -> bool) -> Option<Arc<W>> {
        let number = self.find(process, tag, matches)?;
        let (_, waiter) = self.waiters.remove(&number)?;
        self.unindex(number, &waiter);
        Some(waiter)
    }

    /// Removes all waiters of a process.
    pub(crate) fn remove_all(&mut self, process: W::Process) -> Vec<Arc<W>> {
        let waits = self.by_process.remove(&process).unwrap_or_default();
        let numbers = waits.own.into_iter().chain(waits.completions.into_iter().map(|(_, number)| number));
        numbers.filter_map(|number| self.waiters.remove(&number)).map(|(_, waiter)| waiter).collect()
    }

    /// The waiters of a process.
    pub(crate) fn of_process(&self, process: W::Process) -> impl Iterator<Item = &Arc<W>> {
        let numbers = self
            .by_process
            .get(&process)
            .into_iter()
            .flat_map(|waits| waits.own.iter().chain(waits.completions.iter().map(|(_, number)| number)));
        numbers.filter_map(|number| self.waiters.get(number)).map(|(_, waiter)| waiter)
    }

    /// All waiters, in FIFO order.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = &Arc<W>> {
        self.waiters.values().map(|(_, waiter)| waiter)
    }

    /// How many waiters there are.
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// How many wait with `claim`. Walks the queue.
    pub(crate) fn count(&self, claim: Claim) -> usize {
        self.waiters.values().filter(|(other, _)| *other == claim).count()
    }

    /// Removes a waiter from the index.
    fn unindex(&mut self, number: u64, waiter: &W) {
        let process = waiter.process();
        if let Some(waits) = self.by_process.get_mut(&process) {
            waits.completions.remove(&(waiter.tag(), number));
            waits.own = waits.own.filter(|own| *own != number);
            if waits.own.is_none() && waits.completions.is_empty() {
                self.by_process.remove(&process);
            }
        }
    }
}
