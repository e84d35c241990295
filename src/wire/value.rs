//! Values: what options, addresses and control messages say, in types.

use super::addr::Address;
use super::cmsg::Message;
use super::name::{self, Name};

/// What a value says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// a truth value
    Bool(bool),
    /// a number
    Int(i64),
    /// a name of our tables
    Name(&'static str),
    /// an error number
    Error(i32),
    /// a domain, a type or a protocol by its number
    Kind(Namespace, i32),
    /// an IPv4 address
    Ip4([u8; 4]),
    /// an IPv6 address
    Ip6([u16; 8]),
    /// a socket address
    Address(Address),
    /// characters
    Text(Vec<u8>),
    /// bytes
    Bytes(Vec<u8>),
    /// control messages
    Cmsgs(Vec<Message>),
    /// several values
    List(Vec<Self>),
    /// values by their names
    Map(Vec<(&'static str, Self)>),
}

/// Which names a [`Value::Kind`] goes by.
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
    /// A number by its name, or as it is.
    pub fn named(names: &[Name], number: i32) -> Self {
        name::name(names, number).map_or(Self::Int(i64::from(number)), Self::Name)
    }

    /// The names of the bits that are set.
    pub fn bits(names: &[Name], bits: i32) -> Self {
        Self::List(names.iter().filter(|row| bits & row.1 != 0).map(|row| Self::Name(row.0)).collect())
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|pair| pair.0 == name).map(|pair| &pair.1),
            _ => None,
        }
    }

    /// A number.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(on) => Some(i64::from(*on)),
            Self::Kind(_, number) => Some(i64::from(*number)),
            _ => None,
        }
    }
}

/// The number of a name, or a number as it is.
pub fn number(names: &[Name], value: &Value) -> Option<i32> {
    match value {
        Value::Name(name) => name::number(names, name),
        value => i32::try_from(value.int()?).ok(),
    }
}
