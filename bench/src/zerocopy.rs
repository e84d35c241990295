//! Whether zero-copy sends pay: one stream over loopback, sent by send(2), by SEND of io_uring, and by SEND_ZC, which answers twice:
//! with what was sent, and when the buffer is free. `zerocopy [MILLISECONDS]` prints GB/s and CPU of the sender for each size.
//!
//! doc/io_uring.md says what came of it.
#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

use io_uring::{IoUring, cqueue, opcode, types::Fd};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Sends the buffer once. Answers the bytes that went.
type Send = Box<dyn FnMut(&TcpStream, &[u8]) -> usize>;

fn plain() -> Send {
    Box::new(|stream, data| (&mut &*stream).write(data).unwrap())
}

fn ring(zero_copy: bool) -> Send {
    let mut ring: IoUring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(8).unwrap();
    Box::new(move |stream, data| {
        let (fd, len) = (Fd(stream.as_raw_fd()), data.len() as u32);
        let entry = if zero_copy {
            opcode::SendZc::new(fd, data.as_ptr(), len).build()
        } else {
            opcode::Send::new(fd, data.as_ptr(), len).build()
        };
        // SAFETY: the buffer lives until the kernel has said that it is free, below.
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

/// The stream's rate in GB/s, and the CPU time of this thread for each GB, in ms.
fn measure(mut send: Send, size: usize, time: Duration) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut peer = listener.accept().unwrap().0;
    let reader = std::thread::spawn(move || {
        let mut room = vec![0; 1 << 18];
        while peer.read(&mut room).unwrap() > 0 {}
    });
    let data = vec![7; size];
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        (usage.user_time() + usage.system_time()).num_microseconds()
    };
    let (start, before, mut sent) = (Instant::now(), cpu(), 0);
    while start.elapsed() < time {
        let mut left = &data[..];
        while !left.is_empty() {
            let put = send(&stream, left);
            sent += put;
            left = left.get(put..).unwrap_or_default();
        }
    }
    let (gigabytes, seconds) = (sent as f64 / 1e9, start.elapsed().as_secs_f64());
    let used = (cpu() - before) as f64 / 1000.0;
    drop(stream);
    reader.join().unwrap();
    (gigabytes / seconds, used / gigabytes)
}

fn main() {
    let time = Duration::from_millis(std::env::args().nth(1).map_or(500, |text| text.parse().unwrap()));
    println!("{:>9}  {:>18} {:>18} {:>18}", "bytes", "send(2)", "ring SEND", "ring SEND_ZC");
    for size in [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20] {
        print!("{size:>9}");
        for how in 0..3 {
            let mut runs: Vec<_> =
                (0..3).map(|_| measure(if how == 0 { plain() } else { ring(how == 2) }, size, time)).collect();
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            let (rate, cpu) = runs.swap_remove(1);
            print!("  {rate:5.2} GB/s {cpu:4.0} ms");
        }
        println!();
    }
}
