//! The NIF: the core's sockets as terms, resources and messages.
//!
//! `nif/*` decode, make one call into the core, and encode; they decide nothing.

mod atoms;
mod buffer;
mod caller;
mod charge;
mod fail;
mod handle;
mod job;
mod kept;
mod nif;
mod sys;
mod term;
mod watch;
mod worker;

rustler::init!("esock_nif", load = nif::load::load);
