//! Busy polling: a helper has the duty while events are dense, and no event is lost when it has gone.

use crate::socket::waiting::PATIENCE;
use esock::poller::busy::{AWAY, Helper, LASTING, MOST, PAUSE, Traffic, WAKES, WITHIN};
use esock::poller::epoll::{Interest, Poller};
use esock::poller::event::{Event, Ready};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Is asked to begin, and says so; or has gone.
struct Asked(Option<Sender<()>>);

impl Helper for Asked {
    fn begin(&self) -> bool {
        self.0.as_ref().is_some_and(|asked| asked.send(()).is_ok())
    }
}

struct Source(Mutex<Sender<()>>);

impl Ready for Source {
    fn ready(&self, _: Event) {
        let _ = self.0.lock().unwrap().send(());
    }
}

/// A poller with one source, which somebody writes to.
struct Scene {
    poller: Arc<Poller>,
    near: UnixStream,
    far: UnixStream,
    events: Receiver<()>,
}

impl Scene {
    fn new(index: usize) -> Self {
        let poller = Poller::start(index).unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        let (sender, events) = channel();
        let source = Arc::new(Source(Mutex::new(sender)));
        poller.add(near.as_fd(), Interest { read: true, write: false }, source).unwrap();
        Self { poller, near, far, events }
    }

    /// One whose helper has been asked to begin.
    fn helped(index: usize) -> (Self, Receiver<()>) {
        let mut scene = Self::new(index);
        let (sender, asked) = channel();
        scene.poller.role.appoint(Box::new(Asked(Some(sender))));
        scene.until(&asked);
        (scene, asked)
    }

    fn dense(&self) {
        (0..WAKES).for_each(|_| self.poller.traffic.wakes(Instant::now()));
    }

    /// An event among many.
    fn event(&mut self) {
        self.dense();
        self.far.write_all(b"x").unwrap();
    }

    /// An event that is waited for, whoever brings it.
    fn arrives(&mut self) {
        self.far.write_all(b"x").unwrap();
        self.events.recv_timeout(PATIENCE).unwrap();
        self.near.read_exact(&mut [0]).unwrap();
    }

    /// Events until the helper is asked.
    fn until(&mut self, asked: &Receiver<()>) {
        let end = Instant::now() + PATIENCE;
        while asked.try_recv().is_err() {
            assert!(Instant::now() < end, "the helper is not asked");
            self.event();
            self.events.recv_timeout(PATIENCE).unwrap();
            self.near.read_exact(&mut [0]).unwrap();
        }
    }

    /// Waits until the thread polls.
    fn until_thread(&self) {
        let end = Instant::now() + PATIENCE;
        while self.poller.role.helped() {
            assert!(Instant::now() < end, "the helper keeps the duty");
            std::thread::yield_now();
        }
    }
}

#[test]
fn events_are_dense_by_their_number_in_a_time() {
    let (traffic, start) = (Traffic::default(), Instant::now());
    let step = WITHIN / (WAKES * 2);
    let at = |n: u32| start + step * n;
    (0..WAKES - 1).for_each(|n| traffic.wakes(at(n)));
    assert!(!traffic.dense());
    traffic.wakes(at(WAKES - 1));
    assert!(traffic.dense());
    // Half as many in the next.
    let next = at(WAKES - 1);
    (1..=WAKES / 2).for_each(|n| traffic.wakes(next + step * n));
    assert!(traffic.dense(), "the time is not over");
    traffic.wakes(next + WITHIN);
    assert!(!traffic.dense());
    (0..WAKES).for_each(|_| traffic.wakes(next + WITHIN));
    assert!(traffic.dense());
    traffic.abates(next + WITHIN, 0);
    assert!(!traffic.dense());
    // After a helper that had much to do, what comes at once goes on.
    let mut now = next + WITHIN * 2;
    for (found, later, dense) in [
        (WAKES, WITHIN / 2, true),
        (WAKES - 1, WITHIN / 2, false),
        (WAKES, WITHIN, false),
        (u32::MAX, WITHIN / 2, true),
    ] {
        traffic.abates(now, found);
        assert!(!traffic.dense());
        now += later;
        traffic.wakes(now);
        assert_eq!(traffic.dense(), dense, "{found} {later:?}");
    }
    traffic.abates(now, 0);
    // Lastingly: so many times more than not.
    now += WITHIN * 10;
    traffic.wakes(now);
    for time in 1..=LASTING {
        assert!(!traffic.lasting());
        (0..WAKES).for_each(|_| traffic.wakes(now));
        assert_eq!(traffic.lasting(), time == LASTING);
    }
    traffic.abates(now, 0);
    assert!(traffic.lasting(), "a moment is not a while");
    now += WITHIN;
    traffic.wakes(now);
    assert!(!traffic.lasting(), "however often it abates in between");
    // The longer it has lasted, the more times it takes; but not after a pause.
    (0..10 * LASTING * WAKES).for_each(|_| traffic.wakes(now));
    for time in 1..=LASTING {
        now += WITHIN;
        traffic.wakes(now);
        assert!(traffic.lasting(), "{time}");
    }
    now += WITHIN;
    traffic.wakes(now);
    assert!(!traffic.lasting());
    (0..LASTING * WAKES).for_each(|_| traffic.wakes(now));
    assert!(traffic.lasting());
    traffic.wakes(now + PAUSE);
    assert!(!traffic.lasting());
}

