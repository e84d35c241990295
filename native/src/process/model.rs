//! What ties sockets to processes, as types: they name one another, so they are in one file.

use super::pool::Pool;
use super::stored_term::StoredTerm;
use esock::lane::wakes::Wakes;
use esock::socket::Socket;
use esock::socket::descriptor::Descriptor;
use esock::socket::registry::Key;
use parking_lot::Mutex;
use rustler::env::{OwnedEnv, SavedTerm};
use rustler::{Atom, Env, LocalPid, Monitor, NifResult, ResourceArc, Term};
use slab::Slab;
use std::cell::Cell;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};

/// The process whose death closes a socket.
pub(crate) struct Owner {
    pub(crate) pid: LocalPid,
    pub(crate) monitor: Option<Monitor>,
}

/// A socket as the VM knows it.
pub(crate) struct Handle {
    /// The core's socket.
    pub(crate) socket: Arc<Socket<Waiter>>,
    pub(super) owner: Mutex<Option<Owner>>,
    /// `{otp, meta}`
    pub(crate) meta: Mutex<Option<(OwnedEnv, SavedTerm)>>,
    /// Who monitors it.
    pub(crate) watches: Watches,
    pub(super) key: Mutex<Option<Key>>,
    /// A descriptor whose close may block, between `close/1` and `close_linger/1`.
    pub(crate) lingering: Mutex<Option<Descriptor>>,
    /// The process between those calls. If it does not live to make the second, its death closes the descriptor.
    pub(crate) closer: Mutex<Option<Owner>>,
    /// The answer of a close that waits for a ring, between the same.
    pub(crate) closing: Mutex<Option<Receiver<esock::sys::Result<()>>>>,
}

/// A process that waits on a socket under a handle. It refers to the socket: a socket that somebody waits for is not
/// garbage.
pub(crate) struct Waiter {
    pub(super) pid: LocalPid,
    pub(super) socket: ResourceArc<Handle>,
    pub(super) handle: StoredTerm,
    /// What is done for it, where it waits for a completion.
    pub(super) stored: Option<StoredCall>,
    /// The process is monitored while it waits, unless it owns the socket. Of a former owner all waiters share one monitor.
    pub(super) monitor: Mutex<Option<Arc<Monitor>>>,
    /// What [`Wake::tag`] answers.
    pub(super) tag: u64,
    /// Its message has been sent.
    pub(super) notified: AtomicBool,
    /// What [`Wake::trusts`] answers.
    pub(super) relies_on_select: bool,
    /// What [`Wake::least`] answers.
    pub(super) least: usize,
}

/// The arguments of a call but for the socket and what says how to wait.
pub(crate) type Args<'a> = [Term<'a>; 3];

/// A call that can be completed.
pub(crate) struct Job {
    /// Its name, which is the tag of `completion_info`.
    pub(crate) name: fn() -> Atom,
    /// The call.
    pub(crate) call: for<'a> fn(Env<'a>, &ResourceArc<Handle>, &Wait<'a>, Args<'a>) -> NifResult<Term<'a>>,
    /// Of a call with data to send, what is left of the arguments when a part has gone.
    pub(crate) remaining: Option<for<'a> fn(Args<'a>, Term<'a>) -> Args<'a>>,
    /// It reads a file, and the disk may be slow: after the first part it is done by threads for that.
    pub(crate) reads_file: bool,
    /// Descriptors may come with what it takes. Of a Unix socket the process takes them itself: one that has ended by the time of its
    /// message would leave them open.
    pub(crate) receives_descriptors: bool,
}

/// What is to be done, and whether a part of it is.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) job: &'static Job,
    pub(crate) args: Args<'a>,
    /// What is left, of data of which a part has gone.
    pub(crate) remaining: Option<Term<'a>>,
}

/// A task, kept until its turn comes.
pub(crate) struct StoredCall {
    pub(super) job: &'static Job,
    /// It receives a length that only a thread of ours copies.
    pub(super) large: bool,
    pub(super) args: Mutex<StoredArgs>,
}

/// Data has an environment of its own, which ends with it; other terms share one; numbers and empty lists, which most
/// arguments are, need none.
pub(crate) enum StoredArgs {
    Plain([Option<i64>; 3]),
    Shared(StoredTerm),
    Own(OwnedEnv, SavedTerm),
}

/// How a call waits, from its arguments `Handle` and `How`:
///
/// | `How` | `Handle` | |
/// |---|---|---|
/// | `nowait` | a reference, or `nowait` for a new one | answer as the user of the API gets it |
/// | `select` | as with `nowait` | the same, and never `completion` |
/// | `zero` | anything | do not wait: `{error, timeout}`; or `yield` where a ring is about to bring something |
/// | an integer | a reference | answer `yield`, `wait` or `{wait, Part}`; so often has the caller yielded |
pub(crate) struct Wait<'a> {
    pub(super) handle: Cell<Term<'a>>,
    pub(super) how: How,
    /// Who waits.
    pub(crate) pid: LocalPid,
    /// Who is acted for, by whoever polls.
    pub(crate) completing: Option<Arc<Waiter>>,
    pub(super) task: Cell<Option<Task<'a>>>,
    pub(super) step: Cell<Step<'a>>,
    /// So many bytes are worth a message.
    pub(super) least: Cell<usize>,
    /// The call has the turn from its last attempt.
    pub(super) has_turn: Cell<bool>,
    /// The waiters to tell when the completion that is being done has had its message.
    pub(super) deferred: Cell<Wakes<Waiter>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Nowait,
    Select,
    Zero,
    /// As `Zero`, after an answer that there is more.
    More,
    Yielded(u32),
}

/// How far a call has come that is completed for its caller.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    /// The answer is the result.
    Answered,
    /// It waits.
    Waiting,
    /// This is done (or left); the call is to be made again for the rest.
    Part(Term<'a>),
    /// Who waited has left, or was told why there will be nothing.
    Departed,
    /// No operation was attempted: the call was refused before.
    Refused,
}

/// The monitor of one process on one socket. The monitor's reference is this resource.
pub(crate) struct Watch {
    pub(super) pid: LocalPid,
    /// It is in the registry, since it is monitored: nothing is kept by this that would not be there.
    pub(super) socket: ResourceArc<Handle>,
    /// Its key in the table of the socket, and the VM's watch over the process.
    pub(super) entry: OnceLock<(usize, Monitor)>,
}

/// The monitors of one socket that are still to tell.
#[derive(Default)]
pub(crate) struct Watches(pub(super) Mutex<Slab<ResourceArc<Watch>>>);

/// What a thread is to do.
pub(crate) enum Work {
    /// Go on with a completion that was woken. It may wait for a disk.
    Complete(Arc<Waiter>),
    /// Tell waiters.
    Notify(Wakes<Waiter>),
    /// Tell the monitors of a socket that is closed.
    SocketDown(Slab<ResourceArc<Watch>>),
    /// Take a process that has ended out of a socket's lanes.
    ProcessDown(Arc<Socket<Waiter>>, LocalPid),
    /// Close a descriptor of which nobody waits for the end.
    Close(Descriptor),
}

/// Jobs that wait for a disk at the same time. Chosen, not measured.
const FILES: usize = 4;

/// For jobs that read a file.
pub(super) static DISK: Pool<Work> = Pool::new("esock_file", FILES);
/// For receives of much, which are copied. A disk that does not answer holds up none of them.
pub(super) static COPIES: Pool<Work> = Pool::new("esock_copy", 1);
/// For everything else. One thread: what concerns one waiter comes in order.
pub(super) static BACKGROUND: Pool<Work> = Pool::new("esock_work", 1);
