//! A lane: one direction of a socket with its lock, the head of its queue (which has the turn), and the waiters
//! behind the head.
//!
//! A lane knows neither sockets nor processes: a waiter is a [`Wake`]. A thread that holds the lock and finds a
//! waiter to notify adds it to a list ([`Wakes`]), and delivers the list after it has released the lock.
//!
//! The poller thread never blocks on a lane: it sets `event_pending` and tries the lock. If another thread holds the
//! lock, that thread sees the flag when it has released the lock, and handles the event. So no event is lost between
//! an attempt that fails with EAGAIN and the wait that follows.

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

/// What the lock of a lane protects.
pub struct State<W: Wake, F> {
    /// the waiters
    pub waiters: Waiters<W>,
    /// counters of reads, or of writes
    pub tally: Tally,
    /// counters of accepts, or of sendfiles; most sockets never do either
    pub separate_tally: Option<Box<Tally>>,
    /// what the socket keeps for the direction
    pub data: F,
}

/// One direction of a socket.
pub struct Lane<W: Wake, F> {
    state: Mutex<State<W, F>>,
    /// An event has come that no thread has handled yet: another thread may hold the lock.
    event_pending: AtomicBool,
}

impl<W: Wake, F> Lane<W, F> {
    /// A lane without waiters.
    pub fn new(data: F) -> Self {
        let state = State { waiters: Waiters::default(), tally: Tally::default(), separate_tally: None, data };
        Self { state: Mutex::new(state), event_pending: AtomicBool::new(false) }
    }

    /// Runs `work` under the lock. Returns its result, and the notifications to deliver. If an event came meanwhile,
    /// `wakes_head` says whether it notifies the head: the event may be about data that an earlier attempt took.
    pub fn hold<R>(
        &self,
        wakes_head: impl Fn(&mut State<W, F>) -> bool,
        work: impl FnOnce(&mut State<W, F>, &mut Wakes<W>) -> R,
    ) -> (R, Wakes<W>) {
        let mut wakes = Wakes::default();
        let mut state = self.state.lock();
        let answer = work(&mut state, &mut wakes);
        drop(state);
        fence(Ordering::SeqCst);
        if self.event_pending.load(Ordering::Relaxed) {
            self.deliver(wakes_head, &mut wakes);
        }
        (answer, wakes)
    }

    /// Handles an event: notifies the head, or leaves that to the thread that holds the lock.
    pub fn event(&self, wakes_head: impl Fn(&mut State<W, F>) -> bool) -> Wakes<W> {
        let mut wakes = Wakes::default();
        self.event_pending.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.deliver(wakes_head, &mut wakes);
        wakes
    }

    fn deliver(&self, wakes_head: impl Fn(&mut State<W, F>) -> bool, wakes: &mut Wakes<W>) {
        while let Some(mut state) = self.state.try_lock() {
            // Data that arrives after the check of `wakes_head` causes another event.
            if self.event_pending.swap(false, Ordering::Relaxed)
                && state.waiters.head.is_some()
                && wakes_head(&mut state)
            {
                state.waiters.notify(wakes);
            }
            drop(state);
            fence(Ordering::SeqCst);
            if !self.event_pending.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}
