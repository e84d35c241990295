//! What a socket is and how calls take turns: a descriptor and two lanes, one for each direction.

pub mod answer;
pub mod backend;
pub mod backoff;
pub mod call;
pub mod census;
pub mod completion;
pub mod descriptor;
pub mod leave;
pub mod open;
pub mod patience;
pub mod pending_error;
pub mod probe;
pub mod readiness;
pub mod registry;
pub mod run;
pub mod settings;
pub mod waiting;

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
use crate::socket::patience::Patience;
use crate::socket::pending_error::PendingError;
use crate::socket::probe::Probe;
use crate::socket::settings::Settings;
use crate::sys;
pub use crate::sys::kind::{Kind, Origin};
use crate::sys::ready::Readiness;
use crate::wire::errno::Errno;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// What the lanes share: their own way to the descriptor, and flags for `info`.
pub struct Side {
    pub(crate) fd: Option<Arc<Descriptor>>,
    /// bind(2) was called.
    pub bound: bool,
    /// listen(2) was called.
    pub listening: bool,
    /// It has a peer.
    pub connected: bool,
    /// Somebody has waited in this direction.
    pub selected: bool,
    /// How often to try again before waiting.
    pub(crate) patience: Patience,
    /// What accept has run out of.
    pub(crate) shortage: Option<Box<Backoff>>,
    /// The poller's round at the last attempt beside somebody who waits, or before.
    pub(crate) round: u64,
    /// Who tells of room at the receiver that is waited for.
    pub(crate) probe: Option<Box<Probe>>,
}

/// Who brings an event for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventSource {
    /// The ring if it receives; `begins`: it is to, if it can.
    Ring {
        /// It may be told to receive.
        begins: bool,
    },
    /// The poller: it is not among the stream's bytes.
    Poller,
}

/// A socket. Whoever waits on it is a `W`.
pub struct Socket<W: Wake> {
    /// What it is.
    pub kind: Kind,
    /// Where its descriptor comes from.
    pub origin: Origin,
    /// Level `otp`.
    pub settings: Settings,
    /// close(2) may block: SO_LINGER may be on.
    pub(crate) lingers: AtomicBool,
    /// The poller is to come back to it without an event.
    pub(crate) timer_set: AtomicBool,
    /// An error of the socket's own: the next call is told, in whatever direction.
    pub(crate) pending_error: PendingError,
    /// One that a look has met behind what it saw: who comes to the end is told.
    pub(crate) error_after_data: PendingError,
    pub(crate) read: Lane<W, Side>,
    pub(crate) write: Lane<W, Side>,
    pub(crate) registration: Registration,
    pub(crate) poller: &'static Arc<Poller>,
    /// What waits for it.
    pub backend: Backend,
    /// Of a stream with io_uring.
    pub(crate) ahead: Option<Ahead>,
}

/// An answer, and whoever is to be woken besides.
pub type Outcome<T, W> = (T, Wakes<W>);

