//! Rings on the kernel's io_uring, and the read-ahead buffer: ends, errors, lack of buffers, cancels, overflow.
//! `script` has the same on a scripted kernel.

use crate::socket::waiting::PATIENCE;
use esock::op::recv::Recv;
use esock::op::{Attempt, Cut, Op, Room};
use esock::poller::event::{Event, Ready};
use esock::ring::ahead::{Ahead, FREQUENT, FREQUENT_WAIT, LARGE};
use esock::ring::thread::{Intake, QUEUE, Ring};
use esock::sys;
use esock::sys::kind::Kind;
use esock::sys::room::{Memory, Space};
use esock::wire::errno::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TCP: Kind = Kind { domain: libc::AF_INET, kind: libc::SOCK_STREAM, protocol: libc::IPPROTO_TCP };

/// A call of the ring to a stream.
#[derive(Debug, PartialEq)]
enum Notice {
    Event,
    End(Option<i32>),
}

struct Stream {
    bytes: Mutex<Vec<u8>>,
    most: usize,
    panics: AtomicBool,
    notices: Mutex<Sender<Notice>>,
}

impl Ready for Stream {
    fn ready(&self, _: Event) {
        let _ = self.notices.lock().unwrap().send(Notice::Event);
        assert!(!self.panics.load(SeqCst), "a stream that fails");
    }
}

impl Intake for Stream {
    fn on_bytes(&self, bytes: &[u8], _: bool) -> bool {
        let mut all = self.bytes.lock().unwrap();
        all.extend(bytes);
        all.len() >= self.most
    }

    fn on_end(&self, errno: Option<Errno>) {
        let _ = self.notices.lock().unwrap().send(Notice::End(errno.map(Errno::number)));
    }
}

fn stream(most: usize) -> (Arc<Stream>, std::sync::mpsc::Receiver<Notice>) {
    let (sender, notices) = channel();
    (
        Arc::new(Stream { bytes: Mutex::default(), most, panics: AtomicBool::new(false), notices: Mutex::new(sender) }),
        notices,
    )
}

/// A ring; `None`: the kernel refuses it, and the test is skipped.
fn ring() -> Option<Arc<Ring>> {
    Ring::start(90, Arc::default()).ok()
}

fn pair() -> (OwnedFd, OwnedFd) {
    sys::socket::pair().unwrap()
}

fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}

struct Bytes(Memory);

impl Room for Bytes {
    const SCRATCH: usize = 64;
    fn room(&mut self, len: usize) -> Option<Space<'_>> {
        self.0.space(len)
    }
}

/// Receives all of `len` bytes from the read-ahead buffer; `None`: the attempt must go to the descriptor.
fn take(ahead: &Ahead, fd: &OwnedFd, len: usize) -> Option<Attempt<usize>> {
    let mut room = Bytes(Memory::new(64));
    ahead.attempt(&mut Recv { exact: true, whole: true, ..Recv::new(&mut room, len, 0) }, fd.as_fd(), TCP)
}

#[test]
fn a_receive_delivers_and_releases_the_file() {
    let Some(ring) = ring() else { return };
    let (mine, other) = pair();
    let (stream, notices) = stream(usize::MAX);
    let token = ring.receive(mine.as_raw_fd(), stream.clone()).unwrap();
    sys::io::send(other.as_fd(), b"abc", 0).unwrap();
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Notice::Event));
    assert_eq!(*stream.bytes.lock().unwrap(), b"abc");
    let gone = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&gone);
    ring.release(
        token,
        Box::new(move || {
            count.fetch_add(1, SeqCst);
        }),
    );
    until(|| gone.load(SeqCst) == 1);
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Notice::End(Some(libc::ECANCELED))));
    assert_eq!(ring.receiving(), 0);
    // A receive that has ended is released at once.
    ring.release(
        token,
        Box::new(move || {
            gone.fetch_add(1, SeqCst);
        }),
    );
    ring.stop_thread();
}

#[test]
fn the_end_and_errors_end_a_receive() {
    let Some(ring) = ring() else { return };
    let (mine, other) = pair();
    let (one, notices) = stream(usize::MAX);
    ring.receive(mine.as_raw_fd(), one).unwrap();
    drop(other);
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Notice::End(None)));
    // -1 is no descriptor.
    let (two, notices) = stream(usize::MAX);
    ring.receive(-1, two).unwrap();
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Notice::End(Some(libc::EBADF))));
    assert_eq!(ring.receiving(), 0);
    ring.stop_thread();
}

