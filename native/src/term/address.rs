//! Socket addresses as maps, `socket:sockaddr()`.

use super::list;
use crate::{atoms, buffer, fail, sys};
use esock::wire::addr::{Address, Raw, STORAGE};
use rustler::types::map::MapIterator;
use rustler::{Atom, Binary, Encoder, Env, NifResult, Term};
use std::net::{Ipv4Addr, Ipv6Addr};

/// More keys than any address has, even with some unknown ones. A map with more is rejected as a whole.
const KEYS: usize = 64;
/// A path of up to this many bytes that is too long for an address has an error of its own. A longer one is rejected as
/// no path.
const PATH: usize = 255;
/// The most characters of an interface's name, IFNAMSIZ less its NUL.
const INTERFACE: usize = 15;

/// An address for the system, of a family without a row in the table of families; or the answer
/// `{error, {invalid, {sockaddr, ...}}}`.
pub(super) fn decode<'a>(env: Env<'a>, family: Term<'a>, term: Term<'a>) -> NifResult<Result<Raw, Term<'a>>> {
    let whole = || fail::invalid(env, (atoms::sockaddr(), term));
    let keys: &[Atom] = match family.decode::<Atom>() {
        Ok(name) if name == atoms::inet() => &[atoms::family(), atoms::addr(), atoms::port()],
        Ok(name) if name == atoms::inet6() => {
            &[atoms::family(), atoms::addr(), atoms::port(), atoms::flowinfo(), atoms::scope_id()]
        }
        Ok(name) if name == atoms::local() => &[atoms::family(), atoms::path()],
        Ok(name) if name == atoms::packet() => {
            &[atoms::family(), atoms::protocol(), atoms::ifindex(), atoms::hatype(), atoms::pkttype(), atoms::addr()]
        }
        Ok(name) if atoms::domains().number(name).is_some() => &[atoms::family(), atoms::addr()],
        Err(_) if family.is_integer() => &[atoms::family(), atoms::addr()],
        _ => return Ok(Err(whole())),
    };
    if family.decode::<Atom>().is_ok_and(|name| name == atoms::local()) && path(env, term).is_none() {
        return Ok(Err(fail::invalid(env, (atoms::sockaddr(), atoms::path(), term))));
    }
    if let Err(error) = only(env, keys, term) {
        return Ok(Err(error));
    }
    Ok(address(env, family, term).and_then(|address| address.to_raw()).ok_or_else(whole))
}

/// Checks that the map of an address has no other keys than these.
pub(super) fn only<'a>(env: Env<'a>, keys: &[Atom], term: Term<'a>) -> Result<(), Term<'a>> {
    if term.map_size().map_or(true, |size| size > KEYS) {
        return Err(fail::invalid(env, (atoms::sockaddr(), term)));
    }
    // At most `KEYS`.
    let unknown: Vec<Term<'a>> = MapIterator::new(term)
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .filter(|key| !key.decode::<Atom>().is_ok_and(|key| keys.contains(&key)))
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(fail::invalid(env, (atoms::sockaddr(), (atoms::keys(), unknown), term)))
    }
}

/// An address inside a value; `None` if the term is none.
pub(crate) fn value<'a>(env: Env<'a>, term: Term<'a>) -> Option<Address> {
    address(env, term.map_get(atoms::family()).ok()?, term)
}

fn address<'a>(env: Env<'a>, family: Term<'a>, term: Term<'a>) -> Option<Address> {
    let get = |key: Atom| term.map_get(key).ok();
    let number = |key: Atom| get(key).map_or(Some(0), |value| value.decode::<u32>().ok());
    let port = || get(atoms::port()).map_or(Some(0), integer);
    let bytes = || get(atoms::addr()).map_or(Some(Vec::new()), |addr| binary(addr, STORAGE));
    match family.decode::<Atom>() {
        Ok(name) if name == atoms::inet() => Some(Address::Inet { addr: inet(get(atoms::addr()))?, port: port()? }),
        Ok(name) if name == atoms::inet6() => Some(Address::Inet6 {
            addr: inet6(get(atoms::addr()))?,
            port: port()?,
            flowinfo: number(atoms::flowinfo())?,
            scope_id: interface(get(atoms::scope_id()))?,
        }),
        Ok(name) if name == atoms::local() => path(env, term).map(Address::Local),
        Ok(name) if name == atoms::packet() => Some(Address::Packet {
            protocol: get(atoms::protocol()).map_or(Some(0), integer)?,
            ifindex: i32::try_from(interface(get(atoms::ifindex()))?).ok()?,
            hatype: named(atoms::hardware(), get(atoms::hatype()))?,
            pkttype: named(atoms::packets(), get(atoms::pkttype()))?,
            addr: bytes()?,
        }),
        Ok(name) => Some(Address::Other(u16::try_from(atoms::domains().number(name)?).ok()?, bytes()?)),
        Err(_) => Some(Address::Other(integer(family)?, bytes()?)),
    }
}

pub(crate) fn inet(addr: Option<Term<'_>>) -> Option<Ipv4Addr> {
    let Some(addr) = addr else {
        return Some(Ipv4Addr::UNSPECIFIED);
    };
    match addr.decode::<Atom>() {
        Ok(name) if name == atoms::any() => Some(Ipv4Addr::UNSPECIFIED),
        Ok(name) if name == atoms::loopback() => Some(Ipv4Addr::LOCALHOST),
        Ok(name) if name == atoms::broadcast() => Some(Ipv4Addr::BROADCAST),
        Ok(_) => None,
        Err(_) => words(addr).map(|octets: [u8; 4]| Ipv4Addr::from(octets)),
    }
}

