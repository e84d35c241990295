//! The waiters of one direction: whose turn it is (the head), and which calls wait behind it.

use super::claim::Claim;
use super::queue::Queue;
use super::wake::{Reason, Signal, Wake};
use super::wakes::Wakes;
use std::sync::{Arc, Weak};

/// The head: the waiter that has the turn.
pub struct Head<W> {
    /// the waiter, which was or will be notified
    pub waiter: Arc<W>,
    /// what it waits for
    pub claim: Claim,
    /// The next event notifies it. If this is false it was notified, or is in a call. A notified head keeps the turn
    /// until its process calls again or cancels.
    pub awaits_event: bool,
    /// A call of its own process keeps the turn (`LockedCall::keep_turn`). That call answers, so the waiter gets no
    /// message.
    pub in_call: bool,
}

/// The turn, as a process finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The process has it: attempt.
    Mine,
    /// Another waiter has it: join the queue.
    Behind,
    /// Another waiter has it, and the process already waits in the queue.
    AlreadyQueued,
    /// The head has another claim, which excludes this one.
    Excluded,
}

/// The result of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// No message was sent, and none will be.
    Clean,
    /// The message was sent: it is in the inbox.
    Sent,
    /// The message is in flight: cancel again.
    Sending,
    /// No waiter has that handle. If there was one, its message is in the inbox.
    NotFound,
}

/// The head and the queue behind it.
pub struct Waiters<W: Wake> {
    /// the head: a waiter that waits, or that was notified and whose process has not called again
    pub head: Option<Head<W>>,
    /// the queue; most sockets never have one
    behind: Option<Box<Queue<W>>>,
    /// Waiters that have left the lane and get a message, which may still be in flight. [`Waiters::sweep`] drops
    /// those whose message has been sent.
    in_flight: Vec<Weak<W>>,
    /// Whole queues that were aborted, likewise.
    aborted: Vec<Weak<Queue<W>>>,
}

/// If `in_flight` has this many entries, the next one sweeps it first.
const SWEEP_AT: usize = 4;

impl<W: Wake> Default for Waiters<W> {
    fn default() -> Self {
        Self { head: None, behind: None, in_flight: Vec::new(), aborted: Vec::new() }
    }
}

impl<W: Wake> Waiters<W> {
    /// The turn, when the process `me` calls with `claim`.
    pub fn turn(&self, me: W::Process, claim: Claim) -> Turn {
        match &self.head {
            None => Turn::Mine,
            Some(head) if head.claim != claim => Turn::Excluded,
            Some(_) if self.is_head(me) => Turn::Mine,
            Some(_) if self.behind.as_ref().is_some_and(|behind| behind.has_own(me)) => Turn::AlreadyQueued,
            Some(_) => Turn::Behind,
        }
    }

    /// Whether the head is the own wait of `me`. A pending completion is a waiter of its own; a process may have any
    /// number of completions.
    pub fn is_head(&self, me: W::Process) -> bool {
        self.head.as_ref().is_some_and(|head| head.waiter.process() == me && !head.waiter.is_completion())
    }

    /// The waiters of a process, the head included.
    pub fn of_process(&self, process: W::Process) -> impl Iterator<Item = &Arc<W>> {
        let head = self.head.iter().map(|head| &head.waiter).filter(move |waiter| waiter.process() == process);
        head.chain(self.behind.iter().flat_map(move |behind| behind.of_process(process)))
    }

    /// The address of the head, to see whether it has changed.
    pub fn head_ptr(&self) -> Option<*const W> {
        self.head.as_ref().map(|head| Arc::as_ptr(&head.waiter))
    }

