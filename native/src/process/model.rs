//! The types that tie sockets to processes. They refer to one another, so they are in one file; the files beside it say
//! what they do.

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

/// A process and the VM's monitor on it, which is `None` if the process had already ended.
pub(crate) struct Owner {
    pub(crate) pid: LocalPid,
    pub(crate) monitor: Option<Monitor>,
}

/// The resource behind a socket term.
pub(crate) struct Handle {
    pub(crate) socket: Arc<Socket<Waiter>>,
    pub(super) owner: Mutex<Option<Owner>>,
    /// The value of `{otp, meta}`: `None` until it is set, and after close.
    pub(crate) meta: Mutex<Option<(OwnedEnv, SavedTerm)>>,
    /// The monitors on the socket, `esock:monitor/1`.
    pub(crate) watches: Watches,
    pub(super) key: Mutex<Option<Key>>,
    /// The descriptor between `close/1` and `close_linger/1`, if close(2) may block.
    pub(crate) lingering: Mutex<Option<Descriptor>>,
    /// The process that has called `close/1` and has not yet called `close_linger/1`. If it ends between the two, its
    /// end closes the descriptor.
    pub(crate) closer: Mutex<Option<Owner>>,
    /// The result of a close that waits until a ring releases the file. `close_linger/1` takes it.
    pub(crate) closing: Mutex<Option<Receiver<esock::sys::Result<()>>>>,
}

/// A process that waits on a socket under a handle. It holds a reference to the socket, so a socket with a waiter is
/// not garbage.
pub(crate) struct Waiter {
    pub(super) pid: LocalPid,
    pub(super) socket: ResourceArc<Handle>,
    pub(super) handle: StoredTerm,
    /// The call to make in place of the process, if it waits for a completion.
    pub(super) stored: Option<StoredCall>,
    /// The VM's monitor on the process; `None` if the process owns the socket. All waiters of a former owner share one
    /// monitor.
    pub(super) monitor: Mutex<Option<Arc<Monitor>>>,
    /// The answer of `Wake::tag`.
    pub(super) tag: u64,
    /// Whether its message has been sent.
    pub(super) notified: AtomicBool,
    /// The answer of `Wake::relies_on_select`.
    pub(super) relies_on_select: bool,
    /// The answer of `Wake::least`.
    pub(super) least: usize,
}

/// The arguments of a call, without the socket, `Handle` and `How`.
pub(crate) type Args<'a> = [Term<'a>; 3];

/// A call that can be completed in place of its process.
pub(crate) struct Job {
    /// The name of the function. It is the tag in `completion_info`.
    pub(crate) name: fn() -> Atom,
    /// Decodes the arguments and makes one attempt.
    pub(crate) call: for<'a> fn(Env<'a>, &ResourceArc<Handle>, &Wait<'a>, Args<'a>) -> NifResult<Term<'a>>,
    /// For a call that sends: makes the arguments of the next attempt from those of the last one and its partial
    /// result.
    pub(crate) remaining: Option<for<'a> fn(Args<'a>, Term<'a>) -> Args<'a>>,
    /// The call reads a file, and the disk may be slow. After the first part the threads of [`DISK`] continue it.
    pub(crate) reads_file: bool,
    /// The call may receive descriptors (SCM_RIGHTS). On a Unix socket it is not completed, and the process receives
    /// them itself: if a process ended before its message arrived, they would stay open.
    pub(crate) receives_descriptors: bool,
}

/// A job with the arguments of its next attempt.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) job: &'static Job,
    pub(crate) args: Args<'a>,
    /// The partial result of the last attempt, if there was one. Of data to send, it is what has not been sent.
    pub(crate) partial: Option<Term<'a>>,
}

/// A task that is kept until its waiter is woken.
pub(crate) struct StoredCall {
    pub(super) job: &'static Job,
    /// It receives a length of more than 1 MB, which only a thread of ours copies.
    pub(super) large: bool,
    pub(super) args: Mutex<StoredArgs>,
}

