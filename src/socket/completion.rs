//! Completion: what processes wait for is done in their place, and what a ring receives for a stream.

use crate::lane::wakes::Wakes;
use crate::lane::{Direction, Waiters, Wake};
use crate::op::Op;
use crate::poller::event::Ready;
use crate::ring::thread::Intake;
use crate::socket::answer::{Answer, Mode};
use crate::socket::descriptor::Descriptor;
use crate::socket::{Outcome, Socket};
use crate::wire::errno::Errno;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

impl<W: Wake> Socket<W> {
    /// Does what the process behind `waiter` waits for in its place: it has been woken, and keeps its turn. `fresh` makes
    /// the one that waits on, where there is nothing yet. A failure `InLine` says that it has left the line.
    pub fn proceed<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        is: impl Fn(&W) -> bool,
        fresh: impl FnOnce() -> W,
    ) -> Outcome<Answer<O::Done>, W> {
        let woken = |waiters: &Waiters<W>| waiters.head.as_ref().is_some_and(|head| !head.armed && is(&head.waiter));
        self.run_if(op, me, Mode::Complete, fresh, woken)
    }

    /// Shows somebody the waiter that was woken, or has the turn in a call.
    pub fn with_woken(&self, is: impl Fn(&W) -> bool, show: impl Fn(&W)) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            let (_, wakes) = self.hold(direction, |state, _| {
                let head = state.waiters.head.as_ref().filter(|head| !head.armed && is(&head.waiter));
                head.map(|head| show(&head.waiter))
            });
            wakes
        })
    }

    /// Leaves it to the poller to do what a process waits for that was woken here. Answers whether it has the turn, in each
    /// direction: who has left the line meanwhile was told why, or is to be.
    pub fn hand_to_poller(self: &Arc<Self>, is: impl Fn(&W) -> bool) -> [Outcome<bool, W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            let (found, wakes) = self.hold(direction, |state, _| {
                let head = state.waiters.head.as_mut().filter(|head| !head.armed && is(&head.waiter));
                head.map(|head| (head.armed, head.kept) = (true, false)).is_some()
            });
            if found {
                let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
                self.poller.notify_at(Instant::now(), direction == Direction::Write, source);
            }
            (found, wakes)
        })
    }

    /// Takes out a completion that was woken, whose process is told why no operation was attempted. Answers whether it still had
    /// the turn.
    pub fn refuse(self: &Arc<Self>, is: impl Fn(&W) -> bool) -> [Outcome<bool, W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            self.hold(direction, |state, wakes| {
                let descriptor = state.own.fd.clone();
                let fd = descriptor.as_deref().and_then(Descriptor::as_fd);
                let head = state.waiters.head.as_ref().filter(|head| !head.armed && is(&head.waiter));
                let claim = head.map(|head| head.claim);
                if let (Some(claim), Some(fd)) = (claim, fd) {
                    state.waiters.complete(|next| self.ready_for_next(fd, claim, next), wakes);
                }
                claim.is_some()
            })
        })
    }
}

impl<W: Wake> Intake for Socket<W> {
    fn on_bytes(&self, bytes: &[u8], dense: bool) -> bool {
        let most = self.settings.read_ahead.load(Relaxed);
        self.ahead.as_ref().is_some_and(|ahead| ahead.on_bytes(bytes, most, dense))
    }

    fn on_end(&self, errno: Option<Errno>) {
        if let Some(ahead) = &self.ahead {
            ahead.on_end(errno);
        }
    }
}
