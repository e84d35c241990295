//! Threads for what may wait for a disk: jobs that read a file.

use crate::caller::Waiter;
use crossbeam_channel::{Receiver, Sender, unbounded};
use esock::poller::epoll::unbind;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};

/// Jobs that wait for a disk at the same time. Chosen, not measured.
const THREADS: usize = 4;
const STACK: usize = 256 * 1024;

/// The threads, and the way to them. A waiter is there once for each time that it has the turn.
struct Workers {
    queue: Mutex<Option<Sender<Arc<Waiter>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

static WORKERS: OnceLock<Workers> = OnceLock::new();
static OVER: AtomicBool = AtomicBool::new(false);

/// Has a thread do what somebody waits for. `false`: there is none.
pub(crate) fn take(waiter: &Arc<Waiter>) -> bool {
    let workers = WORKERS.get_or_init(start);
    workers.queue.lock().as_ref().is_some_and(|queue| queue.try_send(Arc::clone(waiter)).is_ok())
}

fn start() -> Workers {
    let (queue, waiters) = unbounded();
    let threads = (0..THREADS).filter_map(|index| {
        let waiters: Receiver<Arc<Waiter>> = waiters.clone();
        let builder = Builder::new().name(format!("esock_file_{index}")).stack_size(STACK);
        builder.spawn(move || work(&waiters)).ok()
    });
    let threads: Vec<_> = threads.collect();
    esock::sys::exit::at_exit(stop);
    Workers { queue: Mutex::new((!threads.is_empty()).then_some(queue)), threads: Mutex::new(threads) }
}

fn work(waiters: &Receiver<Arc<Waiter>>) {
    unbind();
    for waiter in waiters {
        // What is left at the end of the VM is nobody's.
        if !OVER.load(Relaxed) {
            waiter.work();
        }
    }
}

/// Nobody sends a message while the VM comes to its end.
extern "C" fn stop() {
    OVER.store(true, Relaxed);
    if let Some(workers) = WORKERS.get() {
        *workers.queue.lock() = None;
        for thread in workers.threads.lock().drain(..) {
            let _ = thread.join();
        }
    }
}
