//! Where code runs: in a call, in a callback of the VM, or in a thread of ours.

use crate::sys;
use rustler::Env;

/// Number of waiters or monitors that a call notifies itself. More would hold its scheduler too long.
pub(super) const AT_ONCE: usize = 64;

/// Where code runs. It determines the environment with which the VM is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the NIF call of a process.
    Call,
    /// In a callback of the VM. A monitor cannot be ended there: it ends with the process or the socket.
    Callback,
    /// In a thread of ours.
    Thread,
    /// In the NIF call of the helper, which polls in place of a poller thread.
    Helper,
}

impl Place {
    /// Where a completion runs: in the helper's call, or in a thread.
    pub(crate) fn polling() -> Self {
        if sys::calling() { Self::Helper } else { Self::Thread }
    }

    /// Whether a thread is to deliver `count` notifications: there are too many for a scheduler, or monitors cannot be
    /// ended here.
    pub(crate) fn needs_thread(self, count: usize) -> bool {
        count > if self == Self::Callback { 0 } else { AT_ONCE } && self != Self::Thread
    }

    /// The environment of the call or callback; `None` in a thread of ours.
    pub(crate) fn caller(self, env: Env<'_>) -> Option<Env<'_>> {
        (self != Self::Thread).then_some(env)
    }
}
