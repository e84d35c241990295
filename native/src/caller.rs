//! The processes that wait, and every message they get.

use crate::handle::{self, Handle};
use crate::job::{StoredCall, Task};
use crate::kept::Kept;
use crate::nif::{Step, Wait};
use crate::watch::Watch;
use crate::worker::{BACKGROUND, Work};
use crate::{atoms, fail, sys};
use esock::lane::wakes::Wakes;
use esock::lane::{Signal, Wake};
use esock::poller::epoll::ROUND;
use parking_lot::Mutex;
use rustler::env::OwnedEnv;
use rustler::{Atom, Encoder, Env, LocalPid, Monitor, ResourceArc, Term};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A process that waits on a socket under a handle. It refers to the socket: a socket that somebody waits for is not
/// garbage.
pub(crate) struct Waiter {
    pid: LocalPid,
    socket: ResourceArc<Handle>,
    handle: Kept,
    /// What is done for it, where it waits for a completion.
    stored: Option<StoredCall>,
    /// The process is monitored while it waits, unless it owns the socket. Of a former owner all waiters share one monitor.
    monitor: Mutex<Option<Arc<Monitor>>>,
    /// What [`Wake::tag`] answers.
    tag: u64,
    /// Its message has been sent.
    notified: AtomicBool,
    /// What [`Wake::trusts`] answers.
    trusts: bool,
    /// What [`Wake::least`] answers.
    least: usize,
}

/// So many are told within a call. A scheduler is not to be held for more.
const AT_ONCE: usize = 64;
/// The pause of a thread that tells more. On a busy machine the system takes a processor from a scheduler for it, and would do so for
/// some milliseconds.
const PAUSE: Duration = Duration::from_micros(50);

/// Where something is done, which says with what environment the VM is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the call of a process.
    Call,
    /// In a callback of the VM, where a watch cannot be ended: it goes with the process or the socket.
    Callback,
    /// In a thread of our own.
    Thread,
    /// In the call of a process that polls in the place of such a thread.
    Helper,
}

impl Place {
    /// Where something is done for a process that is not the caller.
    pub(crate) fn acting() -> Self {
        if sys::calling() { Self::Helper } else { Self::Thread }
    }

    /// Whether so many are to be told by a thread instead: where they are too many for a scheduler, or a monitor cannot be ended.
    pub(crate) fn apart(self, count: usize) -> bool {
        count > if self == Self::Callback { 0 } else { AT_ONCE } && self != Self::Thread
    }

    /// The environment of the caller, for functions that ask for it.
    pub(crate) fn caller(self, env: Env<'_>) -> Option<Env<'_>> {
        (self != Self::Thread).then_some(env)
    }
}

thread_local! {
    /// Where a thread of our own makes its messages.
    static MESSAGE: RefCell<OwnedEnv> = RefCell::new(OwnedEnv::new());
    /// Whose turn has come in this thread while it works for another: nobody's work is done within another's.
    static RUNNABLE: RefCell<VecDeque<Arc<Waiter>>> = const { RefCell::new(VecDeque::new()) };
}

impl Waiter {
    /// The calling process, to be told under `handle`.
    pub(crate) fn new<'a>(env: Env<'a>, wait: &Wait<'a>, socket: ResourceArc<Handle>) -> Self {
        let pid = wait.pid;
        let monitor = match &wait.acting {
            Some(before) => before.monitor.lock().take(),
            None if socket.owned_by(pid) => None,
            None => env.monitor(&socket, &pid).map(Arc::new),
        };
        let stored = wait.task().map(|task| StoredCall::new(env, task));
        let tag = if stored.is_some() { tag(wait.handle()) } else { 0 };
        let (handle, notified) = (Kept::new(wait.handle()), AtomicBool::new(false));
        // Who blocks tries again, and so does a completion.
        let trusts = stored.is_none() && !wait.blocking();
        Self { pid, socket, handle, stored, monitor: Mutex::new(monitor), tag, notified, trusts, least: wait.least() }
    }

    /// Has it share a monitor of its process that would end otherwise.
    pub(crate) fn share(&self, monitor: &Arc<Monitor>) {
        self.monitor.lock().get_or_insert_with(|| Arc::clone(monitor));
    }

    /// Whether it waits under this handle.
    pub(crate) fn is(&self, handle: Term<'_>) -> bool {
        self.handle.is(handle)
    }

