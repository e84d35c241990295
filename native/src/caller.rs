//! The processes that wait, and every message they get.

use crate::handle::{self, Handle};
use crate::kept::Kept;
use crate::{atoms, fail};
use esock::lane::{Signal, Wake, Wakes};
use rustler::env::OwnedEnv;
use rustler::{Encoder, Env, LocalPid, Monitor, ResourceArc, Term};
use std::cell::RefCell;

/// A process that waits on a socket under a handle. It refers to the socket: a socket that somebody waits for is not
/// garbage.
pub(crate) struct Waiter {
    pid: LocalPid,
    socket: ResourceArc<Handle>,
    handle: Kept,
    /// The death of the owner ends the socket anyway; everybody else is watched while waiting.
    monitor: Option<Monitor>,
}

thread_local! {
    /// Where a thread of our own makes its messages.
    static MESSAGE: RefCell<OwnedEnv> = RefCell::new(OwnedEnv::new());
}

impl Waiter {
    /// The calling process, to be told under `handle`.
    pub(crate) fn new(env: Env<'_>, socket: ResourceArc<Handle>, handle: Term<'_>) -> Self {
        let pid = env.pid();
        let monitor = if socket.owned_by(pid) { None } else { env.monitor(&socket, &pid) };
        Self { pid, socket, handle: Kept::new(handle), monitor }
    }

    /// Whether it waits under this handle.
    pub(crate) fn is(&self, handle: Term<'_>) -> bool {
        self.handle.is(handle)
    }

    /// `{'$socket', Socket, select, Handle}` or `{'$socket', Socket, abort, {Handle, Reason}}`
    fn message<'a>(&self, env: Env<'a>, signal: Signal) -> Option<Term<'a>> {
        let (socket, handle) = (handle::socket(env, &self.socket), self.handle.term(env)?);
        let (tag, what) = match signal {
            Signal::Ready => (atoms::select(), handle),
            Signal::Abort(reason) => (atoms::abort(), (handle, fail::reason(env, reason)).encode(env)),
            Signal::Left => return None,
        };
        Some((atoms::socket_tag(), socket, tag, what).encode(env))
    }

    /// Sends it, where there is something to be said, in the environment of a thread of the VM.
    fn tell(&self, signal: Signal, caller: Env<'_>) {
        if let Some(message) = self.message(caller, signal) {
            send(caller, self.pid, message);
        }
    }

    /// Ends the watch over the process.
    fn release(&self, env: Env<'_>) {
        if let Some(monitor) = &self.monitor {
            env.demonitor(&self.socket, monitor);
        }
    }
}

impl Wake for Waiter {
    type Process = LocalPid;

    fn process(&self) -> LocalPid {
        self.pid
    }

    fn wake(&self, signal: Signal) {
        MESSAGE.with_borrow_mut(|own| {
            own.run(|env| self.tell(signal, env));
            own.clear();
        });
    }

    fn clears_up(&self) -> bool {
        self.monitor.is_some()
    }
}

/// Sends a message. A process that has ended gets none, and nobody misses it.
pub(crate) fn send<'a>(env: Env<'a>, to: LocalPid, message: Term<'a>) {
    let _ = env.send(&to, message);
}

/// Tells everybody, in the call of a process. Whoever has left the line is no longer watched.
pub(crate) fn tell(env: Env<'_>, wakes: Wakes<'_, Waiter>) {
    for (waiter, signal) in wakes.iter() {
        waiter.tell(signal, env);
        if signal != Signal::Ready {
            waiter.release(env);
        }
    }
}

/// Tells everybody, in a callback of the VM, where a watch cannot be ended: it goes with the process or the socket.
pub(crate) fn tell_in_callback(env: Env<'_>, wakes: Wakes<'_, Waiter>) {
    for (waiter, signal) in wakes.iter() {
        waiter.tell(signal, env);
    }
}
