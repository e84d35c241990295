//! Lookups: calls of libc's resolver on threads of their own, since a slow server may block one for many seconds.
//!
//! Threads start as they are needed, and end when they have had nothing to do for a while. libc's call cannot be interrupted:
//! the thread of a cancelled lookup stays busy until libc answers, and drops the answer.

use super::notify;
use super::pool::{in_vm, outside_vm, spawn};
use super::stored_term::StoredTerm;
use crate::atoms;
use crate::term::lookup::result;
use esock::sys::resolve::Query;
use parking_lot::{Condvar, Mutex};
use rustler::env::OwnedEnv;
use rustler::{Encoder, Env, LocalPid, Monitor, Resource, ResourceArc, Term};
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU8, AtomicUsize,
    Ordering::{AcqRel, Acquire, Release},
};
use std::time::Duration;

/// libc's modules for names may need more than the threads of the pools have, in bytes.
const STACK: usize = 1 << 20;
/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

/// The states of a lookup. One thread takes it out of `PENDING`, and alone decides whether a message is sent.
const PENDING: u8 = 0;
const SENDING: u8 = 1;
const SENT: u8 = 2;
const CANCELLED: u8 = 3;

/// A lookup, and the process that waits for its result.
pub(crate) struct Lookup {
    query: Query,
    pid: LocalPid,
    handle: StoredTerm,
    state: AtomicU8,
    monitor: OnceLock<Monitor>,
}

/// How many threads there may be, and how many lookups may wait for one.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) threads: usize,
    pub(crate) queue: usize,
}

/// What a cancel has found.
pub(crate) enum Cancel {
    /// No message will come.
    Clean,
    /// The message is in flight.
    Sending,
    /// The message is in the inbox, or there is no such lookup.
    Over,
}

/// Lookups that wait for a thread, and their threads.
struct Queue {
    waiting: VecDeque<ResourceArc<Lookup>>,
    running: Vec<ResourceArc<Lookup>>,
    threads: usize,
    /// Threads that run no lookup, those that are starting among them.
    idle: usize,
}

struct Lane {
    queue: Mutex<Queue>,
    queued: Condvar,
}

impl Lane {
    const fn new() -> Self {
        let queue = Queue { waiting: VecDeque::new(), running: Vec::new(), threads: 0, idle: 0 };
        Self { queue: Mutex::new(queue), queued: Condvar::new() }
    }
}

/// Lookups that may ask a server, and those that ask none: slow servers do not hold up the latter.
static REMOTE: Lane = Lane::new();
static AT_HAND: Lane = Lane::new();
/// Number of threads for lookups that ask no server.
const AT_HAND_THREADS: usize = 1;

#[rustler::resource_impl]
impl Resource for Lookup {
    const IMPLEMENTS_DOWN: bool = true;

    fn down<'a>(&'a self, _: Env<'a>, _: LocalPid, _: Monitor) {
        self.cancel();
        let same = |lookup: &ResourceArc<Self>| std::ptr::eq(self, &raw const **lookup);
        drop(self.lane().queue.lock().take(same));
    }
}

impl Queue {
    /// Takes a lookup that waits for a thread.
    fn take(&mut self, is: impl Fn(&ResourceArc<Lookup>) -> bool) -> Option<ResourceArc<Lookup>> {
        self.waiting.iter().position(is).and_then(|at| self.waiting.remove(at))
    }

    /// Whether the queue has room, or a thread is free for the next lookup, or can be started.
    fn accepts(&self, limits: Limits) -> bool {
        let free = self.idle + limits.threads.saturating_sub(self.threads);
        self.waiting.len() < limits.queue.saturating_add(free)
    }

    /// Sees to it that a thread takes what has been queued. Answers whether there is any.
    fn serve(&mut self, lane: &'static Lane, limits: Limits) -> bool {
        if self.idle >= self.waiting.len() {
            lane.queued.notify_one();
        } else if self.threads < limits.threads
            && spawn(format!("esock_dns_{}", self.threads), STACK, move || work(lane))
        {
            self.threads += 1;
            self.idle += 1;
        }
        self.threads > 0
    }
}

impl Lookup {
    /// Starts a lookup for the calling process, which receives `{'$esock_net', Handle, Result}`. Answers whether there is room
    /// for it.
    pub(crate) fn start(env: Env<'_>, handle: Term<'_>, limits: Limits, query: Query) -> bool {
        let (pid, handle) = (env.pid(), StoredTerm::new(handle));
        let state = AtomicU8::new(PENDING);
        let lookup = ResourceArc::new(Self { query, pid, handle, state, monitor: OnceLock::new() });
        if let Some(monitor) = env.monitor(&lookup, &pid) {
            lookup.monitor.get_or_init(|| monitor);
        }
        let lane = lookup.lane();
        let local = Limits { threads: AT_HAND_THREADS, ..limits };
        let limits = if std::ptr::eq(lane, &raw const AT_HAND) { local } else { limits };
        let mut queue = lane.queue.lock();
        let mut accepted = queue.accepts(limits);
        if accepted {
            queue.waiting.push_back(lookup.clone());
            accepted = queue.serve(lane, limits) || queue.waiting.pop_back().is_none();
        }
        drop(queue);
        if !accepted {
            Self::unmonitor(&lookup, Some(env));
        }
        accepted
    }

