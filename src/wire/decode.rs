//! Decoding of the bytes of options and control messages, by their codecs.

use crate::wire::addr::{Address, Raw};
use crate::wire::bits::{CAN_INVERTED, FANOUT_FLAGS, FANOUTS, TIMESTAMPING};
use crate::wire::codec::{Codec, Field, Layout};
use crate::wire::layout::TIMESPEC;
use crate::wire::name::{self, HARDWARE};
use crate::wire::value::{Namespace, Value};
use crate::wire::{attribute, bdaddr, cmsg, extended_error, program, tls, tos};

impl Codec {
    /// Decodes bytes that the kernel wrote. `None` if they do not have this encoding.
    pub fn read(self, bytes: &[u8]) -> Option<Value> {
        // The kernel writes many values as an int, but as one byte where there is no room for an int.
        let int = || match bytes.first_chunk::<4>() {
            Some(word) => Some(i32::from_ne_bytes(*word)),
            None => bytes.first().map(|byte| i32::from(*byte)),
        };
        Some(match self {
            Self::Bool => Value::Bool(int()? != 0),
            Self::Bool8 => Value::Bool(*bytes.first()? != 0),
            Self::Int | Self::Nat | Self::Hops => Value::Int(i64::from(int()?)),
            Self::Uint | Self::Groups => Value::Int(i64::from(u32::from_ne_bytes(*bytes.first_chunk()?))),
            Self::NamedUint(names) | Self::Capped(names, _) => match name::name(names, int()?) {
                Some(name) => Value::Name(name),
                None => Value::Int(i64::from(u32::from_ne_bytes(*bytes.first_chunk()?))),
            },
            Self::NamedU64(names) => {
                let number = u64::from_ne_bytes(*bytes.first_chunk()?);
                let name = i32::try_from(number).ok().and_then(|number| name::name(names, number));
                name.map_or_else(|| Value::unsigned(number), Value::Name)
            }
            Self::Le16 => Value::Int(i64::from(u16::from_le_bytes(*bytes.first_chunk()?))),
            Self::Bdaddr => bdaddr::read(bytes.first_chunk()?),
            Self::U8 => Value::Int(i64::from(*bytes.first()?)),
            Self::U16 => Value::Int(i64::from(u16::from_ne_bytes(*bytes.first_chunk()?))),
            Self::U64 => Value::unsigned(u64::from_ne_bytes(*bytes.first_chunk()?)),
            Self::I64 => Value::Int(i64::from_ne_bytes(*bytes.first_chunk()?)),
            Self::Error => Value::Error(int()?),
            Self::Named(names) => Value::named(names, int()?),
            Self::Named8(names) => Value::named(names, i32::from(*bytes.first()?)),
            Self::Named16(names) => Value::named(names, i32::from(u16::from_ne_bytes(*bytes.first_chunk()?))),
            Self::True => Value::Bool(int()? != 0),
            Self::Be32 => Value::Int(i64::from(u32::from_be_bytes(*bytes.first_chunk()?))),
            Self::Part8(low, count) => Value::Int(i64::from((u32::from(*bytes.first()?) >> low) & ((1 << count) - 1))),
            Self::Ifindex | Self::Tclass => Value::Int(i64::from(int()?)),
            Self::IfindexBe => Value::Int(i64::from(i32::from_be_bytes(*bytes.first_chunk()?))),
            Self::Interface => match bytes.split_first_chunk::<4>()? {
                (addr, [0, 0, 0, 0, ..]) => Value::Ip4(*addr),
                (_, index) => Value::Int(i64::from(i32::from_ne_bytes(*index.first_chunk()?))),
            },
            Self::Be16 => Value::Int(i64::from(u16::from_be_bytes(*bytes.first_chunk()?))),
            Self::Bits8(names) => Value::bits(names, i32::from(*bytes.first()?)),
            Self::Bits(names) => Value::bits(names, int()?),
            Self::Bits16(names) => Value::bits(names, i32::from(u16::from_ne_bytes(*bytes.first_chunk()?))),
            Self::Tos => tos::read(int()? & 0xff),
            Self::Domain => Value::Kind(Namespace::Domain, int()?),
            Self::Type => Value::Kind(Namespace::Type, int()?),
            Self::Protocol => Value::Kind(Namespace::Protocol, int()?),
            Self::PortRange => {
                let [a, b, c, d] = *bytes.first_chunk()?;
                let ports = u32::from_ne_bytes([a, b, c, d]);
                Value::Tuple(vec![Value::Int(i64::from(ports & 0xffff)), Value::Int(i64::from(ports >> 16))])
            }
            Self::Rate => match u64::from_ne_bytes(*bytes.first_chunk()?) {
                u64::MAX => Value::Name("unlimited"),
                rate => Value::unsigned(rate),
            },
            Self::Timestamping => timestamping(int()?, bytes.get(4..)?),
            Self::Times => times(bytes)?,
            Self::Ip4 | Self::MulticastIf => Value::Ip4(*bytes.first_chunk()?),
            Self::Ip6 => {
                let octets: [u8; 16] = *bytes.first_chunk()?;
                Value::Ip6(std::net::Ipv6Addr::from(octets).segments())
            }
            Self::Hardware => {
                let (family, rest) = bytes.split_first_chunk::<2>()?;
                let family = Value::named(HARDWARE, i32::from(u16::from_ne_bytes(*family)));
                Value::Map(vec![("family", family), ("addr", Value::Bytes(rest.get(..14)?.to_vec()))])
            }
            Self::Address | Self::Address6 => Value::Address(Address::from_raw(&Raw::new(bytes)?)),
            Self::Text(_) | Self::Terminated(_) | Self::Device => {
                Value::Text(bytes.split(|byte| *byte == 0).next()?.to_vec())
            }
            Self::Bytes(_) => Value::Bytes(bytes.to_vec()),
            Self::Counted8(_) => counted(usize::from(*bytes.first()?), bytes.get(1..)?),
            Self::Counted16(_) => {
                let (len, rest) = bytes.split_first_chunk::<2>()?;
                counted(usize::from(u16::from_ne_bytes(*len)), rest)
            }
            Self::Counted32(_) => {
                let (len, rest) = bytes.split_first_chunk::<4>()?;
                counted(u32::from_ne_bytes(*len) as usize, rest)
            }
            Self::Words => words(bytes, usize::MAX),
            Self::CountedWords => words(bytes.get(4..)?, u32::from_ne_bytes(*bytes.first_chunk()?) as usize),
            Self::Pairs => {
                let (pairs, _) = bytes.as_chunks::<8>();
                let pair = |pair: &[u8; 8]| match words(pair, 2) {
                    Value::List(numbers) => Value::Tuple(numbers),
                    value => value,
                };
                Value::List(pairs.iter().map(pair).collect())
            }
            Self::Set(_, first) => {
                let (words, _) = bytes.as_chunks::<4>();
                let word = |(at, word): (usize, &[u8; 4])| {
                    let word = u32::from_ne_bytes(*word);
                    (0..32)
                        .filter(move |bit| word >> bit & 1 == 1)
                        .map(move |bit| 32 * at as i64 + i64::from(bit + first))
                };
                Value::List(words.iter().enumerate().flat_map(word).map(Value::Int).collect())
            }
            Self::Structs(layout) => {
                Value::List(bytes.chunks_exact(layout.size).map(|one| layout.read(one)).collect::<Option<_>>()?)
            }
            Self::Fanout => {
                let number = i32::from(u16::from_ne_bytes(*bytes.first_chunk()?));
                let mode = Value::named(FANOUTS, number & 0xff);
                match number & 0xff00 {
                    0 => mode,
                    flags => Value::Map(vec![("type", mode), ("flags", Value::bits(FANOUT_FLAGS, flags))]),
                }
            }
            Self::Program => program::read(bytes),
            Self::CanFilters => can_filters(bytes),
            Self::Tls => tls::read(bytes)?,
            Self::Attributes(rows) => attribute::read(rows, bytes)?,
            Self::MsFilter(layout) => sources(layout, bytes, Self::Ip4)?,
            Self::GroupFilter(layout) => sources(layout, bytes, Self::Address)?,
            Self::Ints => {
                let (words, _) = bytes.as_chunks::<4>();
                Value::List(words.iter().map(|word| Value::Int(i64::from(i32::from_ne_bytes(*word)))).collect())
            }
            Self::Struct(layout) => layout.read(bytes)?,
            Self::Linger(layout) => layout.read(bytes)?,
            Self::ExtendedError => extended_error::read(bytes)?,
            Self::Cmsgs => Value::Cmsgs(cmsg::parse(bytes)),
            Self::Md5Sig(_) | Self::Length(_) | Self::Own => return None,
        })
    }
}

