//! info: of one socket, and of all.

use super::handle;
use crate::caller::Waiter;
use crate::handle::Handle;
use crate::term::value;
use crate::{atoms, caller, handle as sockets};
use esock::codec::{Kin, Value};
use esock::counter::{CENSUS, Tally};
use esock::lane::{Claim, State};
use esock::socket::{Direction, Origin, Side};
use rustler::{Atom, Encoder, Env, NifResult, Term};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// iovecs of one system call, UIO_MAXIOV of the kernel
const IOV_MAX: i32 = 1024;

/// `debug/1` of the API, which is only remembered: there is nothing to print.
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
    let backend = [
        (atoms::name(), Atom::from_bytes(env, esock::poller::BACKEND.as_bytes())?.encode(env)),
        (atoms::pollers(), esock::poller::count().encode(env)),
    ];
    let debug = |flag: &AtomicBool| flag.load(Relaxed).encode(env);
    map(
        env,
        &[
            (atoms::debug(), debug(&DEBUG)),
            (atoms::socket_debug(), debug(&SOCKET_DEBUG)),
            (atoms::iow(), false.encode(env)),
            (atoms::use_registry(), sockets::use_registry().encode(env)),
            (atoms::counters(), counters),
            (atoms::iov_max(), IOV_MAX.encode(env)),
            (atoms::io_backend(), map(env, &backend)?),
        ],
    )
}

/// `info(Socket)`
#[rustler::nif(name = "info")]
fn info_socket<'a>(env: Env<'a>, socket: Term<'a>) -> NifResult<Term<'a>> {
    let handle = handle(socket)?;
    let kind = handle.socket.kind;
    let read = look(env, handle, Direction::Read);
    let write = look(env, handle, Direction::Write);
    let named =
        |kin, number| value::encode(env, &Value::Kind(kin, number), kind.domain).unwrap_or_else(|| number.encode(env));
    let owner = handle.owner().map_or_else(|| atoms::undefined().encode(env), |pid| pid.encode(env));
    map(
        env,
        &[
            (atoms::domain(), named(Kin::Domain, kind.domain)),
            (atoms::kind(), named(Kin::Type, kind.kind)),
            (atoms::protocol(), named(Kin::Protocol, kind.protocol)),
            (atoms::owner(), owner),
            (atoms::ctype(), ctype(env, handle.socket.origin)),
            (atoms::counters(), counters(env, &read, &write)?),
            (atoms::num_readers(), read.waiting.encode(env)),
            (atoms::num_writers(), write.waiting.encode(env)),
            (atoms::num_acceptors(), read.accepting.encode(env)),
            (atoms::rstates(), read.states.encode(env)),
            (atoms::wstates(), write.states.encode(env)),
        ],
    )
}

fn ctype(env: Env<'_>, origin: Origin) -> Term<'_> {
    match origin {
        Origin::Opened => atoms::normal().encode(env),
        Origin::Duplicate(fd) => (atoms::fromfd(), fd).encode(env),
        Origin::Lent(_) => atoms::fromfd().encode(env),
    }
}

/// One direction, at one moment.
struct Look {
    tally: Tally,
    apart: Option<Tally>,
    waiting: usize,
    accepting: usize,
    states: Vec<Atom>,
}

fn look(env: Env<'_>, handle: &Handle, direction: Direction) -> Look {
    let (look, wakes) = handle.socket.look(direction, |state| {
        let claim = if direction == Direction::Read { Claim::Read } else { Claim::Write };
        Look {
            tally: state.tally,
            apart: state.apart.as_deref().copied(),
            waiting: state.line.waiting(claim),
            accepting: state.line.waiting(Claim::Accept),
            states: states(state),
        }
    });
    caller::tell(env, wakes);
    look
}

fn states(state: &State<Waiter, Side>) -> Vec<Atom> {
    let side = &state.own;
    let head = state.line.head.as_ref().map(|head| head.claim);
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

fn counters<'a>(env: Env<'a>, read: &Look, write: &Look) -> NifResult<Term<'a>> {
    let (r, w, a) = (&read.tally, &write.tally, read.apart.unwrap_or_default());
    let mut rows = vec![
        (atoms::read_byte(), r.bytes),
        (atoms::read_fails(), r.fails),
        (atoms::read_pkg(), r.packages),
        (atoms::read_pkg_max(), r.largest),
        (atoms::read_tries(), r.tries),
        (atoms::read_waits(), r.waits),
        (atoms::write_byte(), w.bytes),
        (atoms::write_fails(), w.fails),
        (atoms::write_pkg(), w.packages),
        (atoms::write_pkg_max(), w.largest),
        (atoms::write_tries(), w.tries),
        (atoms::write_waits(), w.waits),
        (atoms::acc_success(), a.packages),
        (atoms::acc_fails(), a.fails),
        (atoms::acc_tries(), a.tries),
        (atoms::acc_waits(), a.waits),
    ];
    if let Some(s) = &write.apart {
        rows.extend([
            (atoms::sendfile(), s.packages),
            (atoms::sendfile_byte(), s.bytes),
            (atoms::sendfile_fails(), s.fails),
            (atoms::sendfile_max(), s.largest),
            (atoms::sendfile_pkg(), s.packages),
            (atoms::sendfile_pkg_max(), s.most),
            (atoms::sendfile_tries(), s.tries),
            (atoms::sendfile_waits(), s.waits),
        ]);
    }
    Term::map_from_pairs(env, &rows)
}

fn map<'a>(env: Env<'a>, rows: &[(Atom, Term<'a>)]) -> NifResult<Term<'a>> {
    Term::map_from_pairs(env, rows)
}
