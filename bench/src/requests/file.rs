//! A file of 16 MB in the page cache, sent over loopback again and again: by sendfile(2), and by two linked splices of a ring,
//! from the file to a pipe and from the pipe to the stream.

use crate::{Figure, stream};
use io_uring::{IoUring, opcode, squeue::Flags, types::Fd};
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

const SIZE: usize = 16 << 20;
/// The capacity of a pipe in bytes.
const PART: usize = 64 << 10;

/// Sends the file from an offset, as much as one call takes. Answers how many bytes were sent.
type Send = Box<dyn FnMut(&TcpStream, usize) -> usize>;

fn sendfile(file: File) -> Send {
    Box::new(move |stream, offset| {
        let mut at = i64::try_from(offset).unwrap();
        // SAFETY: both descriptors are open, and `at` lives for the call.
        let put = unsafe { nix::libc::sendfile(stream.as_raw_fd(), file.as_raw_fd(), &raw mut at, SIZE) };
        usize::try_from(put).unwrap()
    })
}

fn splice(file: File) -> Send {
    let mut ring: IoUring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(8).unwrap();
    let (out, into) = nix::unistd::pipe2(OFlag::O_CLOEXEC).unwrap();
    Box::new(move |stream, offset| {
        let (from, to) = (Fd(file.as_raw_fd()), Fd(stream.as_raw_fd()));
        let at = i64::try_from(offset).unwrap();
        let len = PART.min(SIZE - offset) as u32;
        let read = opcode::Splice::new(from, at, Fd(into.as_raw_fd()), -1, len).build().flags(Flags::IO_LINK);
        let write = opcode::Splice::new(Fd(out.as_raw_fd()), -1, to, -1, len).build();
        // SAFETY: the entries refer to open files and to no memory.
        unsafe { ring.submission().push_multiple(&[read, write]) }.unwrap();
        ring.submit_and_wait(2).unwrap();
        let put = ring.completion().map(|completion| usize::try_from(completion.result()).unwrap()).last();
        put.unwrap()
    })
}

/// Measures bytes sent; `ring`: by splices.
pub(crate) fn measure(ring: bool, time: Duration) -> Figure {
    let path = std::env::temp_dir().join(format!("esock_requests_{}", std::process::id()));
    File::create(&path).unwrap().write_all(&vec![7; SIZE]).unwrap();
    let file = File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut send = if ring { splice(file) } else { sendfile(file) };
    stream(time, |stream, sent| send(stream, sent % SIZE))
}
