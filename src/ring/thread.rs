//! The ring thread: it receives for many streams with few system calls, by multishot receives of io_uring(7).
//!
//! Schedulers put requests into a queue, and wake the thread only if it sleeps. A request that the kernel has taken holds the
//! file open even if its descriptor is closed. So a close first has the kernel release the file ([`Ring::release`]).

use crate::poller::busy::Traffic;
use crate::poller::event::{Event, Ready};
use crate::poller::token::{Table, Token};
use crate::sys::uring::{CANCEL, Completion, Kernel, Uring, WAKEUP};
use crate::sys::{self, Result};
use crate::wire::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

/// A stream for which a ring receives.
pub trait Intake: Ready {
    /// The ring has received bytes. Answers whether that is enough for now, which ends the receive. `dense`: events are lastingly
    /// dense, so that the poller would notify the reader sooner.
    fn on_bytes(&self, bytes: &[u8], dense: bool) -> bool;
    /// The receive has ended; `errno`: it failed.
    fn on_end(&self, errno: Option<Errno>);
}

/// A new receive is refused while this many requests are in the queue.
pub const QUEUE: usize = 4096;
/// The thread's stack in bytes.
const STACK: usize = 256 * 1024;

/// A callback for the moment when the kernel has released a file.
pub type OnReleased = Box<dyn FnOnce() + Send>;

/// A receive in flight.
pub struct Entry {
    source: Arc<dyn Intake>,
    on_released: Option<OnReleased>,
}

enum Request {
    Receive(RawFd, Token),
    Cancel(Token),
}

/// What the thread and the schedulers share.
#[derive(Default)]
pub struct Shared {
    requests: VecDeque<Request>,
    entries: Table<Entry>,
    /// The thread waits for completions and must be woken for a request.
    asleep: bool,
    /// The thread has ended, or is about to.
    ended: bool,
}

/// A ring and its thread.
pub struct Ring {
    shared: Mutex<Shared>,
    wakeup: EventFd,
    thread: Mutex<Option<JoinHandle<()>>>,
    traffic: Arc<Traffic>,
}

impl Ring {
    /// Starts ring number `index`, after a trial receive. An error says what the kernel refused.
    pub fn start(index: usize, traffic: Arc<Traffic>) -> Result<Arc<Self>> {
        Self::start_on(index, traffic, || Uring::new().and_then(|mut made| trial(&mut made).map(|()| made)))
    }

    /// Starts a ring on the kernel interface that `make` returns. The ring thread calls `make`.
    pub fn start_on<K: Kernel>(
        index: usize,
        traffic: Arc<Traffic>,
        make: impl FnOnce() -> Result<K> + Send + 'static,
    ) -> Result<Arc<Self>> {
        let wakeup = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let ring = Arc::new(Self { shared: Mutex::default(), wakeup, thread: Mutex::new(None), traffic });
        let (started, result) = mpsc::sync_channel(1);
        let builder = Builder::new().name(format!("esock_ring_{index}")).stack_size(STACK);
        let thread = builder.spawn({
            let ring = Arc::clone(&ring);
            move || {
                sys::processor::unbind();
                // Only the thread that made a ring may use it (IORING_SETUP_SINGLE_ISSUER).
                let made = make();
                let _ = started.send(made.as_ref().map(|_| ()).map_err(|errno| *errno));
                if let Ok(made) = made {
                    ring.run(made);
                }
            }
        });
        let thread = thread.map_err(|error| Errno::new(error.raw_os_error().unwrap_or(libc::EAGAIN)))?;
        result.recv().unwrap_or(Err(Errno::new(libc::EAGAIN)))?;
        *ring.thread.lock() = Some(thread);
        Ok(ring)
    }

