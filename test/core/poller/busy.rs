//! Busy polling: a helper polls while events are dense, and no event is lost when the helper stops, stays away or ends.

use crate::socket::waiting::PATIENCE;
use esock::poller::busy::{ABSENT, DENSE_TIME, DENSE_WAKE_UPS, Helper, IDLE, LASTING, MAX_EMPTY_POLLS, Traffic};
use esock::poller::epoll::{Interest, Poller};
use esock::poller::event::{Event, Ready};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A helper that reports each request to begin on a channel; `None`: one that has ended.
struct TestHelper(Option<Sender<()>>);

impl Helper for TestHelper {
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

/// A poller with one source, `near`, to which the test writes through `far`.
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
        poller.add(near.as_fd(), Interest::READ, source).unwrap();
        Self { poller, near, far, events }
    }

    /// A scene whose helper has been asked to begin.
    fn helped(index: usize) -> (Self, Receiver<()>) {
        let mut scene = Self::new(index);
        let (sender, asked) = channel();
        scene.poller.role.appoint(Box::new(TestHelper(Some(sender))));
        scene.until_asked(&asked);
        (scene, asked)
    }

    fn dense(&self) {
        (0..DENSE_WAKE_UPS).for_each(|_| self.poller.traffic.poller_woken(Instant::now()));
    }

    /// One event while events are dense.
    fn dense_event(&mut self) {
        self.dense();
        self.far.write_all(b"x").unwrap();
    }

    /// One event, which must arrive from the thread or the helper.
    fn event_arrives(&mut self) {
        self.far.write_all(b"x").unwrap();
        self.events.recv_timeout(PATIENCE).unwrap();
        self.near.read_exact(&mut [0]).unwrap();
    }

    /// Makes dense events until the helper is asked to begin.
    fn until_asked(&mut self, asked: &Receiver<()>) {
        let end = Instant::now() + PATIENCE;
        while asked.try_recv().is_err() {
            assert!(Instant::now() < end, "the helper is not asked");
            self.dense_event();
            self.events.recv_timeout(PATIENCE).unwrap();
            self.near.read_exact(&mut [0]).unwrap();
        }
    }

    /// Waits until the thread has taken polling back.
    fn until_thread_polls(&self) {
        let end = Instant::now() + PATIENCE;
        while self.poller.role.helped() {
            assert!(Instant::now() < end, "the helper still polls");
            std::thread::yield_now();
        }
    }
}

#[test]
fn events_are_dense_by_the_wake_ups_in_a_window() {
    let (traffic, start) = (Traffic::default(), Instant::now());
    let step = DENSE_TIME / (DENSE_WAKE_UPS * 2);
    let at = |n: u32| start + step * n;
    (0..DENSE_WAKE_UPS - 1).for_each(|n| traffic.poller_woken(at(n)));
    assert!(!traffic.dense());
    traffic.poller_woken(at(DENSE_WAKE_UPS - 1));
    assert!(traffic.dense());
    // The next window has half as many.
    let next = at(DENSE_WAKE_UPS - 1);
    (1..=DENSE_WAKE_UPS / 2).for_each(|n| traffic.poller_woken(next + step * n));
    assert!(traffic.dense(), "the window is not over");
    traffic.poller_woken(next + DENSE_TIME);
    assert!(!traffic.dense());
    (0..DENSE_WAKE_UPS).for_each(|_| traffic.poller_woken(next + DENSE_TIME));
    assert!(traffic.dense());
    traffic.helper_stopped(next + DENSE_TIME, 0);
    assert!(!traffic.dense());
    // If the helper found many events, a wake-up soon after it stopped makes events dense again.
    let mut now = next + DENSE_TIME * 2;
    for (found, later, dense) in [
        (DENSE_WAKE_UPS, DENSE_TIME / 2, true),
        (DENSE_WAKE_UPS - 1, DENSE_TIME / 2, false),
        (DENSE_WAKE_UPS, DENSE_TIME, false),
        (u32::MAX, DENSE_TIME / 2, true),
    ] {
        traffic.helper_stopped(now, found);
        assert!(!traffic.dense());
        now += later;
        traffic.poller_woken(now);
        assert_eq!(traffic.dense(), dense, "{found} {later:?}");
    }
    traffic.helper_stopped(now, 0);
    // Events are lastingly dense after LASTING dense windows more than others.
    now += DENSE_TIME * 10;
    traffic.poller_woken(now);
    for time in 1..=LASTING {
        assert!(!traffic.lastingly_dense());
        (0..DENSE_WAKE_UPS).for_each(|_| traffic.poller_woken(now));
        assert_eq!(traffic.lastingly_dense(), time == LASTING);
    }
    traffic.helper_stopped(now, 0);
    assert!(traffic.lastingly_dense(), "a helper that stops does not change that");
    now += DENSE_TIME;
    traffic.poller_woken(now);
    assert!(!traffic.lastingly_dense(), "a window that is not dense ends it, even after a helper has stopped");
    // After many dense windows it takes LASTING more of the others, but only one after a pause.
    (0..10 * LASTING * DENSE_WAKE_UPS).for_each(|_| traffic.poller_woken(now));
    for time in 1..=LASTING {
        now += DENSE_TIME;
        traffic.poller_woken(now);
        assert!(traffic.lastingly_dense(), "{time}");
    }
    now += DENSE_TIME;
    traffic.poller_woken(now);
    assert!(!traffic.lastingly_dense());
    (0..LASTING * DENSE_WAKE_UPS).for_each(|_| traffic.poller_woken(now));
    assert!(traffic.lastingly_dense());
    traffic.poller_woken(now + IDLE);
    assert!(!traffic.lastingly_dense());
}

