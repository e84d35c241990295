//! The registration of one descriptor with its poller: made once, so that later waits cost no system call.
//!
//! It is edge-triggered and stays: a reader that reads when it is woken, and waits again, does not change it. If a busy reader
//! finds its bytes there at each attempt, it has no use for events. Every segment would wake the poller thread in vain, because
//! the bytes are taken by then. So after five receives in a row that did not wait, interest in reading is removed until the
//! next wait.

use crate::lane::Direction;
use crate::poller::epoll::{Interest, Poller};
use crate::poller::event::Ready;
use crate::poller::token::Token;
use crate::sys;
use parking_lot::Mutex;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

/// After this many receives in a row that did not wait, interest in reading is removed.
const RECEIVES_WITHOUT_WAIT: u8 = 5;

/// The registration of a descriptor. All calls pass the same descriptor.
#[derive(Default)]
pub struct Registration {
    /// The descriptor is lent: its owner, outside the socket, may close it.
    lent: bool,
    state: Mutex<State>,
    /// The poller reports events for reading. Read and changed only with the read lane held.
    armed: AtomicBool,
    /// Receives in a row that did not wait.
    without_wait: AtomicU8,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    interest: Interest,
    /// A duplicate that is registered instead, because another socket is registered under the same descriptor.
    duplicate: Option<OwnedFd>,
    /// The inode of a lent descriptor at its registration: its owner may close it, and the number may be reused.
    file: Option<u64>,
}

impl State {
    /// Registers the descriptor, or a duplicate if the descriptor is registered already (EEXIST).
    fn add(
        &mut self,
        fd: BorrowedFd<'_>,
        poller: &Poller,
        interest: Interest,
        source: Arc<dyn Ready>,
    ) -> sys::Result<()> {
        self.token = Some(match poller.add(fd, interest, Arc::clone(&source)) {
            Err(errno) if errno.number() == libc::EEXIST => {
                let duplicate = sys::socket::dup(fd.as_raw_fd())?;
                let token = poller.add(duplicate.as_fd(), interest, source)?;
                self.duplicate = Some(duplicate);
                token
            }
            added => added?,
        });
        Ok(())
    }
}

impl Registration {
    /// No registration yet, for a descriptor that may be lent.
    pub fn new(lent: bool) -> Self {
        Self { lent, ..Self::default() }
    }

    /// Whether the descriptor is lent.
    pub fn lent(&self) -> bool {
        self.lent
    }

    /// Has the poller report events in a direction, before a wait. The caller holds the lane of that direction.
    pub fn arm<S: Ready + 'static>(
        &self,
        fd: BorrowedFd<'_>,
        poller: &Poller,
        direction: Direction,
        source: impl FnOnce() -> Arc<S>,
    ) -> sys::Result<()> {
        if direction == Direction::Read {
            self.without_wait.store(0, Relaxed);
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
                Some(token) => poller.modify(state.duplicate.as_ref().map_or(fd, AsFd::as_fd), token, interest)?,
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

    /// Counts a receive that did not wait. The caller holds the read lane, in which there is no waiter.
    pub fn received_without_wait(&self, fd: BorrowedFd<'_>, poller: &Poller) {
        if self.armed.load(Relaxed) && self.without_wait.fetch_add(1, Relaxed) >= RECEIVES_WITHOUT_WAIT - 1 {
            self.disarm(fd, poller);
        }
    }

    /// Removes interest in reading, for instance because a ring reports it. The caller holds the read lane.
    pub fn disarm(&self, fd: BorrowedFd<'_>, poller: &Poller) {
        if !self.armed.load(Relaxed) {
            return;
        }
        let mut state = self.state.lock();
        let interest = Interest { read: false, ..state.interest };
        if let Some(token) = state.token
            && poller.modify(state.duplicate.as_ref().map_or(fd, AsFd::as_fd), token, interest).is_ok()
        {
            state.interest = interest;
            self.armed.store(false, Relaxed);
        }
    }

    /// Ends the registration, before the descriptor is closed.
    pub fn end(&self, fd: BorrowedFd<'_>, poller: &Poller) {
        // The lock is released first: the source that the poller drops may hold the last reference to the socket.
        let State { token, duplicate, file, .. } = std::mem::take(&mut *self.state.lock());
        if let Some(token) = token {
            let same = duplicate.is_some() || !self.lent || sys::socket::inode(fd) == file;
            poller.remove(same.then(|| duplicate.as_ref().map_or(fd, AsFd::as_fd)), token);
        }
    }
}