fn timestamping(flags: i32, clock: &[u8]) -> Value {
    let flags = Value::bits(TIMESTAMPING, flags);
    match clock.first_chunk().map(|clock| i32::from_ne_bytes(*clock)) {
        None | Some(0) => flags,
        Some(clock) => Value::Map(vec![("flags", flags), ("bind_phc", Value::Int(i64::from(clock)))]),
    }
}

/// The times that are there: the kernel writes zeros for those it has not taken.
fn times(bytes: &[u8]) -> Option<Value> {
    let (times, _) = bytes.as_chunks::<16>();
    let there = ["software", "system", "hardware"].into_iter().zip(times).filter(|(_, time)| **time != [0; 16]);
    there.map(|(name, time)| Some((name, TIMESPEC.read(time)?))).collect::<Option<_>>().map(Value::Map)
}

fn counted(len: usize, bytes: &[u8]) -> Value {
    Value::Bytes(bytes.get(..len).unwrap_or(bytes).to_vec())
}

fn words(bytes: &[u8], most: usize) -> Value {
    let (words, _) = bytes.as_chunks::<4>();
    Value::List(words.iter().take(most).map(|word| Value::Int(i64::from(u32::from_ne_bytes(*word)))).collect())
}

fn can_filters(bytes: &[u8]) -> Value {
    let (filters, _) = bytes.as_chunks::<8>();
    let filter = |[a, b, c, d, mask @ ..]: &[u8; 8]| {
        let (id, mask) = (u32::from_ne_bytes([*a, *b, *c, *d]), u32::from_ne_bytes(*mask));
        let inverted = CAN_INVERTED.iter().find(|row| id & row.1 as u32 != 0);
        let bit = inverted.map_or(0, |row| row.1 as u32);
        let numbers = [id & !bit, mask].map(|number| Value::Int(i64::from(number)));
        Value::Tuple(inverted.map(|row| Value::Name(row.0)).into_iter().chain(numbers).collect())
    };
    Value::List(filters.iter().map(filter).collect())
}

/// A source filter: a struct, the number of its senders, and the senders.
fn sources(layout: &Layout, bytes: &[u8], codec: Codec) -> Option<Value> {
    let Value::Map(mut pairs) = layout.read(bytes)? else {
        return None;
    };
    let (count, rest) = bytes.get(layout.size..)?.split_first_chunk::<4>()?;
    let senders = rest.chunks_exact(codec.size()).take(u32::from_ne_bytes(*count) as usize);
    pairs.push(("slist", Value::List(senders.map(|sender| codec.read(sender)).collect::<Option<_>>()?)));
    Some(Value::Map(pairs))
}

impl Layout {
    /// Decodes a struct that the kernel wrote. An older kernel writes a shorter struct: missing fields are left out.
    pub fn read(&self, bytes: &[u8]) -> Option<Value> {
        let field = |field: &Field| {
            let bytes = bytes.get(field.at..)?;
            let bytes = bytes.get(..field.codec.size()).unwrap_or(bytes);
            Some((field.name, field.codec.read(bytes)?))
        };
        let fields: Vec<_> = self.fields.iter().map_while(field).collect();
        (!fields.is_empty()).then_some(Value::Map(fields))
    }
}