    /// Sends what there is to say: `{'$socket', Socket, select, Handle}` or
    /// `{'$socket', Socket, abort, {Handle, Reason}}`.
    fn tell(&self, signal: Signal, env: Env<'_>) {
        match (signal, self.handle.term(env)) {
            (Signal::Ready, Some(handle)) => self.say(env, atoms::select(), handle),
            (Signal::Abort(reason), Some(handle)) => {
                self.say(env, atoms::abort(), (handle, fail::reason(env, reason)).encode(env));
            }
            _ => {}
        }
    }

    fn say<'a>(&self, env: Env<'a>, tag: Atom, what: Term<'a>) {
        let socket = handle::socket(env, &self.socket);
        send(env, self.pid, (atoms::socket_tag(), socket, tag, what).encode(env));
        self.notified.store(true, Release);
    }

    /// Tells it, or does what it waits for, wherever this is.
    fn notify(self: &Arc<Self>, signal: Signal, env: Env<'_>, place: Place) {
        match (signal, &self.stored, place) {
            (Signal::Ready, Some(stored), Place::Thread | Place::Helper) => self.enqueue(stored),
            // It may be much: it is not done within another call.
            (Signal::Ready, Some(_), _) => self.hand_to_poller(env, place),
            _ => self.tell(signal, env),
        }
        if signal != Signal::Ready
            && place != Place::Callback
            && let Some(monitor) = self.monitor.lock().take().and_then(Arc::into_inner)
        {
            self.socket.demonitor(place.caller(env), &monitor);
        }
    }

    /// Leaves it to the poller.
    fn hand_to_poller(self: &Arc<Self>, env: Env<'_>, place: Place) {
        for (_, wakes) in self.socket.socket.hand_to_poller(|waiter| std::ptr::eq(waiter, &raw const **self)) {
            tell(env, place, wakes);
        }
    }

    /// Its turn has come: what it waits for is done when this thread is done with others, or by one that may wait.
    fn enqueue(self: &Arc<Self>, stored: &StoredCall) {
        let taken = stored.pool().is_some_and(|pool| pool.take(Work::Complete(Arc::clone(self))).is_ok());
        if !taken {
            RUNNABLE.with_borrow_mut(|queue| queue.push_back(Arc::clone(self)));
        }
    }

    /// Does what it waits for, in a thread of our own.
    pub(crate) fn work(self: &Arc<Self>) {
        // Who has left the line is not worth a look at the disk.
        let mine = |waiter: &Self| std::ptr::eq(waiter, &raw const **self);
        let waits = Cell::new(false);
        let wakes = self.socket.socket.with_woken(mine, |_| waits.set(true));
        MESSAGE.with_borrow_mut(|own| {
            own.run(|env| wakes.into_iter().for_each(|wakes| tell(env, Place::Thread, wakes)));
            if waits.get() {
                RUNNABLE.with_borrow_mut(|queue| queue.push_back(Arc::clone(self)));
            }
            run_queue(own);
        });
    }

    /// So much of what it waits for is done.
    pub(crate) fn suspend<'a>(&self, env: Env<'a>, task: Task<'a>) {
        if let Some(stored) = &self.stored {
            stored.update(env, task);
        }
    }

    /// Gives up its turn. Answers whether it had it.
    fn leave(&self, env: Env<'_>) -> bool {
        let lanes = self.socket.socket.refuse(|waiter| std::ptr::eq(waiter, self));
        lanes.into_iter().fold(false, |before, (left, wakes)| {
            tell(env, Place::acting(), wakes);
            before || left
        })
    }

    /// A panic costs this one its answer, and nobody else; the hook has written where it was.
    fn safely(self: &Arc<Self>, env: Env<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.proceed(env)));
    }

    /// Does what it waits for, as far as that goes now, and sends
    /// `{'$socket', Socket, completion, {Handle, Result}}` if that is the end.
    fn proceed(self: &Arc<Self>, env: Env<'_>) {
        let (Some(stored), Some(handle)) = (&self.stored, self.handle.term(env)) else {
            return;
        };
        let Some(task) = stored.load(env) else {
            return;
        };
        if !self.pid.is_alive(env) {
            // What would be taken for one that has ended is for the next.
            self.leave(env);
            return;
        }
        let wait = Wait::acting(self, self.pid, handle);
        let result = task.proceed(env, &self.socket, &wait);
        match wait.step() {
            Step::Waiting | Step::Part(_) | Step::Gone => {}
            // It still has the turn, and whoever has left in the meantime is told nothing.
            Step::Refused if !self.leave(env) => {}
            Step::Answered | Step::Refused => {
                let result = result.unwrap_or_else(|_| fail::error(env, atoms::invalid()));
                self.say(env, atoms::completion(), (handle, result).encode(env));
            }
        }
        tell(env, Place::acting(), wait.others());
    }
}

