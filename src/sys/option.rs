//! Socket options as bytes, getsockopt(2) and setsockopt(2).

use super::{Result, check};
use crate::wire::errno::Errno;
use crate::wire::program::INSTRUCTION;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null_mut;

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

/// SCTP_SOCKOPT_CONNECTX3: begins an association with the addresses, and returns its number. It does not wait. Setting the option
/// without the 3 returns no number if the socket does not block.
pub fn sctp_connect(fd: BorrowedFd<'_>, addresses: &[u8]) -> Result<i32> {
    /// `struct sctp_getaddrs_old`
    #[repr(C)]
    struct Request {
        association: i32,
        size: i32,
        addresses: *const u8,
    }
    let size = i32::try_from(addresses.len()).map_err(|_| Errno::new(libc::EINVAL))?;
    let mut request = Request { association: 0, size, addresses: addresses.as_ptr() };
    let mut len = size_of_val(&request) as libc::socklen_t;
    let (level, option) = (crate::wire::sctp::LEVEL, crate::wire::sctp::CONNECTX3);
    // SAFETY: pointer and length are those of a local struct; its pointer and size are those of a slice, which is only read.
    let done =
        check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, (&raw mut request).cast(), &raw mut len) });
    match done {
        Err(errno) if errno != Errno::new(libc::EINPROGRESS) => Err(errno),
        _ => Ok(request.association),
    }
}

/// setsockopt(2) of a program of classic BPF. The kernel copies its instructions.
pub fn set_program(fd: BorrowedFd<'_>, level: i32, option: i32, instructions: &[u8]) -> Result<()> {
    let len = u16::try_from(instructions.len() / INSTRUCTION).map_err(|_| Errno::new(libc::EINVAL))?;
    let program = libc::sock_fprog { len, filter: instructions.as_ptr().cast_mut().cast() };
    let size = size_of_val(&program) as libc::socklen_t;
    // SAFETY: the pointer is to a struct of that size, in which pointer and number are those of a slice. The kernel reads
    // the instructions byte by byte, and does not write them.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, (&raw const program).cast(), size) })?;
    Ok(())
}

/// getsockopt(2) of the program that SO_ATTACH_FILTER has set: the length is a number of instructions, not of bytes.
pub fn program(fd: BorrowedFd<'_>, level: i32, option: i32) -> Result<Vec<u8>> {
    let mut len: libc::socklen_t = 0;
    // SAFETY: with a length of 0 the kernel writes the number of instructions to `len`, and nothing else.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, null_mut(), &raw mut len) })?;
    let mut program = vec![0_u8; len as usize * INSTRUCTION];
    // SAFETY: the buffer has room for `len` instructions. If a longer program has taken its place, the kernel refuses.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, program.as_mut_ptr().cast(), &raw mut len) })?;
    program.truncate(len as usize * INSTRUCTION);
    Ok(program)
}
