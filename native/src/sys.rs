//! The `unsafe` of the NIF: what rustler has no safe and failing form of.
#![allow(unsafe_code)]

use rustler::sys::enif_alloc_binary;
use rustler::{Encoder, Env, OwnedBinary, Term};
use std::mem::MaybeUninit;

/// A binary of that size with nothing in it yet; or nothing where there is no memory for it, where rustler's own
/// constructor aborts the VM.
fn alloc(len: usize) -> Option<OwnedBinary> {
    let mut raw = MaybeUninit::uninit();
    // SAFETY: the call fills `raw` where it answers anything but 0, and what it fills it with belongs to nobody else.
    unsafe { (enif_alloc_binary(len, raw.as_mut_ptr()) != 0).then(|| OwnedBinary::from_raw(raw.assume_init())) }
}

/// A binary with these bytes, or nothing where there is no memory for it.
pub(crate) fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Option<Term<'a>> {
    let mut filling = Filling::new(bytes.len())?;
    // SAFETY: both are of this length, and one is new.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), filling.room().as_mut_ptr().cast(), bytes.len()) };
    filling.term(env, bytes.len())
}

/// A binary that is being filled.
pub(crate) struct Filling(OwnedBinary);

impl Filling {
    /// Of that size, if there is memory for it.
    pub(crate) fn new(len: usize) -> Option<Self> {
        alloc(len).map(Self)
    }

    /// What is to be filled.
    pub(crate) fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        let bytes = self.0.as_mut_slice();
        // SAFETY: the same memory, of which nothing is said now.
        unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) }
    }

    /// The first `len` bytes, which have been written.
    pub(crate) fn term<'a>(mut self, env: Env<'a>, len: usize) -> Option<Term<'a>> {
        if len != self.0.len() && !self.0.realloc(len) {
            return None;
        }
        Some(self.0.release(env).encode(env))
    }
}
