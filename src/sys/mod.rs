//! The system calls of the core, and all of its `unsafe` code. No global state, no policy.
//!
//! Each subject has one file. Functions take borrowed descriptors, so that a descriptor cannot be used after it is closed.
//! epoll(7) and eventfd(2) are not here: `poller` and `ring` call them through nix.
#![allow(unsafe_code)]

pub mod descriptor;
pub mod exit;
pub mod interface;
pub mod io;
pub mod ioctl;
pub mod kind;
pub mod memory;
pub mod option;
pub mod processor;
pub mod ready;
pub mod resolve;
pub mod room;
pub mod socket;
pub mod uring;

use crate::wire::errno::Errno;

/// The result of a system call.
pub type Result<T> = std::result::Result<T, Errno>;

/// The errno of the system call that has just failed in this thread.
fn last() -> Errno {
    Errno::new(nix::errno::Errno::last_raw())
}

/// Repeats a call that a signal interrupts (EINTR). An interrupted call does not show whether the descriptor is ready. A waiter
/// that then waited for an edge-triggered event would miss data that is already there.
pub fn uninterrupted<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(errno) if errno.number() == libc::EINTR => {}
            answer => return answer,
        }
    }
}

/// The result of a call that returns −1 on failure.
fn check(answer: libc::c_int) -> Result<libc::c_int> {
    if answer < 0 { Err(last()) } else { Ok(answer) }
}

/// The result of a call that returns a number of bytes, or −1 on failure.
fn check_len(answer: libc::ssize_t) -> Result<usize> {
    usize::try_from(answer).map_err(|_| last())
}
