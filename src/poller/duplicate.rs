//! A registration of a duplicate of a descriptor: apart from the descriptor's own registration, with its own interest, for one
//! event.

use crate::poller::epoll::{Interest, Poller};
use crate::poller::event::Ready;
use crate::poller::token::Token;
use crate::sys;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A registered duplicate. Dropping it ends the registration and closes the duplicate.
pub struct Duplicate {
    fd: OwnedFd,
    token: Token,
    poller: &'static Poller,
}

impl Duplicate {
    /// Registers a duplicate of `fd`. If an event of `interest` is there already, that is the event.
    pub fn register(
        fd: BorrowedFd<'_>,
        interest: Interest,
        poller: &'static Poller,
        source: Arc<dyn Ready>,
    ) -> sys::Result<Self> {
        let fd = sys::socket::dup(fd.as_raw_fd())?;
        let token = poller.add(fd.as_fd(), interest, source)?;
        Ok(Self { fd, token, poller })
    }

    /// Asks for one more event.
    pub fn rearm(&self, interest: Interest) -> sys::Result<()> {
        self.poller.modify(self.fd.as_fd(), self.token, interest)
    }
}

impl AsFd for Duplicate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Duplicate {
    fn drop(&mut self) {
        self.poller.remove(Some(self.fd.as_fd()), self.token);
    }
}
