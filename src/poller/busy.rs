//! Busy polling: while events are dense, a helper process polls in place of the poller thread.
//!
//! An event that wakes the poller thread, which wakes a scheduler, costs two thread switches. If the next event is only
//! microseconds away, it is cheaper for a process that is running anyway to ask for it between other work. A helper (a process
//! of the node) does so while it pays, and the thread stands by. If the helper is not scheduled for a while, the thread polls
//! once without waiting. If the helper stays absent, the thread takes the polling back.

use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What polls in place of a poller thread.
pub trait Helper: Send {
    /// Asks the helper to begin: to call [`super::epoll::Poller::busy_poll`] until that answers `false`. `false`: the helper has
    /// ended.
    fn begin(&self) -> bool;
}

/// When helpers poll in place of the poller threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// While events are dense.
    Dense,
    /// Never.
    Never,
    /// At every event, dense or not: for tests.
    Always,
}

static POLICY: AtomicU8 = AtomicU8::new(Policy::Dense as u8);

/// Sets when helpers poll, for all pollers. The default is [`Policy::Dense`].
pub fn set_policy(policy: Policy) {
    POLICY.store(policy as u8, Relaxed);
}

fn is(policy: Policy) -> bool {
    POLICY.load(Relaxed) == policy as u8
}

/// Events are dense if a thread wakes up this often
pub const DENSE_WAKE_UPS: u32 = 32;
/// within this time.
pub const DENSE_TIME: Duration = Duration::from_millis(2);
/// Events are lastingly dense if dense windows outnumber others by this many. A single burst is no reason to change what
/// receives a stream, the ring or the poller.
pub const LASTING: u32 = 3;
/// Empty polls that the helper earns with each event it finds. So many cost about as much as waking the thread once.
const EMPTY_POLLS_PER_EVENT: u32 = 16;
/// The most empty polls that a helper may save up.
pub const MAX_EMPTY_POLLS: u32 = 64;
/// After this time without an event the helper stops, however few polls it made in that time.
const QUIET: Duration = Duration::from_millis(1);
/// How long a helper may go without polling before the thread polls once. While the helper is scheduled only the helper
/// polls: what a thread of this library allocates, the schedulers free through one thread of the VM, which is woken each time
/// (with one poll of the thread per millisecond: 5 % of the CPU at 50 connections).
const STAND_BY: Duration = Duration::from_millis(1);
/// After this time without a wake-up, the first window that is not dense clears the history of dense windows.
pub const IDLE: Duration = Duration::from_millis(50);
/// A helper that has not polled for this long is absent: the thread takes the polling back.
pub const ABSENT: Duration = Duration::from_millis(50);

/// How dense events are: those of a poller and of the ring beside it.
#[derive(Default)]
pub struct Traffic {
    dense: AtomicBool,
    lasting: AtomicBool,
    history: Mutex<History>,
}

/// How often the two threads were woken.
#[derive(Default)]
struct History {
    poller: Window,
    ring: Window,
    /// The last wake-up of either thread.
    last: Option<Instant>,
    /// Dense windows minus others since the last pause of [`IDLE`], from 0 up to twice [`LASTING`].
    score: u32,
    /// A helper polls, so a lack of wake-ups of the poller thread says nothing.
    helper_polls: bool,
    /// The helper that has just stopped found many events: the next wake-up of the poller thread makes events dense again.
    resumes: bool,
}

/// Wake-ups of one thread since a window began.
#[derive(Default)]
struct Window {
    since: Option<Instant>,
    count: u32,
}

impl Window {
    /// Adds `count` wake-ups. If that ends the window, answers whether it was dense.
    fn add(&mut self, now: Instant, count: usize) -> Option<bool> {
        let since = *self.since.get_or_insert(now);
        let over = now.saturating_duration_since(since) >= DENSE_TIME;
        self.count = self.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        (over || self.count >= DENSE_WAKE_UPS).then(|| {
            *self = Self { since: Some(now), count: 0 };
            !over
        })
    }
}

impl History {
    /// Records a wake-up. Answers whether none came in the [`IDLE`] time before it.
    fn was_idle(&mut self, now: Instant) -> bool {
        self.last.replace(now).is_some_and(|last| now.saturating_duration_since(last) >= IDLE)
    }
}

impl Traffic {
    /// Records a wake-up of the poller thread.
    pub fn poller_woken(&self, now: Instant) {
        let mut history = self.history.lock();
        let (idle, dense) = (history.was_idle(now), history.poller.add(now, 1));
        // The helper stopped in a short pause of dense events.
        let resumes = std::mem::take(&mut history.resumes) && dense != Some(false);
        if let Some(dense) = dense.or(resumes.then_some(true)) {
            self.dense.store(dense, Relaxed);
        }
        self.score(&mut history, dense, idle);
    }

    /// Records a wake-up of the ring thread. Each of its completions counts as a wake-up: as events of the poller they would not
    /// have waited for one another.
    pub fn ring_woken(&self, now: Instant, completions: usize) {
        let mut history = self.history.lock();
        let (idle, dense) = (history.was_idle(now), history.ring.add(now, completions));
        self.score(&mut history, dense, idle);
    }

    fn score(&self, history: &mut History, dense: Option<bool>, idle: bool) {
        history.score = match dense {
            Some(true) => (history.score + 1).min(2 * LASTING),
            Some(false) if idle && !history.helper_polls => 0,
            Some(false) if !history.helper_polls => history.score.saturating_sub(1),
            _ => return,
        };
        self.lasting.store(history.score >= LASTING, Relaxed);
    }

