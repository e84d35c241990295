//! info: about one socket, and about all.

use super::handle;
use crate::atoms;
use crate::charge::charge;
use crate::process::{Handle, Place, Waiter, notify, registry};
use crate::term::value;
use esock::lane::tally::Tally;
use esock::lane::{Claim, Direction, State};
use esock::socket::Side;
use esock::socket::census::CENSUS;
use esock::sys::kind::Origin;
use esock::wire::value::{Namespace, Value};
use rustler::{Atom, Encoder, Env, NifResult, Term};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The most iovecs of one system call, UIO_MAXIOV of the kernel.
const IOV_MAX: i32 = 1024;
/// What `info/1` takes, in microseconds.
const INFO: u32 = 3;

/// `debug/1` of the API. It is only stored: there is nothing to print.
static DEBUG: AtomicBool = AtomicBool::new(false);
/// `socket_debug/1` of the API: whether new sockets have `{otp, debug}` set.
pub(super) static SOCKET_DEBUG: AtomicBool = AtomicBool::new(false);

/// `debug(On)`
#[rustler::nif]
fn debug(on: bool) -> Atom {
    DEBUG.store(on, Relaxed);
    atoms::ok()
}

/// `socket_debug(On)`
#[rustler::nif]
fn socket_debug(on: bool) -> Atom {
    SOCKET_DEBUG.store(on, Relaxed);
    atoms::ok()
}

/// `info()`
#[rustler::nif]
fn info(env: Env<'_>) -> NifResult<Term<'_>> {
    let mut counters = map(env, &[(atoms::num_cnt_bits(), u64::BITS.encode(env))])?;
    for (name, count) in CENSUS.read() {
        counters = counters.map_put(Atom::from_bytes(env, name.as_bytes())?, count)?;
    }
    let debug = |flag: &AtomicBool| flag.load(Relaxed).encode(env);
    map(
        env,
        &[
            (atoms::debug(), debug(&DEBUG)),
            (atoms::socket_debug(), debug(&SOCKET_DEBUG)),
            (atoms::iow(), false.encode(env)),
            (atoms::use_registry(), registry::use_registry().encode(env)),
            (atoms::counters(), counters),
            (atoms::iov_max(), IOV_MAX.encode(env)),
            (atoms::eei(), true.encode(env)),
            (atoms::load_nif_result(), atoms::ok().encode(env)),
            (atoms::io_backend(), super::backend::info(env)?),
        ],
    )
}

/// `info(Socket)`
#[rustler::nif(name = "info")]
fn info_socket<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    charge(env, INFO);
    let kind = handle.socket.kind;
    let [read, write] = [Direction::Read, Direction::Write].map(|direction| snapshot(env, handle, direction));
    map(
        env,
        &[
            (atoms::domain(), named(env, handle, Namespace::Domain, kind.domain)),
            (atoms::kind(), named(env, handle, Namespace::Type, kind.kind)),
            (atoms::protocol(), named(env, handle, Namespace::Protocol, kind.protocol)),
            (atoms::owner(), owner(env, handle)),
            (atoms::ctype(), ctype(env, handle.socket.origin)),
            (atoms::io_backend(), Atom::from_bytes(env, handle.socket.backend.name().as_bytes())?.encode(env)),
            (atoms::counters(), counters(env, &read, &write)?),
            (atoms::num_readers(), read.waiting.encode(env)),
            (atoms::num_writers(), write.waiting.encode(env)),
            (atoms::num_acceptors(), read.accepting.encode(env)),
            (atoms::num_observers(), handle.socket.observers().encode(env)),
            (atoms::read_ahead(), handle.socket.read_ahead().encode(env)),
            (atoms::rstates(), read.states.encode(env)),
            (atoms::wstates(), write.states.encode(env)),
        ],
    )
}

fn named<'a>(env: Env<'a>, handle: &Handle, namespace: Namespace, number: i32) -> Term<'a> {
    let value = value::encode(env, &Value::Kind(namespace, number), handle.socket.kind.domain);
    value.unwrap_or_else(|| number.encode(env))
}

