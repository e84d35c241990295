//! Rows `accept` and `openclose`: connections that are accepted and reset, and sockets that are opened and closed.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::figures::{Figures, Watch};
use crate::{sound, tcp};

pub(crate) fn run(clients: usize, time: Duration) -> io::Result<Figures> {
    let (listener, addr) = tcp::listener()?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| sound("client", reconnect(addr, &over)));
        }
        let watch = Watch::start()?;
        let until = Instant::now() + time;
        let mut count = 0;
        while Instant::now() < until {
            drop(sound("accept", listener.accept()));
            count += 1;
        }
        let figures = watch.stop(count);
        over.store(true, Ordering::SeqCst);
        // Closing the listener resets the connections in its backlog.
        drop(listener);
        figures
    })
}

/// Connects and waits to be reset, again and again.
fn reconnect(addr: SocketAddr, over: &AtomicBool) -> io::Result<()> {
    while !over.load(Ordering::SeqCst) {
        match TcpStream::connect(addr).and_then(reset) {
            // The reset may come before connect(2) returns. WouldBlock is the read timeout: when the listener is closed, the last
            // connections of its backlog are not always reset.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::WouldBlock) => {}
            _ if over.load(Ordering::SeqCst) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(io::Error::other("the connection was not reset")),
        }
    }
    Ok(())
}

fn reset(mut stream: TcpStream) -> io::Result<usize> {
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    stream.read(&mut [0; 64])
}

/// Opens and closes sockets that are never connected.
pub(crate) fn open_close(time: Duration) -> io::Result<Figures> {
    let watch = Watch::start()?;
    let until = Instant::now() + time;
    let mut count = 0;
    while Instant::now() < until {
        drop(socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, SockProtocol::Tcp)?);
        count += 1;
    }
    watch.stop(count)
}
