//! Busy polling: processes that poll in the place of the pollers' threads.

use crate::process::notify;
use crate::{atoms, sys};
use esock::poller;
use esock::poller::busy::{Helper, When, poll_busily};
use esock::poller::epoll::Poller;
use rustler::{Atom, Env, Error, LocalPid, NifResult};
use std::sync::Arc;

/// A process, which is asked by the message `busy_poll`.
struct Process(LocalPid);

impl Helper for Process {
    fn begin(&self) -> bool {
        notify::ask_to_poll(self.0)
    }
}

fn nth(index: usize) -> NifResult<&'static Arc<Poller>> {
    poller::pool::get(index).ok_or(Error::BadArg)
}

/// `busy_poller(Index)`: from now on the caller is asked to poll for this poller.
#[rustler::nif]
fn busy_poller(env: Env<'_>, index: usize) -> NifResult<Atom> {
    nth(index)?.role.appoint(Box::new(Process(env.pid())));
    Ok(atoms::ok())
}

/// `busy_poll(Index)`: one round. Whether to come again.
#[rustler::nif]
fn busy_poll(env: Env<'_>, index: usize) -> NifResult<bool> {
    let poller = nth(index)?;
    Ok(sys::in_call(env, || poller.busy_poll()))
}

/// `busy_polling(true | false | always)`
#[rustler::nif]
fn busy_polling(name: Atom) -> NifResult<Atom> {
    poll_busily(when(name).ok_or(Error::BadArg)?);
    Ok(atoms::ok())
}

/// When there is busy polling, by its name: `always` is for tests.
pub(super) fn when(name: Atom) -> Option<When> {
    let names = [(atoms::yes(), When::Dense), (atoms::no(), When::Never), (atoms::always(), When::Always)];
    names.into_iter().find(|(known, _)| *known == name).map(|(_, when)| when)
}
