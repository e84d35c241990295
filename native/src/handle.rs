//! The resource behind a socket term, `{'$socket', reference()}`: the core's socket, its owner, and who is to be told
//! when it is closed.

use crate::atoms;
use crate::caller::{self, Place, Waiter};
use crate::watch::Watches;
use crate::worker::{BACKGROUND, Work};
use esock::socket::Socket;
use esock::socket::descriptor::Descriptor;
use esock::socket::registry::{Key, Page, Registry};
use parking_lot::Mutex;
use rustler::env::{OwnedEnv, SavedTerm};
use rustler::{Atom, Encoder, Env, LocalPid, Monitor, Resource, ResourceArc, Term};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::mpsc::Receiver;

/// The process whose death closes a socket.
pub(crate) struct Owner {
    pub(crate) pid: LocalPid,
    pub(crate) monitor: Option<Monitor>,
}

/// A socket as the VM knows it.
pub(crate) struct Handle {
    /// The core's socket.
    pub(crate) socket: Arc<Socket<Waiter>>,
    owner: Mutex<Option<Owner>>,
    /// `{otp, meta}`
    pub(crate) meta: Mutex<Option<(OwnedEnv, SavedTerm)>>,
    /// Who monitors it.
    pub(crate) watches: Watches,
    key: Mutex<Option<Key>>,
    /// A descriptor whose close may block, between `close/1` and `close_linger/1`.
    pub(crate) lingering: Mutex<Option<Descriptor>>,
    /// The process between those calls. If it does not live to make the second, its death closes the descriptor.
    pub(crate) closer: Mutex<Option<Owner>>,
    /// The answer of a close that waits for a ring, between the same.
    pub(crate) closing: Mutex<Option<Receiver<esock::sys::Result<()>>>>,
}

/// The registered sockets. An entry keeps its socket until it is closed, as it is when its owner ends.
static REGISTRY: Registry<ResourceArc<Handle>> = Registry::new();
/// Sockets on descriptors that others have lent, by number. A socket of ours that closes its descriptor closes them first: the number
/// may be another's then.
static LENT: Mutex<BTreeMap<RawFd, Vec<ResourceArc<Handle>>>> = Mutex::new(BTreeMap::new());
/// Whether there has ever been one: most nodes have none, and their closes take no lock for it.
static LENDS: AtomicBool = AtomicBool::new(false);

/// Sockets opened, of which every so many asks its process to attend to its signals.
static OPENED: AtomicUsize = AtomicUsize::new(0);
const ATTEND: usize = 64;
/// Whether new sockets are registered.
pub(crate) static USE_REGISTRY: AtomicBool = AtomicBool::new(true);

#[rustler::resource_impl]
impl Resource for Handle {
    const IMPLEMENTS_DESTRUCTOR: bool = true;
    const IMPLEMENTS_DOWN: bool = true;

    fn destructor(self, env: Env<'_>) {
        // Nobody refers to the socket, so nobody waits.
        let open = self.close(env, Place::Callback);
        close_unattended(open.or_else(|| self.lingering.lock().take()));
    }

    fn down<'a>(&'a self, env: Env<'a>, pid: LocalPid, monitor: Monitor) {
        let is = |kept: &Mutex<Option<Owner>>| kept.lock().as_ref().is_some_and(|kept| kept.monitor == Some(monitor));
        if is(&self.owner) {
            self.end(env);
        } else if is(&self.closer) {
            close_unattended(self.lingering.lock().take());
        } else if BACKGROUND.take(Work::Gone(Arc::clone(&self.socket), pid)).is_err() {
            self.socket.gone(pid).into_iter().for_each(|wakes| caller::tell(env, Place::Callback, wakes));
        }
    }
}

impl Handle {
    /// A socket that a process owns, which calls or is acted for.
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
        handle.own(env, place, pid);
        OPENED.fetch_add(1, Relaxed);
        if registered {
            handle.register(env);
        }
        handle
    }

    /// Whether this process is the owner.
    pub(crate) fn owned_by(&self, pid: LocalPid) -> bool {
        self.owner().is_some_and(|owner| owner == pid)
    }

    /// The owner, while the socket is open.
    pub(crate) fn owner(&self) -> Option<LocalPid> {
        self.owner.lock().as_ref().map(|owner| owner.pid)
    }

    /// Whether the socket is registered.
    pub(crate) fn registered(&self) -> bool {
        self.key.lock().is_some()
    }

    /// Takes the socket, which is closed, out of the registry.
    fn unregister(&self) {
        let key = self.key.lock().take();
        key.map(|key| REGISTRY.remove(key));
    }

    /// Closes it for everybody and tells whoever waits or monitors. The first caller gets the descriptor, to close.
    pub(crate) fn close(&self, env: Env<'_>, place: Place) -> Option<Descriptor> {
        let (descriptor, wakes) = self.socket.close()?;
        for other in self.borrowers(&descriptor) {
            drop(other.close(env, place));
        }
        for wakes in wakes {
            caller::tell(env, place, wakes);
        }
        self.unregister();
        *self.meta.lock() = None;
        self.watches.fire(env, place);
        Some(descriptor)
    }

    /// The sockets that are to be closed with this one. One that is lent itself is so no more.
    fn borrowers(&self, descriptor: &Descriptor) -> Vec<ResourceArc<Self>> {
        let Some(number) = descriptor.as_fd().map(|fd| fd.as_raw_fd()).filter(|_| LENDS.load(Acquire)) else {
            return Vec::new();
        };
        let mut lent = LENT.lock();
        if descriptor.ours() {
            return lent.remove(&number).unwrap_or_default();
        }
        if let Entry::Occupied(mut sockets) = lent.entry(number) {
            // They are dropped when the lock is released.
            let (mine, others) =
                sockets.get_mut().drain(..).partition(|socket| std::ptr::eq(&raw const **socket, self));
            *sockets.get_mut() = others;
            if sockets.get().is_empty() {
                sockets.remove();
            }
            return mine;
        }
        Vec::new()
    }

    /// Closes it because its owner has ended.
    fn end(&self, env: Env<'_>) {
        if let Some(descriptor) = self.close(env, Place::Callback) {
            *self.owner.lock() = None;
            close_unattended(Some(descriptor));
        }
    }
}

