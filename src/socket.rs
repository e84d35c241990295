//! A socket: a descriptor, two lanes, and the one readiness protocol that every operation goes through.

use crate::addr::{Address, Raw};
use crate::counter::{CENSUS, Tally};
use crate::errno::Errno;
use crate::lane::{Cancelled, Claim, Lane, Reason, State, Turn, Wake, Wakes};
use crate::op::{Attempt, Op};
use crate::poller::epoll::Poller;
use crate::poller::token::Token;
use crate::poller::{self, Ready};
use crate::sys;
use parking_lot::Mutex;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What a socket is, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// AF_*
    pub domain: i32,
    /// SOCK_*
    pub kind: i32,
    /// IPPROTO_*
    pub protocol: i32,
}

impl Kind {
    /// Whether it carries a stream of bytes, where a length may come in pieces and nothing means the end.
    pub fn stream(self) -> bool {
        self.kind == libc::SOCK_STREAM
    }
}

/// Where a socket's descriptor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// socket(2) or accept(2)
    Opened,
    /// a duplicate of this descriptor
    Duplicate(RawFd),
    /// this descriptor itself, which stays open when the socket is closed
    Lent(RawFd),
}

/// A descriptor, and whether it is closed with the socket.
pub struct Descriptor {
    fd: Option<OwnedFd>,
    lent: bool,
}

impl Descriptor {
    /// Closes it, unless it was lent. Blocks for as long as SO_LINGER says.
    pub fn close(mut self) -> sys::Result<()> {
        match self.fd.take() {
            Some(fd) if !self.lent => sys::socket::close(fd),
            fd => {
                forget(fd);
                Ok(())
            }
        }
    }

    /// Closes it without waiting: what is still to be sent goes on in the background.
    pub fn close_unattended(self) {
        if let Some(fd) = self.fd.as_ref().map(AsFd::as_fd) {
            let mut linger = [0; 8];
            let read = sys::option::get(fd, libc::SOL_SOCKET, libc::SO_LINGER, &mut linger);
            // A linger of 0 seconds is a reset: it does not block, and stays one.
            if read.is_ok() && linger.last_chunk::<4>() != Some(&[0; 4]) {
                let _ = sys::option::set(fd, libc::SOL_SOCKET, libc::SO_LINGER, &[0; 8]);
            }
        }
        // Nobody is left who could be told of an error.
        let _ = self.close();
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.lent {
            forget(self.fd.take());
        }
    }
}

/// Gives a descriptor back to whom it belongs: it is not closed.
fn forget(fd: Option<OwnedFd>) {
    fd.map(IntoRawFd::into_raw_fd);
}

/// How an operation is to go about waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Do not wait.
    Once,
    /// Wait to be woken.
    Wait,
    /// The caller can give up its turn and come back, and has done so this many times: only wait where, as this
    /// socket has been, it would not help.
    Yield(u32),
}

/// What came of an operation.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is done.
    Done(T),
    /// It is done in part, and the caller is in line for the rest (unless it is not to wait).
    Partial(T),
    /// The caller is in line.
    Waiting,
    /// It would block; the caller is not to wait and is not in line.
    Blocked,
    /// The caller is to give up its turn and try again.
    Yield,
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The socket, or the peer's side of the stream, is closed.
    Closed,
    /// The system says so.
    Errno(Errno),
    /// There is no memory for a buffer.
    NoMemory,
    /// Something is going on that excludes this.
    State,
    /// The caller is in line already.
    InLine,
    /// A connect is under way.
    Already,
}

/// What the lanes share: their own way to the descriptor, and flags for `info`.
pub struct Side {
    fd: Option<Arc<Descriptor>>,
    /// bind(2) was called.
    pub bound: bool,
    /// listen(2) was called.
    pub listening: bool,
    /// It has a peer.
    pub connected: bool,
    /// Somebody has waited in this direction.
    pub selected: bool,
    patience: Patience,
}

/// How often it pays, on this socket, to give up the turn and try again before waiting. A wait costs a wake-up of the
/// poller, a message and perhaps a sleeping scheduler, and a peer that is busy answers sooner than that; but a peer
/// that is idle must not be asked in vain. ARCHITECTURE.md has the figures.
#[derive(Default)]
struct Patience {
    /// yields that are worth trying
    yields: u8,
    /// waits in a row without a try
    waits: u8,
}

impl Patience {
    /// More than this has not paid.
    const MOST: u8 = 10;
    /// Every so many waits the socket gets a new chance.
    const PROBE: u8 = 16;

