//! Codecs: how values of socket options and control messages are encoded as bytes.
//!
//! Each row in `crate::table` has a codec. A C struct is a [`Layout`]: a table of fields, each with a codec of its own.

use crate::wire::addr::{Address, Raw, STORAGE};
use crate::wire::name::{self, HARDWARE, Name};
use crate::wire::value::{Namespace, Value, number};
use crate::wire::{bdaddr, cmsg, extended_error, tos};

/// How a value is encoded. Numbers are in host byte order unless their codec says otherwise.
#[derive(Clone, Copy, Debug)]
pub enum Codec {
    /// An int as a boolean: 0 is false, any other value is true.
    Bool,
    /// A byte as a boolean: 0 is false, any other value is true.
    Bool8,
    /// A signed int.
    Int,
    /// A signed int; a negative value is refused.
    Nat,
    /// An unsigned int.
    Uint,
    /// An unsigned byte.
    U8,
    /// An unsigned 16-bit number.
    U16,
    /// An unsigned 64-bit number.
    U64,
    /// A signed 64-bit number.
    I64,
    /// An error number, see errno(3); 0 stands for none.
    Error,
    /// An int with names for its values.
    Named(&'static [Name]),
    /// A byte with names for its values.
    Named8(&'static [Name]),
    /// A 16-bit number with names for its values.
    Named16(&'static [Name]),
    /// A 16-bit number in network byte order.
    Be16,
    /// An unsigned int with names for some values.
    NamedUint(&'static [Name]),
    /// An unsigned int of at most this, with names for some values.
    Capped(&'static [Name], u32),
    /// An unsigned 64-bit number with names for some values.
    NamedU64(&'static [Name]),
    /// A 16-bit number, little-endian.
    Le16,
    /// The index of an interface. A term may be its name.
    Ifindex,
    /// The multicast groups of netlink(7) as a bitmask. A value may be a list of group numbers, 1 to 32.
    Groups,
    /// A Bluetooth address: the name of one, or six pairs of hexadecimal digits with colons between them.
    Bdaddr,
    /// A byte of named bits.
    Bits8(&'static [Name]),
    /// An int of named bits.
    Bits(&'static [Name]),
    /// A 16-bit number of named bits.
    Bits16(&'static [Name]),
    /// A hop limit as an int: −1 selects the system's default.
    Hops,
    /// The type of service, ip(7) and RFC 2474.
    Tos,
    /// A domain, AF_*.
    Domain,
    /// A type, SOCK_*.
    Type,
    /// A protocol, IPPROTO_*.
    Protocol,
    /// An IPv4 address.
    Ip4,
    /// An IPv6 address.
    Ip6,
    /// A hardware address in a `struct sockaddr`, whose family field holds the hardware type (ARPHRD_*).
    Hardware,
    /// A socket address in a field of the size of a `struct sockaddr_storage`.
    Address,
    /// A text of at most this many bytes, which ends at a NUL or at the end of the buffer.
    Text(usize),
    /// A text in a field of this many bytes: at least one byte, and a NUL behind the last one.
    Terminated(usize),
    /// At most this many bytes, not interpreted.
    Bytes(usize),
    /// Ints up to the end of the buffer.
    Ints,
    /// A C struct.
    Struct(&'static Layout),
    /// `struct linger`, socket(7). The name `abort` stands for a linger time of 0 seconds: close(2) resets the connection.
    Linger(&'static Layout),
    /// `struct ip_msfilter`, ip(7): a struct followed by a list of addresses. Write only.
    MsFilter(&'static Layout),
    /// `struct tcp_md5sig`, tcp(7): a struct followed by a key. Write only.
    Md5Sig(&'static Layout),
    /// `struct sock_extended_err` followed by the offender's address, ip(7). Read only.
    ExtendedError,
    /// Control messages, cmsg(3). Read only.
    Cmsgs,
    /// No encoding: the library keeps the option, or this system does not have it.
    Own,
}

/// A C struct.
#[derive(Debug)]
pub struct Layout {
    /// Its size in bytes.
    pub size: usize,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A field of a C struct.
#[derive(Debug)]
pub struct Field {
    /// Its name as Erlang spells it.
    pub name: &'static str,
    /// Its offset in bytes.
    pub at: usize,
    /// How it is encoded.
    pub codec: Codec,
    /// Whether a value may leave it out. It is 0 then.
    pub optional: bool,
}

impl Codec {
    /// The Erlang type of the value.
    pub fn erlang_type(self) -> String {
        let names = |names: &[Name]| names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | ");
        match self {
            Self::Bool | Self::Bool8 => "boolean()".into(),
            Self::Int | Self::I64 => "integer()".into(),
            Self::Nat | Self::Uint | Self::U64 => "non_neg_integer()".into(),
            Self::U8 => "0..255".into(),
            Self::U16 | Self::Be16 | Self::Le16 => "0..65535".into(),
            Self::Error => "none | posix()".into(),
            Self::NamedUint(table) | Self::NamedU64(table) => format!("{} | non_neg_integer()", names(table)),
            Self::Capped(table, most) => format!("{} | 0..{most}", names(table)),
            Self::Terminated(_) => "string() | binary()".into(),
            Self::Ifindex => "non_neg_integer() | string()".into(),
            Self::Groups => "non_neg_integer() | [1..32]".into(),
            Self::Bdaddr => "any | local | all | string()".into(),
            Self::Named(table) | Self::Named8(table) | Self::Named16(table) => format!("{} | integer()", names(table)),
            Self::Bits(table) | Self::Bits8(table) | Self::Bits16(table) => format!("[{}] | integer()", names(table)),
            Self::Hops => "default | 0..255".into(),
            Self::Tos => "ip_tos()".into(),
            Self::Domain => "domain()".into(),
            Self::Type => "type()".into(),
            Self::Protocol => "protocol()".into(),
            Self::Ip4 => "any | loopback | broadcast | in_addr()".into(),
            Self::Ip6 => "any | loopback | in6_addr()".into(),
            Self::Hardware => "#{family := hatype(), addr := binary()}".into(),
            Self::Address => "sockaddr()".into(),
            Self::Text(_) => "string()".into(),
            Self::Bytes(_) => "binary()".into(),
            Self::Ints => "[integer()]".into(),
            Self::Struct(layout) => {
                let sign = |field: &Field| if field.optional { "=>" } else { ":=" };
                let fields = layout.fields.iter().map(|f| format!("{} {} {}", f.name, sign(f), f.codec.erlang_type()));
                format!("#{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::Linger(_) => "abort | linger()".into(),
            Self::MsFilter(_) => "null | ip_msfilter()".into(),
            Self::Md5Sig(_) => {
                "#{addr := sockaddr(), key := binary(), prefixlen => 0..255, ifindex => integer()}".into()
            }
            Self::ExtendedError => "extended_err()".into(),
            Self::Cmsgs => "[cmsg_recv()]".into(),
            Self::Own => "term()".into(),
        }
    }

    /// The most bytes that the kernel writes for a value, which is the buffer size for getsockopt(2).
    pub fn size(self) -> usize {
        match self {
            Self::Bool8 | Self::U8 | Self::Named8(_) | Self::Bits8(_) => 1,
            Self::Bdaddr => 6,
            Self::U16 | Self::Be16 | Self::Le16 | Self::Bits16(_) | Self::Named16(_) => 2,
            Self::U64 | Self::I64 | Self::NamedU64(_) | Self::Linger(_) => 8,
            Self::Ip6 | Self::Hardware => 16,
            Self::Address => STORAGE,
            // The kernel writes the terminating NUL too.
            Self::Text(size) => size + 1,
            Self::Bytes(size) | Self::Terminated(size) => size,
            Self::Ints | Self::Cmsgs | Self::ExtendedError => 1024,
            Self::Struct(layout) => layout.size,
            _ => 4,
        }
    }

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
            Self::Bits8(names) => Value::bits(names, i32::from(*bytes.first()?)),
            Self::Uint | Self::Ifindex | Self::Groups => {
                Value::Int(i64::from(u32::from_ne_bytes(*bytes.first_chunk()?)))
            }
            Self::U8 => Value::Int(i64::from(*bytes.first()?)),
            Self::U16 => Value::Int(i64::from(u16::from_ne_bytes(*bytes.first_chunk()?))),
            Self::U64 => Value::unsigned(u64::from_ne_bytes(*bytes.first_chunk()?)),
            Self::I64 => Value::Int(i64::from_ne_bytes(*bytes.first_chunk()?)),
            Self::Error => Value::Error(int()?),
            Self::Named(names) => Value::named(names, int()?),
            Self::Named8(names) => Value::named(names, i32::from(*bytes.first()?)),
            Self::Named16(names) => Value::named(names, i32::from(u16::from_ne_bytes(*bytes.first_chunk()?))),
            Self::Be16 => Value::Int(i64::from(u16::from_be_bytes(*bytes.first_chunk()?))),
            Self::Bits(names) => Value::bits(names, int()?),
            Self::Bits16(names) => Value::bits(names, i32::from(u16::from_ne_bytes(*bytes.first_chunk()?))),
            Self::Tos => tos::read(int()? & 0xff),
            Self::Domain => Value::Kind(Namespace::Domain, int()?),
            Self::Type => Value::Kind(Namespace::Type, int()?),
            Self::Protocol => Value::Kind(Namespace::Protocol, int()?),
            Self::Ip4 => Value::Ip4(*bytes.first_chunk()?),
            Self::Ip6 => {
                let octets: [u8; 16] = *bytes.first_chunk()?;
                Value::Ip6(std::net::Ipv6Addr::from(octets).segments())
            }
            Self::Hardware => {
                let (family, rest) = bytes.split_first_chunk::<2>()?;
                let family = Value::named(HARDWARE, i32::from(u16::from_ne_bytes(*family)));
                Value::Map(vec![("family", family), ("addr", Value::Bytes(rest.get(..14)?.to_vec()))])
            }
            Self::Address => Value::Address(Address::from_raw(&Raw::new(bytes)?)),
            Self::Text(_) | Self::Terminated(_) => Value::Text(bytes.split(|byte| *byte == 0).next()?.to_vec()),
            Self::Bytes(_) => Value::Bytes(bytes.to_vec()),
            Self::Ints => {
                let (words, _) = bytes.as_chunks::<4>();
                Value::List(words.iter().map(|word| Value::Int(i64::from(i32::from_ne_bytes(*word)))).collect())
            }
            Self::Struct(layout) => layout.read(bytes)?,
            Self::Linger(layout) => layout.read(bytes)?,
            Self::ExtendedError => extended_error::read(bytes)?,
            Self::Cmsgs => Value::Cmsgs(cmsg::parse(bytes)),
            Self::MsFilter(_) | Self::Md5Sig(_) | Self::Own => return None,
        })
    }

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
            (Self::Bits8(names), value) => Some(vec![u8::try_from(bits(names, value)?).ok()?]),
            (Self::Groups, Value::List(groups)) => groups_mask(groups).map(|mask| mask.to_ne_bytes().to_vec()),
            (Self::Uint | Self::NamedUint(_) | Self::Ifindex | Self::Groups, Value::Int(number)) => {
                Some(u32::try_from(*number).ok()?.to_ne_bytes().to_vec())
            }
            (Self::U8, Value::Int(number)) => Some(vec![u8::try_from(*number).ok()?]),
            (Self::U16, Value::Int(number)) => Some(u16::try_from(*number).ok()?.to_ne_bytes().to_vec()),
            (Self::U64 | Self::NamedU64(_), Value::Big(number)) => Some(number.to_ne_bytes().to_vec()),
            (Self::U64 | Self::NamedU64(_), Value::Int(number)) => {
                Some(u64::try_from(*number).ok()?.to_ne_bytes().to_vec())
            }
            (Self::I64, Value::Int(number)) => Some(number.to_ne_bytes().to_vec()),
            (Self::Named(names), value) => int(number(names, value)?),
            (Self::Named8(names), value) => Some(vec![u8::try_from(number(names, value)?).ok()?]),
            (Self::Named16(names), value) => Some(u16::try_from(number(names, value)?).ok()?.to_ne_bytes().to_vec()),
            (Self::Bits(names), value) => int(bits(names, value)?),
            (Self::Bits16(names), value) => Some(u16::try_from(bits(names, value)?).ok()?.to_ne_bytes().to_vec()),
            (Self::Hops, Value::Name("default")) => int(-1),
            (Self::Hops, Value::Int(0..=255)) => int(fits()?),
            (Self::Tos, value) => int(tos::number(value)?),
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
            (Self::Text(size), Value::Text(text)) => (text.len() <= size).then(|| text.clone()),
            (Self::Terminated(size), Value::Text(text)) => {
                (!text.is_empty() && text.len() < size && !text.contains(&0)).then(|| text.clone())
            }
            (Self::Bytes(size), Value::Bytes(bytes)) => (bytes.len() <= size).then(|| bytes.clone()),
            (Self::Ints, Value::List(list)) => {
                let words = list.iter().map(|value| Some(i32::try_from(value.int()?).ok()?.to_ne_bytes()));
                Some(words.collect::<Option<Vec<_>>>()?.concat())
            }
            (Self::Struct(layout), value) => layout.write(value),
            (Self::Linger(_), Value::Name("abort")) => Some([1_i32.to_ne_bytes(), [0; 4]].concat()),
            (Self::Linger(layout), value) => layout.write(value),
            (Self::MsFilter(_), Value::Name("null")) => Some(Vec::new()),
            (Self::MsFilter(layout), value) => {
                let Some(Value::List(sources)) = value.get("slist") else {
                    return None;
                };
                let mut bytes = layout.write(value)?;
                bytes.extend(u32::try_from(sources.len()).ok()?.to_ne_bytes());
                for source in sources {
                    bytes.extend(Self::Ip4.write(source)?);
                }
                Some(bytes)
            }
            (Self::Md5Sig(layout), value) => {
                let Some(Value::Bytes(key)) = value.get("key") else {
                    return None;
                };
                let mut bytes = layout.write(value)?;
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

/// The longest key of TCP_MD5SIG, in bytes.
const MD5_KEY: u16 = 80;

/// The bitmask of groups with these numbers.
fn groups_mask(groups: &[Value]) -> Option<u32> {
    groups.iter().try_fold(0, |mask, group| {
        let number = u32::try_from(group.int()?).ok().filter(|number| (1..=32).contains(number))?;
        Some(mask | 1 << (number - 1))
    })
}

fn bits(names: &[Name], value: &Value) -> Option<i32> {
    match value {
        Value::List(list) => list.iter().try_fold(0, |bits, value| Some(bits | number(names, value)?)),
        value => i32::try_from(value.int()?).ok(),
    }
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

    /// Encodes a value. `None` if a required field is missing, or a field cannot be encoded.
    pub fn write(&self, value: &Value) -> Option<Vec<u8>> {
        let complete = self.fields.iter().all(|field| field.optional || value.get(field.name).is_some());
        if complete { self.write_sparse(value) } else { None }
    }

    /// Encodes a value. Missing fields are 0.
    pub fn write_sparse(&self, value: &Value) -> Option<Vec<u8>> {
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
