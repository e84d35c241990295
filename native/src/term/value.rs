//! Values of options and control messages as terms.

use crate::term::{address, list};
use crate::{atoms, buffer, sys};
use esock::table::{control, family};
use esock::wire::cmsg::Message;
use esock::wire::codec::{Codec, DEVICE, Layout, SOURCES};
use esock::wire::errno::Errno;
use esock::wire::layout::TIMESPEC;
use esock::wire::name;
use esock::wire::program;
use esock::wire::value::{Namespace, Value};
use rustler::{Atom, Encoder, Env, Term};

/// The value of a term; `None` if the term does not have the form of the codec.
pub(crate) fn decode<'a>(env: Env<'a>, codec: Codec, term: Term<'a>) -> Option<Value> {
    match codec {
        Codec::Bool | Codec::Bool8 | Codec::True => term.decode().ok().map(Value::Bool),
        Codec::Ifindex | Codec::IfindexBe => interface(term),
        Codec::Interface | Codec::MulticastIf => match term.is_integer() {
            true => None,
            false => decode(env, Codec::Ip4, term).or_else(|| interface(term)),
        },
        Codec::Ip4 => address::inet(Some(term)).map(|addr| Value::Ip4(addr.octets())),
        Codec::Ip6 => address::inet6(Some(term)).map(|addr| Value::Ip6(addr.segments())),
        Codec::Address | Codec::Address6 => address::value(env, term).map(Value::Address),
        Codec::Domain => {
            let number = if term.is_atom() { atoms::domains().number(term.decode().ok()?) } else { term.decode().ok() };
            number.map(|number| Value::Kind(Namespace::Domain, number))
        }
        Codec::Device if term.is_atom() => named(term),
        Codec::Device => list::text(term, DEVICE).map(Value::Text),
        Codec::Text(most) => list::text(term, most).map(Value::Text),
        Codec::Terminated(size) if term.is_binary() => address::binary(term, size).map(Value::Text),
        Codec::Terminated(size) => list::text(term, size).map(Value::Text),
        Codec::Bytes(most) | Codec::Counted8(most) | Codec::Counted16(most) | Codec::Counted32(most) => {
            address::binary(term, most).map(Value::Bytes)
        }
        Codec::PortRange => tuple::<2>(term),
        Codec::Pairs => elements(term, list::MOST, tuple::<2>),
        Codec::Program => elements(term, program::MOST, tuple::<4>),
        Codec::CanFilters => elements(term, FILTERS, |filter| tuple::<2>(filter).or_else(|| tuple::<3>(filter))),
        Codec::Words | Codec::CountedWords | Codec::Set(..) => several(env, Codec::Uint, term, list::MOST),
        Codec::Structs(layout) => several(env, Codec::Struct(layout), term, FILTERS),
        Codec::Timestamping if term.is_map() => {
            let part = |key, codec| Some((key, decode(env, codec, get(env, term, key)?)?));
            Some(Value::Map(vec![part("flags", Codec::Timestamping)?, part("bind_phc", Codec::Int)?]))
        }
        Codec::Times => fields(env, TIMES.iter().map(|name| (*name, Codec::Struct(&TIMESPEC), true)), term),
        Codec::Fanout if term.is_map() => {
            let part = |key, codec| Some((key, decode(env, codec, get(env, term, key)?)?));
            Some(Value::Map(vec![part("type", Codec::Int)?, part("flags", Codec::Bits(&[]))?]))
        }
        Codec::Tls => {
            let bytes = ["iv", "key", "salt", "rec_seq"].into_iter().map(|name| (name, Codec::Bytes(64), true));
            let names = ["version", "cipher"].into_iter().map(|name| (name, Codec::Int, false));
            fields(env, names.chain(bytes), term)
        }
        Codec::Attributes(rows) if term.is_map() => {
            fields(env, rows.iter().map(|row| (row.name, row.codec, true)), term)
        }
        Codec::GroupFilter(layout) => filter(env, layout, Codec::Address, SOURCES, term),
        Codec::Struct(layout) => fields(env, layout.fields.iter().map(|f| (f.name, f.codec, f.optional)), term),
        Codec::Hardware => {
            let family = named(get(env, term, "family")?)?;
            Some(Value::Map(vec![
                ("family", family),
                ("addr", decode(env, Codec::Bytes(14), get(env, term, "addr")?)?),
            ]))
        }
        Codec::Linger(layout) => match name(term) {
            Some(name) => esock::wire::interned::interned(&name).map(Value::Name),
            None if term.is_tuple() => seconds(term),
            None => decode(env, Codec::Struct(layout), term),
        },
        Codec::MsFilter(_) if term.is_atom() => (name(term)? == "null").then_some(Value::Name("null")),
        Codec::MsFilter(layout) => filter(env, layout, Codec::Ip4, list::MOST, term),
        Codec::Md5Sig(layout) => {
            let Value::Map(mut pairs) = decode(env, Codec::Struct(layout), term)? else {
                return None;
            };
            pairs.push(("key", decode(env, Codec::Bytes(80), get(env, term, "key")?)?));
            Some(Value::Map(pairs))
        }
        Codec::Tos if term.is_map() => {
            let part = |key: &'static str| Some((key, named(get(env, term, key)?)?));
            Some(Value::Map(vec![part("precedence")?, part("tos")?]))
        }
        Codec::Bdaddr if term.is_list() => list::text(term, BDADDR).map(Value::Text),
        Codec::Groups if term.is_list() => several(env, Codec::Int, term, NAMES),
        Codec::Ints => several(env, Codec::Int, term, list::MOST),
        Codec::Bits(_) | Codec::Bits8(_) | Codec::Bits16(_) | Codec::Timestamping if term.is_list() => {
            several(env, Codec::Tos, term, NAMES)
        }
        Codec::Protocol => {
            let number =
                if term.is_atom() { atoms::protocols().number(term.decode().ok()?) } else { term.decode().ok() };
            number.map(|number| Value::Kind(Namespace::Protocol, number))
        }
        Codec::Own | Codec::Type | Codec::Error | Codec::ExtendedError | Codec::Cmsgs => None,
        _ => named(term),
    }
}

