//! A ring on a kernel that does as it is told: completions that come late, in another order, in pieces, twice, for nobody,
//! or as errors; and one that fails.

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

/// What was asked for.
#[derive(Debug, PartialEq)]
enum Asked {
    Receive(RawFd, u64),
    Cancel(u64),
}

/// What the test has the kernel say.
#[derive(Default)]
struct Script {
    completions: VecDeque<Completion>,
    buffers: HashMap<u16, Vec<u8>>,
    given_back: Vec<u16>,
    next: u16,
    fails: Option<i32>,
}

#[derive(Default)]
struct Stage {
    script: Mutex<Script>,
    said: Condvar,
}

impl Stage {
    /// Bytes, or the end, or an error; `more` of them to come.
    fn say(&self, name: u64, result: Result<&[u8], i32>, more: bool) {
        let mut script = self.script.lock().unwrap();
        let buffer = result.ok().filter(|bytes| !bytes.is_empty()).map(|bytes| {
            script.next += 1;
            let number = script.next;
            script.buffers.insert(number, bytes.to_vec());
            number
        });
        let result = result.map(<[u8]>::len).map_err(Errno::new);
        script.completions.push_back(Completion { name, result, more, buffer });
        self.said.notify_all();
    }

    fn fail(&self, errno: i32) {
        self.script.lock().unwrap().fails = Some(errno);
        self.said.notify_all();
    }

    fn given_back(&self) -> usize {
        self.script.lock().unwrap().given_back.len()
    }
}

struct Told {
    stage: Arc<Stage>,
    asked: Sender<Asked>,
    wakeup: Option<File>,
}

impl Kernel for Told {
    fn receive(&mut self, fd: RawFd, name: u64) -> sys::Result<()> {
        let _ = self.asked.send(Asked::Receive(fd, name));
        Ok(())
    }

    fn cancel(&mut self, name: u64) -> sys::Result<()> {
        let _ = self.asked.send(Asked::Cancel(name));
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
            // The wakeup is no event here.
            script = self.stage.said.wait_timeout(script, std::time::Duration::from_millis(1)).unwrap().0;
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

/// What a stream was told, in order.
#[derive(Debug, PartialEq)]
enum News {
    Bytes(Vec<u8>),
    LetGo(Option<i32>),
    Event,
}

struct Stream {
    news: Mutex<Sender<News>>,
    /// It has enough with so many bytes in one piece.
    most: usize,
}

impl Stream {
    fn tell(&self, news: News) {
        let _ = self.news.lock().unwrap().send(news);
    }
}

impl Ready for Stream {
    fn ready(&self, _: Event) {
        self.tell(News::Event);
    }
}

impl Intake for Stream {
    fn on_bytes(&self, bytes: &[u8], dense: bool) -> bool {
        self.tell(News::Bytes(bytes.to_vec()));
        dense || bytes.len() >= self.most
    }

    fn on_end(&self, errno: Option<Errno>) {
        self.tell(News::LetGo(errno.map(Errno::number)));
    }
}

struct Scene {
    ring: Arc<Ring>,
    stage: Arc<Stage>,
    asked: Receiver<Asked>,
}

impl Scene {
    fn new() -> Self {
        let (stage, (sender, asked)) = (Arc::new(Stage::default()), channel());
        let there = Arc::clone(&stage);
        let make = move || Ok(Told { stage: there, asked: sender, wakeup: None });
        Self { ring: Ring::start_on(91, Arc::default(), make).unwrap(), stage, asked }
    }

    /// A stream that the kernel has been asked to receive for.
    fn stream(&self, fd: RawFd, most: usize) -> (Token, Receiver<News>) {
        let (sender, news) = channel();
        let token = self.ring.receive(fd, Arc::new(Stream { news: Mutex::new(sender), most })).unwrap();
        assert_eq!(self.asked(), Asked::Receive(fd, token.to_u64()));
        (token, news)
    }

    fn asked(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).unwrap()
    }

    fn released(&self, token: Token) -> Receiver<()> {
        let (sender, gone) = channel();
        self.ring.release(token, Box::new(move || drop(sender)));
        gone
    }
}

fn next(news: &Receiver<News>) -> News {
    news.recv_timeout(PATIENCE).unwrap()
}

/// The next piece, past events.
fn piece(news: &Receiver<News>) -> News {
    loop {
        match next(news) {
            News::Event => {}
            other => return other,
        }
    }
}

fn gone(gone: &Receiver<()>) -> bool {
    gone.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected)
}

