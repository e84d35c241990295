//! A ring on a scripted kernel: completions that come late, in another order, in pieces, twice, under no receive's name, or as
//! errors; and a kernel that fails.

use crate::socket::waiting::PATIENCE;
use esock::poller::event::{Event, Ready};
use esock::poller::token::Token;
use esock::ring::thread::{Intake, Ring};
use esock::sys;
use esock::sys::uring::{CANCEL, Completion, Kernel, WAKEUP};
use esock::wire::errno::Errno;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Read;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};

/// A request that the kernel got.
#[derive(Debug, PartialEq)]
enum Request {
    Receive(RawFd, u64),
    Cancel(u64),
}

/// The completions and errors that the test has the kernel report.
#[derive(Default)]
struct Script {
    completions: VecDeque<Completion>,
    buffers: HashMap<u16, Vec<u8>>,
    given_back: Vec<u16>,
    next: u16,
    fails: Option<i32>,
}

/// The script, which the test and the ring thread share.
#[derive(Default)]
struct Stage {
    script: Mutex<Script>,
    changed: Condvar,
}

impl Stage {
    /// Adds a completion: bytes, the end, or an error; `more`: others of this name will follow.
    fn complete(&self, name: u64, result: Result<&[u8], i32>, more: bool) {
        let mut script = self.script.lock().unwrap();
        let buffer = result.ok().filter(|bytes| !bytes.is_empty()).map(|bytes| {
            script.next += 1;
            let number = script.next;
            script.buffers.insert(number, bytes.to_vec());
            number
        });
        let result = result.map(<[u8]>::len).map_err(Errno::new);
        script.completions.push_back(Completion { name, result, more, buffer });
        self.changed.notify_all();
    }

    fn fail(&self, errno: i32) {
        self.script.lock().unwrap().fails = Some(errno);
        self.changed.notify_all();
    }

    fn given_back(&self) -> usize {
        self.script.lock().unwrap().given_back.len()
    }
}

struct ScriptedKernel {
    stage: Arc<Stage>,
    requests: Sender<Request>,
    wakeup: Option<File>,
}

impl Kernel for ScriptedKernel {
    fn receive(&mut self, fd: RawFd, name: u64) -> sys::Result<()> {
        let _ = self.requests.send(Request::Receive(fd, name));
        Ok(())
    }

    fn cancel(&mut self, name: u64) -> sys::Result<()> {
        let _ = self.requests.send(Request::Cancel(name));
        Ok(())
    }

    fn poll_wakeup(&mut self, wakeup: BorrowedFd<'_>) -> sys::Result<()> {
        self.wakeup = Some(File::from(wakeup.try_clone_to_owned().unwrap()));
        Ok(())
    }

    fn wait(&mut self) -> sys::Result<()> {
        let mut script = self.stage.script.lock().unwrap();
        loop {
            if let Some(errno) = script.fails {
                return Err(Errno::new(errno));
            }
            if self.wakeup.as_mut().unwrap().read(&mut [0; 8]).is_ok() {
                script.completions.push_front(Completion { name: WAKEUP, result: Ok(1), more: true, buffer: None });
            }
            if !script.completions.is_empty() {
                return Ok(());
            }
            // The eventfd has no condition variable: it is read every millisecond.
            script = self.stage.changed.wait_timeout(script, std::time::Duration::from_millis(1)).unwrap().0;
        }
    }

    fn completions(&mut self, to: &mut Vec<Completion>) {
        to.extend(self.stage.script.lock().unwrap().completions.drain(..));
    }

    fn take<R>(&mut self, completion: &Completion, use_them: impl FnOnce(&[u8]) -> R) -> R {
        let buffer = completion.buffer.map(|number| {
            let mut script = self.stage.script.lock().unwrap();
            script.given_back.push(number);
            script.buffers.remove(&number).expect("a buffer is taken once")
        });
        use_them(&buffer.unwrap_or_default())
    }
}

/// The calls of the ring to a stream, in order.
#[derive(Debug, PartialEq)]
enum Notice {
    Bytes(Vec<u8>),
    End(Option<i32>),
    Event,
}

struct Stream {
    notices: Mutex<Sender<Notice>>,
    /// The stream has enough with this many bytes in one completion.
    most: usize,
}

impl Stream {
    fn report(&self, notice: Notice) {
        let _ = self.notices.lock().unwrap().send(notice);
    }
}

impl Ready for Stream {
    fn ready(&self, _: Event) {
        self.report(Notice::Event);
    }
}

impl Intake for Stream {
    fn on_bytes(&self, bytes: &[u8], dense: bool) -> bool {
        self.report(Notice::Bytes(bytes.to_vec()));
        dense || bytes.len() >= self.most
    }

