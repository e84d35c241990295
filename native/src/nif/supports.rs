//! supports: the core's tables as lists.

use crate::atoms;
use esock::table::constant;
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

/// `constants()`: `{Class, Prefixes, [{Name, Number}]}` for all classes of constants.
#[rustler::nif]
fn constants(env: Env<'_>) -> Option<Term<'_>> {
    let atom = |name: &str| Atom::from_bytes(env, name.as_bytes()).ok();
    let mut classes = Vec::new();
    for class in constant::classes() {
        let name = match class.level {
            Some(level) => (atom(class.name)?, atom(level)?).encode(env),
            None => atom(class.name)?.encode(env),
        };
        let prefixes: Vec<_> = class.prefixes.iter().map(|prefix| prefix.as_bytes()).collect();
        let names: Option<Vec<_>> = class.names.iter().map(|(name, number)| Some((atom(name)?, *number))).collect();
        classes.push((name, prefixes, names?));
    }
    Some(classes.encode(env))
}
