//! A poller on epoll(7).
//!
//! A descriptor is registered, edge-triggered, when somebody first waits for it, and stays until it is closed
//! (`registration`). Interest in writing is added when somebody first waits to write: a datagram socket with that
//! interest would report an event for every packet it has sent.

use crate::poller::busy::{Next, Role, Stand, Traffic};
use crate::poller::event::{Event, Ready};
use crate::poller::token::{Table, Token};
use crate::sys::{Result, processor};
use crate::wire::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Events fetched with one system call.
const BATCH: usize = 256;
/// Events that a helper fetches at once.
const HELPED: usize = 64;
/// How long a round of a helper's takes: it is on a scheduler.
pub const ROUND: Duration = Duration::from_millis(1);
/// The thread calls nothing that goes deep.
const STACK: usize = 256 * 1024;
/// The name of the event that wakes the thread for its own sake. No table gets so large.
const WAKEUP: u64 = u64::MAX;

/// Sources that no event will tell of, by when they are told all the same.
type Timers = BTreeMap<Instant, Vec<(Arc<dyn Ready>, EpollFlags)>>;

/// A thread that waits for events.
pub struct Poller {
    epoll: Epoll,
    sources: Mutex<Table<Arc<dyn Ready>>>,
    wakeup: EventFd,
    stopping: AtomicBool,
    timers: Mutex<Timers>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Times that anybody has asked for events.
    round: AtomicU64,
    /// How dense its events are, and those of the ring beside it.
    pub traffic: Arc<Traffic>,
    /// Who polls.
    pub role: Role,
}

