//! Reading ahead: what a ring has received for a stream, or what is being gathered for a length, before somebody takes it.
//!
//! While a ring receives, nobody else does: who reads takes what is here, and waits where there is nothing. So the order of
//! the bytes is the stream's. Where a ring does not receive, a reader that finds nothing here goes to the descriptor.
//!
//! What is here is the socket's, not a call's: a wait that is cancelled, a new owner, another length lose none of it.

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

/// How much is gathered with one attempt, or given where all need not go at once, so that it does not take long.
const AT_ONCE: usize = 256 * 1024;
/// How much one receive gathers.
const PIECE: usize = 16 * 1024;
/// More than this, that is to go at once, is copied where it holds neither the lane nor a scheduler.
pub const MUCH: usize = 1 << 20;
/// A stream on which somebody waits again so soon,
pub const SOON: Duration = Duration::from_millis(50);
/// and so many times more than not, has its own part in dense events.
pub const OFTEN: u8 = 3;
/// Receives in a row that nobody has waited for, until the ring is told to stop.
const UNWANTED: u8 = 4;

/// The bytes that are here, and who brings them.
pub struct Ahead {
    ring: Option<&'static Arc<Ring>>,
    state: Mutex<State>,
    /// The socket was closed with bytes that nobody has taken.
    unread: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// What the stream has failed with, behind the bytes.
    error: Option<Errno>,
    /// Bytes were lost: nobody is to go on without them.
    lost: bool,
    /// The ring's receive.
    token: Option<Token>,
    /// It was told to end.
    stopping: bool,
    /// No ring is to receive: what the kernel has is asked for in ways that a ring does not know.
    disabled: bool,
    /// The connection is being ended: no ring is to receive until that is done.
    ending: bool,
    /// Others have the descriptor, or it keeps the place of looks: nothing is gathered any more.
    shared: bool,
    unwanted: u8,
    /// When somebody began to wait last,
    waited: Option<Instant>,
    /// and how many times more it was soon after the time before than not, up to [`OFTEN`] and as much again.
    often: u8,
}

impl Ahead {
    /// Of a stream; with a ring that receives for it, where the descriptor is its own and nobody else reads it.
    pub fn new(ring: Option<&'static Arc<Ring>>) -> Self {
        Self { ring, state: Mutex::default(), unread: Arc::default() }
    }

    /// An attempt that goes by what is here; or nothing: it is to go to the descriptor.
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

    /// Somebody waits who may have a ring receive for him (`begins`, at this time), unless events are lastingly `dense` and it is he
    /// for whom they are. Answers whether a ring receives: it brings an event. Else somebody else has to say when there is more, as
    /// where enough is here.
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
        state.unwanted = 0;
        let leaves = begins.is_some_and(|now| state.waits(now)) && dense;
        let room = !state.disabled && !state.ending && state.error.is_none() && state.bytes.len() < most;
        if state.token.is_none() && begins.is_some() && !leaves && room && sys::socket::peername(fd).is_ok() {
            state.token = ring.receive(fd.as_raw_fd(), source());
        }
        state.token.is_some()
    }

    /// Somebody has got something without having waited for it, and nobody else waits: after some of those the reader is
    /// faster without a ring.
    pub fn received_without_wait(&self) {
        let mut state = self.state.lock();
        if state.token.is_some() && !state.stopping {
            state.unwanted += 1;
            if state.unwanted > UNWANTED {
                self.stop(&mut state);
            }
        }
    }

    /// Has the ring bring what it has and let go, for who does not wait: only then is it sure what has come. Answers whether it is
    /// still to do so.
    pub fn looked(&self) -> bool {
        let mut state = self.state.lock();
        self.stop(&mut state);
        state.token.is_some()
    }

    /// No ring receives from now on. Answers whether one is still to let go.
    pub fn leave(&self) -> bool {
        self.state.lock().disabled = true;
        self.looked()
    }

    /// The connection is to be ended. Answers whether a ring is still to let go.
    pub fn end_stream(&self) -> bool {
        self.state.lock().ending = true;
        self.looked()
    }

    /// Others have the descriptor from now on: what it brings is not kept here. Answers whether a ring is still to let go.
    pub fn share(&self) -> bool {
        self.state.lock().shared = true;
        self.leave()
    }

    /// Whether others have the descriptor.
    pub fn shared(&self) -> bool {
        self.state.lock().shared
    }

    /// The stream is at its end, and another may begin on the descriptor: nothing of this one is left to it. No ring receives.
    pub fn reset_stream(&self) {
        let mut state = self.state.lock();
        *state = State { shared: state.shared, disabled: state.disabled, ..State::default() };
    }

    /// Ends the ring's receive, once.
    fn stop(&self, state: &mut State) {
        if let (Some(ring), Some(token)) = (self.ring, state.token)
            && !std::mem::replace(&mut state.stopping, true)
        {
            ring.stop(token);
        }
    }

    /// Whether a reader would get something; nothing where only the descriptor can tell.
    pub fn ready(&self) -> Option<bool> {
        let state = self.state.lock();
        let here = !state.bytes.is_empty() || state.error.is_some();
        (here || state.token.is_some()).then_some(here)
    }

    /// How many bytes are here.
    pub fn len(&self) -> usize {
        self.state.lock().bytes.len()
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An error that the ring's receive has taken from the socket: the next call is told, in whatever direction.
    pub fn take_error(&self) -> Option<Errno> {
        self.state.lock().take_error()
    }

    /// Whether a ring receives.
    pub fn armed(&self) -> bool {
        self.state.lock().token.is_some()
    }

    /// Nobody reads any more. Where a ring receives, it holds the file open until it is told to let go.
    pub fn close(&self) -> (Option<Held>, Arc<AtomicBool>) {
        let mut state = self.state.lock();
        self.unread.store(!state.bytes.is_empty(), Relaxed);
        state.bytes = VecDeque::new();
        let held = self.ring.zip(state.token.take()).map(|(ring, token)| Held { ring, token });
        (held, Arc::clone(&self.unread))
    }

    /// The ring has received. Answers whether it is to stop: `most` bytes are here, or they come often where events are
    /// `dense`, and who waits next is served by the poller.
    pub fn on_bytes(&self, bytes: &[u8], most: usize, dense: bool) -> bool {
        let mut state = self.state.lock();
        // A socket that was closed meanwhile has no reader.
        if state.token.is_none() {
            self.unread.store(true, Relaxed);
            return false;
        }
        if state.bytes.try_reserve(bytes.len()).is_err() {
            // The bytes are gone: the stream is not to go on without them.
            state.error = state.error.or(Some(Errno::new(libc::ENOMEM)));
            state.lost = true;
        } else if state.error.is_none() {
            state.bytes.extend(bytes);
        }
        let left = dense && state.often >= OFTEN;
        let enough = (left || state.bytes.len() >= most || state.error.is_some()) && !state.stopping;
        state.stopping |= enough;
        enough
    }

    /// The ring receives no more. The stream's end is found by the next attempt; an error is told once, and so is kept.
    pub fn on_end(&self, errno: Option<Errno>) {
        let mut state = self.state.lock();
        state.token = None;
        state.stopping = false;
        state.error = state.error.or(errno.filter(|errno| !of_the_ring(*errno)));
        // A ring that dies may have had bytes.
        state.lost |= errno.is_some_and(|errno| errno.number() == libc::EIO);
    }
}

