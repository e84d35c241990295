//! Where sockets come from: socket(2), accept4(2), or a descriptor that is open already.

use crate::lane::{Lane, Wake};
use crate::poller::registration::Registration;
use crate::ring::ahead::Ahead;
use crate::socket::backend::Backend;
use crate::socket::census::CENSUS;
use crate::socket::descriptor::Descriptor;
use crate::socket::patience::Patience;
use crate::socket::pending_error::PendingError;
use crate::socket::settings::Settings;
use crate::socket::{Side, Socket};
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
        Self::opened(sys::socket::open(domain, kind, protocol)?, domain, kind, protocol, backend)
    }

    /// A new socket in the network namespace behind a path, setns(2). Not for threads that must not block.
    pub fn open_in(netns: &OsStr, domain: i32, kind: i32, protocol: i32, backend: Backend) -> sys::Result<Arc<Self>> {
        Self::opened(sys::socket::open_in(netns, domain, kind, protocol)?, domain, kind, protocol, backend)
    }

    fn opened(fd: OwnedFd, domain: i32, kind: i32, protocol: i32, backend: Backend) -> sys::Result<Arc<Self>> {
        let protocol = sys::option::get_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_PROTOCOL).unwrap_or(protocol);
        let kind = Kind { domain, kind, protocol };
        Self::on(fd.into(), kind, Origin::Opened, Settings::default(), false, backend)
    }

    /// A socket on a descriptor that is open already, or on a duplicate of it. What is no duplicate is lent, and stays open,
    /// unless it is given (`own`) and is a socket. What is none is left as it was.
    pub fn open_fd(number: RawFd, dup: bool, own: bool, backend: Backend) -> sys::Result<Arc<Self>> {
        let used = if dup { sys::socket::dup(number)?.into() } else { MaybeOwnedFd::lent(number)? };
        let origin = if dup { Origin::Duplicate(number) } else { Origin::Lent(number) };
        let fd = used.as_fd();
        let get = |option| sys::option::get_int(fd, libc::SOL_SOCKET, option);
        let kind = Kind { domain: get(libc::SO_DOMAIN)?, kind: get(libc::SO_TYPE)?, protocol: get(libc::SO_PROTOCOL)? };
        let connected = sys::socket::peername(fd).is_ok();
        let settings = Settings::default();
        // Who had it before may have turned it on.
        settings.gro.store(kind.udp() && sys::option::get_int(fd, libc::IPPROTO_UDP, libc::UDP_GRO) == Ok(1), Relaxed);
        // Nothing fails from here on: what is given is ours only now, and what is lent was not changed before.
        poller::pool::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        sys::socket::set_nonblocking(fd)?;
        let used = if own { used.into_owned() } else { used };
        let socket = Self::on(used, kind, origin, settings, connected, backend)?;
        // Who had it before may have set it.
        socket.lingers.store(true, Relaxed);
        Ok(socket)
    }

    /// A socket for a connection that this one has accepted. It inherits the settings.
    pub fn accepted(&self, fd: OwnedFd) -> sys::Result<Arc<Self>> {
        let settings = self.settings.inherited();
        let socket = Self::on(fd.into(), self.kind, Origin::Opened, settings, true, self.backend)?;
        socket.lingers.store(self.lingers.load(Relaxed), Relaxed);
        Ok(socket)
    }

    /// Whether bytes are kept for a receive of a length, until all of them are there.
    pub fn gathers(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| !ahead.shared())
    }

    pub(crate) fn on(
        fd: MaybeOwnedFd,
        kind: Kind,
        origin: Origin,
        settings: Settings,
        connected: bool,
        backend: Backend,
    ) -> sys::Result<Arc<Self>> {
        let number = fd.as_fd().as_raw_fd();
        let poller = poller::pool::of(number).ok_or(Errno::new(libc::ENOSYS))?;
        // Who shares the open socket with others takes no more of it than is given to a caller.
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
            patience: Patience::default(),
            shortage: None,
            round: 0,
            probe: None,
        };
        CENSUS.enter(kind.domain, kind.kind, kind.protocol);
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
        }))
    }
}
