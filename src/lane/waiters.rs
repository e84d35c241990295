//! The waiters of one direction: the head, which has the turn, and the queue behind it.

use super::claim::Claim;
use super::queue::Queue;
use super::wake::{Reason, Signal, Wake};
use super::wakes::Wakes;
use std::sync::{Arc, Weak};

/// Who has the turn.
pub struct Head<W> {
    /// The waiter that was, or will be, woken.
    pub waiter: Arc<W>,
    /// What it waits for.
    pub claim: Claim,
    /// It is still to be woken. Once woken it keeps the turn until it comes back or cancels.
    pub armed: bool,
    /// It has the turn within a call of its own process, and that call answers.
    pub kept: bool,
}

/// Whose turn it is, seen from one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This process's: go on.
    Mine,
    /// Somebody else's: stand in line.
    Behind,
    /// Somebody else's, and this process stands in line already.
    InLine,
    /// Somebody is doing what excludes this.
    Excluded,
}

/// How a cancel went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Nothing had been sent, and nothing will be.
    Clean,
    /// The message is in the inbox.
    Sent,
    /// The message is in flight: ask again.
    Sending,
    /// There is no waiter under that handle. If there was one, its message is in the inbox.
    NotFound,
}

/// The head and the queue behind it.
pub struct Waiters<W: Wake> {
    /// Who has the turn, if anybody waits or was woken and has not come back.
    pub head: Option<Head<W>>,
    /// Most sockets never have a queue.
    behind: Option<Box<Queue<W>>>,
    /// Waiters that have left and are sent a message, which may still be in flight. They are dropped some time after it.
    in_flight: Vec<Weak<W>>,
    /// The same, of whole queues.
    aborted: Vec<Weak<Queue<W>>>,
}

/// How many waiters that may have had their messages are kept in mind.
const IN_FLIGHT: usize = 4;

impl<W: Wake> Default for Waiters<W> {
    fn default() -> Self {
        Self { head: None, behind: None, in_flight: Vec::new(), aborted: Vec::new() }
    }
}

impl<W: Wake> Waiters<W> {
    /// Whose turn it is when `me` comes with `claim`.
    pub fn turn(&self, me: W::Process, claim: Claim) -> Turn {
        match &self.head {
            None => Turn::Mine,
            Some(head) if head.claim != claim => Turn::Excluded,
            Some(_) if self.leads(me) => Turn::Mine,
            Some(_) if self.behind.as_ref().is_some_and(|behind| behind.has_own(me)) => Turn::InLine,
            Some(_) => Turn::Behind,
        }
    }

    /// Whether `me` itself has the turn. A pending completion has a turn of its own, and a process any number of those.
    pub fn leads(&self, me: W::Process) -> bool {
        self.head.as_ref().is_some_and(|head| head.waiter.process() == me && !head.waiter.is_completion())
    }

    /// The waiters of a process.
    pub fn of(&self, process: W::Process) -> impl Iterator<Item = &Arc<W>> {
        let head = self.head.iter().map(|head| &head.waiter).filter(move |waiter| waiter.process() == process);
        head.chain(self.behind.iter().flat_map(move |behind| behind.of(process)))
    }

    /// Which waiter has the turn.
    pub fn first(&self) -> Option<*const W> {
        self.head.as_ref().map(|head| Arc::as_ptr(&head.waiter))
    }

