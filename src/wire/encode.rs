//! Encoding of the values of options and control messages, by their codecs.

use crate::wire::addr::STORAGE;
use crate::wire::bits::{CAN_INVERTED, FANOUT_FLAGS, FANOUTS, TIMESTAMPING};
use crate::wire::codec::{Codec, DEVICE, Layout, SOURCES};
use crate::wire::layout::TIMESPEC;
use crate::wire::name::{self, HARDWARE, Name};
use crate::wire::value::{Value, number};
use crate::wire::{attribute, bdaddr, program, tls, tos};

impl Codec {
    /// Encodes a value. `None` if it has the wrong type or is out of range.
    pub fn write(self, value: &Value) -> Option<Vec<u8>> {
        let int = |number: i32| Some(number.to_ne_bytes().to_vec());
        let fits = || i32::try_from(value.int()?).ok();
        match (self, value) {
            (Self::Bool, Value::Bool(on)) => int(i32::from(*on)),
            (Self::Bool8, Value::Bool(on)) => Some(vec![u8::from(*on)]),
            (Self::Int, Value::Int(_)) => int(fits()?),
            (Self::Nat, Value::Int(_)) => int(fits().filter(|number| *number >= 0)?),
            (Self::NamedUint(names) | Self::Capped(names, _), Value::Name(name)) => int(name::number(names, name)?),
            (Self::Capped(_, most), Value::Int(number)) => {
                u32::try_from(*number).ok().filter(|number| *number <= most).map(|number| number.to_ne_bytes().to_vec())
            }
            (Self::NamedU64(names), Value::Name(name)) => {
                Some(i64::from(name::number(names, name)?).to_ne_bytes().to_vec())
            }
            (Self::Le16, Value::Int(number)) => Some(u16::try_from(*number).ok()?.to_le_bytes().to_vec()),
            (Self::Bdaddr, value) => bdaddr::write(value).map(|bytes| bytes.to_vec()),
            (Self::Groups, Value::List(groups)) => groups_mask(groups).map(|mask| mask.to_ne_bytes().to_vec()),
            (Self::Uint | Self::NamedUint(_) | Self::Groups, Value::Int(number)) => {
                Some(u32::try_from(*number).ok()?.to_ne_bytes().to_vec())
            }
            (Self::U8, Value::Int(number)) => Some(vec![u8::try_from(*number).ok()?]),
            (Self::U16, Value::Int(number)) => Some(u16::try_from(*number).ok()?.to_ne_bytes().to_vec()),
            (Self::U64 | Self::NamedU64(_), Value::Big(number)) => Some(number.to_ne_bytes().to_vec()),
            (Self::U64 | Self::NamedU64(_), Value::Int(number)) => {
                Some(u64::try_from(*number).ok()?.to_ne_bytes().to_vec())
            }
            (Self::I64, Value::Int(number)) => Some(number.to_ne_bytes().to_vec()),
            (Self::True, Value::Bool(true)) => int(1),
            (Self::Be16, Value::Int(number)) => Some(u16::try_from(*number).ok()?.to_be_bytes().to_vec()),
            (Self::Be32, Value::Int(number)) => Some(u32::try_from(*number).ok()?.to_be_bytes().to_vec()),
            (Self::Ifindex, value) => int(index(value)?),
            (Self::IfindexBe, value) => Some(index(value)?.to_be_bytes().to_vec()),
            (Self::Interface, Value::Ip4(octets)) => Some([*octets, [0; 4]].concat()),
            (Self::Interface, value) => Some([[0; 4], index(value)?.to_ne_bytes()].concat()),
            (Self::MulticastIf, value) => Some([vec![0; 4], Self::Interface.write(value)?].concat()),
            (Self::Named(names), value) => int(number(names, value)?),
            (Self::Named8(names), value) => Some(vec![u8::try_from(number(names, value)?).ok()?]),
            (Self::Named16(names), value) => Some(u16::try_from(number(names, value)?).ok()?.to_ne_bytes().to_vec()),
            (Self::Bits8(names), value) => Some(vec![u8::try_from(bits(names, value)?).ok()?]),
            (Self::Bits(names), value) => int(bits(names, value)?),
            (Self::Bits16(names), value) => Some(u16::try_from(bits(names, value)?).ok()?.to_ne_bytes().to_vec()),
            (Self::Hops, Value::Name("default")) => int(-1),
            (Self::Hops, Value::Int(0..=255)) => int(fits()?),
            (Self::Tos, value) => int(tos::number(value)?),
            (Self::Tclass, Value::Name(name)) => int(name::number(tos::DSCP, name)? << 2),
            (Self::Tclass, Value::Int(_)) => int(fits()?),
            (Self::PortRange, Value::Tuple(ports)) => ports_range(ports),
            (Self::Rate, Value::Name("unlimited")) => Some(u64::MAX.to_ne_bytes().to_vec()),
            (Self::Rate, value) => Self::U64.write(value),
            (Self::Timestamping, Value::Map(_)) => {
                let flags = bits(TIMESTAMPING, value.get("flags")?)?;
                let clock = i32::try_from(value.get("bind_phc")?.int()?).ok()?;
                Some([flags.to_ne_bytes(), clock.to_ne_bytes()].concat())
            }
            (Self::Timestamping, value) => int(bits(TIMESTAMPING, value)?),
            (Self::Times, Value::Map(_)) => {
                let time = |name| value.get(name).map_or(Some(vec![0; 16]), |time| TIMESPEC.write(time));
                Some([time("software")?, time("system")?, time("hardware")?].concat())
            }
            (Self::Domain | Self::Type | Self::Protocol, Value::Kind(_, number)) => int(*number),
            (Self::Ip4, Value::Ip4(octets)) => Some(octets.to_vec()),
            (Self::Ip6, Value::Ip6(words)) => Some(std::net::Ipv6Addr::from(*words).octets().to_vec()),
            (Self::Hardware, value) => {
                let Some(Value::Bytes(addr)) = value.get("addr") else {
                    return None;
                };
                let family = u16::try_from(number(HARDWARE, value.get("family")?)?).ok()?;
                (addr.len() <= 14).then(|| [family.to_ne_bytes().as_slice(), addr].concat())
            }
            (Self::Address, Value::Address(address)) => Some(address.to_raw()?.padded().to_vec()),
            (Self::Address6, Value::Address(address)) => {
                let raw = address.to_raw()?;
                (raw.as_bytes().len() == self.size()).then(|| raw.as_bytes().to_vec())
            }
            (Self::Device, Value::Name("none")) => Some(Vec::new()),
            (Self::Device, Value::Text(text)) => (text.len() <= DEVICE).then(|| text.clone()),
            (Self::Text(size), Value::Text(text)) => (text.len() <= size).then(|| text.clone()),
            (Self::Terminated(size), Value::Text(text)) => {
                (!text.is_empty() && text.len() < size && !text.contains(&0)).then(|| text.clone())
            }
            (Self::Bytes(size), Value::Bytes(bytes)) => (bytes.len() <= size).then(|| bytes.clone()),
            (Self::Counted8(most), Value::Bytes(bytes)) => {
                counted(u8::try_from(bytes.len()).ok()?.to_ne_bytes().to_vec(), bytes, most)
            }
            (Self::Counted16(most), Value::Bytes(bytes)) => {
                counted(u16::try_from(bytes.len()).ok()?.to_ne_bytes().to_vec(), bytes, most)
            }
            (Self::Counted32(most), Value::Bytes(bytes)) if bytes.len() <= most => {
                Some([u32::try_from(bytes.len()).ok()?.to_ne_bytes().as_slice(), bytes].concat())
            }
            (Self::Length(most), Value::Int(len)) => {
                Some(vec![0; usize::try_from(*len).ok().filter(|len| *len <= most)?])
            }
            (Self::Words, Value::List(list)) => words(list),
            (Self::CountedWords, Value::List(list)) => {
                Some([u32::try_from(list.len()).ok()?.to_ne_bytes().to_vec(), words(list)?].concat())
            }
            (Self::Pairs, Value::List(list)) => each(list, |pair| match pair {
                Value::Tuple(pair) if pair.len() == 2 => words(pair),
                _ => None,
            }),
            (Self::Set(size, first), Value::List(list)) => set(size, first, list),
            (Self::Structs(layout), Value::List(list)) => each(list, |one| layout.write(one)),
            (Self::Fanout, value) => {
                let (mode, flags) = match value {
                    Value::Map(_) => (value.get("type")?, bits(FANOUT_FLAGS, value.get("flags")?)?),
                    mode => (mode, 0),
                };
                let number = number(FANOUTS, mode).filter(|mode| (0..=0xff).contains(mode))? | flags;
                Some(u16::try_from(number).ok()?.to_ne_bytes().to_vec())
            }
            (Self::Program, value) => program::write(value),
            (Self::CanFilters, Value::List(list)) => each(list, can_filter),
            (Self::Tls, value) => tls::write(value),
            (Self::Attributes(rows), value) => attribute::write(rows, value),
            (Self::GroupFilter(layout), value) => sources(layout, value, Self::Address),
            (Self::Ints, Value::List(list)) => {
                let words = list.iter().map(|value| Some(i32::try_from(value.int()?).ok()?.to_ne_bytes()));
                Some(words.collect::<Option<Vec<_>>>()?.concat())
            }
            (Self::Struct(layout), value) => layout.write(value),
            (Self::Linger(_), Value::Name("abort")) => Some([1_i32.to_ne_bytes(), [0; 4]].concat()),
            (Self::Linger(_), Value::Name("off")) => Some(vec![0; 8]),
            (Self::Linger(layout), value) => layout.write(value),
            (Self::MsFilter(_), Value::Name("null")) => Some(Vec::new()),
            (Self::MsFilter(layout), value) => sources(layout, value, Self::Ip4),
            (Self::Md5Sig(layout), value) => {
                let Some(Value::Bytes(key)) = value.get("key") else {
                    return None;
                };
                let mut bytes = layout.write(value)?;
                // The kernel looks at a prefix and an interface only if their flags are set.
                let flag = |field: &str, bit: u8| if value.get(field).is_some() { bit } else { 0 };
                *bytes.get_mut(128)? |= flag("prefixlen", 1) | flag("ifindex", 2);
                let len = u16::try_from(key.len()).ok().filter(|len| *len <= MD5_KEY)?;
                bytes.get_mut(130..132)?.copy_from_slice(&len.to_ne_bytes());
                bytes.extend(key);
                bytes.resize(layout.size + usize::from(MD5_KEY), 0);
                Some(bytes)
            }
            _ => None,
        }
    }
}

