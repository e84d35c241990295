//! The processes that wait, and every message they get.

use crate::handle::{self, Handle};
use crate::{atoms, fail};
use esock::lane::{Signal, Wake, Wakes};
use parking_lot::Mutex;
use rustler::env::{OwnedEnv, SavedTerm};
use rustler::{Encoder, Env, LocalPid, Monitor, ResourceArc, Term};

/// A process that waits on a socket under a handle. It refers to the socket: a socket that somebody waits for is not
/// garbage.
pub(crate) struct Waiter {
    pid: LocalPid,
    socket: ResourceArc<Handle>,
    handle: Mutex<(OwnedEnv, SavedTerm)>,
    /// The death of the owner ends the socket anyway; everybody else is watched while waiting.
    monitor: Option<Monitor>,
}

impl Waiter {
    /// The calling process, to be told under `handle`.
    pub(crate) fn new(env: Env<'_>, socket: ResourceArc<Handle>, handle: Term<'_>) -> Self {
        let pid = env.pid();
        let monitor = if socket.owned_by(pid) { None } else { env.monitor(&socket, &pid) };
        let own = OwnedEnv::new();
        let saved = own.save(handle);
        Self { pid, socket, handle: Mutex::new((own, saved)), monitor }
    }

    /// Whether it waits under this handle.
    pub(crate) fn is(&self, handle: Term<'_>) -> bool {
        let own = self.handle.lock();
        own.0.run(|env| own.1.load(env) == handle)
    }

    /// Sends `{'$socket', Socket, select, Handle}` or `{'$socket', Socket, abort, {Handle, Reason}}`; in the caller's
    /// environment where the thread is the VM's.
    fn tell(&self, signal: Signal, caller: Option<Env<'_>>) {
        let own = self.handle.lock();
        own.0.run(|env| {
            let (socket, handle) = (handle::socket(env, &self.socket), own.1.load(env));
            let (tag, what) = match signal {
                Signal::Ready => (atoms::select(), handle),
                Signal::Abort(reason) => (atoms::abort(), (handle, fail::reason(env, reason)).encode(env)),
                Signal::Left => return,
            };
            let message = (atoms::socket_tag(), socket, tag, what).encode(env);
            match caller {
                Some(caller) => send(caller, self.pid, message.in_env(caller)),
                None => send(env, self.pid, message),
            }
        });
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
        self.tell(signal, None);
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
        waiter.tell(signal, Some(env));
        if signal != Signal::Ready {
            waiter.release(env);
        }
    }
}

/// Tells everybody, in a callback of the VM, where a watch cannot be ended: it goes with the process or the socket.
pub(crate) fn tell_in_callback(env: Env<'_>, wakes: Wakes<'_, Waiter>) {
    for (waiter, signal) in wakes.iter() {
        waiter.tell(signal, Some(env));
    }
}
