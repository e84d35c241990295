//! Shortages: an accept that meets one is not left waiting for an event that does not come, and is not asked in vain.

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

/// An accept that has descriptors or has none.
struct Taking {
    descriptors: bool,
}

impl Op for Taking {
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

/// Nothing ever comes here, so whoever is woken was woken by the timer. The peer is returned too: it stays open.
fn silent() -> (Arc<Socket<Waiter>>, UnixStream) {
    poller::pool::start(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    (Socket::open_fd(near.as_raw_fd(), true, false, Backend::Epoll).unwrap(), far)
}

fn take(socket: &Arc<Socket<Waiter>>, descriptors: bool, process: &Process, mode: Mode) -> Answer<()> {
    let mut op = Taking { descriptors };
    let (answer, wakes) = socket.run(&mut op, process.number, mode, || process.waiter(process.number));
    wakes.tell();
    answer
}

fn failed(answer: &Answer<()>) -> bool {
    matches!(answer, Answer::Failed(Failure::Errno(errno)) if *errno == Errno::new(libc::EMFILE))
}

/// One error in each pause, until a call comes within one.
fn wait_in_pause(socket: &Arc<Socket<Waiter>>, process: &Process) {
    loop {
        match take(socket, false, process, Mode::Wait) {
            Answer::Waiting => return,
            answer => assert!(failed(&answer), "{answer:?}"),
        }
    }
}

#[test]
fn pauses_double_and_begin_anew() {
    let ms = Duration::from_millis;
    let mut now = Instant::now();
    let mut shortage = None;
    for pause in [5, 10, 20, 40, 80, 100, 100] {
        assert!(Backoff::record_shortage(&mut shortage, now));
        assert!(!Backoff::record_shortage(&mut shortage, now + ms(pause) - Duration::from_nanos(1)));
        now += ms(pause);
        let known = shortage.as_mut().unwrap();
        // Asked for once in each pause.
        assert_eq!([known.alarm(), known.alarm()], [Some(now), None]);
    }
    shortage = None;
    assert!(Backoff::record_shortage(&mut shortage, now));
    assert_eq!(shortage.unwrap().alarm(), Some(now + Backoff::LEAST));
}

#[test]
fn who_waits_in_a_pause_is_woken_at_its_end() {
    let (socket, _far) = silent();
    let process = Process::new(1);
    let begin = Instant::now();
    assert!(failed(&take(&socket, false, &process, Mode::Wait)));
    wait_in_pause(&socket, &process);
    assert_eq!(process.receive(), (1, Signal::Ready));
    assert!(begin.elapsed() >= Backoff::LEAST);
    // The pause is over: he is told.
    assert!(failed(&take(&socket, false, &process, Mode::Wait)));
    wait_in_pause(&socket, &process);
    // There are some again, before the end of the pause.
    assert!(matches!(take(&socket, true, &process, Mode::Wait), Answer::Done(())));
    assert_eq!(socket.look(Direction::Read, |state| state.waiters.waiting(Claim::Accept)).0, 0);
}

#[test]
fn the_line_moves_on_by_itself() {
    let (socket, _far) = silent();
    let all = [1, 2, 3].map(Process::new);
    wait_in_pause(&socket, &all[0]);
    for process in &all[1..] {
        assert!(matches!(take(&socket, false, process, Mode::Wait), Answer::Waiting));
    }
    // Each is woken, though nothing comes, and told what the one before was told.
    for process in &all {
        loop {
            match process.receive().1 {
                Signal::Ready if failed(&take(&socket, false, process, Mode::Wait)) => break,
                // Cleared up, or woken in the next pause already, and waiting again.
                Signal::Departed | Signal::Ready => {}
                signal => panic!("{signal:?}"),
            }
        }
    }
}

#[test]
fn who_does_not_wait_is_answered_at_once() {
    let (socket, _far) = silent();
    let process = Process::new(1);
    for _ in 0..100 {
        assert!(failed(&take(&socket, false, &process, Mode::Once)));
    }
    assert!(matches!(take(&socket, true, &process, Mode::Once), Answer::Done(())));
    let (fails, tries) =
        socket.look(Direction::Read, |state| state.apart.as_deref().map(|t| (t.fails, t.tries)).unwrap()).0;
    assert_eq!((fails, tries), (100, 101));
}

struct Named(u32, Mutex<Sender<(u32, bool, bool)>>);

impl Ready for Named {
    fn ready(&self, event: Event) {
        let _ = self.1.lock().unwrap().send((self.0, event.readable, event.writable));
    }
}

#[test]
fn a_poller_keeps_the_order_of_times() {
    let poller = Poller::start(95).unwrap();
    let (sender, told) = channel();
    let source = |number| Arc::new(Named(number, Mutex::new(sender.clone())));
    let now = Instant::now();
    let at = |ms| now + Duration::from_millis(ms);
    poller.notify_at(at(40), true, source(3));
    poller.notify_at(at(20), false, source(1));
    poller.notify_at(at(30), false, source(2));
    let order = [1, 2, 3].map(|_| (told.recv_timeout(PATIENCE).unwrap(), Instant::now()));
    assert_eq!(order.map(|(what, _)| what), [(1, true, false), (2, true, false), (3, false, true)]);
    assert!(order.iter().zip([20, 30, 40]).all(|((_, when), ms)| *when >= at(ms)));
    poller.stop();
}
