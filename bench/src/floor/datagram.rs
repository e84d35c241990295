//! UDP sockets on loopback, and row `udp1`: round trips on them.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::{Figures, Trips, Watch};
use crate::sound;

/// The size in bytes of the number with which every datagram begins.
pub(crate) const COUNTER: usize = 8;
/// The most bytes that a datagram of UDP over IPv4 can carry.
pub(crate) const MOST: usize = 65_507;

const MESSAGE: usize = 64;
/// The receive timeout: after this time a lost datagram fails the run.
const PATIENCE: Duration = Duration::from_secs(2);

/// Two bound sockets, the first connected to the second.
pub(crate) fn pair() -> io::Result<(UdpSocket, UdpSocket)> {
    let bound = || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        io::Result::Ok(socket)
    };
    let (client, server) = (bound()?, bound()?);
    client.connect(server.local_addr()?)?;
    Ok((client, server))
}

pub(crate) fn number(message: &mut [u8], count: u64) {
    for (to, from) in message.iter_mut().zip(count.to_be_bytes()) {
        *to = from;
    }
}

/// Whether a message has this number.
pub(crate) fn is_number(message: &[u8], count: u64) -> bool {
    message.starts_with(&count.to_be_bytes())
}

/// Round trips between two threads, one after the other.
pub(crate) fn run(time: Duration) -> io::Result<Figures> {
    let (client, server) = pair()?;
    thread::scope(|scope| {
        scope.spawn(|| sound("server", serve(&server)));
        let figures = sound("client", drive(&client, time));
        client.send(&[])?;
        Ok(figures)
    })
}

/// Echoes until an empty datagram arrives. It answers the sender of each datagram, as the server of bench_rows.erl does.
fn serve(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; MESSAGE];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        socket.send_to(buffer.get(..length).unwrap_or_default(), from)?;
    }
}

fn drive(socket: &UdpSocket, time: Duration) -> io::Result<Figures> {
    let (mut message, mut echo) = ([0; MESSAGE], [0; MESSAGE]);
    let mut trips = Trips::new()?;
    let watch = Watch::start()?;
    let mut now = Instant::now();
    let until = now + time;
    for count in 0.. {
        number(&mut message, count);
        socket.send(&message)?;
        if socket.recv(&mut echo)? != MESSAGE || echo != message {
            return Err(io::Error::new(ErrorKind::InvalidData, format!("echo {count} came back different")));
        }
        let then = std::mem::replace(&mut now, Instant::now());
        trips.record(now - then);
        if now >= until {
            break;
        }
    }
    watch.stop_trips(&trips)
}
