//! supports: the tables as lists.

use crate::atoms;
use rustler::{Atom, Encoder, Env, Term};

/// `options()`: `{Level, Option}` of every option there is.
#[rustler::nif]
fn options() -> Vec<(Atom, Atom)> {
    atoms::rows().map(|(name, _)| name).collect()
}

/// `msg_flags()`: `{Name, Number}` of every message flag.
#[rustler::nif]
fn msg_flags() -> Vec<(Atom, i32)> {
    atoms::flags().list().to_vec()
}

/// `protocols()`: `{Name, Number}` of every protocol.
#[rustler::nif]
fn protocols(env: Env<'_>) -> Term<'_> {
    atoms::protocols().list().encode(env)
}
