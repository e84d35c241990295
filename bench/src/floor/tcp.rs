//! TCP connections over loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

use nix::libc::linger;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{Backlog, listen, setsockopt, sockopt};

/// That of bench.erl.
const BACKLOG: i32 = 1024;
/// Files that are no connections.
pub(crate) const SPARE: usize = 16;

/// A listener whose connections reset when closed on: that leaves no TIME_WAIT, among thousands of which the next
/// connect would look for a port.
pub(crate) fn listener() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // The standard library's is 128. Linux takes another later.
    listen(&listener, Backlog::new(BACKLOG)?)?;
    // Inherited by what is accepted.
    reset_on_close(&listener)?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

fn reset_on_close(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?)
}

/// So many connections, the connecting end first.
pub(crate) fn pairs(connections: usize) -> io::Result<Vec<(TcpStream, TcpStream)>> {
    let (listener, addr) = listener()?;
    room_for(2 * connections + SPARE)?;
    (0..connections).map(|_| Ok((connect(addr)?, accept(&listener)?))).collect()
}

pub(crate) fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Raises the limit of open files, the hard one too if we may.
pub(crate) fn room_for(files: usize) -> io::Result<()> {
    let files = files as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < files {
        setrlimit(Resource::RLIMIT_NOFILE, files, hard.max(files))
            .map_err(|error| io::Error::other(format!("no room for {files} open files: {error}")))?;
    }
    Ok(())
}
