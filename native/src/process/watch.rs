//! Monitors on sockets: a process is sent `'DOWN'` when the socket closes.

use super::model::{BACKGROUND, Handle, Watch, Watches, Work};
use super::place::Place;
use super::stored_term::StoredTerm;
use super::{handle, notify};
use crate::atoms;
use esock::socket::registry::Page;
use rustler::{Encoder, Env, LocalPid, Monitor, Resource, ResourceArc, Term};
use slab::Slab;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Number of monitors on all sockets.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[rustler::resource_impl]
impl Resource for Watch {
    const IMPLEMENTS_DOWN: bool = true;

    fn down<'a>(&'a self, _: Env<'a>, _: LocalPid, _: Monitor) {
        self.remove();
    }
}

impl Watch {
    /// Starts a monitor of the calling process. Its message has `named` in the place of the socket. `None`: the process has
    /// ended.
    pub(crate) fn start(
        env: Env<'_>,
        handle: &ResourceArc<Handle>,
        named: Option<Term<'_>>,
    ) -> Option<ResourceArc<Self>> {
        let (pid, socket) = (env.pid(), handle.clone());
        let named = named.map(StoredTerm::new);
        let watch = ResourceArc::new(Self { pid, socket, named, entry: OnceLock::new() });
        // Under the lock: if the process ends as soon as the VM monitors it, `down` has to find it in the table.
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

    /// Whether its `'DOWN'` message has not been sent yet.
    pub(crate) fn active(&self) -> bool {
        self.in_table(|_, _| ()).is_some()
    }

    /// Removes it from the table. One caller gets it, and alone decides whether `'DOWN'` is sent.
    pub(crate) fn remove(&self) -> Option<ResourceArc<Self>> {
        let watch = self.in_table(|table, key| table.try_remove(key))??;
        COUNT.fetch_sub(1, Relaxed);
        Some(watch)
    }

    /// Runs `work` on the table, if the monitor is still in it.
    fn in_table<T>(&self, work: impl FnOnce(&mut Slab<ResourceArc<Self>>, usize) -> T) -> Option<T> {
        let mut table = self.socket.watches.0.lock();
        // Another monitor may have the key by now.
        let (key, _) = *self.entry.get()?;
        let here = table.get(key).is_some_and(|watch| std::ptr::eq(self, &raw const **watch));
        here.then(|| work(&mut table, key))
    }

    /// Sends `{'DOWN', MRef, socket, Socket, closed}` for a monitor that has been removed.
    pub(crate) fn send_down(this: &ResourceArc<Self>, env: Env<'_>, place: Place) {
        let named = this.named.as_ref().and_then(|named| named.term(env));
        let socket = named.unwrap_or_else(|| handle::socket_term(env, &this.socket));
        let message = (atoms::down(), this, atoms::socket(), socket, atoms::closed());
        notify::send(env, this.pid, message.encode(env));
        Self::end(this, env, place);
    }

    /// Ends the VM's monitor on the process, for a monitor that has been removed.
    pub(crate) fn end(this: &ResourceArc<Self>, env: Env<'_>, place: Place) {
        if place != Place::Callback
            && let Some((_, monitor)) = this.entry.get()
        {
            this.demonitor(place.caller(env), monitor);
        }
    }

    /// The process that monitors.
    pub(crate) fn pid(&self) -> LocalPid {
        self.pid
    }
}

impl Watches {
    /// Number of monitors on all sockets.
    pub(crate) fn number_of() -> usize {
        COUNT.load(Relaxed)
    }

    /// A page of the monitors.
    pub(crate) fn page(&self, cursor: usize) -> Page<ResourceArc<Watch>> {
        Page::new(&self.0.lock(), cursor)
    }

    /// Removes all, to send their `'DOWN'` messages.
    pub(crate) fn take(&self) -> Slab<ResourceArc<Watch>> {
        let table = std::mem::take(&mut *self.0.lock());
        COUNT.fetch_sub(table.len(), Relaxed);
        table
    }

    /// Sends `'DOWN'` to all processes that monitor the socket.
    pub(crate) fn notify_closed(&self, env: Env<'_>, place: Place) {
        let watches = self.take();
        let needs_thread = place.needs_thread(watches.len());
        let work = Work::SocketDown(watches);
        if let Err(Work::SocketDown(watches)) = if needs_thread { BACKGROUND.submit(work) } else { Err(work) } {
            watches.iter().for_each(|(_, watch)| Watch::send_down(watch, env, place));
        }
    }
}
