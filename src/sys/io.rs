//! The system calls that move bytes: recv(2), send(2), sendfile(2) and their variants.

use super::room::Space;
use super::{Result, check, check_len, uninterrupted};
use crate::sys::kind::Kind;
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::num::NonZeroU16;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

/// recv(2). Returns how many bytes of the space were filled.
pub fn recv(fd: BorrowedFd<'_>, space: &mut Space<'_>, flags: i32) -> Result<usize> {
    let (start, len) = space.for_call(flags);
    // SAFETY: pointer and length are those of memory that is borrowed exclusively.
    let got = uninterrupted(|| check_len(unsafe { libc::recv(fd.as_raw_fd(), start.cast(), len, flags) }))?;
    // SAFETY: the kernel has returned this count for the memory of `for_call`.
    Ok(unsafe { space.set_written(got) })
}

/// Receives the next record of a Unix SOCK_SEQPACKET connection. `None` at its end.
///
/// recv(2) returns 0 at the end, and for an empty record too. After the peer has closed, the credentials tell them apart
/// (SO_PASSCRED of unix(7)): only a record has them.
pub fn recv_record(fd: BorrowedFd<'_>, space: &mut Space<'_>, flags: i32) -> Result<Option<usize>> {
    // The order matters: what was readable before the connection ended is a record.
    let readable = super::ready::readable(fd) || flags & libc::MSG_ERRQUEUE != 0;
    if !super::ready::ended(fd) {
        return if readable { recv(fd, space, flags).map(Some) } else { Err(Errno::new(libc::EAGAIN)) };
    }
    let set = |on: i32| super::option::set(fd, libc::SOL_SOCKET, libc::SO_PASSCRED, &on.to_ne_bytes());
    let before = super::option::get_int(fd, libc::SOL_SOCKET, libc::SO_PASSCRED)?;
    set(1)?;
    let mut ctrl = [0; 256];
    let got = recvmsg(fd, space, &mut ctrl, flags | libc::MSG_CMSG_CLOEXEC);
    set(before)?;
    got.map(|got| (got.len > 0 || got.ctrl > 0).then_some(got.len))
}

/// recvfrom(2): writes the sender's address to `from`. Returns how many bytes of the space were filled.
pub fn recvfrom(fd: BorrowedFd<'_>, space: &mut Space<'_>, flags: i32, from: &mut Raw) -> Result<usize> {
    let mut from_len = crate::wire::addr::STORAGE as libc::socklen_t;
    let storage = from.storage().as_mut_ptr();
    let (start, len) = space.for_call(flags);
    let got = uninterrupted(|| {
        // SAFETY: both pointers are to exclusively borrowed memory of the lengths beside them.
        check_len(unsafe {
            libc::recvfrom(fd.as_raw_fd(), start.cast(), len, flags, storage.cast(), &raw mut from_len)
        })
    })?;
    from.set_len(from_len as usize);
    // SAFETY: the kernel has returned this count for the memory of `for_call`.
    Ok(unsafe { space.set_written(got) })
}

/// send(2) with MSG_NOSIGNAL: a closed peer does not raise SIGPIPE.
pub fn send(fd: BorrowedFd<'_>, data: &[u8], flags: i32) -> Result<usize> {
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are those of a slice.
    uninterrupted(|| check_len(unsafe { libc::send(fd.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) }))
}

/// sendto(2) with MSG_NOSIGNAL: a closed peer does not raise SIGPIPE.
pub fn sendto(fd: BorrowedFd<'_>, data: &[u8], flags: i32, to: &Raw) -> Result<usize> {
    let (flags, to) = (flags | libc::MSG_NOSIGNAL, to.as_bytes());
    uninterrupted(|| {
        // SAFETY: pointers and lengths are those of slices.
        check_len(unsafe {
            let (data, len) = (data.as_ptr().cast(), data.len());
            libc::sendto(fd.as_raw_fd(), data, len, flags, to.as_ptr().cast(), to.len() as libc::socklen_t)
        })
    })
}

/// The most messages that one system call takes, UIO_MAXIOV.
pub const BATCH_MAX: usize = 1024;

