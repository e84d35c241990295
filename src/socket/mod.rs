//! A socket: a descriptor and two lanes, one for each direction.

pub mod answer;
pub mod backend;
pub mod backoff;
pub mod call;
pub mod census;
pub mod completion;
pub mod descriptor;
pub mod leave;
pub mod numbers;
pub mod observe;
pub(crate) mod observers;
pub mod open;
pub mod option;
pub mod pending_error;
pub mod probe;
pub mod readiness;
pub mod registry;
pub mod run;
pub mod settings;
pub mod waiting;
pub mod yielding;

use crate::lane::wakes::Wakes;
use crate::lane::{Claim, Direction, Lane, State, Wake};
use crate::poller::epoll::Poller;
use crate::poller::event::{Event, Ready};
use crate::poller::registration::Registration;
use crate::ring::ahead::Ahead;
use crate::socket::answer::Failure;
use crate::socket::backend::Backend;
use crate::socket::backoff::Backoff;
use crate::socket::descriptor::Descriptor;
use crate::socket::observers::Observers;
use crate::socket::pending_error::PendingError;
use crate::socket::probe::Probe;
use crate::socket::settings::Settings;
use crate::socket::yielding::YieldPolicy;
use crate::sys;
pub use crate::sys::kind::{Kind, Origin};
use crate::sys::ready::Readiness;
use crate::wire::errno::Errno;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// What a socket keeps for each direction, under the lock of its lane.
pub struct Side {
    /// the descriptor, which both lanes refer to; `None` after `close`
    pub(crate) fd: Option<Arc<Descriptor>>,
    /// bind(2) succeeded.
    pub bound: bool,
    /// listen(2) succeeded.
    pub listening: bool,
    /// The socket has a peer.
    pub connected: bool,
    /// A caller has waited in this direction (OTP's state `selected`).
    pub selected: bool,
    /// when to yield before a wait
    pub(crate) yield_policy: YieldPolicy,
    /// the back-off of accept, while descriptors or memory have run out
    pub(crate) shortage: Option<Box<Backoff>>,
    /// the poller's round after the last attempt that left a head in the lane
    pub(crate) attempt_round: u64,
    /// what reports room at the receiver of a Unix datagram, while the head waits for it
    pub(crate) probe: Option<Box<Probe>>,
}

/// What reports that there is something to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventSource {
    /// The ring if it receives, otherwise the poller.
    Ring {
        /// A receive of the ring may be started.
        may_start: bool,
    },
    /// The poller alone, for example because the caller waits for urgent data or for the error queue.
    Poller,
}

/// A socket, with waiters of type `W`.
pub struct Socket<W: Wake> {
    /// its domain, type and protocol
    pub kind: Kind,
    /// where its descriptor comes from
    pub origin: Origin,
    /// the options of level `otp`
    pub settings: Settings,
    /// SO_LINGER may be on, so that close(2) may block.
    pub(crate) lingers: AtomicBool,
    /// A timer of the poller is set that reports the socket writable.
    pub(crate) timer_set: AtomicBool,
    /// An error of the socket itself, taken from the kernel. The next call reports it, in either direction.
    pub(crate) pending_error: PendingError,
    /// An error that a peek found behind the data. The call that reaches the end of the stream reports it.
    pub(crate) error_after_data: PendingError,
    pub(crate) read: Lane<W, Side>,
    pub(crate) write: Lane<W, Side>,
    pub(crate) registration: Registration,
    pub(crate) poller: &'static Arc<Poller>,
    /// epoll or io_uring
    pub backend: Backend,
    /// the read-ahead buffer of a stream, with the back end io_uring
    pub(crate) ahead: Option<Ahead>,
    pub(crate) observers: Observers<W>,
}

/// A result, and the notifications to deliver.
pub type Outcome<T, W> = (T, Wakes<W>);

