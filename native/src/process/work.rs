//! What the threads of the pools do.

use super::complete::MESSAGE_ENV;
use super::model::{Waiter, Watch, Work};
use super::place::{AT_ONCE, Place};
use super::pool::Run;
use esock::lane::Wake;
use esock::lane::wakes::Wakes;
use rustler::ResourceArc;
use slab::Slab;
use std::thread::sleep;
use std::time::Duration;

/// The pause of a thread after 64 notifications. On a busy machine the system takes a processor from a scheduler for
/// this thread, and without the pause would do so for some milliseconds.
const PAUSE: Duration = Duration::from_micros(50);

impl Run for Work {
    fn run(self) {
        match self {
            Self::Complete(waiter) => waiter.resume(),
            Self::Notify(wakes) => notify_paced(&wakes),
            Self::SocketDown(watches) => send_downs(&watches),
            Self::ProcessDown(socket, pid) => socket.remove_process(pid).iter().for_each(notify_paced),
            Self::Close(descriptor) => descriptor.close_unattended(),
        }
    }
}

/// Notifies the waiters of one socket, with pauses.
fn notify_paced(wakes: &Wakes<Waiter>) {
    paced(wakes.iter(), |(waiter, signal)| waiter.wake(signal));
    if let Some((waiter, _)) = wakes.iter().next() {
        waiter.socket.socket.sweep().into_iter().for_each(Wakes::notify);
    }
}

/// Sends `'DOWN'` to the processes that monitor one socket, with pauses.
fn send_downs(watches: &Slab<ResourceArc<Watch>>) {
    MESSAGE_ENV.with_borrow_mut(|own| {
        paced(watches.iter(), |(_, watch)| {
            own.run(|env| Watch::send_down(watch, env, Place::Thread));
            own.clear();
        });
    });
}

fn paced<T>(all: impl Iterator<Item = T>, mut notify: impl FnMut(T)) {
    for (count, one) in all.enumerate() {
        notify(one);
        if count % AT_ONCE == AT_ONCE - 1 {
            sleep(PAUSE);
        }
    }
}