/// The arguments and the partial result of a task. Data to send has an environment of its own, which is freed with it.
/// Other terms share one. Integers and empty lists, which most arguments are, need none.
pub(crate) enum StoredArgs {
    Plain([Option<i64>; 3]),
    Shared(StoredTerm),
    Own(OwnedEnv, SavedTerm),
}

/// How a call waits, from its arguments `Handle` and `How`:
///
/// | `How` | `Handle` | |
/// |---|---|---|
/// | `nowait` | a reference, or `nowait` for a new one | answer as the API does |
/// | `select` | as with `nowait` | the same, but never `completion` |
/// | `zero` | any term | do not wait: answer `{error, timeout}`, or `yield` if a ring may still deliver bytes |
/// | `more` | any term | as `zero`, after a `more` answer |
/// | an integer | a reference | answer `yield`, `wait` or `{wait, Part}`; it says how often the caller has yielded |
pub(crate) struct Wait<'a> {
    pub(super) handle: Cell<Term<'a>>,
    pub(super) how: How,
    /// The process that waits.
    pub(crate) pid: LocalPid,
    /// The waiter whose call is completed; `None` in a call of the process itself.
    pub(crate) completing: Option<Arc<Waiter>>,
    pub(super) task: Cell<Option<Task<'a>>>,
    pub(super) step: Cell<Step<'a>>,
    /// The fewest bytes for which the waiter is notified.
    pub(super) least: Cell<usize>,
    /// Whether the waiter waits for events, and in no lane.
    pub(super) observes: Cell<bool>,
    /// Whether the call has kept the turn since its last attempt.
    pub(super) has_turn: Cell<bool>,
    /// Notifications that are deferred until the message of the completion has been sent.
    pub(super) deferred: Cell<Wakes<Waiter>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Nowait,
    Select,
    Zero,
    /// As `Zero`: the caller continues after a `more` answer.
    More,
    Yielded(u32),
}

/// How far a completion has come.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    /// The answer is the result.
    Answered,
    /// The waiter is in the lane.
    Waiting,
    /// A part is done, and this is the partial result. The next attempt does the rest.
    Part(Term<'a>),
    /// The waiter is not in the lane any more: it was cancelled, or it was notified why the wait has ended.
    Departed,
    /// The call failed before an attempt.
    Refused,
}

/// The monitor of one process on one socket. The resource is the monitor's reference.
pub(crate) struct Watch {
    pub(super) pid: LocalPid,
    /// A monitored socket is in the registry, so this reference keeps no socket alive that would otherwise be garbage.
    pub(super) socket: ResourceArc<Handle>,
    /// What its message names in the place of the socket, if the process has said.
    pub(super) named: Option<StoredTerm>,
    /// Its key in the socket's table, and the VM's monitor on the process.
    pub(super) entry: OnceLock<(usize, Monitor)>,
}

/// The monitors on one socket whose `'DOWN'` message has not been sent.
#[derive(Default)]
pub(crate) struct Watches(pub(super) Mutex<Slab<ResourceArc<Watch>>>);

/// What a thread of a pool does.
pub(crate) enum Work {
    /// Continue a completion that was woken. It may wait for a disk, or copy much.
    Complete(Arc<Waiter>),
    /// Notify waiters.
    Notify(Wakes<Waiter>),
    /// Send `'DOWN'` to the processes that monitor a closed socket.
    SocketDown(Slab<ResourceArc<Watch>>),
    /// Remove the waiters of a process that has ended from both lanes of a socket.
    ProcessDown(Arc<Socket<Waiter>>, LocalPid),
    /// Close a descriptor. No process waits for the result.
    Close(Descriptor),
}

/// Number of jobs that wait for a disk at the same time. Chosen, not measured.
const FILES: usize = 4;

/// For jobs that read a file.
pub(super) static DISK: Pool<Work> = Pool::new("esock_file", FILES);
/// For receives of a length of more than 1 MB, which copy much. They have a thread of their own, so a disk that does
/// not answer does not hold them up.
pub(super) static COPIES: Pool<Work> = Pool::new("esock_copy", 1);
/// For all other work. It has one thread, so that the notifications of one waiter stay in order.
pub(super) static BACKGROUND: Pool<Work> = Pool::new("esock_work", 1);
