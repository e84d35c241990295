//! One direction of a socket: who has the turn (the head), and the queue behind it.
//!
//! A lane names no socket and no process. Whoever waits in it is a [`Wake`]; whoever holds its lock and finds a waiter to
//! wake puts it on a list ([`Wakes`]) and wakes it after the lock is released.
//!
//! The poller never waits for a lane: it leaves a mark and tries the lock. A thread that holds the lock meanwhile sees the
//! mark when it releases the lock, so that no event is lost between an attempt that said EAGAIN and the wait that follows.

mod claim;
pub(crate) mod queue;
pub mod tally;
mod waiters;
mod wake;
pub mod wakes;

pub use claim::{Claim, Direction};
pub use waiters::{Cancelled, Head, Turn, Waiters};
pub use wake::{Reason, Signal, Wake};

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use tally::Tally;
use wakes::Wakes;

/// What the lock of a lane protects: the waiters, the counters, and whatever else (`F`) belongs to the direction.
pub struct State<W: Wake, F> {
    /// Who waits.
    pub waiters: Waiters<W>,
    /// What reads (or writes) have done.
    pub tally: Tally,
    /// What accepts (or sendfiles) have done; most sockets never do either.
    pub apart: Option<Box<Tally>>,
    /// What the socket keeps here.
    pub own: F,
}

/// One direction of a socket.
pub struct Lane<W: Wake, F> {
    state: Mutex<State<W, F>>,
    /// An event came in while somebody held the lock.
    mark: AtomicBool,
}

impl<W: Wake, F> Lane<W, F> {
    /// A lane where nobody waits.
    pub fn new(own: F) -> Self {
        let state = State { waiters: Waiters::default(), tally: Tally::default(), apart: None, own };
        Self { state: Mutex::new(state), mark: AtomicBool::new(false) }
    }

    /// Holds the lane for the time of `work`. Whoever is to be woken is in the list beside the answer. `look` says whether an event
    /// wakes the head: it may be about what an earlier attempt has taken.
    pub fn hold<R>(
        &self,
        look: impl Fn(&mut State<W, F>) -> bool,
        work: impl FnOnce(&mut State<W, F>, &mut Wakes<W>) -> R,
    ) -> (R, Wakes<W>) {
        let mut wakes = Wakes::default();
        let mut state = self.state.lock();
        let answer = work(&mut state, &mut wakes);
        drop(state);
        fence(Ordering::SeqCst);
        if self.mark.load(Ordering::Relaxed) {
            self.deliver(look, &mut wakes);
        }
        (answer, wakes)
    }

    /// An event: wakes the head, or has the holder of the lock do it.
    pub fn event(&self, look: impl Fn(&mut State<W, F>) -> bool) -> Wakes<W> {
        let mut wakes = Wakes::default();
        self.mark.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.deliver(look, &mut wakes);
        wakes
    }

    fn deliver(&self, look: impl Fn(&mut State<W, F>) -> bool, wakes: &mut Wakes<W>) {
        while let Some(mut state) = self.state.try_lock() {
            // What comes after the look is another event.
            if self.mark.swap(false, Ordering::Relaxed) && state.waiters.head.is_some() && look(&mut state) {
                state.waiters.notify(wakes);
            }
            drop(state);
            fence(Ordering::SeqCst);
            if !self.mark.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}