/// Whether an error is about the request, not about the stream.
fn of_the_ring(errno: Errno) -> bool {
    let ring =
        [libc::ECANCELED, libc::ENOBUFS, libc::ENOMEM, libc::EBADF, libc::EINVAL, libc::EOPNOTSUPP, libc::EAGAIN];
    ring.contains(&errno.number())
}

impl State {
    /// Whether all there is of the stream is behind the descriptor.
    fn empty(&self) -> bool {
        self.bytes.is_empty() && self.error.is_none() && self.token.is_none()
    }

    /// Somebody begins to wait. Answers whether that happens often.
    fn waits(&mut self, now: Instant) -> bool {
        let soon = self.waited.replace(now).is_some_and(|before| now.saturating_duration_since(before) < SOON);
        self.often = if soon { (self.often + 1).min(2 * OFTEN) } else { self.often.saturating_sub(1) };
        self.often >= OFTEN
    }

    /// The error is told, once; but that bytes were lost is told again and again.
    fn take_error(&mut self) -> Option<Errno> {
        if self.lost { self.error } else { self.error.take() }
    }

    /// Gives what is here, as much as is wanted.
    fn give<O: Op>(&mut self, op: &mut O, want: Want, fd: BorrowedFd<'_>, kind: Kind) -> Attempt<O::Done> {
        let len = self.bytes.len().min(want.most);
        if want.whole() && len > MUCH {
            if !want.unbounded {
                return Attempt::More;
            }
            if !want.peek {
                return op.take_buffered(&mut self.bytes, len);
            }
        }
        // What is looked at in parts would be the same part again.
        let len = if want.whole() || want.peek { len } else { len.min(AT_ONCE) };
        let attempt = op.copy_buffered(&self.bytes, len, fd, kind);
        if let Attempt::Done(done) | Attempt::Partial(done) = &attempt
            && !want.peek
        {
            self.bytes.drain(..O::bytes(done).min(self.bytes.len()));
            if self.bytes.is_empty() {
                // An idle connection holds no memory.
                self.bytes = VecDeque::new();
            } else if self.bytes.len() < AT_ONCE && self.bytes.capacity() > MUCH {
                // The room of a length that nobody waits for any more.
                self.bytes.shrink_to_fit();
            }
        }
        attempt
    }

    /// The end has come: what there is goes with it, or before it.
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

    /// What there is more in the socket belongs to the same answer.
    fn top_up(&mut self, fd: BorrowedFd<'_>, most: usize) {
        let most = most.min(AT_ONCE);
        while self.token.is_none() && self.error.is_none() && self.bytes.len() < most {
            let wanted = (most - self.bytes.len()).min(PIECE);
            match self.gather(fd, most) {
                Ok(got) if got == wanted => {}
                // All there is, or the mark of urgent data, which a receive does not pass. The next attempt finds the end again.
                Ok(_) => return,
                Err(errno) => {
                    self.error = Some(errno).filter(|errno| !crate::op::blocked(*errno));
                    return;
                }
            }
        }
    }

    /// Receives what is wanting, or a part of it.
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
