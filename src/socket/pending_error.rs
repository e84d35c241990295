//! Pending errors: taken from the kernel when no call could report them, and reported later, once.

use crate::wire::errno::Errno;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// Room for one error.
#[derive(Default)]
pub struct PendingError(AtomicI32);

impl PendingError {
    /// Keeps an error. It replaces an earlier one, as in the kernel.
    pub fn put(&self, errno: Errno) {
        self.0.store(errno.number(), Relaxed);
    }

    /// Whether there is an error.
    pub fn is_some(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// Takes the error, if there is one.
    pub fn take(&self) -> Option<Errno> {
        // A load is cheaper than a swap, and there is rarely an error.
        let number = if self.is_some() { self.0.swap(0, Relaxed) } else { 0 };
        (number != 0).then(|| Errno::new(number))
    }
}
