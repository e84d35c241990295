//! A ring's thread: it receives for many streams with few system calls, by multishot receives of io_uring(7).
//!
//! What schedulers ask for crosses by a queue, and only a thread that sleeps is woken for it. A request that the kernel has
//! holds the file open, whatever becomes of its descriptor: who closes a socket has it let go first ([`Ring::release`]).

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

/// Whom a ring receives for.
pub trait Intake: Ready {
    /// Bytes have come. Answers whether that is enough for now: the receive is ended then. `dense`: others bring them faster.
    fn on_bytes(&self, bytes: &[u8], dense: bool) -> bool;
    /// The receive has ended, perhaps with an error.
    fn on_end(&self, errno: Option<Errno>);
}

/// Receives that schedulers may ask for while the thread is busy.
pub const QUEUE: usize = 4096;
const STACK: usize = 256 * 1024;

/// What is done when the kernel has let go of a file.
pub type OnReleased = Box<dyn FnOnce() + Send>;

/// A receive.
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
    /// The thread waits for completions, and does not look here.
    asleep: bool,
    /// The thread has ended, or is to.
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
    /// Starts ring number `index`, and tries whether the kernel receives as it should.
    pub fn start(index: usize, traffic: Arc<Traffic>) -> Result<Arc<Self>> {
        Self::start_on(index, traffic, || Uring::new().and_then(|mut made| trial(&mut made).map(|()| made)))
    }

    /// The same, on what `make` makes in the ring's thread.
    pub fn start_on<K: Kernel>(
        index: usize,
        traffic: Arc<Traffic>,
        make: impl FnOnce() -> Result<K> + Send + 'static,
    ) -> Result<Arc<Self>> {
        let wakeup = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let ring = Arc::new(Self { shared: Mutex::default(), wakeup, thread: Mutex::new(None), traffic });
        let (tell, told) = mpsc::sync_channel(1);
        let builder = Builder::new().name(format!("esock_ring_{index}")).stack_size(STACK);
        let thread = builder.spawn({
            let ring = Arc::clone(&ring);
            move || {
                sys::processor::unbind();
                // Only the thread that makes a ring may use it.
                let made = make();
                let _ = tell.send(made.as_ref().map(|_| ()).map_err(|errno| *errno));
                if let Ok(made) = made {
                    ring.run(made);
                }
            }
        });
        let thread = thread.map_err(|error| Errno::new(error.raw_os_error().unwrap_or(libc::EAGAIN)))?;
        told.recv().unwrap_or(Err(Errno::new(libc::EAGAIN)))?;
        *ring.thread.lock() = Some(thread);
        Ok(ring)
    }

    /// Receives from a descriptor for a source, until it says that it is enough; or nothing, where the queue is full or the
    /// thread has ended.
    pub fn receive(&self, fd: RawFd, source: Arc<dyn Intake>) -> Option<Token> {
        let mut shared = self.shared.lock();
        if shared.ended || shared.requests.len() >= QUEUE {
            return None;
        }
        let token = shared.entries.insert(Entry { source, on_released: None });
        shared.requests.push_back(Request::Receive(fd, token));
        self.ring(shared);
        Some(token)
    }

    /// Ends a receive. What has come by then is still brought.
    pub fn stop(&self, token: Token) {
        let mut shared = self.shared.lock();
        shared.requests.push_back(Request::Cancel(token));
        self.ring(shared);
    }

    /// Ends a receive, and calls `on_released` when the kernel has let go of the file.
    pub fn release(&self, token: Token, on_released: OnReleased) {
        let mut shared = self.shared.lock();
        let ended = shared.ended;
        match shared.entries.get_mut(token) {
            Some(entry) if !ended => {
                entry.on_released = Some(on_released);
                shared.requests.push_back(Request::Cancel(token));
                self.ring(shared);
            }
            _ => {
                drop(shared);
                on_released();
            }
        }
    }

    /// How many receives there are.
    pub fn receiving(&self) -> usize {
        self.shared.lock().entries.len()
    }

    /// Ends the thread and waits for it. What the kernel still has it lets go of when the program ends.
    pub fn stop_thread(&self) {
        let mut shared = self.shared.lock();
        shared.ended = true;
        self.ring(shared);
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }

    fn ring(&self, mut shared: parking_lot::MutexGuard<'_, Shared>) {
        if std::mem::take(&mut shared.asleep) {
            drop(shared);
            // It fails when the counter is at its end, and then the thread is being woken already.
            let _ = self.wakeup.write(1);
        }
    }

    fn run(&self, mut uring: impl Kernel) {
        let mut completions = Vec::new();
        let mut work = || -> Result<()> {
            uring.poll_wakeup(self.wakeup.as_fd())?;
            while self.ask(&mut uring)? {
                uring.wait()?;
                uring.completions(&mut completions);
                self.traffic.ring_wakes(Instant::now(), completions.len());
                self.serve(&mut uring, &mut completions)?;
            }
            Ok(())
        };
        if !matches!(catch_unwind(AssertUnwindSafe(&mut work)), Ok(Ok(()))) {
            self.fail_all();
        }
    }

    /// Hands over what was asked for, until there is nothing more. Answers whether to go on.
    fn ask(&self, uring: &mut impl Kernel) -> Result<bool> {
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

    /// Brings what has come to whom it is for, and then tells each of them once.
    fn serve(&self, uring: &mut impl Kernel, completions: &mut Vec<Completion>) -> Result<()> {
        let mut told: Vec<Arc<dyn Intake>> = Vec::new();
        // What has come is brought in any case.
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
                    if !told.last().is_some_and(|last| Arc::ptr_eq(last, &source)) {
                        told.push(source);
                    }
                }
            }
        }
        for source in told {
            // A panic costs its source an event, not the others theirs; the hook has written where it was.
            let _ = catch_unwind(AssertUnwindSafe(|| source.ready(Event::READ)));
        }
        health
    }

    /// A cancel has been carried out, or has found nothing: while the kernel goes from one wait to the next, a receive is not
    /// where a cancel looks.
    fn cancelled(&self, uring: &mut impl Kernel, completion: &Completion) -> Result<()> {
        let name = completion.name & !CANCEL;
        let there = self.shared.lock().entries.get(Token::from_u64(name)).is_some();
        if completion.result.is_err() && there { uring.cancel(name) } else { Ok(()) }
    }

    /// What one completion brings. Answers whose it was, and whether that is enough.
    fn on_bytes(&self, token: Token, completion: &Completion, bytes: &[u8]) -> Option<(Arc<dyn Intake>, bool)> {
        let mut shared = self.shared.lock();
        let source = Arc::clone(&shared.entries.get(token)?.source);
        let ended = if completion.more { None } else { shared.entries.remove(token) };
        drop(shared);
        let enough = !bytes.is_empty() && source.on_bytes(bytes, self.traffic.lasting());
        if let Some(entry) = ended {
            source.on_end(completion.result.err());
            if let Some(on_released) = entry.on_released {
                on_released();
            }
        }
        Some((source, enough && completion.more))
    }

    /// The ring is of no more use: nobody waits for it from now on.
    fn fail_all(&self) {
        let mut shared = self.shared.lock();
        shared.ended = true;
        let entries = std::mem::take(&mut shared.entries);
        drop(shared);
        for entry in entries.into_all() {
            // Bytes that the ring had may be gone: the stream is not to go on without them.
            entry.source.on_end(Some(Errno::new(libc::EIO)));
            if let Some(on_released) = entry.on_released {
                on_released();
            }
            let _ = catch_unwind(AssertUnwindSafe(|| entry.source.ready(Event::READ)));
        }
    }
}

/// A ring's receive, which holds the file open until it is ended.
pub struct Held {
    /// the ring
    pub ring: &'static Arc<Ring>,
    /// the receive
    pub token: Token,
}

/// Where a ring was refused for want of locked memory (Linux before 5.12 counts it), how much the program may have.
pub fn short_of_locked_memory(errno: Errno) -> Option<u64> {
    (errno.number() == libc::ENOMEM).then(sys::memory::lockable).flatten()
}

/// Receives once and ends it: what a kernel without multishot receives, or one that is not allowed to, refuses.
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