impl Codec {
    /// The bytes of a request for a part of a value: the fields that the map has, and room for what the kernel writes.
    /// `None` if the codec has no such request, or a field cannot be encoded.
    pub fn request(self, value: &Value) -> Option<Vec<u8>> {
        let sources = |layout: &Layout, size: usize| {
            let count = u32::try_from(SOURCES).ok()?;
            Some([layout.write_sparse(value)?, count.to_ne_bytes().to_vec(), vec![0; size * SOURCES]].concat())
        };
        match (self, value) {
            (Self::Struct(layout), Value::Map(_)) => layout.write_sparse(value),
            (Self::MsFilter(layout), Value::Map(_)) => sources(layout, 4),
            (Self::GroupFilter(layout), Value::Map(_)) => sources(layout, STORAGE),
            _ => None,
        }
    }
}

/// The longest key of TCP_MD5SIG, in bytes.
const MD5_KEY: u16 = 80;

fn bits(names: &[Name], value: &Value) -> Option<i32> {
    match value {
        Value::List(list) => list.iter().try_fold(0, |bits, value| Some(bits | number(names, value)?)),
        value => i32::try_from(value.int()?).ok(),
    }
}

/// The index of an interface. One that is named is 0 until it is resolved.
fn index(value: &Value) -> Option<i32> {
    match value {
        Value::Interface(_) => Some(0),
        value => i32::try_from(value.int()?).ok().filter(|index| *index >= 0),
    }
}

