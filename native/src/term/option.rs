//! Values of socket options as terms.

use crate::atoms;
use esock::option::value::{Codec, Value};
use esock::socket::Kind;
use rustler::{Atom, Encoder, Env, Term};

/// The value of an option; nothing where the term is none.
pub(crate) fn decode(codec: Codec, term: Term<'_>) -> Option<Value> {
    match codec {
        Codec::Bool => term.decode().ok().map(Value::Bool),
        Codec::Int => term.decode().ok().map(Value::Int),
        Codec::Tos => match term.decode::<Atom>() {
            Ok(name) => atoms::tos().number(name).map(Value::Int),
            Err(_) => term.decode().ok().map(Value::Int),
        },
        Codec::Name => {
            let codes: Vec<u8> = term.decode().ok()?;
            // The system takes no longer ones.
            (codes.len() <= 255).then_some(Value::Name(codes))
        }
        Codec::Linger => linger(term),
        Codec::Domain | Codec::Type | Codec::Protocol | Codec::Own => None,
    }
}

/// `abort`, or `#{onoff := boolean(), linger := non_neg_integer()}`.
fn linger(term: Term<'_>) -> Option<Value> {
    if term.decode::<Atom>().is_ok_and(|name| name == atoms::abort()) {
        return Some(Value::Linger { on: true, seconds: 0 });
    }
    let on = term.map_get(atoms::onoff()).ok()?.decode().ok()?;
    let seconds: i32 = term.map_get(atoms::linger()).ok()?.decode().ok()?;
    (seconds >= 0).then_some(Value::Linger { on, seconds })
}

/// The term of a value.
pub(crate) fn encode<'a>(env: Env<'a>, codec: Codec, value: &Value, kind: Kind) -> Term<'a> {
    let named = |names: &atoms::Names, number: i32| match names.atom(number) {
        Some(name) => name.encode(env),
        None => number.encode(env),
    };
    match (codec, value) {
        (Codec::Domain, Value::Int(number)) => named(atoms::domains(), *number),
        (Codec::Type, Value::Int(number)) => named(atoms::types(), *number),
        (Codec::Tos, Value::Int(number)) => named(atoms::tos(), *number),
        (Codec::Protocol, Value::Int(number)) => protocol(env, kind.domain, *number),
        (_, Value::Bool(on)) => on.encode(env),
        (_, Value::Int(number)) => number.encode(env),
        (_, Value::Linger { on, seconds }) => {
            let pairs =
                [(atoms::onoff().encode(env), on.encode(env)), (atoms::linger().encode(env), seconds.encode(env))];
            Term::map_from_pairs(env, &pairs).unwrap_or_else(|_| atoms::undefined().encode(env))
        }
        (_, Value::Name(name)) => name.encode(env),
    }
}

/// A protocol by its name. Number 0 is IP's only in the internet domains: elsewhere it is the default.
pub(crate) fn protocol(env: Env<'_>, domain: i32, number: i32) -> Term<'_> {
    let default = number == 0 && atoms::domains().number(atoms::local()) == Some(domain);
    match atoms::protocols().atom(number) {
        _ if default => atoms::default().encode(env),
        Some(name) => name.encode(env),
        None => number.encode(env),
    }
}
