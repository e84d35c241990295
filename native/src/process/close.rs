//! How a socket closes: by a call, by the end of its owner, or by the garbage collector.

use super::model::{BACKGROUND, Handle, Owner, Waiter, Work};
use super::notify;
use super::place::Place;
use esock::lane::wakes::Wakes;
use esock::socket::descriptor::Descriptor;
use esock::socket::leave::Kept;
use parking_lot::Mutex;
use rustler::{Env, LocalPid, Monitor, Resource, ResourceArc};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};

/// Sockets on lent descriptors, by number of the descriptor. A socket of ours that closes its descriptor closes them
/// first: afterwards the number may belong to another file.
static LENT: Mutex<BTreeMap<RawFd, Vec<ResourceArc<Handle>>>> = Mutex::new(BTreeMap::new());
/// Whether there has ever been one. On most nodes there is none, and their closes skip the lock of [`LENT`].
static ANY_LENT: AtomicBool = AtomicBool::new(false);

#[rustler::resource_impl]
impl Resource for Handle {
    const IMPLEMENTS_DESTRUCTOR: bool = true;
    const IMPLEMENTS_DOWN: bool = true;

    fn destructor(self, env: Env<'_>) {
        // No reference to the socket is left, so no process waits.
        let open = self.close(env, Place::Callback);
        close_unattended(open.or_else(|| self.lingering.lock().take()));
    }

    fn down<'a>(&'a self, env: Env<'a>, pid: LocalPid, monitor: Monitor) {
        let is = |watched: &Mutex<Option<Owner>>| {
            watched.lock().as_ref().is_some_and(|watched| watched.monitor == Some(monitor))
        };
        if is(&self.owner) {
            self.end(env);
        } else if is(&self.closer) {
            close_unattended(self.lingering.lock().take());
        } else if BACKGROUND.submit(Work::ProcessDown(Arc::clone(&self.socket), pid)).is_err() {
            self.socket.remove_process(pid).into_iter().for_each(|wakes| notify::deliver(env, Place::Callback, wakes));
        }
    }
}

impl Handle {
    /// Closes the socket for all processes, and notifies those that wait on it or monitor it. The first caller gets the
    /// descriptor and closes it.
    pub(crate) fn close(&self, env: Env<'_>, place: Place) -> Option<Descriptor> {
        let (descriptor, wakes) = self.socket.close()?;
        for other in self.sockets_to_close(&descriptor) {
            drop(other.close(env, place));
        }
        self.ended(env, place, wakes);
        Some(descriptor)
    }

    /// Ends the socket for all processes as [`Handle::close`] does, and gives the caller the descriptor to keep open.
    /// Sockets that it was lent to keep it.
    pub(crate) fn detach(&self, env: Env<'_>, place: Place) -> Result<Descriptor, Kept> {
        let (left, read) = self.socket.detach();
        notify::deliver(env, place, read);
        let (descriptor, wakes) = left?;
        if !descriptor.ours() {
            drop(self.sockets_to_close(&descriptor));
        }
        self.ended(env, place, wakes);
        Ok(descriptor)
    }

    fn ended(&self, env: Env<'_>, place: Place, wakes: [Wakes<Waiter>; 2]) {
        for wakes in wakes {
            notify::deliver(env, place, wakes);
        }
        self.unregister();
        *self.meta.lock() = None;
        self.watches.notify_closed(env, place);
    }

    /// Takes the sockets that are to be closed with this one. A socket on a lent descriptor takes itself out.
    fn sockets_to_close(&self, descriptor: &Descriptor) -> Vec<ResourceArc<Self>> {
        let Some(number) = descriptor.as_fd().map(|fd| fd.as_raw_fd()).filter(|_| ANY_LENT.load(Acquire)) else {
            return Vec::new();
        };
        let mut lent = LENT.lock();
        if descriptor.ours() {
            return lent.remove(&number).unwrap_or_default();
        }
        if let Entry::Occupied(mut sockets) = lent.entry(number) {
            // The caller drops them, when the lock has been released.
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

    /// Closes the socket because its owner has ended.
    pub(super) fn end(&self, env: Env<'_>) {
        if let Some(descriptor) = self.close(env, Place::Callback) {
            *self.owner.lock() = None;
            close_unattended(Some(descriptor));
        }
    }

    /// Ends the monitor on the owner: the socket is closed.
    pub(crate) fn disown(this: &ResourceArc<Self>, env: Env<'_>) {
        let old = this.owner.lock().take();
        if let Some(monitor) = old.and_then(|old| old.monitor) {
            env.demonitor(this, &monitor);
        }
    }

    /// Keeps a descriptor whose close(2) may block until the calling process closes it or ends.
    pub(crate) fn linger(this: &ResourceArc<Self>, env: Env<'_>, descriptor: Descriptor) {
        *this.lingering.lock() = Some(descriptor);
        let pid = env.pid();
        // Under the lock, as in [`Handle::own`].
        let mut closer = this.closer.lock();
        let monitor = env.monitor(this, &pid);
        *closer = Some(Owner { pid, monitor });
        if monitor.is_none() {
            // The process has been killed.
            close_unattended(this.lingering.lock().take());
        }
    }

    /// Takes the descriptor, which the calling process closes now.
    pub(crate) fn take_lingering(this: &ResourceArc<Self>, env: Env<'_>) -> Option<Descriptor> {
        let closer = this.closer.lock().take();
        if let Some(monitor) = closer.and_then(|closer| closer.monitor) {
            env.demonitor(this, &monitor);
        }
        this.lingering.lock().take()
    }

    /// Records that the descriptor was lent. It may belong to another socket of ours.
    pub(crate) fn add_to_lent(this: &ResourceArc<Self>, number: RawFd) {
        LENT.lock().entry(number).or_default().push(this.clone());
        ANY_LENT.store(true, Release);
    }
}

/// Closes a descriptor when no process waits for the result. The port of a listener is free on return, unless more than
/// 64 connections wait in its backlog, or more than 64 processes waited for its events: so a thread closes it.
fn close_unattended(descriptor: Option<Descriptor>) {
    let Some(descriptor) = descriptor else {
        return;
    };
    let backlog = descriptor.slow() && descriptor.has_long_backlog() == Some(true);
    let long = backlog || descriptor.has_many_duplicates();
    let work = Work::Close(descriptor);
    if let Err(Work::Close(descriptor)) = if long { BACKGROUND.submit(work) } else { Err(work) } {
        descriptor.close_unattended();
    }
}
