//! The registration of one descriptor with its poller: once, and then a wait costs no system call.
//!
//! It is edge-triggered and stays: whoever reads when he is woken, and waits again, never sets it anew. But a reader who
//! is busy, and finds his bytes there when he looks, has no use for the poller, which every segment wakes: for nothing,
//! because the bytes are gone by then. After some receives in a row that did not wait, nothing more is asked for, until
//! somebody waits.

use crate::lane::Direction;
use crate::poller::epoll::{Interest, Poller};
use crate::poller::event::Ready;
use crate::poller::token::Token;
use crate::sys;
use parking_lot::Mutex;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

/// Receives in a row that nobody has waited for, until no event is asked for.
const UNWANTED: u8 = 4;

/// A descriptor's registration. Whoever changes it has the descriptor, always the same.
#[derive(Default)]
pub struct Registration {
    /// The descriptor is somebody else's, who may close it.
    lent: bool,
    state: Mutex<State>,
    /// There will be events for reading. Who reads it, or changes it, holds the read lane.
    armed: AtomicBool,
    unwanted: AtomicU8,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    interest: Interest,
    /// Another socket is registered under the descriptor's number: this one is under a duplicate's.
    apart: Option<OwnedFd>,
    /// Which file was registered, where others may give the number to another.
    file: Option<u64>,
}

impl State {
    /// Registers the descriptor, or a duplicate where its number is taken.
    fn add(
        &mut self,
        fd: BorrowedFd<'_>,
        poller: &Poller,
        interest: Interest,
        source: Arc<dyn Ready>,
    ) -> sys::Result<()> {
        self.token = Some(match poller.add(fd, interest, Arc::clone(&source)) {
            Err(errno) if errno.number() == libc::EEXIST => {
                let apart = sys::socket::dup(fd.as_raw_fd())?;
                let token = poller.add(apart.as_fd(), interest, source)?;
                self.apart = Some(apart);
                token
            }
            added => added?,
        });
        Ok(())
    }
}

impl Registration {
    /// Of a descriptor, which may be somebody else's.
    pub fn new(lent: bool) -> Self {
        Self { lent, ..Self::default() }
    }

    /// Whether the descriptor is somebody else's.
    pub fn lent(&self) -> bool {
        self.lent
    }

    /// Somebody who holds the lane is going to wait: there will be an event.
    pub fn want<S: Ready + 'static>(
        &self,
        fd: BorrowedFd<'_>,
        poller: &Poller,
        direction: Direction,
        source: impl FnOnce() -> Arc<S>,
    ) -> sys::Result<()> {
        if direction == Direction::Read {
            self.unwanted.store(0, Relaxed);
            if self.armed.load(Relaxed) {
                return Ok(());
            }
        }
        let mut state = self.state.lock();
        let interest = match direction {
            Direction::Read => Interest { read: true, ..state.interest },
            Direction::Write => Interest { write: true, ..state.interest },
        };
        if state.interest != interest {
            match state.token {
                Some(token) => poller.modify(state.apart.as_ref().map_or(fd, AsFd::as_fd), token, interest)?,
                None => {
                    state.file = self.lent.then(|| sys::socket::inode(fd)).flatten();
                    state.add(fd, poller, interest, source())?;
                }
            }
            state.interest = interest;
        }
        if direction == Direction::Read {
            self.armed.store(true, Relaxed);
        }
        Ok(())
    }

    /// Somebody who holds the read lane has got something without having waited for it, and nobody else waits there.
    pub fn received_without_wait(&self, fd: BorrowedFd<'_>, poller: &Poller) {
        if self.armed.load(Relaxed) && self.unwanted.fetch_add(1, Relaxed) >= UNWANTED {
            self.disarm(fd, poller);
        }
    }

    /// Somebody who holds the read lane has another bring the events for reading.
    pub fn disarm(&self, fd: BorrowedFd<'_>, poller: &Poller) {
        if !self.armed.load(Relaxed) {
            return;
        }
        let mut state = self.state.lock();
        let interest = Interest { read: false, ..state.interest };
        if let Some(token) = state.token
            && poller.modify(state.apart.as_ref().map_or(fd, AsFd::as_fd), token, interest).is_ok()
        {
            state.interest = interest;
            self.armed.store(false, Relaxed);
        }
    }

    /// Ends it, before the descriptor is closed.
    pub fn end(&self, fd: BorrowedFd<'_>, poller: &Poller) {
        // The lock is let go first: what the poller drops may be the last one to know the socket.
        let State { token, apart, file, .. } = std::mem::take(&mut *self.state.lock());
        if let Some(token) = token {
            let same = apart.is_some() || !self.lent || sys::socket::inode(fd) == file;
            poller.remove(same.then(|| apart.as_ref().map_or(fd, AsFd::as_fd)), token);
        }
    }
}
