//! The read-ahead buffer of a stream: bytes that a ring has received, or that are gathered for a receive of a length.
//!
//! While a ring receives, no call receives from the descriptor: readers take bytes from the buffer, and wait if it is empty. So
//! the bytes stay in the order of the stream. If no ring receives, a reader that finds the buffer empty goes to the descriptor.
//!
//! The buffer belongs to the socket, not to a call: a cancelled wait, a new owner or another length lose no bytes.

use crate::op::{Attempt, Cut, Op, Want};
use crate::poller::token::Token;
use crate::ring::thread::{Held, Intake, Ring};
use crate::sys;
use crate::sys::kind::Kind;
use crate::sys::room::Space;
use crate::wire::errno::Errno;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Bytes that one attempt gathers, or gives if the receive may be answered in parts: this bounds the time of an attempt.
const AT_ONCE: usize = 256 * 1024;
/// Bytes that one recv(2) gathers.
const PIECE: usize = 16 * 1024;
/// More bytes than this in one answer are not copied on a scheduler. A receive copies them after the lane is released; only a
/// peek, and a receive that leaves more bytes than it takes, copy with the lane held.
pub const LARGE: usize = 1 << 20;
/// A wait that begins this soon after the one before is frequent.
pub const FREQUENT_WAIT: Duration = Duration::from_millis(50);
/// A stream whose frequent waits outnumber the others by this many contributes to dense events.
pub const FREQUENT: u8 = 3;
/// After this many receives in a row that did not wait, the ring's receive is ended.
const RECEIVES_WITHOUT_WAIT: u8 = 5;

/// The read-ahead buffer, and the ring that fills it.
pub struct Ahead {
    ring: Option<&'static Arc<Ring>>,
    state: Mutex<State>,
    /// The socket was closed with bytes that no call has taken.
    unread: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// The error of the stream, which comes after the bytes.
    error: Option<Errno>,
    /// Bytes were lost: every later receive gets the error.
    lost: bool,
    /// The ring's receive, while it is in flight.
    token: Option<Token>,
    /// The ring's receive is being cancelled.
    stopping: bool,
    /// No ring receives again: the socket is used in ways that a ring does not know (options, flags).
    disabled: bool,
    /// The connection is being ended: no ring receives until that is done.
    ending: bool,
    /// How many processes wait for events of the descriptor that a ring would hide: no ring receives meanwhile.
    observed: usize,
    /// The descriptor's number is known outside the socket, or the kernel keeps a peek offset (SO_PEEK_OFF): receives of a
    /// length that begin from now on gather nothing here.
    shared: bool,
    /// Receives in a row that did not wait.
    without_wait: u8,
    /// When the last wait began.
    waited: Option<Instant>,
    /// Frequent waits minus the others, from 0 up to twice [`FREQUENT`].
    frequent: u8,
}

impl Ahead {
    /// An empty buffer. `ring` may receive into it: the caller has made sure that the descriptor is the socket's own.
    pub fn new(ring: Option<&'static Arc<Ring>>) -> Self {
        Self { ring, state: Mutex::default(), unread: Arc::default() }
    }

    /// An attempt on the buffer. `None`: the attempt must go to the descriptor.
    pub fn attempt<O: Op>(&self, op: &mut O, fd: BorrowedFd<'_>, kind: Kind) -> Option<Attempt<O::Done>> {
        let want = op.want()?;
        let mut state = self.state.lock();
        if want.peek && state.shared && state.empty() {
            return None;
        }
        let mut gathered = 0;
        loop {
            if state.bytes.len() >= want.least.max(1) {
                state.top_up(fd, want.most);
                return Some(state.give(op, want, fd, kind));
            }
            if let Some(errno) = state.error {
                return Some(state.end(op, want, (fd, kind), Cut::Errno(errno)));
            }
            if state.token.is_some() {
                return Some(Attempt::Blocked);
            }
            if state.bytes.is_empty() && want.least <= 1 {
                return None;
            }
            if gathered >= AT_ONCE {
                return Some(Attempt::More);
            }
            match state.gather(fd, want.least) {
                Ok(0) => return Some(state.end(op, want, (fd, kind), Cut::Closed)),
                Ok(got) => gathered += got,
                Err(errno) if crate::op::blocked(errno) => return Some(Attempt::Blocked),
                Err(errno) => state.error = Some(errno),
            }
        }
    }

    /// Prepares a wait of a reader. If a ring may receive for it, `begins` is the time at which the wait begins. The ring does
    /// not receive if events are lastingly `dense` and this stream's waits are frequent, or if the buffer holds `most` bytes.
    ///
    /// Answers whether a ring receives: then the ring notifies `source`. Otherwise the caller registers with the poller.
    pub fn arm(
        &self,
        fd: BorrowedFd<'_>,
        most: usize,
        begins: Option<Instant>,
        dense: bool,
        source: impl FnOnce() -> Arc<dyn Intake>,
    ) -> bool {
        let Some(ring) = self.ring else {
            return false;
        };
        let mut state = self.state.lock();
        state.without_wait = 0;
        let leaves = begins.is_some_and(|now| state.waits(now)) && dense;
        let free = !state.disabled && !state.ending && state.observed == 0;
        let room = free && state.error.is_none() && state.bytes.len() < most;
        if state.token.is_none() && begins.is_some() && !leaves && room && sys::socket::peername(fd).is_ok() {
            state.token = ring.receive(fd.as_raw_fd(), source());
        }
        state.token.is_some()
    }

