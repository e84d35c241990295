//! One direction of a socket: who has the turn (the head), and the line behind.
//!
//! A lane names no socket and no process. Whoever waits in it is a [`Wake`]; whoever holds its lock and finds somebody
//! to wake puts him on a list ([`Wakes`]) and wakes him after letting go.
//!
//! The poller never waits for a lane: it leaves a mark and tries the lock. Where somebody else holds it, he sees the
//! mark when he lets go, so that no event is lost between an attempt that said EAGAIN and the wait that follows.

use crate::counter::Tally;
use crate::errno::Errno;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

/// Somebody who waits.
pub trait Wake: Send + Sync + 'static {
    /// What tells one waiting party from another: a process has one place in a line.
    type Process: Copy + Eq + Send + 'static;
    /// Who waits.
    fn process(&self) -> Self::Process;
    /// Tells him, from a thread of our own or in its place.
    fn wake(self: &Arc<Self>, signal: Signal);
    /// What he waits for is done in his place: woken, he does not come back himself.
    fn acts(&self) -> bool {
        false
    }
    /// Whether something is to be cleared up when he leaves the line ([`Signal::Left`]).
    fn clears_up(&self) -> bool;
}

/// What somebody who waits is told, exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Try again.
    Ready,
    /// It is over.
    Abort(Reason),
    /// He left the line by his own call: nothing is to be said, only cleared up.
    Left,
}

/// Why a wait was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The socket was closed, here or (on a stream) by the peer.
    Closed,
    /// Somebody else's attempt met this error, which concerns everybody.
    Errno(Errno),
}

/// What the holder of a turn is about to do. Accept and read, and connect and write, share a direction and exclude
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// recv and its kin
    Read,
    /// accept
    Accept,
    /// send and its kin
    Write,
    /// connect
    Connect,
}

/// Who has the turn.
pub struct Head<W> {
    /// The waiter that was, or will be, woken.
    pub waiter: Arc<W>,
    /// What he waits for.
    pub claim: Claim,
    /// Whether he is still to be woken. Once woken he keeps the turn until he comes back or cancels.
    pub armed: bool,
    /// He has the turn within a call of his own, which answers him.
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
    /// Nobody waits here under that handle.
    NotFound,
}

/// The line and its head.
pub struct Line<W> {
    /// Who has the turn, if anybody waits or was woken and has not come back.
    pub head: Option<Head<W>>,
    behind: VecDeque<(Claim, Arc<W>)>,
}

impl<W: Wake> Line<W> {
    /// Whose turn it is when `me` comes with `claim`.
    pub fn turn(&self, me: W::Process, claim: Claim) -> Turn {
        match &self.head {
            None => Turn::Mine,
            Some(head) if head.claim != claim => Turn::Excluded,
            Some(_) if self.leads(me) => Turn::Mine,
            Some(_) if self.behind.iter().any(|(_, waiter)| waiter.process() == me && !waiter.acts()) => Turn::InLine,
            Some(_) => Turn::Behind,
        }
    }

    /// Whether `me` has the turn itself. What is done in its place has one of its own, and a process any number of those.
    pub fn leads(&self, me: W::Process) -> bool {
        self.head.as_ref().is_some_and(|head| head.waiter.process() == me && !head.waiter.acts())
    }

    /// Whether `me` has the turn or a place behind.
    pub fn holds(&self, me: W::Process) -> bool {
        let head = self.head.iter().map(|head| &head.waiter);
        head.chain(self.behind.iter().map(|(_, waiter)| waiter)).any(|waiter| waiter.process() == me)
    }