    /// Begins a receive from a descriptor, which goes on until `source` has enough. `None`: the queue is full or the thread has
    /// ended.
    pub fn receive(&self, fd: RawFd, source: Arc<dyn Intake>) -> Option<Token> {
        let mut shared = self.shared.lock();
        if shared.ended || shared.requests.len() >= QUEUE {
            return None;
        }
        let token = shared.entries.insert(Entry { source, on_released: None });
        shared.requests.push_back(Request::Receive(fd, token));
        self.wake_thread(shared);
        Some(token)
    }

    /// Ends a receive. `source` still gets the bytes received until then.
    pub fn stop(&self, token: Token) {
        let mut shared = self.shared.lock();
        shared.requests.push_back(Request::Cancel(token));
        self.wake_thread(shared);
    }

    /// Ends a receive, and calls `on_released` when the kernel has released the file: at once if the receive, or the thread, has
    /// ended.
    pub fn release(&self, token: Token, on_released: OnReleased) {
        let mut shared = self.shared.lock();
        let ended = shared.ended;
        match shared.entries.get_mut(token) {
            Some(entry) if !ended => {
                entry.on_released = Some(on_released);
                shared.requests.push_back(Request::Cancel(token));
                self.wake_thread(shared);
            }
            _ => {
                drop(shared);
                on_released();
            }
        }
    }

    /// How many receives are in flight.
    pub fn receiving(&self) -> usize {
        self.shared.lock().entries.len()
    }

    /// Ends the thread and waits until it has ended. The kernel releases files still in use when the program ends.
    pub fn stop_thread(&self) {
        let mut shared = self.shared.lock();
        shared.ended = true;
        self.wake_thread(shared);
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }

    fn wake_thread(&self, mut shared: parking_lot::MutexGuard<'_, Shared>) {
        if std::mem::take(&mut shared.asleep) {
            drop(shared);
            // This fails only if the eventfd's counter is full, and then the thread is being woken already.
            let _ = self.wakeup.write(1);
        }
    }

    fn run(&self, mut uring: impl Kernel) {
        let mut completions = Vec::new();
        let mut work = || -> Result<()> {
            uring.poll_wakeup(self.wakeup.as_fd())?;
            while self.submit(&mut uring)? {
                uring.wait()?;
                uring.completions(&mut completions);
                self.traffic.ring_woken(Instant::now(), completions.len());
                self.dispatch(&mut uring, &mut completions)?;
            }
            Ok(())
        };
        if !matches!(catch_unwind(AssertUnwindSafe(&mut work)), Ok(Ok(()))) {
            self.fail_all();
        }
    }

    /// Passes the queued requests to the kernel until the queue is empty. Answers whether the thread goes on.
    fn submit(&self, uring: &mut impl Kernel) -> Result<bool> {
        loop {
            let mut shared = self.shared.lock();
            let requests = std::mem::take(&mut shared.requests);
            shared.asleep = requests.is_empty();
            if shared.ended {
                return Ok(false);
            }
            drop(shared);
            if requests.is_empty() {
                return Ok(true);
            }
            for request in requests {
                match request {
                    Request::Receive(fd, token) => uring.receive(fd, token.to_u64())?,
                    Request::Cancel(token) => uring.cancel(token.to_u64())?,
                }
            }
        }
    }

    /// Hands the bytes of each completion to its stream. Then notifies the streams; one whose completions came in a row is
    /// notified once.
    fn dispatch(&self, uring: &mut impl Kernel, completions: &mut Vec<Completion>) -> Result<()> {
        let mut ready: Vec<Arc<dyn Intake>> = Vec::new();
        // An error of the ring does not keep the other completions from their streams.
        let mut health = Ok(());
        for completion in completions.drain(..) {
            match completion.name {
                WAKEUP if completion.more => {}
                WAKEUP => health = health.and(uring.poll_wakeup(self.wakeup.as_fd())),
                name if name & CANCEL != 0 => health = health.and(self.cancelled(uring, &completion)),
                name => {
                    let token = Token::from_u64(name);
                    let Some((source, enough)) =
                        uring.take(&completion, |bytes| self.on_bytes(token, &completion, bytes))
                    else {
                        continue;
                    };
                    if enough {
                        health = health.and(uring.cancel(name));
                    }
                    if !ready.last().is_some_and(|last| Arc::ptr_eq(last, &source)) {
                        ready.push(source);
                    }
                }
            }
        }
        for source in ready {
            // A panic costs its own source one event, and no other source. The panic hook has printed where it was.
            let _ = catch_unwind(AssertUnwindSafe(|| source.ready(Event::READ)));
        }
        health
    }

