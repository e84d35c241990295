//! The processors that threads may run on, sched_setaffinity(2).

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, getpid};

/// Lets the calling thread run on all processors of the program. A new thread inherits the affinity of the thread that
/// starts it, which may be a scheduler bound to one processor. If the call fails, the affinity stays as it is.
pub fn unbind() {
    if let Ok(all) = sched_getaffinity(getpid()) {
        let _ = sched_setaffinity(Pid::from_raw(0), &all);
    }
}

/// How many processors the program may use; 1 if the kernel does not say.
pub fn count() -> usize {
    let count = |set: CpuSet| (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count();
    sched_getaffinity(getpid()).map_or(1, count)
}
