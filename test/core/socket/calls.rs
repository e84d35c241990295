//! Sockets on loopback: the readiness protocol with the real kernel and the real poller.

use crate::socket::waiting::{Process, Waiter};
use esock::lane::{Cancelled, Direction, Reason, Signal};
use esock::op::accept::Accept;
use esock::op::connect::Connect;
use esock::op::recv::Recv;
use esock::op::recvmmsg::RecvMmsg;
use esock::op::send::Send;
use esock::op::{Op, Room};
use esock::socket::Socket;
use esock::socket::answer::{Answer, Failure, Mode};
use esock::socket::backend::Backend;
use esock::sys::room::{Memory, Space};
use esock::wire::addr::{Address, Raw};
use esock::wire::errno::Errno;
use esock::{poller, sys};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

type Sock = Arc<Socket<Waiter>>;

struct Buffer {
    memory: Memory,
    asked: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { memory: Memory::new(4 << 20), asked: 0 }
    }
}

impl Room for Buffer {
    const SCRATCH: usize = 4096;
    fn room(&mut self, len: usize) -> Option<Space<'_>> {
        self.asked = len;
        self.memory.space(len)
    }
}

struct NoRoom;

impl Room for NoRoom {
    const SCRATCH: usize = 0;
    fn room(&mut self, _: usize) -> Option<Space<'_>> {
        None
    }
}

