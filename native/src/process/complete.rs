//! Completions: the poller or a pool makes the call in place of the process that waits.

use super::model::{Step, Wait, Waiter};
use super::notify::{self, RUNNABLE};
use super::place::Place;
use crate::{atoms, fail, sys};
use esock::lane::{Signal, Wake};
use esock::poller::epoll::ROUND;
use rustler::env::OwnedEnv;
use rustler::{Encoder, Env, LocalPid};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;
use std::time::Instant;

thread_local! {
    /// The environment in which a thread of ours makes messages.
    pub(super) static MESSAGE_ENV: RefCell<OwnedEnv> = RefCell::new(OwnedEnv::new());
}

impl Waiter {
    /// Continues the completion in a thread of a pool.
    pub(super) fn resume(self: &Arc<Self>) {
        // A waiter that has left the lane is not worth a read of the disk.
        let mine = |waiter: &Self| std::ptr::eq(waiter, &raw const **self);
        let waits = Cell::new(false);
        let wakes = self.socket.socket.with_woken(mine, |_| waits.set(true));
        MESSAGE_ENV.with_borrow_mut(|own| {
            own.run(|env| wakes.into_iter().for_each(|wakes| notify::deliver(env, Place::Thread, wakes)));
            if waits.get() {
                RUNNABLE.with_borrow_mut(|queue| queue.push_back(Arc::clone(self)));
            }
            run_queue(own);
        });
    }

    /// Gives up the turn. Answers whether the waiter had it.
    fn leave_lanes(&self, env: Env<'_>) -> bool {
        let lanes = self.socket.socket.refuse(|waiter| std::ptr::eq(waiter, self));
        lanes.into_iter().fold(false, |before, (left, wakes)| {
            notify::deliver(env, Place::polling(), wakes);
            before || left
        })
    }

    /// Calls [`Self::proceed`]. A panic costs this waiter its answer, and affects no other. The panic hook has written
    /// where it happened.
    fn proceed_caught(self: &Arc<Self>, env: Env<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.proceed(env)));
    }

    /// Makes the call as far as it goes now. If that completes it, sends
    /// `{'$socket', Socket, completion, {Handle, Result}}`.
    fn proceed(self: &Arc<Self>, env: Env<'_>) {
        let (Some(stored), Some(handle)) = (&self.stored, self.handle.term(env)) else {
            return;
        };
        let Some(task) = stored.load(env) else {
            return;
        };
        if !self.pid.is_alive(env) {
            // A process that has ended must not take what the next waiter can have.
            self.leave_lanes(env);
            return;
        }
        let wait = Wait::for_completion(self, self.pid, handle);
        let result = task.proceed(env, &self.socket, &wait);
        match wait.step() {
            Step::Waiting | Step::Part(_) | Step::Departed => {}
            // A waiter that has the turn is answered. One that has left the lane meanwhile is sent nothing here.
            Step::Refused if !self.leave_lanes(env) => {}
            Step::Answered | Step::Refused => {
                let result = result.unwrap_or_else(|_| fail::error(env, atoms::invalid()));
                self.send_message(env, atoms::completion(), (handle, result).encode(env));
            }
        }
        notify::deliver(env, Place::polling(), wait.take_deferred());
    }
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
                    if Instant::now() < end {
                        next.proceed_caught(env)
                    } else {
                        next.hand_to_poller(env, Place::Helper)
                    }
                }
            }
            None => MESSAGE_ENV.with_borrow_mut(|own| {
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
        self.relies_on_select
    }

    fn least(&self) -> usize {
        self.least
    }

    fn needs_cleanup(&self) -> bool {
        self.monitor.lock().is_some()
    }
}

/// Runs the queued completions. Each may wake the next.
fn run_queue(own: &mut OwnedEnv) {
    while let Some(next) = RUNNABLE.with_borrow_mut(VecDeque::pop_front) {
        own.run(|env| next.proceed_caught(env));
        own.clear();
    }
}
