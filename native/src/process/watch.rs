//! Monitors of sockets.

use super::model::{BACKGROUND, Handle, Watch, Watches, Work};
use super::place::Place;
use super::{handle, notify};
use crate::atoms;
use esock::socket::registry::Page;
use rustler::{Encoder, Env, LocalPid, Monitor, Resource, ResourceArc};
use slab::Slab;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many there are, of all sockets.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[rustler::resource_impl]
impl Resource for Watch {
    const IMPLEMENTS_DOWN: bool = true;

    fn down<'a>(&'a self, _: Env<'a>, _: LocalPid, _: Monitor) {
        self.remove();
    }
}

impl Watch {
    /// Has the calling process told when the socket is closed.
    pub(crate) fn start(env: Env<'_>, handle: &ResourceArc<Handle>) -> Option<ResourceArc<Self>> {
        let (pid, socket) = (env.pid(), handle.clone());
        let watch = ResourceArc::new(Self { pid, socket, entry: OnceLock::new() });
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
    pub(crate) fn remove(&self) -> Option<ResourceArc<Self>> {
        let watch = self.in_table(|table, key| table.try_remove(key))??;
        COUNT.fetch_sub(1, Relaxed);
        Some(watch)
    }

    /// Does something with the table, if it is in there.
    fn in_table<T>(&self, work: impl FnOnce(&mut Slab<ResourceArc<Self>>, usize) -> T) -> Option<T> {
        let mut table = self.socket.watches.0.lock();
        // The key may be another's by now.
        let (key, _) = *self.entry.get()?;
        let here = table.get(key).is_some_and(|watch| std::ptr::eq(self, &raw const **watch));
        here.then(|| work(&mut table, key))
    }

    /// Sends `{'DOWN', MRef, socket, Socket, closed}` to the process of one that has left.
    pub(crate) fn send_down(this: &ResourceArc<Self>, env: Env<'_>, place: Place) {
        let socket = handle::socket_term(env, &this.socket);
        let message = (atoms::down(), this, atoms::socket(), socket, atoms::closed());
        notify::send(env, this.pid, message.encode(env));
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
    pub(crate) fn notify_closed(&self, env: Env<'_>, place: Place) {
        let watches = self.take();
        let needs_thread = place.needs_thread(watches.len());
        let work = Work::SocketDown(watches);
        if let Err(Work::SocketDown(watches)) = if needs_thread { BACKGROUND.submit(work) } else { Err(work) } {
            watches.iter().for_each(|(_, watch)| Watch::send_down(watch, env, place));
        }
    }
}
