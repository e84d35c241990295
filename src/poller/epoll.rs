//! A poller on epoll(7).
//!
//! A descriptor is registered, edge-triggered, with the first wait on its socket, and stays registered until it is closed
//! (`registration`). Interest in writing is added with the first wait to write: with that interest a datagram socket would
//! report an event for every packet it has sent. A process that only waits for events has a registration of its own, for one
//! event (`duplicate`).

use crate::poller::busy::{Next, Role, StandBy, Traffic};
use crate::poller::event::{Event, Ready};
use crate::poller::token::{Table, Token};
use crate::sys::ready::Events;
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

/// The most events that the thread fetches with one epoll_wait(2).
const BATCH: usize = 256;
/// The most events that a helper fetches with one epoll_wait(2).
const HELPER_BATCH: usize = 64;
/// How long a round of a helper may take: it occupies a scheduler.
pub const ROUND: Duration = Duration::from_millis(1);
/// The thread's stack in bytes: its calls do not nest deeply.
const STACK: usize = 256 * 1024;
/// The event data of the eventfd that wakes the thread. No table of sources grows to this index.
const WAKEUP: u64 = u64::MAX;

/// Sources that are notified at a time, without an event of the kernel.
type Timers = BTreeMap<Instant, Vec<(Arc<dyn Ready>, EpollFlags)>>;

/// An epoll instance and the thread that waits on it.
pub struct Poller {
    epoll: Epoll,
    sources: Mutex<Table<Arc<dyn Ready>>>,
    wakeup: EventFd,
    stopping: AtomicBool,
    timers: Mutex<Timers>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// How many rounds have begun: calls of epoll_wait(2), by the thread or a helper.
    round: AtomicU64,
    /// How dense the events of this poller and of the ring beside it are.
    pub traffic: Arc<Traffic>,
    /// Which of the two polls: the thread, or the helper.
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

    /// Registers a descriptor: `source` is notified of its events from now on. If the descriptor is ready already, that is an
    /// event.
    pub fn add(&self, fd: BorrowedFd<'_>, interest: Interest, source: Arc<dyn Ready>) -> Result<Token> {
        let token = self.sources.lock().insert(source);
        let added = self.epoll.add(fd, interest.event(token));
        added.inspect_err(|_| drop(self.sources.lock().remove(token)))?;
        Ok(token)
    }

