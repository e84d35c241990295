//! How sockets are opened: by socket(2), from accept4(2), or on a descriptor that is open already.

use crate::lane::{Lane, Wake};
use crate::poller::registration::Registration;
use crate::ring::ahead::Ahead;
use crate::socket::answer::Failure;
use crate::socket::backend::Backend;
use crate::socket::census::CENSUS;
use crate::socket::descriptor::Descriptor;
use crate::socket::observers::Observers;
use crate::socket::pending_error::PendingError;
use crate::socket::settings::Settings;
use crate::socket::yielding::YieldPolicy;
use crate::socket::{Outcome, Side, Socket};
use crate::sys::kind::{Kind, Origin};
use crate::sys::socket::MaybeOwnedFd;
use crate::wire::errno::Errno;
use crate::{poller, ring, sys};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

impl<W: Wake> Socket<W> {
    /// A new socket, socket(2).
    pub fn open(domain: i32, kind: i32, protocol: i32, backend: Backend) -> sys::Result<Arc<Self>> {
        Self::from_opened(sys::socket::open(domain, kind, protocol)?, domain, kind, protocol, backend)
    }

    /// A new socket in the network namespace of a path, setns(2). This blocks: it must not run on a normal scheduler.
    pub fn open_in(netns: &OsStr, domain: i32, kind: i32, protocol: i32, backend: Backend) -> sys::Result<Arc<Self>> {
        Self::from_opened(sys::socket::open_in(netns, domain, kind, protocol)?, domain, kind, protocol, backend)
    }

