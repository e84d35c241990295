//! Waiting for events of a descriptor without reading: an observer takes nothing from it, and no turn of its lanes.
//!
//! An observer has a registration of its own (`poller::duplicate`), for one event. An event is checked with poll(2): another call
//! may have taken what it was about, and then the registration asks for the next one.

use crate::lane::wakes::Wakes;
use crate::lane::{Cancelled, Direction, Reason, Signal, Wake};
use crate::poller::duplicate::Duplicate;
use crate::poller::epoll::Interest;
use crate::poller::event::{Event, Ready};
use crate::ring::ahead::Ahead;
use crate::socket::answer::Failure;
use crate::socket::observers::{Number, Waits};
use crate::socket::{Outcome, Socket};
use crate::sys;
use crate::sys::ready::Events;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// The answer of a call that waits for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// There are these events.
    Events(Events),
    /// There is none. A signal follows, after which the call is made again.
    Waiting,
    /// There is none, and the call does not wait.
    Nothing,
    /// A ring may still deliver bytes. The caller yields and tries again.
    Releasing,
}

/// What the poller notifies.
struct Source<W: Wake> {
    socket: Arc<Socket<W>>,
    process: W::Process,
    number: Number,
}

impl<W: Wake> Ready for Source<W> {
    fn ready(&self, _: Event) {
        self.socket.check_observer(self.process, self.number);
    }
}

impl<W: Wake> Socket<W> {
    /// Which of the events `asked` for there are, with errors and hang-ups. If there is none and the call `waits`, `waiter` makes
    /// its waiter. An earlier wait of the process `me` under a handle of that tag for which `same` holds is replaced.
    pub fn observe(
        self: &Arc<Self>,
        (asked, waits): (Events, bool),
        me: (W::Process, u64),
        waiter: impl FnOnce() -> W,
        same: impl Fn(&W) -> bool,
    ) -> Outcome<Result<Observed, Failure>, W> {
        self.hold(Direction::Read, |state, wakes| {
            let descriptor = state.data.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.as_fd().ok_or(Failure::Closed)?;
            self.end_observer(me, same, wakes);
            let now = self.events_now(fd, asked).map_err(Failure::Errno)?;
            if !now.is_empty() {
                return Ok(Observed::Events(now));
            }
            if !waits {
                let releasing = self.hiding(asked).is_some_and(Ahead::stop_receive);
                return Ok(if releasing { Observed::Releasing } else { Observed::Nothing });
            }
            self.add_observer(fd, asked, waiter(), wakes).map_err(Failure::Errno)
        })
    }

    /// Adds an observer, with the read lane held.
    pub(crate) fn add_observer(
        self: &Arc<Self>,
        fd: BorrowedFd<'_>,
        asked: Events,
        waiter: W,
        wakes: &mut Wakes<W>,
    ) -> sys::Result<Observed> {
        let (process, waiter) = (waiter.process(), Arc::new(waiter));
        self.hiding(asked).into_iter().for_each(Ahead::observe);
        let added = self.observers.add(&waiter, asked, |number| {
            let source = Source { socket: Arc::clone(self), process, number };
            Duplicate::register(fd, Interest::once(asked), self.poller, Arc::new(source))
        });
        let number = added.inspect_err(|_| {
            self.hiding(asked).into_iter().for_each(Ahead::end_observe);
            wakes.departed(Some(Arc::clone(&waiter)));
        })?;
        // A ring may have delivered bytes since the caller looked, for which there is no event of the kernel.
        if asked.read && self.ahead.as_ref().is_some_and(|ahead| ahead.ready() == Some(true)) {
            let now = self.events_now(fd, asked)?;
            if !now.is_empty()
                && let Some(waits) = self.observers.take(process, number, |_| true)
            {
                self.observers.forget(process, number);
                self.depart(waits, wakes);
                return Ok(Observed::Events(now));
            }
        }
        Ok(Observed::Waiting)
    }

    /// What there is now: in the kernel, in the read-ahead buffer, and errors that were taken from the kernel.
    fn events_now(&self, fd: BorrowedFd<'_>, asked: Events) -> sys::Result<Events> {
        let now = sys::ready::events_of(fd, asked)?;
        let ahead = self.ahead.as_ref();
        let kept = self.pending_error.is_some() || self.error_after_data.is_some();
        let error = kept || ahead.is_some_and(Ahead::has_error);
        let bytes = ahead.is_some_and(|ahead| ahead.ready() == Some(true));
        Ok(Events {
            read: now.read || asked.read && (bytes || error),
            write: now.write || asked.write && error,
            error: now.error || error,
            ..now
        })
    }