    /// A cancel has completed. A cancel may fail to find a receive that is there: while the kernel moves it from one wait to the
    /// next. Then the cancel is repeated.
    fn cancelled(&self, uring: &mut impl Kernel, completion: &Completion) -> Result<()> {
        let name = completion.name & !CANCEL;
        let in_flight = self.shared.lock().entries.get(Token::from_u64(name)).is_some();
        if completion.result.is_err() && in_flight { uring.cancel(name) } else { Ok(()) }
    }

    /// Hands one completion to its stream. Answers the stream, and whether its receive is to be cancelled because it has enough.
    /// `None`: there is no receive under this token any more.
    fn on_bytes(&self, token: Token, completion: &Completion, bytes: &[u8]) -> Option<(Arc<dyn Intake>, bool)> {
        let mut shared = self.shared.lock();
        let source = Arc::clone(&shared.entries.get(token)?.source);
        let ended = if completion.more { None } else { shared.entries.remove(token) };
        drop(shared);
        let enough = !bytes.is_empty() && source.on_bytes(bytes, self.traffic.lastingly_dense());
        if let Some(entry) = ended {
            source.on_end(completion.result.err());
            if let Some(on_released) = entry.on_released {
                on_released();
            }
        }
        Some((source, enough && completion.more))
    }

    /// The ring has failed: ends all receives with EIO, and refuses new ones.
    fn fail_all(&self) {
        let mut shared = self.shared.lock();
        shared.ended = true;
        let entries = std::mem::take(&mut shared.entries);
        drop(shared);
        for entry in entries.into_all() {
            // Bytes that the ring had received may be lost, and the stream must not go on without them.
            entry.source.on_end(Some(Errno::new(libc::EIO)));
            if let Some(on_released) = entry.on_released {
                on_released();
            }
            let _ = catch_unwind(AssertUnwindSafe(|| entry.source.ready(Event::READ)));
        }
    }
}

/// A receive in flight, which holds the file of a closed socket open until it is ended.
pub struct Held {
    /// the ring that receives
    pub ring: &'static Arc<Ring>,
    /// the token of the receive
    pub token: Token,
}

/// If `errno` says that a ring was refused for lack of locked memory (ENOMEM; Linux before 5.12 counts it): the program's limit.
pub fn short_of_locked_memory(errno: Errno) -> Option<u64> {
    (errno.number() == libc::ENOMEM).then(sys::memory::lockable).flatten()
}

/// A multishot receive of one byte, which is then ended. It fails if the kernel has no multishot receives, or forbids them.
fn trial(uring: &mut Uring) -> Result<()> {
    const NAME: u64 = 0;
    let (mine, other) = sys::socket::pair()?;
    sys::io::send(other.as_fd(), b"?", 0)?;
    uring.receive(mine.as_raw_fd(), NAME)?;
    let mut completions = Vec::new();
    let (mut got, mut ended) = (false, false);
    while !ended {
        uring.wait()?;
        uring.completions(&mut completions);
        for completion in completions.drain(..).filter(|completion| completion.name == NAME) {
            let right = uring.take(&completion, |bytes| bytes == b"?");
            got |= right;
            ended |= !completion.more;
            if !right && !got {
                return Err(completion.result.err().unwrap_or(Errno::new(libc::EOPNOTSUPP)));
            }
            if right && completion.more {
                uring.cancel(NAME)?;
            }
        }
    }
    Ok(())
}
