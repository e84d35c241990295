//! Moving bytes: recv(2), send(2) and their kin.

use super::{Result, check, check_len};
use crate::addr::Raw;
use std::os::fd::{AsRawFd, BorrowedFd};

/// recv(2). With MSG_TRUNC the answer can be larger than `buf`: the length of the whole datagram.
pub fn recv(fd: BorrowedFd<'_>, buf: &mut [u8], flags: i32) -> Result<usize> {
    // SAFETY: pointer and length are those of a slice that is ours alone.
    check_len(unsafe { libc::recv(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), flags) })
}

/// recvfrom(2): writes the sender's address to `from`. As to the answer see [`recv`].
pub fn recvfrom(fd: BorrowedFd<'_>, buf: &mut [u8], flags: i32, from: &mut Raw) -> Result<usize> {
    let mut len = crate::addr::STORAGE as libc::socklen_t;
    let storage = from.storage().as_mut_ptr();
    // SAFETY: both pointers are to memory that is ours alone, of the lengths that go with them.
    let got = check_len(unsafe {
        libc::recvfrom(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), flags, storage.cast(), &raw mut len)
    })?;
    from.set_len(len as usize);
    Ok(got)
}

/// send(2), without the signal that a closed peer would raise.
pub fn send(fd: BorrowedFd<'_>, data: &[u8], flags: i32) -> Result<usize> {
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are those of a slice.
    check_len(unsafe { libc::send(fd.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) })
}

/// sendto(2), without the signal that a closed peer would raise.
pub fn sendto(fd: BorrowedFd<'_>, data: &[u8], flags: i32, to: &Raw) -> Result<usize> {
    let (flags, to) = (flags | libc::MSG_NOSIGNAL, to.as_bytes());
    // SAFETY: pointers and lengths are those of slices.
    check_len(unsafe {
        let (data, len) = (data.as_ptr().cast(), data.len());
        libc::sendto(fd.as_raw_fd(), data, len, flags, to.as_ptr().cast(), to.len() as libc::socklen_t)
    })
}

/// How many bytes there are to read now (of a datagram socket: the length of the next one), FIONREAD of tcp(7),
/// udp(7) and unix(7).
pub fn pending(fd: BorrowedFd<'_>) -> Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}
