//! The NIF: the core's sockets as terms, resources and messages.
//!
//! `nif/*` decode, make one call into the core, and encode; they decide nothing.

mod atoms;
mod buffer;
mod charge;
mod fail;
mod nif;
mod process;
mod sys;
mod term;

rustler::init!("esock_nif", load = nif::load::load);