pub(crate) fn inet6(addr: Option<Term<'_>>) -> Option<Ipv6Addr> {
    let Some(addr) = addr else {
        return Some(Ipv6Addr::UNSPECIFIED);
    };
    match addr.decode::<Atom>() {
        Ok(name) if name == atoms::any() => Some(Ipv6Addr::UNSPECIFIED),
        Ok(name) if name == atoms::loopback() => Some(Ipv6Addr::LOCALHOST),
        Ok(_) => None,
        Err(_) => words(addr).map(|words: [u16; 8]| Ipv6Addr::from(words)),
    }
}

/// A tuple of `N` integers in range.
fn words<T: TryFrom<i64>, const N: usize>(tuple: Term<'_>) -> Option<[T; N]> {
    let words = sys::tuple::<N>(tuple)?;
    words.into_iter().map(integer).collect::<Option<Vec<T>>>()?.try_into().ok()
}

/// A number, given as an integer or by its name; 0 if it is absent.
fn named<T: TryFrom<i64>>(names: &atoms::Names, term: Option<Term<'_>>) -> Option<T> {
    let Some(term) = term else {
        return T::try_from(0).ok();
    };
    match term.decode::<Atom>() {
        Ok(name) => T::try_from(i64::from(names.number(name)?)).ok(),
        Err(_) => integer(term),
    }
}

/// The index of an interface, given as an integer or by the interface's name; 0 if it is absent.
pub(super) fn interface(term: Option<Term<'_>>) -> Option<u32> {
    let Some(term) = term else {
        return Some(0);
    };
    if term.is_list() {
        return esock::sys::interface::index(&list::text(term, INTERFACE)?).ok();
    }
    integer(term)
}

/// An integer in the range of `T`. (rustler's decoding truncates one that is out of range.)
fn integer<T: TryFrom<i64>>(term: Term<'_>) -> Option<T> {
    T::try_from(term.decode::<i64>().ok()?).ok()
}

/// A path: a binary as it is, or a string in the encoding of file names, which is UTF-8 on Linux.
fn path<'a>(_: Env<'a>, term: Term<'a>) -> Option<Vec<u8>> {
    let path = term.map_get(atoms::path()).ok()?;
    if path.is_binary() {
        return binary(path, PATH);
    }
    let code = |term: Term<'a>| char::from_u32(term.decode().ok()?);
    let bytes = list::elements(path, PATH).ok()?.into_iter().map(code).collect::<Option<String>>()?.into_bytes();
    (bytes.len() <= PATH).then_some(bytes)
}

/// The bytes of a binary of at most `most` bytes.
pub(crate) fn binary(term: Term<'_>, most: usize) -> Option<Vec<u8>> {
    // At most `most`.
    term.decode::<Binary<'_>>().ok().filter(|bytes| bytes.len() <= most).map(|bytes| bytes.to_vec())
}

/// The map of an address; `None` if there is no memory for it.
pub(crate) fn encode<'a>(env: Env<'a>, address: &Address) -> Option<Term<'a>> {
    let bytes = |bytes: &[u8]| buffer::copy(env, bytes);
    let map = |pairs: &[(Atom, Term<'a>)]| Term::map_from_pairs(env, pairs).ok();
    let term = |number: u32| number.encode(env);
    match address {
        Address::Inet { addr, port } => {
            let [a, b, c, d] = addr.octets();
            let family = atoms::inet().encode(env);
            map(&[
                (atoms::family(), family),
                (atoms::addr(), (a, b, c, d).encode(env)),
                (atoms::port(), port.encode(env)),
            ])
        }
        Address::Inet6 { addr, port, flowinfo, scope_id } => {
            let words: Vec<Term<'a>> = addr.segments().iter().map(|word| word.encode(env)).collect();
            map(&[
                (atoms::family(), atoms::inet6().encode(env)),
                (atoms::addr(), rustler::types::tuple::make_tuple(env, &words)),
                (atoms::port(), port.encode(env)),
                (atoms::flowinfo(), term(*flowinfo)),
                (atoms::scope_id(), term(*scope_id)),
            ])
        }
        Address::Local(path) => map(&[(atoms::family(), atoms::local().encode(env)), (atoms::path(), bytes(path)?)]),
        Address::Packet { protocol, ifindex, hatype, pkttype, addr } => {
            let name = |names: &atoms::Names, number: i32| {
                names.atom(number).map_or_else(|| number.encode(env), |name| name.encode(env))
            };
            map(&[
                (atoms::family(), atoms::packet().encode(env)),
                (atoms::protocol(), protocol.encode(env)),
                (atoms::ifindex(), ifindex.encode(env)),
                (atoms::hatype(), name(atoms::hardware(), i32::from(*hatype))),
                (atoms::pkttype(), name(atoms::packets(), i32::from(*pkttype))),
                (atoms::addr(), bytes(addr)?),
            ])
        }
        Address::Other(family, data) => {
            let family =
                atoms::domains().atom(i32::from(*family)).map_or_else(|| family.encode(env), |name| name.encode(env));
            map(&[(atoms::family(), family), (atoms::addr(), bytes(data)?)])
        }
    }
}