    /// Whether the head is not a completion, and was notified and has not waited again since (or is in a call).
    pub fn head_notified(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.awaits_event && !head.waiter.is_completion())
    }

    /// Appends a waiter to the queue.
    pub fn enqueue(&mut self, claim: Claim, waiter: W) {
        self.behind.get_or_insert_default().push(claim, Arc::new(waiter));
    }

    /// A new call of the head's process replaces its earlier wait. If that wait relies on `select` and was not
    /// notified, it gets `abort` with the reason `cancelled`.
    pub fn supersede(&mut self, wakes: &mut Wakes<W>) {
        if let Some(head) = self.head.as_mut().filter(|head| head.awaits_event && head.waiter.relies_on_select()) {
            head.awaits_event = false;
            let waiter = Arc::clone(&head.waiter);
            self.track_in_flight(&waiter);
            wakes.add(waiter, Signal::Abort(Reason::Cancelled));
        }
    }

    /// Makes a waiter the head, in place of the present one if there is one. The next event notifies it.
    pub fn become_head(&mut self, claim: Claim, waiter: W, wakes: &mut Wakes<W>) {
        self.supersede(wakes);
        let new = Head { waiter: Arc::new(waiter), claim, awaits_event: true, in_call: false };
        wakes.departed(self.head.replace(new).map(|head| head.waiter));
    }

    /// Removes the head: the next waiter becomes the head. If `ready` says that it would not block, it is notified.
    pub fn advance(&mut self, ready: impl FnOnce(&W) -> bool, wakes: &mut Wakes<W>) {
        let next = self.behind.as_mut().and_then(|behind| behind.pop());
        let next = next.map(|(claim, waiter)| Head { waiter, claim, awaits_event: true, in_call: false });
        wakes.departed(std::mem::replace(&mut self.head, next).map(|head| head.waiter));
        if self.head.as_ref().is_some_and(|head| ready(&head.waiter)) {
            self.notify(wakes);
        }
    }

    /// The same, for a completion whose result is about to be sent. Until it is sent, a cancel answers `Sending`.
    pub fn complete(&mut self, ready: impl FnOnce(&W) -> bool, wakes: &mut Wakes<W>) {
        if let Some(waiter) = self.head.as_ref().map(|head| Arc::clone(&head.waiter)) {
            self.track_in_flight(&waiter);
        }
        self.advance(ready, wakes);
    }

    /// Notifies the head, unless it was notified.
    pub fn notify(&mut self, wakes: &mut Wakes<W>) {
        if let Some(head) = self.head.as_mut().filter(|head| head.awaits_event) {
            head.awaits_event = false;
            wakes.add(Arc::clone(&head.waiter), Signal::Ready);
        }
    }

    /// Whether the head waits and relies on `select` ([`Wake::relies_on_select`]): an event alone does not notify it.
    pub fn relies_on_select(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.awaits_event && head.waiter.relies_on_select())
    }

    /// Ends all waits. The head gets no `abort` if it is in a call, which answers, or if it was notified and is no
    /// completion: its process calls again and finds out. All other waiters get `abort`. A call that failed has given
    /// up its own turn before, because it answers itself.
    pub fn abort(&mut self, reason: Reason, wakes: &mut Wakes<W>) {
        let head = self
            .head
            .take()
            .map(|head| (head.awaits_event || head.waiter.is_completion() && !head.in_call, head.waiter));
        match head {
            Some((true, waiter)) => {
                self.track_in_flight(&waiter);
                wakes.add(waiter, Signal::Abort(reason));
            }
            Some((false, waiter)) => wakes.departed(Some(waiter)),
            None => {}
        }
        // As a whole: the queue may be long, and this runs on a scheduler.
        if let Some(behind) = self.behind.take() {
            let behind = Arc::new(*behind);
            self.sweep();
            self.aborted.push(Arc::downgrade(&behind));
            wakes.abort(behind, reason);
        }
    }

    /// Removes the waiter of `me` for which `matches` holds, under a handle of that tag.
    pub fn cancel(
        &mut self,
        (me, tag): (W::Process, u64),
        matches: impl Fn(&W) -> bool,
        ready: impl FnOnce(&W) -> bool,
        wakes: &mut Wakes<W>,
    ) -> Cancelled {
        if let Some(head) = self.head.as_ref().filter(|head| head.waiter.process() == me && matches(&head.waiter)) {
            let how = match (head.awaits_event || head.in_call || head.waiter.is_completion(), head.waiter.notified()) {
                // A head in a call gets no message. The thread that makes the call of a completion finds that the
                // completion has left the lane.
                (true, _) => Cancelled::Clean,
                (false, true) => Cancelled::Sent,
                (false, false) => return Cancelled::Sending,
            };
            self.advance(ready, wakes);
            return how;
        }
        match self.behind.as_mut().and_then(|behind| behind.remove(me, tag, &matches)) {
            Some(waiter) => {
                wakes.departed(Some(waiter));
                Cancelled::Clean
            }
            None if self.sending((me, tag), matches) => Cancelled::Sending,
            None => Cancelled::NotFound,
        }
    }

    /// Whether a message is in flight to the waiter of `me` for which `matches` holds.
    pub fn sending(&self, (me, tag): (W::Process, u64), matches: impl Fn(&W) -> bool) -> bool {
        let mine = |waiter: &W| waiter.process() == me && matches(waiter) && !waiter.notified();
        self.in_flight.iter().filter_map(Weak::upgrade).any(|waiter| mine(&waiter))
            || self.aborted.iter().filter_map(Weak::upgrade).any(|queue| queue.find(me, tag, mine).is_some())
    }

    /// Removes all waiters of a process that has ended.
    pub fn remove_process(&mut self, process: W::Process, ready: impl FnOnce(&W) -> bool, wakes: &mut Wakes<W>) {
        let behind = self.behind.as_mut().map(|behind| behind.remove_all(process)).unwrap_or_default();
        // With pending completions they may be many. They are dropped with the list, after the lock is released.
        behind.into_iter().for_each(|waiter| wakes.add(waiter, Signal::Departed));
        if self.head.as_ref().is_some_and(|head| head.waiter.process() == process) {
            self.advance(ready, wakes);
        }
    }

    /// Records a waiter that has left the lane and gets a message.
    fn track_in_flight(&mut self, waiter: &Arc<W>) {
        if self.in_flight.len() >= SWEEP_AT {
            self.sweep();
        }
        self.in_flight.push(Arc::downgrade(waiter));
    }

    /// Drops the records of waiters whose messages have been sent.
    pub fn sweep(&mut self) {
        self.in_flight.retain(|waiter| waiter.upgrade().is_some_and(|waiter| !waiter.notified()));
        self.aborted.retain(|queue| queue.strong_count() > 0);
    }

    /// How many wait with `claim`, the head included.
    pub fn count(&self, claim: Claim) -> usize {
        let head = usize::from(self.head.as_ref().is_some_and(|head| head.claim == claim));
        head + self.behind.as_ref().map_or(0, |behind| behind.count(claim))
    }
}
