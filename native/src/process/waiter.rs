//! Waiters: their handles, their shared monitors, and what remains of their calls.

use super::model::{Task, Waiter};
use rustler::{Env, Monitor, Term};
use std::sync::Arc;

impl Waiter {
    /// Keeps a monitor on its process from ending, unless the waiter has one.
    pub(crate) fn share(&self, monitor: &Arc<Monitor>) {
        self.monitor.lock().get_or_insert_with(|| Arc::clone(monitor));
    }

    /// Whether the process waits under this handle.
    pub(crate) fn is(&self, handle: Term<'_>) -> bool {
        self.handle.is(handle)
    }

    /// Stores what remains of its call.
    pub(crate) fn suspend<'a>(&self, env: Env<'a>, task: Task<'a>) {
        if let Some(stored) = &self.stored {
            stored.update(env, task);
        }
    }
}

/// The tag of a handle, for `Wake::tag`.
pub(crate) fn tag(handle: Term<'_>) -> u64 {
    handle.hash_internal(0)
}
