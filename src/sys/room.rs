//! Room for received bytes that knows how much of it has been written.
//!
//! Only this module and the calls beside it say that bytes were written, so that nobody has to be believed who reads them.

use std::collections::VecDeque;
use std::mem::MaybeUninit;

/// Room for the bytes of one receive.
pub struct Space<'m> {
    memory: &'m mut [MaybeUninit<u8>],
    filled: &'m mut usize,
}

impl<'m> Space<'m> {
    /// All of this memory, of which nothing counts as written. `filled` is how much does, whenever the space is given up.
    pub fn new(memory: &'m mut [MaybeUninit<u8>], filled: &'m mut usize) -> Self {
        *filled = 0;
        Self { memory, filled }
    }

    /// The same, of memory that holds something already.
    pub fn over(memory: &'m mut [u8], filled: &'m mut usize) -> Self {
        let (start, len) = (memory.as_mut_ptr(), memory.len());
        // SAFETY: the same memory, borrowed for as long. What is written to it is always bytes.
        Self::new(unsafe { std::slice::from_raw_parts_mut(start.cast(), len) }, filled)
    }

    /// How many bytes there is room for.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Whether there is room for none.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// What has been written.
    pub fn written(&self) -> &[u8] {
        // SAFETY: `filled` is never more than was written.
        unsafe { initialized(self.memory, *self.filled) }
    }

    /// Writes the first `len` of these bytes, or as many as there is room for. Answers how many.
    pub fn copy(&mut self, from: &VecDeque<u8>, len: usize) -> usize {
        let (first, second) = from.as_slices();
        let first = first.get(..len).unwrap_or(first);
        let second = second.get(..len - first.len()).unwrap_or(second);
        *self.filled = 0;
        self.append(first);
        self.append(second);
        *self.filled
    }

    /// Writes `len` zeros, or as many as there is room for. Answers how many.
    pub fn zeros(&mut self, len: usize) -> usize {
        let len = len.min(self.memory.len());
        // SAFETY: that much memory is ours alone.
        unsafe { std::ptr::write_bytes(self.memory.as_mut_ptr(), 0, len) };
        *self.filled = len;
        len
    }

    /// Writes more bytes behind what has been written, as many as there is room for.
    pub fn append(&mut self, bytes: &[u8]) {
        let left = self.memory.get_mut(*self.filled..).unwrap_or_default();
        let len = bytes.len().min(left.len());
        // SAFETY: both are of this length at least, and one is borrowed for this alone.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), left.as_mut_ptr().cast(), len) };
        *self.filled += len;
    }

    /// Where the system is to write. With MSG_TRUNC it may count what it does not write (tcp(7)): zeros stand there then, and
    /// not what is left of another receive.
    pub(super) fn for_call(&mut self, flags: i32) -> (*mut u8, usize) {
        if flags & libc::MSG_TRUNC != 0 {
            self.zeros(self.memory.len());
        }
        (self.memory.as_mut_ptr().cast(), self.memory.len())
    }

    /// The system has written `len` bytes; with MSG_TRUNC it may name more than there is room for.
    ///
    /// # Safety
    ///
    /// So many were written, or there were zeros before ([`Self::for_call`]).
    pub(super) unsafe fn set_written(&mut self, len: usize) -> usize {
        *self.filled = len.min(self.memory.len());
        *self.filled
    }
}

/// Memory to receive into, again and again.
pub struct Memory {
    bytes: Box<[MaybeUninit<u8>]>,
    filled: usize,
}

impl Memory {
    /// So much of it. No page is touched before it is used.
    pub fn new(len: usize) -> Self {
        Self { bytes: Box::new_uninit_slice(len), filled: 0 }
    }

    /// Room for exactly `len` bytes, if there is so much.
    pub fn space(&mut self, len: usize) -> Option<Space<'_>> {
        let memory = self.bytes.get_mut(..len)?;
        Some(Space::new(memory, &mut self.filled))
    }

    /// What was written to the last space.
    pub fn written(&self) -> &[u8] {
        // SAFETY: only a space of this memory has changed `filled`, to as much as was written.
        unsafe { initialized(&self.bytes, self.filled) }
    }
}

/// The first `len` bytes.
///
/// # Safety
///
/// So many were written.
unsafe fn initialized(memory: &[MaybeUninit<u8>], len: usize) -> &[u8] {
    // SAFETY: the caller's word; the length is in any case no more than that of the memory.
    unsafe { std::slice::from_raw_parts(memory.as_ptr().cast(), len.min(memory.len())) }
}
