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

/// How many bytes the program may lock, RLIMIT_MEMLOCK of getrlimit(2); nothing where there is no limit.
pub fn lockable() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for the answer.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    (answer == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}
