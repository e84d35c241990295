//! Buffers for received bytes, and the binaries made from them. A binary has the exact size of its data, so none keeps
//! a buffer alive.

use crate::sys::{self, Filling};
use esock::op::Room;
use esock::sys::memory::zeros;
use esock::sys::room::{Memory, Space};
use rustler::{Env, NewBinary, Term};
use std::cell::RefCell;
use std::collections::VecDeque;

/// Size of a thread's scratch buffer, in bytes: the most that a receive without a length takes.
pub(crate) const SCRATCH: usize = 256 * 1024;
/// From this size on, in bytes, a copy costs more than a binary that is allocated too long and then cut.
pub(crate) const DIRECT: usize = 32 * 1024;
/// The VM keeps binaries of up to this many bytes in the heap of a process.
const ON_HEAP: usize = 64;

/// Size of a thread's buffer for batches of messages, in bytes: more than a scheduler should handle in one go. The
/// buffer is kept, because to allocate and clear it costs more than the few messages that mostly arrive. Only the part
/// that was once used takes memory.
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
    /// Copies bytes to the room that was made for them.
    pub(crate) fn fill(&mut self, bytes: &VecDeque<u8>) {
        if let Some(filling) = &mut self.filling {
            filling.space().copy(bytes, bytes.len());
        }
    }

    /// A binary of what was written to the room; `None` if there is no memory for it.
    pub(crate) fn term<'a>(&mut self, env: Env<'a>) -> Option<Term<'a>> {
        match self.filling.take() {
            Some(filling) if filling.written().len() > DIRECT / 2 => filling.term(env),
            Some(filling) => copy(env, filling.written()),
            None => copy(env, self.scratch.written()),
        }
    }
}

/// Runs `work` with the thread's buffer for batches, which has room for up to `count` messages of `each` bytes, and for
/// one at least. `None`: there is no memory for it.
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

/// Runs `work` with the thread's buffer. `direct`: so much data is expected that it is received into a binary.
pub(crate) fn with<R>(direct: bool, work: impl FnOnce(&mut Buffer<'_>) -> R) -> R {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut scratch) => work(&mut Buffer { scratch: &mut scratch, direct, filling: None }),
        // No NIF calls another, so the buffer is free. If it were not, a new one would serve.
        Err(_) => work(&mut Buffer { scratch: &mut Memory::new(SCRATCH), direct, filling: None }),
    })
}

/// A binary with these bytes; `None` if there is no memory for it.
pub(crate) fn copy<'a>(env: Env<'a>, bytes: &[u8]) -> Option<Term<'a>> {
    if bytes.len() <= ON_HEAP {
        let mut binary = NewBinary::new(env, bytes.len());
        binary.as_mut_slice().copy_from_slice(bytes);
        return Some(binary.into());
    }
    sys::binary(env, bytes)
}