/// A ring that still receives for streams that hear something now and then does not undo what the others are.
#[test]
fn seldom_events_beside_dense_ones() {
    let (traffic, mut now) = (Traffic::default(), Instant::now());
    (0..LASTING).for_each(|_| traffic.ring_wakes(now, WAKES as usize));
    assert!(traffic.lasting() && !traffic.dense(), "a poller's thread has nothing to hand over yet");
    traffic.helped();
    for _ in 0..10 * LASTING {
        now += PAUSE;
        traffic.ring_wakes(now, 1);
        assert!(traffic.lasting(), "a helper polls");
    }
    traffic.abates(now, 0);
    for time in 1..=LASTING {
        assert_eq!(traffic.lasting(), time == 1, "{time}");
        now += WITHIN;
        traffic.ring_wakes(now, 1);
    }
    // Either is enough.
    traffic.wakes(now);
    (0..LASTING * WAKES).for_each(|_| traffic.wakes(now));
    assert!(traffic.lasting());
}

#[test]
fn a_helper_polls_until_it_finds_nothing() {
    let mut scene = Scene::new(80);
    let (sender, asked) = channel();
    assert!(!scene.poller.busy_poll(), "it has no duty yet");
    scene.poller.role.appoint(Box::new(Asked(Some(sender))));
    scene.until(&asked);
    while scene.poller.role.helped() {
        // Whoever brings it, it comes.
        scene.far.write_all(b"y").unwrap();
        let _ = scene.poller.busy_poll();
        scene.events.recv_timeout(PATIENCE).unwrap();
        scene.near.read_exact(&mut [0]).unwrap();
        let mut vain = 0;
        while scene.poller.busy_poll() {
            vain += 1;
            assert!(vain <= MOST, "it does not end");
        }
    }
    // The thread has the duty again.
    scene.arrives();
    scene.poller.stop();
}

#[test]
fn a_helper_that_stays_away_loses_the_duty() {
    let mut scene = Scene::new(81);
    let (sender, asked) = channel();
    scene.poller.role.appoint(Box::new(Asked(Some(sender))));
    let begin = Instant::now();
    scene.until(&asked);
    // It does nothing: what comes arrives all the same, and then the duty is taken back.
    scene.arrives();
    let helped = scene.poller.role.helped();
    assert!(helped || begin.elapsed() > AWAY, "it looks before that");
    scene.until_thread();
    assert!(begin.elapsed() > AWAY);
    // It is not asked again before it comes.
    for _ in 0..2 * WAKES {
        scene.event();
        scene.events.recv_timeout(PATIENCE).unwrap();
        scene.near.read_exact(&mut [0]).unwrap();
    }
    assert!(asked.try_recv().is_err());
    assert!(!scene.poller.busy_poll(), "it comes too late");
    scene.until(&asked);
    scene.poller.stop();
}

#[test]
fn a_helper_that_has_ended_is_not_missed() {
    let mut scene = Scene::new(82);
    scene.poller.role.appoint(Box::new(Asked(None)));
    for _ in 0..2 * WAKES {
        scene.event();
        scene.events.recv_timeout(PATIENCE).unwrap();
        scene.near.read_exact(&mut [0]).unwrap();
    }
    // The thread may be asking it at this moment; it does not wait for an answer.
    let end = Instant::now() + PATIENCE;
    while scene.poller.role.helped() {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    // Another one may follow.
    let (sender, asked) = channel();
    scene.poller.role.appoint(Box::new(Asked(Some(sender))));
    scene.until(&asked);
    // The thread ends while it stands by.
    scene.poller.stop();
}

#[test]
fn who_waits_for_a_time_is_told_by_a_helper_too() {
    let (scene, _asked) = Scene::helped(83);
    let (told, tells) = channel();
    scene.poller.notify_at(Instant::now() + Duration::from_millis(5), false, Arc::new(Source(Mutex::new(told))));
    while tells.try_recv().is_err() {
        let _ = scene.poller.busy_poll();
    }
    scene.poller.stop();
}

/// A helper whose round took longer than the thread waits: it has come back, and is asked again.
#[test]
fn a_helper_that_was_held_up_is_asked_again() {
    struct Slow(Mutex<Sender<()>>);
    impl Ready for Slow {
        fn ready(&self, _: Event) {
            std::thread::sleep(AWAY + Duration::from_millis(20));
            let _ = self.0.lock().unwrap().send(());
        }
    }
    let (mut scene, asked) = Scene::helped(84);
    let (told, tells) = channel();
    scene.poller.notify_at(Instant::now(), false, Arc::new(Slow(Mutex::new(told))));
    // Whether it is this one or the thread that tells the slow one, the other looks on.
    while tells.try_recv().is_err() {
        let _ = scene.poller.busy_poll();
    }
    scene.until_thread();
    scene.until(&asked);
    scene.poller.stop();
}

#[test]
fn another_helper_takes_the_place_of_one_that_stayed_away() {
    let (mut scene, _asked) = Scene::helped(85);
    scene.until_thread();
    let (sender, other) = channel();
    scene.poller.role.appoint(Box::new(Asked(Some(sender))));
    scene.until(&other);
    scene.poller.stop();
}