/// A received message.
#[derive(Default)]
pub struct Received {
    /// How many bytes of its buffer were filled.
    pub len: usize,
    /// The length of the message in bytes: more than `len` only if MSG_TRUNC was passed and the message was truncated.
    pub full_len: usize,
    /// How many bytes of the buffer for control messages were filled.
    pub ctrl: usize,
    /// MSG_* of the message
    pub flags: i32,
    /// The address of its sender.
    pub from: Raw,
    /// The descriptors that were passed with it (SCM_RIGHTS). Their numbers are in the control messages. Dropping this value
    /// closes them, unless [`Received::release_rights`] was called.
    rights: Vec<OwnedFd>,
    /// The descriptor of the sender's process, SO_PASSPIDFD of unix(7). The same holds for it.
    pidfd: Vec<OwnedFd>,
}

impl Received {
    /// `len` bytes of a stream, which come from the read-ahead buffer.
    pub fn from_stream(len: usize, from: Raw) -> Self {
        Self { len, full_len: len, from, ..Self::default() }
    }

    /// Takes the passed descriptors, at most `most`. The others are closed, and MSG_CTRUNC says so, as if the buffer for
    /// control messages had had no room for them.
    pub fn take_rights(&mut self, most: usize) -> Vec<OwnedFd> {
        let mut rights = std::mem::take(&mut self.rights);
        if rights.len() > most {
            rights.truncate(most);
            self.flags |= libc::MSG_CTRUNC;
        }
        rights
    }

    /// Gives up the passed descriptors and that of the process without closing them: their numbers went to a receiver, which closes them.
    pub fn release_rights(&mut self) {
        for fd in self.rights.drain(..).chain(self.pidfd.drain(..)) {
            let _ = fd.into_raw_fd();
        }
    }
}

/// The type of the control message with the descriptor of the sender's process, since Linux 6.5.
const SCM_PIDFD: i32 = 4;

/// The descriptors in the control messages of a type: SCM_RIGHTS of unix(7), or SCM_PIDFD.
///
/// # Safety
///
/// The kernel has just written the messages, so that the descriptors are new.
unsafe fn descriptors(ctrl: &[u8], kind: i32) -> Vec<OwnedFd> {
    let having = crate::wire::cmsg::each(ctrl).filter(|one| (one.0, one.1) == (libc::SOL_SOCKET, kind));
    let numbers = having.flat_map(|(_, _, data)| data.as_chunks().0).map(|number| i32::from_ne_bytes(*number));
    // SAFETY: the caller guarantees that the descriptors are new. A negative number is not a descriptor.
    numbers.filter(|number| *number >= 0).map(|number| unsafe { OwnedFd::from_raw_fd(number) }).collect()
}

/// A message to send.
pub struct Message<'d> {
    /// The data, in parts.
    pub iov: Vec<IoSlice<'d>>,
    /// The destination, if the socket is not connected.
    pub to: Option<Raw>,
    /// Encoded control messages.
    pub ctrl: Vec<u8>,
    /// The size of the datagrams that the data is split into, in bytes. `None`: it is sent as one message.
    pub gso: Option<NonZeroU16>,
}

/// A message as one system call takes it.
#[derive(Clone, Copy)]
pub struct Outgoing<'m> {
    /// The data, in parts.
    pub iov: &'m [IoSlice<'m>],
    /// The destination, if the socket is not connected.
    pub to: Option<&'m Raw>,
    /// Encoded control messages.
    pub ctrl: &'m [u8],
}

impl Message<'_> {
    /// The whole message, for one system call.
    pub fn outgoing(&self) -> Outgoing<'_> {
        Outgoing { iov: &self.iov, to: self.to.as_ref(), ctrl: &self.ctrl }
    }
}

/// The flags for a receive of messages. On Unix sockets, the only ones that pass descriptors, MSG_CMSG_CLOEXEC is added: passed
/// descriptors are closed on exec. Other families may refuse that flag.
pub fn message_flags(kind: Kind, flags: i32) -> i32 {
    if kind.local() { flags | libc::MSG_CMSG_CLOEXEC } else { flags }
}