    /// Changes what is reported. If the descriptor is ready already, that is reported again.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: Token, interest: Interest) -> Result<()> {
        Ok(self.epoll.modify(fd, &mut interest.event(token))?)
    }

    /// Ends a registration. That takes a call, because the kernel ends it by itself only when the last descriptor of the open
    /// socket is closed, and there may be others (dup(2), SCM_RIGHTS). `None`: the descriptor was closed by its owner, and its
    /// number may belong to another file.
    pub fn remove(&self, fd: Option<BorrowedFd<'_>>, token: Token) {
        // This fails only if the descriptor is not registered.
        let _ = fd.map(|fd| self.epoll.delete(fd));
        // The source is dropped after the lock is released: it may hold the last reference to the socket.
        let source = self.sources.lock().remove(token);
        drop(source);
    }

    /// Notifies a source at a time, as readable or (`writing`) as writable. This is for waits for which the kernel has no event.
    pub fn notify_at(&self, at: Instant, writing: bool, source: Arc<dyn Ready>) {
        let mut timers = self.timers.lock();
        let sooner = timers.first_key_value().is_none_or(|(first, _)| at < *first);
        timers.entry(at).or_default().push((source, if writing { EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN }));
        if sooner {
            // This fails only if the eventfd's counter is full, and then the thread is being woken already.
            let _ = self.wakeup.write(1);
        }
    }

    /// The number of the current or last round. An event of a later round was reported after this call.
    pub fn round(&self) -> u64 {
        fence(Ordering::SeqCst);
        self.round.load(Ordering::SeqCst)
    }

    /// How many descriptors are registered.
    pub fn registered(&self) -> usize {
        self.sources.lock().len()
    }

    /// Ends the thread and waits until it has ended.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        if self.wakeup.write(1).is_ok()
            && let Some(thread) = self.thread.lock().take()
        {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
    }

    /// One round of the helper, which takes little more than [`ROUND`]. Answers whether the helper is to call this again.
    pub fn busy_poll(&self) -> bool {
        if !self.role.begin_poll() {
            return false;
        }
        let next = self.role.end_poll(self.poll::<HELPER_BATCH>(EpollTimeout::ZERO, Some(Instant::now() + ROUND)));
        if next == Next::TakenBack {
            // This poll may have fetched the eventfd's event, which was for the thread. The thread sleeps in epoll_wait(2).
            let _ = self.wakeup.write(1);
        }
        next == Next::Again
    }

    fn run(&self) {
        while !self.stopping() {
            self.poll::<BATCH>(self.timeout(), None);
            self.traffic.poller_woken(Instant::now());
            if self.role.hand_over(&self.traffic) {
                self.traffic.helper_begins();
                loop {
                    let next = self.role.stand_by();
                    if next == StandBy::Resume || self.stopping() {
                        break;
                    }
                    if next == StandBy::PollOnce {
                        self.poll::<BATCH>(EpollTimeout::ZERO, None);
                    }
                }
                self.traffic.helper_stopped(Instant::now(), self.role.found());
            }
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// One round: waits for up to `MOST` events and notifies their sources. If `end` is reached before all are notified, the rest
    /// is left to the next round. Answers how many events the kernel reported.
    fn poll<const MOST: usize>(&self, timeout: EpollTimeout, end: Option<Instant>) -> usize {
        let mut events = [EpollEvent::empty(); MOST];
        let round = self.round.fetch_add(1, Ordering::SeqCst) + 1;
        // The only error that can come here is EINTR.
        let count = self.epoll.wait(&mut events, timeout).unwrap_or(0);
        let mut batch = Vec::with_capacity(count);
        self.sources(events.get(..count).unwrap_or_default(), &mut batch);
        let mut reported = batch.len();
        self.expired(&mut batch);
        let mut batch = batch.into_iter();
        for (source, flags) in batch.by_ref() {
            let broken = flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
            let event = Event {
                readable: broken || flags.contains(EpollFlags::EPOLLIN),
                writable: broken || flags.contains(EpollFlags::EPOLLOUT),
                // The error may be one in the error queue (MSG_ERRQUEUE), which no attempt of the waiter takes.
                round: if reported > 0 && !broken { round } else { 0 },
            };
            reported = reported.saturating_sub(1);
            // A panic costs its own source one event, and no other source. The panic hook has printed where it was.
            let _ = catch_unwind(AssertUnwindSafe(|| source.ready(event)));
            if end.is_some_and(|end| Instant::now() >= end) {
                break;
            }
        }
        self.requeue(batch.collect());
        count
    }

    /// Leaves sources to the next round.
    fn requeue(&self, batch: Vec<(Arc<dyn Ready>, EpollFlags)>) {
        if !batch.is_empty() {
            self.timers.lock().entry(Instant::now()).or_default().extend(batch);
            let _ = self.wakeup.write(1);
        }
    }

    /// The time until the first timer; without timers epoll_wait(2) waits without a limit.
    fn timeout(&self) -> EpollTimeout {
        let first = self.timers.lock().first_key_value().map(|(at, _)| *at);
        // The timeout is in whole milliseconds.
        let timeout = first.map(|at| at.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
        timeout.and_then(|timeout| EpollTimeout::try_from(timeout).ok()).unwrap_or(EpollTimeout::NONE)
    }

    /// Adds the sources whose timers have expired.
    fn expired(&self, batch: &mut Vec<(Arc<dyn Ready>, EpollFlags)>) {
        let mut timers = self.timers.lock();
        while let Some(first) = timers.first_entry()
            && *first.key() <= Instant::now()
        {
            batch.extend(first.remove());
        }
    }

    /// Adds the sources of the events. An event whose registration has ended meanwhile has none.
    fn sources(&self, events: &[EpollEvent], batch: &mut Vec<(Arc<dyn Ready>, EpollFlags)>) {
        let sources = self.sources.lock();
        batch.extend(events.iter().filter_map(|event| {
            let source = sources.get(Token::from_u64(event.data()))?;
            Some((Arc::clone(source), event.events()))
        }));
    }
}

/// What a registration reports. Errors and hang-ups are reported without being asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// EPOLLIN: there is something to read
    pub read: bool,
    /// EPOLLOUT: there is room to write
    pub write: bool,
    /// EPOLLPRI: there is urgent data
    pub priority: bool,
    /// EPOLLRDHUP: the peer sends no more
    pub hup: bool,
    /// EPOLLONESHOT: one event at most, level-triggered. Otherwise the registration is edge-triggered.
    pub once: bool,
}

impl Interest {
    /// Edge-triggered interest in reading.
    pub const READ: Self = Self { read: true, write: false, priority: false, hup: false, once: false };
    /// Edge-triggered interest in writing.
    pub const WRITE: Self = Self { read: false, write: true, ..Self::READ };

    /// One event at most.
    pub fn once(events: Events) -> Self {
        let Events { read, write, priority, hup, .. } = events;
        Self { read, write, priority, hup, once: true }
    }

    fn event(self, token: Token) -> EpollEvent {
        let mut flags = if self.once { EpollFlags::EPOLLONESHOT } else { EpollFlags::EPOLLET };
        flags.set(EpollFlags::EPOLLIN, self.read);
        flags.set(EpollFlags::EPOLLOUT, self.write);
        flags.set(EpollFlags::EPOLLPRI, self.priority);
        flags.set(EpollFlags::EPOLLRDHUP, self.hup);
        EpollEvent::new(flags, token.to_u64())
    }
}
