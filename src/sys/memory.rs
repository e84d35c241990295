//! Memory that may be refused, malloc(3).

use std::alloc::{Layout, alloc_zeroed};

/// A buffer of zeros, if there is memory for it. Of a large one no page is touched before it is used.
pub fn zeros(len: usize) -> Option<Vec<u8>> {
    let layout = Layout::array::<u8>(len).ok().filter(|layout| layout.size() > 0);
    let Some(layout) = layout else {
        return (len == 0).then(Vec::new);
    };
    // SAFETY: the layout has a size.
    let bytes = unsafe { alloc_zeroed(layout) };
    // SAFETY: they are `len` bytes, all written, from the allocator of `Vec`, with the layout that it gives back.
    (!bytes.is_null()).then(|| unsafe { Vec::from_raw_parts(bytes, len, len) })
}
