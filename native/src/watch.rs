//! Monitors of sockets, and references that do not keep a socket alive.

use crate::atoms;
use crate::caller::{self, Place};
use crate::handle::Handle;
use crate::worker::{BACKGROUND, Work};
use esock::registry::Page;
use parking_lot::Mutex;
use rustler::{Encoder, Env, LocalPid, Monitor, Resource, ResourceArc, Term};
use slab::Slab;
use std::sync;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// The number of a socket's reference.
///
/// The VM keeps references to resources that were once encoded in a table by their numbers, and finds them there when
/// such a number is decoded, for as long as the resource lives. Of a resource that is gone the number gives a plain
/// reference, which looks the same. That makes it a weak reference, and the only one that the VM offers.
#[derive(Clone, Copy)]
pub(crate) struct Weak([u8; Self::LEN]);

impl Weak {
    /// A reference of this node has three words.
    const LEN: usize = 12;

    /// A weak reference to a socket.
    pub(crate) fn new(env: Env<'_>, handle: &ResourceArc<Handle>) -> Option<Self> {
        handle.encode(env).to_binary().last_chunk().copied().map(Self)
    }

    /// The reference. The name of the node stands before the number: a fresh reference has it as it is now.
    fn term(self, env: Env<'_>) -> Option<Term<'_>> {
        let mut encoded = env.make_ref().encode(env).to_binary();
        *encoded.last_chunk_mut()? = self.0;
        env.binary_to_term(&encoded).map(|(term, _)| term)
    }

    /// The socket, if it still lives.
    pub(crate) fn upgrade(self, env: Env<'_>) -> Option<ResourceArc<Handle>> {
        self.term(env)?.decode().ok()
    }
}

/// The monitor of one process on one socket. The monitor's reference is this resource.
pub(crate) struct Watch {
    pid: LocalPid,
    socket: Weak,
    watches: sync::Weak<Watches>,
    /// Its key in the table of the socket, and the VM's watch over the process.
    entry: OnceLock<(usize, Monitor)>,
}

/// The monitors of one socket that are still to tell.
#[derive(Default)]
pub(crate) struct Watches(Mutex<Slab<ResourceArc<Watch>>>);

/// How many there are, of all sockets.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[rustler::resource_impl]
impl Resource for Watch {
    const IMPLEMENTS_DOWN: bool = true;

    fn down<'a>(&'a self, _: Env<'a>, _: LocalPid, _: Monitor) {
        self.leave();
    }
}

impl Watch {
    /// Has the calling process told when the socket is closed.
    pub(crate) fn start(env: Env<'_>, handle: &ResourceArc<Handle>) -> Option<ResourceArc<Self>> {
        let (pid, watches) = (env.pid(), Arc::downgrade(&handle.watches));
        let socket = Weak::new(env, handle)?;
        let watch = ResourceArc::new(Self { pid, socket, watches, entry: OnceLock::new() });
        // Under the lock: a process that ends as soon as it is watched has to be found in the table.
        let mut table = handle.watches.0.lock();
        let monitor = env.monitor(&watch, &pid)?;
        watch.entry.get_or_init(|| (table.insert(watch.clone()), monitor));
        COUNT.fetch_add(1, Relaxed);
        drop(table);
        Some(watch)
    }

    /// Whether this process started it.
    pub(crate) fn started_by(&self, pid: LocalPid) -> bool {
        self.pid == pid
    }

    /// Whether it is still to tell.
    pub(crate) fn active(&self) -> bool {
        self.in_table(|_, _| ()).is_some()
    }

    /// Takes it out of the table. Who gets it is the one to tell the process, or not to.
    pub(crate) fn leave(&self) -> Option<ResourceArc<Self>> {
        let watch = self.in_table(|table, key| table.try_remove(key))??;
        COUNT.fetch_sub(1, Relaxed);
        Some(watch)
    }

    /// Does something with the table, if it is in there.
    fn in_table<T>(&self, work: impl FnOnce(&mut Slab<ResourceArc<Self>>, usize) -> T) -> Option<T> {
        let watches = self.watches.upgrade()?;
        let mut table = watches.0.lock();
        // The key may be another's by now.
        let (key, _) = *self.entry.get()?;
        let here = table.get(key).is_some_and(|watch| std::ptr::eq(self, &raw const **watch));
        here.then(|| work(&mut table, key))
    }

    /// Sends `{'DOWN', MRef, socket, Socket, closed}` to the process of one that has left.
    pub(crate) fn tell(this: &ResourceArc<Self>, env: Env<'_>, place: Place) {
        let socket = (atoms::socket_tag(), this.socket.term(env));
        let message = (atoms::down(), this, atoms::socket(), socket, atoms::closed());
        caller::send(env, this.pid, message.encode(env));
        Self::end(this, env, place);
    }

    /// Ends the VM's watch over the process of one that has left.
    pub(crate) fn end(this: &ResourceArc<Self>, env: Env<'_>, place: Place) {
        if place != Place::Callback
            && let Some((_, monitor)) = this.entry.get()
        {
            this.demonitor(place.caller(env), monitor);
        }
    }

    /// The process.
    pub(crate) fn pid(&self) -> LocalPid {
        self.pid
    }
}

impl Watches {
    /// How many monitors there are, of all sockets.
    pub(crate) fn number_of() -> usize {
        COUNT.load(Relaxed)
    }

    /// A page of the monitors.
    pub(crate) fn page(&self, cursor: usize) -> Page<ResourceArc<Watch>> {
        Page::new(&self.0.lock(), cursor)
    }

    /// Takes all out, for [`Watch::tell`].
    pub(crate) fn take(&self) -> Slab<ResourceArc<Watch>> {
        let table = std::mem::take(&mut *self.0.lock());
        COUNT.fetch_sub(table.len(), Relaxed);
        table
    }

    /// Tells everybody that the socket is closed.
    pub(crate) fn fire(&self, env: Env<'_>, place: Place) {
        let watches = self.take();
        let apart = place.apart(watches.len());
        let work = Work::Down(watches);
        if let Err(Work::Down(watches)) = if apart { BACKGROUND.take(work) } else { Err(work) } {
            watches.iter().for_each(|(_, watch)| Watch::tell(watch, env, place));
        }
    }
}