impl Poller {
    /// Starts poller number `index`.
    pub fn start(index: usize) -> Result<Arc<Self>> {
        let poller = Arc::new(Self {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            sources: Mutex::default(),
            wakeup: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            stopping: AtomicBool::new(false),
            timers: Mutex::default(),
            thread: Mutex::new(None),
            round: AtomicU64::new(0),
            traffic: Arc::default(),
            role: Role::default(),
        });
        poller.epoll.add(&poller.wakeup, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKEUP))?;
        let builder = Builder::new().name(format!("esock_poll_{index}")).stack_size(STACK);
        let thread = builder.spawn({
            let poller = Arc::clone(&poller);
            move || {
                processor::unbind();
                poller.run();
            }
        });
        let thread = thread.map_err(|error| Errno::new(error.raw_os_error().unwrap_or(libc::EAGAIN)))?;
        *poller.thread.lock() = Some(thread);
        Ok(poller)
    }

    /// Registers a descriptor: `source` is told of its events from now on, and of what it is ready for
    /// already.
    pub fn add(&self, fd: BorrowedFd<'_>, interest: Interest, source: Arc<dyn Ready>) -> Result<Token> {
        let token = self.sources.lock().insert(source);
        let added = self.epoll.add(fd, interest.event(token));
        added.inspect_err(|_| drop(self.sources.lock().remove(token)))?;
        Ok(token)
    }

    /// Changes what is reported. What the descriptor is ready for already is reported again.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: Token, interest: Interest) -> Result<()> {
        Ok(self.epoll.modify(fd, &mut interest.event(token))?)
    }

    /// Ends a registration. It has to be ended by name: the kernel only does it by itself when the last descriptor
    /// of the open socket is closed, and there may be others (dup(2), descriptors passed on). No descriptor: it was closed by others, and
    /// its number is another's.
    pub fn remove(&self, fd: Option<BorrowedFd<'_>>, token: Token) {
        // It fails only if the descriptor is not registered, which is what is wanted.
        let _ = fd.map(|fd| self.epoll.delete(fd));
        // The source is dropped outside the lock: it may be the last one to know the socket.
        let source = self.sources.lock().remove(token);
        drop(source);
    }

    /// Tells a source, at a time, that it may be readable, or writable: the kernel has no event for what it waits for.
    pub fn notify_at(&self, at: Instant, writing: bool, source: Arc<dyn Ready>) {
        let mut timers = self.timers.lock();
        let sooner = timers.first_key_value().is_none_or(|(first, _)| at < *first);
        timers.entry(at).or_default().push((source, if writing { EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN }));
        if sooner {
            // It fails when the counter is at its end, and then the thread is being woken already.
            let _ = self.wakeup.write(1);
        }
    }

    /// The round that goes on, or was the last: an event of a later one is about what was so after this call.
    pub fn round(&self) -> u64 {
        fence(Ordering::SeqCst);
        self.round.load(Ordering::SeqCst)
    }

    /// How many descriptors are registered.
    pub fn registered(&self) -> usize {
        self.sources.lock().len()
    }

    /// Ends the thread and waits for it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        if self.wakeup.write(1).is_ok()
            && let Some(thread) = self.thread.lock().take()
        {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
    }

    /// One round of a helper, who comes again while the answer is `true`. It does not take much longer than [`ROUND`].
    pub fn busy_poll(&self) -> bool {
        if !self.role.helps() {
            return false;
        }
        let next = self.role.asked(self.poll::<HELPED>(EpollTimeout::ZERO, Some(Instant::now() + ROUND)));
        if next == Next::Lost {
            // What woke this one may have been for the thread, which sleeps.
            let _ = self.wakeup.write(1);
        }
        next == Next::Again
    }

    fn run(&self) {
        while !self.stopping() {
            self.poll::<BATCH>(self.timeout(), None);
            self.traffic.wakes(Instant::now());
            if self.role.hand_over(&self.traffic) {
                self.traffic.helped();
                loop {
                    let next = self.role.stand_by();
                    if next == Stand::Over || self.stopping() {
                        break;
                    }
                    if next == Stand::Look {
                        self.poll::<BATCH>(EpollTimeout::ZERO, None);
                    }
                }
                self.traffic.abates(Instant::now(), self.role.found());
            }
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits for events, `MOST` of them, and tells whom they are for; those it does not come to before `end` are put off.
    /// Answers how many there were.
    fn poll<const MOST: usize>(&self, timeout: EpollTimeout, end: Option<Instant>) -> usize {
        let mut events = [EpollEvent::empty(); MOST];
        let round = self.round.fetch_add(1, Ordering::SeqCst) + 1;
        // The only error that can come here is EINTR.
        let count = self.epoll.wait(&mut events, timeout).unwrap_or(0);
        let mut batch = Vec::with_capacity(count);
        self.sources(events.get(..count).unwrap_or_default(), &mut batch);
        let mut said = batch.len();
        self.expired(&mut batch);
        let mut batch = batch.into_iter();
        for (source, flags) in batch.by_ref() {
            let broken = flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
            let event = Event {
                readable: broken || flags.contains(EpollFlags::EPOLLIN),
                writable: broken || flags.contains(EpollFlags::EPOLLOUT),
                // An error may be one that is queued for another look.
                round: if said > 0 && !broken { round } else { 0 },
            };
            said = said.saturating_sub(1);
            // A panic costs its source an event, not the others theirs; the hook has written where it was.
            let _ = catch_unwind(AssertUnwindSafe(|| source.ready(event)));
            if end.is_some_and(|end| Instant::now() >= end) {
                break;
            }
        }
        self.requeue(batch.collect());
        count
    }

    /// Whose turn comes with the next round.
    fn requeue(&self, batch: Vec<(Arc<dyn Ready>, EpollFlags)>) {
        if !batch.is_empty() {
            self.timers.lock().entry(Instant::now()).or_default().extend(batch);
            let _ = self.wakeup.write(1);
        }
    }

    /// How long there is nothing to do but for events.
    fn timeout(&self) -> EpollTimeout {
        let due = self.timers.lock().first_key_value().map(|(due, _)| *due);
        let left = due.map(|due| due.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
        left.and_then(|left| EpollTimeout::try_from(left).ok()).unwrap_or(EpollTimeout::NONE)
    }

    /// Whoever has waited for long enough without an event.
    fn expired(&self, batch: &mut Vec<(Arc<dyn Ready>, EpollFlags)>) {
        let mut timers = self.timers.lock();
        while let Some(first) = timers.first_entry()
            && *first.key() <= Instant::now()
        {
            batch.extend(first.remove());
        }
    }

    /// Whose events these are. Sources that have left by now have none.
    fn sources(&self, events: &[EpollEvent], batch: &mut Vec<(Arc<dyn Ready>, EpollFlags)>) {
        let sources = self.sources.lock();
        batch.extend(events.iter().filter_map(|event| {
            let source = sources.get(Token::from_u64(event.data()))?;
            Some((Arc::clone(source), event.events()))
        }));
    }
}

/// What is to be reported, on the edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// what comes in
    pub read: bool,
    /// room for what goes out
    pub write: bool,
}

impl Interest {
    fn event(self, token: Token) -> EpollEvent {
        let mut flags = EpollFlags::EPOLLET;
        flags.set(EpollFlags::EPOLLIN, self.read);
        flags.set(EpollFlags::EPOLLOUT, self.write);
        EpollEvent::new(flags, token.to_u64())
    }
}
