//! The table of a socket's observers: the processes that wait for events of its descriptor.
//!
//! It is locked briefly, below a lane and above the read-ahead buffer. Under the lock no message is sent and no waiter dropped:
//! what leaves the table is returned.

use crate::lane::Wake;
use crate::poller::duplicate::Duplicate;
use crate::sys;
use crate::sys::ready::Events;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// The observers of a socket. Most sockets never have one.
pub(crate) struct Observers<W: Wake>(Mutex<Option<Box<Table<W>>>>);

struct Table<W: Wake> {
    processes: HashMap<W::Process, Vec<Observer<W>>>,
    next: u64,
}

/// One wait, under a number that no other one of the socket has.
struct Observer<W: Wake> {
    number: u64,
    stage: Stage<W>,
}

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
        register: impl FnOnce(u64) -> sys::Result<Duplicate>,
    ) -> sys::Result<u64> {
        let mut table = self.0.lock();
        let table = table.get_or_insert_with(|| Box::new(Table { processes: HashMap::new(), next: 0 }));
        let number = table.next;
        let duplicate = register(number)?;
        table.next += 1;
        let stage = Stage::Waits(Waits { waiter: Arc::clone(waiter), events, duplicate });
        table.processes.entry(waiter.process()).or_default().push(Observer { number, stage });
        Ok(number)
    }

    /// Takes a wait out of the table, if `allowed` says so. Until [`Observers::forget`] its message is in flight.
    pub(crate) fn take(
        &self,
        process: W::Process,
        number: u64,
        allowed: impl FnOnce(&Waits<W>) -> bool,
    ) -> Option<Waits<W>> {
        let mut table = self.0.lock();
        let observers = table.as_mut()?.processes.get_mut(&process)?;
        let observer = observers.iter_mut().find(|observer| observer.number == number)?;
        observer.waits().filter(|waits| allowed(waits))?;
        observer.leave()
    }

    /// The same for all waits for which `wanted` holds.
    pub(crate) fn take_all(&self, wanted: impl Fn(&Waits<W>) -> bool) -> Vec<(u64, Waits<W>)> {
        let mut table = self.0.lock();
        let observers = table.iter_mut().flat_map(|table| table.processes.values_mut()).flatten();
        let wanted = observers.filter(|observer| observer.waits().is_some_and(&wanted));
        wanted.filter_map(|observer| Some((observer.number, observer.leave()?))).collect()
    }

    /// Removes the record of a wait that was taken.
    pub(crate) fn forget(&self, process: W::Process, number: u64) {
        self.remove(process, |observer| observer.number == number);
    }

    /// Removes the wait of a process for which `wanted` holds.
    pub(crate) fn remove_wait(&self, process: W::Process, wanted: impl Fn(&W) -> bool) -> Option<Waits<W>> {
        self.remove(process, |observer| observer.waits().is_some_and(|waits| wanted(&waits.waiter)))
    }

    /// Removes the first record of a process for which `wanted` holds.
    fn remove(&self, process: W::Process, wanted: impl Fn(&Observer<W>) -> bool) -> Option<Waits<W>> {
        let mut whole = self.0.lock();
        let table = whole.as_mut()?;
        let observers = table.processes.get_mut(&process)?;
        let at = observers.iter().position(wanted)?;
        let removed = observers.swap_remove(at);
        if observers.is_empty() {
            table.processes.remove(&process);
        }
        if table.processes.is_empty() {
            *whole = None;
        }
        removed.into_waits()
    }

    /// Removes all waits of a process.
    pub(crate) fn remove_process(&self, process: W::Process) -> Vec<Waits<W>> {
        let mut table = self.0.lock();
        let observers = table.as_mut().and_then(|table| table.processes.remove(&process)).unwrap_or_default();
        observers.into_iter().filter_map(Observer::into_waits).collect()
    }

    /// The waiters of a process whose messages may be in flight.
    pub(crate) fn in_flight(&self, process: W::Process) -> Vec<Arc<W>> {
        let table = self.0.lock();
        let observers = table.iter().filter_map(|table| table.processes.get(&process)).flatten();
        let weak = observers.filter_map(|observer| match &observer.stage {
            Stage::InFlight(waiter) => waiter.upgrade(),
            Stage::Waits(_) => None,
        });
        weak.collect()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_none()
    }

    /// Calls `show` for each waiter of a process.
    pub(crate) fn for_each(&self, process: W::Process, show: impl Fn(&W)) {
        let table = self.0.lock();
        let observers = table.iter().filter_map(|table| table.processes.get(&process)).flatten();
        observers.filter_map(Observer::waits).for_each(|waits| show(&waits.waiter));
    }
}

impl<W: Wake> Observer<W> {
    fn waits(&self) -> Option<&Waits<W>> {
        if let Stage::Waits(waits) = &self.stage { Some(waits) } else { None }
    }

    fn into_waits(self) -> Option<Waits<W>> {
        if let Stage::Waits(waits) = self.stage { Some(waits) } else { None }
    }

    fn leave(&mut self) -> Option<Waits<W>> {
        let weak = Arc::downgrade(&self.waits()?.waiter);
        match std::mem::replace(&mut self.stage, Stage::InFlight(weak)) {
            Stage::Waits(waits) => Some(waits),
            Stage::InFlight(_) => None,
        }
    }
}
