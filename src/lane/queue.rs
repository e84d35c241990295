//! The waiters behind the head of a lane: first in, first out, and found by process and handle without a search.

use super::claim::Claim;
use super::wake::Wake;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A queue of waiters. Each has a number, which says when it came.
pub(crate) struct Queue<W: Wake> {
    waiters: BTreeMap<u64, (Claim, Arc<W>)>,
    places: HashMap<W::Process, Places>,
    next: u64,
}

/// Where the waiters of one process stand.
#[derive(Default)]
struct Places {
    /// The process's own wait, of which it has one.
    own: Option<u64>,
    /// Its pending completions: the tag of each handle, and the number of the waiter.
    completions: BTreeSet<(u64, u64)>,
}

impl<W: Wake> Default for Queue<W> {
    fn default() -> Self {
        Self { waiters: BTreeMap::new(), places: HashMap::new(), next: 0 }
    }
}

impl<W: Wake> Queue<W> {
    /// Puts a waiter at the end.
    pub(crate) fn push(&mut self, claim: Claim, waiter: Arc<W>) {
        let number = self.next;
        self.next += 1;
        let places = self.places.entry(waiter.process()).or_default();
        if waiter.is_completion() {
            places.completions.insert((waiter.tag(), number));
        } else {
            places.own = Some(number);
        }
        self.waiters.insert(number, (claim, waiter));
    }

    /// Takes the first waiter out.
    pub(crate) fn pop(&mut self) -> Option<(Claim, Arc<W>)> {
        let (number, (claim, waiter)) = self.waiters.pop_first()?;
        self.forget(number, &waiter);
        Some((claim, waiter))
    }

    /// Whether the process itself waits here. Its pending completions are not its own waits.
    pub(crate) fn has_own(&self, process: W::Process) -> bool {
        self.places.get(&process).is_some_and(|places| places.own.is_some())
    }

    /// The waiter of a process for which `is` holds, its own wait or a completion under a handle of that tag, by its number.
    pub(crate) fn find(&self, process: W::Process, tag: u64, is: impl Fn(&W) -> bool) -> Option<u64> {
        let places = self.places.get(&process)?;
        let tagged = places.completions.range((tag, 0)..=(tag, u64::MAX)).map(|(_, number)| *number);
        let mut numbers = places.own.into_iter().chain(tagged);
        numbers.find(|number| self.waiters.get(number).is_some_and(|(_, waiter)| is(waiter)))
    }

    /// Takes that waiter out.
    pub(crate) fn remove(&mut self, process: W::Process, tag: u64, is: impl Fn(&W) -> bool) -> Option<Arc<W>> {
        let number = self.find(process, tag, is)?;
        let (_, waiter) = self.waiters.remove(&number)?;
        self.forget(number, &waiter);
        Some(waiter)
    }

    /// Takes out all waiters of a process.
    pub(crate) fn remove_all(&mut self, process: W::Process) -> Vec<Arc<W>> {
        let places = self.places.remove(&process).unwrap_or_default();
        let numbers = places.own.into_iter().chain(places.completions.into_iter().map(|(_, number)| number));
        numbers.filter_map(|number| self.waiters.remove(&number)).map(|(_, waiter)| waiter).collect()
    }

    /// The waiters of a process.
    pub(crate) fn of(&self, process: W::Process) -> impl Iterator<Item = &Arc<W>> {
        let numbers = self
            .places
            .get(&process)
            .into_iter()
            .flat_map(|places| places.own.iter().chain(places.completions.iter().map(|(_, number)| number)));
        numbers.filter_map(|number| self.waiters.get(number)).map(|(_, waiter)| waiter)
    }

    /// All waiters, first in, first out.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = &Arc<W>> {
        self.waiters.values().map(|(_, waiter)| waiter)
    }

    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// How many wait for `claim`.
    pub(crate) fn waiting(&self, claim: Claim) -> usize {
        self.waiters.values().filter(|(other, _)| *other == claim).count()
    }

    fn forget(&mut self, number: u64, waiter: &W) {
        let process = waiter.process();
        if let Some(places) = self.places.get_mut(&process) {
            places.completions.remove(&(waiter.tag(), number));
            places.own = places.own.filter(|own| *own != number);
            if places.own.is_none() && places.completions.is_empty() {
                self.places.remove(&process);
            }
        }
    }
}
