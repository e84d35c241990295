//! Descriptors: who closes them, and how long that may take.

use crate::ring::thread::Held;
use crate::sys;
use crate::sys::socket::MaybeOwnedFd;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};

/// So many connections of a backlog are reset on a scheduler.
const BACKLOG: u32 = 64;

/// A descriptor, which is closed with the socket if it is ours.
pub struct Descriptor {
    fd: Option<MaybeOwnedFd>,
    slow: bool,
    held: Option<Held>,
    unread: Option<Arc<AtomicBool>>,
}

impl Descriptor {
    /// A socket's.
    pub fn new(fd: MaybeOwnedFd) -> Self {
        Self { fd: Some(fd), slow: false, held: None, unread: None }
    }

    /// The descriptor. It is there for as long as this is.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Whether it is closed with the socket.
    pub fn ours(&self) -> bool {
        self.fd.as_ref().is_some_and(MaybeOwnedFd::owned)
    }

    /// Its stream was read ahead, and a ring may hold it still; `unread`: there were bytes that nobody has taken.
    pub fn read_ahead(&mut self, held: Option<Held>, unread: Arc<AtomicBool>) {
        self.held = held;
        self.unread = Some(unread);
    }

    /// The system resets a connection that is closed with bytes unread, RFC 2525 section 2.17. It does not know of those that
    /// were read ahead: it is told.
    fn reset_if_unread(&self) {
        if let (Some(fd), Some(unread)) = (self.as_fd(), &self.unread)
            && unread.load(Relaxed)
        {
            let mut linger = [0; 8];
            if let Some(on) = linger.first_chunk_mut() {
                *on = 1_i32.to_ne_bytes();
            }
            let _ = sys::option::set(fd, libc::SOL_SOCKET, libc::SO_LINGER, &linger);
        }
    }

    /// Whether its close(2) may take long.
    pub fn slow(&self) -> bool {
        self.slow
    }

    /// Its close(2) may take long: SO_LINGER may be on, or many connections may wait in its backlog, which the system resets one by one.
    pub fn set_slow(&mut self, slow: bool) {
        self.slow = slow;
    }

    /// Whether many connections wait in its backlog; nothing where that is not known, but of a listener of TCP.
    pub fn crowded(&self) -> Option<bool> {
        self.as_fd().and_then(sys::socket::backlog).map(|count| count > BACKLOG)
    }

    /// Whether a ring is to let go of it first.
    pub fn held(&self) -> bool {
        self.held.is_some()
    }

    /// Closes it as soon as the ring that holds it has let go. The answer comes then.
    pub fn close_when_released(mut self) -> mpsc::Receiver<sys::Result<()>> {
        let (tell, told) = mpsc::sync_channel(1);
        let held = self.held.take();
        let close = move || {
            // Who asked may have ended.
            let _ = tell.send(self.close());
        };
        match held {
            Some(held) => held.ring.release(held.token, Box::new(close)),
            None => close(),
        }
        told
    }

    /// Closes it, unless it was lent. Blocks for as long as SO_LINGER says, and until a ring that holds it has let go.
    pub fn close(mut self) -> sys::Result<()> {
        if let Some(held) = self.held.take() {
            let (tell, told) = mpsc::sync_channel::<()>(1);
            held.ring.release(held.token, Box::new(move || drop(tell)));
            // An error says that the ring's thread has ended, and let go.
            let _ = told.recv();
        }
        self.reset_if_unread();
        self.fd.take().map_or(Ok(()), MaybeOwnedFd::close)
    }

    /// Closes it without waiting: what is still to be sent goes on in the background.
    pub fn close_unattended(mut self) {
        if let Some(held) = self.held.take() {
            held.ring.release(held.token, Box::new(move || self.close_unattended()));
            return;
        }
        self.reset_if_unread();
        // What is lent is not closed, and who lends it may have set the option.
        if let Some(fd) = self.fd.as_ref().filter(|fd| fd.owned()).map(AsFd::as_fd) {
            let mut linger = [0; 8];
            let read = sys::option::get(fd, libc::SOL_SOCKET, libc::SO_LINGER, &mut linger);
            // A linger of 0 seconds is a reset: it does not block, and stays one.
            if read.is_ok() && linger.last_chunk::<4>() != Some(&[0; 4]) {
                let _ = sys::option::set(fd, libc::SOL_SOCKET, libc::SO_LINGER, &[0; 8]);
            }
        }
        // Nobody is left who could be told of an error.
        let _ = self.close();
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let fd = self.fd.take();
            let (slow, unread) = (self.slow, self.unread.take());
            held.ring.release(held.token, Box::new(move || drop(Self { fd, slow, held: None, unread })));
        }
    }
}
