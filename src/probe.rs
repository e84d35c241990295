//! Who tells a Unix datagram sender that is not connected of room at its receiver.
//!
//! There is no event for that. A socket that is connected to the receiver has one (unix(7)): one of our own, which nothing is sent by,
//! stands in for the sender while it waits.

use crate::addr::Raw;
use crate::lane::Wake;
use crate::poller::Ready;
use crate::poller::epoll::{Interest, Poller};
use crate::poller::token::Token;
use crate::socket::Socket;
use crate::sys;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

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

/// How long a sender waits whom no event will tell of room.
const LATER: Duration = Duration::from_millis(8);

impl<W: Wake> Socket<W> {
    /// Has the poller say when there may be room at a receiver.
    pub(crate) fn probe(self: &Arc<Self>, to: &Raw) -> Option<Box<Probe>> {
        let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
        match Probe::new(to, self.poller, source) {
            Ok(probe) => Some(Box::new(probe)),
            // The receiver takes from nobody else, and what is full is the sender's: that has an event.
            Err(errno) if errno.number() == libc::EPERM => None,
            Err(_) => {
                if !self.later.swap(true, Relaxed) {
                    self.poller.later(Instant::now() + LATER, true, Arc::<Self>::clone(self));
                }
                None
            }
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.poller.remove(Some(self.fd.as_fd()), self.token);
    }
}
