//! Busy polling: while events are dense, somebody who is awake anyway asks for them in the thread's place.
//!
//! An event that wakes a thread, which wakes a scheduler, costs two thread switches. Where the next one is some
//! microseconds off it is cheaper to ask for it between other things: a helper, a process of the node, does so while it
//! pays, and the thread stands by. It has a look where the helper is kept from its turn, and takes the duty back from one
//! that stays away.

use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Who polls in a thread's place.
pub trait Helper: Send {
    /// Asks it to begin: to call [`super::epoll::Poller::busy_poll`] until that says that it is over. `false`: it has ended.
    fn begin(&self) -> bool;
}

/// When there is busy polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum When {
    /// While events are dense.
    Dense,
    /// Never.
    Never,
    /// At every event: for tests.
    Always,
}

static WHEN: AtomicU8 = AtomicU8::new(When::Dense as u8);

/// Says when there is busy polling, from now on.
pub fn poll_busily(when: When) {
    WHEN.store(when as u8, Relaxed);
}

fn is(when: When) -> bool {
    WHEN.load(Relaxed) == when as u8
}

/// Events are dense where a thread is woken so often,
pub const WAKES: u32 = 32;
/// in so short a time.
pub const WITHIN: Duration = Duration::from_millis(2);
/// Events are lastingly so where they were dense so many times more than not: a burst is no reason to change who receives.
pub const LASTING: u32 = 3;
/// So often a helper may ask in vain for an event that it has found: what that costs, a thread costs that is woken for it.
const EACH: u32 = 16;
/// No more than this is saved up for a pause.
pub const MOST: u32 = 64;
/// A pause of so long is no busy time, however seldom the helper has its turn.
const QUIET: Duration = Duration::from_millis(1);
/// So long a helper may be without a turn before the thread has a look. While it has its turns nobody else looks: what a
/// thread of ours allocates, the schedulers free by way of one thread of the VM, which is woken each time (a look every
/// millisecond: 5 % of the CPU at 50 connections).
const LOOK: Duration = Duration::from_millis(1);
/// After so long without an event it is forgotten what was before.
pub const PAUSE: Duration = Duration::from_millis(50);
/// A helper that has not asked for so long stays away.
pub const AWAY: Duration = Duration::from_millis(50);

/// How dense events are: those of a poller and of the ring beside it.
#[derive(Default)]
pub struct Traffic {
    dense: AtomicBool,
    lasting: AtomicBool,
    seen: Mutex<Seen>,
}

/// How often the threads were woken.
#[derive(Default)]
struct Seen {
    poller: Window,
    ring: Window,
    /// When either was woken last.
    last: Option<Instant>,
    /// So many times more it was often than not, up to twice [`LASTING`], and since the last pause.
    times: u32,
    /// A helper polls: that the poller's thread is not woken says nothing.
    helped: bool,
    /// A helper has just had much to do.
    resumes: bool,
}

/// How often one of them was.
#[derive(Default)]
struct Window {
    since: Option<Instant>,
    count: u32,
}

impl Window {
    /// It was woken, for so much. Where that is the end of the time, answers whether it was often.
    fn wakes(&mut self, now: Instant, count: usize) -> Option<bool> {
        let since = *self.since.get_or_insert(now);
        let over = now.saturating_duration_since(since) >= WITHIN;
        self.count = self.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        (over || self.count >= WAKES).then(|| {
            *self = Self { since: Some(now), count: 0 };
            !over
        })
    }
}

impl Seen {
    /// Whether nobody was woken for long before this moment.
    fn paused(&mut self, now: Instant) -> bool {
        self.last.replace(now).is_some_and(|last| now.saturating_duration_since(last) >= PAUSE)
    }
}

impl Traffic {
    /// The poller's thread was woken.
    pub fn wakes(&self, now: Instant) {
        let mut seen = self.seen.lock();
        let (paused, often) = (seen.paused(now), seen.poller.wakes(now, 1));
        // What had paused for a moment goes on.
        let resumes = std::mem::take(&mut seen.resumes) && often != Some(false);
        if let Some(dense) = often.or(resumes.then_some(true)) {
            self.dense.store(dense, Relaxed);
        }
        self.judge(&mut seen, often, paused);
    }

    /// The ring's thread was, for so many completions: what it brings at once would not have waited for it elsewhere.
    pub fn ring_wakes(&self, now: Instant, completions: usize) {
        let mut seen = self.seen.lock();
        let (paused, often) = (seen.paused(now), seen.ring.wakes(now, completions));
        self.judge(&mut seen, often, paused);
    }

    fn judge(&self, seen: &mut Seen, often: Option<bool>, paused: bool) {
        seen.times = match often {
            Some(true) => (seen.times + 1).min(2 * LASTING),
            Some(false) if paused && !seen.helped => 0,
            Some(false) if !seen.helped => seen.times.saturating_sub(1),
            _ => return,
        };
        self.lasting.store(seen.times >= LASTING, Relaxed);
    }

