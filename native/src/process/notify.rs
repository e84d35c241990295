//! Notifications: every message to a process, and the queue of completions that are ready to run.

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
    /// Completions that were woken in this thread while it runs another. They run after it, not nested in it.
    pub(super) static RUNNABLE: RefCell<VecDeque<Arc<Waiter>>> = const { RefCell::new(VecDeque::new()) };
}

impl Waiter {
    /// Sends the message of a signal, if it has one:
    /// `{'$socket', Socket, select, Handle}` or `{'$socket', Socket, abort, {Handle, Reason}}`.
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

    /// Sends the message of a signal, or queues the completion. If the wait has ended, ends its monitor too.
    pub(super) fn notify(self: &Arc<Self>, signal: Signal, env: Env<'_>, place: Place) {
        match (signal, &self.stored, place) {
            (Signal::Ready, Some(stored), Place::Thread | Place::Helper) => self.enqueue(stored),
            // A completion may take long, so it does not run within the call of another process.
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

    /// Leaves the completion to the poller, which wakes the waiter again at once.
    pub(super) fn hand_to_poller(self: &Arc<Self>, env: Env<'_>, place: Place) {
        for (_, wakes) in self.socket.socket.hand_to_poller(|waiter| std::ptr::eq(waiter, &raw const **self)) {
            deliver(env, place, wakes);
        }
    }

    /// Queues the completion: for the pool that it needs, or to run in this thread after the current completion.
    fn enqueue(self: &Arc<Self>, stored: &StoredCall) {
        let submitted = stored.pool().is_some_and(|pool| pool.submit(Work::Complete(Arc::clone(self))).is_ok());
        if !submitted {
            RUNNABLE.with_borrow_mut(|queue| queue.push_back(Arc::clone(self)));
        }
    }
}

/// Sends a message. A message to a process that has ended is dropped.
pub(crate) fn send<'a>(env: Env<'a>, to: LocalPid, message: Term<'a>) {
    let _ = env.send(&to, message);
}

/// Sends the helper `busy_poll`, from a thread of ours. Answers whether the process is alive.
pub(crate) fn ask_to_poll(pid: LocalPid) -> bool {
    OwnedEnv::new().run(|env| env.send(&pid, atoms::busy_poll()).is_ok())
}

/// Delivers notifications.
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