/// recvmsg(2)
pub fn recvmsg(fd: BorrowedFd<'_>, space: &mut Space<'_>, ctrl: &mut [u8], flags: i32) -> Result<Received> {
    let mut from = Raw::default();
    let (start, len) = space.for_call(flags);
    let mut iov = libc::iovec { iov_base: start.cast(), iov_len: len };
    let mut header = header(&raw mut iov, 1, Some(&mut from), ctrl);
    // SAFETY: every pointer in the header is to exclusively borrowed memory of the length beside it.
    let full_len = uninterrupted(|| check_len(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags) }))?;
    from.set_len(header.msg_namelen as usize);
    let (filled, flags): (usize, _) = (header.msg_controllen as _, header.msg_flags);
    let ctrl = ctrl.get(..filled).unwrap_or_default();
    // SAFETY: the kernel has reported both lengths, and has just written the control messages. A descriptor is in one.
    let (len, rights, pidfd) =
        unsafe { (space.set_written(full_len), descriptors(ctrl, libc::SCM_RIGHTS), descriptors(ctrl, SCM_PIDFD)) };
    Ok(Received { len, full_len, ctrl: filled, flags, from, rights, pidfd })
}

/// recvmmsg(2), without waiting. Each message is received into one of `parts`: a buffer for its data and one for its control
/// messages.
pub fn recvmmsg<'r>(
    fd: BorrowedFd<'_>,
    parts: impl Iterator<Item = (&'r mut [u8], &'r mut [u8])>,
    flags: i32,
) -> Result<Vec<Received>> {
    let (mut iovs, ctrls): (Vec<_>, Vec<_>) = parts
        .map(|(data, ctrl)| (libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() }, ctrl))
        .unzip();
    let mut from = vec![Raw::default(); iovs.len()];
    let mut headers: Vec<_> = iovs
        .iter_mut()
        .zip(&mut from)
        .zip(ctrls)
        .map(|((iov, from), ctrl)| libc::mmsghdr { msg_hdr: header(&raw mut *iov, 1, Some(from), ctrl), msg_len: 0 })
        .collect();
    let count = headers.len() as libc::c_uint;
    let flags = flags | libc::MSG_DONTWAIT;
    let got = uninterrupted(|| {
        // SAFETY: every pointer in the headers is to exclusively borrowed memory that outlives the call.
        check(unsafe { libc::recvmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count, flags as _, std::ptr::null_mut()) })
    })?;
    let received = headers.iter().zip(from).zip(&iovs).take(got as usize).map(|((header, mut from), iov)| {
        let (full_len, header) = (header.msg_len as usize, &header.msg_hdr);
        from.set_len(header.msg_namelen as usize);
        let (ctrl, flags): (usize, _) = (header.msg_controllen as _, header.msg_flags);
        let written = if ctrl == 0 {
            &[]
        } else {
            // SAFETY: the kernel has just written that many bytes there.
            unsafe { std::slice::from_raw_parts(header.msg_control.cast(), ctrl) }
        };
        // SAFETY: the kernel has just written the control messages. A descriptor is in one of them.
        let (rights, pidfd) = unsafe { (descriptors(written, libc::SCM_RIGHTS), descriptors(written, SCM_PIDFD)) };
        Received { len: full_len.min(iov.iov_len), full_len, ctrl, flags, from, rights, pidfd }
    });
    Ok(received.collect())
}

/// sendmsg(2) with MSG_NOSIGNAL: a closed peer does not raise SIGPIPE.
pub fn sendmsg(fd: BorrowedFd<'_>, iov: &[IoSlice<'_>], to: Option<&Raw>, ctrl: &[u8], flags: i32) -> Result<usize> {
    let header = outgoing(iov, to, ctrl);
    // SAFETY: the kernel only reads through the pointers of the header, which are those of slices.
    uninterrupted(|| check_len(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const header, flags | libc::MSG_NOSIGNAL) }))
}