/// Closes a descriptor of which nobody waits for the end. Its port is free then, unless many connections wait in its backlog, which
/// the system resets one by one: that is for a thread.
fn close_unattended(descriptor: Option<Descriptor>) {
    let Some(descriptor) = descriptor else {
        return;
    };
    let long = descriptor.slow() && descriptor.crowded() == Some(true);
    let work = Work::Close(descriptor);
    if let Err(Work::Close(descriptor)) = if long { BACKGROUND.take(work) } else { Err(work) } {
        descriptor.close_unattended();
    }
}

/// What needs the resource itself.
pub(crate) trait Owned {
    /// Makes a process the owner. One that has ended closes the socket as its death would have.
    fn own(&self, env: Env<'_>, place: Place, pid: LocalPid);
    /// Nobody's death closes the socket any more: it is closed.
    fn disown(&self, env: Env<'_>);
    /// Keeps a descriptor whose close may block until the calling process comes to close it, or ends.
    fn linger(&self, env: Env<'_>, descriptor: Descriptor);
    /// The calling process closes it now.
    fn unlinger(&self, env: Env<'_>) -> Option<Descriptor>;
    /// Its descriptor is somebody else's, who may be a socket of ours.
    fn borrow(&self, number: RawFd);
    /// Enters the socket into the registry, if it is not there. Answers whether it is open.
    fn register(&self, env: Env<'_>) -> bool;
}

impl Owned for ResourceArc<Handle> {
    fn own(&self, env: Env<'_>, place: Place, pid: LocalPid) {
        // Under the lock: a process that ends as soon as it is watched has to be found as the owner.
        let mut owner = self.owner.lock();
        let monitor = self.monitor(place.caller(env), &pid);
        let alive = monitor.is_some();
        let old = owner.replace(Owner { pid, monitor });
        drop(owner);
        // A former owner that still waits is monitored on, until the last of its waits ends.
        if let Some(Owner { pid: old, monitor: Some(monitor) }) = old {
            let monitor = Arc::new(monitor);
            let shown = self.socket.waiters(old, |waiter| waiter.share(&monitor));
            shown.into_iter().for_each(|wakes| caller::tell(env, place, wakes));
            if let Some(monitor) = Arc::into_inner(monitor) {
                self.demonitor(place.caller(env), &monitor);
            }
        }
        if !alive {
            self.end(env);
        }
    }

    fn disown(&self, env: Env<'_>) {
        let old = self.owner.lock().take();
        if let Some(monitor) = old.and_then(|old| old.monitor) {
            env.demonitor(self, &monitor);
        }
    }

    fn linger(&self, env: Env<'_>, descriptor: Descriptor) {
        *self.lingering.lock() = Some(descriptor);
        let pid = env.pid();
        // Under the lock, as in `own`.
        let mut closer = self.closer.lock();
        let monitor = env.monitor(self, &pid);
        *closer = Some(Owner { pid, monitor });
        if monitor.is_none() {
            // It was killed meanwhile.
            close_unattended(self.lingering.lock().take());
        }
    }

    fn unlinger(&self, env: Env<'_>) -> Option<Descriptor> {
        let closer = self.closer.lock().take();
        if let Some(monitor) = closer.and_then(|closer| closer.monitor) {
            env.demonitor(self, &monitor);
        }
        self.lingering.lock().take()
    }

    fn borrow(&self, number: RawFd) {
        LENT.lock().entry(number).or_default().push(self.clone());
        LENDS.store(true, Release);
    }

    fn register(&self, env: Env<'_>) -> bool {
        let mut key = self.key.lock();
        if key.is_none() {
            *key = REGISTRY.insert(self.clone());
        }
        drop(key);
        // Whoever closes takes the entry out, if it is there by then. Otherwise it finds the socket closed here.
        let (fd, wakes) = self.socket.fd();
        caller::tell(env, Place::Callback, wakes);
        if fd.is_err() {
            self.unregister();
        }
        fd.is_ok()
    }
}

/// What goes with new sockets: `ok`; or `signals`, now and then. The watch over an owner is a signal to it, and so is its
/// end. On OTP 25 (not on 29) a process that calls and never waits leaves them in its queue, and each of its collections
/// goes through all of them: it gets slower with every socket.
pub(crate) fn taken(count: usize) -> Atom {
    if OPENED.load(Relaxed) % ATTEND < count { atoms::signals() } else { atoms::ok() }
}

/// `{'$socket', reference()}`
pub(crate) fn socket<'a>(env: Env<'a>, handle: &ResourceArc<Handle>) -> Term<'a> {
    (atoms::socket_tag(), handle).encode(env)
}

/// A page of the registered sockets.
pub(crate) fn registered(env: Env<'_>, cursor: usize) -> Page<Term<'_>> {
    let Page { entries, next } = REGISTRY.page(cursor);
    Page { entries: entries.iter().map(|handle| socket(env, handle)).collect(), next }
}

/// How many sockets are registered.
pub(crate) fn number_of() -> usize {
    REGISTRY.len()
}

/// Whether a socket that says nothing about it is registered.
pub(crate) fn use_registry() -> bool {
    USE_REGISTRY.load(Relaxed)
}
