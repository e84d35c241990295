//! Monitors of sockets, and references that do not keep a socket alive.

use crate::handle::Handle;
use crate::{atoms, caller};
use parking_lot::Mutex;
use rustler::{Encoder, Env, LocalPid, Monitor, Resource, ResourceArc, Term};
use std::sync;
use std::sync::Arc;

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
}

/// The monitors of one socket.
#[derive(Default)]
pub(crate) struct Watches(Mutex<Vec<ResourceArc<Watch>>>);

#[rustler::resource_impl]
impl Resource for Watch {
    const IMPLEMENTS_DOWN: bool = true;

    fn down<'a>(&'a self, _: Env<'a>, _: LocalPid, _: Monitor) {
        self.remove();
    }
}

impl Watch {
    /// Has the calling process told when the socket is closed; or says that it is closed already.
    pub(crate) fn start(env: Env<'_>, handle: &ResourceArc<Handle>) -> Option<ResourceArc<Self>> {
        let (pid, watches) = (env.pid(), Arc::downgrade(&handle.watches));
        let watch = ResourceArc::new(Self { pid, socket: Weak::new(env, handle)?, watches });
        env.monitor(&watch, &pid)?;
        handle.watches.0.lock().push(watch.clone());
        Some(watch)
    }

    /// Whether this process started it.
    pub(crate) fn started_by(&self, pid: LocalPid) -> bool {
        self.pid == pid
    }

    /// Whether it is still to tell.
    pub(crate) fn active(&self) -> bool {
        self.watches.upgrade().is_some_and(|watches| watches.0.lock().iter().any(|watch| self.same(watch)))
    }

    fn same(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }

    /// Ends it. Answers whether it was still to tell.
    pub(crate) fn remove(&self) -> bool {
        let Some(watches) = self.watches.upgrade() else {
            return false;
        };
        let mut list = watches.0.lock();
        let place = list.iter().position(|watch| self.same(watch));
        let watch = place.map(|place| list.swap_remove(place));
        drop(list);
        watch.is_some()
    }
}

impl Watches {
    /// The monitors, each with its process.
    pub(crate) fn list(&self) -> Vec<(ResourceArc<Watch>, LocalPid)> {
        self.0.lock().iter().map(|watch| (watch.clone(), watch.pid)).collect()
    }

    /// Sends `{'DOWN', MRef, socket, Socket, closed}` to everybody.
    pub(crate) fn fire(&self, env: Env<'_>) {
        let list = std::mem::take(&mut *self.0.lock());
        for watch in list {
            let socket = (atoms::socket_tag(), watch.socket.term(env));
            let message = (atoms::down(), &watch, atoms::socket(), socket, atoms::closed());
            caller::send(env, watch.pid, message.encode(env));
        }
    }
}