/// More bytes arrive than all buffers hold before any buffer is given back: the kernel ends receives with ENOBUFS, and no byte
/// is lost.
#[test]
fn no_buffers_left() {
    let Some(ring) = ring() else { return };
    let pairs: Vec<_> = (0..16).map(|_| pair()).collect();
    let all: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    let mut sent = Vec::new();
    for (_, other) in &pairs {
        let got = sys::io::send(other.as_fd(), &all, libc::MSG_DONTWAIT).unwrap();
        sent.push(got);
    }
    let streams: Vec<_> = pairs.iter().map(|_| stream(usize::MAX)).collect();
    for ((mine, _), (stream, _)) in pairs.iter().zip(&streams) {
        ring.receive(mine.as_raw_fd(), stream.clone()).unwrap();
    }
    for (((mine, _), (stream, notices)), sent) in pairs.iter().zip(&streams).zip(&sent) {
        while stream.bytes.lock().unwrap().len() < *sent {
            if let Ok(Notice::End(errno)) = notices.recv_timeout(PATIENCE) {
                assert_eq!(errno, Some(libc::ENOBUFS));
                ring.receive(mine.as_raw_fd(), stream.clone()).unwrap();
            }
        }
        assert_eq!(*stream.bytes.lock().unwrap(), all[..*sent]);
    }
    ring.stop_thread();
}

/// A stream that has enough ends its receive, and still gets the bytes that were in buffers by then.
#[test]
fn a_stream_that_has_enough_ends_its_receive() {
    let Some(ring) = ring() else { return };
    let (mine, other) = pair();
    let (stream, notices) = stream(1);
    ring.receive(mine.as_raw_fd(), stream.clone()).unwrap();
    let len = sys::io::send(other.as_fd(), &[7; 50_000], libc::MSG_DONTWAIT).unwrap();
    until(|| matches!(notices.try_recv(), Ok(Notice::End(_))));
    let brought = stream.bytes.lock().unwrap().len();
    let left = sys::ioctl::pending(mine.as_fd()).unwrap();
    assert_eq!(brought + left, len);
    ring.stop_thread();
}

#[test]
fn a_panic_costs_the_other_streams_nothing() {
    let Some(ring) = ring() else { return };
    let (bad, bad_other) = pair();
    let (good, good_other) = pair();
    let (one, notices_one) = stream(usize::MAX);
    one.panics.store(true, SeqCst);
    let (two, notices_two) = stream(usize::MAX);
    ring.receive(bad.as_raw_fd(), one).unwrap();
    ring.receive(good.as_raw_fd(), two).unwrap();
    sys::io::send(bad_other.as_fd(), b"x", 0).unwrap();
    assert_eq!(notices_one.recv_timeout(PATIENCE), Ok(Notice::Event));
    sys::io::send(good_other.as_fd(), b"y", 0).unwrap();
    assert_eq!(notices_two.recv_timeout(PATIENCE), Ok(Notice::Event));
    ring.stop_thread();
}

#[test]
fn a_full_queue_and_an_ended_thread_refuse_receives() {
    let Some(ring) = ring() else { return };
    let (mine, _other) = pair();
    // The queue takes QUEUE requests, besides those that the thread has taken out meanwhile.
    let (one, _notices) = stream(usize::MAX);
    let taken = (0..QUEUE * 4).filter(|_| ring.receive(mine.as_raw_fd(), one.clone()).is_some()).count();
    assert!(taken >= QUEUE);
    ring.stop_thread();
    assert!(ring.receive(mine.as_raw_fd(), one).is_none());
    // After the thread has ended a release calls back at once.
    let (sender, released) = channel();
    ring.release(esock::poller::token::Token::from_u64(0), Box::new(move || sender.send(()).unwrap()));
    released.recv_timeout(PATIENCE).unwrap();
}