fn ports_range(ports: &[Value]) -> Option<Vec<u8>> {
    let [low, high] = ports else {
        return None;
    };
    let port = |value: &Value| u16::try_from(value.int()?).ok().map(u32::from);
    Some((port(high)? << 16 | port(low)?).to_ne_bytes().to_vec())
}

fn each(list: &[Value], write: impl Fn(&Value) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    Some(list.iter().map(write).collect::<Option<Vec<_>>>()?.concat())
}

fn words(list: &[Value]) -> Option<Vec<u8>> {
    each(list, |word| Codec::Uint.write(word))
}

/// The bytes behind their length, in the fixed room of a struct.
fn counted(mut len: Vec<u8>, bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let size = len.len() + most;
    len.extend(bytes);
    len.resize(size, 0);
    (bytes.len() <= most).then_some(len)
}

fn set(size: usize, first: u32, list: &[Value]) -> Option<Vec<u8>> {
    let mut words = vec![0_u32; size];
    for number in list {
        let bit = u32::try_from(number.int()?).ok()?.checked_sub(first)?;
        *words.get_mut(bit as usize / 32)? |= 1 << (bit % 32);
    }
    Some(words.into_iter().flat_map(u32::to_ne_bytes).collect())
}

fn can_filter(value: &Value) -> Option<Vec<u8>> {
    let Value::Tuple(parts) = value else {
        return None;
    };
    let (bit, id, mask) = match parts.as_slice() {
        [id, mask] => (0, id, mask),
        [inverted, id, mask] => {
            (number(CAN_INVERTED, inverted).filter(|_| !matches!(inverted, Value::Int(_)))?, id, mask)
        }
        _ => return None,
    };
    let (id, mask) = (u32::try_from(id.int()?).ok()?, u32::try_from(mask.int()?).ok()?);
    Some([(id | bit as u32).to_ne_bytes(), mask.to_ne_bytes()].concat())
}