impl<W: Wake> Socket<W> {
    /// Holds the lane of a direction.
    pub(crate) fn hold<R>(
        &self,
        direction: Direction,
        work: impl FnOnce(&mut State<W, Side>, &mut Wakes<W>) -> R,
    ) -> Outcome<R, W> {
        let lane = match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        };
        lane.hold(|state| self.fresh(state, 0), work)
    }

    /// Whether an event wakes the head: there is something for it, or it finds out itself.
    fn fresh(&self, state: &mut State<W, Side>, round: u64) -> bool {
        let no_event = state.own.probe.as_ref().is_some_and(|probe| !probe.room());
        if no_event || !state.waiters.relies_on_select() {
            return !no_event;
        }
        let descriptor = state.own.fd.clone();
        let (Some(fd), Some(head)) = (descriptor.as_deref().and_then(Descriptor::as_fd), &state.waiters.head) else {
            return true;
        };
        let (claim, least) = (head.claim, head.waiter.least());
        if round > state.own.round && least == 1 && state.own.probe.is_none() {
            // Nobody has taken anything since the kernel said so.
            return true;
        }
        // What others have met is told besides.
        match self.has(fd, claim, least) {
            _ if self.pending_error.is_some() => true,
            Readiness::Ready => true,
            Readiness::NotReady => false,
            Readiness::Error if claim == Claim::Connect => true,
            Readiness::Error => {
                // One that is only queued for another look is nothing to receive. What is the socket's own is told once: here it is kept.
                let errno = sys::option::get_int(fd, libc::SOL_SOCKET, libc::SO_ERROR).unwrap_or(0);
                if errno != 0 {
                    self.pending_error.put(Errno::new(errno));
                }
                errno != 0
            }
        }
    }

    /// Whether there is so much to read, here or behind the descriptor, or room, or an end; of what is beside the data, with 0,
    /// whether there is any.
    fn has(&self, fd: BorrowedFd<'_>, claim: Claim, least: usize) -> Readiness {
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

    /// There will be an event in this direction: from the ring, where it may bring it, or from the poller.
    pub(crate) fn register(
        self: &Arc<Self>,
        fd: BorrowedFd<'_>,
        direction: Direction,
        from: EventSource,
    ) -> sys::Result<()> {
        if direction == Direction::Read
            && let Some(here) = &self.ahead
            && let EventSource::Ring { begins } = from
        {
            let (most, begins) = (self.settings.read_ahead.load(Relaxed), begins.then(Instant::now));
            if here.arm(fd, most, begins, self.poller.traffic.lasting(), || Arc::<Self>::clone(self)) {
                // Both would be woken for each message.
                self.registration.disarm(fd, self.poller);
                return Ok(());
            }
        }
        self.registration.want(fd, self.poller, direction, || Arc::<Self>::clone(self))
    }

    /// Whether an attempt would get something.
    pub(crate) fn ready(&self, fd: BorrowedFd<'_>, claim: Claim) -> bool {
        let ahead = self.ahead.as_ref().filter(|_| claim == Claim::Read).and_then(Ahead::ready);
        ahead.unwrap_or_else(|| ready(fd, claim))
    }

    /// Whether an attempt of this waiter would get something.
    pub(crate) fn ready_for(self: &Arc<Self>, fd: BorrowedFd<'_>, claim: Claim, waiter: &W) -> bool {
        if !waiter.relies_on_select() {
            return self.ready(fd, claim);
        }
        let found = self.has(fd, claim, waiter.least());
        if found == Readiness::Error {
            // Whose it is only a look with the lane can tell: as of an event.
            self.poller.notify_at(Instant::now(), claim.direction() == Direction::Write, Arc::<Self>::clone(self));
        }
        found == Readiness::Ready
    }

    /// Whether `next`, who is the first in line now, would get something. If not, there will be an event for it; where there
    /// cannot be, it meets the error itself.
    pub(crate) fn ready_for_next(self: &Arc<Self>, fd: BorrowedFd<'_>, claim: Claim, next: &W) -> bool {
        // It may wait for what a ring does not bring: who tries again himself finds out, and says so.
        let ring = !next.relies_on_select() && claim == Claim::Read && self.ahead.as_ref().is_some_and(Ahead::armed);
        let ready = ring || self.ready_for(fd, claim, next);
        ready || self.register(fd, claim.direction(), EventSource::Poller).is_err()
    }

    /// Somebody has got something without having waited for it, and nobody else waits.
    pub(crate) fn received_without_wait(&self, fd: BorrowedFd<'_>) {
        self.registration.received_without_wait(fd, self.poller);
        if let Some(ahead) = &self.ahead {
            ahead.received_without_wait();
        }
    }

    /// Lets the poller say at a time that the socket may be readable.
    pub(crate) fn readable_at(self: &Arc<Self>, at: Instant) {
        let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
        self.poller.notify_at(at, false, source);
    }

    /// Shows the waiters of a process.
    pub fn waiters(&self, process: W::Process, show: impl Fn(&W)) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write]
            .map(|direction| self.hold(direction, |state, _| state.waiters.of(process).for_each(|w| show(w))).1)
    }

    /// Uses the descriptor, in the turn of the read lane.
    pub fn with<T>(
        &self,
        work: impl FnOnce(BorrowedFd<'_>, &mut Side) -> sys::Result<T>,
    ) -> Outcome<Result<T, Failure>, W> {
        self.hold(Direction::Read, |state, _| {
            let descriptor = state.own.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.as_fd().ok_or(Failure::Closed)?;
            work(fd, &mut state.own).map_err(Failure::Errno)
        })
    }

    /// How many bytes were read ahead, and nobody has taken yet.
    pub fn read_ahead(&self) -> usize {
        self.ahead.as_ref().map_or(0, Ahead::len)
    }

    /// A look at a lane, for `info`.
    pub fn look<T>(&self, direction: Direction, look: impl FnOnce(&State<W, Side>) -> T) -> Outcome<T, W> {
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
        // How a connect has ended is told once, and to who connects, not to who reads.
        if event.writable {
            self.timer_set.store(false, Relaxed);
            self.write.event(|state| self.fresh(state, event.round)).tell();
        }
        if event.readable {
            self.read.event(|state| self.fresh(state, event.round)).tell();
        }
    }
}

/// Whether an attempt would get something.
fn ready(fd: BorrowedFd<'_>, claim: Claim) -> bool {
    match claim.direction() {
        Direction::Read => sys::ready::readable(fd),
        Direction::Write => sys::ready::writable(fd),
    }
}
