//! Rows `echo_client` and `tell_client`: the clients of a server in another program, so that the server's CPU time is measured
//! alone.
//!
//! A client connects, prints `ready`, and begins when it reads a line. It prints its figures and then ends, which closes its
//! connections: closing them is not measured.

use std::io::{self, BufRead, Write};
use std::mem::forget;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::echo::Clients;
use crate::figures::{Figures, Watch};
use crate::tcp;

/// Messages sent in a row in each tick.
const BURST: usize = 10;
const TICK: Duration = Duration::from_millis(1);

/// Round trips in a closed loop on each connection.
pub(crate) fn echo(port: u16, connections: usize, time: Duration) -> io::Result<Figures> {
    let mut clients = Clients::of(connect(port, connections)?)?;
    begins()?;
    let figures = clients.drive(time);
    forget(clients);
    figures
}

/// Sends 10,000 messages of 64 bytes a second, on one connection after the other. The server does not answer. The first 8 bytes
/// of a message hold the time at which it was sent, in nanoseconds of the monotonic clock.
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

/// Prints `ready`, since all connections are open, and waits for the line that starts the measurement.
fn begins() -> io::Result<()> {
    println!("ready");
    io::stdin().lock().read_line(&mut String::new()).map(drop)
}
