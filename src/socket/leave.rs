//! How waits end without an answer: cancel, the death of a process, close.

use crate::lane::wakes::Wakes;
use crate::lane::{Cancelled, Claim, Direction, Reason, Wake};
use crate::socket::answer::Failure;
use crate::socket::census::CENSUS;
use crate::socket::descriptor::Descriptor;
use crate::socket::{Outcome, Socket};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl<W: Wake> Socket<W> {
    /// Takes the waiter of `me`, under a handle of that tag, for which `is` holds out of its lane. An error says that the socket
    /// is closed; if it waited, its message is in the inbox.
    pub fn cancel(
        self: &Arc<Self>,
        direction: Direction,
        (me, tag): (W::Process, u64),
        is: impl Fn(&W) -> bool,
    ) -> Outcome<Result<Cancelled, Failure>, W> {
        self.hold(direction, |state, wakes| {
            let descriptor = state.own.fd.clone();
            let Some(fd) = descriptor.as_deref().and_then(Descriptor::as_fd) else {
                let sending = state.waiters.sending((me, tag), is);
                return if sending { Ok(Cancelled::Sending) } else { Err(Failure::Closed) };
            };
            let claim = state.waiters.head.as_ref().map_or(Claim::Read, |head| head.claim);
            let led = state.waiters.first();
            let how = state.waiters.cancel((me, tag), is, |next| self.ready_for_next(fd, claim, next), wakes);
            // It was for who had the turn.
            state.own.probe.take_if(|_| state.waiters.first() != led);
            Ok(how)
        })
    }

    /// Takes a process that has ended out of both lanes.
    pub fn gone(self: &Arc<Self>, process: W::Process) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            let (_, wakes) = self.hold(direction, |state, wakes| {
                let fd = state.own.fd.clone();
                if let Some(fd) = fd.as_deref().and_then(Descriptor::as_fd) {
                    let claim = state.waiters.head.as_ref().map_or(Claim::Read, |head| head.claim);
                    let led = state.waiters.first();
                    state.waiters.gone(process, |next| self.ready_for_next(fd, claim, next), wakes);
                    state.own.probe.take_if(|_| state.waiters.first() != led);
                }
            });
            wakes
        })
    }

    /// Forgets the waiters that have had their messages.
    pub fn sweep(&self) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| self.hold(direction, |state, _| state.waiters.sweep()).1)
    }

    /// Closes the socket: nobody can use it from now on, and everybody who waits is told. The first caller gets the
    /// descriptor, which is to be closed; it blocks there if anywhere.
    pub fn close(&self) -> Option<(Descriptor, [Wakes<W>; 2])> {
        let ((mine, listening), read) = self.hold(Direction::Read, |state, wakes| {
            state.waiters.abort(Reason::Closed, wakes);
            (state.own.fd.take(), state.own.listening)
        });
        let descriptor = mine?;
        let (_, write) = self.hold(Direction::Write, |state, wakes| {
            state.waiters.abort(Reason::Closed, wakes);
            state.own.probe = None;
            state.own.fd.take()
        });
        if let Some(fd) = descriptor.as_fd() {
            self.registration.end(fd, self.poller);
        }
        CENSUS.leave(self.kind.domain, self.kind.kind, self.kind.protocol);
        // Nobody else has it: who uses a descriptor holds a lane.
        let mut descriptor = Arc::into_inner(descriptor)?;
        descriptor.set_slow(self.lingers.load(Relaxed) || listening && descriptor.crowded() != Some(false));
        if let Some(ahead) = &self.ahead {
            let (held, unread) = ahead.close();
            descriptor.read_ahead(held, unread);
        }
        Some((descriptor, [read, write]))
    }
}
