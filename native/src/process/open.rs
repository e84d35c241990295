//! New sockets, and their owners.

use super::model::{Handle, Owner, Waiter, Watches};
use super::notify;
use super::place::Place;
use crate::atoms;
use esock::socket::Socket;
use parking_lot::Mutex;
use rustler::{Atom, Env, LocalPid, ResourceArc};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Number of sockets opened. One open in [`SIGNALS_EVERY`] asks its process to handle its signals.
static OPENED: AtomicUsize = AtomicUsize::new(0);
const SIGNALS_EVERY: usize = 64;

impl Handle {
    /// Makes the resource of a socket. Its owner `pid` is the caller, or the process in whose place an accept is
    /// completed.
    pub(crate) fn open(
        env: Env<'_>,
        (place, pid): (Place, LocalPid),
        socket: Arc<Socket<Waiter>>,
        registered: bool,
    ) -> ResourceArc<Self> {
        let handle = ResourceArc::new(Self {
            socket,
            owner: Mutex::new(None),
            meta: Mutex::new(None),
            watches: Watches::default(),
            key: Mutex::new(None),
            lingering: Mutex::new(None),
            closer: Mutex::new(None),
            closing: Mutex::new(None),
        });
        Self::own(&handle, env, place, pid);
        OPENED.fetch_add(1, Relaxed);
        if registered {
            Self::register(&handle, env);
        }
        handle
    }

    /// Makes a process the owner. If it has ended, the socket closes at once.
    pub(crate) fn own(this: &ResourceArc<Self>, env: Env<'_>, place: Place, pid: LocalPid) {
        // Under the lock: if the process ends as soon as the VM monitors it, `down` has to find it as the owner.
        let mut owner = this.owner.lock();
        let monitor = this.monitor(place.caller(env), &pid);
        let alive = monitor.is_some();
        let old = owner.replace(Owner { pid, monitor });
        drop(owner);
        // A former owner that still waits stays monitored until the last of its waits ends.
        if let Some(Owner { pid: old, monitor: Some(monitor) }) = old {
            let monitor = Arc::new(monitor);
            let shown = this.socket.for_each_waiter(old, |waiter| waiter.share(&monitor));
            shown.into_iter().for_each(|wakes| notify::deliver(env, place, wakes));
            if let Some(monitor) = Arc::into_inner(monitor) {
                this.demonitor(place.caller(env), &monitor);
            }
        }
        if !alive {
            this.end(env);
        }
    }
}

/// The tag of an answer with new sockets: `ok`, or `signals` now and then, which has `esock_wait:taken/1` handle the
/// signals of the caller. The VM's monitor on an owner is a signal to it, and so is its end. On OTP 25 (not on 29) a
/// process that calls and never waits leaves them in its queue, and each of its garbage collections goes through all of
/// them: it gets slower with every socket.
pub(crate) fn ok_or_signals(count: usize) -> Atom {
    if OPENED.load(Relaxed) % SIGNALS_EVERY < count { atoms::signals() } else { atoms::ok() }
}
