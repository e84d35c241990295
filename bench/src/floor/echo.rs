//! Row `echo`: round trips over many connections. One thread serves all server ends and one all client ends, with an epoll
//! each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::figures::{Figures, Trips, Watch};
use crate::{sound, tcp};

const MESSAGE: usize = 64;
const EVENTS: usize = 512;
const PATIENCE_MS: u16 = 10_000;

pub(crate) fn run(connections: usize, time: Duration) -> io::Result<Figures> {
    let (listener, addr) = tcp::listener()?;
    // If the limit of open files has room for one end of each connection only, the server thread gets a file table of its own.
    // Otherwise the threads share one, as both ends in a VM do.
    let apart = tcp::room_for(2 * connections + tcp::SPARE).is_err();
    tcp::room_for(connections + tcp::SPARE)?;
    let begin = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| sound("server", accept_and_serve(&listener, connections, apart, &begin)));
        begin.wait();
        Ok(sound("client", connect_and_drive(addr, connections, &begin, time)))
    })
}

fn accept_and_serve(listener: &TcpListener, connections: usize, apart: bool, begin: &Barrier) -> io::Result<()> {
    if apart {
        unshare(CloneFlags::CLONE_FILES)?;
    }
    // The client ends are opened after the file tables have been separated.
    begin.wait();
    let streams = (0..connections).map(|_| tcp::accept(listener)).collect::<io::Result<Vec<_>>>()?;
    let mut ready = Ready::of(&streams)?;
    begin.wait();
    serve(&mut ready, &streams)
}

/// Connects and measures. Dropping the streams closes them, which ends the server.
fn connect_and_drive(addr: SocketAddr, connections: usize, begin: &Barrier, time: Duration) -> io::Result<Figures> {
    let streams = (0..connections).map(|_| tcp::connect(addr)).collect::<io::Result<Vec<_>>>()?;
    let mut clients = Clients::of(streams)?;
    begin.wait();
    clients.drive(time)
}

/// Which of many streams are readable. Level-triggered, so that no second read is needed to find that there is no more.
struct Ready {
    epoll: Epoll,
    events: [EpollEvent; EVENTS],
}

impl Ready {
    fn of(streams: &[TcpStream]) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, stream) in streams.iter().enumerate() {
            stream.set_nonblocking(true)?;
            epoll.add(stream, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        Ok(Self { epoll, events: [EpollEvent::empty(); EVENTS] })
    }

    fn wait(&mut self) -> io::Result<impl Iterator<Item = usize> + '_> {
        let count = match self.epoll.wait(&mut self.events, EpollTimeout::from(PATIENCE_MS)) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Err(Errno::EINTR) => 0,
            result => result?,
        };
        Ok(self.events.iter().take(count).map(|event| event.data() as usize))
    }
}

/// Echoes until all connections are closed.
fn serve(ready: &mut Ready, streams: &[TcpStream]) -> io::Result<()> {
    let mut open = streams.len();
    let mut buffer = [0; 4096];
    while open > 0 {
        let mut closed = Vec::new();
        for mut stream in ready.wait()?.filter_map(|index| streams.get(index)) {
            match stream.read(&mut buffer) {
                Ok(0) => closed.push(stream),
                Ok(length) => stream.write_all(buffer.get(..length).unwrap_or_default())?,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => closed.push(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        for stream in closed {
            ready.epoll.delete(stream)?;
            open -= 1;
        }
    }
    Ok(())
}

struct Client {
    stream: TcpStream,
    sent: [u8; MESSAGE],
    sent_at: Instant,
    count: u64,
    echo: [u8; MESSAGE],
    arrived: usize,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        let (sent, echo) = ([0; MESSAGE], [0; MESSAGE]);
        Self { stream, sent, sent_at: Instant::now(), count: 0, echo, arrived: 0 }
    }

    fn send(&mut self, now: Instant) -> io::Result<()> {
        self.count += 1;
        for (to, from) in self.sent.iter_mut().zip(self.count.to_be_bytes()) {
            *to = from;
        }
        self.arrived = 0;
        self.sent_at = now;
        // Only one message is in flight, so there is always room for it.
        self.stream.write_all(&self.sent)
    }

    /// Whether the echo is complete.
    fn receive(&mut self) -> io::Result<bool> {
        let room = self.echo.get_mut(self.arrived..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => self.arrived += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if self.arrived == MESSAGE && self.echo != self.sent {
            return Err(io::Error::other(format!("echo {} came back different", self.count)));
        }
        Ok(self.arrived == MESSAGE)
    }
}

/// The client ends, all served by one thread.
pub(crate) struct Clients {
    ready: Ready,
    clients: Vec<Client>,
}

impl Clients {
    pub(crate) fn of(streams: Vec<TcpStream>) -> io::Result<Self> {
        let ready = Ready::of(&streams)?;
        Ok(Self { ready, clients: streams.into_iter().map(Client::new).collect() })
    }

    /// Runs a closed loop on each connection until the time is over and the last echo has arrived.
    pub(crate) fn drive(&mut self, time: Duration) -> io::Result<Figures> {
        let mut trips = Trips::new()?;
        let mut in_flight = self.clients.len();
        let watch = Watch::start()?;
        let until = Instant::now() + time;
        for client in &mut self.clients {
            client.send(Instant::now())?;
        }
        while in_flight > 0 {
            for index in self.ready.wait()? {
                let Some(client) = self.clients.get_mut(index) else { continue };
                if client.receive()? {
                    let now = Instant::now();
                    trips.record(now - client.sent_at);
                    if now < until {
                        client.send(now)?;
                    } else {
                        in_flight -= 1;
                    }
                }
            }
        }
        watch.stop_trips(&trips)
    }
}
