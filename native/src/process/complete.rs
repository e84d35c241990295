//! Completions: what is done in the place of the process that waits for it.

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
    /// Where a thread of our own makes its messages.
    pub(super) static MESSAGE_ENV: RefCell<OwnedEnv> = RefCell::new(OwnedEnv::new());
}

impl Waiter {
    /// Does what it waits for, in a thread of our own.
    pub(super) fn resume(self: &Arc<Self>) {
        // Who has left the line is not worth a look at the disk.
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

    /// Gives up its turn. Answers whether it had it.
    fn leave_lanes(&self, env: Env<'_>) -> bool {
        let lanes = self.socket.socket.refuse(|waiter| std::ptr::eq(waiter, self));
        lanes.into_iter().fold(false, |before, (left, wakes)| {
            notify::deliver(env, Place::polling(), wakes);
            before || left
        })
    }

    /// A panic costs this one its answer, and nobody else; the hook has written where it was.
    fn proceed_caught(self: &Arc<Self>, env: Env<'_>) {
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
            self.leave_lanes(env);
            return;
        }
        let wait = Wait::for_completion(self, self.pid, handle);
        let result = task.proceed(env, &self.socket, &wait);
        match wait.step() {
            Step::Waiting | Step::Part(_) | Step::Departed => {}
            // It still has the turn, and whoever has left in the meantime is told nothing.
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

/// Does what is due. What is done for one may bring the turn of the next.
fn run_queue(own: &mut OwnedEnv) {
    while let Some(next) = RUNNABLE.with_borrow_mut(VecDeque::pop_front) {
        own.run(|env| next.proceed_caught(env));
        own.clear();
    }
}