    /// Whether the head was woken, and has not waited again since.
    pub fn woken(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.armed && !head.waiter.acts())
    }

    /// Goes to the end of the line.
    pub fn queue(&mut self, claim: Claim, waiter: W) {
        self.behind.push_back((claim, Arc::new(waiter)));
    }

    /// Takes, or keeps, the turn, to be woken at the next event. A handle from before is void.
    pub fn lead(&mut self, claim: Claim, waiter: W, wakes: &mut Wakes<'_, W>) {
        let new = Head { waiter: Arc::new(waiter), claim, armed: true, kept: false };
        wakes.left(self.head.replace(new).map(|head| head.waiter));
    }

    /// Passes the turn on. `ready` says whether there is something for the next one already: he is woken then.
    pub fn advance(&mut self, ready: impl FnOnce() -> bool, wakes: &mut Wakes<'_, W>) {
        let next = self.behind.pop_front().map(|(claim, waiter)| Head { waiter, claim, armed: true, kept: false });
        wakes.left(std::mem::replace(&mut self.head, next).map(|head| head.waiter));
        if self.head.is_some() && ready() {
            self.notify(wakes);
        }
    }

    /// Wakes the head, if he is still to be woken.
    pub fn notify(&mut self, wakes: &mut Wakes<'_, W>) {
        if let Some(head) = self.head.as_mut().filter(|head| head.armed) {
            head.armed = false;
            wakes.push(&head.waiter, Signal::Ready);
        }
    }

    /// Sends everybody home but `me`, to whom the caller says it himself.
    pub fn abort(&mut self, me: Option<W::Process>, reason: Reason, wakes: &mut Wakes<'_, W>) {
        // Who was woken comes back, and finds out. What is done in his place is not, any more.
        let head = self.head.take().map(|head| (head.armed || head.waiter.acts() && !head.kept, head.waiter));
        for (armed, waiter) in head.into_iter().chain(self.behind.drain(..).map(|(_, waiter)| (true, waiter))) {
            if armed && (Some(waiter.process()) != me || waiter.acts()) {
                wakes.push(&waiter, Signal::Abort(reason));
            } else {
                wakes.left(Some(waiter));
            }
        }
    }

    /// Takes out the waiter of `me` for which `is` holds.
    pub fn cancel(
        &mut self,
        me: W::Process,
        is: impl Fn(&W) -> bool,
        ready: impl FnOnce() -> bool,
        wakes: &mut Wakes<'_, W>,
    ) -> Cancelled {
        if let Some(head) = self.head.as_ref().filter(|head| head.waiter.process() == me && is(&head.waiter)) {
            let how = if head.armed { Cancelled::Clean } else { Cancelled::Sent };
            self.advance(ready, wakes);
            return how;
        }
        let place = self.behind.iter().position(|(_, waiter)| waiter.process() == me && is(waiter));
        match place.and_then(|place| self.behind.remove(place)) {
            Some((_, waiter)) => {
                wakes.left(Some(waiter));
                Cancelled::Clean
            }
            None => Cancelled::NotFound,
        }
    }

    /// How many wait for `claim`, the head among them.
    pub fn waiting(&self, claim: Claim) -> usize {
        let head = usize::from(self.head.as_ref().is_some_and(|head| head.claim == claim));
        head + self.behind.iter().filter(|(other, _)| *other == claim).count()
    }
}

/// What the lock of a lane protects: the line, the counters, and whatever else (`F`) belongs to the direction.
pub struct State<W, F> {
    /// Who waits.
    pub line: Line<W>,
    /// What reads (or writes) have done.
    pub tally: Tally,
    /// What accepts (or sendfiles) have done; most sockets never do either.
    pub apart: Option<Box<Tally>>,
    /// What the socket keeps here.
    pub own: F,
}

/// One direction of a socket.
pub struct Lane<W, F> {
    state: Mutex<State<W, F>>,
    /// An event came in while somebody held the lock.
    mark: AtomicBool,
    /// Waiters taken from the lane to be woken who have not been told yet.
    sending: AtomicU32,
}

