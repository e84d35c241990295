//! Operations on a socket: the one way in for every call that may wait.

use crate::lane::{Claim, Waiters, Wake};
use crate::op::Op;
use crate::op::connect::Connect;
use crate::socket::answer::{Answer, Failure, Mode};
use crate::socket::readiness::Visit;
use crate::socket::{Outcome, Socket};
use crate::wire::addr::Raw;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl<W: Wake> Socket<W> {
    /// Does an operation for the process `me`, or has it wait: `waiter` is asked for then, and only then.
    pub fn run<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        mode: Mode,
        waiter: impl FnOnce() -> W,
    ) -> Outcome<Answer<O::Done>, W> {
        self.run_if(op, me, mode, waiter, |_| true)
    }

    /// The same, where the lane allows it.
    pub(crate) fn run_if<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        mode: Mode,
        waiter: impl FnOnce() -> W,
        allowed: impl FnOnce(&Waiters<W>) -> bool,
    ) -> Outcome<Answer<O::Done>, W> {
        self.hold(O::CLAIM.direction(), |state, wakes| {
            // Whoever closes has told those for whom something was to be done.
            let closed = if mode == Mode::Complete { Failure::InLine } else { Failure::Closed };
            let Some(descriptor) = state.own.fd.clone() else {
                return Answer::Failed(closed);
            };
            let Some(fd) = descriptor.as_fd() else {
                return Answer::Failed(closed);
            };
            if !allowed(&state.waiters) {
                return Answer::Failed(Failure::InLine);
            }
            let again = self.settings.select_read.load(Relaxed);
            Visit { socket: self, state, wakes, fd, me, mode, again, streams: false, follows: false }.run(op, waiter)
        })
    }

    /// How the connect under way has ended. Only who began it may ask.
    pub fn finish_connect(self: &Arc<Self>, me: W::Process, waiter: impl FnOnce() -> W) -> Outcome<Answer<()>, W> {
        let mine = |waiters: &Waiters<W>| {
            waiters.leads(me) && waiters.head.as_ref().is_some_and(|h| h.claim == Claim::Connect)
        };
        self.run_if(&mut Connect { to: Raw::default() }, me, Mode::Wait, waiter, mine)
    }
}