    /// An attempt got something after so many yields.
    fn paid(&mut self, after: u32) {
        if after > 0 {
            self.yields = (self.yields.saturating_mul(2)).clamp(2, Self::MOST);
        }
    }

    /// It came to a wait after so many yields.
    fn waited(&mut self, after: u32) {
        self.waits = self.waits.wrapping_add(1);
        if after > 0 {
            self.yields /= 2;
        } else if self.waits.is_multiple_of(Self::PROBE) {
            self.yields = 1;
        }
    }
}

/// Read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// receive and accept
    Read,
    /// send and connect
    Write,
}

impl Claim {
    /// The direction it needs.
    pub fn direction(self) -> Direction {
        match self {
            Self::Read | Self::Accept => Direction::Read,
            Self::Write | Self::Connect => Direction::Write,
        }
    }
}

#[derive(Default)]
struct Registration {
    token: Option<Token>,
    writing: bool,
}

/// How much one receive takes where the caller names no length: `{otp, rcvbuf}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rcvbuf {
    /// how many buffers a receive that may wait fills, where the size was given as a pair
    pub count: Option<u32>,
    /// the size of one, in bytes
    pub size: usize,
}

impl Default for Rcvbuf {
    fn default() -> Self {
        Self { count: None, size: 8192 }
    }
}

/// What the library keeps for the level `otp`. An accepted socket inherits it.
#[derive(Default)]
pub struct Settings {
    /// `{otp, rcvbuf}`
    pub rcvbuf: Mutex<Rcvbuf>,
    /// `{otp, debug}`
    pub debug: AtomicBool,
    /// `{otp, iow}`
    pub iow: AtomicBool,
}

/// A socket. Whoever waits on it is a `W`.
pub struct Socket<W: Wake> {
    /// What it is.
    pub kind: Kind,
    /// Where its descriptor comes from.
    pub origin: Origin,
    /// Level `otp`.
    pub settings: Settings,
    /// close(2) may block: SO_LINGER may be on.
    lingers: AtomicBool,
    read: Lane<W, Side>,
    write: Lane<W, Side>,
    registration: Mutex<Registration>,
    poller: &'static Arc<Poller>,
}

/// An answer, and whoever is to be woken besides.
pub type With<'s, T, W> = (T, Wakes<'s, W>);