    fn on_end(&self, errno: Option<Errno>) {
        self.report(Notice::End(errno.map(Errno::number)));
    }
}

struct Scene {
    ring: Arc<Ring>,
    stage: Arc<Stage>,
    requests: Receiver<Request>,
}

impl Scene {
    fn new() -> Self {
        let (stage, (sender, requests)) = (Arc::new(Stage::default()), channel());
        let shared = Arc::clone(&stage);
        let make = move || Ok(ScriptedKernel { stage: shared, requests: sender, wakeup: None });
        Self { ring: Ring::start_on(91, Arc::default(), make).unwrap(), stage, requests }
    }

    /// A stream for which the kernel has been asked to receive.
    fn stream(&self, fd: RawFd, most: usize) -> (Token, Receiver<Notice>) {
        let (sender, notices) = channel();
        let token = self.ring.receive(fd, Arc::new(Stream { notices: Mutex::new(sender), most })).unwrap();
        assert_eq!(self.request(), Request::Receive(fd, token.to_u64()));
        (token, notices)
    }

    fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    /// Releases a receive. The channel is disconnected when the file has been released.
    fn release(&self, token: Token) -> Receiver<()> {
        let (sender, released) = channel();
        self.ring.release(token, Box::new(move || drop(sender)));
        released
    }
}

fn next(notices: &Receiver<Notice>) -> Notice {
    notices.recv_timeout(PATIENCE).unwrap()
}

/// The next notice that is no event.
fn piece(notices: &Receiver<Notice>) -> Notice {
    loop {
        match next(notices) {
            Notice::Event => {}
            other => return other,
        }
    }
}

fn is_released(released: &Receiver<()>) -> bool {
    released.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected)
}

#[test]
fn interleaved_completions_reach_their_streams() {
    let scene = Scene::new();
    let streams: Vec<_> = (0..3).map(|fd| scene.stream(fd, usize::MAX)).collect();
    for round in 0..100_u8 {
        // Each round has another order and another length.
        for place in 0..3 {
            let which = (place + usize::from(round)) % 3;
            let bytes = vec![round; 1 + usize::from(round) % 7];
            scene.stage.complete(streams[which].0.to_u64(), Ok(&bytes), true);
        }
    }
    for (_, notices) in &streams {
        for round in 0..100_u8 {
            assert_eq!(piece(notices), Notice::Bytes(vec![round; 1 + usize::from(round) % 7]));
        }
        assert_eq!(next(notices), Notice::Event);
    }
    assert_eq!(scene.stage.given_back(), 300);
    scene.ring.stop_thread();
}

