//! Reports room at the receiver of a Unix datagram socket that is not connected.
//!
//! For such a sender the kernel has no event. A socket that is connected to the receiver has one (unix(7)). So while
//! a sender waits, a socket of this library, by which nothing is sent, is connected to the receiver and registered in
//! its place.

use crate::poller::epoll::{Interest, Poller};
use crate::poller::event::Ready;
use crate::poller::token::Token;
use crate::sys;
use crate::wire::addr::Raw;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// A socket that is connected to the receiver.
pub struct Probe {
    fd: OwnedFd,
    token: Token,
    poller: &'static Poller,
}

impl Probe {
    /// Makes the poller notify `source` when there is room at the receiver.
    pub fn new(to: &Raw, poller: &'static Poller, source: Arc<dyn Ready>) -> sys::Result<Self> {
        let fd = sys::socket::open(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        sys::socket::connect(fd.as_fd(), to)?;
        let token = poller.add(fd.as_fd(), Interest::WRITE, source)?;
        Ok(Self { fd, token, poller })
    }

    /// Whether there is room. If not, an event follows.
    pub fn room(&self) -> bool {
        sys::ready::writable(self.fd.as_fd())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.poller.remove(Some(self.fd.as_fd()), self.token);
    }
}