impl<W: Wake> Socket<W> {
    /// Runs `work` under the lock of a lane.
    pub(crate) fn hold<R>(
        &self,
        direction: Direction,
        work: impl FnOnce(&mut State<W, Side>, &mut Wakes<W>) -> R,
    ) -> Outcome<R, W> {
        let lane = match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        };
        lane.hold(|state| self.wakes_head(state, 0), work)
    }

    /// Whether an event notifies the head: an attempt would succeed, or the head does not rely on `select` and finds
    /// out by its own attempt.
    fn wakes_head(&self, state: &mut State<W, Side>, round: u64) -> bool {
        let no_event = state.data.probe.as_ref().is_some_and(|probe| !probe.room());
        if no_event || !state.waiters.relies_on_select() {
            return !no_event;
        }
        let descriptor = state.data.fd.clone();
        let (Some(fd), Some(head)) = (descriptor.as_deref().and_then(Descriptor::as_fd), &state.waiters.head) else {
            return true;
        };
        let (claim, least) = (head.claim, head.waiter.least());
        if round > state.data.attempt_round && least == 1 && state.data.probe.is_none() {
            // No attempt has taken anything since the kernel reported this event.
            return true;
        }
        // A pending error, which another call may have found, is something to report as well.
        match self.look_for(fd, claim, least) {
            _ if self.pending_error.is_some() => true,
            Readiness::Ready => true,
            Readiness::NotReady => false,
            Readiness::Error if claim == Claim::Connect => true,
            Readiness::Error => {
                // An entry of the error queue (MSG_ERRQUEUE) is nothing to receive. The socket's own error is
                // reported only once by SO_ERROR, so it is kept for the next call.
                let errno = sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR).unwrap_or(0);
                if errno != 0 {
                    self.pending_error.put(Errno::new(errno));
                }
                errno != 0
            }
        }
    }

    /// Looks for what a waiter waits for. For reading that is `least` bytes, read ahead or in the kernel, or the end
    /// of the stream; with `least` 0 an error, which may be an entry of the error queue. For writing it is room.
    fn look_for(&self, fd: BorrowedFd<'_>, claim: Claim, least: usize) -> Readiness {
        let found = |there| if there { Readiness::Ready } else { Readiness::NotReady };
        let ahead = self.ahead.as_ref().filter(|_| claim == Claim::Read);
        let here = ahead.map_or(0, Ahead::len);
        match claim.direction() {
            Direction::Write => sys::ready::check(fd, false),
            Direction::Read if least == 0 => found(sys::ready::error(fd)),
            Direction::Read if ahead.is_some_and(|ahead| ahead.ready() == Some(true)) && here >= least => {
                Readiness::Ready
            }
            Direction::Read if least.saturating_sub(here) > 1 => {
                found(sys::ready::has_bytes(fd, least.saturating_sub(here)))
            }
            Direction::Read => sys::ready::check(fd, true),
        }
    }

    /// Makes sure that an event follows in this direction: from the ring if `from` names it and it receives,
    /// otherwise from the poller.
    pub(crate) fn register(
        self: &Arc<Self>,
        fd: BorrowedFd<'_>,
        direction: Direction,
        from: EventSource,
    ) -> sys::Result<()> {
        if direction == Direction::Read
            && let Some(here) = &self.ahead
            && let EventSource::Ring { may_start } = from
        {
            let (most, may_start) = (self.settings.read_ahead.load(Relaxed), may_start.then(Instant::now));
            if here.arm(fd, most, may_start, self.poller.traffic.lastingly_dense(), || Arc::<Self>::clone(self)) {
                // Otherwise both threads would be woken for each message.
                self.registration.disarm(fd, self.poller);
                return Ok(());
            }
        }
        self.registration.arm(fd, self.poller, direction, || Arc::<Self>::clone(self))
    }

    /// Whether an attempt would not block.
    pub(crate) fn ready(&self, fd: BorrowedFd<'_>, claim: Claim) -> bool {
        let ahead = self.ahead.as_ref().filter(|_| claim == Claim::Read).and_then(Ahead::ready);
        ahead.unwrap_or_else(|| ready(fd, claim))
    }

    /// Whether an attempt of this waiter would not block.
    pub(crate) fn ready_for(self: &Arc<Self>, fd: BorrowedFd<'_>, claim: Claim, waiter: &W) -> bool {
        if !waiter.relies_on_select() {
            return self.ready(fd, claim);
        }
        let found = self.look_for(fd, claim, waiter.least());
        if found == Readiness::Error {
            // `wakes_head` tells the kinds of error apart, but needs the state of the lane. The poller calls it at
            // once, as for an event.
            self.poller.notify_at(Instant::now(), claim.direction() == Direction::Write, Arc::<Self>::clone(self));
        }
        found == Readiness::Ready
    }

    /// Whether an attempt of `next`, the new head, would not block. If it would, the descriptor is registered, so
    /// that an event follows. If that fails the answer is `true`: the attempt of `next` reports the error.
    pub(crate) fn ready_for_next(self: &Arc<Self>, fd: BorrowedFd<'_>, claim: Claim, next: &W) -> bool {
        // `next` may wait for something that a ring does not report. It does not rely on `select`, so it is notified,
        // attempts, and registers for what it needs.
        let ring =
            !next.relies_on_select() && claim == Claim::Read && self.ahead.as_ref().is_some_and(Ahead::receiving);
        let ready = ring || self.ready_for(fd, claim, next);
        ready || self.register(fd, claim.direction(), EventSource::Poller).is_err()
    }

    /// A receive succeeded without a wait, and no other caller waits.
    pub(crate) fn received_without_wait(&self, fd: BorrowedFd<'_>) {
        self.registration.received_without_wait(fd, self.poller);
        if let Some(ahead) = &self.ahead {
            ahead.received_without_wait();
        }
    }

    /// Sets a timer: at that time the poller reports the socket readable.
    pub(crate) fn readable_at(self: &Arc<Self>, at: Instant) {
        let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
        self.poller.notify_at(at, false, source);
    }

    /// Calls `show` for each waiter of a process, in both directions, and each observer.
    pub fn for_each_waiter(&self, process: W::Process, show: impl Fn(&W)) -> [Wakes<W>; 2] {
        self.observers.for_each(process, &show);
        [Direction::Read, Direction::Write]
            .map(|direction| self.hold(direction, |state, _| state.waiters.of_process(process).for_each(|w| show(w))).1)
    }

    /// Runs `work` with the descriptor, if it is used as a socket, under the lock of the read lane.
    pub fn with_descriptor<T>(
        &self,
        work: impl FnOnce(BorrowedFd<'_>, &mut Side) -> sys::Result<T>,
    ) -> Outcome<Result<T, Failure>, W> {
        self.with_any_descriptor(
            |fd, side| {
                if self.kind.is_socket() { work(fd, side) } else { Err(Errno::new(libc::ENOTSOCK)) }
            },
        )
    }

    /// The same for a descriptor that may be used for waiting alone.
    pub(crate) fn with_any_descriptor<T>(
        &self,
        work: impl FnOnce(BorrowedFd<'_>, &mut Side) -> sys::Result<T>,
    ) -> Outcome<Result<T, Failure>, W> {
        self.hold(Direction::Read, |state, _| {
            let descriptor = state.data.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.as_fd().ok_or(Failure::Closed)?;
            work(fd, &mut state.data).map_err(Failure::Errno)
        })
    }

    /// How many bytes were read ahead and are not yet received.
    pub fn read_ahead(&self) -> usize {
        self.ahead.as_ref().map_or(0, Ahead::len)
    }

    /// Inspects a lane, for `info`.
    pub fn inspect<T>(&self, direction: Direction, look: impl FnOnce(&State<W, Side>) -> T) -> Outcome<T, W> {
        self.hold(direction, |state, _| look(state))
    }
}

impl Side {
    /// Whether the socket is open.
    pub fn open(&self) -> bool {
        self.fd.is_some()
    }
}

impl<W: Wake> Ready for Socket<W> {
    fn ready(&self, event: Event) {
        // SO_ERROR reports the result of a connect only once. It is for the call that connects, not for a reader: the
        // write lane comes first.
        if event.writable {
            self.timer_set.store(false, Relaxed);
            self.write.event(|state| self.wakes_head(state, event.round)).notify();
        }
        if event.readable {
            self.read.event(|state| self.wakes_head(state, event.round)).notify();
            self.check_observers_of_ahead();
        }
    }
}

/// Whether an attempt on the descriptor would not block.
fn ready(fd: BorrowedFd<'_>, claim: Claim) -> bool {
    match claim.direction() {
        Direction::Read => sys::ready::readable(fd),
        Direction::Write => sys::ready::writable(fd),
    }
}
