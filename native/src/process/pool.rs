//! Pools of threads, for work that would hold a scheduler.

use crossbeam_channel::{Receiver, Sender, TrySendError, unbounded};
use esock::sys::processor::unbind;
use parking_lot::{Condvar, Mutex};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Once, OnceLock};
use std::thread::{Builder, park};
use std::time::Duration;

const STACK: usize = 256 * 1024;
/// How long the exit of the VM waits for threads that use it. Each uses it for moments only.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Work for a pool.
pub(crate) trait Run: Send + 'static {
    /// Does the work, in a thread of the pool.
    fn run(self);
}

/// A queue of work, and the threads that do it.
pub(crate) struct Pool<T> {
    name: &'static str,
    threads: usize,
    queue: OnceLock<Option<Sender<T>>>,
}

impl<T> Pool<T> {
    /// A pool of threads called `<name>_<index>`. They start with the first work.
    pub(super) const fn new(name: &'static str, threads: usize) -> Self {
        Self { name, threads, queue: OnceLock::new() }
    }
}

impl<T: Run> Pool<T> {
    /// Queues work for a thread. Gives it back if the pool has no thread.
    pub(crate) fn submit(&'static self, work: T) -> Result<(), T> {
        match self.queue.get_or_init(|| self.start()) {
            Some(queue) => queue.try_send(work).map_err(TrySendError::into_inner),
            None => Err(work),
        }
    }

    fn start(&'static self) -> Option<Sender<T>> {
        let (queue, receiver) = unbounded();
        let threads = (0..self.threads).filter(|index| {
            let receiver: Receiver<T> = receiver.clone();
            spawn(format!("{}_{index}", self.name), STACK, move || {
                for work in receiver {
                    in_vm(|| work.run());
                }
            })
        });
        (threads.count() > 0).then_some(queue)
    }
}

/// Starts a thread that may use the VM within [`in_vm`]. Answers whether the system has one.
pub(super) fn spawn(name: String, stack: usize, body: impl FnOnce() + Send + 'static) -> bool {
    static AT_EXIT: Once = Once::new();
    AT_EXIT.call_once(|| {
        esock::sys::exit::at_exit(stop);
    });
    let run = move || {
        unbind();
        body();
    };
    Builder::new().name(name).stack_size(stack).spawn(run).is_ok()
}

/// Runs `work`, which uses the VM. Once the VM exits, the thread stays here.
pub(super) fn in_vm(work: impl FnOnce()) {
    enter();
    // A panic ends this work and no other. The panic hook has written where it happened.
    let _ = catch_unwind(AssertUnwindSafe(work));
    leave();
}

/// How many threads use the VM now; `None` once the VM exits.
static USING_VM: Mutex<Option<usize>> = Mutex::new(Some(0));
static THREAD_LEFT: Condvar = Condvar::new();

thread_local! {
    /// Whether this thread is one of those.
    static IS_USING_VM: Cell<bool> = const { Cell::new(false) };
}

/// Begins to use the VM. Once the VM exits, the thread stays here.
fn enter() {
    while USING_VM.lock().as_mut().map(|count| *count += 1).is_none() {
        park();
    }
    IS_USING_VM.set(true);
}

fn leave() {
    IS_USING_VM.set(false);
    if let Some(count) = USING_VM.lock().as_mut() {
        *count -= 1;
    }
    THREAD_LEFT.notify_all();
}

/// Runs `wait`, which may wait for a disk. A thread of a pool does not count as a user of the VM meanwhile, so a file
/// system that does not answer does not delay the exit of the VM.
pub(crate) fn outside_vm<T>(wait: impl FnOnce() -> T) -> T {
    if !IS_USING_VM.get() {
        return wait();
    }
    leave();
    let answer = wait();
    enter();
    answer
}

/// Runs at the exit of the VM, atexit(3): waits for the threads that use the VM, and lets none use it from then on.
extern "C" fn stop() {
    let mut inside = USING_VM.lock();
    let end = std::time::Instant::now() + EXIT_TIMEOUT;
    while inside.is_some_and(|count| count > 0) && !THREAD_LEFT.wait_until(&mut inside, end).timed_out() {}
    *inside = None;
}
