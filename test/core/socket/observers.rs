//! Observers: they get events without reading, beside the lanes, one for each wait.

use crate::socket::waiting::{PATIENCE, Process, Waiter};
use esock::lane::wakes::Wakes;
use esock::lane::{Cancelled, Reason, Signal, Wake};
use esock::op::recv::Recv;
use esock::poller;
use esock::poller::epoll::Interest;
use esock::poller::event::{Event, Ready};
use esock::socket::Socket;
use esock::socket::answer::{Answer, Failure, Mode};
use esock::socket::backend::Backend;
use esock::socket::observe::Observed;
use esock::sys::ready::{Events, events_of};
use esock::sys::room::{Memory, Space};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

type Sock = Arc<Socket<Waiter>>;

const READ: Events = Events { read: true, write: false, error: false, hup: false, priority: false };
const HUP: Events = Events { read: false, hup: true, ..READ };

struct Buffer(Memory);

impl esock::op::Room for Buffer {
    const SCRATCH: usize = 64;
    fn room(&mut self, len: usize) -> Option<Space<'_>> {
        self.0.space(len)
    }
}

fn pair() -> (Sock, UnixStream) {
    poller::pool::start(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    (Socket::open_fd(near.as_raw_fd(), true, false, Backend::Epoll).unwrap(), far)
}

fn observe(socket: &Sock, asked: Events, process: &Process, handle: u32) -> Result<Observed, Failure> {
    let waiter = || process.waiter(handle);
    let (observed, wakes) =
        socket.observe((asked, true), (process.number, handle.into()), waiter, |w| w.handle() == handle);
    wakes.notify();
    observed
}

fn look(socket: &Sock, asked: Events, process: &Process) -> Result<Observed, Failure> {
    let (observed, wakes) = socket.observe((asked, false), (process.number, 0), || process.waiter(0), |_| false);
    wakes.notify();
    observed
}

fn cancel(socket: &Sock, process: &Process, handle: u32) -> Result<Cancelled, Failure> {
    let (how, wakes) = socket.cancel_observer((process.number, handle.into()), |waiter| waiter.handle() == handle);
    wakes.notify();
    how
}

fn recv(socket: &Sock, process: &Process, handle: u32) -> Answer<usize> {
    let mut room = Buffer(Memory::new(64));
    let (answer, wakes) =
        socket.run(&mut Recv::new(&mut room, 64, 0), process.number, Mode::Wait, || process.waiter(handle));
    wakes.notify();
    answer
}

fn close(socket: &Sock) {
    let (descriptor, wakes) = socket.close().unwrap();
    wakes.into_iter().for_each(Wakes::notify);
    descriptor.close().unwrap();
}

#[test]
fn all_observers_and_the_reader_are_notified_and_nothing_is_consumed() {
    let (socket, mut far) = pair();
    let (reader, first, second) = (Process::new(1), Process::new(2), Process::new(3));
    assert!(matches!(recv(&socket, &reader, 1), Answer::Waiting));
    assert_eq!(observe(&socket, READ, &first, 2), Ok(Observed::Waiting));
    assert_eq!(observe(&socket, READ, &second, 3), Ok(Observed::Waiting));
    assert_eq!(observe(&socket, READ, &second, 4), Ok(Observed::Waiting));
    far.write_all(b"hello").unwrap();
    assert_eq!(reader.receive(), (1, Signal::Ready));
    assert_eq!([first.receive(), first.receive()], [(2, Signal::Ready), (2, Signal::Departed)]);
    let mut handles: Vec<_> = (0..4).map(|_| second.receive()).filter(|got| got.1 == Signal::Ready).collect();
    handles.sort_by_key(|got| got.0);
    assert_eq!(handles, [(3, Signal::Ready), (4, Signal::Ready)]);
    assert_eq!(look(&socket, READ, &first), Ok(Observed::Events(READ)));
    assert!(matches!(recv(&socket, &reader, 5), Answer::Done(5)));
    assert_eq!(look(&socket, READ, &first), Ok(Observed::Nothing));
}

#[test]
fn the_end_of_the_peer_is_a_hang_up_behind_unread_bytes() {
    let (socket, mut far) = pair();
    let process = Process::new(1);
    assert_eq!(observe(&socket, HUP, &process, 1), Ok(Observed::Waiting));
    far.write_all(b"unread").unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(process.receive(), (1, Signal::Ready));
    assert_eq!(look(&socket, HUP, &process), Ok(Observed::Events(HUP)));
    assert_eq!(
        look(&socket, Events { hup: true, ..READ }, &process),
        Ok(Observed::Events(Events { hup: true, ..READ }))
    );
}

#[test]
fn what_a_reader_takes_first_notifies_no_observer() {
    let (socket, mut far) = pair();
    let (reader, observer) = (Process::new(1), Process::new(2));
    for _ in 0..500 {
        assert_eq!(observe(&socket, READ, &observer, 1), Ok(Observed::Waiting));
        far.write_all(b"x").unwrap();
        assert!(matches!(recv(&socket, &reader, 2), Answer::Done(1)));
        // The poller has notified the observer before the receive, or waits on for the next byte.
        far.write_all(b"y").unwrap();
        assert_eq!([observer.receive(), observer.receive()], [(1, Signal::Ready), (1, Signal::Departed)]);
        assert!(matches!(recv(&socket, &reader, 3), Answer::Done(1)));
    }
    assert_eq!(observer.inbox(), []);
}

#[test]
fn a_cancel_leaves_no_message_or_finds_it() {
    let (socket, mut far) = pair();
    let process = Process::new(1);
    let mut clean = 0;
    for round in 0..2000 {
        assert_eq!(observe(&socket, READ, &process, round), Ok(Observed::Waiting));
        far.write_all(b"x").unwrap();
        let how = loop {
            match cancel(&socket, &process, round) {
                Ok(Cancelled::Sending) => std::thread::yield_now(),
                how => break how.unwrap(),
            }
        };
        let got = process.inbox();
        if how == Cancelled::Clean {
            clean += 1;
            assert_eq!(got, [(round, Signal::Departed)]);
        } else {
            assert_eq!(got.first(), Some(&(round, Signal::Ready)));
            // The second signal may come after the message.
            if got.len() == 1 {
                assert_eq!(process.receive(), (round, Signal::Departed));
            }
        }
        assert!(matches!(recv(&socket, &process, 9999), Answer::Done(1)));
    }
    assert!(clean > 0);
    assert_eq!(cancel(&socket, &process, 1), Ok(Cancelled::NotFound));
}

#[test]
fn a_wait_under_the_same_handle_replaces_the_one_before() {
    let (socket, mut far) = pair();
    let process = Process::new(1);
    assert_eq!(observe(&socket, READ, &process, 1), Ok(Observed::Waiting));
    assert_eq!(observe(&socket, READ, &process, 1), Ok(Observed::Waiting));
    assert_eq!(process.receive(), (1, Signal::Departed));
    far.write_all(b"x").unwrap();
    assert_eq!([process.receive(), process.receive()], [(1, Signal::Ready), (1, Signal::Departed)]);
    assert_eq!(process.inbox(), []);
}

#[test]
fn close_aborts_all_and_ends_the_connection_at_once() {
    let (socket, mut far) = pair();
    let process = Process::new(1);
    for handle in 0..100 {
        assert_eq!(observe(&socket, READ, &process, handle), Ok(Observed::Waiting));
    }
    close(&socket);
    // No duplicate keeps the connection open.
    far.set_nonblocking(true).unwrap();
    assert_eq!(far.read(&mut [0; 1]).unwrap(), 0);
    let mut handles: Vec<_> = (0..100).map(|_| process.receive()).collect();
    handles.sort_by_key(|got| got.0);
    assert!(handles.into_iter().enumerate().all(|(n, got)| got == (n as u32, Signal::Abort(Reason::Closed))));
    assert_eq!(observe(&socket, READ, &process, 1), Err(Failure::Closed));
    assert_eq!(cancel(&socket, &process, 1), Err(Failure::Closed));
    // The poller has dropped its references.
    let end = std::time::Instant::now() + PATIENCE;
    while Arc::strong_count(&socket) > 1 {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
}

#[test]
fn the_waits_of_a_dead_process_go() {
    let (socket, mut far) = pair();
    let (dead, alive) = (Process::new(1), Process::new(2));
    for handle in 0..10 {
        assert_eq!(observe(&socket, READ, &dead, handle), Ok(Observed::Waiting));
    }
    assert_eq!(observe(&socket, READ, &alive, 1), Ok(Observed::Waiting));
    socket.remove_process(1).into_iter().for_each(Wakes::notify);
    assert_eq!(dead.inbox(), (0..10).map(|handle| (handle, Signal::Departed)).collect::<Vec<_>>());
    far.write_all(b"x").unwrap();
    assert_eq!(alive.receive(), (1, Signal::Ready));
    assert_eq!(dead.inbox(), []);
}

#[test]
fn a_pipe_is_only_waited_for() {
    poller::pool::start(1).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let socket: Sock = Socket::open_poll_only(reader.as_raw_fd(), true, false, Backend::Epoll).unwrap();
    let process = Process::new(1);
    let not_a_socket = Failure::Errno(esock::wire::errno::Errno::new(libc::ENOTSOCK));
    assert_eq!(observe(&socket, READ, &process, 1), Ok(Observed::Waiting));
    assert!(matches!(recv(&socket, &process, 2), Answer::Failed(failure) if failure == not_a_socket));
    assert_eq!(socket.sockname().0.unwrap_err(), not_a_socket);
    assert!(socket.fd().0.is_ok());
    writer.write_all(b"x").unwrap();
    assert_eq!(process.receive(), (1, Signal::Ready));
    drop(writer);
    assert_eq!(look(&socket, READ, &process), Ok(Observed::Events(Events { hup: true, ..READ })));
    close(&socket);
    assert_eq!(events_of(reader.as_fd(), READ), Ok(Events { hup: true, ..READ }));
}

#[test]
fn events_are_numbers_and_back() {
    assert!((0..32).all(|bits| Events::from_bits(bits).map(Events::bits) == Some(bits)));
    assert_eq!(Events::from_bits(32), None);
}

/// Holds the poller's thread in a call: it says that it has entered, and waits until it may go on.
struct Gate {
    entered: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl Gate {
    fn new() -> (Arc<Self>, Receiver<()>, Sender<()>) {
        let ((entered, has_entered), (go_on, may_go_on)) = (channel(), channel());
        (Arc::new(Self { entered: Mutex::new(entered), go_on: Mutex::new(may_go_on) }), has_entered, go_on)
    }

    fn hold(&self) {
        self.entered.lock().unwrap().send(()).unwrap();
        self.go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
    }
}

impl Ready for Gate {
    fn ready(&self, _: Event) {
        self.hold();
    }
}

/// A registered gate: bytes open it.
struct Registered {
    far: UnixStream,
    entered: Receiver<()>,
    go_on: Sender<()>,
    _near: UnixStream,
}

fn gate() -> Registered {
    let (near, far) = UnixStream::pair().unwrap();
    let (gate, entered, go_on) = Gate::new();
    poller::pool::get(0).unwrap().add(near.as_fd(), Interest::READ, gate).unwrap();
    Registered { far, entered, go_on, _near: near }
}

#[test]
fn an_event_that_is_over_sends_no_signal() {
    let (socket, mut far) = pair();
    let (reader, observer) = (Process::new(1), Process::new(2));
    let [mut first, mut second, mut third] = [gate(), gate(), gate()];
    assert_eq!(observe(&socket, READ, &observer, 1), Ok(Observed::Waiting));
    first.far.write_all(b"x").unwrap();
    first.entered.recv_timeout(PATIENCE).unwrap();
    // The poller fetches these two events together.
    second.far.write_all(b"x").unwrap();
    far.write_all(b"x").unwrap();
    first.go_on.send(()).unwrap();
    second.entered.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(recv(&socket, &reader, 2), Answer::Done(1)));
    second.go_on.send(()).unwrap();
    third.far.write_all(b"x").unwrap();
    third.entered.recv_timeout(PATIENCE).unwrap();
    third.go_on.send(()).unwrap();
    assert_eq!((observer.inbox(), socket.observers()), (Vec::new(), 1));
    far.write_all(b"y").unwrap();
    assert_eq!(observer.receive(), (1, Signal::Ready));
    let end = std::time::Instant::now() + PATIENCE;
    while socket.observers() > 0 {
        assert!(std::time::Instant::now() < end, "the record of a notified observer stays");
        std::thread::yield_now();
    }
}

/// A waiter whose message is in flight until the gate opens.
struct Slow(Arc<Gate>, AtomicBool);

impl Wake for Slow {
    type Process = u32;
    fn process(&self) -> u32 {
        1
    }
    fn wake(self: &Arc<Self>, signal: Signal) {
        assert_eq!(signal, Signal::Ready);
        self.0.hold();
        self.1.store(true, Relaxed);
    }
    fn notified(&self) -> bool {
        self.1.load(Relaxed)
    }
    fn needs_cleanup(&self) -> bool {
        false
    }
}

#[test]
fn a_cancel_while_the_message_is_in_flight_has_to_ask_again() {
    poller::pool::start(1).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let socket: Arc<Socket<Slow>> = Socket::open_fd(near.as_raw_fd(), true, false, Backend::Epoll).unwrap();
    let (gate, entered, go_on) = Gate::new();
    let (observed, wakes) = socket.observe((READ, true), (1, 0), || Slow(gate, AtomicBool::new(false)), |_| false);
    wakes.notify();
    assert_eq!(observed, Ok(Observed::Waiting));
    far.write_all(b"x").unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    let cancel = || socket.cancel_observer((1, 0), |_| true).0;
    assert_eq!(cancel(), Ok(Cancelled::Sending));
    go_on.send(()).unwrap();
    let how = loop {
        match cancel() {
            Ok(Cancelled::Sending) => std::thread::yield_now(),
            how => break how,
        }
    };
    assert!(matches!(how, Ok(Cancelled::Sent | Cancelled::NotFound)), "{how:?}");
}
