//! The table of a socket's observers: the processes that wait for events of its descriptor.
//!
//! It is locked briefly, below a lane and above the read-ahead buffer. Under the lock no message is sent and no waiter dropped:
//! what leaves the table is returned.

use crate::lane::Wake;
use crate::poller::duplicate::Duplicate;
use crate::sys;
use crate::sys::ready::Events;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

/// The observers of a socket. Most sockets never have one.
pub(crate) struct Observers<W: Wake>(Mutex<Option<Box<Table<W>>>>);

struct Table<W: Wake> {
    processes: HashMap<W::Process, BTreeMap<Number, Stage<W>>>,
    next: u64,
}

/// A wait of a process: the tag of its handle, and a number that no other one of the socket has.
pub(crate) type Number = (u64, u64);

enum Stage<W: Wake> {
    Waits(Waits<W>),
    /// It has left, and its message may be in flight.
    InFlight(Weak<W>),
}

/// A wait that has not been notified. With `duplicate` its registration is dropped.
pub(crate) struct Waits<W: Wake> {
    pub(crate) waiter: Arc<W>,
    pub(crate) events: Events,
    pub(crate) duplicate: Duplicate,
}

impl<W: Wake> Default for Observers<W> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<W: Wake> Observers<W> {
    /// Adds a wait that `register` registers under its number.
    pub(crate) fn add(
        &self,
        waiter: &Arc<W>,
        events: Events,
        register: impl FnOnce(Number) -> sys::Result<Duplicate>,
    ) -> sys::Result<Number> {
        let mut table = self.0.lock();
        let table = table.get_or_insert_with(|| Box::new(Table { processes: HashMap::new(), next: 0 }));
        let number = (waiter.tag(), table.next);
        let duplicate = register(number)?;
        table.next += 1;
        let waits = Waits { waiter: Arc::clone(waiter), events, duplicate };
        table.processes.entry(waiter.process()).or_default().insert(number, Stage::Waits(waits));
        Ok(number)
    }

    /// Takes a wait out of the table, if `allowed` says so. Until [`Observers::forget`] its message is in flight.
    pub(crate) fn take(
        &self,
        process: W::Process,
        number: Number,
        allowed: impl FnOnce(&Waits<W>) -> bool,
    ) -> Option<Waits<W>> {
        let mut table = self.0.lock();
        let stage = table.as_mut()?.processes.get_mut(&process)?.get_mut(&number)?;
        stage.waits().filter(|waits| allowed(waits))?;
        stage.leave()
    }

    /// The same for all waits for which `wanted` holds.
    pub(crate) fn take_all(&self, wanted: impl Fn(&Waits<W>) -> bool) -> Vec<(Number, Waits<W>)> {
        let mut table = self.0.lock();
        let all = table.iter_mut().flat_map(|table| table.processes.values_mut()).flatten();
        let wanted = all.filter(|(_, stage)| stage.waits().is_some_and(&wanted));
        wanted.filter_map(|(number, stage)| Some((*number, stage.leave()?))).collect()
    }

    /// Removes the record of a wait that was taken.
    pub(crate) fn forget(&self, process: W::Process, number: Number) {
        self.remove(process, |_| Some(number));
    }

    /// Removes the wait of a process under a handle of that tag for which `wanted` holds.
    pub(crate) fn remove_wait(
        &self,
        (process, tag): (W::Process, u64),
        wanted: impl Fn(&W) -> bool,
    ) -> Option<Waits<W>> {
        self.remove(process, |all| {
            let mut tagged = all.range((tag, 0)..=(tag, u64::MAX));
            let found = tagged.find(|(_, stage)| stage.waits().is_some_and(|waits| wanted(&waits.waiter)));
            found.map(|(number, _)| *number)
        })
    }

    /// Removes the record of a process that `find` finds.
    fn remove(
        &self,
        process: W::Process,
        find: impl FnOnce(&BTreeMap<Number, Stage<W>>) -> Option<Number>,
    ) -> Option<Waits<W>> {
        let mut whole = self.0.lock();
        let table = whole.as_mut()?;
        let all = table.processes.get_mut(&process)?;
        let removed = all.remove(&find(all)?);
        if all.is_empty() {
            table.processes.remove(&process);
        }
        if table.processes.is_empty() {
            *whole = None;
        }
        removed?.into_waits()
    }

    /// Removes all waits of a process.
    pub(crate) fn remove_process(&self, process: W::Process) -> Vec<Waits<W>> {
        let mut table = self.0.lock();
        let all = table.as_mut().and_then(|table| table.processes.remove(&process)).unwrap_or_default();
        all.into_values().filter_map(Stage::into_waits).collect()
    }

    /// The waiters of a process under handles of that tag whose messages may be in flight.
    pub(crate) fn in_flight(&self, process: W::Process, tag: u64) -> Vec<Arc<W>> {
        let table = self.0.lock();
        let all = table.iter().filter_map(|table| table.processes.get(&process));
        let weak = all.flat_map(|all| all.range((tag, 0)..=(tag, u64::MAX))).filter_map(|(_, stage)| match stage {
            Stage::InFlight(waiter) => waiter.upgrade(),
            Stage::Waits(_) => None,
        });
        weak.collect()
    }

    /// How many there are, those whose messages may be in flight among them.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().iter().flat_map(|table| table.processes.values()).map(BTreeMap::len).sum()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_none()
    }

    /// Calls `show` for each waiter of a process.
    pub(crate) fn for_each(&self, process: W::Process, show: impl Fn(&W)) {
        let table = self.0.lock();
        let all = table.iter().filter_map(|table| table.processes.get(&process)).flat_map(BTreeMap::values);
        all.filter_map(Stage::waits).for_each(|waits| show(&waits.waiter));
    }
}

impl<W: Wake> Stage<W> {
    fn waits(&self) -> Option<&Waits<W>> {
        if let Self::Waits(waits) = self { Some(waits) } else { None }
    }

    fn into_waits(self) -> Option<Waits<W>> {
        if let Self::Waits(waits) = self { Some(waits) } else { None }
    }

    fn leave(&mut self) -> Option<Waits<W>> {
        let weak = Arc::downgrade(&self.waits()?.waiter);
        std::mem::replace(self, Self::InFlight(weak)).into_waits()
    }
}
