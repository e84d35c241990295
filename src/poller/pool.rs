//! The pollers of the operating-system process.

use super::epoll::Poller;
use crate::sys;
use std::sync::{Arc, OnceLock};

static POLLERS: OnceLock<Vec<Arc<Poller>>> = OnceLock::new();

/// Starts `count` pollers (at least 1), once in the life of the operating-system process. They stop when it exits.
pub fn start(count: usize) -> sys::Result<()> {
    if POLLERS.get().is_none() {
        let pollers = (0..count.max(1)).map(Poller::start).collect::<sys::Result<Vec<_>>>()?;
        if POLLERS.set(pollers).is_ok() {
            sys::exit::at_exit(stop_all);
        }
    }
    Ok(())
}

/// The poller of a descriptor: its number modulo the number of pollers. `None`: the pollers have not been started.
pub fn of(fd: i32) -> Option<&'static Arc<Poller>> {
    let pollers = POLLERS.get()?;
    pollers.get(usize::try_from(fd).ok()?.checked_rem(pollers.len())?)
}

/// All pollers.
pub fn all() -> impl Iterator<Item = &'static Arc<Poller>> {
    POLLERS.get().into_iter().flatten()
}

/// A poller by its number, from 0.
pub fn get(index: usize) -> Option<&'static Arc<Poller>> {
    POLLERS.get()?.get(index)
}

/// How many pollers have a helper poll for them.
pub fn helped() -> usize {
    all().filter(|poller| poller.role.helped()).count()
}

/// How many pollers there are.
pub fn count() -> usize {
    POLLERS.get().map_or(0, Vec::len)
}

extern "C" fn stop_all() {
    for poller in all() {
        poller.stop();
    }
}
