//! Busy polling: the helper, a process that polls in place of a poller thread.

use crate::process::notify;
use crate::{atoms, sys};
use esock::poller;
use esock::poller::busy::{Helper, Policy, set_policy};
use esock::poller::epoll::Poller;
use rustler::{Atom, Env, Error, LocalPid, NifResult};
use std::sync::Arc;

/// The helper process. The message `busy_poll` asks it to poll.
struct Process(LocalPid);

impl Helper for Process {
    fn begin(&self) -> bool {
        notify::ask_to_poll(self.0)
    }
}

fn nth(index: usize) -> NifResult<&'static Arc<Poller>> {
    poller::pool::get(index).ok_or(Error::BadArg)
}

/// `busy_poller(Index)`: makes the caller the helper of this poller.
#[rustler::nif]
fn busy_poller(env: Env<'_>, index: usize) -> NifResult<Atom> {
    nth(index)?.role.appoint(Box::new(Process(env.pid())));
    Ok(atoms::ok())
}

/// `busy_poll(Index)`: polls for one round. Answers whether the helper is to call again.
#[rustler::nif]
fn busy_poll(env: Env<'_>, index: usize) -> NifResult<bool> {
    let poller = nth(index)?;
    Ok(sys::in_call(env, || poller.busy_poll()))
}

/// `busy_polling(true | false | always)`: sets when helpers poll.
#[rustler::nif]
fn busy_polling(name: Atom) -> NifResult<Atom> {
    set_policy(when(name).ok_or(Error::BadArg)?);
    Ok(atoms::ok())
}

/// When helpers poll, by name. `always` is for tests.
pub(super) fn when(name: Atom) -> Option<Policy> {
    let names = [(atoms::yes(), Policy::Dense), (atoms::no(), Policy::Never), (atoms::always(), Policy::Always)];
    names.into_iter().find(|(known, _)| *known == name).map(|(_, when)| when)
}
