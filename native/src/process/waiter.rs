//! The processes that wait.

use super::model::{Task, Waiter};
use rustler::{Env, Monitor, Term};
use std::sync::Arc;

impl Waiter {
    /// Has it share a monitor of its process that would end otherwise.
    pub(crate) fn share(&self, monitor: &Arc<Monitor>) {
        self.monitor.lock().get_or_insert_with(|| Arc::clone(monitor));
    }

    /// Whether it waits under this handle.
    pub(crate) fn is(&self, handle: Term<'_>) -> bool {
        self.handle.is(handle)
    }

    /// So much of what it waits for is done.
    pub(crate) fn suspend<'a>(&self, env: Env<'a>, task: Task<'a>) {
        if let Some(stored) = &self.stored {
            stored.update(env, task);
        }
    }
}

/// The tag of a handle.
pub(crate) fn tag(handle: Term<'_>) -> u64 {
    handle.hash_internal(0)
}
