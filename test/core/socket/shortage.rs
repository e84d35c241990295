//! Shortages: a failed accept does not wait for an event that never comes, and is not attempted
//! all the time.

use crate::socket::waiting::{PATIENCE, Process, Waiter};
use esock::lane::{Claim, Direction, Signal};
use esock::op::{Attempt, Op};
use esock::poller;
use esock::poller::epoll::Poller;
use esock::poller::event::{Event, Ready};
use esock::socket::Socket;
use esock::socket::answer::{Answer, Failure, Mode};
use esock::socket::backend::Backend;
use esock::socket::backoff::Backoff;
use esock::sys::kind::Kind;
use esock::wire::errno::Errno;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An accept that has descriptors, or has none.
struct ScriptedAccept {
    descriptors: bool,
}

impl Op for ScriptedAccept {
    type Done = ();
    const CLAIM: Claim = Claim::Accept;
    const SEPARATE_TALLY: bool = true;
    fn attempt(&mut self, _: BorrowedFd<'_>, _: Kind) -> Attempt<()> {
        if self.descriptors { Attempt::Done(()) } else { Attempt::Failed(Errno::new(libc::EMFILE)) }
    }
    fn bytes(_: &()) -> usize {
        0
    }
    fn fatal(_: Errno) -> bool {
        false
    }
    fn shortage(errno: Errno) -> bool {
        errno == Errno::new(libc::EMFILE)
    }
}

/// A socket without events: a waiter on it is notified only by a timer. The peer is returned as well, so that it
/// stays open.
fn quiet_socket() -> (Arc<Socket<Waiter>>, UnixStream) {
    poller::pool::start(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    (Socket::open_fd(near.as_raw_fd(), true, false, Backend::Epoll).unwrap(), far)
}

fn take(socket: &Arc<Socket<Waiter>>, descriptors: bool, process: &Process, mode: Mode) -> Answer<()> {
    let mut op = ScriptedAccept { descriptors };
    let (answer, wakes) = socket.run(&mut op, process.number, mode, || process.waiter(process.number));
    wakes.notify();
    answer
}

fn failed(answer: &Answer<()>) -> bool {
    matches!(answer, Answer::Failed(Failure::Errno(errno)) if *errno == Errno::new(libc::EMFILE))
}

/// Calls until one comes within a pause, and so waits. In each pause the first call reports the error.
fn wait_in_pause(socket: &Arc<Socket<Waiter>>, process: &Process) {
    loop {
        match take(socket, false, process, Mode::Wait) {
            Answer::Waiting => return,
            answer => assert!(failed(&answer), "{answer:?}"),
        }
    }
}

#[test]
fn the_back_off_doubles_and_begins_anew() {
    let ms = Duration::from_millis;
    let mut now = Instant::now();
    let mut shortage = None;
    for pause in [5, 10, 20, 40, 80, 100, 100] {
        assert!(Backoff::record_shortage(&mut shortage, now));
        assert!(!Backoff::record_shortage(&mut shortage, now + ms(pause) - Duration::from_nanos(1)));
        now += ms(pause);
        let known = shortage.as_mut().unwrap();
        // The timer is taken once in each pause.
        assert_eq!([known.take_timer(), known.take_timer()], [Some(now), None]);
    }
    shortage = None;
    assert!(Backoff::record_shortage(&mut shortage, now));
    assert_eq!(shortage.unwrap().take_timer(), Some(now + Backoff::MIN));
}

#[test]
fn a_call_that_waits_in_a_pause_is_notified_at_its_end() {
    let (socket, _far) = quiet_socket();
    let process = Process::new(1);
    let begin = Instant::now();
    assert!(failed(&take(&socket, false, &process, Mode::Wait)));
    wait_in_pause(&socket, &process);
    assert_eq!(process.receive(), (1, Signal::Ready));
    assert!(begin.elapsed() >= Backoff::MIN);
    // The pause is over: this call reports the error.
    assert!(failed(&take(&socket, false, &process, Mode::Wait)));
    wait_in_pause(&socket, &process);
    // Descriptors are available again before the end of the pause.
    assert!(matches!(take(&socket, true, &process, Mode::Wait), Answer::Done(())));
    assert_eq!(socket.inspect(Direction::Read, |state| state.waiters.count(Claim::Accept)).0, 0);
}

#[test]
fn the_queue_advances_without_events() {
    let (socket, _far) = quiet_socket();
    let all = [1, 2, 3].map(Process::new);
    wait_in_pause(&socket, &all[0]);
    for process in &all[1..] {
        assert!(matches!(take(&socket, false, process, Mode::Wait), Answer::Waiting));
    }
    // Without an event each is notified, and reports the error.
    for process in &all {
        loop {
            match process.receive().1 {
                Signal::Ready if failed(&take(&socket, false, process, Mode::Wait)) => break,
                // The waiter was removed, or it was notified in a pause and waits again.
                Signal::Departed | Signal::Ready => {}
                signal => panic!("{signal:?}"),
            }
        }
    }
}

#[test]
fn a_call_that_does_not_wait_reports_each_error() {
    let (socket, _far) = quiet_socket();
    let process = Process::new(1);
    for _ in 0..100 {
        assert!(failed(&take(&socket, false, &process, Mode::Once)));
    }
    assert!(matches!(take(&socket, true, &process, Mode::Once), Answer::Done(())));
    let (fails, tries) =
        socket.inspect(Direction::Read, |state| state.separate_tally.as_deref().map(|t| (t.fails, t.tries)).unwrap()).0;
    assert_eq!((fails, tries), (100, 101));
}

struct Named(u32, Mutex<Sender<(u32, bool, bool)>>);

impl Ready for Named {
    fn ready(&self, event: Event) {
        let _ = self.1.lock().unwrap().send((self.0, event.readable, event.writable));
    }
}

#[test]
fn timers_expire_in_order() {
    let poller = Poller::start(95).unwrap();
    let (sender, events) = channel();
    let source = |number| Arc::new(Named(number, Mutex::new(sender.clone())));
    let now = Instant::now();
    let at = |ms| now + Duration::from_millis(ms);
    poller.notify_at(at(40), true, source(3));
    poller.notify_at(at(20), false, source(1));
    poller.notify_at(at(30), false, source(2));
    let order = [1, 2, 3].map(|_| (events.recv_timeout(PATIENCE).unwrap(), Instant::now()));
    assert_eq!(order.map(|(what, _)| what), [(1, true, false), (2, true, false), (3, false, true)]);
    assert!(order.iter().zip([20, 30, 40]).all(|((_, when), ms)| *when >= at(ms)));
    poller.stop();
}