/// The characters of a Bluetooth address.
const BDADDR: usize = 17;
/// The most filters in a list, of CAN.
const FILTERS: usize = 512;
/// The times of a packet.
const TIMES: [&str; 3] = ["software", "system", "hardware"];

/// The index of an interface, as a number or as `{index, Number}`; or its name.
fn interface(term: Term<'_>) -> Option<Value> {
    if let Some([tag, index]) = sys::tuple::<2>(term) {
        return (name(tag)? == "index").then(|| interface(index)).flatten();
    }
    if term.is_integer() {
        return term.decode().ok().map(Value::Int);
    }
    list::text(term, DEVICE).filter(|name| !name.is_empty()).map(Value::Interface)
}

/// A linger as `{seconds, Number}`.
fn seconds(term: Term<'_>) -> Option<Value> {
    let [tag, seconds] = sys::tuple::<2>(term)?;
    let seconds = Value::Int(seconds.decode().ok()?);
    (name(tag)? == "seconds").then(|| Value::Map(vec![("onoff", Value::Bool(true)), ("linger", seconds)]))
}

/// A source filter of at most `most` senders.
fn filter<'a>(env: Env<'a>, layout: &'static Layout, codec: Codec, most: usize, term: Term<'a>) -> Option<Value> {
    let Value::Map(mut pairs) = decode(env, Codec::Struct(layout), term)? else {
        return None;
    };
    pairs.push(("slist", several(env, codec, get(env, term, "slist")?, most)?));
    Some(Value::Map(pairs))
}

/// A tuple of names and numbers.
fn tuple<const N: usize>(term: Term<'_>) -> Option<Value> {
    let parts = sys::tuple::<N>(term)?;
    parts.into_iter().map(named).collect::<Option<_>>().map(Value::Tuple)
}

fn elements(term: Term<'_>, most: usize, decode: impl Fn(Term<'_>) -> Option<Value>) -> Option<Value> {
    let elements = list::elements(term, most).ok()?;
    elements.into_iter().map(decode).collect::<Option<_>>().map(Value::List)
}

/// The most names of bits in a list.
const NAMES: usize = 64;

/// A name or a number. The codec says which names are valid.
fn named(term: Term<'_>) -> Option<Value> {
    match name(term) {
        Some(name) => esock::wire::interned::interned(&name).map(Value::Name),
        None => term.decode().ok().map(Value::Int).or_else(|| term.decode().ok().map(Value::Big)),
    }
}

fn name(term: Term<'_>) -> Option<String> {
    term.is_atom().then(|| term.atom_to_string().ok()).flatten()
}

fn get<'a>(env: Env<'a>, map: Term<'a>, key: &str) -> Option<Term<'a>> {
    map.map_get(Atom::from_bytes(env, key.as_bytes()).ok()?).ok()
}

fn several<'a>(env: Env<'a>, codec: Codec, term: Term<'a>, most: usize) -> Option<Value> {
    let elements = list::elements(term, most).ok()?;
    elements.into_iter().map(|element| decode(env, codec, element)).collect::<Option<_>>().map(Value::List)
}

/// The fields that a request for a part of a value has. `None` if values of the codec have no fields, or the map has an unknown key.
pub(crate) fn request<'a>(env: Env<'a>, codec: Codec, map: Term<'a>) -> Option<Value> {
    let (Codec::Struct(layout) | Codec::MsFilter(layout) | Codec::GroupFilter(layout)) = codec else {
        return None;
    };
    let value = fields(env, layout.fields.iter().map(|field| (field.name, field.codec, true)), map)?;
    let known = if let Value::Map(pairs) = &value { pairs.len() } else { 0 };
    (map.map_size().ok()? == known).then_some(value)
}