#[test]
fn one_stream_between_the_others() {
    let scene = Scene::new();
    let streams: Vec<_> = (0..3).map(|fd| scene.stream(fd, usize::MAX)).collect();
    for round in 0..100_u8 {
        // In another order each time, in pieces of another length.
        for place in 0..3 {
            let which = (place + usize::from(round)) % 3;
            let bytes = vec![round; 1 + usize::from(round) % 7];
            scene.stage.say(streams[which].0.to_u64(), Ok(&bytes), true);
        }
    }
    for (_, news) in &streams {
        for round in 0..100_u8 {
            assert_eq!(piece(news), News::Bytes(vec![round; 1 + usize::from(round) % 7]));
        }
        assert_eq!(next(news), News::Event);
    }
    assert_eq!(scene.stage.given_back(), 300);
    scene.ring.stop_thread();
}

#[test]
fn the_last_completion_may_come_before_and_after_the_cancels() {
    for last_first in [true, false] {
        let scene = Scene::new();
        let (token, news) = scene.stream(5, usize::MAX);
        let name = token.to_u64();
        let end = scene.released(token);
        assert_eq!(scene.asked(), Asked::Cancel(name));
        let last = || scene.stage.say(name, Err(libc::ECANCELED), false);
        if last_first {
            last();
        }
        scene.stage.say(name | CANCEL, Ok(b""), false);
        if !last_first {
            // The kernel still has the file: it brings what it has, and only then lets go.
            scene.stage.say(name, Ok(b"late"), true);
            assert_eq!(next(&news), News::Bytes(b"late".to_vec()));
            assert_eq!(next(&news), News::Event);
            assert!(!gone(&end));
            last();
        }
        assert_eq!(next(&news), News::LetGo(Some(libc::ECANCELED)));
        assert_eq!(end.recv_timeout(PATIENCE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
        assert_eq!(next(&news), News::Event);
        scene.ring.stop_thread();
        assert!(news.try_recv().is_err());
    }
}

/// A cancel that finds nothing, because the kernel is between two waits, is made again.
#[test]
fn a_cancel_in_vain_is_made_again() {
    let scene = Scene::new();
    let (token, news) = scene.stream(5, usize::MAX);
    let name = token.to_u64();
    scene.ring.stop(token);
    for errno in [libc::ENOENT, libc::EALREADY, libc::ENOENT] {
        assert_eq!(scene.asked(), Asked::Cancel(name));
        scene.stage.say(name | CANCEL, Err(errno), false);
    }
    assert_eq!(scene.asked(), Asked::Cancel(name));
    scene.stage.say(name, Err(libc::ECANCELED), false);
    assert_eq!(next(&news), News::LetGo(Some(libc::ECANCELED)));
    // It is over: not again.
    scene.stage.say(name | CANCEL, Err(libc::ENOENT), false);
    let (_, other) = scene.stream(6, usize::MAX);
    scene.ring.stop_thread();
    assert!(scene.asked.try_recv().is_err());
    drop(other);
}

/// What comes under a name of before is nobody's, whoever has its place now; its buffer is given back.
#[test]
fn extra_completions_are_nobodys() {
    let scene = Scene::new();
    let (old, old_news) = scene.stream(5, usize::MAX);
    scene.stage.say(old.to_u64(), Ok(b""), false);
    assert_eq!(next(&old_news), News::LetGo(None));
    assert_eq!(next(&old_news), News::Event);
    let (new, news) = scene.stream(5, usize::MAX);
    assert_eq!(new.to_u64() as u32, old.to_u64() as u32, "the place is the same");
    scene.stage.say(old.to_u64(), Ok(b"late"), true);
    scene.stage.say(old.to_u64(), Err(libc::ECONNRESET), false);
    scene.stage.say(12_345, Ok(b"whose?"), false);
    scene.stage.say(new.to_u64(), Ok(b"mine"), true);
    assert_eq!(next(&news), News::Bytes(b"mine".to_vec()));
    assert_eq!(scene.stage.given_back(), 3);
    assert_eq!(scene.ring.receiving(), 1);
    assert!(old_news.try_recv().is_err());
    scene.ring.stop_thread();
}

#[test]
fn errors_and_ends_are_told_once_behind_the_bytes() {
    for errno in [libc::ENOBUFS, libc::ECONNRESET, libc::ETIMEDOUT, libc::ENOMEM, libc::EBADF] {
        let scene = Scene::new();
        let (token, news) = scene.stream(5, usize::MAX);
        let name = token.to_u64();
        scene.stage.say(name, Ok(b"a"), true);
        scene.stage.say(name, Err(errno), false);
        scene.stage.say(name, Err(errno), false);
        assert_eq!(piece(&news), News::Bytes(b"a".to_vec()));
        assert_eq!(piece(&news), News::LetGo(Some(errno)));
        assert_eq!(next(&news), News::Event);
        assert_eq!(scene.ring.receiving(), 0);
        // Bytes may come with the last one.
        let (token, news) = scene.stream(5, usize::MAX);
        scene.stage.say(token.to_u64(), Ok(b"last"), false);
        assert_eq!(piece(&news), News::Bytes(b"last".to_vec()));
        assert_eq!(piece(&news), News::LetGo(None));
        scene.ring.stop_thread();
    }
}

/// A stream that has enough is ended once it says so, and takes what comes until then.
#[test]
fn enough() {
    let scene = Scene::new();
    let (token, news) = scene.stream(5, 3);
    let name = token.to_u64();
    scene.stage.say(name, Ok(b"ab"), true);
    scene.stage.say(name, Ok(b"cde"), true);
    assert_eq!(scene.asked(), Asked::Cancel(name));
    scene.stage.say(name, Ok(b"f"), true);
    scene.stage.say(name, Err(libc::ECANCELED), false);
    let all: Vec<_> = (0..4).map(|_| piece(&news)).collect();
    let bytes = [&b"ab"[..], b"cde", b"f"].map(|bytes| News::Bytes(bytes.to_vec()));
    assert_eq!(all[..3], bytes);
    assert_eq!(all[3], News::LetGo(Some(libc::ECANCELED)));
    scene.ring.stop_thread();
    assert!(scene.asked.try_recv().is_err());
}

/// A ring that dies lets go of everybody, with an error: nobody waits for what will not come, or goes on without what is lost.
#[test]
fn a_ring_that_dies() {
    let scene = Scene::new();
    let streams: Vec<_> = (0..5).map(|fd| scene.stream(fd, usize::MAX)).collect();
    let end = scene.released(streams[4].0);
    scene.stage.fail(libc::EIO);
    for (_, news) in &streams {
        assert_eq!(next(news), News::LetGo(Some(libc::EIO)));
        assert_eq!(next(news), News::Event);
    }
    assert_eq!(end.recv_timeout(PATIENCE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(scene.ring.receiving(), 0);
    let (sender, _news) = channel();
    assert!(scene.ring.receive(7, Arc::new(Stream { news: Mutex::new(sender), most: 1 })).is_none());
    assert_eq!(
        scene.released(streams[0].0).recv_timeout(PATIENCE),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
    scene.ring.stop_thread();
}

/// One that cannot be made says why.
#[test]
fn a_ring_that_is_refused() {
    let refused = Ring::start_on(91, Arc::default(), || Err::<Told, _>(Errno::new(libc::EPERM)));
    assert_eq!(refused.err().map(Errno::number), Some(libc::EPERM));
}
