//! What the threads of the pools do.

use super::complete::MESSAGE;
use super::model::{Waiter, Watch, Work};
use super::place::{AT_ONCE, Place};
use super::pool::Run;
use esock::lane::Wake;
use esock::lane::wakes::Wakes;
use rustler::ResourceArc;
use slab::Slab;
use std::thread::sleep;
use std::time::Duration;

/// The pause of a thread that tells more. On a busy machine the system takes a processor from a scheduler for it, and would do so for
/// some milliseconds.
const PAUSE: Duration = Duration::from_micros(50);

impl Run for Work {
    fn run(self) {
        match self {
            Self::Complete(waiter) => waiter.work(),
            Self::Tell(wakes) => tell_all(&wakes),
            Self::Down(watches) => down_all(&watches),
            Self::Gone(socket, pid) => socket.gone(pid).iter().for_each(tell_all),
            Self::Close(descriptor) => descriptor.close_unattended(),
        }
    }
}

/// Tells waiters of one socket, in a thread of our own.
fn tell_all(wakes: &Wakes<Waiter>) {
    paced(wakes.iter(), |(waiter, signal)| waiter.wake(signal));
    if let Some((waiter, _)) = wakes.iter().next() {
        waiter.socket.socket.sweep().into_iter().for_each(Wakes::tell);
    }
}

/// Tells the monitors of a socket, in a thread of our own.
fn down_all(watches: &Slab<ResourceArc<Watch>>) {
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