fn fields<'a>(env: Env<'a>, fields: impl Iterator<Item = (&'static str, Codec, bool)>, map: Term<'a>) -> Option<Value> {
    let mut pairs = Vec::new();
    for (name, codec, optional) in fields {
        match get(env, map, name) {
            Some(term) => pairs.push((name, decode(env, codec, term)?)),
            None if optional => {}
            None => return None,
        }
    }
    Some(Value::Map(pairs))
}

/// The term of a value of a socket of that domain; `None` if there is no memory for it.
pub(crate) fn encode<'a>(env: Env<'a>, value: &Value, domain: i32) -> Option<Term<'a>> {
    let atom = |name: &str| Atom::from_bytes(env, name.as_bytes()).ok().map(|atom| atom.encode(env));
    let or_number = |name: Option<Atom>, number: i32| name.map_or_else(|| number.encode(env), |name| name.encode(env));
    match value {
        Value::Bool(on) => Some(on.encode(env)),
        Value::Int(number) => Some(number.encode(env)),
        Value::Big(number) => Some(number.encode(env)),
        Value::Name(name) => atom(name),
        Value::Error(0) => atom("none"),
        Value::Error(number) => Some(atoms::errno(env, Errno::new(*number)).encode(env)),
        Value::Kind(Namespace::Domain, number) => Some(or_number(atoms::domains().atom(*number), *number)),
        Value::Kind(Namespace::Type, number) => Some(or_number(atoms::types().atom(*number), *number)),
        Value::Kind(Namespace::Protocol, number) => Some(protocol(env, domain, *number)),
        Value::Ip4([a, b, c, d]) => Some((*a, *b, *c, *d).encode(env)),
        Value::Ip6(words) => {
            let words: Vec<_> = words.iter().map(|word| word.encode(env)).collect();
            Some(rustler::types::tuple::make_tuple(env, &words))
        }
        Value::Address(address) => address::encode(env, address),
        Value::Text(text) | Value::Interface(text) => Some(text.encode(env)),
        Value::Bytes(bytes) => buffer::copy(env, bytes),
        Value::Cmsgs(messages) => {
            let terms: Option<Vec<_>> = messages.iter().map(|message| control_message(env, message)).collect();
            Some(terms?.encode(env))
        }
        Value::List(values) => {
            let terms: Option<Vec<_>> = values.iter().map(|value| encode(env, value, domain)).collect();
            Some(terms?.encode(env))
        }
        Value::Tuple(values) => {
            let terms: Option<Vec<_>> = values.iter().map(|value| encode(env, value, domain)).collect();
            Some(rustler::types::tuple::make_tuple(env, &terms?))
        }
        Value::Map(pairs) => {
            let pairs: Option<Vec<_>> =
                pairs.iter().map(|(key, value)| Some((atom(key)?, encode(env, value, domain)?))).collect();
            Term::map_from_pairs(env, &pairs?).ok()
        }
    }
}

/// A received control message, `#{level, type, data}`, with `value` if the table knows the type.
pub(crate) fn control_message<'a>(env: Env<'a>, message: &Message) -> Option<Term<'a>> {
    let row = control::find(message.level, message.kind);
    let known = row.map_or_else(|| control::TABLE.iter().find(|row| row.number == message.level), Some);
    let atom = |name: &str| Atom::from_bytes(env, name.as_bytes()).ok().map(|atom| atom.encode(env));
    let level = match known {
        Some(row) => atom(row.level)?,
        None => protocol(env, 0, message.level),
    };
    let kind = match row {
        Some(row) => atom(row.name)?,
        None => message.kind.encode(env),
    };
    let data = buffer::copy(env, &message.data)?;
    let mut pairs = vec![(atoms::level(), level), (atoms::kind(), kind), (atoms::data(), data)];
    if let Some(read) = row.and_then(|row| row.codec.read(&message.data)) {
        pairs.push((atoms::value(), encode(env, &read, 0)?));
    }
    Term::map_from_pairs(env, &pairs).ok()
}

/// The name of a protocol, or its number. Number 0 is IP only in the internet domains; in the domain `local` it is the
/// default. A family of the table has names of its own.
pub(crate) fn protocol(env: Env<'_>, domain: i32, number: i32) -> Term<'_> {
    let default = number == 0 && atoms::domains().number(atoms::local()) == Some(domain);
    let atom = match family::find(domain) {
        _ if default => Some(atoms::default()),
        Some(row) => name::name(row.protocols, number).and_then(|name| Atom::from_bytes(env, name.as_bytes()).ok()),
        None => atoms::protocols().atom(number),
    };
    atom.map_or_else(|| number.encode(env), |name| name.encode(env))
}
