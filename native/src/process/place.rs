//! Where something is done.

use crate::sys;
use rustler::Env;

/// So many are told within a call. A scheduler is not to be held for more.
pub(super) const AT_ONCE: usize = 64;

/// Where something is done, which says with what environment the VM is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the call of a process.
    Call,
    /// In a callback of the VM, where a watch cannot be ended: it goes with the process or the socket.
    Callback,
    /// In a thread of our own.
    Thread,
    /// In the call of a process that polls in the place of such a thread.
    Helper,
}

impl Place {
    /// Where something is done for a process that is not the caller.
    pub(crate) fn polling() -> Self {
        if sys::calling() { Self::Helper } else { Self::Thread }
    }

    /// Whether so many are to be told by a thread instead: where they are too many for a scheduler, or a monitor cannot be ended.
    pub(crate) fn needs_thread(self, count: usize) -> bool {
        count > if self == Self::Callback { 0 } else { AT_ONCE } && self != Self::Thread
    }

    /// The environment of the caller, for functions that ask for it.
    pub(crate) fn caller(self, env: Env<'_>) -> Option<Env<'_>> {
        (self != Self::Thread).then_some(env)
    }
}
