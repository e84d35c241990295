//! Every call into the operating system, and every `unsafe` of the core. No state, no policy.
//!
//! A file for each theme. Functions take borrowed descriptors, so that a descriptor cannot be used after its close.
#![allow(unsafe_code)]

pub mod exit;
pub mod io;
pub mod ioctl;
pub mod kind;
pub mod memory;
pub mod option;
pub mod processor;
pub mod ready;
pub mod room;
pub mod socket;
pub mod uring;

use crate::wire::errno::Errno;

/// What a system call answers.
pub type Result<T> = std::result::Result<T, Errno>;

/// The errno of the call that just failed in this thread.
fn last() -> Errno {
    Errno::new(nix::errno::Errno::last_raw())
}

/// Makes a call until no signal interrupts it. One that was interrupted says nothing of whether there is something to get, and
/// who waits for the edge of an event would miss what is there already.
pub fn uninterrupted<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(errno) if errno.number() == libc::EINTR => {}
            answer => return answer,
        }
    }
}

/// The answer of a call that says −1 for failure.
fn check(answer: libc::c_int) -> Result<libc::c_int> {
    if answer < 0 { Err(last()) } else { Ok(answer) }
}

/// The answer of a call that moves bytes.
fn check_len(answer: libc::ssize_t) -> Result<usize> {
    usize::try_from(answer).map_err(|_| last())
}
