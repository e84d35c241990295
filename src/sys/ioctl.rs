//! ioctl(2) on sockets.

use super::{Result, check};
use crate::wire::errno::Errno;
use crate::wire::ifreq::{IFREQ, NAME};
use std::os::fd::{AsRawFd, BorrowedFd};

/// A request that writes one int.
pub fn int(fd: BorrowedFd<'_>, request: u32) -> Result<i32> {
    let mut value: libc::c_int = 0;
    // SAFETY: the requests of `Form::Get` write one int.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), request as _, &raw mut value) })?;
    Ok(value)
}

/// The number of bytes to read now, FIONREAD of tcp(7), udp(7) and unix(7). On a datagram socket it is the length of the
/// next datagram.
pub fn pending(fd: BorrowedFd<'_>) -> Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// A request that reads and writes a `struct ifreq`.
pub fn ifreq(fd: BorrowedFd<'_>, request: u32, ifreq: &mut [u8; IFREQ]) -> Result<()> {
    // SAFETY: the requests on interfaces read and write a `struct ifreq`, which has this size.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), request as _, ifreq.as_mut_ptr()) })?;
    Ok(())
}

/// The index of the interface of that name in the network namespace of the socket, SIOCGIFINDEX of netdevice(7).
pub fn interface_index(fd: BorrowedFd<'_>, name: &[u8]) -> Result<i32> {
    let mut request = [0; IFREQ];
    // The kernel reads the name up to a NUL, for which there is room.
    let room = request.get_mut(..name.len()).filter(|room| room.len() < NAME);
    room.ok_or(Errno::new(libc::ENODEV))?.copy_from_slice(name);
    ifreq(fd, libc::SIOCGIFINDEX as u32, &mut request)?;
    let index = request.get(NAME..).and_then(|rest| rest.first_chunk());
    Ok(i32::from_ne_bytes(*index.ok_or(Errno::new(libc::ENODEV))?))
}

/// SIOCGIFCONF: the bytes of as many `struct ifreq` as fit into `room` bytes.
pub fn ifconf(fd: BorrowedFd<'_>, room: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0_u8; room];
    let mut conf = libc::ifconf {
        ifc_len: i32::try_from(room).unwrap_or(i32::MAX),
        ifc_ifcu: libc::__c_anonymous_ifc_ifcu { ifcu_buf: bytes.as_mut_ptr().cast() },
    };
    // SAFETY: the pointer and the length in the struct are those of a buffer that nothing else uses.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFCONF as _, &raw mut conf) })?;
    bytes.truncate(usize::try_from(conf.ifc_len).unwrap_or(0));
    Ok(bytes)
}
