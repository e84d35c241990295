//! One stream over loopback, sent by send(2), by SEND, by SEND_ZC, and by SEND_ZC from a registered buffer, into which the
//! bytes have to be copied first. SEND_ZC completes twice: with the count of bytes sent, and when the buffer is free.

use crate::{Figure, stream};
use io_uring::{IoUring, cqueue, opcode, types::Fd};
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// How bytes are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    Ring,
    ZeroCopy,
    Registered,
}

/// Sends the buffer with one call. Answers how many bytes were sent.
type Send = Box<dyn FnMut(&TcpStream, &[u8]) -> usize>;

fn plain() -> Send {
    Box::new(|stream, data| (&mut &*stream).write(data).unwrap())
}

fn ring(how: How, size: usize) -> Send {
    let mut ring: IoUring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(8).unwrap();
    let mut known = vec![0_u8; size];
    let iovec = nix::libc::iovec { iov_base: known.as_mut_ptr().cast(), iov_len: size };
    // SAFETY: the closure below owns the memory together with the ring, and no request is in flight between its calls.
    unsafe { ring.submitter().register_buffers(&[iovec]) }.unwrap();
    Box::new(move |stream, data| {
        let (fd, len) = (Fd(stream.as_raw_fd()), data.len() as u32);
        let entry = match how {
            How::ZeroCopy => opcode::SendZc::new(fd, data.as_ptr(), len).build(),
            How::Registered => {
                let room = known.get_mut(..data.len()).unwrap();
                room.copy_from_slice(data);
                opcode::SendZc::new(fd, room.as_ptr(), len).buf_index(Some(0)).build()
            }
            How::Plain | How::Ring => opcode::Send::new(fd, data.as_ptr(), len).build(),
        };
        // SAFETY: the buffer lives until the kernel reports it free, in the loop below.
        unsafe { ring.submission().push(&entry) }.unwrap();
        let (mut sent, mut pending) = (0, true);
        while pending {
            ring.submit_and_wait(1).unwrap();
            for completion in ring.completion() {
                if !cqueue::notif(completion.flags()) {
                    sent = usize::try_from(completion.result()).unwrap();
                }
                pending = cqueue::more(completion.flags());
            }
        }
        sent
    })
}

/// Measures bytes sent, `size` with each call.
pub(crate) fn measure(how: How, size: usize, time: Duration) -> Figure {
    let mut send = if how == How::Plain { plain() } else { ring(how, size) };
    let data = vec![7; size];
    stream(time, |stream, sent| send(stream, data.get(sent % size..).unwrap_or_default()))
}
