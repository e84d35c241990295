//! Typed values of options, addresses and control messages.

use super::addr::Address;
use super::cmsg::Message;
use super::name::{self, Name};

/// A value, decoded or to be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// a boolean
    Bool(bool),
    /// a number
    Int(i64),
    /// a number above the largest [`Value::Int`]
    Big(u64),
    /// a name from one of the tables
    Name(&'static str),
    /// an error number
    Error(i32),
    /// the number of a domain, a type or a protocol
    Kind(Namespace, i32),
    /// an IPv4 address
    Ip4([u8; 4]),
    /// an IPv6 address
    Ip6([u16; 8]),
    /// a socket address
    Address(Address),
    /// a text, as bytes
    Text(Vec<u8>),
    /// bytes
    Bytes(Vec<u8>),
    /// control messages
    Cmsgs(Vec<Message>),
    /// the name of an interface, in place of its index
    Interface(Vec<u8>),
    /// a list of values
    List(Vec<Self>),
    /// a tuple of values
    Tuple(Vec<Self>),
    /// named values
    Map(Vec<(&'static str, Self)>),
}

/// Which table of names the number of a [`Value::Kind`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// communication domains
    Domain,
    /// communication types
    Type,
    /// protocols
    Protocol,
}

impl Value {
    /// The name of a number. A number without a name stays a number.
    pub fn named(names: &[Name], number: i32) -> Self {
        name::name(names, number).map_or(Self::Int(i64::from(number)), Self::Name)
    }

    /// The names of the bits that are set. Bits without a name are left out.
    pub fn bits(names: &[Name], bits: i32) -> Self {
        Self::List(names.iter().filter(|row| bits & row.1 != 0).map(|row| Self::Name(row.0)).collect())
    }

    /// The value with this name in a map.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|pair| pair.0 == name).map(|pair| &pair.1),
            _ => None,
        }
    }

    /// Whether an interface is named anywhere in the value.
    pub fn names_interface(&self) -> bool {
        match self {
            Self::Interface(_) => true,
            Self::List(values) | Self::Tuple(values) => values.iter().any(Self::names_interface),
            Self::Map(pairs) => pairs.iter().any(|pair| pair.1.names_interface()),
            _ => false,
        }
    }

    /// The value with the index of each interface in place of its name.
    ///
    /// # Errors
    /// The first error of `index`.
    pub fn resolved<E>(self, index: &impl Fn(&[u8]) -> Result<i32, E>) -> Result<Self, E> {
        let all = |values: Vec<Self>| values.into_iter().map(|value| value.resolved(index)).collect::<Result<_, _>>();
        Ok(match self {
            Self::Interface(name) => Self::Int(i64::from(index(&name)?)),
            Self::List(values) => Self::List(all(values)?),
            Self::Tuple(values) => Self::Tuple(all(values)?),
            Self::Map(pairs) => {
                let pairs = pairs.into_iter().map(|(name, value)| Ok((name, value.resolved(index)?)));
                Self::Map(pairs.collect::<Result<_, _>>()?)
            }
            value => value,
        })
    }

    /// An unsigned number.
    pub fn unsigned(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Big(number), Self::Int)
    }

    /// The number of an integer, a boolean (0 or 1), or a domain, type or protocol.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(on) => Some(i64::from(*on)),
            Self::Kind(_, number) => Some(i64::from(*number)),
            _ => None,
        }
    }
}

/// The number of a name. A number is returned as it is.
pub fn number(names: &[Name], value: &Value) -> Option<i32> {
    match value {
        Value::Name(name) => name::number(names, name),
        value => i32::try_from(value.int()?).ok(),
    }
}
