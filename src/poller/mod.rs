//! The pollers: threads that sleep until the kernel says that a descriptor is ready, and then tell its source.

pub mod epoll;
pub mod registration;
pub mod token;

use crate::sys;
use epoll::Poller;
use std::sync::{Arc, OnceLock};

/// Something a poller tells of events.
pub trait Ready: Send + Sync {
    /// The descriptor became readable, writable, or both.
    fn ready(&self, readable: bool, writable: bool);
}

static POLLERS: OnceLock<Vec<Arc<Poller>>> = OnceLock::new();

/// The name of the mechanism behind the pollers.
pub const BACKEND: &str = "epoll";

/// Starts the pollers, once in the life of the process; they stop when it exits.
pub fn start(count: usize) -> sys::Result<()> {
    if POLLERS.get().is_none() {
        let pollers = (0..count.max(1)).map(Poller::start).collect::<sys::Result<Vec<_>>>()?;
        if POLLERS.set(pollers).is_ok() {
            sys::exit::at_exit(stop_all);
        }
    }
    Ok(())
}

/// The poller of a descriptor, if the pollers have been started.
pub fn of(fd: i32) -> Option<&'static Arc<Poller>> {
    let pollers = POLLERS.get()?;
    pollers.get(usize::try_from(fd).ok()?.checked_rem(pollers.len())?)
}

/// How many pollers there are.
pub fn count() -> usize {
    POLLERS.get().map_or(0, Vec::len)
}

extern "C" fn stop_all() {
    for poller in POLLERS.get().into_iter().flatten() {
        poller.stop();
    }
}