/// Many receives that are ended as soon as they begin, in either order: each calls back once.
#[test]
fn cancel_storm() {
    let Some(ring) = ring() else { return };
    let gone = Arc::new(AtomicUsize::new(0));
    let pairs: Vec<_> = (0..200).map(|_| pair()).collect();
    let (stream, _notices) = stream(usize::MAX);
    for round in 0..20 {
        let mut tokens: Vec<_> =
            pairs.iter().map(|(mine, _)| ring.receive(mine.as_raw_fd(), stream.clone()).unwrap()).collect();
        if round % 2 == 0 {
            tokens.reverse();
        }
        for (place, token) in tokens.into_iter().enumerate() {
            if place % 3 == 0 {
                ring.stop(token);
            }
            let count = Arc::clone(&gone);
            ring.release(
                token,
                Box::new(move || {
                    count.fetch_add(1, SeqCst);
                }),
            );
        }
        until(|| gone.load(SeqCst) == (round + 1) * pairs.len());
        assert_eq!(ring.receiving(), 0);
    }
    ring.stop_thread();
}

/// Gathered bytes stay for the next receive, and the end of the stream cuts the receive short.
#[test]
fn gathered_bytes_stay() {
    let (mine, other) = pair();
    let ahead = Ahead::new(None);
    assert!(matches!(take(&ahead, &mine, 5), Some(Attempt::Blocked)));
    sys::io::send(other.as_fd(), b"abc", 0).unwrap();
    assert!(matches!(take(&ahead, &mine, 5), Some(Attempt::Blocked)));
    assert_eq!((ahead.len(), ahead.ready()), (3, Some(true)));
    // A receive of fewer bytes takes those; the rest stays.
    assert!(matches!(take(&ahead, &mine, 2), Some(Attempt::Done(2))));
    sys::io::send(other.as_fd(), b"def", 0).unwrap();
    assert!(matches!(take(&ahead, &mine, 3), Some(Attempt::Done(3))));
    drop(other);
    assert!(matches!(take(&ahead, &mine, 9), Some(Attempt::Cut(1, Cut::Closed))));
    assert!(matches!(take(&ahead, &mine, 9), Some(Attempt::Closed)));
}

/// An error of the stream that the ring got is answered once. An error of the ring's request is not.
#[test]
fn errors_of_the_stream_are_answered_once() {
    let (mine, _other) = pair();
    let ahead = Ahead::new(None);
    ahead.on_end(Some(Errno::new(libc::ENOBUFS)));
    assert!(matches!(take(&ahead, &mine, 5), Some(Attempt::Blocked)));
    ahead.on_end(Some(Errno::new(libc::ECONNRESET)));
    ahead.on_end(None);
    assert!(matches!(take(&ahead, &mine, 5), Some(Attempt::Failed(errno)) if errno.number() == libc::ECONNRESET));
    assert!(matches!(take(&ahead, &mine, 5), Some(Attempt::Blocked)));
}

/// While events are lastingly dense, a ring does not receive for a stream with frequent waits, but for others.
#[test]
fn dense_events_and_frequent_waits() {
    let Some(ring) = ring() else { return };
    let ring: &'static Arc<Ring> = Box::leak(Box::new(ring));
    let (mine, _other) = pair();
    let ahead = Ahead::new(Some(ring));
    let mut now = Instant::now();
    let mut waits = |after: Duration, dense: bool| {
        now += after;
        ahead.arm(mine.as_fd(), usize::MAX, Some(now), dense, || stream(usize::MAX).0)
    };
    // After FREQUENT frequent waits the stream waits for the poller, while events are dense.
    for time in 1..=100 * u32::from(FREQUENT) {
        assert_eq!(waits(FREQUENT_WAIT / 2, true), time <= u32::from(FREQUENT), "{time}");
        ahead.on_end(None);
    }
    assert!(waits(FREQUENT_WAIT / 2, false));
    assert!(!ahead.on_bytes(b"a", usize::MAX, false));
    assert!(ahead.on_bytes(b"b", usize::MAX, true), "the receive is to be cancelled");
    assert!(!ahead.on_bytes(b"c", usize::MAX, true), "it is being cancelled already");
    ahead.on_end(None);
    // After many frequent waits it takes FREQUENT others until the ring receives again.
    for time in 1..=3 * FREQUENT {
        assert_eq!(waits(FREQUENT_WAIT, true), time > FREQUENT, "{time}");
        assert!(!ahead.on_bytes(b"d", usize::MAX, true));
        ahead.on_end(None);
    }
    assert_eq!(ahead.len(), 3 + 2 * usize::from(FREQUENT));
    ring.stop_thread();
}