#[test]
fn the_last_completion_may_come_before_and_after_the_cancels() {
    for last_first in [true, false] {
        let scene = Scene::new();
        let (token, notices) = scene.stream(5, usize::MAX);
        let name = token.to_u64();
        let end = scene.release(token);
        assert_eq!(scene.request(), Request::Cancel(name));
        let last = || scene.stage.complete(name, Err(libc::ECANCELED), false);
        if last_first {
            last();
        }
        scene.stage.complete(name | CANCEL, Ok(b""), false);
        if !last_first {
            // The receive is still in flight: the stream gets its bytes, and the file is released after the last completion.
            scene.stage.complete(name, Ok(b"late"), true);
            assert_eq!(next(&notices), Notice::Bytes(b"late".to_vec()));
            assert_eq!(next(&notices), Notice::Event);
            assert!(!is_released(&end));
            last();
        }
        assert_eq!(next(&notices), Notice::End(Some(libc::ECANCELED)));
        assert_eq!(end.recv_timeout(PATIENCE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
        assert_eq!(next(&notices), Notice::Event);
        scene.ring.stop_thread();
        assert!(notices.try_recv().is_err());
    }
}

/// A cancel that does not find the receive, because the kernel is moving it from one wait to the next, is repeated.
#[test]
fn a_failed_cancel_is_repeated() {
    let scene = Scene::new();
    let (token, notices) = scene.stream(5, usize::MAX);
    let name = token.to_u64();
    scene.ring.stop(token);
    for errno in [libc::ENOENT, libc::EALREADY, libc::ENOENT] {
        assert_eq!(scene.request(), Request::Cancel(name));
        scene.stage.complete(name | CANCEL, Err(errno), false);
    }
    assert_eq!(scene.request(), Request::Cancel(name));
    scene.stage.complete(name, Err(libc::ECANCELED), false);
    assert_eq!(next(&notices), Notice::End(Some(libc::ECANCELED)));
    // The receive has ended: the cancel is not repeated.
    scene.stage.complete(name | CANCEL, Err(libc::ENOENT), false);
    let (_, other) = scene.stream(6, usize::MAX);
    scene.ring.stop_thread();
    assert!(scene.requests.try_recv().is_err());
    drop(other);
}

/// A completion under an old name reaches no stream, even if another stream has its place now; its buffer is given back.
#[test]
fn late_completions_reach_no_stream() {
    let scene = Scene::new();
    let (old, old_notices) = scene.stream(5, usize::MAX);
    scene.stage.complete(old.to_u64(), Ok(b""), false);
    assert_eq!(next(&old_notices), Notice::End(None));
    assert_eq!(next(&old_notices), Notice::Event);
    let (new, notices) = scene.stream(5, usize::MAX);
    assert_eq!(new.to_u64() as u32, old.to_u64() as u32, "the place is the same");
    scene.stage.complete(old.to_u64(), Ok(b"late"), true);
    scene.stage.complete(old.to_u64(), Err(libc::ECONNRESET), false);
    scene.stage.complete(12_345, Ok(b"whose?"), false);
    scene.stage.complete(new.to_u64(), Ok(b"mine"), true);
    assert_eq!(next(&notices), Notice::Bytes(b"mine".to_vec()));
    assert_eq!(scene.stage.given_back(), 3);
    assert_eq!(scene.ring.receiving(), 1);
    assert!(old_notices.try_recv().is_err());
    scene.ring.stop_thread();
}

#[test]
fn errors_and_ends_are_reported_once_after_the_bytes() {
    for errno in [libc::ENOBUFS, libc::ECONNRESET, libc::ETIMEDOUT, libc::ENOMEM, libc::EBADF] {
        let scene = Scene::new();
        let (token, notices) = scene.stream(5, usize::MAX);
        let name = token.to_u64();
        scene.stage.complete(name, Ok(b"a"), true);
        scene.stage.complete(name, Err(errno), false);
        scene.stage.complete(name, Err(errno), false);
        assert_eq!(piece(&notices), Notice::Bytes(b"a".to_vec()));
        assert_eq!(piece(&notices), Notice::End(Some(errno)));
        assert_eq!(next(&notices), Notice::Event);
        assert_eq!(scene.ring.receiving(), 0);
        // The last completion may have bytes.
        let (token, notices) = scene.stream(5, usize::MAX);
        scene.stage.complete(token.to_u64(), Ok(b"last"), false);
        assert_eq!(piece(&notices), Notice::Bytes(b"last".to_vec()));
        assert_eq!(piece(&notices), Notice::End(None));
        scene.ring.stop_thread();
    }
}

/// The receive of a stream that has enough is cancelled, and the stream gets the bytes that arrive until it ends.
#[test]
fn enough() {
    let scene = Scene::new();
    let (token, notices) = scene.stream(5, 3);
    let name = token.to_u64();
    scene.stage.complete(name, Ok(b"ab"), true);
    scene.stage.complete(name, Ok(b"cde"), true);
    assert_eq!(scene.request(), Request::Cancel(name));
    scene.stage.complete(name, Ok(b"f"), true);
    scene.stage.complete(name, Err(libc::ECANCELED), false);
    let all: Vec<_> = (0..4).map(|_| piece(&notices)).collect();
    let bytes = [&b"ab"[..], b"cde", b"f"].map(|bytes| Notice::Bytes(bytes.to_vec()));
    assert_eq!(all[..3], bytes);
    assert_eq!(all[3], Notice::End(Some(libc::ECANCELED)));
    scene.ring.stop_thread();
    assert!(scene.requests.try_recv().is_err());
}

/// If a ring fails, all its receives end with EIO: no stream waits for ever, or goes on without lost bytes.
#[test]
fn a_ring_that_fails() {
    let scene = Scene::new();
    let streams: Vec<_> = (0..5).map(|fd| scene.stream(fd, usize::MAX)).collect();
    let end = scene.release(streams[4].0);
    scene.stage.fail(libc::EIO);
    for (_, notices) in &streams {
        assert_eq!(next(notices), Notice::End(Some(libc::EIO)));
        assert_eq!(next(notices), Notice::Event);
    }
    assert_eq!(end.recv_timeout(PATIENCE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(scene.ring.receiving(), 0);
    let (sender, _notices) = channel();
    assert!(scene.ring.receive(7, Arc::new(Stream { notices: Mutex::new(sender), most: 1 })).is_none());
    assert_eq!(
        scene.release(streams[0].0).recv_timeout(PATIENCE),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
    scene.ring.stop_thread();
}

/// A ring that the kernel refuses answers the error.
#[test]
fn a_ring_that_is_refused() {
    let refused = Ring::start_on(91, Arc::default(), || Err::<ScriptedKernel, _>(Errno::new(libc::EPERM)));
    assert_eq!(refused.err().map(Errno::number), Some(libc::EPERM));
}
