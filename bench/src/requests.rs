//! Whether requests of io_uring pay which esock does not make. `requests [MILLISECONDS]` prints what doc/io_uring.md says came of it:
//!
//! - zero-copy sends: one stream over loopback, sent by send(2), by SEND, and by SEND_ZC, which answers twice: with what was
//!   sent, and when the buffer is free. GB/s, and CPU of the sender for each GB;
//! - accept: connections that four clients make and the listener resets, taken by accept4(2) when epoll says so, and by a
//!   multishot accept. Accepts a second, and CPU of the one who accepts for each.
#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

use io_uring::{IoUring, cqueue, opcode, types::Fd};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::socket::{setsockopt, sockopt::Linger};
use nix::sys::time::TimeValLike;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// CPU time of this thread in µs.
fn cpu() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds()
}

/// Takes what there is, at least one. Answers how many.
type Accept = Box<dyn FnMut(&TcpListener) -> usize>;

fn accept4(listener: &TcpListener) -> Accept {
    listener.set_nonblocking(true).unwrap();
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0)).unwrap();
    Box::new(move |listener| {
        let mut count = 0;
        loop {
            match listener.accept() {
                Ok(_) => count += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock && count > 0 => return count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::from(100_u16)).unwrap();
                }
                Err(_) => {}
            }
        }
    })
}

fn multishot(listener: &TcpListener) -> Accept {
    let mut ring: IoUring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(64).unwrap();
    let entry = opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).build();
    // SAFETY: it refers to nothing.
    unsafe { ring.submission().push(&entry) }.unwrap();
    Box::new(move |_| {
        ring.submit_and_wait(1).unwrap();
        let mut ended = false;
        let count = ring
            .completion()
            .inspect(|completion| ended |= !cqueue::more(completion.flags()))
            .filter(|completion| completion.result() >= 0)
            // SAFETY: a new descriptor, which is closed here.
            .map(|completion| drop(unsafe { OwnedFd::from_raw_fd(completion.result()) }))
            .count();
        if ended {
            // SAFETY: it refers to nothing.
            unsafe { ring.submission().push(&entry) }.unwrap();
        }
        count
    })
}

/// Accepts a second, and the CPU time of this thread for each, in µs.
fn accepts(make: fn(&TcpListener) -> Accept, time: Duration) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Those who are accepted have it too: closing resets, and leaves no TIME_WAIT.
    setsockopt(&listener, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    let (addr, over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    if let Ok(mut stream) = TcpStream::connect(addr) {
                        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
                        let _ = stream.read(&mut [0; 64]);
                    }
                }
            })
        })
        .collect();
    let mut accept = make(&listener);
    let (start, before, mut count) = (Instant::now(), cpu(), 0);
    while start.elapsed() < time {
        count += accept(&listener);
    }
    let (seconds, used) = (start.elapsed().as_secs_f64(), cpu() - before);
    over.store(true, Ordering::Relaxed);
    drop(accept);
    drop(listener);
    clients.into_iter().for_each(|client| client.join().unwrap());
    (count as f64 / seconds, used as f64 / count as f64)
}

fn median(mut runs: Vec<(f64, f64)>) -> (f64, f64) {
    runs.sort_by(|one, other| one.0.total_cmp(&other.0));
    runs.swap_remove(runs.len() / 2)
}

fn main() {
    let time = Duration::from_millis(std::env::args().nth(1).map_or(500, |text| text.parse().unwrap()));
    println!("{:>9}  {:>18} {:>18} {:>18}", "bytes", "send(2)", "ring SEND", "ring SEND_ZC");
    for size in [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20] {
        print!("{size:>9}");
        for how in 0..3 {
            let run = |_| measure(if how == 0 { plain() } else { ring(how == 2) }, size, time);
            let (rate, cpu) = median((0..3).map(run).collect());
            print!("  {rate:5.2} GB/s {cpu:4.0} ms");
        }
        println!();
    }
    for (name, make) in [("accept4", accept4 as fn(&TcpListener) -> Accept), ("multishot", multishot)] {
        let (rate, cpu) = median((0..5).map(|_| accepts(make, time)).collect());
        println!("{name:>9}  {rate:6.0} accepts/s {cpu:4.1} µs");
    }
}
