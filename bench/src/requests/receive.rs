//! Messages of 64 bytes on 50 streams, which one thread writes to each stream in turn: received by recv(2) after epoll events, by
//! multishot receives into provided buffers, and by multishot receives on registered files.

use crate::{Figure, cpu};
use io_uring::types::{BufRingEntry, Fd, Fixed};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

const STREAMS: usize = 50;
const MESSAGE: usize = 64;
const BUFFERS: u16 = 256;
const BUFFER: usize = 4096;

/// How messages are received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Epoll,
    Multishot,
    Registered,
}

/// Receives the messages that are there, and waits for at least one. Answers how many bytes.
type Receive = Box<dyn FnMut() -> usize>;

fn epoll(streams: Vec<TcpStream>) -> Receive {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    for (place, stream) in streams.iter().enumerate() {
        stream.set_nonblocking(true).unwrap();
        epoll.add(stream, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, place as u64)).unwrap();
    }
    Box::new(move || {
        let (mut events, mut room, mut bytes) = ([EpollEvent::empty(); STREAMS], [0; BUFFER], 0);
        let count = epoll.wait(&mut events, EpollTimeout::from(100_u16)).unwrap_or(0);
        for event in events.iter().take(count) {
            let mut stream = streams.get(event.data() as usize).unwrap();
            loop {
                match stream.read(&mut room) {
                    Ok(got) => bytes += got,
                    Err(error) => {
                        assert!(error.kind() == ErrorKind::WouldBlock, "{error}");
                        break;
                    }
                }
            }
        }
        bytes
    })
}

/// The provided buffers of a ring, and the list of them that the kernel reads.
struct Buffers {
    list: *mut BufRingEntry,
    memory: Vec<u8>,
    tail: u16,
}

impl Buffers {
    fn give(&mut self, number: u16) {
        // SAFETY: the list has BUFFERS places, and the kernel reads only up to the tail.
        unsafe {
            let entry = &mut *self.list.add(usize::from(self.tail % BUFFERS));
            entry.set_addr(self.memory.as_mut_ptr().add(usize::from(number) * BUFFER) as u64);
            entry.set_len(BUFFER as u32);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
            AtomicU16::from_ptr(BufRingEntry::tail(self.list).cast_mut()).store(self.tail, Ordering::Release);
        }
    }
}

fn ring(streams: Vec<TcpStream>, registered: bool) -> Receive {
    let mut ring: IoUring =
        IoUring::builder().setup_single_issuer().setup_defer_taskrun().setup_cqsize(4096).build(256).unwrap();
    // SAFETY: the memory is new, and never unmapped.
    let list = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    // SAFETY: the list has room for BUFFERS entries.
    unsafe { ring.submitter().register_buf_ring_with_flags(list as u64, BUFFERS, 0, 0) }.unwrap();
    let mut buffers = Buffers { list: list.cast(), memory: vec![0; usize::from(BUFFERS) * BUFFER], tail: 0 };
    (0..BUFFERS).for_each(|number| buffers.give(number));
    let fds: Vec<_> = streams.iter().map(AsRawFd::as_raw_fd).collect();
    if registered {
        ring.submitter().register_files(&fds).unwrap();
    }
    let request = move |place: usize| -> squeue::Entry {
        let entry = if registered {
            opcode::RecvMulti::new(Fixed(place as u32), 0).build()
        } else {
            opcode::RecvMulti::new(Fd(*fds.get(place).unwrap()), 0).build()
        };
        entry.user_data(place as u64)
    };
    // SAFETY: the requests refer to no memory, and their files stay open.
    (0..STREAMS).for_each(|place| unsafe { ring.submission().push(&request(place)) }.unwrap());
    Box::new(move || {
        let _open = &streams;
        ring.submit_and_wait(1).unwrap();
        let (mut bytes, mut ended) = (0, Vec::new());
        for completion in ring.completion() {
            bytes += usize::try_from(completion.result()).unwrap_or(0);
            cqueue::buffer_select(completion.flags()).into_iter().for_each(|number| buffers.give(number));
            if !cqueue::more(completion.flags()) {
                ended.push(completion.user_data() as usize);
            }
        }
        // SAFETY: as above.
        ended.into_iter().for_each(|place| unsafe { ring.submission().push(&request(place)) }.unwrap());
        bytes
    })
}

/// Measures received messages.
pub(crate) fn measure(how: How, time: Duration) -> Figure {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (mut far, near): (Vec<_>, Vec<_>) =
        (0..STREAMS).map(|_| (TcpStream::connect(addr).unwrap(), listener.accept().unwrap().0)).unzip();
    let over = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(Ordering::Relaxed) {
                for stream in &mut far {
                    stream.set_nonblocking(true).unwrap();
                    let _ = stream.write(&[7; MESSAGE]);
                }
            }
        }
    });
    let mut receive = match how {
        How::Epoll => epoll(near),
        How::Multishot => ring(near, false),
        How::Registered => ring(near, true),
    };
    let (start, before, mut bytes) = (Instant::now(), cpu(), 0);
    while start.elapsed() < time {
        bytes += receive();
    }
    let (seconds, used) = (start.elapsed().as_secs_f64(), cpu() - before);
    over.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    let messages = bytes as f64 / MESSAGE as f64;
    (messages / seconds, used as f64 / messages)
}