    fn lane(&self) -> &'static Lane {
        if self.query.asks_no_server() { &AT_HAND } else { &REMOTE }
    }

    /// Ends the VM's monitor on the process.
    fn unmonitor(this: &ResourceArc<Self>, env: Option<Env<'_>>) {
        if let Some(monitor) = this.monitor.get() {
            this.demonitor(env, monitor);
        }
    }

    /// Cancels the lookup of the calling process under this handle.
    pub(crate) fn cancel_by(env: Env<'_>, handle: Term<'_>) -> Cancel {
        let pid = env.pid();
        let is = |lookup: &ResourceArc<Self>| lookup.pid == pid && lookup.handle.is(handle);
        let found = [&REMOTE, &AT_HAND].into_iter().find_map(|lane| {
            let mut queue = lane.queue.lock();
            let waiting = queue.take(is);
            waiting.or_else(|| queue.running.iter().find(|lookup| is(lookup)).cloned())
        });
        let Some(lookup) = found else {
            return Cancel::Over;
        };
        let cancelled = lookup.cancel();
        if matches!(cancelled, Cancel::Clean) {
            Self::unmonitor(&lookup, Some(env));
        }
        cancelled
    }

    fn cancel(&self) -> Cancel {
        match self.state.compare_exchange(PENDING, CANCELLED, AcqRel, Acquire) {
            Ok(_) => Cancel::Clean,
            Err(SENDING) => Cancel::Sending,
            Err(_) => Cancel::Over,
        }
    }

    /// Asks libc, and sends the result.
    fn run(this: &ResourceArc<Self>) {
        let answer = outside_vm(|| this.query.ask());
        if this.state.compare_exchange(PENDING, SENDING, AcqRel, Acquire).is_err() {
            return;
        }
        Self::unmonitor(this, None);
        OwnedEnv::new().run(|env| {
            if let Some(handle) = this.handle.term(env) {
                notify::send(env, this.pid, (atoms::net_tag(), handle, result(env, answer)).encode(env));
            }
        });
        this.state.store(SENT, Release);
    }
}

/// The body of a thread.
fn work(lane: &'static Lane) {
    while let Some(lookup) = next(lane) {
        in_vm(move || {
            let _ends = Running(lane, &lookup);
            Lookup::run(&lookup);
        });
    }
}

/// The next lookup. `None`: there has been none for a while, and the thread ends.
fn next(lane: &Lane) -> Option<ResourceArc<Lookup>> {
    let mut queue = lane.queue.lock();
    loop {
        if let Some(lookup) = queue.waiting.pop_front() {
            queue.running.push(lookup.clone());
            queue.idle -= 1;
            return Some(lookup);
        }
        let idle = lane.queued.wait_for(&mut queue, IDLE).timed_out();
        if idle && queue.waiting.is_empty() {
            queue.threads -= 1;
            queue.idle -= 1;
            return None;
        }
    }
}

/// A lookup in the list of those that run. It leaves the list even if it panics.
struct Running<'a>(&'static Lane, &'a ResourceArc<Lookup>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock();
        let at = queue.running.iter().position(|lookup| std::ptr::eq(&raw const **lookup, &raw const **self.1));
        let taken = at.map(|at| queue.running.swap_remove(at));
        queue.idle += 1;
        drop(queue);
        drop(taken);
    }
}

/// Number of threads, and of lookups that run and that wait.
pub(crate) fn counts() -> (usize, usize, usize) {
    [&REMOTE, &AT_HAND].into_iter().fold((0, 0, 0), |(threads, running, waiting), lane| {
        let queue = lane.queue.lock();
        (threads + queue.threads, running + queue.running.len(), waiting + queue.waiting.len())
    })
}

/// One of a bounded number of lookups that a process makes without libc. It is free again when the process drops it or ends.
pub(crate) struct Slot;

static SLOTS: AtomicUsize = AtomicUsize::new(0);

#[rustler::resource_impl]
impl Resource for Slot {}

impl Slot {
    /// Takes one of `most`. `None`: none is free.
    pub(crate) fn take(most: usize) -> Option<ResourceArc<Self>> {
        let free = |taken| (taken < most).then_some(taken + 1);
        SLOTS.fetch_update(AcqRel, Acquire, free).ok().map(|_| ResourceArc::new(Self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        SLOTS.fetch_sub(1, AcqRel);
    }
}

/// Number of slots that are taken.
pub(crate) fn slots() -> usize {
    SLOTS.load(Acquire)
}
