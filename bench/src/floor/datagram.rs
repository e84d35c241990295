//! UDP over loopback, and round trips on it.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::{Figures, Trips, Watch};
use crate::sound;

/// Every datagram begins with its number, in so many bytes.
pub(crate) const COUNTER: usize = 8;
/// The most bytes in a datagram.
pub(crate) const MOST: usize = 65_507;

const MESSAGE: usize = 64;
/// How long the loss of a datagram goes unnoticed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Two sockets; the first is connected to the second.
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

/// Round trips, one after the other.
pub(crate) fn run(time: Duration) -> io::Result<Figures> {
    let (client, server) = pair()?;
    thread::scope(|scope| {
        scope.spawn(|| sound("server", serve(&server)));
        let figures = sound("client", drive(&client, time));
        client.send(&[])?;
        Ok(figures)
    })
}

/// Echoes until an empty datagram comes. It answers whoever asks, as the Erlang one does.
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
