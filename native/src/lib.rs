//! The NIF: makes terms, resources and messages of the core's sockets.
//!
//! `nif/*` decode, make one call into the core, and encode. They decide nothing.

mod atoms;
mod buffer;
mod charge;
mod fail;
mod nif;
mod process;
mod sys;
mod term;

rustler::init!("esock_nif", load = nif::load::load);