    fn from_opened(fd: OwnedFd, domain: i32, kind: i32, protocol: i32, backend: Backend) -> sys::Result<Arc<Self>> {
        // The default protocol gets its number. Some families, such as most of CAN, do not tell the kernel: it says 0.
        let known =
            sys::option::get_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_PROTOCOL).ok().filter(|known| *known != 0);
        let protocol = known.unwrap_or(protocol);
        let kind = Kind { domain, kind, protocol };
        Self::new(fd.into(), kind, Origin::Opened, Settings::default(), false, backend)
    }

    /// Two new sockets that are connected to each other, socketpair(2).
    pub fn pair(domain: i32, kind: i32, protocol: i32, backend: Backend) -> sys::Result<[Arc<Self>; 2]> {
        let (one, other) = sys::socket::pair_of(domain, kind, protocol)?;
        let kind = Kind { domain, kind, protocol };
        let socket = |fd: OwnedFd| Self::new(fd.into(), kind, Origin::Opened, Settings::default(), true, backend);
        let one = socket(one)?;
        match socket(other) {
            Ok(other) => Ok([one, other]),
            Err(errno) => {
                drop(one.close());
                Err(errno)
            }
        }
    }

    /// A socket on a duplicate of an open descriptor (`dup`), or on the descriptor itself. The descriptor itself is
    /// lent and stays open, unless `own` gives it to the socket. If the open fails, for example because the
    /// descriptor is not a socket, the descriptor stays open and as it was.
    pub fn open_fd(number: RawFd, dup: bool, own: bool, backend: Backend) -> sys::Result<Arc<Self>> {
        let used = if dup { sys::socket::dup(number)?.into() } else { MaybeOwnedFd::lent(number)? };
        let origin = if dup { Origin::Duplicate(number) } else { Origin::Lent(number) };
        let kind = sys::descriptor::kind(used.as_fd().as_raw_fd())?;
        // The last two steps that can fail. A given descriptor belongs to the socket only after them, and a lent one
        // is changed only by the second.
        poller::pool::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        sys::descriptor::set_nonblocking(used.as_fd().as_raw_fd(), true)?;
        let used = if own { used.into_owned() } else { used };
        Self::on_open(used, kind, origin, Settings::default(), backend)
    }

    /// A socket on a descriptor that came from elsewhere, for example in a control message. If it is not a socket, it
    /// is closed.
    pub fn adopt(fd: OwnedFd, backend: Backend) -> sys::Result<Arc<Self>> {
        let number = fd.as_raw_fd();
        let kind = sys::descriptor::kind(number)?;
        sys::descriptor::set_nonblocking(number, true)?;
        Self::on_open(fd.into(), kind, Origin::Lent(number), Settings::default(), backend)
    }

    /// A socket on a duplicate of the descriptor of this one, with the same settings. Both share the open file, so
    /// that the caller has called [`Socket::share`].
    pub fn duplicate(&self) -> Outcome<Result<Arc<Self>, Failure>, W> {
        self.with_descriptor(|fd, _| {
            let origin = Origin::Duplicate(fd.as_raw_fd());
            let fd = sys::socket::dup(fd.as_raw_fd())?;
            Self::on_open(fd.into(), self.kind, origin, self.settings.inherited(), self.backend)
        })
    }

    /// A socket on a descriptor whose options may have been set, and that may be connected.
    fn on_open(
        fd: MaybeOwnedFd,
        kind: Kind,
        origin: Origin,
        settings: Settings,
        backend: Backend,
    ) -> sys::Result<Arc<Self>> {
        let (gro, connected) = {
            let fd = fd.as_fd();
            let gro = kind.udp() && sys::option::get_int(fd, libc::IPPROTO_UDP, libc::UDP_GRO) == Ok(1);
            (gro, sys::socket::peername(fd).is_ok())
        };
        settings.gro.store(gro, Relaxed);
        let socket = Self::new(fd, kind, origin, settings, connected, backend)?;
        socket.lingers.store(true, Relaxed);
        Ok(socket)
    }

    /// A descriptor of any kind that is used for waiting alone. It is used as [`Socket::open_fd`] does, but not changed.
    pub fn open_poll_only(number: RawFd, dup: bool, own: bool, backend: Backend) -> sys::Result<Arc<Self>> {
        let used = if dup { sys::socket::dup(number)?.into() } else { MaybeOwnedFd::lent(number)? };
        let origin = if dup { Origin::Duplicate(number) } else { Origin::Lent(number) };
        poller::pool::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        let used = if own { used.into_owned() } else { used };
        let socket = Self::new(used, Kind::NONE, origin, Settings::default(), false, backend)?;
        socket.lingers.store(true, Relaxed);
        Ok(socket)
    }

    /// A socket for an accepted connection. It inherits the settings of this one.
    pub fn accepted(&self, fd: OwnedFd) -> sys::Result<Arc<Self>> {
        let settings = self.settings.inherited();
        let socket = Self::new(fd.into(), self.kind, Origin::Opened, settings, true, self.backend)?;
        socket.lingers.store(self.lingers.load(Relaxed), Relaxed);
        Ok(socket)
    }

    /// Whether a receive of a length may gather bytes in the socket until all of them have come.
    pub fn gathers(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| !ahead.shared())
    }

    pub(crate) fn new(
        fd: MaybeOwnedFd,
        kind: Kind,
        origin: Origin,
        settings: Settings,
        connected: bool,
        backend: Backend,
    ) -> sys::Result<Arc<Self>> {
        let number = fd.as_fd().as_raw_fd();
        let poller = poller::pool::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        // A socket on a duplicate or on a lent descriptor shares the open socket with others. It takes no more bytes
        // from the kernel than it gives to a caller.
        let alone = backend == Backend::Uring && kind.stream() && origin == Origin::Opened;
        let ring = if kind.tcp() { ring::pool::of } else { |_| None };
        let ahead = alone.then(|| Ahead::new(ring(number)));
        let lent = !fd.owned();
        let fd = Arc::new(Descriptor::new(fd));
        let side = |connected| Side {
            fd: Some(Arc::clone(&fd)),
            bound: false,
            listening: false,
            connected,
            selected: false,
            yield_policy: YieldPolicy::default(),
            shortage: None,
            attempt_round: 0,
            probe: None,
        };
        CENSUS.add(kind.domain, kind.kind, kind.protocol);
        Ok(Arc::new(Self {
            kind,
            origin,
            settings,
            lingers: AtomicBool::new(false),
            timer_set: AtomicBool::new(false),
            pending_error: PendingError::default(),
            error_after_data: PendingError::default(),
            read: Lane::new(side(false)),
            write: Lane::new(side(connected)),
            registration: Registration::new(lent),
            poller,
            backend,
            ahead,
            observers: Observers::default(),
        }))
    }
}