/// After bytes were lost every receive fails, even if an earlier call has answered the error.
#[test]
fn lost_bytes_are_an_error_for_good() {
    let (mine, other) = pair();
    let ahead = Ahead::new(None);
    ahead.on_end(Some(Errno::new(libc::EIO)));
    sys::io::send(other.as_fd(), b"behind the hole", 0).unwrap();
    for _ in 0..3 {
        assert_eq!(ahead.take_error().map(Errno::number), Some(libc::EIO));
        assert!(matches!(take(&ahead, &mine, 5), Some(Attempt::Failed(errno)) if errno.number() == libc::EIO));
    }
}

/// A receive from the error queue does not use the read-ahead buffer.
#[test]
fn the_error_queue_is_beside_the_stream() {
    let mut room = Bytes(Memory::new(64));
    let recv = Recv { exact: true, whole: true, ..Recv::new(&mut room, 5, libc::MSG_ERRQUEUE) };
    assert!(recv.want().is_none());
}

/// The kernel has more completions than its queue holds while the ring thread is held up: none is lost.
#[test]
fn overflow() {
    const MANY: usize = 6000;
    let Some(ring) = ring() else { return };
    struct Counts {
        ended: AtomicUsize,
        /// Holds up the ring thread in its call of `ready`.
        held: Mutex<()>,
    }
    impl Ready for Counts {
        fn ready(&self, _: Event) {
            drop(self.held.lock().unwrap());
        }
    }
    impl Intake for Counts {
        fn on_bytes(&self, _: &[u8], _: bool) -> bool {
            false
        }
        fn on_end(&self, errno: Option<Errno>) {
            assert_eq!(errno, None);
            self.ended.fetch_add(1, SeqCst);
        }
    }
    let counts = Arc::new(Counts { ended: AtomicUsize::new(0), held: Mutex::default() });
    let pairs: Vec<_> = (0..MANY).map(|_| pair()).collect();
    for (mine, _) in &pairs {
        until(|| ring.receive(mine.as_raw_fd(), counts.clone()).is_some());
    }
    let held = counts.held.lock().unwrap();
    sys::io::send(pairs[0].1.as_fd(), b"x", 0).unwrap();
    let mine: Vec<_> = pairs.into_iter().map(|(mine, _other)| mine).collect();
    drop(held);
    until(|| counts.ended.load(SeqCst) == MANY);
    assert_eq!(ring.receiving(), 0);
    ring.stop_thread();
    drop(mine);
}

/// Sends `len` bytes and closes the sending end, and gathers them all into the buffer.
fn gather(ahead: &Ahead, (mine, other): (&OwnedFd, OwnedFd), len: usize) {
    let sender = std::thread::spawn(move || {
        let mut other = std::os::unix::net::UnixStream::from(other);
        other.set_nonblocking(false).unwrap();
        let bytes: Vec<u8> = (0..len).map(|place| (place / 1000) as u8).collect();
        std::io::Write::write_all(&mut other, &bytes).unwrap();
    });
    until(|| {
        let attempt = receive(ahead, mine, 2 * len, true, false).1;
        assert!(matches!(attempt, Some(Attempt::Blocked | Attempt::More)), "{len}");
        ahead.len() == len
    });
    sender.join().unwrap();
}

/// Receives exactly `len` bytes. Answers the bytes that were taken out without a copy, and the attempt.
fn receive(
    ahead: &Ahead,
    fd: &OwnedFd,
    len: usize,
    whole: bool,
    apart: bool,
) -> (Option<VecDeque<u8>>, Option<Attempt<usize>>) {
    let mut room = Large(Memory::new(0));
    let mut recv = Recv { exact: true, whole, unbounded: apart, ..Recv::new(&mut room, len, 0) };
    let attempt = ahead.attempt(&mut recv, fd.as_fd(), TCP);
    (recv.uncopied, attempt)
}

struct Large(Memory);

impl Room for Large {
    const SCRATCH: usize = 64;
    fn room(&mut self, len: usize) -> Option<Space<'_>> {
        self.0 = Memory::new(len);
        self.0.space(len)
    }
}

