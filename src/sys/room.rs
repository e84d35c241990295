//! Receive buffers that know how many of their bytes have been written.
//!
//! Only this module and the system calls in `sys` count bytes as written, so code outside cannot read uninitialized memory.

use std::collections::VecDeque;
use std::mem::MaybeUninit;

/// The buffer of one receive. Its first `filled` bytes have been written.
pub struct Space<'m> {
    memory: &'m mut [MaybeUninit<u8>],
    filled: &'m mut usize,
}

impl<'m> Space<'m> {
    /// A buffer over all of this memory, with no bytes written. `filled` counts the written bytes, and outlives the space.
    pub fn new(memory: &'m mut [MaybeUninit<u8>], filled: &'m mut usize) -> Self {
        *filled = 0;
        Self { memory, filled }
    }

    /// The same, over memory that is initialized.
    pub fn over(memory: &'m mut [u8], filled: &'m mut usize) -> Self {
        let (start, len) = (memory.as_mut_ptr(), memory.len());
        // SAFETY: it is the same memory, borrowed for the same time. Only initialized bytes are written to it.
        Self::new(unsafe { std::slice::from_raw_parts_mut(start.cast(), len) }, filled)
    }

    /// The capacity in bytes.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Whether the capacity is 0.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// The bytes written so far.
    pub fn written(&self) -> &[u8] {
        // SAFETY: `filled` never exceeds the number of written bytes.
        unsafe { initialized(self.memory, *self.filled) }
    }

    /// Writes the first `len` bytes of `from`, or as many as fit, from the start of the buffer. Returns how many.
    pub fn copy(&mut self, from: &VecDeque<u8>, len: usize) -> usize {
        let (first, second) = from.as_slices();
        let first = first.get(..len).unwrap_or(first);
        let second = second.get(..len - first.len()).unwrap_or(second);
        *self.filled = 0;
        self.append(first);
        self.append(second);
        *self.filled
    }

    /// Writes `len` zeros, or as many as fit, from the start of the buffer. Returns how many.
    pub fn zeros(&mut self, len: usize) -> usize {
        let len = len.min(self.memory.len());
        // SAFETY: the memory is borrowed exclusively, and has at least `len` bytes.
        unsafe { std::ptr::write_bytes(self.memory.as_mut_ptr(), 0, len) };
        *self.filled = len;
        len
    }

    /// Appends bytes to the written ones, as many as fit.
    pub fn append(&mut self, bytes: &[u8]) {
        let free = self.memory.get_mut(*self.filled..).unwrap_or_default();
        let len = bytes.len().min(free.len());
        // SAFETY: both have at least `len` bytes, and the destination is borrowed exclusively.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), free.as_mut_ptr().cast(), len) };
        *self.filled += len;
    }

    /// Pointer and length for a system call. With MSG_TRUNC the kernel may count bytes that it does not write (tcp(7)). The
    /// buffer is filled with zeros first, so that these bytes show nothing of an earlier receive.
    pub(super) fn for_call(&mut self, flags: i32) -> (*mut u8, usize) {
        if flags & libc::MSG_TRUNC != 0 {
            self.zeros(self.memory.len());
        }
        (self.memory.as_mut_ptr().cast(), self.memory.len())
    }

    /// Counts `len` bytes as written, and returns how many fit: with MSG_TRUNC the kernel may report more than the capacity.
    ///
    /// # Safety
    ///
    /// The kernel has written that many bytes, or the buffer was filled with zeros before ([`Self::for_call`]).
    pub(super) unsafe fn set_written(&mut self, len: usize) -> usize {
        *self.filled = len.min(self.memory.len());
        *self.filled
    }
}

/// Memory for one receive after the other.
pub struct Memory {
    bytes: Box<[MaybeUninit<u8>]>,
    filled: usize,
}

impl Memory {
    /// Allocates `len` bytes. A page is not touched before it is used.
    pub fn new(len: usize) -> Self {
        Self { bytes: Box::new_uninit_slice(len), filled: 0 }
    }

    /// A buffer of exactly `len` bytes, with no bytes written. `None` if the memory has fewer.
    pub fn space(&mut self, len: usize) -> Option<Space<'_>> {
        let memory = self.bytes.get_mut(..len)?;
        Some(Space::new(memory, &mut self.filled))
    }

    /// The bytes written to the last space.
    pub fn written(&self) -> &[u8] {
        // SAFETY: only a space of this memory changes `filled`, to the number of bytes written.
        unsafe { initialized(&self.bytes, self.filled) }
    }
}

/// The first `len` bytes.
///
/// # Safety
///
/// They have been written.
unsafe fn initialized(memory: &[MaybeUninit<u8>], len: usize) -> &[u8] {
    // SAFETY: the caller guarantees that the bytes were written. The length is never more than that of the memory.
    unsafe { std::slice::from_raw_parts(memory.as_ptr().cast(), len.min(memory.len())) }
}