/// sendmmsg(2) with MSG_NOSIGNAL. Returns how many bytes of each message were sent, for the first messages; the others were not
/// sent.
pub fn sendmmsg<'m>(
    fd: BorrowedFd<'_>,
    messages: impl Iterator<Item = Outgoing<'m>>,
    flags: i32,
) -> Result<Vec<usize>> {
    let header = |one: Outgoing<'_>| libc::mmsghdr { msg_hdr: outgoing(one.iov, one.to, one.ctrl), msg_len: 0 };
    let mut headers: Vec<_> = messages.map(header).collect();
    let (count, flags) = (headers.len() as libc::c_uint, flags | libc::MSG_NOSIGNAL);
    // SAFETY: as in `sendmsg`; the kernel writes the lengths into the headers, which nothing else uses.
    let sent =
        uninterrupted(|| check(unsafe { libc::sendmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count, flags as _) }))?;
    Ok(headers.iter().take(sent as usize).map(|header| header.msg_len as usize).collect())
}

/// sendfile(2) from an offset. The file's own offset does not move.
pub fn sendfile(fd: BorrowedFd<'_>, file: &OwnedFd, offset: i64, count: usize) -> Result<usize> {
    let mut offset: libc::off_t = offset;
    // SAFETY: the kernel writes the new offset, and nothing else.
    uninterrupted(|| check_len(unsafe { libc::sendfile(fd.as_raw_fd(), file.as_raw_fd(), &raw mut offset, count) }))
}

/// The length of a regular file in bytes, fstat(2). `None` for other files, and for files that report 0 as those of proc(5) do.
pub fn file_size(file: &OwnedFd) -> Option<u64> {
    let metadata = std::fs::File::from(file.try_clone().ok()?).metadata().ok()?;
    Some(metadata.len()).filter(|len| metadata.is_file() && *len > 0)
}

/// Reads a part of a file into the page cache, readahead(2). That call does not wait, so the last byte of the part is read as
/// well, which does. Errors are ignored: the next read of the file then waits for the disk.
pub fn readahead(file: &OwnedFd, offset: i64, count: usize) {
    // SAFETY: no pointers.
    let _ = unsafe { libc::readahead(file.as_raw_fd(), offset, count) };
    let last = offset.saturating_add_unsigned(count as u64).saturating_sub(1);
    let end = file_size(file).and_then(|size| i64::try_from(size).ok()).map_or(last, |size| last.min(size - 1));
    let mut byte = MaybeUninit::<u8>::uninit();
    // SAFETY: one byte is written, to a local variable.
    let _ = unsafe { libc::pread(file.as_raw_fd(), byte.as_mut_ptr().cast(), 1, end) };
}

fn header(iov: *mut libc::iovec, count: usize, from: Option<&mut Raw>, ctrl: &mut [u8]) -> libc::msghdr {
    // SAFETY: a header of zeros is valid, and empty.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = iov;
    header.msg_iovlen = count as _;
    if let Some(from) = from {
        header.msg_name = from.storage().as_mut_ptr().cast();
        header.msg_namelen = crate::wire::addr::STORAGE as libc::socklen_t;
    }
    if !ctrl.is_empty() {
        header.msg_control = ctrl.as_mut_ptr().cast();
        header.msg_controllen = ctrl.len() as _;
    }
    header
}

fn outgoing(iov: &[IoSlice<'_>], to: Option<&Raw>, ctrl: &[u8]) -> libc::msghdr {
    // SAFETY: a header of zeros is valid, and empty.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    // The standard library guarantees that an IoSlice has the layout of a `struct iovec`. The kernel does not write to these.
    header.msg_iov = iov.as_ptr().cast_mut().cast();
    header.msg_iovlen = iov.len() as _;
    if let Some(to) = to {
        header.msg_name = to.as_bytes().as_ptr().cast_mut().cast();
        header.msg_namelen = to.as_bytes().len() as libc::socklen_t;
    }
    if !ctrl.is_empty() {
        header.msg_control = ctrl.as_ptr().cast_mut().cast();
        header.msg_controllen = ctrl.len() as _;
    }
    header
}
