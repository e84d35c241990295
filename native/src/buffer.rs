//! Room for received bytes, and the binaries made of them: of the exact size, so that none keeps a buffer alive.

use crate::sys::{self, Filling};
use esock::op::Room;
use esock::sys::memory::zeros;
use esock::sys::room::{Memory, Space};
use rustler::{Env, NewBinary, Term};
use std::cell::RefCell;

/// The scratch buffer of a thread: what a receive takes that names no length.
pub(crate) const SCRATCH: usize = 256 * 1024;
/// From here on copying costs more than a binary that turns out too long.
pub(crate) const DIRECT: usize = 32 * 1024;
/// The VM keeps binaries of up to this size in the heap of a process.
const ON_HEAP: usize = 64;

/// A thread's room for batches of messages, more than a scheduler should handle in one go. It is kept, because to allocate
/// and clear it would cost more than the few messages that mostly are there; memory is taken of what was once used.
const BATCH: usize = 1 << 20;

thread_local! {
    static BATCHES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static BUFFER: RefCell<Memory> = RefCell::new(Memory::new(SCRATCH));
}

/// Room in the thread's scratch buffer, or in a binary of its own.
pub(crate) struct Buffer<'b> {
    scratch: &'b mut Memory,
    direct: bool,
    filling: Option<Filling>,
}

impl Room for Buffer<'_> {
    const SCRATCH: usize = SCRATCH;

    fn room(&mut self, len: usize) -> Option<Space<'_>> {
        self.filling = None;
        if len <= SCRATCH && !self.direct {
            return self.scratch.space(len);
        }
        self.filling = Filling::new(len);
        self.filling.as_mut().map(Filling::space)
    }
}

impl Buffer<'_> {
    /// What was written to the room, as a binary; nothing where there is no memory for it.
    pub(crate) fn term<'a>(&mut self, env: Env<'a>) -> Option<Term<'a>> {
        match self.filling.take() {
            Some(filling) if filling.written().len() > DIRECT / 2 => filling.term(env),
            Some(filling) => copy(env, filling.written()),
            None => copy(env, self.scratch.written()),
        }
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

/// Lends the thread's buffer; `direct` where so much is expected that it had better go straight into a binary.
pub(crate) fn with<R>(direct: bool, work: impl FnOnce(&mut Buffer<'_>) -> R) -> R {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut scratch) => work(&mut Buffer { scratch: &mut scratch, direct, filling: None }),
        // No NIF calls another, so the buffer is free; were it not, a new one does.
        Err(_) => work(&mut Buffer { scratch: &mut Memory::new(SCRATCH), direct, filling: None }),
    })
}

/// A binary with these bytes; nothing where there is no memory for it.
pub(crate) fn copy<'a>(env: Env<'a>, bytes: &[u8]) -> Option<Term<'a>> {
    if bytes.len() <= ON_HEAP {
        let mut binary = NewBinary::new(env, bytes.len());
        binary.as_mut_slice().copy_from_slice(bytes);
        return Some(binary.into());
    }
    sys::binary(env, bytes)
}
