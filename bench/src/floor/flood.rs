//! Datagrams one way, singly or many to a call. None may be dropped: a window holds the sender back.

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

/// How many datagrams may be in flight.
const WINDOW: usize = 256;
const RECEIVE_BUFFER: usize = 4 << 20;
/// The kernel's UDP_MAX_SEGMENTS, of old.
const SEGMENTS: usize = 64;
/// What the kernel keeps beside a datagram, generously.
const OVERHEAD: usize = 1024;

/// What a datagram is sent and received by.
#[derive(Clone, Copy)]
enum By {
    One,
    Many(usize),
    /// One send of so many segments, received as it was sent.
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
    // The kernel counts what it allocates, a power of two, and gives back a quarter late.
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
        // Ends the receiver.
        client.send(&[])?;
        Ok(figures)
    })
}

/// How far the receiver is, and how the sender waits for it.
struct Flow {
    received: AtomicU64,
    /// What the sender waits to be received; it is woken once for many datagrams, and does not use CPU by looking.
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

/// Receives until an empty datagram comes.
fn receive(socket: &UdpSocket, size: usize, by: By, flow: &Flow) -> io::Result<()> {
    // A datagram that is too long would look right if there were no room for more of it.
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
                    return Err(io::Error::new(ErrorKind::InvalidData, format!("datagram {expected} did not come")));
                }
                expected += 1;
            }
        }
        flow.add(expected - before);
    }
}
