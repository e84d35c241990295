//! Allocation that can fail, malloc(3), and the limit of locked memory, getrlimit(2).

use std::alloc::{Layout, alloc_zeroed};

/// Allocates a buffer of zeros. `None` if there is no memory. A page of a large buffer is not touched before it is used.
pub fn zeros(len: usize) -> Option<Vec<u8>> {
    let layout = Layout::array::<u8>(len).ok().filter(|layout| layout.size() > 0);
    let Some(layout) = layout else {
        return (len == 0).then(Vec::new);
    };
    // SAFETY: the size of the layout is not 0.
    let bytes = unsafe { alloc_zeroed(layout) };
    // SAFETY: the memory has `len` bytes, all initialized, from the allocator of `Vec` and with the layout that `Vec` frees.
    (!bytes.is_null()).then(|| unsafe { Vec::from_raw_parts(bytes, len, len) })
}

/// How many bytes of memory the program may lock, RLIMIT_MEMLOCK of getrlimit(2). `None` if there is no limit.
pub fn lockable() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct has room for the answer.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    (answer == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}
