//! Operations on a socket: the only entry for calls that may wait.

use crate::lane::{Claim, Waiters, Wake};
use crate::op::Op;
use crate::op::connect::Connect;
use crate::socket::answer::{Answer, Failure, Mode};
use crate::socket::readiness::LockedCall;
use crate::socket::{Outcome, Socket};
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl<W: Wake> Socket<W> {
    /// Runs an operation for the process `me`. If the call has to wait, `waiter` makes its waiter; otherwise it is
    /// not called.
    pub fn run<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        mode: Mode,
        waiter: impl FnOnce() -> W,
    ) -> Outcome<Answer<O::Done>, W> {
        self.run_if(op, me, mode, waiter, |_| true)
    }

    /// The same, if `allowed` says so under the lock. If not, the failure is `NotHead`.
    pub(crate) fn run_if<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        mode: Mode,
        waiter: impl FnOnce() -> W,
        allowed: impl FnOnce(&Waiters<W>) -> bool,
    ) -> Outcome<Answer<O::Done>, W> {
        self.hold(O::CLAIM.direction(), |state, wakes| {
            // The close has already aborted the completion.
            let closed = if mode == Mode::Complete { Failure::NotHead } else { Failure::Closed };
            let Some(descriptor) = state.data.fd.clone() else {
                return Answer::Failed(closed);
            };
            let Some(fd) = descriptor.as_fd() else {
                return Answer::Failed(closed);
            };
            if !self.kind.is_socket() {
                return Answer::Failed(Failure::Errno(Errno::new(libc::ENOTSOCK)));
            }
            if !allowed(&state.waiters) {
                return Answer::Failed(Failure::NotHead);
            }
            let select_read = self.settings.select_read.load(Relaxed);
            LockedCall { socket: self, state, wakes, fd, me, mode, select_read, reads_stream: false, follows: false }
                .run(op, waiter)
        })
    }

    /// The result of the connect under way. Only the process that began it may ask.
    pub fn finish_connect(self: &Arc<Self>, me: W::Process, waiter: impl FnOnce() -> W) -> Outcome<Answer<()>, W> {
        let is_connecting_head = |waiters: &Waiters<W>| {
            waiters.is_head(me) && waiters.head.as_ref().is_some_and(|h| h.claim == Claim::Connect)
        };
        self.run_if(&mut Connect { to: Raw::default() }, me, Mode::Wait, waiter, is_connecting_head)
    }
}