/// A source filter: a struct, the number of its senders, and the senders.
fn sources(layout: &Layout, value: &Value, codec: Codec) -> Option<Vec<u8>> {
    let Some(Value::List(list)) = value.get("slist") else {
        return None;
    };
    let senders = each(list, |sender| codec.write(sender))?;
    Some([layout.write(value)?, u32::try_from(list.len()).ok()?.to_ne_bytes().to_vec(), senders].concat())
}

impl Layout {
    /// Encodes a value. `None` if a required field is missing, or a field cannot be encoded.
    pub fn write(&self, value: &Value) -> Option<Vec<u8>> {
        let complete = self.fields.iter().all(|field| field.optional || value.get(field.name).is_some());
        if complete { self.write_sparse(value) } else { None }
    }

    /// Encodes a value. Missing fields are 0.
    pub fn write_sparse(&self, value: &Value) -> Option<Vec<u8>> {
        let Value::Map(_) = value else {
            return None;
        };
        let mut bytes = vec![0; self.size];
        for field in self.fields {
            if let Some(value) = value.get(field.name) {
                let written = field.codec.write(value)?;
                bytes.get_mut(field.at..field.at + written.len())?.copy_from_slice(&written);
            }
        }
        Some(bytes)
    }
}

/// The bitmask of groups with these numbers.
fn groups_mask(groups: &[Value]) -> Option<u32> {
    groups.iter().try_fold(0, |mask, group| {
        let number = u32::try_from(group.int()?).ok().filter(|number| (1..=32).contains(number))?;
        Some(mask | 1 << (number - 1))
    })
}
