//! Connections of four client threads, which are accepted and reset: by accept4(2) after epoll events, and by a multishot accept.

use crate::{Figure, cpu};
use io_uring::{IoUring, cqueue, opcode, types::Fd};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt::Linger};
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Accepts the connections that are there, and waits for at least one. Answers how many.
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
    // SAFETY: the entry refers to no memory.
    unsafe { ring.submission().push(&entry) }.unwrap();
    Box::new(move |_| {
        ring.submit_and_wait(1).unwrap();
        let mut ended = false;
        let count = ring
            .completion()
            .inspect(|completion| ended |= !cqueue::more(completion.flags()))
            .filter(|completion| completion.result() >= 0)
            // SAFETY: the descriptor is new, and owned here alone.
            .map(|completion| drop(unsafe { OwnedFd::from_raw_fd(completion.result()) }))
            .count();
        if ended {
            // SAFETY: the entry refers to no memory.
            unsafe { ring.submission().push(&entry) }.unwrap();
        }
        count
    })
}

/// Measures accepted connections; `ring`: by the multishot accept.
pub(crate) fn measure(ring: bool, time: Duration) -> Figure {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Accepted sockets inherit SO_LINGER: close(2) resets the connection and leaves no TIME_WAIT.
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
    let mut accept = if ring { multishot(&listener) } else { accept4(&listener) };
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