    /// Counts a receive that did not wait, on a lane without waiters. After five in a row the ring's receive is ended: such a
    /// reader is faster without a ring.
    pub fn received_without_wait(&self) {
        let mut state = self.state.lock();
        if state.token.is_some() && !state.stopping {
            state.without_wait += 1;
            if state.without_wait >= RECEIVES_WITHOUT_WAIT {
                self.stop(&mut state);
            }
        }
    }

    /// Ends the ring's receive for a call that does not wait: only after that it is certain which bytes have come. Answers
    /// whether the receive is still in flight.
    pub fn stop_receive(&self) -> bool {
        let mut state = self.state.lock();
        self.stop(&mut state);
        state.token.is_some()
    }

    /// No ring receives from now on. Answers whether a ring's receive is still in flight.
    pub fn disable_ring(&self) -> bool {
        self.state.lock().disabled = true;
        self.stop_receive()
    }

    /// A process waits for events of the descriptor, which a ring would hide: no ring receives until [`Ahead::end_observe`].
    pub fn observe(&self) {
        self.state.lock().observed += 1;
        self.stop_receive();
    }

    /// The process does not wait any more.
    pub fn end_observe(&self) {
        let mut state = self.state.lock();
        state.observed = state.observed.saturating_sub(1);
    }

    /// Whether there is an error of the stream, which comes after the bytes.
    pub fn has_error(&self) -> bool {
        self.state.lock().error.is_some()
    }

    /// The connection is about to be ended (connect(2) with AF_UNSPEC). Answers whether a ring's receive is still in flight.
    pub fn end_stream(&self) -> bool {
        self.state.lock().ending = true;
        self.stop_receive()
    }

    /// The descriptor may be read outside the socket from now on, so its bytes are not kept here. Answers whether a ring's
    /// receive is still in flight.
    pub fn share(&self) -> bool {
        self.state.lock().shared = true;
        self.disable_ring()
    }

    /// Whether [`Ahead::share`] was called.
    pub fn shared(&self) -> bool {
        self.state.lock().shared
    }

    /// Clears the buffer: the connection has ended, and another may begin on the descriptor. No ring receives at this point.
    pub fn reset_stream(&self) {
        let mut state = self.state.lock();
        let State { shared, disabled, observed, .. } = *state;
        *state = State { shared, disabled, observed, ..State::default() };
    }

    /// Cancels the ring's receive, unless that was done already.
    fn stop(&self, state: &mut State) {
        if let (Some(ring), Some(token)) = (self.ring, state.token)
            && !std::mem::replace(&mut state.stopping, true)
        {
            ring.stop(token);
        }
    }

    /// Whether a reader would get something here. `None`: only the descriptor can tell.
    pub fn ready(&self) -> Option<bool> {
        let state = self.state.lock();
        let filled = !state.bytes.is_empty() || state.error.is_some();
        (filled || state.token.is_some()).then_some(filled)
    }

    /// How many bytes are in the buffer.
    pub fn len(&self) -> usize {
        self.state.lock().bytes.len()
    }

    /// Whether no bytes are in the buffer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the error that the ring's receive got from the kernel: the next call in either direction gets it.
    pub fn take_error(&self) -> Option<Errno> {
        self.state.lock().take_error()
    }

    /// Whether a ring's receive is in flight.
    pub fn receiving(&self) -> bool {
        self.state.lock().token.is_some()
    }

    /// The socket is closed. Answers the ring's receive that still holds the file open, if there is one, and the flag for bytes
    /// that no call has taken.
    pub fn close(&self) -> (Option<Held>, Arc<AtomicBool>) {
        let mut state = self.state.lock();
        self.unread.store(!state.bytes.is_empty(), Relaxed);
        state.bytes = VecDeque::new();
        let held = self.ring.zip(state.token.take()).map(|(ring, token)| Held { ring, token });
        (held, Arc::clone(&self.unread))
    }

    /// Adds bytes that the ring has received. Answers whether the ring's receive is to be cancelled: the buffer holds `most`
    /// bytes, or there is an error, or events are lastingly `dense` and this stream's waits are frequent. In the last case the
    /// poller serves the next wait.
    pub fn on_bytes(&self, bytes: &[u8], most: usize, dense: bool) -> bool {
        let mut state = self.state.lock();
        // The socket was closed meanwhile.
        if state.token.is_none() {
            self.unread.store(true, Relaxed);
            return false;
        }
        if state.bytes.try_reserve(bytes.len()).is_err() {
            // These bytes are lost, and the stream must not go on without them.
            state.error = state.error.or(Some(Errno::new(libc::ENOMEM)));
            state.lost = true;
        } else if state.error.is_none() {
            state.bytes.extend(bytes);
        }
        let to_poller = dense && state.frequent >= FREQUENT;
        let enough = (to_poller || state.bytes.len() >= most || state.error.is_some()) && !state.stopping;
        state.stopping |= enough;
        enough
    }

