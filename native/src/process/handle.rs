//! The resource behind a socket term, `{'$socket', reference()}`, and its owner.

use super::model::Handle;
use crate::atoms;
use rustler::{Encoder, Env, LocalPid, ResourceArc, Term};

impl Handle {
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
}

/// `{'$socket', reference()}`
pub(crate) fn socket_term<'a>(env: Env<'a>, handle: &ResourceArc<Handle>) -> Term<'a> {
    (atoms::socket_tag(), handle).encode(env)
}
