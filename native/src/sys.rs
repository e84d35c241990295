//! The `unsafe` of the NIF: what rustler has no safe and failing form of.
#![allow(unsafe_code)]

use rustler::OwnedBinary;
use rustler::sys::enif_alloc_binary;
use std::mem::MaybeUninit;

/// A binary with these bytes, or nothing where there is no memory for it.
pub(crate) fn binary_of(bytes: &[u8]) -> Option<OwnedBinary> {
    let mut raw = MaybeUninit::<rustler::sys::ErlNifBinary>::uninit();
    // SAFETY: the call fills `raw` where it answers anything but 0.
    let ok = unsafe { enif_alloc_binary(bytes.len(), raw.as_mut_ptr()) } != 0;
    ok.then(|| {
        // SAFETY: `raw` was filled: its data has room for as many bytes as were asked for, and is ours alone.
        unsafe {
            let raw = raw.assume_init();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), raw.data, bytes.len());
            OwnedBinary::from_raw(raw)
        }
    })
}

/// A binary of `len` zeros, or nothing where there is no memory for it. rustler's own constructor aborts the VM then.
pub(crate) fn binary(len: usize) -> Option<OwnedBinary> {
    let mut raw = MaybeUninit::uninit();
    // SAFETY: the call fills `raw` where it answers anything but 0.
    let ok = unsafe { enif_alloc_binary(len, raw.as_mut_ptr()) } != 0;
    // SAFETY: `raw` was filled, and belongs to nobody else.
    let mut binary = ok.then(|| unsafe { OwnedBinary::from_raw(raw.assume_init()) })?;
    // Rust's slices must not show memory that nobody has written.
    binary.as_mut_slice().fill(0);
    Some(binary)
}
