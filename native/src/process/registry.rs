//! The registered sockets.

use super::model::Handle;
use super::place::Place;
use super::{handle, notify};
use esock::socket::registry::{Page, Registry};
use rustler::{Env, ResourceArc, Term};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The registered sockets. An entry keeps its socket until it is closed, as it is when its owner ends.
static REGISTRY: Registry<ResourceArc<Handle>> = Registry::new();
/// Whether new sockets are registered.
pub(crate) static USE_REGISTRY: AtomicBool = AtomicBool::new(true);

impl Handle {
    /// Takes the socket, which is closed, out of the registry.
    pub(super) fn unregister(&self) {
        let key = self.key.lock().take();
        key.map(|key| REGISTRY.remove(key));
    }

    /// Enters the socket into the registry, if it is not there. Answers whether it is open.
    pub(crate) fn register(this: &ResourceArc<Self>, env: Env<'_>) -> bool {
        let mut key = this.key.lock();
        if key.is_none() {
            *key = REGISTRY.insert(this.clone());
        }
        drop(key);
        // Whoever closes takes the entry out, if it is there by then. Otherwise it finds the socket closed here.
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

/// How many sockets are registered.
pub(crate) fn number_of() -> usize {
    REGISTRY.len()
}

/// Whether a socket that says nothing about it is registered.
pub(crate) fn use_registry() -> bool {
    USE_REGISTRY.load(Relaxed)
}