fn pair() -> (Sock, UnixStream) {
    poller::pool::start(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    (Socket::open_fd(near.as_raw_fd(), true, false, Backend::Epoll).unwrap(), far)
}

fn loopback() -> Raw {
    Address::Inet { addr: std::net::Ipv4Addr::LOCALHOST, port: 0 }.to_raw().unwrap()
}

fn listener() -> (Sock, Raw) {
    poller::pool::start(1).unwrap();
    let socket: Sock = Socket::open(libc::AF_INET, libc::SOCK_STREAM, 0, Backend::Epoll).unwrap();
    socket.bind(&loopback()).0.unwrap();
    socket.listen(16).0.unwrap();
    let addr = socket.sockname().0.unwrap().to_raw().unwrap();
    (socket, addr)
}

fn tcp() -> Sock {
    Socket::open(libc::AF_INET, libc::SOCK_STREAM, 0, Backend::Epoll).unwrap()
}

fn run<O: Op>(socket: &Sock, op: &mut O, process: &Process, handle: u32) -> Answer<O::Done> {
    let (answer, wakes) = socket.run(op, process.number, Mode::Wait, || process.waiter(handle));
    wakes.notify();
    answer
}

fn recv(socket: &Sock, len: usize, process: &Process, handle: u32) -> (Answer<usize>, Vec<u8>) {
    let mut room = Buffer::default();
    let answer = run(socket, &mut Recv { exact: true, ..Recv::new(&mut room, len, 0) }, process, handle);
    (answer, room.memory.written().to_vec())
}

fn close(socket: &Sock) {
    let (descriptor, wakes) = socket.close().unwrap();
    wakes.into_iter().for_each(esock::lane::wakes::Wakes::notify);
    descriptor.close().unwrap();
}

#[test]
fn a_receive_waits_is_notified_and_gets_all() {
    let (socket, far) = pair();
    let process = Process::new(1);
    assert!(matches!(recv(&socket, 5, &process, 1).0, Answer::Waiting));
    std::io::Write::write_all(&mut &far, b"he").unwrap();
    assert_eq!(process.receive(), (1, Signal::Ready));
    let (answer, data) = recv(&socket, 5, &process, 2);
    assert!(matches!(answer, Answer::Partial(2)), "{answer:?}");
    assert_eq!(data, b"he");
    std::io::Write::write_all(&mut &far, b"llo").unwrap();
    assert_eq!([process.receive(), process.receive()], [(1, Signal::Departed), (2, Signal::Ready)]);
    let (answer, data) = recv(&socket, 3, &process, 3);
    assert!(matches!(answer, Answer::Done(3)), "{answer:?}");
    assert_eq!(data, b"llo");
}

#[test]
fn the_end_of_the_stream_aborts_the_waiters_behind_the_head() {
    let (socket, far) = pair();
    let (first, second) = (Process::new(1), Process::new(2));
    assert!(matches!(recv(&socket, 1, &first, 1).0, Answer::Waiting));
    assert!(matches!(recv(&socket, 1, &second, 2).0, Answer::Waiting));
    drop(far);
    assert_eq!(first.receive(), (1, Signal::Ready));
    assert!(matches!(recv(&socket, 1, &first, 3).0, Answer::Failed(Failure::Closed)));
    assert_eq!(second.receive(), (2, Signal::Abort(Reason::Closed)));
}

#[test]
fn close_aborts_all_waiters_and_frees_the_descriptor() {
    let (socket, _far) = pair();
    let (reader, writer) = (Process::new(1), Process::new(2));
    assert!(matches!(recv(&socket, 1, &reader, 1).0, Answer::Waiting));
    let data = vec![0; 1 << 20];
    while let Answer::Done(_) = run(&socket, &mut Send { data: &data, flags: 0 }, &writer, 2) {}
    close(&socket);
    assert_eq!(reader.receive(), (1, Signal::Abort(Reason::Closed)));
    assert_eq!(writer.receive(), (2, Signal::Abort(Reason::Closed)));
    assert!(socket.close().is_none());
    assert!(matches!(recv(&socket, 1, &reader, 3).0, Answer::Failed(Failure::Closed)));
    assert!(socket.sockname().0.is_err());
    // The poller has dropped its reference: the only one left is this test's.
    assert_eq!(Arc::strong_count(&socket), 1);
}

#[test]
fn cancel_and_the_death_of_a_process_pass_the_turn_on() {
    let (socket, far) = pair();
    let all = [1, 2, 3].map(Process::new);
    for process in &all {
        assert!(matches!(recv(&socket, 1, process, process.number).0, Answer::Waiting));
    }
    let (how, wakes) = socket.cancel(Direction::Read, (1, 1), |waiter| waiter.handle() == 1);
    wakes.notify();
    assert_eq!(how, Ok(Cancelled::Clean));
    socket.remove_process(2).into_iter().for_each(esock::lane::wakes::Wakes::notify);
    std::io::Write::write_all(&mut &far, b"x").unwrap();
    assert_eq!(all[2].receive(), (3, Signal::Ready));
    assert_eq!([all[0].inbox(), all[1].inbox()], [[(1, Signal::Departed)], [(2, Signal::Departed)]]);
}

#[test]
fn without_a_buffer_nothing_is_taken_from_the_socket() {
    let (socket, far) = pair();
    let process = Process::new(1);
    std::io::Write::write_all(&mut &far, b"kept").unwrap();
    let answer = run(&socket, &mut Recv::new(&mut NoRoom, 4, 0), &process, 1);
    assert!(matches!(answer, Answer::Failed(Failure::NoMemory)));
    assert_eq!(recv(&socket, 4, &process, 2).1, b"kept");
}

#[test]
fn a_length_of_4_gigabytes_is_not_allocated() {
    let (socket, far) = pair();
    let process = Process::new(1);
    std::io::Write::write_all(&mut &far, b"small").unwrap();
    let mut room = Buffer::default();
    let answer = run(&socket, &mut Recv::new(&mut room, 1 << 32, 0), &process, 1);
    assert!(matches!(answer, Answer::Done(5)), "{answer:?}");
    assert_eq!(room.asked, Buffer::SCRATCH);
}

#[test]
fn ten_connections_reach_ten_acceptors() {
    let (listener, addr) = listener();
    let acceptors: Vec<_> = (0..10).map(Process::new).collect();
    for process in &acceptors {
        assert!(matches!(run(&listener, &mut Accept, process, process.number), Answer::Waiting));
    }
    let clients: Vec<_> = (0..10).map(|_| tcp()).collect();
    let caller = Process::new(99);
    for client in &clients {
        // On loopback a connect either succeeds at once or is under way. Both reach the listener.
        let answer = run(client, &mut Connect { to: addr.clone() }, &caller, 0);
        assert!(matches!(answer, Answer::Done(()) | Answer::Waiting), "{answer:?}");
    }
    let accepted: Vec<OwnedFd> = acceptors
        .iter()
        .map(|process| {
            assert_eq!(process.receive(), (process.number, Signal::Ready));
            match run(&listener, &mut Accept, process, 100) {
                Answer::Done(fd) => fd,
                answer => panic!("{answer:?}"),
            }
        })
        .collect();
    assert_eq!(accepted.len(), 10);
    clients.iter().for_each(close);
}

#[test]
fn a_refused_connect_reports_econnrefused() {
    let (listener, addr) = listener();
    close(&listener);
    let (client, process) = (tcp(), Process::new(1));
    let refused = |answer: &Answer<()>| match answer {
        Answer::Failed(Failure::Errno(errno)) => *errno == Errno::new(libc::ECONNREFUSED),
        _ => false,
    };
    let mut answer = run(&client, &mut Connect { to: addr }, &process, 1);
    if matches!(answer, Answer::Waiting) {
        assert_eq!(process.receive(), (1, Signal::Ready));
        let (ended, wakes) = client.finish_connect(1, || process.waiter(2));
        wakes.notify();
        answer = ended;
    }
    assert!(refused(&answer), "{answer:?}");
    close(&client);
}

#[test]
fn a_lent_descriptor_stays_open() {
    poller::pool::start(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let socket: Sock = Socket::open_fd(near.as_raw_fd(), false, false, Backend::Epoll).unwrap();
    close(&socket);
    std::io::Write::write_all(&mut &near, b"alive").unwrap();
    let mut data = [0; 5];
    std::io::Read::read_exact(&mut &far, &mut data).unwrap();
    assert_eq!(&data, b"alive");
}

/// A receive by a caller that has yielded this many times.
fn yielding(socket: &Sock, process: &Process, after: u32) -> Answer<usize> {
    let mut room = Buffer::default();
    let mut op = Recv::new(&mut room, 16, 0);
    let (answer, wakes) = socket.run(&mut op, process.number, Mode::Yield(after), || process.waiter(1));
    wakes.notify();
    answer
}

#[test]
fn yields_depend_on_past_yields() {
    let (socket, far) = pair();
    let process = Process::new(1);
    let attempt = |after| yielding(&socket, &process, after);
    // A new socket waits at once.
    assert!(matches!(attempt(0), Answer::Waiting));
    // After some waits it yields.
    let mut waits = 1;
    while matches!(attempt(0), Answer::Waiting) {
        waits += 1;
        assert!(waits < 100);
    }
    std::io::Write::write_all(&mut &far, b"x").unwrap();
    assert!(matches!(attempt(1), Answer::Done(1)));
    assert!(matches!(attempt(1), Answer::Yield));
    // If yields are in vain the call waits.
    let most = (2..).find(|after| matches!(attempt(*after), Answer::Waiting));
    assert!(most.is_some_and(|most| most > 1));
}

#[test]
fn the_first_attempt_is_skipped_if_it_always_blocks() {
    let (socket, far) = pair();
    let process = Process::new(1);
    let attempt = |after| yielding(&socket, &process, after);
    let tries = || socket.inspect(Direction::Read, |state| state.tally.tries).0;
    let send = || std::io::Write::write_all(&mut &far, b"x").unwrap();
    // The bytes always come after the first attempt.
    for _ in 0..9 {
        while !matches!(attempt(0), Answer::Yield) {
            send();
            assert!(matches!(attempt(0), Answer::Done(1)));
        }
        send();
        assert!(matches!(attempt(1), Answer::Done(1)));
    }
    // Most calls skip the first attempt by now. Some make it, so that it is noticed when bytes come early.
    let mut left_out = 0;
    let early = (0..100).find(|_| {
        let before = tries();
        send();
        match attempt(0) {
            Answer::Yield => {
                assert_eq!(tries(), before);
                left_out += 1;
                assert!(matches!(attempt(1), Answer::Done(1)));
                false
            }
            answer => matches!(answer, Answer::Done(1)),
        }
    });
    assert!(early.is_some() && left_out > 0);
    send();
    assert!(matches!(attempt(0), Answer::Done(1)));
}

/// A descriptor that is not a socket is not taken over, even with `own`.
#[test]
fn a_given_descriptor_that_is_no_socket_stays_open() {
    poller::pool::start(1).unwrap();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    for dup in [false, true] {
        let opened: Result<Sock, _> = Socket::open_fd(file.as_raw_fd(), dup, true, Backend::Epoll);
        assert_eq!(opened.err().map(Errno::number), Some(libc::ENOTSOCK));
        assert!(file.metadata().is_ok());
    }
}

/// SO_LINGER is an option of the open socket, which the lender shares.
#[test]
fn the_linger_of_a_lent_descriptor_is_left_as_it_was() {
    poller::pool::start(1).unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let linger = [1_i32, 5].map(i32::to_ne_bytes).concat();
    sys::option::set(near.as_fd(), libc::SOL_SOCKET, libc::SO_LINGER, &linger).unwrap();
    let socket: Sock = Socket::open_fd(near.as_raw_fd(), false, false, Backend::Epoll).unwrap();
    let (descriptor, wakes) = socket.close().unwrap();
    wakes.into_iter().for_each(esock::lane::wakes::Wakes::notify);
    descriptor.close_unattended();
    let mut now = [0; 8];
    sys::option::get(near.as_fd(), libc::SOL_SOCKET, libc::SO_LINGER, &mut now).unwrap();
    assert_eq!(now[..], linger);
}

/// One attempt of a long receive takes a part, whatever there is to read.
#[test]
fn one_attempt_takes_no_more_than_a_megabyte() {
    let (near, far) = UnixStream::pair().unwrap();
    // A buffer above the system's limit needs CAP_NET_ADMIN, which not every user has.
    let size = (8_i32 << 20).to_ne_bytes();
    if sys::option::set(far.as_fd(), libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &size).is_err() {
        return;
    }
    poller::pool::start(1).unwrap();
    let socket: Sock = Socket::open_fd(near.as_raw_fd(), true, false, Backend::Epoll).unwrap();
    std::io::Write::write_all(&mut &far, &vec![7; 3 << 20]).unwrap();
    let process = Process::new(1);
    let (answer, data) = recv(&socket, 3 << 20, &process, 1);
    assert!(matches!(answer, Answer::Partial(len) if len == 1 << 20), "{answer:?}");
    assert_eq!(data.len(), 1 << 20);
    assert_eq!(process.receive(), (1, Signal::Ready));
}

/// A continuation belongs to a call that has its answer. It leaves an error to the next call, for which another
/// process may wait.
#[test]
fn an_error_of_a_continuation_is_left_to_the_next_call() {
    poller::pool::start(1).unwrap();
    let socket: Sock = Socket::open(libc::AF_INET, libc::SOCK_DGRAM, 0, Backend::Epoll).unwrap();
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let to = Address::Inet { addr: std::net::Ipv4Addr::LOCALHOST, port: closed }.to_raw().unwrap();
    let (process, other) = (Process::new(1), Process::new(2));
    assert!(matches!(run(&socket, &mut Connect { to }, &process, 1), Answer::Done(())));
    assert!(matches!(recv(&socket, 10, &other, 2).0, Answer::Waiting));
    assert!(matches!(run(&socket, &mut Send { data: b"?", flags: 0 }, &process, 3), Answer::Done(1)));
    let mut room = [0; 64];
    let mut batch = RecvMmsg { room: &mut room, count: 4, size: 8, ctrl_size: 8, flags: 0, continues: true };
    let (answer, wakes) = socket.run(&mut batch, 1, Mode::Once, || process.waiter(4));
    wakes.notify();
    assert!(matches!(answer, Answer::Blocked));
    assert_eq!(other.receive(), (2, Signal::Ready));
    let refused = Errno::new(libc::ECONNREFUSED);
    assert!(matches!(recv(&socket, 10, &other, 2).0, Answer::Failed(Failure::Errno(errno)) if errno == refused));
    assert!(matches!(recv(&socket, 10, &other, 2).0, Answer::Waiting));
    close(&socket);
}
