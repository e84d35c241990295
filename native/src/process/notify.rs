//! Every message to a process, and the queue of completions whose turn has come.

use super::handle;
use super::model::{BACKGROUND, StoredCall, Waiter, Work};
use super::place::Place;
use crate::{atoms, fail};
use esock::lane::Signal;
use esock::lane::wakes::Wakes;
use rustler::env::OwnedEnv;
use rustler::{Atom, Encoder, Env, LocalPid, Term};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;

thread_local! {
    /// Whose turn has come in this thread while it works for another: nobody's work is done within another's.
    pub(super) static RUNNABLE: RefCell<VecDeque<Arc<Waiter>>> = const { RefCell::new(VecDeque::new()) };
}

impl Waiter {
    /// Sends what there is to say: `{'$socket', Socket, select, Handle}` or
    /// `{'$socket', Socket, abort, {Handle, Reason}}`.
    fn send_signal(&self, signal: Signal, env: Env<'_>) {
        match (signal, self.handle.term(env)) {
            (Signal::Ready, Some(handle)) => self.send_message(env, atoms::select(), handle),
            (Signal::Abort(reason), Some(handle)) => {
                self.send_message(env, atoms::abort(), (handle, fail::reason(env, reason)).encode(env));
            }
            _ => {}
        }
    }

    pub(super) fn send_message<'a>(&self, env: Env<'a>, tag: Atom, what: Term<'a>) {
        let socket = handle::socket_term(env, &self.socket);
        send(env, self.pid, (atoms::socket_tag(), socket, tag, what).encode(env));
        self.notified.store(true, Release);
    }

    /// Tells it, or does what it waits for, wherever this is.
    pub(super) fn notify(self: &Arc<Self>, signal: Signal, env: Env<'_>, place: Place) {
        match (signal, &self.stored, place) {
            (Signal::Ready, Some(stored), Place::Thread | Place::Helper) => self.enqueue(stored),
            // It may be much: it is not done within another call.
            (Signal::Ready, Some(_), _) => self.hand_to_poller(env, place),
            _ => self.send_signal(signal, env),
        }
        if signal != Signal::Ready
            && place != Place::Callback
            && let Some(monitor) = self.monitor.lock().take().and_then(Arc::into_inner)
        {
            self.socket.demonitor(place.caller(env), &monitor);
        }
    }

    /// Leaves it to the poller.
    pub(super) fn hand_to_poller(self: &Arc<Self>, env: Env<'_>, place: Place) {
        for (_, wakes) in self.socket.socket.hand_to_poller(|waiter| std::ptr::eq(waiter, &raw const **self)) {
            deliver(env, place, wakes);
        }
    }

    /// Its turn has come: what it waits for is done when this thread is done with others, or by one that may wait.
    fn enqueue(self: &Arc<Self>, stored: &StoredCall) {
        let submitted = stored.pool().is_some_and(|pool| pool.submit(Work::Complete(Arc::clone(self))).is_ok());
        if !submitted {
            RUNNABLE.with_borrow_mut(|queue| queue.push_back(Arc::clone(self)));
        }
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
pub(crate) fn deliver(env: Env<'_>, place: Place, wakes: Wakes<Waiter>) {
    if !wakes.is_empty() {
        deliver_some(env, place, wakes);
    }
}

fn deliver_some(env: Env<'_>, place: Place, wakes: Wakes<Waiter>) {
    let needs_thread = place.needs_thread(wakes.len());
    let work = Work::Notify(wakes);
    if let Err(Work::Notify(wakes)) = if needs_thread { BACKGROUND.submit(work) } else { Err(work) } {
        wakes.iter().for_each(|(waiter, signal)| waiter.notify(signal, env, place));
    }
}
