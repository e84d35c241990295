//! supports: the core's tables as lists.

use crate::atoms;
use esock::table::option::Keeper;
use rustler::{Atom, Encoder, Env, Term};

/// `options()`: `{{Level, Option}, boolean()}` for all options, and whether this system has them.
#[rustler::nif]
fn options() -> Vec<((Atom, Atom), bool)> {
    atoms::rows().map(|(name, row)| (name, row.keeper != Keeper::Unsupported)).collect()
}

/// `msg_flags()`: `{Name, Number}` for all message flags.
#[rustler::nif]
fn msg_flags() -> Vec<(Atom, i32)> {
    // At most as many as there are.
    atoms::flags().list().to_vec()
}

/// `protocols()`: `{Name, Number}` for all protocols.
#[rustler::nif]
fn protocols(env: Env<'_>) -> Term<'_> {
    atoms::protocols().list().encode(env)
}