    /// The read-ahead buffer, if a ring that fills it would hide such events.
    fn hiding(&self, events: Events) -> Option<&Ahead> {
        self.ahead.as_ref().filter(|_| events.read || events.priority)
    }

    /// The poller has reported an event for an observer.
    fn check_observer(&self, process: W::Process, number: Number) {
        let waits = self.observers.take(process, number, |waits| {
            let now = self.events_now(waits.duplicate.as_fd(), waits.events);
            let taken = now.is_ok_and(Events::is_empty);
            !taken || waits.duplicate.rearm(Interest::once(waits.events)).is_err()
        });
        waits.into_iter().for_each(|waits| self.notify_observer(number, waits));
    }

    /// A ring, or a call, may have put something into the read-ahead buffer. The kernel has no event for that.
    pub(crate) fn check_observers_of_ahead(&self) {
        let Some(ahead) = self.ahead.as_ref().filter(|_| !self.observers.is_empty()) else {
            return;
        };
        if ahead.ready() == Some(true) {
            let error = ahead.has_error();
            let waits = self.observers.take_all(|waits| error || waits.events.read);
            waits.into_iter().for_each(|(number, waits)| self.notify_observer(number, waits));
        }
    }

    fn notify_observer(&self, number: Number, waits: Waits<W>) {
        let waiter = self.unregister(waits);
        waiter.wake(Signal::Ready);
        if waiter.needs_cleanup() {
            waiter.wake(Signal::Departed);
        }
        self.observers.forget(waiter.process(), number);
    }

    /// Ends the registration of a wait that was taken out of the table.
    fn unregister(&self, waits: Waits<W>) -> Arc<W> {
        self.hiding(waits.events).into_iter().for_each(Ahead::end_observe);
        waits.waiter
    }

    fn depart(&self, waits: Waits<W>, wakes: &mut Wakes<W>) {
        wakes.departed(Some(self.unregister(waits)));
    }

    fn end_observer(&self, me: (W::Process, u64), same: impl Fn(&W) -> bool, wakes: &mut Wakes<W>) -> bool {
        let removed = self.observers.remove_wait(me, same);
        let found = removed.is_some();
        removed.into_iter().for_each(|waits| self.depart(waits, wakes));
        found
    }

    /// Ends the wait of `me`, under a handle of that tag, for which `matches` holds, as [`Socket::cancel`] does for a waiter of a lane.
    pub fn cancel_observer(
        &self,
        me: (W::Process, u64),
        matches: impl Fn(&W) -> bool,
    ) -> Outcome<Result<Cancelled, Failure>, W> {
        self.hold(Direction::Read, |state, wakes| {
            if self.end_observer(me, &matches, wakes) {
                return Ok(Cancelled::Clean);
            }
            let in_flight = self.observers.in_flight(me.0, me.1).into_iter().find(|waiter| matches(waiter));
            match in_flight.map(|waiter| waiter.notified()) {
                Some(false) => Ok(Cancelled::Sending),
                _ if !state.data.open() => Err(Failure::Closed),
                Some(true) => Ok(Cancelled::Sent),
                None => Ok(Cancelled::NotFound),
            }
        })
    }

    /// How many processes' waits for events there are, counted by handle.
    pub fn observers(&self) -> usize {
        self.observers.len()
    }

    /// Removes the observers of a process that has ended.
    pub(crate) fn remove_observers(&self, process: W::Process, wakes: &mut Wakes<W>) {
        self.observers.remove_process(process).into_iter().for_each(|waits| self.depart(waits, wakes));
    }

    /// Aborts all observers, because the socket is closed. Their duplicates are closed before the descriptor.
    pub(crate) fn abort_observers(&self, wakes: &mut Wakes<W>) -> Vec<Duplicate> {
        let all = self.observers.take_all(|_| true).into_iter();
        let duplicates = all.map(|(_, Waits { waiter, duplicate, .. })| {
            wakes.add(waiter, Signal::Abort(Reason::Closed));
            duplicate
        });
        duplicates.collect()
    }
}
