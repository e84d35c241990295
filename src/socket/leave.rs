//! How waits end without a result: cancel, the death of a process, close.

use crate::lane::wakes::Wakes;
use crate::lane::{Cancelled, Claim, Direction, Reason, Wake};
use crate::ring::ahead::Ahead;
use crate::socket::answer::Failure;
use crate::socket::census::CENSUS;
use crate::socket::descriptor::Descriptor;
use crate::socket::{Outcome, Socket};
use crate::wire::errno::Errno;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What a socket that ends leaves: its descriptor, and the notifications of both lanes.
pub type Left<W> = (Descriptor, [Wakes<W>; 2]);

/// Why a socket keeps its descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The socket is closed, and has none.
    Closed,
    /// A ring has not released it yet: the caller is to ask again.
    ByRing,
    /// So many bytes of the stream were read ahead, and no call has received them.
    Unread(usize),
    /// An error of the stream, which the kernel does not report again. It is reported by this value, once.
    Failed(Errno),
}

impl<W: Wake> Socket<W> {
    /// Removes the waiter of `me` for which `matches` holds, under a handle of that tag. The failure `Closed` says
    /// that the socket is closed; if there was such a waiter, its message is in the inbox.
    pub fn cancel(
        self: &Arc<Self>,
        direction: Direction,
        (me, tag): (W::Process, u64),
        matches: impl Fn(&W) -> bool,
    ) -> Outcome<Result<Cancelled, Failure>, W> {
        self.hold(direction, |state, wakes| {
            let descriptor = state.data.fd.clone();
            let Some(fd) = descriptor.as_deref().and_then(Descriptor::as_fd) else {
                let sending = state.waiters.sending((me, tag), matches);
                return if sending { Ok(Cancelled::Sending) } else { Err(Failure::Closed) };
            };
            let claim = state.waiters.head.as_ref().map_or(Claim::Read, |head| head.claim);
            let head_before = state.waiters.head_ptr();
            let how = state.waiters.cancel((me, tag), matches, |next| self.ready_for_next(fd, claim, next), wakes);
            // It was for the waiter that had the turn.
            state.data.probe.take_if(|_| state.waiters.head_ptr() != head_before);
            Ok(how)
        })
    }

    /// Removes all waiters of a process that has ended, in both lanes, and its observers.
    pub fn remove_process(self: &Arc<Self>, process: W::Process) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            let (_, wakes) = self.hold(direction, |state, wakes| {
                if direction == Direction::Read {
                    self.remove_observers(process, wakes);
                }
                let fd = state.data.fd.clone();
                if let Some(fd) = fd.as_deref().and_then(Descriptor::as_fd) {
                    let claim = state.waiters.head.as_ref().map_or(Claim::Read, |head| head.claim);
                    let head_before = state.waiters.head_ptr();
                    state.waiters.remove_process(process, |next| self.ready_for_next(fd, claim, next), wakes);
                    state.data.probe.take_if(|_| state.waiters.head_ptr() != head_before);
                }
            });
            wakes
        })
    }

    /// Drops the records of waiters whose messages have been sent.
    pub fn sweep(&self) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| self.hold(direction, |state, _| state.waiters.sweep()).1)
    }

    /// Closes the socket: no call can use it from now on, and its waiters get `abort`. The first call gets the
    /// descriptor, and closes that; only this may block.
    pub fn close(&self) -> Option<Left<W>> {
        self.leave(|| Ok(())).0.ok()
    }

    /// Ends the socket as [`Socket::close`] does, for a caller that keeps the descriptor open. The descriptor is given
    /// up only if nothing of its stream is kept outside the kernel.
    pub fn detach(&self) -> Outcome<Result<Left<W>, Kept>, W> {
        self.leave(|| {
            if !self.share() {
                return Err(Kept::ByRing);
            }
            match self.read_ahead() {
                0 => {}
                unread => return Err(Kept::Unread(unread)),
            }
            let ahead = || self.ahead.as_ref().and_then(Ahead::take_error);
            let errno = self.pending_error.take().or_else(ahead).or_else(|| self.error_after_data.take());
            errno.map_or(Ok(()), |errno| Err(Kept::Failed(errno)))
        })
    }

    /// Takes the descriptor out of both lanes, if `allowed` says so with the read lane held.
    fn leave(&self, allowed: impl FnOnce() -> Result<(), Kept>) -> Outcome<Result<Left<W>, Kept>, W> {
        let (mine, read) = self.hold(Direction::Read, |state, wakes| {
            state.data.fd.as_ref().ok_or(Kept::Closed)?;
            allowed()?;
            state.waiters.abort(Reason::Closed, wakes);
            Ok((state.data.fd.take(), state.data.listening, self.abort_observers(wakes)))
        });
        let (descriptor, listening, duplicates) = match mine {
            Ok((Some(descriptor), listening, duplicates)) => (descriptor, listening, duplicates),
            Ok((None, ..)) => return (Err(Kept::Closed), read),
            Err(kept) => return (Err(kept), read),
        };
        let (_, write) = self.hold(Direction::Write, |state, wakes| {
            state.waiters.abort(Reason::Closed, wakes);
            state.data.probe = None;
            state.data.fd.take()
        });
        if let Some(fd) = descriptor.as_fd() {
            self.registration.end(fd, self.poller);
        }
        CENSUS.subtract(self.kind.domain, self.kind.kind, self.kind.protocol);
        // This is the last reference: a thread uses a descriptor only under the lock of a lane.
        let Some(mut descriptor) = Arc::into_inner(descriptor) else {
            return (Err(Kept::Closed), read);
        };
        descriptor.set_slow(self.lingers.load(Relaxed) || listening && descriptor.has_long_backlog() != Some(false));
        descriptor.set_duplicates(duplicates);
        if let Some(ahead) = &self.ahead {
            let (held, unread) = ahead.close();
            descriptor.set_read_ahead(held, unread);
        }
        (Ok((descriptor, [read, write])), Wakes::default())
    }
}
