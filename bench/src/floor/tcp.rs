//! TCP connections over loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

use nix::libc::linger;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{Backlog, listen, setsockopt, sockopt};

/// The backlog of listeners.
const BACKLOG: i32 = 1024;
/// Open files besides the connections.
pub(crate) const SPARE: usize = 16;

/// A listener whose accepted connections are reset by close(2) (SO_LINGER). So they leave no TIME_WAIT. Among thousands of those
/// connect(2) would have to search for a free port.
pub(crate) fn listener() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // The backlog of the standard library is 128. On Linux a second listen(2) changes it.
    listen(&listener, Backlog::new(BACKLOG)?)?;
    // Accepted sockets inherit SO_LINGER.
    reset_on_close(&listener)?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

fn reset_on_close(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?)
}

/// Connections, each with its connecting end first.
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

/// Raises the soft limit of open files if necessary, and the hard limit too if that is permitted.
pub(crate) fn room_for(files: usize) -> io::Result<()> {
    let files = files as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < files {
        setrlimit(Resource::RLIMIT_NOFILE, files, hard.max(files))
            .map_err(|error| io::Error::other(format!("no room for {files} open files: {error}")))?;
    }
    Ok(())
}
