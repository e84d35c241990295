//! The other ends of a server's connections, in a program of their own: what the server uses is not theirs then.
//!
//! A client connects, says `ready`, and begins when it is told so, by a line. It closes by ending, when it has
//! said what it did: to close is not what is measured.

use std::io::{self, BufRead, Write};
use std::mem::forget;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::echo::Clients;
use crate::figures::{Figures, Watch};
use crate::tcp;

/// Messages that are told one after another, once in each tick.
const BURST: usize = 10;
const TICK: Duration = Duration::from_millis(1);

/// Closed loops of round trips.
pub(crate) fn echo(port: u16, connections: usize, time: Duration) -> io::Result<Figures> {
    let mut clients = Clients::of(connect(port, connections)?)?;
    begins()?;
    let figures = clients.drive(time);
    forget(clients);
    figures
}

/// Messages of 64 bytes to one connection after the other, 10,000 in a second, that nobody answers. In their first 8 bytes is
/// when they were sent, in nanoseconds of the monotonic clock.
pub(crate) fn tell(port: u16, connections: usize, time: Duration) -> io::Result<Figures> {
    let mut streams = connect(port, connections)?;
    begins()?;
    let (watch, start, mut count) = (Watch::start()?, Instant::now(), 0);
    let mut turn: usize = 0;
    while start.elapsed() < time {
        for _ in 0..BURST {
            let place = turn % streams.len();
            if let Some(stream) = streams.get_mut(place) {
                stream.write_all(&message()?)?;
            }
            turn += 1;
        }
        count += BURST as u64;
        let next = TICK * u32::try_from(turn / BURST).unwrap_or(u32::MAX);
        thread::sleep(next.saturating_sub(start.elapsed()));
    }
    let figures = watch.stop(count);
    forget(streams);
    figures
}

fn message() -> io::Result<[u8; 64]> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    let nanoseconds = now.tv_sec() * 1_000_000_000 + now.tv_nsec();
    let mut bytes = [0; 64];
    for (to, from) in bytes.iter_mut().zip(nanoseconds.to_be_bytes()) {
        *to = from;
    }
    Ok(bytes)
}

fn connect(port: u16, connections: usize) -> io::Result<Vec<TcpStream>> {
    tcp::room_for(connections + tcp::SPARE)?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    (0..connections).map(|_| tcp::connect(addr)).collect()
}

/// Says that all are connected, and waits to be told to begin.
fn begins() -> io::Result<()> {
    println!("ready");
    io::stdin().lock().read_line(&mut String::new()).map(drop)
}
