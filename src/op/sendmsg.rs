//! Send gathered data, perhaps to an address and with control messages, sendmsg(2).

use super::send::sent;
use super::sendto::untold;
use super::{Attempt, Op, gso};
use crate::lane::Claim;
use crate::socket::Kind;
use crate::sys;
use crate::sys::io::Message;
use std::io::IoSlice;
use std::os::fd::BorrowedFd;

/// As many parts as one system call takes, UIO_MAXIOV.
pub const IOV_MAX: usize = 1024;

/// Sends a message.
pub struct SendMsg<'d> {
    /// The message.
    pub message: Message<'d>,
    /// MSG_*
    pub flags: i32,
}

impl Op for SendMsg<'_> {
    /// How many bytes went.
    type Done = usize;
    const CLAIM: Claim = Claim::Write;

    fn attempt(&mut self, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<usize> {
        if self.message.gso.is_some() {
            let message = std::slice::from_ref(&self.message);
            return gso::attempt(fd, message, self.flags).map(|went| went.iter().sum());
        }
        let Message { iov, to, ctrl, .. } = &self.message;
        let with = |parts: &[IoSlice<'_>], ctrl: &[u8]| sys::io::sendmsg(fd, parts, to.as_ref(), ctrl, self.flags);
        let send = |parts: &[IoSlice<'_>]| with(parts, ctrl);
        let len = iov.iter().map(|part| part.len()).sum();
        let result = if iov.len() <= IOV_MAX {
            send(iov)
        } else if kind.stream() {
            // Control messages go with the first byte.
            chunks(iov, |parts, first| with(parts, if first { ctrl } else { &[] }))
        } else {
            // A message goes in one call, so its parts are made one.
            let whole: Vec<u8> = iov.iter().flat_map(|part| part.iter().copied()).collect();
            send(&[IoSlice::new(&whole)])
        };
        untold(sent(result, len, kind), kind, to.is_some())
    }

    fn bytes(done: &usize) -> usize {
        *done
    }
}

/// Sends more parts than one call takes, for as long as they go whole.
fn chunks<'d>(iov: &[IoSlice<'d>], send: impl Fn(&[IoSlice<'d>], bool) -> sys::Result<usize>) -> sys::Result<usize> {
    let mut put = 0;
    for chunk in iov.chunks(IOV_MAX) {
        match send(chunk, put == 0) {
            Ok(went) => {
                put += went;
                if went < chunk.iter().map(|part| part.len()).sum() {
                    break;
                }
            }
            // What has gone is told first; the next call meets the error again.
            Err(_) if put > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(put)
}