/// The tag of a handle.
pub(crate) fn tag(handle: Term<'_>) -> u64 {
    handle.hash_internal(0)
}

impl Wake for Waiter {
    type Process = LocalPid;

    fn process(&self) -> LocalPid {
        self.pid
    }

    fn wake(self: &Arc<Self>, signal: Signal) {
        sys::call(|call| match call {
            Some(env) => {
                self.notify(signal, env, Place::Helper);
                let end = Instant::now() + ROUND;
                while let Some(next) = RUNNABLE.with_borrow_mut(VecDeque::pop_front) {
                    if Instant::now() < end { next.safely(env) } else { next.hand_to_poller(env, Place::Helper) }
                }
            }
            None => MESSAGE.with_borrow_mut(|own| {
                own.run(|env| self.notify(signal, env, Place::Thread));
                own.clear();
                run_queue(own);
            }),
        });
    }

    fn tag(&self) -> u64 {
        self.tag
    }

    fn notified(&self) -> bool {
        self.notified.load(Acquire)
    }

    fn is_completion(&self) -> bool {
        self.stored.is_some()
    }

    fn relies_on_select(&self) -> bool {
        self.trusts
    }

    fn least(&self) -> usize {
        self.least
    }

    fn needs_cleanup(&self) -> bool {
        self.monitor.lock().is_some()
    }
}

/// Does what is due. What is done for one may bring the turn of the next.
fn run_queue(own: &mut OwnedEnv) {
    while let Some(next) = RUNNABLE.with_borrow_mut(VecDeque::pop_front) {
        own.run(|env| next.safely(env));
        own.clear();
    }
}

/// Sends a message. A process that has ended gets none, and nobody misses it.
pub(crate) fn send<'a>(env: Env<'a>, to: LocalPid, message: Term<'a>) {
    let _ = env.send(&to, message);
}

/// Asks a process to poll, from a thread of our own. Answers whether it is there.
pub(crate) fn ask_to_poll(pid: LocalPid) -> bool {
    OwnedEnv::new().run(|env| env.send(&pid, atoms::busy_poll()).is_ok())
}

/// Tells everybody.
#[inline]
pub(crate) fn tell(env: Env<'_>, place: Place, wakes: Wakes<Waiter>) {
    if !wakes.is_empty() {
        tell_some(env, place, wakes);
    }
}

fn tell_some(env: Env<'_>, place: Place, wakes: Wakes<Waiter>) {
    let apart = place.apart(wakes.len());
    let work = Work::Tell(wakes);
    if let Err(Work::Tell(wakes)) = if apart { BACKGROUND.take(work) } else { Err(work) } {
        wakes.iter().for_each(|(waiter, signal)| waiter.notify(signal, env, place));
    }
}

/// Tells waiters of one socket, in a thread of our own.
pub(crate) fn tell_all(wakes: &Wakes<Waiter>) {
    paced(wakes.iter(), |(waiter, signal)| waiter.wake(signal));
    if let Some((waiter, _)) = wakes.iter().next() {
        waiter.socket.socket.sweep().into_iter().for_each(Wakes::tell);
    }
}

/// Tells the monitors of a socket, in a thread of our own.
pub(crate) fn down_all(watches: &Slab<ResourceArc<Watch>>) {
    MESSAGE.with_borrow_mut(|own| {
        paced(watches.iter(), |(_, watch)| {
            own.run(|env| Watch::tell(watch, env, Place::Thread));
            own.clear();
        });
    });
}

fn paced<T>(all: impl Iterator<Item = T>, mut tell: impl FnMut(T)) {
    for (count, one) in all.enumerate() {
        tell(one);
        if count % AT_ONCE == AT_ONCE - 1 {
            sleep(PAUSE);
        }
    }
}
