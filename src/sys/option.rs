//! Socket options as bytes, getsockopt(2) and setsockopt(2).

use super::{Result, check};
use std::os::fd::{AsRawFd, BorrowedFd};

/// setsockopt(2)
pub fn set(fd: BorrowedFd<'_>, level: i32, option: i32, value: &[u8]) -> Result<()> {
    // SAFETY: pointer and length are those of a slice.
    check(unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, option, value.as_ptr().cast(), value.len() as libc::socklen_t)
    })?;
    Ok(())
}

/// getsockopt(2): fills `value` and returns how many bytes of it the kernel wrote.
pub fn get(fd: BorrowedFd<'_>, level: i32, option: i32, value: &mut [u8]) -> Result<usize> {
    let mut len = value.len() as libc::socklen_t;
    // SAFETY: pointer and length are those of a slice that is borrowed exclusively.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, value.as_mut_ptr().cast(), &raw mut len) })?;
    Ok((len as usize).min(value.len()))
}

/// getsockopt(2) of an option that is one int.
pub fn get_int(fd: BorrowedFd<'_>, level: i32, option: i32) -> Result<i32> {
    let mut value = [0; 4];
    get(fd, level, option, &mut value)?;
    Ok(i32::from_ne_bytes(value))
}

/// setsockopt(2) of an option whose call returns a number.
pub fn set_answering(fd: BorrowedFd<'_>, level: i32, option: i32, value: &[u8]) -> Result<i32> {
    // SAFETY: pointer and length are those of a slice.
    check(unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, option, value.as_ptr().cast(), value.len() as libc::socklen_t)
    })
}
