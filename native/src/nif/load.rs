//! Loading: atoms, defaults from the environment, and the pollers.

use crate::atoms;
use crate::process::registry;
use esock::poller::busy::set_policy;
use esock::socket::settings::READ_AHEAD;
use rustler::{Env, Term};
use std::sync::atomic::Ordering::Relaxed;

/// Number of processors per poller. Chosen, not measured: the machines at hand have two.
const PROCESSORS_PER_POLLER: usize = 8;
/// The most pollers. More would only wake one another's schedulers.
const MOST_POLLERS: usize = 4;

/// Called when the module is loaded, with `#{use_registry => boolean(), io_backend => epoll | io_uring | auto,
/// busy_poll => boolean() | always, read_ahead => non_neg_integer()}`.
pub(crate) fn load<'a>(env: Env<'a>, info: Term<'a>) -> bool {
    atoms::load(env);
    if let Ok(on) = info.map_get(atoms::use_registry()).and_then(|on| on.decode()) {
        registry::USE_REGISTRY.store(on, Relaxed);
    }
    if let Ok(name) = info.map_get(atoms::io_backend()) {
        super::backend::set_default(env, name);
    }
    if let Some(when) = info.map_get(atoms::busy_poll()).and_then(|name| name.decode()).ok().and_then(super::busy::when)
    {
        set_policy(when);
    }
    if let Some(size) = info.map_get(atoms::read_ahead()).ok().and_then(super::otp::read_ahead) {
        READ_AHEAD.store(size, Relaxed);
    }
    esock::poller::pool::start(esock::sys::processor::count().div_ceil(PROCESSORS_PER_POLLER).min(MOST_POLLERS)).is_ok()
}
