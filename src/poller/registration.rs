//! The registration of one descriptor with its poller: once, and then a wait costs no system call.
//!
//! It is edge-triggered and stays: whoever reads when he is woken, and waits again, never sets it anew. But a reader who
//! is busy, and finds his bytes there when he looks, has no use for an event with every segment that comes in; each costs
//! a switch to the poller's thread and back. A registration whose events nobody has waited for becomes one for a single
//! event at a time, which a wait sets. Where waits follow one another it becomes lasting again.

use super::epoll::{Interest, Poller};
use super::{Ready, token::Token};
use crate::socket::Direction;
use crate::sys;
use parking_lot::Mutex;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

/// Events in a row that nobody has waited for, until they are asked for one by one.
const UNWANTED: u8 = 4;
/// Waits in a row, until events are asked for once and for all.
const WAITS: u8 = 8;

/// A descriptor's registration.
pub struct Registration {
    fd: RawFd,
    state: Mutex<State>,
    /// An event for reading will come, or is on its way to the lane. It is read under the lane's lock, and unset before
    /// the event goes there: who still finds it set is woken by that event.
    armed: AtomicBool,
    /// Events come one at a time.
    single: AtomicBool,
    unwanted: AtomicU8,
    waits: AtomicU8,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    writing: bool,
}

impl Registration {
    /// Of this descriptor; nobody waits yet.
    pub fn new(fd: RawFd) -> Self {
        Self {
            fd,
            state: Mutex::default(),
            armed: AtomicBool::new(false),
            single: AtomicBool::new(false),
            unwanted: AtomicU8::new(0),
            waits: AtomicU8::new(0),
        }
    }

    /// Somebody who holds the lane is going to wait: there will be an event. The descriptor is open.
    pub fn want<S: Ready + 'static>(
        &self,
        poller: &Poller,
        direction: Direction,
        source: impl FnOnce() -> Arc<S>,
    ) -> sys::Result<()> {
        let writing = direction == Direction::Write;
        let mut state = self.state.lock();
        match state.token {
            None => {
                state.token = Some(poller.add(self.fd(), interest(writing), source())?);
                state.writing = writing;
                self.lasting();
            }
            Some(token) if writing && !state.writing => {
                poller.modify(self.fd(), token, Interest::ReadWrite)?;
                state.writing = true;
                self.lasting();
            }
            Some(token) => self.arm(poller, direction, token)?,
        }
        Ok(())
    }

    /// Somebody who has waited behind another is the first now. He who holds the lane sees to it that there will be an
    /// event for him.
    pub fn inherited(&self, poller: &Poller, direction: Direction) -> sys::Result<()> {
        let state = self.state.lock();
        state.token.map_or(Ok(()), |token| self.arm(poller, direction, token))
    }

    /// Asks for the next event, where it is asked for one by one, and there is none on its way.
    fn arm(&self, poller: &Poller, direction: Direction, token: Token) -> sys::Result<()> {
        if direction == Direction::Write || self.armed.load(Relaxed) {
            return Ok(());
        }
        let often = self.waits.fetch_add(1, Relaxed) >= WAITS;
        // Set first: the event may be there, and unset it, before the call comes back.
        if often {
            self.lasting();
        } else {
            self.armed.store(true, Relaxed);
        }
        let wanted = if often { Interest::Read } else { Interest::ReadOnce };
        poller.modify(self.fd(), token, wanted).inspect_err(|_| self.armed.store(false, Relaxed))
    }

    /// The descriptor, which is open: whoever asks holds the lane of an open socket, or has found a token, and a token is
    /// taken away before the descriptor is closed.
    fn fd(&self) -> BorrowedFd<'_> {
        sys::socket::borrow(self.fd)
    }

    fn lasting(&self) {
        self.single.store(false, Relaxed);
        self.armed.store(true, Relaxed);
        self.unwanted.store(0, Relaxed);
    }

    /// Somebody has got something without having waited for it.
    pub fn unawaited(&self) {
        self.waits.store(0, Relaxed);
    }

    /// The poller has an event, and is about to tell the lane.
    pub fn reported(&self) {
        if self.single.load(Relaxed) {
            self.armed.store(false, Relaxed);
        }
    }

    /// The lane has been told, and somebody was waiting there, or nobody.
    pub fn heard(&self, poller: &Poller, wanted: bool) {
        if wanted {
            self.unwanted.store(0, Relaxed);
        } else if !self.single.load(Relaxed) && self.unwanted.fetch_add(1, Relaxed) >= UNWANTED {
            let state = self.state.lock();
            // It fails where there is nothing to be done: the descriptor is being closed.
            if let Some(token) = state.token.filter(|_| !state.writing)
                && poller.modify(self.fd(), token, Interest::ReadOnce).is_ok()
            {
                self.waits.store(0, Relaxed);
                self.armed.store(true, Relaxed);
                self.single.store(true, Relaxed);
            }
        }
    }

    /// Ends it. The descriptor is still open.
    pub fn end(&self, poller: &Poller) {
        // The lock is let go first: what the poller drops may be the last one to know the socket.
        let token = self.state.lock().token.take();
        if let Some(token) = token {
            poller.remove(self.fd(), token);
        }
    }
}

fn interest(writing: bool) -> Interest {
    if writing { Interest::ReadWrite } else { Interest::Read }
}
