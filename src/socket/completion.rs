//! Completions: calls that are made in place of the process that waits, and the bytes that a ring receives for a
//! stream.

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
    /// Makes the next attempt of a completion, in place of its process. The waiter was notified and is still the
    /// head. If the attempt would block, `new_waiter` makes the waiter that waits on. The failure `NotHead` says that
    /// the waiter has left the lane.
    pub fn proceed<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        matches: impl Fn(&W) -> bool,
        new_waiter: impl FnOnce() -> W,
    ) -> Outcome<Answer<O::Done>, W> {
        let woken = |waiters: &Waiters<W>| {
            waiters.head.as_ref().is_some_and(|head| !head.awaits_event && matches(&head.waiter))
        };
        self.run_if(op, me, Mode::Complete, new_waiter, woken)
    }

    /// Calls `show` with the head, if it was notified or is in a call, and `matches` holds.
    pub fn with_woken(&self, matches: impl Fn(&W) -> bool, show: impl Fn(&W)) -> [Wakes<W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            let (_, wakes) = self.hold(direction, |state, _| {
                let head = state.waiters.head.as_ref().filter(|head| !head.awaits_event && matches(&head.waiter));
                head.map(|head| show(&head.waiter))
            });
            wakes
        })
    }

    /// Leaves the next attempt of a completion that was notified, or that has the turn in a call, to the poller: by a
    /// timer that expires at once. Returns for each direction whether the completion is the head. If it has left the
    /// lane, it was aborted or cancelled, and its process has the reason or gets it.
    pub fn hand_to_poller(self: &Arc<Self>, matches: impl Fn(&W) -> bool) -> [Outcome<bool, W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            let (found, wakes) = self.hold(direction, |state, _| {
                let head = state.waiters.head.as_mut().filter(|head| !head.awaits_event && matches(&head.waiter));
                head.map(|head| (head.awaits_event, head.in_call) = (true, false)).is_some()
            });
            if found {
                let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
                self.poller.notify_at(Instant::now(), direction == Direction::Write, source);
            }
            (found, wakes)
        })
    }

    /// Removes a completion that was notified, but for which no operation was attempted. The caller of this function
    /// sends the reason to the process. Returns for each direction whether the completion was still the head.
    pub fn refuse(self: &Arc<Self>, matches: impl Fn(&W) -> bool) -> [Outcome<bool, W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| {
            self.hold(direction, |state, wakes| {
                let descriptor = state.data.fd.clone();
                let fd = descriptor.as_deref().and_then(Descriptor::as_fd);
                let head = state.waiters.head.as_ref().filter(|head| !head.awaits_event && matches(&head.waiter));
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
