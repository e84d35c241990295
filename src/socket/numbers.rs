//! The numbers of the descriptors that sockets have, so that a close by number spares them.

use crate::sys;
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Numbers in one part of the table.
const PART: usize = 1 << 14;
/// Parts of the table: numbers up to 2^24.
const PARTS: usize = 1 << 10;

/// For each number how many sockets have it. It is more than one for lent descriptors, and for a moment if the system
/// gives a number away again before the socket that has closed it is taken out.
static TABLE: [OnceLock<Box<[AtomicU32]>>; PARTS] = [const { OnceLock::new() }; PARTS];

fn entry(number: RawFd) -> Option<&'static AtomicU32> {
    let number = usize::try_from(number).ok()?;
    let part = TABLE.get(number / PART)?.get_or_init(|| (0..PART).map(|_| AtomicU32::new(0)).collect());
    part.get(number % PART)
}

/// A socket has this number from now on.
pub(crate) fn add(number: RawFd) {
    entry(number).map(|count| count.fetch_add(1, SeqCst));
}

/// A socket no longer has this number.
pub(crate) fn remove(number: RawFd) {
    entry(number).map(|count| count.fetch_sub(1, SeqCst));
}

/// Closes a descriptor by its number, close(2). `None`: a socket has it, and nothing is closed. This may block.
pub fn close(number: RawFd) -> Option<sys::Result<()>> {
    if number < 0 {
        return Some(sys::descriptor::close(number));
    }
    // Only this call closes the number as long as it is in the table. A number above the table may be a socket's.
    entry(number)?.compare_exchange(0, 1, SeqCst, SeqCst).ok()?;
    let closed = sys::descriptor::close(number);
    remove(number);
    Some(closed)
}