fn owner<'a>(env: Env<'a>, handle: &Handle) -> Term<'a> {
    handle.owner().map_or_else(|| atoms::undefined().encode(env), |pid| pid.encode(env))
}

fn ctype(env: Env<'_>, origin: Origin) -> Term<'_> {
    match origin {
        Origin::Opened => atoms::normal().encode(env),
        Origin::Duplicate(fd) => (atoms::fromfd(), fd).encode(env),
        Origin::Lent(_) => atoms::fromfd().encode(env),
    }
}

/// What `info/1` reads from one lane, under its lock.
struct Snapshot {
    tally: Tally,
    apart: Option<Tally>,
    waiting: usize,
    accepting: usize,
    states: Vec<Atom>,
}

fn snapshot(env: Env<'_>, handle: &Handle, direction: Direction) -> Snapshot {
    let (snapshot, wakes) = handle.socket.inspect(direction, |state| {
        let claim = if direction == Direction::Read { Claim::Read } else { Claim::Write };
        Snapshot {
            tally: state.tally,
            apart: state.separate_tally.as_deref().copied(),
            waiting: state.waiters.count(claim),
            accepting: state.waiters.count(Claim::Accept),
            states: states(state),
        }
    });
    notify::deliver(env, Place::Call, wakes);
    snapshot
}

fn states(state: &State<Waiter, Side>) -> Vec<Atom> {
    let side = &state.data;
    let head = state.waiters.head.as_ref().map(|head| head.claim);
    let all = [
        (side.bound, atoms::bound()),
        (side.listening, atoms::listening()),
        (head == Some(Claim::Accept), atoms::accepting()),
        (head == Some(Claim::Connect), atoms::connecting()),
        (side.connected, atoms::connected()),
        (side.selected, atoms::selected()),
        (!side.open(), atoms::closing()),
        (!side.open(), atoms::closed()),
    ];
    all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
}

fn counters<'a>(env: Env<'a>, read: &Snapshot, write: &Snapshot) -> NifResult<Term<'a>> {
    let accepts = read.apart.unwrap_or_default();
    let mut rows = vec![
        (atoms::acc_success(), accepts.packages),
        (atoms::acc_fails(), accepts.fails),
        (atoms::acc_tries(), accepts.tries),
        (atoms::acc_waits(), accepts.waits),
    ];
    let rows_of = |names: [Atom; 6], tally: &Tally| {
        let Tally { bytes, fails, packages, largest, tries, waits, .. } = *tally;
        names.into_iter().zip([bytes, fails, packages, largest, tries, waits])
    };
    rows.extend(rows_of(read_names(), &read.tally));
    rows.extend(rows_of(write_names(), &write.tally));
    if let Some(files) = &write.apart {
        rows.extend(rows_of(sendfile_names(), files));
        rows.extend([(atoms::sendfile(), files.packages), (atoms::sendfile_max(), files.largest_call)]);
    }
    Term::map_from_pairs(env, &rows)
}

fn read_names() -> [Atom; 6] {
    use atoms::{read_byte, read_fails, read_pkg, read_pkg_max, read_tries, read_waits};
    [read_byte(), read_fails(), read_pkg(), read_pkg_max(), read_tries(), read_waits()]
}

fn write_names() -> [Atom; 6] {
    use atoms::{write_byte, write_fails, write_pkg, write_pkg_max, write_tries, write_waits};
    [write_byte(), write_fails(), write_pkg(), write_pkg_max(), write_tries(), write_waits()]
}

fn sendfile_names() -> [Atom; 6] {
    use atoms::{sendfile_byte, sendfile_fails, sendfile_pkg, sendfile_pkg_max, sendfile_tries, sendfile_waits};
    [sendfile_byte(), sendfile_fails(), sendfile_pkg(), sendfile_pkg_max(), sendfile_tries(), sendfile_waits()]
}

fn map<'a>(env: Env<'a>, rows: &[(Atom, Term<'a>)]) -> NifResult<Term<'a>> {
    Term::map_from_pairs(env, rows)
}
