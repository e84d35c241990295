//! Row `flood`: datagrams one way, one or many with a call. A window holds the sender back, so that none is dropped.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, MultiHeaders, getsockopt, recvmmsg, sendmmsg, setsockopt, sockopt};

use crate::datagram::{self, is_number, number};
use crate::figures::{Figures, Watch};
use crate::sound;

/// The most datagrams in flight.
const WINDOW: usize = 256;
const RECEIVE_BUFFER: usize = 4 << 20;
/// UDP_MAX_SEGMENTS of older kernels; newer ones allow more.
const SEGMENTS: usize = 64;
/// Bytes that the kernel accounts for a datagram besides its data: a generous estimate.
const OVERHEAD: usize = 1024;

/// The calls by which datagrams are sent and received.
#[derive(Clone, Copy)]
enum By {
    One,
    Many(usize),
    /// One send of this many segments (GSO), received in one piece (GRO).
    Segments(usize),
}

impl By {
    fn datagrams(self) -> usize {
        match self {
            Self::One => 1,
            Self::Many(count) | Self::Segments(count) => count,
        }
    }
}

pub(crate) fn run(size: usize, batch: usize, time: Duration) -> io::Result<Figures> {
    let (client, server) = datagram::pair()?;
    setsockopt(&server, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
    // The kernel accounts the memory that it allocates, a power of two, and may release up to a quarter of the buffer late. So
    // only half of the buffer is used.
    let room = getsockopt(&server, sockopt::RcvBuf)? / 2 / (size + OVERHEAD).next_power_of_two();
    let window = room.clamp(1, WINDOW);
    let most = window.div_ceil(2);
    let by = match batch {
        0 => By::Segments((datagram::MOST / size).min(SEGMENTS).min(most)),
        1 => By::One,
        _ => By::Many(batch.min(most)),
    };
    if let By::Segments(_) = by {
        setsockopt(&client, sockopt::UdpGsoSegment, &i32::try_from(size).map_err(io::Error::other)?)?;
        setsockopt(&server, sockopt::UdpGroSegment, &true)?;
    }
    let flow = Flow { received: AtomicU64::new(0), wake_at: AtomicU64::new(u64::MAX), sender: thread::current() };
    thread::scope(|scope| {
        scope.spawn(|| sound("receiver", receive(&server, size, by, &flow)));
        let figures = sound("sender", send(&client, size, by, window as u64, &flow, time));
        // An empty datagram ends the receiver.
        client.send(&[])?;
        Ok(figures)
    })
}

/// The receiver's progress, and how the sender waits for it.
struct Flow {
    received: AtomicU64,
    /// The count of received datagrams for which the sender waits. It is woken once for many datagrams, and does not poll.
    wake_at: AtomicU64,
    sender: Thread,
}

impl Flow {
    fn wait_for(&self, count: u64) {
        self.wake_at.store(count, Ordering::SeqCst);
        while self.received.load(Ordering::SeqCst) < count {
            thread::park();
        }
        self.wake_at.store(u64::MAX, Ordering::Relaxed);
    }

    fn add(&self, count: u64) {
        let received = self.received.fetch_add(count, Ordering::SeqCst) + count;
        if received >= self.wake_at.load(Ordering::SeqCst) {
            self.sender.unpark();
        }
    }
}

fn send(socket: &UdpSocket, size: usize, by: By, window: u64, flow: &Flow, time: Duration) -> io::Result<Figures> {
    let batch = by.datagrams() as u64;
    let mut buffer = vec![0; size * by.datagrams()];
    let mut headers = MultiHeaders::<()>::preallocate(by.datagrams(), None);
    let addresses = vec![None; by.datagrams()];
    let mut sent = 0;
    let watch = Watch::start()?;
    let until = Instant::now() + time;
    while Instant::now() < until {
        if sent + batch > flow.received.load(Ordering::Acquire) + window {
            flow.wait_for(sent - window / 2);
        }
        for (message, count) in buffer.chunks_mut(size).zip(sent..) {
            number(message, count);
        }
        let went = match by {
            By::One | By::Segments(_) => socket.send(&buffer)? / size,
            By::Many(_) => {
                let slices: Vec<_> = buffer.chunks(size).map(|message| [IoSlice::new(message)]).collect();
                sendmmsg(socket.as_raw_fd(), &mut headers, &slices, &addresses, [], MsgFlags::empty())?.count()
            }
        };
        sent += went as u64;
    }
    flow.wait_for(sent);
    watch.stop(sent)
}

/// Receives until an empty datagram arrives.
fn receive(socket: &UdpSocket, size: usize, by: By, flow: &Flow) -> io::Result<()> {
    // One byte more than expected: otherwise a datagram that is too long would be truncated to the right length.
    let room = match by {
        By::One | By::Many(_) => size + 1,
        By::Segments(_) => datagram::MOST + 1,
    };
    let calls = if let By::Many(count) = by { count } else { 1 };
    let mut buffer = vec![0; room * calls];
    let mut headers = MultiHeaders::<()>::preallocate(calls, None);
    let mut lengths = Vec::with_capacity(calls);
    let mut expected = 0;
    loop {
        lengths.clear();
        match by {
            By::One | By::Segments(_) => lengths.push(socket.recv(&mut buffer)?),
            By::Many(_) => {
                let mut slices: Vec<_> = buffer.chunks_mut(room).map(|place| [IoSliceMut::new(place)]).collect();
                let flags = MsgFlags::MSG_WAITFORONE;
                let messages = recvmmsg(socket.as_raw_fd(), &mut headers, &mut slices, flags, None)?;
                lengths.extend(messages.map(|message| message.bytes));
            }
        }
        let before = expected;
        for (place, &length) in buffer.chunks(room).zip(&lengths) {
            if length == 0 {
                return Ok(());
            }
            for message in place.get(..length).unwrap_or_default().chunks(size) {
                if message.len() != size || !is_number(message, expected) {
                    return Err(io::Error::new(ErrorKind::InvalidData, format!("datagram {expected} did not arrive")));
                }
                expected += 1;
            }
        }
        flow.add(expected - before);
    }
}
