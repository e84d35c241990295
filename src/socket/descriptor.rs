//! Descriptors: whether a socket closes its descriptor, and whether that may take long.

use crate::poller::duplicate::Duplicate;
use crate::ring::thread::Held;
use crate::socket::numbers;
use crate::sys;
use crate::sys::socket::MaybeOwnedFd;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};

/// A backlog of more connections than this is not reset on a scheduler.
const LONG_BACKLOG: u32 = 64;

/// More registered duplicates than this are not closed on a scheduler.
const MANY_DUPLICATES: usize = 64;

/// A descriptor of a socket. It is closed with the socket, unless it is lent.
pub struct Descriptor {
    /// Registered duplicates, which are closed first: only the last close of an open socket ends the connection.
    duplicates: Vec<Duplicate>,
    fd: Option<MaybeOwnedFd>,
    slow: bool,
    held: Option<Held>,
    unread: Option<Arc<AtomicBool>>,
}

impl Descriptor {
    /// The descriptor of a socket.
    pub fn new(fd: MaybeOwnedFd) -> Self {
        numbers::add(fd.as_fd().as_raw_fd());
        Self { duplicates: Vec::new(), fd: Some(fd), slow: false, held: None, unread: None }
    }

    /// The descriptor, until it is closed.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Whether it is closed with the socket.
    pub fn ours(&self) -> bool {
        self.fd.as_ref().is_some_and(MaybeOwnedFd::owned)
    }

    /// Bytes of its stream were read ahead. A ring may still receive from it (`held`). `unread` says whether bytes
    /// are left that no caller received.
    pub fn set_read_ahead(&mut self, held: Option<Held>, unread: Arc<AtomicBool>) {
        self.held = held;
        self.unread = Some(unread);
    }

    /// Its registered duplicates. To close many of them may take long.
    pub fn set_duplicates(&mut self, duplicates: Vec<Duplicate>) {
        self.slow |= duplicates.len() > MANY_DUPLICATES;
        self.duplicates = duplicates;
    }

    /// Whether there are more than 64 of them.
    pub fn has_many_duplicates(&self) -> bool {
        self.duplicates.len() > MANY_DUPLICATES
    }

    /// If bytes that were read ahead are left, makes close(2) reset the connection (SO_LINGER with 0 seconds). The
    /// kernel does that by itself for unread bytes in its own buffer (RFC 2525 section 2.17), but does not know of
    /// these.
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

    /// Whether close(2) may take long.
    pub fn slow(&self) -> bool {
        self.slow
    }

    /// Says whether close(2) may take long: SO_LINGER may be on, or the backlog may hold many connections, which the
    /// kernel resets one by one.
    pub fn set_slow(&mut self, slow: bool) {
        self.slow = slow;
    }

    /// Whether the backlog holds more than 64 connections. `None` if that is not known: only a TCP listener tells.
    pub fn has_long_backlog(&self) -> Option<bool> {
        self.as_fd().and_then(sys::socket::backlog).map(|count| count > LONG_BACKLOG)
    }

    /// Whether a ring has to release it before it can be closed.
    pub fn held_by_ring(&self) -> bool {
        self.held.is_some()
    }

    /// Closes it as soon as the ring has released it. The channel then has the result.
    pub fn close_when_released(mut self) -> mpsc::Receiver<sys::Result<()>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let held = self.held.take();
        let close = move || {
            // The receiver may have been dropped.
            let _ = sender.send(self.close());
        };
        match held {
            Some(held) => held.ring.release(held.token, Box::new(close)),
            None => close(),
        }
        receiver
    }

    /// Closes it, unless it was lent. Blocks for as long as SO_LINGER says, and until a ring that holds it has
    /// released it.
    pub fn close(mut self) -> sys::Result<()> {
        if let Some(held) = self.held.take() {
            let (sender, receiver) = mpsc::sync_channel::<()>(1);
            held.ring.release(held.token, Box::new(move || drop(sender)));
            // On an error the ring's thread has ended, and has released it.
            let _ = receiver.recv();
        }
        self.duplicates.clear();
        self.reset_if_unread();
        self.give_up(MaybeOwnedFd::close).unwrap_or(Ok(()))
    }

    /// Gives it up without closing it. From now on its number is the caller's.
    pub fn release(mut self) -> Option<RawFd> {
        self.give_up(MaybeOwnedFd::into_number)
    }

    /// Ends the use of the descriptor. Its number is taken out of the table after it is closed: the system may give it
    /// to another socket before, which counts on its own.
    fn give_up<T>(&mut self, how: impl FnOnce(MaybeOwnedFd) -> T) -> Option<T> {
        let fd = self.fd.take()?;
        let number = fd.as_fd().as_raw_fd();
        let done = how(fd);
        numbers::remove(number);
        Some(done)
    }

    /// Closes it without blocking: the kernel sends in the background what is still in the send buffer.
    pub fn close_unattended(mut self) {
        if let Some(held) = self.held.take() {
            held.ring.release(held.token, Box::new(move || self.close_unattended()));
            return;
        }
        self.reset_if_unread();
        // A lent descriptor is not closed, and its lender may have set the option.
        if let Some(fd) = self.fd.as_ref().filter(|fd| fd.owned()).map(AsFd::as_fd) {
            let mut linger = [0; 8];
            let read = sys::option::get(fd, libc::SOL_SOCKET, libc::SO_LINGER, &mut linger);
            // A linger of 0 seconds is a reset, which does not block: it is left as it is.
            if read.is_ok() && linger.last_chunk::<4>() != Some(&[0; 4]) {
                let _ = sys::option::set(fd, libc::SOL_SOCKET, libc::SO_LINGER, &[0; 8]);
            }
        }
        // There is no caller to report an error to.
        let _ = self.close();
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let fd = self.fd.take();
            let (slow, unread) = (self.slow, self.unread.take());
            let duplicates = std::mem::take(&mut self.duplicates);
            held.ring.release(held.token, Box::new(move || drop(Self { duplicates, fd, slow, held: None, unread })));
        }
        self.give_up(drop);
    }
}
