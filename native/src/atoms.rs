//! Atoms: those that the code names, and those of the core's tables.

use esock::table::option as table;
use esock::table::option::Row;
use esock::wire::errno::{self, Errno};
use esock::wire::{flag, name};
use rustler::{Atom, Env};
use std::collections::HashMap;
use std::sync::OnceLock;

rustler::atoms! {
    abort, accept, acceptors, accepting, addr, already, always, any, assoc_id, auto, backend, badarg, bound,
    broadcast, busy, busy_poll, cancel, cancelled, cloexec, closed, closing, completion, completion_info, connect, connected,
    connecting, counters, ctype, data, debug, default, domain, done, down = "DOWN", dup, eei, enomem, eof, error,
    family, fd, fds, flowinfo, fromfd, gro, gso, hatype, how, ifindex, inet, inet6, info, infinity, integer_range, invalid,
    io_backend, iov_max, iow, keys, level, linger, listening, load_nif_result, local, loopback, memlock, memory,
    meta, mode, more, msg_flag, msg_flags, name, netns, no = "false", normal, nosock, not_found, not_owner,
    notification, nowait, options, num_acceptors, num_cnt_bits, num_observers, num_readers, num_writers, ok, onoff, otp, own,
    owner, packet, path, pkttype, poll_only, pollers, port, protocol, read, read_ahead, recv, recvfrom, recvmsg, recvmmsg,
    refused, rings, sendmmsg, rstates, scope_id, sctp, select, select_info, select_read, select_write, select_sent,
    sending, selected, send, signals, sendfile, sendmsg, sendto, sendv, sockaddr, socket, socket_debug,
    socket_option, socket_tag = "$socket", state, timeout, undefined, unspec, use_registry, value, wait, write,
    wstates, yes = "true", yield_ = "yield", zero, ctrl, einval, ioctl_request, ioctl_flag, element_not_binary,
    improper_list, length, list, msg, native, value_spec, integer, boolean, flags_key = "flags", iov, kind = "type",
    acc_success, acc_fails, acc_tries, acc_waits, read_byte, read_fails, read_pkg, read_pkg_max, read_tries,
    read_waits, write_byte, write_fails, write_pkg, write_pkg_max, write_tries, write_waits, sendfile_byte,
    sendfile_fails, sendfile_max, sendfile_pkg, sendfile_pkg_max, sendfile_tries, sendfile_waits, dtor,
    net_tag = "$esock_net", gai_key = "gai", system, enoent, canonname, host, service, aliases, addrs, socktype,
}

/// The atoms of the core's tables.
pub(crate) struct Tables {
    errnos: HashMap<i32, Atom>,
    flags: Names,
    domains: Names,
    types: Names,
    protocols: Names,
    hows: Names,
    packets: Names,
    hardware: Names,
    gai: Names,
    rows: HashMap<(Atom, Atom), &'static Row>,
    levels: HashMap<Atom, i32>,
}

/// A table of names, in both directions. If two names have one number, the number is encoded as the first.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<Atom, i32>,
    atoms: HashMap<i32, Atom>,
    list: Vec<(Atom, i32)>,
}

impl Names {
    fn new(env: Env<'_>, rows: &[(&str, i32)]) -> Self {
        let mut names = Self::default();
        for (name, number) in rows {
            if let Ok(atom) = Atom::from_bytes(env, name.as_bytes()) {
                names.numbers.insert(atom, *number);
                names.atoms.entry(*number).or_insert(atom);
                names.list.push((atom, *number));
            }
        }
        names
    }

    /// The number of a name.
    pub(crate) fn number(&self, atom: Atom) -> Option<i32> {
        self.numbers.get(&atom).copied()
    }

    /// The name of a number.
    pub(crate) fn atom(&self, number: i32) -> Option<Atom> {
        self.atoms.get(&number).copied()
    }

    /// All names with their numbers.
    pub(crate) fn list(&self) -> &[(Atom, i32)] {
        &self.list
    }
}

static TABLES: OnceLock<Tables> = OnceLock::new();

/// Makes the atoms of the tables, when the library is loaded.
pub(crate) fn load(env: Env<'_>) {
    TABLES.get_or_init(|| Tables::new(env));
}

/// The tables. They are made before the first call of a NIF.
fn tables() -> Option<&'static Tables> {
    TABLES.get()
}

macro_rules! lookup {
    ($($function:ident)*) => {
        $(#[doc = concat!("The names of ", stringify!($function), ".")]
        pub(crate) fn $function() -> &'static Names {
            static NONE: OnceLock<Names> = OnceLock::new();
            tables().map_or_else(|| NONE.get_or_init(Names::default), |tables| &tables.$function)
        })*
    };
}

lookup! { flags domains types protocols hows packets hardware gai }

/// The atom of an error number: its name, or `errno_N` if it has none.
pub(crate) fn errno(env: Env<'_>, errno: Errno) -> Atom {
    let known = tables().and_then(|tables| tables.errnos.get(&errno.number()).copied());
    known.or_else(|| Atom::from_bytes(env, format!("errno_{}", errno.number()).as_bytes()).ok()).unwrap_or_else(error)
}

/// The option with that level and name.
pub(crate) fn row(level: Atom, name: Atom) -> Option<&'static Row> {
    tables()?.rows.get(&(level, name)).copied()
}

/// The number of a level: that of an option, or the name of a protocol.
pub(crate) fn level_number(name: Atom) -> Option<i32> {
    tables().and_then(|tables| tables.levels.get(&name).copied()).or_else(|| protocols().number(name))
}

/// All options.
pub(crate) fn rows() -> impl Iterator<Item = ((Atom, Atom), &'static Row)> {
    tables().into_iter().flat_map(|tables| tables.rows.iter().map(|(name, row)| (*name, *row)))
}

impl Tables {
    fn new(env: Env<'_>) -> Self {
        let atom = |name: &str| Atom::from_bytes(env, name.as_bytes()).ok();
        let errnos = errno::TABLE.iter();
        let errnos = errnos.filter_map(|(number, name)| Some((*number, atom(&name.to_lowercase())?))).collect();
        let levels = table::levels().filter_map(|(name, number)| Some((atom(name)?, number))).collect();
        let rows = table::rows().filter_map(|row| Some(((atom(row.level)?, atom(row.name)?), row))).collect();
        Self {
            errnos,
            flags: Names::new(env, flag::TABLE),
            domains: Names::new(env, name::DOMAINS),
            types: Names::new(env, name::TYPES),
            protocols: Names::new(env, name::PROTOCOLS),
            hows: Names::new(env, name::HOWS),
            packets: Names::new(env, name::PACKETS),
            hardware: Names::new(env, name::HARDWARE),
            gai: Names::new(env, name::GAI),
            rows,
            levels,
        }
    }
}