impl<W: Wake, F> Lane<W, F> {
    /// A lane where nobody waits.
    pub fn new(own: F) -> Self {
        let line = Line { head: None, behind: VecDeque::new() };
        let state = State { line, tally: Tally::default(), apart: None, own };
        Self { state: Mutex::new(state), mark: AtomicBool::new(false), sending: AtomicU32::new(0) }
    }

    /// Holds the lane for the time of `work`. Whoever is to be woken is in the list beside the answer.
    pub fn hold<R>(&self, work: impl FnOnce(&mut State<W, F>, &mut Wakes<'_, W>) -> R) -> (R, Wakes<'_, W>) {
        let mut wakes = Wakes::new(&self.sending);
        let mut state = self.state.lock();
        let answer = work(&mut state, &mut wakes);
        drop(state);
        fence(Ordering::SeqCst);
        if self.mark.load(Ordering::Relaxed) {
            self.settle(&mut wakes);
        }
        (answer, wakes)
    }

    /// An event: wakes the head, or has the holder of the lock do it.
    pub fn event(&self) -> Wakes<'_, W> {
        let mut wakes = Wakes::new(&self.sending);
        self.mark.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.settle(&mut wakes);
        wakes
    }

    fn settle(&self, wakes: &mut Wakes<'_, W>) {
        while let Some(mut state) = self.state.try_lock() {
            if self.mark.swap(false, Ordering::Relaxed) {
                state.line.notify(wakes);
            }
            drop(state);
            fence(Ordering::SeqCst);
            if !self.mark.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// All have been told of [`Wakes::owed`].
    pub fn paid(&self) {
        self.sending.fetch_sub(1, Ordering::Release);
    }

    /// Waits until everybody who was taken from the lane to be woken has been told: what [`Cancelled::Sent`] promises
    /// holds from then on. It is the time of a message.
    pub fn told(&self) {
        while self.sending.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
    }
}

/// Waiters to be woken, each with what he is told. They are taken from the lane and no lock is held; whoever has the
/// list tells them, and drops it then.
#[must_use]
pub struct Wakes<'lane, W> {
    list: Vec<(Arc<W>, Signal)>,
    sending: &'lane AtomicU32,
    /// Somebody else, for whom this was done, is to be told first.
    owing: bool,
}

impl<'lane, W: Wake> Wakes<'lane, W> {
    fn new(sending: &'lane AtomicU32) -> Self {
        Self { list: Vec::new(), sending, owing: false }
    }

    fn push(&mut self, waiter: &Arc<W>, signal: Signal) {
        if self.list.is_empty() && !self.owing {
            self.sending.fetch_add(1, Ordering::Relaxed);
        }
        self.list.push((Arc::clone(waiter), signal));
    }

    fn left(&mut self, waiter: Option<Arc<W>>) {
        if let Some(waiter) = waiter.filter(|waiter| waiter.clears_up()) {
            self.push(&waiter, Signal::Left);
        }
    }

    /// Something is done for somebody who is told by who does it: until then it counts as not told. Under the lane.
    pub(crate) fn owe(&mut self) {
        if self.list.is_empty() && !self.owing {
            self.sending.fetch_add(1, Ordering::Relaxed);
        }
        self.owing = true;
    }

    /// Who is to be told after him. [`Lane::paid`] says that all have been.
    pub fn owed(mut self) -> Vec<(Arc<W>, Signal)> {
        self.owe();
        self.owing = false;
        std::mem::take(&mut self.list)
    }

    /// Whether there is nobody to tell.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Who is to be told what.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<W>, Signal)> {
        self.list.iter().map(|(waiter, signal)| (waiter, *signal))
    }

    /// Tells everybody, from a thread of our own or in its place.
    pub fn tell(self) {
        for (waiter, signal) in self.iter() {
            waiter.wake(signal);
        }
    }
}

impl<W> Drop for Wakes<'_, W> {
    fn drop(&mut self) {
        if !self.list.is_empty() || self.owing {
            self.sending.fetch_sub(1, Ordering::Release);
        }
    }
}
