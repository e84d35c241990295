//! Lookups as terms: what is asked, and the result.

use super::{address, sockaddr};
use crate::{atoms, fail};
use esock::sys::resolve::{Answer, Entry, Fault, Found, Hints, Query};
use esock::wire::addr::{Address, Raw, STORAGE};
use rustler::{Atom, Encoder, Env, Term};
use std::ffi::CString;

/// The longest name that is asked for, in bytes: longer than any that a resolver knows.
const NAME: usize = 4096;

/// A query: `{addresses, Host, Service, {Flags, Family, Type, Protocol} | undefined}`, `{names, Sockaddr, Flags}`,
/// `{host, Name | Address, Family}` or `{service, Name | Port, Protocol}`. Texts are binaries; one that may be missing is
/// `undefined`. `None`: it is no query.
pub(crate) fn query(term: Term<'_>) -> Option<Query> {
    if let Ok((_, host, service, hints)) = term.decode::<(Atom, Term<'_>, Term<'_>, Term<'_>)>() {
        let hints = match hints.decode::<(i32, i32, i32, i32)>() {
            Ok((flags, family, kind, protocol)) => Some(Hints { flags, family, kind, protocol }),
            Err(_) => None,
        };
        return Some(Query::Addresses(maybe(host)?, maybe(service)?, hints));
    }
    let (kind, what, how) = term.decode::<(Atom, Term<'_>, Term<'_>)>().ok()?;
    if kind == atoms::host() {
        return Some(Query::Host(text(what)?, how.decode().ok()?));
    }
    if kind == atoms::addr() {
        return Some(Query::HostOf(address::binary(what, STORAGE)?, how.decode().ok()?));
    }
    if kind == atoms::service() {
        return Some(Query::Service(text(what)?, maybe(how)?));
    }
    if kind == atoms::port() {
        return Some(Query::ServiceOf(what.decode().ok()?, maybe(how)?));
    }
    Some(Query::Names(Raw::new(&address::binary(what, STORAGE)?)?, how.decode().ok()?))
}

fn text(term: Term<'_>) -> Option<CString> {
    CString::new(address::binary(term, NAME)?).ok()
}

fn maybe(term: Term<'_>) -> Option<Option<CString>> {
    if term.is_atom() { Some(None) } else { text(term).map(Some) }
}

/// `{ok, What}` or `{error, Reason}`
pub(crate) fn result(env: Env<'_>, answer: Result<Answer, Fault>) -> Term<'_> {
    match answer {
        Ok(answer) => {
            what(env, &answer).map_or_else(|| fail::error(env, atoms::enomem()), |what| (atoms::ok(), what).encode(env))
        }
        Err(Fault::Absent) => fail::error(env, atoms::enoent()),
        Err(Fault::System(errno)) => fail::error(env, (atoms::gai_key(), (atoms::system(), atoms::errno(env, errno)))),
        Err(Fault::Code(code)) => match atoms::gai().atom(code) {
            Some(name) => fail::error(env, (atoms::gai_key(), name)),
            None => fail::error(env, (atoms::gai_key(), code)),
        },
    }
}

fn what<'a>(env: Env<'a>, answer: &Answer) -> Option<Term<'a>> {
    let map = |pairs: &[(Atom, Term<'a>)]| Term::map_from_pairs(env, pairs).ok();
    match answer {
        Answer::Addresses(found) => {
            let found: Option<Vec<Term<'a>>> = found.iter().map(|found| info(env, found)).collect();
            Some(found?.encode(env))
        }
        Answer::Names(host, service) => {
            map(&[(atoms::host(), characters(env, host)), (atoms::service(), characters(env, service))])
        }
        Answer::Host(entry) => {
            let addrs: Vec<Term<'a>> = entry.addrs.iter().filter_map(|addr| ip(env, addr)).collect();
            map(&[named(env, entry), aliases(env, entry), (atoms::addrs(), addrs.encode(env))])
        }
        Answer::Service(entry) => map(&[
            named(env, entry),
            aliases(env, entry),
            (atoms::port(), entry.port.encode(env)),
            (atoms::protocol(), characters(env, &entry.protocol)),
        ]),
    }
}

fn named<'a>(env: Env<'a>, entry: &Entry) -> (Atom, Term<'a>) {
    (atoms::name(), characters(env, &entry.name))
}

fn aliases<'a>(env: Env<'a>, entry: &Entry) -> (Atom, Term<'a>) {
    let names: Vec<Term<'a>> = entry.aliases.iter().map(|name| characters(env, name)).collect();
    (atoms::aliases(), names.encode(env))
}

/// A string: of the characters if the bytes are UTF-8, otherwise of the bytes.
fn characters<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().map(u32::from).collect::<Vec<_>>().encode(env),
        Err(_) => bytes.iter().map(|byte| u32::from(*byte)).collect::<Vec<_>>().encode(env),
    }
}

/// The tuple of an IP address.
fn ip<'a>(env: Env<'a>, bytes: &[u8]) -> Option<Term<'a>> {
    if let Ok([a, b, c, d]) = <[u8; 4]>::try_from(bytes) {
        return Some((a, b, c, d).encode(env));
    }
    let addr = std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
    let words: Vec<Term<'a>> = addr.segments().iter().map(|word| word.encode(env)).collect();
    Some(rustler::types::tuple::make_tuple(env, &words))
}

fn info<'a>(env: Env<'a>, found: &Found) -> Option<Term<'a>> {
    let name = |names: &atoms::Names, number: i32| {
        names.atom(number).map_or_else(|| number.encode(env), |name| name.encode(env))
    };
    let kind = if found.hints.kind == 0 { atoms::any().encode(env) } else { name(atoms::types(), found.hints.kind) };
    let mut pairs = vec![
        (atoms::family(), name(atoms::domains(), found.hints.family)),
        (atoms::socktype(), kind),
        (atoms::protocol(), name(atoms::protocols(), found.hints.protocol)),
        (atoms::addr(), sockaddr::encode(env, &Address::from_raw(&found.addr), 0)?),
    ];
    pairs.extend(found.canonname.as_ref().map(|name| (atoms::canonname(), characters(env, name))));
    Term::map_from_pairs(env, &pairs).ok()
}
