//! A socket: a descriptor, two lanes, and the one readiness protocol that every operation goes through.

use crate::addr::Raw;
use crate::backoff::Backoff;
use crate::counter::{CENSUS, Tally};
use crate::descriptor::Descriptor;
use crate::errno::Errno;
use crate::lane::{Cancelled, Claim, Lane, Line, Reason, State, Wake, Wakes};
use crate::op::Op;
use crate::patience::Patience;
use crate::poller::epoll::Poller;
use crate::poller::registration::Registration;
use crate::poller::{self, Ready};
use crate::readiness::{Answer, Failure, Mode, Visit, ready};
use crate::settings::Settings;
use crate::sys;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long a sender waits whom no event will tell of room.
const LATER: Duration = Duration::from_millis(5);

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

    /// Whether it carries datagrams of UDP, or of UDP-Lite, which has its options.
    pub fn udp(self) -> bool {
        let internet = matches!(self.domain, libc::AF_INET | libc::AF_INET6);
        let protocol = matches!(self.protocol, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE);
        internet && self.kind == libc::SOCK_DGRAM && protocol
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
    /// How often to try again before waiting.
    pub(crate) patience: Patience,
    /// What accept has run out of.
    pub(crate) shortage: Option<Box<Backoff>>,
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

/// A socket. Whoever waits on it is a `W`.
pub struct Socket<W: Wake> {
    /// What it is.
    pub kind: Kind,
    /// Where its descriptor comes from.
    pub origin: Origin,
    /// Level `otp`.
    pub settings: Settings,
    /// close(2) may block: SO_LINGER may be on.
    pub(crate) lingers: AtomicBool,
    /// The poller is to come back to it without an event.
    later: AtomicBool,
    read: Lane<W, Side>,
    write: Lane<W, Side>,
    registration: Registration,
    poller: &'static Arc<Poller>,
}

/// An answer, and whoever is to be woken besides.
pub type With<'s, T, W> = (T, Wakes<'s, W>);

impl<W: Wake> Socket<W> {
    /// A new socket, socket(2).
    pub fn open(domain: i32, kind: i32, protocol: i32) -> sys::Result<Arc<Self>> {
        Self::opened(sys::socket::open(domain, kind, protocol)?, domain, kind, protocol)
    }

    /// A new socket in the network namespace behind a path, setns(2). Not for threads that must not block.
    pub fn open_in(netns: &OsStr, domain: i32, kind: i32, protocol: i32) -> sys::Result<Arc<Self>> {
        Self::opened(sys::socket::open_in(netns, domain, kind, protocol)?, domain, kind, protocol)
    }

