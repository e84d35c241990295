//! The processors that the program may use, sched_setaffinity(2).

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, getpid};

/// A thread inherits the processors of the one that starts it, and that may be a scheduler bound to one: the processors of
/// the whole program are given back to it. Where that fails it stays where it is.
pub fn unbind() {
    if let Ok(all) = sched_getaffinity(getpid()) {
        let _ = sched_setaffinity(Pid::from_raw(0), &all);
    }
}

/// How many processors the program may use.
pub fn count() -> usize {
    let count = |set: CpuSet| (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count();
    sched_getaffinity(getpid()).map_or(1, count)
}
