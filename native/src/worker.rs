//! Threads for what would hold a scheduler: jobs that may wait for a disk, and telling many waiters.

use crate::caller::{self, Waiter};
use crate::watch::Watch;
use crossbeam_channel::{Receiver, Sender, TrySendError, unbounded};
use esock::lane::wakes::Wakes;
use esock::socket::Socket;
use esock::socket::descriptor::Descriptor;
use esock::sys::processor::unbind;
use parking_lot::{Condvar, Mutex};
use rustler::{LocalPid, ResourceArc};
use slab::Slab;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once, OnceLock};
use std::thread::{Builder, park};
use std::time::Duration;

/// Jobs that wait for a disk at the same time. Chosen, not measured.
const FILES: usize = 4;
const STACK: usize = 256 * 1024;
/// How long the end of the VM waits for threads that use it: each does so for moments only.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a thread is to do.
pub(crate) enum Work {
    /// Go on with a completion that was woken. It may wait for a disk.
    Complete(Arc<Waiter>),
    /// Tell waiters.
    Tell(Wakes<Waiter>),
    /// Tell the monitors of a socket that is closed.
    Down(Slab<ResourceArc<Watch>>),
    /// Take a process that has ended out of a socket's lanes.
    Gone(Arc<Socket<Waiter>>, LocalPid),
    /// Close a descriptor of which nobody waits for the end.
    Close(Descriptor),
}

/// A queue of work, and the threads that do it.
pub(crate) struct Pool {
    name: &'static str,
    threads: usize,
    queue: OnceLock<Option<Sender<Work>>>,
}

/// For jobs that read a file.
pub(crate) static DISK: Pool = Pool { name: "esock_file", threads: FILES, queue: OnceLock::new() };
/// For receives of much, which are copied. A disk that does not answer holds up none of them.
pub(crate) static COPIES: Pool = Pool { name: "esock_copy", threads: 1, queue: OnceLock::new() };
/// For everything else. One thread: what concerns one waiter comes in order.
pub(crate) static BACKGROUND: Pool = Pool { name: "esock_work", threads: 1, queue: OnceLock::new() };

impl Pool {
    /// Has a thread do it. Gives it back where there is no thread.
    pub(crate) fn take(&'static self, work: Work) -> Result<(), Work> {
        match self.queue.get_or_init(|| self.start()) {
            Some(queue) => queue.try_send(work).map_err(TrySendError::into_inner),
            None => Err(work),
        }
    }

    fn start(&'static self) -> Option<Sender<Work>> {
        static AT_EXIT: Once = Once::new();
        AT_EXIT.call_once(|| {
            esock::sys::exit::at_exit(stop);
        });
        let (queue, works) = unbounded();
        let threads = (0..self.threads).filter(|index| {
            let works: Receiver<Work> = works.clone();
            let builder = Builder::new().name(format!("{}_{index}", self.name)).stack_size(STACK);
            let run = move || {
                unbind();
                for work in works {
                    enter();
                    // A panic costs this work its end, and no other; the hook has written where it was.
                    let _ = catch_unwind(AssertUnwindSafe(|| work.run()));
                    leave();
                }
            };
            builder.spawn(run).is_ok()
        });
        (threads.count() > 0).then_some(queue)
    }
}

impl Work {
    fn run(self) {
        match self {
            Self::Complete(waiter) => waiter.work(),
            Self::Tell(wakes) => caller::tell_all(&wakes),
            Self::Down(watches) => caller::down_all(&watches),
            Self::Gone(socket, pid) => socket.gone(pid).iter().for_each(caller::tell_all),
            Self::Close(descriptor) => descriptor.close_unattended(),
        }
    }
}

/// How many threads use the VM now; nothing once it has come to its end.
static INSIDE: Mutex<Option<usize>> = Mutex::new(Some(0));
static LEFT: Condvar = Condvar::new();

thread_local! {
    /// Whether this thread is one of those.
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// Begins something that uses the VM. Where the VM has come to its end, the thread stays here.
fn enter() {
    while INSIDE.lock().as_mut().map(|count| *count += 1).is_none() {
        park();
    }
    HERE.set(true);
}

fn leave() {
    HERE.set(false);
    if let Some(count) = INSIDE.lock().as_mut() {
        *count -= 1;
    }
    LEFT.notify_all();
}

/// Waits for a disk. If this is a thread of a pool, the VM may come to its end meanwhile: a file system that does not answer does
/// not hold it up.
pub(crate) fn outside<T>(wait: impl FnOnce() -> T) -> T {
    if !HERE.get() {
        return wait();
    }
    leave();
    let answer = wait();
    enter();
    answer
}

/// No thread uses the VM while it comes to its end.
extern "C" fn stop() {
    let mut inside = INSIDE.lock();
    let end = std::time::Instant::now() + PATIENCE;
    while inside.is_some_and(|count| count > 0) && !LEFT.wait_until(&mut inside, end).timed_out() {}
    *inside = None;
}