    fn opened(fd: OwnedFd, domain: i32, kind: i32, protocol: i32) -> sys::Result<Arc<Self>> {
        let protocol = sys::option::get_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_PROTOCOL).unwrap_or(protocol);
        Self::new(fd, Kind { domain, kind, protocol }, Origin::Opened, Settings::default())
    }

    /// A socket on a descriptor that is open already, or on a duplicate of it. What is no duplicate is lent, and stays open,
    /// unless it is given (`own`).
    pub fn open_fd(number: RawFd, dup: bool, own: bool) -> sys::Result<Arc<Self>> {
        let fd = if dup { sys::socket::dup(number)? } else { sys::socket::adopt(number)? };
        let origin = if dup { Origin::Duplicate(number) } else { Origin::Lent(number) };
        let descriptor = Descriptor::new(fd, !dup && !own);
        let fd = descriptor.as_fd().ok_or(Errno::new(libc::EBADF))?;
        let get = |option| sys::option::get_int(fd, libc::SOL_SOCKET, option);
        let kind = Kind { domain: get(libc::SO_DOMAIN)?, kind: get(libc::SO_TYPE)?, protocol: get(libc::SO_PROTOCOL)? };
        sys::socket::set_nonblocking(fd)?;
        let connected = sys::socket::peername(fd).is_ok();
        let settings = Settings::default();
        // Who had it before may have turned it on.
        settings.gro.store(kind.udp() && sys::option::get_int(fd, libc::IPPROTO_UDP, libc::UDP_GRO) == Ok(1), Relaxed);
        let socket = Self::on(descriptor, kind, origin, settings, connected)?;
        // Who had it before may have set it.
        socket.lingers.store(true, Relaxed);
        Ok(socket)
    }

    /// A socket for a connection that this one has accepted. It inherits the settings.
    pub fn accepted(&self, fd: OwnedFd) -> sys::Result<Arc<Self>> {
        let descriptor = Descriptor::new(fd, false);
        let socket = Self::on(descriptor, self.kind, Origin::Opened, self.settings.inherited(), true)?;
        socket.lingers.store(self.lingers.load(Relaxed), Relaxed);
        Ok(socket)
    }

    fn new(fd: OwnedFd, kind: Kind, origin: Origin, settings: Settings) -> sys::Result<Arc<Self>> {
        Self::on(Descriptor::new(fd, false), kind, origin, settings, false)
    }

    pub(crate) fn on(
        fd: Descriptor,
        kind: Kind,
        origin: Origin,
        settings: Settings,
        connected: bool,
    ) -> sys::Result<Arc<Self>> {
        let number = fd.as_fd().map_or(-1, |fd| fd.as_raw_fd());
        let poller = poller::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        let fd = Arc::new(fd);
        let side = |connected| Side {
            fd: Some(Arc::clone(&fd)),
            bound: false,
            listening: false,
            connected,
            selected: false,
            patience: Patience::default(),
            shortage: None,
        };
        CENSUS.enter(kind.domain, kind.kind, kind.protocol);
        Ok(Arc::new(Self {
            kind,
            origin,
            settings,
            lingers: AtomicBool::new(false),
            later: AtomicBool::new(false),
            read: Lane::new(side(false)),
            write: Lane::new(side(connected)),
            registration: Registration::new(number),
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
        self.run_if(op, me, mode, waiter, |_| true)
    }

    /// The same, where the lane allows it.
    fn run_if<O: Op>(
        self: &Arc<Self>,
        op: &mut O,
        me: W::Process,
        mode: Mode,
        waiter: impl FnOnce() -> W,
        allowed: impl FnOnce(&Line<W>) -> bool,
    ) -> With<'_, Answer<O::Done>, W> {
        self.lane(O::CLAIM.direction()).hold(|state, wakes| {
            let Some(descriptor) = state.own.fd.clone() else {
                return Answer::Failed(Failure::Closed);
            };
            let Some(fd) = descriptor.as_fd() else {
                return Answer::Failed(Failure::Closed);
            };
            if !allowed(&state.line) {
                return Answer::Failed(Failure::InLine);
            }
            let again = self.settings.select_read.load(Relaxed);
            Visit { socket: self, state, wakes, fd, me, mode, again }.run(op, waiter)
        })
    }

    pub(crate) fn register(self: &Arc<Self>, direction: Direction) -> sys::Result<()> {
        self.registration.want(self.poller, direction, || Arc::<Self>::clone(self))
    }

    /// Whether whoever is the first in line now would get something. If not, there will be an event for him; where there
    /// cannot be, he meets the error himself.
    pub(crate) fn ready_for_next(self: &Arc<Self>, fd: BorrowedFd<'_>, claim: Claim) -> bool {
        ready(fd, claim) || self.register(claim.direction()).is_err()
    }

    /// Somebody has got something without having waited for it, and nobody else waits.
    pub(crate) fn unawaited(&self) {
        self.registration.unawaited(self.poller);
    }

    /// Lets the poller say after a moment that the socket may be writable.
    pub(crate) fn writable_later(self: &Arc<Self>) {
        if !self.later.swap(true, Relaxed) {
            let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
            self.poller.later(Instant::now() + LATER, true, source);
        }
    }

    /// Lets the poller say at a time that the socket may be readable.
    pub(crate) fn readable_at(self: &Arc<Self>, at: Instant) {
        let source: Arc<dyn Ready> = Arc::<Self>::clone(self);
        self.poller.later(at, false, source);
    }

    /// How the connect under way has ended. Only who began it may ask.
    pub fn finish_connect(self: &Arc<Self>, me: W::Process, waiter: impl FnOnce() -> W) -> With<'_, Answer<()>, W> {
        let mine = |line: &Line<W>| line.leads(me) && line.head.as_ref().is_some_and(|h| h.claim == Claim::Connect);
        self.run_if(&mut crate::op::connect::Connect { to: Raw::default() }, me, Mode::Wait, waiter, mine)
    }

    /// Takes the waiter of `me` for which `is` holds out of the line. Whatever was already on its way to him has
    /// arrived once [`Lane::told`] has answered. An error says that the socket is closed.
    pub fn cancel(
        self: &Arc<Self>,
        direction: Direction,
        me: W::Process,
        is: impl Fn(&W) -> bool,
    ) -> With<'_, Result<Cancelled, Failure>, W> {
        self.lane(direction).hold(|state, wakes| {
            let descriptor = state.own.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.as_fd().ok_or(Failure::Closed)?;
            let claim = state.line.head.as_ref().map_or(Claim::Read, |head| head.claim);
            Ok(state.line.cancel(me, is, || self.ready_for_next(fd, claim), wakes))
        })
    }

    /// Whether a process has a place in the line of each direction.
    pub fn waits(&self, process: W::Process) -> [With<'_, bool, W>; 2] {
        [&self.read, &self.write].map(|lane| lane.hold(|state, _| state.line.holds(process)))
    }

    /// Takes a process that has ended out of both lines; it has at most one place in each.
    pub fn gone(self: &Arc<Self>, process: W::Process) -> [Wakes<'_, W>; 2] {
        [Direction::Read, Direction::Write].map(|direction| self.cancel(direction, process, |_| true).1)
    }

    /// Uses the descriptor, in the turn of the read lane.
    pub fn with<T>(
        &self,
        work: impl FnOnce(BorrowedFd<'_>, &mut Side) -> sys::Result<T>,
    ) -> With<'_, Result<T, Failure>, W> {
        self.read.hold(|state, _| {
            let descriptor = state.own.fd.clone().ok_or(Failure::Closed)?;
            let fd = descriptor.as_fd().ok_or(Failure::Closed)?;
            work(fd, &mut state.own).map_err(Failure::Errno)
        })
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
        self.registration.end(self.poller);
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
    pub(crate) fn tally<O: Op>(&mut self) -> &mut Tally {
        if O::APART { self.apart.get_or_insert_default() } else { &mut self.tally }
    }
}

impl<W: Wake> Ready for Socket<W> {
    fn ready(&self, readable: bool, writable: bool) {
        if readable {
            self.read.event().tell();
        }
        if writable {
            self.later.store(false, Relaxed);
            self.write.event().tell();
        }
    }
}
