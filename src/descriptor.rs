//! Descriptors: who closes them, and how long that may take.

use crate::sys;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

/// A descriptor, and whether it is closed with the socket.
pub struct Descriptor {
    fd: Option<OwnedFd>,
    lent: bool,
}

impl Descriptor {
    /// A descriptor of our own; if lent, it stays open.
    pub fn new(fd: OwnedFd, lent: bool) -> Self {
        Self { fd: Some(fd), lent }
    }

    /// The descriptor. It is there for as long as this is.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Closes it, unless it was lent. Blocks for as long as SO_LINGER says.
    pub fn close(mut self) -> sys::Result<()> {
        match self.fd.take() {
            Some(fd) if !self.lent => sys::socket::close(fd),
            fd => {
                forget(fd);
                Ok(())
            }
        }
    }

    /// Closes it without waiting: what is still to be sent goes on in the background.
    pub fn close_unattended(self) {
        if let Some(fd) = self.as_fd() {
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
        if self.lent {
            forget(self.fd.take());
        }
    }
}

/// Gives a descriptor back to whom it belongs: it is not closed.
fn forget(fd: Option<OwnedFd>) {
    fd.map(IntoRawFd::into_raw_fd);
}