impl<W: Wake> Socket<W> {
    /// A new socket, socket(2).
    pub fn open(domain: i32, kind: i32, protocol: i32) -> sys::Result<Arc<Self>> {
        let fd = sys::socket::open(domain, kind, protocol)?;
        let protocol = sys::option::get_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_PROTOCOL).unwrap_or(protocol);
        Self::new(fd, Kind { domain, kind, protocol }, Origin::Opened, Settings::default())
    }

    /// A socket on a descriptor that is open already, or on a duplicate of it.
    pub fn open_fd(number: RawFd, dup: bool) -> sys::Result<Arc<Self>> {
        let fd = if dup { sys::socket::dup(number)? } else { sys::socket::adopt(number)? };
        let origin = if dup { Origin::Duplicate(number) } else { Origin::Lent(number) };
        let descriptor = Descriptor { fd: Some(fd), lent: !dup };
        let fd = descriptor.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::new(libc::EBADF))?;
        let get = |option| sys::option::get_int(fd, libc::SOL_SOCKET, option);
        let kind = Kind { domain: get(libc::SO_DOMAIN)?, kind: get(libc::SO_TYPE)?, protocol: get(libc::SO_PROTOCOL)? };
        sys::socket::set_nonblocking(fd)?;
        let connected = sys::socket::peername(fd).is_ok();
        let socket = Self::on(descriptor, kind, origin, Settings::default(), connected)?;
        // Who had it before may have set it.
        socket.lingers.store(true, Relaxed);
        Ok(socket)
    }

    /// A socket for a connection that this one has accepted. It inherits the settings.
    pub fn accepted(&self, fd: OwnedFd) -> sys::Result<Arc<Self>> {
        let settings = Settings {
            rcvbuf: Mutex::new(*self.settings.rcvbuf.lock()),
            debug: AtomicBool::new(self.settings.debug.load(Relaxed)),
            iow: AtomicBool::new(self.settings.iow.load(Relaxed)),
        };
        let descriptor = Descriptor { fd: Some(fd), lent: false };
        let socket = Self::on(descriptor, self.kind, Origin::Opened, settings, true)?;
        socket.lingers.store(self.lingers.load(Relaxed), Relaxed);
        Ok(socket)
    }

    fn new(fd: OwnedFd, kind: Kind, origin: Origin, settings: Settings) -> sys::Result<Arc<Self>> {
        Self::on(Descriptor { fd: Some(fd), lent: false }, kind, origin, settings, false)
    }

    fn on(fd: Descriptor, kind: Kind, origin: Origin, settings: Settings, connected: bool) -> sys::Result<Arc<Self>> {
        let number = fd.fd.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let poller = poller::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        let fd = Arc::new(fd);
        let side = |connected| Side {
            fd: Some(Arc::clone(&fd)),
            bound: false,
            listening: false,
            connected,
            selected: false,
            patience: Patience::default(),
        };
        CENSUS.enter(kind.domain, kind.kind, kind.protocol);
        Ok(Arc::new(Self {
            kind,
            origin,
            settings,
            lingers: AtomicBool::new(false),
            read: Lane::new(side(false)),
            write: Lane::new(side(connected)),
            registration: Mutex::default(),
            poller,
        }))
    }

    /// The lane of a direction.
    pub fn lane(&self, direction: Direction) -> &Lane<W, Side> {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// Does an operation for the process `me`, or has it wait: `waiter` is asked for then, and only then.
    pub fn run<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        mode: Mode,
        waiter: impl FnOnce() -> W,
    ) -> With<'_, Answer<O::Done>, W> {
        self.lane(O::CLAIM.direction()).hold(|state, wakes| {
            let Some(descriptor) = state.own.fd.clone() else {
                return Answer::Failed(Failure::Closed);
            };
            let Some(fd) = descriptor.fd.as_ref().map(AsFd::as_fd) else {
                return Answer::Failed(Failure::Closed);
            };
            match state.line.turn(me, O::CLAIM) {
                Turn::Excluded => return Answer::Failed(Failure::State),
                Turn::InLine => return Answer::Failed(Failure::InLine),
                // A look that does not wait may be had out of turn; it takes what is there.
                Turn::Behind if mode == Mode::Once && O::CLAIM == Claim::Read => {}
                Turn::Behind if mode == Mode::Once => return Answer::Blocked,
                Turn::Behind if O::CLAIM == Claim::Connect => {
                    return Answer::Failed(Failure::Already);
                }
                Turn::Behind => {
                    state.line.queue(O::CLAIM, waiter());
                    return Answer::Waiting;
                }
                Turn::Mine if O::CLAIM == Claim::Connect && state.line.leads(me) => {
                    // The connect under way has to have ended before it can be asked how.
                    if !sys::ready::writable(fd) {
                        return match mode {
                            Mode::Yield(_) => self.waiting(state, fd, O::CLAIM, waiter, wakes),
                            Mode::Once | Mode::Wait => Answer::Failed(Failure::Already),
                        };
                    }
                }
                Turn::Mine => {}
            }
            state.tally(O::CLAIM).tries += 1;
            let attempt = if state.line.leads(me) { op.resume(fd, self.kind) } else { op.attempt(fd, self.kind) };
            match attempt {
                Attempt::Done(done) => {
                    state.tally(O::CLAIM).package(O::bytes(&done));
                    if let Mode::Yield(after) = mode {
                        state.own.patience.paid(after);
                    }
                    state.own.connected |= O::CLAIM == Claim::Connect;
                    pass_on(state, me, fd, O::CLAIM, wakes);
                    Answer::Done(done)
                }
                Attempt::Partial(done) if mode == Mode::Once && O::CLAIM == Claim::Read => {
                    state.tally(O::CLAIM).package(O::bytes(&done));
                    pass_on(state, me, fd, O::CLAIM, wakes);
                    Answer::Done(done)
                }
                Attempt::Partial(done) => {
                    state.tally(O::CLAIM).part(O::bytes(&done));
                    if mode == Mode::Once {
                        pass_on(state, me, fd, O::CLAIM, wakes);
                        return Answer::Partial(done);
                    }
                    match self.wait(state, fd, O::CLAIM, waiter, wakes) {
                        Ok(()) => {
                            // Unlike EAGAIN, a part does not say that there is nothing more.
                            if ready(fd, O::CLAIM) {
                                state.line.notify(wakes);
                            }
                            Answer::Partial(done)
                        }
                        // The next call meets the error again.
                        Err(_) => Answer::Partial(done),
                    }
                }
                Attempt::Blocked => match mode {
                    Mode::Once => Answer::Blocked,
                    Mode::Yield(after) if after < u32::from(state.own.patience.yields) => Answer::Yield,
                    _ => {
                        if let Mode::Yield(after) = mode {
                            state.own.patience.waited(after);
                        }
                        self.waiting(state, fd, O::CLAIM, waiter, wakes)
                    }
                },
                Attempt::Closed => {
                    state.tally(O::CLAIM).fails += 1;
                    state.line.abort(Some(me), Reason::Closed, wakes);
                    Answer::Failed(Failure::Closed)
                }
                Attempt::Failed(errno) => {
                    state.tally(O::CLAIM).fails += 1;
                    if O::fatal(errno) {
                        state.line.abort(Some(me), Reason::Errno(errno), wakes);
                    } else {
                        pass_on(state, me, fd, O::CLAIM, wakes);
                    }
                    Answer::Failed(Failure::Errno(errno))
                }
                Attempt::NoMemory => {
                    state.tally(O::CLAIM).fails += 1;
                    pass_on(state, me, fd, O::CLAIM, wakes);
                    Answer::Failed(Failure::NoMemory)
                }
            }
        })
    }

    fn waiting<T>(
        self: &Arc<Self>,
        state: &mut State<W, Side>,
        fd: BorrowedFd<'_>,
        claim: Claim,
        waiter: impl FnOnce() -> W,
        wakes: &mut Wakes<'_, W>,
    ) -> Answer<T> {
        match self.wait(state, fd, claim, waiter, wakes) {
            Ok(()) => Answer::Waiting,
            Err(errno) => Answer::Failed(Failure::Errno(errno)),
        }
    }

    /// Gives the turn to a waiter, with the descriptor registered.
    fn wait(
        self: &Arc<Self>,
        state: &mut State<W, Side>,
        fd: BorrowedFd<'_>,
        claim: Claim,
        waiter: impl FnOnce() -> W,
        wakes: &mut Wakes<'_, W>,
    ) -> sys::Result<()> {
        self.register(fd, claim.direction())?;
        state.tally(claim).waits += 1;
        state.own.selected = true;
        state.line.lead(claim, waiter(), wakes);
        Ok(())
    }

    fn register(self: &Arc<Self>, fd: BorrowedFd<'_>, direction: Direction) -> sys::Result<()> {
        let writing = direction == Direction::Write;
        let mut registration = self.registration.lock();
        match registration.token {
            None => {
                let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
                registration.token = Some(self.poller.add(fd, writing, source)?);
                registration.writing = writing;
            }
            Some(token) if writing && !registration.writing => {
                self.poller.add_writing(fd, token)?;
                registration.writing = true;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// How the connect under way has ended. Only who began it may ask.
    pub fn finish_connect(self: &Arc<Self>, me: W::Process, waiter: impl FnOnce() -> W) -> With<'_, Answer<()>, W> {
        let asked = self.write.hold(|state, _| {
            if state.own.fd.is_none() {
                return Some(Failure::Closed);
            }
            let mine =
                state.line.head.as_ref().is_some_and(|head| head.claim == Claim::Connect) && state.line.leads(me);
            (!mine).then_some(Failure::InLine)
        });
        match asked {
            (Some(failure), wakes) => (Answer::Failed(failure), wakes),
            (None, _) => self.run(&mut crate::op::connect::Connect { to: Raw::default() }, me, Mode::Wait, waiter),
        }
    }

    /// Takes the waiter of `me` for which `is` holds out of the line. Whatever was already on its way to him has
    /// arrived once [`Lane::told`] has answered. An error says that the socket is closed.
    pub fn cancel(
        &self,
        direction: Direction,
        me: W::Process,
        is: impl Fn(&W) -> bool,
    ) -> With<'_, Result<Cancelled, Failure>, W> {
        self.lane(direction).hold(|state, wakes| {
            let descriptor = state.own.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.fd.as_ref().map(AsFd::as_fd).ok_or(Failure::Closed)?;
            let claim = state.line.head.as_ref().map_or(Claim::Read, |head| head.claim);
            Ok(state.line.cancel(me, is, || ready(fd, claim), wakes))
        })
    }

    /// Takes a process that has ended out of both lines; it has at most one place in each.
    pub fn gone(&self, process: W::Process) -> [Wakes<'_, W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| self.cancel(direction, process, |_| true).1)
    }

    /// Uses the descriptor, in the turn of the read lane.
    pub fn with<T>(
        &self,
        work: impl FnOnce(BorrowedFd<'_>, &mut Side) -> sys::Result<T>,
    ) -> With<'_, Result<T, Failure>, W> {
        self.read.hold(|state, _| {
            let descriptor = state.own.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.fd.as_ref().map(AsFd::as_fd).ok_or(Failure::Closed)?;
            work(fd, &mut state.own).map_err(Failure::Errno)
        })
    }

    /// bind(2)
    pub fn bind(&self, addr: &Raw) -> With<'_, Result<(), Failure>, W> {
        self.with(|fd, side| {
            sys::socket::bind(fd, addr)?;
            side.bound = true;
            Ok(())
        })
    }

    /// listen(2)
    pub fn listen(&self, backlog: i32) -> With<'_, Result<(), Failure>, W> {
        self.with(|fd, side| {
            sys::socket::listen(fd, backlog)?;
            side.listening = true;
            Ok(())
        })
    }

    /// shutdown(2)
    pub fn shutdown(&self, how: i32) -> With<'_, Result<(), Failure>, W> {
        self.with(|fd, _| sys::socket::shutdown(fd, how))
    }

    /// getsockname(2)
    pub fn sockname(&self) -> With<'_, Result<Address, Failure>, W> {
        self.with(|fd, _| sys::socket::sockname(fd).map(|raw| Address::from_raw(&raw)))
    }

    /// getpeername(2)
    pub fn peername(&self) -> With<'_, Result<Address, Failure>, W> {
        self.with(|fd, _| sys::socket::peername(fd).map(|raw| Address::from_raw(&raw)))
    }

    /// setsockopt(2)
    pub fn set_option(&self, level: i32, option: i32, value: &[u8]) -> With<'_, Result<(), Failure>, W> {
        self.with(|fd, _| {
            sys::option::set(fd, level, option, value)?;
            if (level, option) == (libc::SOL_SOCKET, libc::SO_LINGER) {
                self.lingers.store(true, Relaxed);
            }
            Ok(())
        })
    }

    /// getsockopt(2): the first `size` bytes of the value.
    pub fn option(&self, level: i32, option: i32, size: usize) -> With<'_, Result<Vec<u8>, Failure>, W> {
        self.with(|fd, _| {
            let mut value = vec![0; size];
            let len = sys::option::get(fd, level, option, &mut value)?;
            value.truncate(len);
            Ok(value)
        })
    }

    /// The number of the descriptor.
    pub fn fd(&self) -> With<'_, Result<RawFd, Failure>, W> {
        self.with(|fd, _| Ok(fd.as_raw_fd()))
    }

    /// Whether closing the descriptor may block.
    pub fn lingers(&self) -> bool {
        self.lingers.load(Relaxed)
    }

    /// Closes the socket: nobody can use it from now on, and everybody who waits is told. The first caller gets the
    /// descriptor, which is to be closed; it blocks there if anywhere.
    pub fn close(&self) -> Option<(Descriptor, [Wakes<'_, W>; 2])> {
        let (mine, read) = self.read.hold(|state, wakes| {
            state.line.abort(None, Reason::Closed, wakes);
            state.own.fd.take()
        });
        let descriptor = mine?;
        let (_, write) = self.write.hold(|state, wakes| {
            state.line.abort(None, Reason::Closed, wakes);
            state.own.fd.take()
        });
        if let (Some(fd), Some(token)) = (&descriptor.fd, self.registration.lock().token.take()) {
            self.poller.remove(fd.as_fd(), token);
        }
        CENSUS.leave(self.kind.domain, self.kind.kind, self.kind.protocol);
        // Nobody else has it: who uses a descriptor holds a lane.
        Some((Arc::into_inner(descriptor)?, [read, write]))
    }

    /// A look at a lane, for `info`.
    pub fn look<T>(&self, direction: Direction, look: impl FnOnce(&State<W, Side>) -> T) -> With<'_, T, W> {
        self.lane(direction).hold(|state, _| look(state))
    }
}

impl Side {
    /// Whether the socket is open.
    pub fn open(&self) -> bool {
        self.fd.is_some()
    }
}

impl<W> State<W, Side> {
    fn tally(&mut self, claim: Claim) -> &mut Tally {
        match claim {
            Claim::Accept => self.accepts.get_or_insert_default(),
            _ => &mut self.tally,
        }
    }
}

/// Whoever leads and has got something lets the next one have his turn.
fn pass_on<W: Wake>(
    state: &mut State<W, Side>,
    me: W::Process,
    fd: BorrowedFd<'_>,
    claim: Claim,
    wakes: &mut Wakes<'_, W>,
) {
    if state.line.leads(me) {
        state.line.advance(|| ready(fd, claim), wakes);
    }
}

fn ready(fd: BorrowedFd<'_>, claim: Claim) -> bool {
    match claim.direction() {
        Direction::Read => sys::ready::readable(fd),
        Direction::Write => sys::ready::writable(fd),
    }
}

impl<W: Wake> Ready for Socket<W> {
    fn ready(&self, readable: bool, writable: bool) {
        if readable {
            self.read.event().tell();
        }
        if writable {
            self.write.event().tell();
        }
    }
}
