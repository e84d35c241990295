//! Room for received bytes, and the binaries made of them: of the exact size, so that none keeps a buffer alive.

use crate::sys;
use esock::op::Room;
use esock::sys::memory::zeros;
use rustler::{Encoder, Env, OwnedBinary, Term};
use std::cell::RefCell;

/// The scratch buffer of a thread. Larger reads go straight into a binary.
const SCRATCH: usize = 64 * 1024;
/// A thread's room for batches of messages, more than a scheduler should handle in one go. It is kept, because to allocate
/// and clear it would cost more than the few messages that mostly are there; memory is taken of what was once used.
const BATCH: usize = 1 << 20;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
    static BATCHES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room in the thread's scratch buffer, or in a binary of its own.
pub(crate) struct Buffer<'b> {
    scratch: &'b mut [u8],
    large: Option<OwnedBinary>,
}

impl Room for Buffer<'_> {
    const SCRATCH: usize = SCRATCH;

    fn room(&mut self, len: usize) -> Option<&mut [u8]> {
        if len <= SCRATCH {
            return self.scratch.get_mut(..len);
        }
        self.large = sys::binary(len);
        self.large.as_deref_mut()
    }
}

impl Buffer<'_> {
    /// The first `len` bytes of the room as a binary; nothing where there is no memory for it.
    pub(crate) fn term<'a>(&mut self, env: Env<'a>, len: usize) -> Option<Term<'a>> {
        let binary = match self.large.take() {
            Some(mut large) => {
                if large.len() == len || large.realloc(len) {
                    large
                } else {
                    copy(large.get(..len)?)?
                }
            }
            None => copy(self.scratch.get(..len)?)?,
        };
        Some(binary.release(env).encode(env))
    }
}

/// Lends the thread's buffer for batches: room for up to `count` messages of `each` bytes, for one at least; nothing where
/// there is no memory for it.
pub(crate) fn batch<R>(count: usize, each: usize, work: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
    let len = count.saturating_mul(each).min(BATCH.max(each));
    BATCHES.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) if len <= BATCH => {
            if buffer.is_empty() {
                *buffer = zeros(BATCH)?;
            }
            buffer.get_mut(..len).map(work)
        }
        _ => Some(work(&mut zeros(len)?)),
    })
}

/// Lends the thread's buffer.
pub(crate) fn with<R>(work: impl FnOnce(&mut Buffer<'_>) -> R) -> R {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut scratch) => work(&mut Buffer { scratch: &mut scratch, large: None }),
        // No NIF calls another, so the buffer is free; were it not, a new one does.
        Err(_) => work(&mut Buffer { scratch: &mut vec![0; SCRATCH], large: None }),
    })
}

/// A binary with these bytes; nothing where there is no memory for it.
pub(crate) fn copy(bytes: &[u8]) -> Option<OwnedBinary> {
    sys::binary_of(bytes)
}
