//! Who tells a Unix datagram sender that is not connected of room at its receiver.
//!
//! There is no event for that. A socket that is connected to the receiver has one (unix(7)): one of our own, which nothing is sent by,
//! stands in for the sender while it waits.

use crate::poller::epoll::{Interest, Poller};
use crate::poller::event::Ready;
use crate::poller::token::Token;
use crate::sys;
use crate::wire::addr::Raw;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// Such a socket.
pub struct Probe {
    fd: OwnedFd,
    token: Token,
    poller: &'static Poller,
}

impl Probe {
    /// One that tells `source` of room at the receiver.
    pub fn new(to: &Raw, poller: &'static Poller, source: Arc<dyn Ready>) -> sys::Result<Self> {
        let fd = sys::socket::open(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        sys::socket::connect(fd.as_fd(), to)?;
        let token = poller.add(fd.as_fd(), Interest { read: false, write: true }, source)?;
        Ok(Self { fd, token, poller })
    }

    /// Whether there is room. If not, there will be an event.
    pub fn room(&self) -> bool {
        sys::ready::writable(self.fd.as_fd())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.poller.remove(Some(self.fd.as_fd()), self.token);
    }
}