    /// Whether the head was woken, and has not waited again since.
    pub fn woken(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.armed && !head.waiter.is_completion())
    }

    /// Goes to the end of the queue.
    pub fn queue(&mut self, claim: Claim, waiter: W) {
        self.behind.get_or_insert_default().push(claim, Arc::new(waiter));
    }

    /// A call of the process that has the turn takes the place of its wait from before, which is told so if it has been told nothing.
    pub fn supersede(&mut self, wakes: &mut Wakes<W>) {
        if let Some(head) = self.head.as_mut().filter(|head| head.armed && head.waiter.relies_on_select()) {
            head.armed = false;
            let waiter = Arc::clone(&head.waiter);
            self.track_in_flight(&waiter);
            wakes.add(waiter, Signal::Abort(Reason::Cancelled));
        }
    }

    /// Takes, or keeps, the turn, to be woken at the next event.
    pub fn lead(&mut self, claim: Claim, waiter: W, wakes: &mut Wakes<W>) {
        self.supersede(wakes);
        let new = Head { waiter: Arc::new(waiter), claim, armed: true, kept: false };
        wakes.departed(self.head.replace(new).map(|head| head.waiter));
    }

    /// Passes the turn on. `ready` says whether there is something for the next waiter already: it is woken then.
    pub fn advance(&mut self, ready: impl FnOnce(&W) -> bool, wakes: &mut Wakes<W>) {
        let next = self.behind.as_mut().and_then(|behind| behind.pop());
        let next = next.map(|(claim, waiter)| Head { waiter, claim, armed: true, kept: false });
        wakes.departed(std::mem::replace(&mut self.head, next).map(|head| head.waiter));
        if self.head.as_ref().is_some_and(|head| ready(&head.waiter)) {
            self.notify(wakes);
        }
    }

    /// The same, where the head is a completion that is sent its result now.
    pub fn complete(&mut self, ready: impl FnOnce(&W) -> bool, wakes: &mut Wakes<W>) {
        if let Some(waiter) = self.head.as_ref().map(|head| Arc::clone(&head.waiter)) {
            self.track_in_flight(&waiter);
        }
        self.advance(ready, wakes);
    }

    /// Wakes the head, if it is still to be woken.
    pub fn notify(&mut self, wakes: &mut Wakes<W>) {
        if let Some(head) = self.head.as_mut().filter(|head| head.armed) {
            head.armed = false;
            wakes.add(Arc::clone(&head.waiter), Signal::Ready);
        }
    }

    /// Whether the head goes by what its message says: an event is not enough to wake it.
    pub fn relies_on_select(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.armed && head.waiter.relies_on_select())
    }

    /// Ends all waits. A waiter that was told to try again comes back, and finds out; everybody else is told. The caller of
    /// an operation that failed has given up its own turn before: its call answers.
    pub fn abort(&mut self, reason: Reason, wakes: &mut Wakes<W>) {
        let head = self.head.take().map(|head| (head.armed || head.waiter.is_completion() && !head.kept, head.waiter));
        match head {
            Some((true, waiter)) => {
                self.track_in_flight(&waiter);
                wakes.add(waiter, Signal::Abort(reason));
            }
            Some((false, waiter)) => wakes.departed(Some(waiter)),
            None => {}
        }
        // Not one by one: they may be many, and this is a scheduler.
        if let Some(behind) = self.behind.take() {
            let behind = Arc::new(*behind);
            self.sweep();
            self.aborted.push(Arc::downgrade(&behind));
            wakes.abort(behind, reason);
        }
    }

    /// Takes out the waiter of `me`, under a handle of that tag, for which `is` holds.
    pub fn cancel(
        &mut self,
        (me, tag): (W::Process, u64),
        is: impl Fn(&W) -> bool,
        ready: impl FnOnce(&W) -> bool,
        wakes: &mut Wakes<W>,
    ) -> Cancelled {
        if let Some(head) = self.head.as_ref().filter(|head| head.waiter.process() == me && is(&head.waiter)) {
            let how = match (head.armed || head.kept || head.waiter.is_completion(), head.waiter.notified()) {
                // Nothing is sent to who has the turn in a call, and who does it in its place finds that it has left.
                (true, _) => Cancelled::Clean,
                (false, true) => Cancelled::Sent,
                (false, false) => return Cancelled::Sending,
            };
            self.advance(ready, wakes);
            return how;
        }
        match self.behind.as_mut().and_then(|behind| behind.remove(me, tag, &is)) {
            Some(waiter) => {
                wakes.departed(Some(waiter));
                Cancelled::Clean
            }
            None if self.sending((me, tag), is) => Cancelled::Sending,
            None => Cancelled::NotFound,
        }
    }

    /// Whether a message to the waiter of `me` for which `is` holds is in flight.
    pub fn sending(&self, (me, tag): (W::Process, u64), is: impl Fn(&W) -> bool) -> bool {
        let mine = |waiter: &W| waiter.process() == me && is(waiter) && !waiter.notified();
        self.in_flight.iter().filter_map(Weak::upgrade).any(|waiter| mine(&waiter))
            || self.aborted.iter().filter_map(Weak::upgrade).any(|queue| queue.find(me, tag, mine).is_some())
    }

    /// Takes out all waiters of a process that has ended.
    pub fn gone(&mut self, process: W::Process, ready: impl FnOnce(&W) -> bool, wakes: &mut Wakes<W>) {
        let behind = self.behind.as_mut().map(|behind| behind.remove_all(process)).unwrap_or_default();
        // With pending completions they may be many: where they are dropped, there is time for it.
        behind.into_iter().for_each(|waiter| wakes.add(waiter, Signal::Departed));
        if self.head.as_ref().is_some_and(|head| head.waiter.process() == process) {
            self.advance(ready, wakes);
        }
    }

    /// A message is sent to a waiter that is in the lane no more.
    fn track_in_flight(&mut self, waiter: &Arc<W>) {
        if self.in_flight.len() >= IN_FLIGHT {
            self.sweep();
        }
        self.in_flight.push(Arc::downgrade(waiter));
    }

    /// Drops what is known of waiters that have had their messages.
    pub fn sweep(&mut self) {
        self.in_flight.retain(|waiter| waiter.upgrade().is_some_and(|waiter| !waiter.notified()));
        self.aborted.retain(|queue| queue.strong_count() > 0);
    }

    /// How many wait for `claim`, the head among them.
    pub fn waiting(&self, claim: Claim) -> usize {
        let head = usize::from(self.head.as_ref().is_some_and(|head| head.claim == claim));
        head + self.behind.as_ref().map_or(0, |behind| behind.waiting(claim))
    }
}
