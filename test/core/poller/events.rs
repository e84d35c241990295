//! The poller: events reach their source and no other, even if a source panics or its registration ends.

use crate::socket::waiting::PATIENCE;
use esock::lane::Direction;
use esock::poller::epoll::{Interest, Poller};
use esock::poller::event::{Event, Ready};
use esock::poller::registration::Registration;
use esock::poller::token::{Table, Token};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

struct Source(Mutex<Sender<(bool, bool)>>);

impl Ready for Source {
    fn ready(&self, event: Event) {
        let _ = self.0.lock().unwrap().send((event.readable, event.writable));
    }
}

struct Panics;

impl Ready for Panics {
    fn ready(&self, _: Event) {
        panic!("on purpose");
    }
}

fn source() -> (Arc<Source>, Receiver<(bool, bool)>) {
    let (sender, events) = channel();
    (Arc::new(Source(Mutex::new(sender))), events)
}

#[test]
fn an_event_for_new_bytes_and_for_room_that_is_there() {
    let poller = Poller::start(90).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let (source, events) = source();
    let token = poller.add(near.as_fd(), Interest::READ, source).unwrap();
    far.write_all(b"x").unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, false));
    // A change of the interest makes the kernel report what the descriptor is ready for already: here also room to write.
    poller.modify(near.as_fd(), token, Interest { write: true, ..Interest::READ }).unwrap();
    assert!(events.recv_timeout(PATIENCE).unwrap().1);
    assert_eq!(poller.registered(), 1);
    poller.remove(Some(near.as_fd()), token);
    assert_eq!(poller.registered(), 0);
    poller.stop();
}

#[test]
fn a_broken_connection_is_ready_for_everything() {
    let poller = Poller::start(91).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let (source, events) = source();
    poller.add(near.as_fd(), Interest::READ, source).unwrap();
    drop(far);
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, true));
    poller.stop();
}

#[test]
fn a_panic_costs_the_others_nothing() {
    let poller = Poller::start(92).unwrap();
    let (bad, mut bad_far) = UnixStream::pair().unwrap();
    let (good, mut good_far) = UnixStream::pair().unwrap();
    let (source, events) = source();
    poller.add(bad.as_fd(), Interest::READ, Arc::new(Panics)).unwrap();
    poller.add(good.as_fd(), Interest::READ, source).unwrap();
    bad_far.write_all(b"x").unwrap();
    good_far.write_all(b"x").unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, false));
    bad_far.write_all(b"x").unwrap();
    good_far.write_all(b"x").unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, false));
    poller.stop();
}

#[test]
fn a_registration_ends_even_if_a_duplicate_is_open() {
    let poller = Poller::start(93).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let other = near.try_clone().unwrap();
    let (source, events) = source();
    let token = poller.add(near.as_fd(), Interest::READ, source).unwrap();
    poller.remove(Some(near.as_fd()), token);
    drop(near);
    far.write_all(b"x").unwrap();
    // The source, and with it the channel's sender, was dropped with the registration.
    assert!(events.recv_timeout(PATIENCE).is_err());
    poller.stop();
    drop(other);
}

#[test]
fn a_stopped_poller_has_no_thread() {
    let poller = Poller::start(94).unwrap();
    poller.stop();
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    assert_eq!(names.filter(|name| name.trim() == "esock_poll_94").count(), 0);
    // A second stop does nothing.
    poller.stop();
}

#[test]
fn an_old_token_finds_no_source() {
    let mut table = Table::default();
    let first = table.insert(Arc::new(Panics));
    assert!(table.remove(first).is_some());
    let second = table.insert(Arc::new(Panics));
    assert_ne!(first, second);
    assert_eq!(first.to_u64() as u32, second.to_u64() as u32, "the place is the same");
    assert!(table.get(first).is_none());
    assert!(table.remove(first).is_none());
    assert!(table.get(Token::from_u64(second.to_u64())).is_some());
    assert_eq!(table.len(), 1);
}

#[test]
fn a_reader_that_does_not_wait_gets_no_events() {
    let poller = Poller::start(94).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let (source, events) = source();
    let registration = Registration::default();
    let arm = |direction| registration.arm(near.as_fd(), &poller, direction, || Arc::clone(&source)).unwrap();
    arm(Direction::Read);
    far.write_all(b"x").unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, false));
    // The reader receives ten times without waiting.
    for _ in 0..10 {
        registration.received_without_wait(near.as_fd(), &poller);
    }
    far.write_all(b"y").unwrap();
    // Interest in writing is added afterwards: the first event is for writing alone, so there was none for reading.
    arm(Direction::Write);
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (false, true));
    // A wait reports the bytes that are there, and then those that arrive.
    arm(Direction::Read);
    assert!(events.recv_timeout(PATIENCE).unwrap().0);
    arm(Direction::Read);
    far.write_all(b"z").unwrap();
    assert!(events.recv_timeout(PATIENCE).unwrap().0);
    registration.end(near.as_fd(), &poller);
    assert_eq!(poller.registered(), 0);
    poller.stop();
}

#[test]
fn a_registration_for_one_event_reports_one() {
    let poller = Poller::start(95).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let (source, events) = source();
    let hup = Interest { hup: true, once: true, ..Interest::default() };
    let once = Interest { once: true, ..Interest::READ };
    let token = poller.add(near.as_fd(), once, source).unwrap();
    far.write_all(b"x").unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, false));
    far.write_all(b"y").unwrap();
    // Asked again, it reports what is there still.
    poller.modify(near.as_fd(), token, once).unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (true, false));
    // Bytes are no end of the peer: neither readable nor writable is reported.
    poller.modify(near.as_fd(), token, hup).unwrap();
    far.write_all(b"z").unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(events.recv_timeout(PATIENCE).unwrap(), (false, false));
    poller.stop();
    assert!(events.try_recv().is_err());
}