    /// Whether the poller's events are dense.
    pub fn dense(&self) -> bool {
        self.dense.load(Relaxed)
    }

    /// Whether the events of the poller or of the ring have been dense for a while.
    pub fn lastingly_dense(&self) -> bool {
        self.lasting.load(Relaxed)
    }

    /// A helper begins to poll.
    pub fn helper_begins(&self) {
        self.history.lock().helper_polls = true;
    }

    /// The helper has stopped after it found `found` events. Events are not dense now; whether they are lastingly dense is for
    /// the next windows to say.
    pub fn helper_stopped(&self, now: Instant, found: u32) {
        let mut history = self.history.lock();
        history.poller = Window { since: Some(now), count: 0 };
        (history.last, history.helper_polls, history.resumes) = (Some(now), false, found >= DENSE_WAKE_UPS);
        self.dense.store(false, Relaxed);
    }
}

/// Which of the two polls: the thread, or the helper.
#[derive(Default)]
pub struct Role {
    helper: Mutex<Option<Box<dyn Helper>>>,
    state: Mutex<State>,
    /// Notified when the helper stops.
    stopped: Condvar,
}

/// What a helper does after a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It polls again.
    Again,
    /// It stops; the thread polls from now on.
    Stop,
    /// It stops; the thread has taken the polling back already.
    TakenBack,
}

/// What a thread that stands by does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandBy {
    /// Nothing: the helper polls.
    Wait,
    /// One poll without waiting: the helper has not polled for more than [`STAND_BY`].
    PollOnce,
    /// It polls from now on.
    Resume,
}

#[derive(Default)]
struct State {
    /// When the helper polled last. `None`: the thread polls.
    polled: Option<Instant>,
    /// The last poll that found an event.
    found_at: Option<Instant>,
    /// Empty polls that the helper may still make.
    empty_polls: u32,
    /// Events that the helper has found since it began.
    found: u32,
    /// The helper was absent, and has not polled since.
    absent: bool,
}

impl Role {
    /// Makes `helper` the poller's helper, in place of the one before.
    pub fn appoint(&self, helper: Box<dyn Helper>) {
        *self.helper.lock() = Some(helper);
        self.state.lock().absent = false;
    }

    /// Whether a helper polls.
    pub fn helped(&self) -> bool {
        self.state.lock().polled.is_some()
    }

    /// Called by the thread: hands polling over to the helper, if events are dense and there is one. Answers whether it did.
    pub fn hand_over(&self, traffic: &Traffic) -> bool {
        if !(traffic.dense() && !is(Policy::Never) || is(Policy::Always)) {
            return false;
        }
        let mut state = self.state.lock();
        if state.absent {
            return false;
        }
        let now = Some(Instant::now());
        *state = State { polled: now, found_at: now, empty_polls: MAX_EMPTY_POLLS, ..State::default() };
        drop(state);
        // The state is set before this call, because the helper may have stopped again before it returns.
        let mut helper = self.helper.lock();
        let begins = helper.as_ref().is_some_and(|helper| helper.begin());
        if !begins {
            *helper = None;
            self.state.lock().polled = None;
        }
        begins
    }

    /// Called by the thread: waits until the helper stops, for [`STAND_BY`] at the most.
    pub(super) fn stand_by(&self) -> StandBy {
        let mut state = self.state.lock();
        if state.polled.is_some() {
            let _ = self.stopped.wait_for(&mut state, STAND_BY);
        }
        match state.polled.map(|polled| polled.elapsed()) {
            None => StandBy::Resume,
            Some(since) if since > ABSENT => {
                *state = State { absent: true, ..State::default() };
                StandBy::Resume
            }
            Some(since) if since > STAND_BY => StandBy::PollOnce,
            Some(_) => StandBy::Wait,
        }
    }

    /// How many events the helper found before it stopped; 0 if it was absent.
    pub(super) fn found(&self) -> u32 {
        self.state.lock().found
    }

    /// Called by the helper before a poll. Answers whether the helper is to poll.
    pub(super) fn begin_poll(&self) -> bool {
        let mut state = self.state.lock();
        state.absent = false;
        if state.polled.is_some() {
            state.polled = Some(Instant::now());
        }
        state.polled.is_some()
    }

    /// Called by the helper after a poll that found `found` events.
    pub(super) fn end_poll(&self, found: usize) -> Next {
        let mut state = self.state.lock();
        if state.polled.is_none() {
            // The poll took so long that the thread has taken the polling back.
            state.absent = false;
            return Next::TakenBack;
        }
        if found > 0 {
            state.empty_polls = u32::try_from(found)
                .map_or(MAX_EMPTY_POLLS, |found| {
                    found.saturating_mul(EMPTY_POLLS_PER_EVENT).saturating_add(state.empty_polls)
                })
                .min(MAX_EMPTY_POLLS);
            state.found_at = state.polled;
            state.found = state.found.saturating_add(u32::try_from(found).unwrap_or(u32::MAX));
        } else {
            state.empty_polls = state.empty_polls.saturating_sub(1);
        }
        let quiet = state
            .polled
            .zip(state.found_at)
            .is_some_and(|(polled, found)| polled.saturating_duration_since(found) > QUIET);
        if state.empty_polls > 0 && !quiet && !is(Policy::Never) {
            return Next::Again;
        }
        *state = State { found: state.found, ..State::default() };
        self.stopped.notify_one();
        Next::Stop
    }
}