    /// The ring's receive has ended. The next attempt finds the end of the stream again. The kernel reports an error only once,
    /// so it is kept here.
    pub fn on_end(&self, errno: Option<Errno>) {
        let mut state = self.state.lock();
        state.token = None;
        state.stopping = false;
        state.error = state.error.or(errno.filter(|errno| !of_the_ring(*errno)));
        // A ring that has failed may have had bytes of this stream.
        state.lost |= errno.is_some_and(|errno| errno.number() == libc::EIO);
    }
}

/// Whether an error is about the ring's request, not about the stream.
fn of_the_ring(errno: Errno) -> bool {
    let ring =
        [libc::ECANCELED, libc::ENOBUFS, libc::ENOMEM, libc::EBADF, libc::EINVAL, libc::EOPNOTSUPP, libc::EAGAIN];
    ring.contains(&errno.number())
}

impl State {
    /// Whether everything unread is in the kernel: no bytes and no error here, and no ring's receive in flight.
    fn empty(&self) -> bool {
        self.bytes.is_empty() && self.error.is_none() && self.token.is_none()
    }

    /// Records that a wait begins. Answers whether the stream's waits are frequent.
    fn waits(&mut self, now: Instant) -> bool {
        let soon = self.waited.replace(now).is_some_and(|before| now.saturating_duration_since(before) < FREQUENT_WAIT);
        self.frequent = if soon { (self.frequent + 1).min(2 * FREQUENT) } else { self.frequent.saturating_sub(1) };
        self.frequent >= FREQUENT
    }

    /// Answers the error once, or every time if bytes were lost.
    fn take_error(&mut self) -> Option<Errno> {
        if self.lost { self.error } else { self.error.take() }
    }

    /// Gives the receive what it wants of the buffer.
    fn give<O: Op>(&mut self, op: &mut O, want: Want, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<O::Done> {
        let len = self.bytes.len().min(want.most);
        if want.whole() && len > LARGE {
            if !want.unbounded {
                return Attempt::More;
            }
            if !want.peek {
                return op.take_buffered(&mut self.bytes, len);
            }
        }
        // A peek in parts would see the first part again and again.
        let len = if want.whole() || want.peek { len } else { len.min(AT_ONCE) };
        let attempt = op.copy_buffered(&self.bytes, len, fd, kind);
        if let Attempt::Done(done) | Attempt::Partial(done) = &attempt
            && !want.peek
        {
            self.bytes.drain(..O::bytes(done).min(self.bytes.len()));
            if self.bytes.is_empty() {
                // An empty buffer holds no memory.
                self.bytes = VecDeque::new();
            } else if self.bytes.len() < AT_ONCE && self.bytes.capacity() > LARGE {
                // The capacity is left over from a length that has been answered.
                self.bytes.shrink_to_fit();
            }
        }
        attempt
    }

    /// The stream has ended. A receive of a length gets the bytes left together with the end (a cut), any other gets them first.
    fn end<O: Op>(&mut self, op: &mut O, want: Want, (fd, kind): (BorrowedFd<'_>, Kind), cut: Cut) -> Attempt<O::Done> {
        if self.bytes.is_empty() {
            self.take_error();
            return match cut {
                Cut::Closed => Attempt::Closed,
                Cut::Errno(errno) => Attempt::Failed(errno),
            };
        }
        match self.give(op, want, fd, kind) {
            Attempt::Partial(done) if want.whole() => {
                self.error = self.error.filter(|_| want.peek || self.lost);
                Attempt::Cut(done, cut)
            }
            attempt => attempt,
        }
    }

    /// Adds the bytes that the kernel has, up to `most`: they belong to the same answer.
    fn top_up(&mut self, fd: BorrowedFd<'_>, most: usize) {
        let most = most.min(AT_ONCE);
        while self.token.is_none() && self.error.is_none() && self.bytes.len() < most {
            let wanted = (most - self.bytes.len()).min(PIECE);
            match self.gather(fd, most) {
                Ok(got) if got == wanted => {}
                // The kernel has no more, or this is the mark of urgent data, which a receive does not pass, or the end of the
                // stream, which the next attempt finds again.
                Ok(_) => return,
                Err(errno) => {
                    self.error = Some(errno).filter(|errno| !crate::op::blocked(*errno));
                    return;
                }
            }
        }
    }

    /// Receives bytes that are missing from `least`, with one recv(2) of [`PIECE`] at the most.
    fn gather(&mut self, fd: BorrowedFd<'_>, least: usize) -> sys::Result<usize> {
        let (mut room, mut filled) = ([MaybeUninit::uninit(); PIECE], 0);
        let len = least.saturating_sub(self.bytes.len()).min(room.len());
        self.bytes.try_reserve(len).map_err(|_| Errno::new(libc::ENOMEM))?;
        let mut space = Space::new(room.get_mut(..len).unwrap_or_default(), &mut filled);
        let got = sys::io::recv(fd, &mut space, 0)?;
        self.bytes.extend(space.written());
        Ok(got)
    }
}