    /// Whether the poller's events are dense.
    pub fn dense(&self) -> bool {
        self.dense.load(Relaxed)
    }

    /// Whether events have been dense for a while.
    pub fn lasting(&self) -> bool {
        self.lasting.load(Relaxed)
    }

    /// A helper polls.
    pub fn helped(&self) {
        self.seen.lock().helped = true;
    }

    /// It does so no more, and has found so many. They are not dense at this moment; whether that lasts is seen later.
    pub fn abates(&self, now: Instant, found: u32) {
        let mut seen = self.seen.lock();
        seen.poller = Window { since: Some(now), count: 0 };
        (seen.last, seen.helped, seen.resumes) = (Some(now), false, found >= WAKES);
        self.dense.store(false, Relaxed);
    }
}

/// Who polls: the thread, or the helper.
#[derive(Default)]
pub struct Role {
    helper: Mutex<Option<Box<dyn Helper>>>,
    state: Mutex<State>,
    over: Condvar,
}

/// What a helper does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It asks again.
    Again,
    /// The thread polls.
    Over,
    /// The thread polls already.
    Lost,
}

/// What the thread does next that has handed over the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Nothing: the helper asks.
    By,
    /// It has a look, since the helper has not had its turn for a while.
    Look,
    /// It polls again.
    Over,
}

#[derive(Default)]
struct State {
    /// The helper has the duty, and asked last at this time.
    asked: Option<Instant>,
    /// When it found something last.
    found: Option<Instant>,
    /// So often it may ask in vain.
    vain: u32,
    /// So much it has found.
    total: u32,
    /// It has stayed away, and not come back since.
    away: bool,
}

impl Role {
    /// From now on this one helps.
    pub fn appoint(&self, helper: Box<dyn Helper>) {
        *self.helper.lock() = Some(helper);
        self.state.lock().away = false;
    }

    /// Whether a helper polls.
    pub fn helped(&self) -> bool {
        self.state.lock().asked.is_some()
    }

    /// The thread's: lets the helper poll, if that pays and there is one. Answers whether it does.
    pub fn hand_over(&self, traffic: &Traffic) -> bool {
        if !(traffic.dense() && !is(When::Never) || is(When::Always)) {
            return false;
        }
        let mut state = self.state.lock();
        if state.away {
            return false;
        }
        let now = Some(Instant::now());
        *state = State { asked: now, found: now, vain: MOST, ..State::default() };
        drop(state);
        // It may be done before this has said that it begins.
        let mut helper = self.helper.lock();
        let begins = helper.as_ref().is_some_and(|helper| helper.begin());
        if !begins {
            *helper = None;
            self.state.lock().asked = None;
        }
        begins
    }

    /// The thread's: waits for a moment.
    pub(super) fn stand_by(&self) -> Stand {
        let mut state = self.state.lock();
        if state.asked.is_some() {
            let _ = self.over.wait_for(&mut state, LOOK);
        }
        match state.asked.map(|asked| asked.elapsed()) {
            None => Stand::Over,
            Some(since) if since > AWAY => {
                *state = State { away: true, ..State::default() };
                Stand::Over
            }
            Some(since) if since > LOOK => Stand::Look,
            Some(_) => Stand::By,
        }
    }

    /// How much the helper has found that had the duty last; nothing where it stayed away.
    pub(super) fn found(&self) -> u32 {
        self.state.lock().total
    }

    /// The helper's: whether it has the role.
    pub(super) fn helps(&self) -> bool {
        let mut state = self.state.lock();
        state.away = false;
        if state.asked.is_some() {
            state.asked = Some(Instant::now());
        }
        state.asked.is_some()
    }

    /// The helper's: it has asked, and found so much. Answers whether to go on.
    pub(super) fn asked(&self, found: usize) -> Next {
        let mut state = self.state.lock();
        if state.asked.is_none() {
            // The thread has taken the duty back while this took so long.
            state.away = false;
            return Next::Lost;
        }
        if found > 0 {
            state.vain = u32::try_from(found)
                .map_or(MOST, |found| found.saturating_mul(EACH).saturating_add(state.vain))
                .min(MOST);
            state.found = state.asked;
            state.total = state.total.saturating_add(u32::try_from(found).unwrap_or(u32::MAX));
        } else {
            state.vain = state.vain.saturating_sub(1);
        }
        let quiet =
            state.asked.zip(state.found).is_some_and(|(asked, found)| asked.saturating_duration_since(found) > QUIET);
        if state.vain > 0 && !quiet && !is(When::Never) {
            return Next::Again;
        }
        *state = State { total: state.total, ..State::default() };
        self.over.notify_one();
        Next::Over
    }
}