/// While a helper polls, a ring that still receives for some quiet streams does not end lastingly dense events.
#[test]
fn rare_ring_completions_beside_dense_events() {
    let (traffic, mut now) = (Traffic::default(), Instant::now());
    (0..LASTING).for_each(|_| traffic.ring_woken(now, DENSE_WAKE_UPS as usize));
    assert!(traffic.lastingly_dense() && !traffic.dense(), "the poller's own events are not dense");
    traffic.helper_begins();
    for _ in 0..10 * LASTING {
        now += IDLE;
        traffic.ring_woken(now, 1);
        assert!(traffic.lastingly_dense(), "while a helper polls");
    }
    traffic.helper_stopped(now, 0);
    for time in 1..=LASTING {
        assert_eq!(traffic.lastingly_dense(), time == 1, "{time}");
        now += DENSE_TIME;
        traffic.ring_woken(now, 1);
    }
    // The poller's wake-ups alone are enough too.
    traffic.poller_woken(now);
    (0..LASTING * DENSE_WAKE_UPS).for_each(|_| traffic.poller_woken(now));
    assert!(traffic.lastingly_dense());
}

#[test]
fn a_helper_polls_until_it_finds_nothing() {
    let mut scene = Scene::new(80);
    let (sender, asked) = channel();
    assert!(!scene.poller.busy_poll(), "it was not asked to poll");
    scene.poller.role.appoint(Box::new(TestHelper(Some(sender))));
    scene.until_asked(&asked);
    while scene.poller.role.helped() {
        // The event arrives, whether the thread or the helper polls.
        scene.far.write_all(b"y").unwrap();
        let _ = scene.poller.busy_poll();
        scene.events.recv_timeout(PATIENCE).unwrap();
        scene.near.read_exact(&mut [0]).unwrap();
        let mut empty_polls = 0;
        while scene.poller.busy_poll() {
            empty_polls += 1;
            assert!(empty_polls <= MAX_EMPTY_POLLS, "the helper does not stop");
        }
    }
    // The thread polls again.
    scene.event_arrives();
    scene.poller.stop();
}

#[test]
fn the_thread_takes_polling_back_from_an_absent_helper() {
    let mut scene = Scene::new(81);
    let (sender, asked) = channel();
    scene.poller.role.appoint(Box::new(TestHelper(Some(sender))));
    let begin = Instant::now();
    scene.until_asked(&asked);
    // The helper does not poll. The event arrives all the same, and then the thread takes polling back.
    scene.event_arrives();
    let helped = scene.poller.role.helped();
    assert!(helped || begin.elapsed() > ABSENT, "the thread polls once before that");
    scene.until_thread_polls();
    assert!(begin.elapsed() > ABSENT);
    // The helper is not asked again before it has polled.
    for _ in 0..2 * DENSE_WAKE_UPS {
        scene.dense_event();
        scene.events.recv_timeout(PATIENCE).unwrap();
        scene.near.read_exact(&mut [0]).unwrap();
    }
    assert!(asked.try_recv().is_err());
    assert!(!scene.poller.busy_poll(), "the thread has taken polling back");
    scene.until_asked(&asked);
    scene.poller.stop();
}

#[test]
fn the_thread_does_without_a_helper_that_has_ended() {
    let mut scene = Scene::new(82);
    scene.poller.role.appoint(Box::new(TestHelper(None)));
    for _ in 0..2 * DENSE_WAKE_UPS {
        scene.dense_event();
        scene.events.recv_timeout(PATIENCE).unwrap();
        scene.near.read_exact(&mut [0]).unwrap();
    }
    // The thread may be asking the helper just now: `helped` is true until the helper answers that it has ended.
    let end = Instant::now() + PATIENCE;
    while scene.poller.role.helped() {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    // Another helper may be appointed.
    let (sender, asked) = channel();
    scene.poller.role.appoint(Box::new(TestHelper(Some(sender))));
    scene.until_asked(&asked);
    // The thread ends although it stands by.
    scene.poller.stop();
}

#[test]
fn a_helper_serves_timers_too() {
    let (scene, _asked) = Scene::helped(83);
    let (notified, notifications) = channel();
    scene.poller.notify_at(Instant::now() + Duration::from_millis(5), false, Arc::new(Source(Mutex::new(notified))));
    while notifications.try_recv().is_err() {
        let _ = scene.poller.busy_poll();
    }
    scene.poller.stop();
}

/// If one poll of the helper takes so long that the thread takes polling back, the helper is asked again afterwards.
#[test]
fn a_helper_that_was_slow_is_asked_again() {
    struct Slow(Mutex<Sender<()>>);
    impl Ready for Slow {
        fn ready(&self, _: Event) {
            std::thread::sleep(ABSENT + Duration::from_millis(20));
            let _ = self.0.lock().unwrap().send(());
        }
    }
    let (mut scene, asked) = Scene::helped(84);
    let (notified, notifications) = channel();
    scene.poller.notify_at(Instant::now(), false, Arc::new(Slow(Mutex::new(notified))));
    // Either the helper or the thread notifies the slow source; the other goes on meanwhile.
    while notifications.try_recv().is_err() {
        let _ = scene.poller.busy_poll();
    }
    scene.until_thread_polls();
    scene.until_asked(&asked);
    scene.poller.stop();
}

#[test]
fn another_helper_replaces_an_absent_one() {
    let (mut scene, _asked) = Scene::helped(85);
    scene.until_thread_polls();
    let (sender, other) = channel();
    scene.poller.role.appoint(Box::new(TestHelper(Some(sender))));
    scene.until_asked(&other);
    scene.poller.stop();
}
