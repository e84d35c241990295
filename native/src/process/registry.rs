//! The registry of sockets: `esock:which_sockets/0` and `esock:number_of/0` read it.

use super::model::Handle;
use super::place::Place;
use super::{handle, notify};
use esock::socket::registry::{Page, Registry};
use rustler::{Env, ResourceArc, Term};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The registered sockets. An entry keeps its socket alive until the socket is closed, which the end of its owner does
/// too.
static REGISTRY: Registry<ResourceArc<Handle>> = Registry::new();
/// Whether sockets are registered whose options do not say. By default they are.
pub(crate) static USE_REGISTRY: AtomicBool = AtomicBool::new(true);

impl Handle {
    /// Removes the socket, which is closed, from the registry.
    pub(super) fn unregister(&self) {
        let key = self.key.lock().take();
        key.map(|key| REGISTRY.remove(key));
    }

    /// Registers the socket, if it is not registered. Answers whether it is open.
    pub(crate) fn register(this: &ResourceArc<Self>, env: Env<'_>) -> bool {
        let mut key = this.key.lock();
        if key.is_none() {
            *key = REGISTRY.insert(this.clone());
        }
        drop(key);
        // A concurrent close removes the entry, if it is there by then. Otherwise this call finds the socket closed.
        let (fd, wakes) = this.socket.fd();
        notify::deliver(env, Place::Callback, wakes);
        if fd.is_err() {
            this.unregister();
        }
        fd.is_ok()
    }
}

/// A page of the registered sockets.
pub(crate) fn registered(env: Env<'_>, cursor: usize) -> Page<Term<'_>> {
    let Page { entries, next } = REGISTRY.page(cursor);
    Page { entries: entries.iter().map(|handle| handle::socket_term(env, handle)).collect(), next }
}

/// Number of registered sockets.
pub(crate) fn number_of() -> usize {
    REGISTRY.len()
}

/// Whether a socket is registered whose options do not say.
pub(crate) fn use_registry() -> bool {
    USE_REGISTRY.load(Relaxed)
}