/// More than LARGE bytes are taken out of the buffer only on a thread that is no scheduler, and not copied with the lane held.
#[test]
fn a_large_length_is_taken_out_apart() {
    const LEN: usize = 2 * LARGE;
    let ((mine, other), ahead) = (pair(), Ahead::new(None));
    gather(&ahead, (&mine, other), LEN + 5);
    for _ in 0..3 {
        let (taken, attempt) = receive(&ahead, &mine, LEN, true, false);
        assert!(taken.is_none() && matches!(attempt, Some(Attempt::More)));
    }
    let (taken, attempt) = receive(&ahead, &mine, LEN, true, true);
    assert!(matches!(attempt, Some(Attempt::Done(LEN))));
    assert!(taken.unwrap().iter().enumerate().all(|(place, byte)| *byte == (place / 1000) as u8));
    // The bytes behind it stay, and the end of the stream cuts the next receive short.
    assert_eq!(ahead.len(), 5);
    assert!(matches!(receive(&ahead, &mine, LEN, true, false).1, Some(Attempt::Cut(5, Cut::Closed))));
}

#[test]
fn a_large_length_that_is_cut_short() {
    const LEN: usize = 2 * LARGE;
    let ((mine, other), ahead) = (pair(), Ahead::new(None));
    gather(&ahead, (&mine, other), LEN);
    assert!(matches!(receive(&ahead, &mine, 2 * LEN, true, false).1, Some(Attempt::More)));
    let (taken, attempt) = receive(&ahead, &mine, 2 * LEN, true, true);
    assert!(matches!(attempt, Some(Attempt::Cut(LEN, Cut::Closed))));
    assert_eq!((taken.map(|bytes| bytes.len()), ahead.len()), (Some(LEN), 0));
}

/// A receive that may be answered in parts gets 256 KB at the most with each, which bounds its time on a scheduler.
#[test]
fn a_large_receive_goes_in_parts() {
    const LEN: usize = 2 * LARGE;
    let ((mine, other), ahead) = (pair(), Ahead::new(None));
    gather(&ahead, (&mine, other), LEN);
    let mut left = LEN;
    while left > 0 {
        match receive(&ahead, &mine, left, false, false) {
            (None, Some(Attempt::Partial(got) | Attempt::Done(got))) if got <= 256 * 1024 => left -= got,
            (_, attempt) => panic!("{left} {:?}", attempt.is_some()),
        }
        assert_eq!(ahead.len(), left);
    }
}

/// If more bytes stay than are taken, the bytes taken are copied, so that those that stay need not be moved.
#[test]
fn what_stays_is_not_moved() {
    const LEN: usize = LARGE + 1;
    let ((mine, other), ahead) = (pair(), Ahead::new(None));
    gather(&ahead, (&mine, other), 3 * LEN);
    let mut room = Large(Memory::new(0));
    let mut recv = Recv { exact: true, whole: true, unbounded: true, ..Recv::new(&mut room, LEN, 0) };
    assert!(matches!(ahead.attempt(&mut recv, mine.as_fd(), TCP), Some(Attempt::Done(LEN))));
    assert!(recv.uncopied.is_none());
    assert!(room.0.written().iter().enumerate().all(|(place, byte)| *byte == (place / 1000) as u8));
    assert_eq!((room.0.written().len(), ahead.len()), (LEN, 2 * LEN));
    // The next receive gets the bytes behind it.
    let (taken, attempt) = receive(&ahead, &mine, 2 * LEN, true, true);
    assert!(matches!(attempt, Some(Attempt::Done(len)) if len == 2 * LEN));
    assert!(taken.unwrap().iter().enumerate().all(|(place, byte)| *byte == ((place + LEN) / 1000) as u8));
}

/// A peek at more than LARGE bytes is also copied only on a thread that is no scheduler, and leaves the bytes in the buffer.
#[test]
fn a_large_peek_is_copied_apart() {
    const LEN: usize = 2 * LARGE;
    let ((mine, other), ahead) = (pair(), Ahead::new(None));
    gather(&ahead, (&mine, other), LEN);
    for apart in [false, true] {
        let mut room = Large(Memory::new(0));
        let flags = libc::MSG_PEEK;
        let mut recv = Recv { exact: true, whole: true, unbounded: apart, ..Recv::new(&mut room, LEN, flags) };
        let attempt = ahead.attempt(&mut recv, mine.as_fd(), TCP);
        assert!(matches!((apart, attempt), (false, Some(Attempt::More)) | (true, Some(Attempt::Done(LEN)))));
        assert_eq!((room.0.written().len(), ahead.len()), (if apart { LEN } else { 0 }, LEN));
    }
}
