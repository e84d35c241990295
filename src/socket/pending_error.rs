//! Errors that were taken from the system when nobody could be told: they are told later, once.

use crate::wire::errno::Errno;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// Room for an error.
#[derive(Default)]
pub struct PendingError(AtomicI32);

impl PendingError {
    /// Keeps an error. One that was there is told no more: so does the system.
    pub fn put(&self, errno: Errno) {
        self.0.store(errno.number(), Relaxed);
    }

    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// The error, once.
    pub fn take(&self) -> Option<Errno> {
        // Nearly always there is none, and to look is cheaper.
        let number = if self.is_some() { self.0.swap(0, Relaxed) } else { 0 };
        (number != 0).then(|| Errno::new(number))
    }
}
