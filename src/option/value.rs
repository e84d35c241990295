//! The values of socket options, and their bytes.

/// How the value of an option is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// An int that is 0 or not.
    Bool,
    /// An int.
    Int,
    /// `struct linger`, socket(7).
    Linger,
    /// A name, not ended by a NUL.
    Name,
    /// A type of service, ip(7).
    Tos,
    /// A communication domain.
    Domain,
    /// A communication type.
    Type,
    /// A protocol.
    Protocol,
    /// Kept by the library: never bytes.
    Own,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// of [`Codec::Bool`]
    Bool(bool),
    /// of [`Codec::Int`] and the codecs that give a number another name
    Int(i32),
    /// of [`Codec::Linger`]
    Linger {
        /// whether close waits, or resets
        on: bool,
        /// how long it waits, in seconds
        seconds: i32,
    },
    /// of [`Codec::Name`]
    Name(Vec<u8>),
}

/// Names for values of [`Codec::Tos`].
pub const TOS: &[(&str, i32)] = &[
    ("lowdelay", libc::IPTOS_LOWDELAY as i32),
    ("mincost", libc::IPTOS_MINCOST as i32),
    ("reliability", libc::IPTOS_RELIABILITY as i32),
    ("throughput", libc::IPTOS_THROUGHPUT as i32),
];

impl Value {
    /// The bytes for the system.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bool(on) => i32::from(*on).to_ne_bytes().to_vec(),
            Self::Int(number) => number.to_ne_bytes().to_vec(),
            Self::Linger { on, seconds } => [i32::from(*on).to_ne_bytes(), seconds.to_ne_bytes()].concat(),
            Self::Name(name) => name.clone(),
        }
    }
}

impl Codec {
    /// The Erlang type of the value.
    pub const fn form(self) -> &'static str {
        match self {
            Self::Bool => "boolean()",
            Self::Int => "integer()",
            Self::Linger => "abort | #{onoff := boolean(), linger := non_neg_integer()}",
            Self::Name => "string()",
            Self::Tos => "integer() | ip_tos()",
            Self::Domain => "domain()",
            Self::Type => "type()",
            Self::Protocol => "protocol()",
            Self::Own => "term()",
        }
    }

    /// How many bytes the system may write.
    pub fn size(self) -> usize {
        match self {
            Self::Linger => 8,
            Self::Name => 256,
            _ => 4,
        }
    }

    /// Reads what the system wrote; nothing where that is not of this form.
    pub fn read(self, bytes: &[u8]) -> Option<Value> {
        let (first, rest) = bytes.split_first_chunk::<4>().map_or((None, bytes), |(first, rest)| (Some(*first), rest));
        match self {
            Self::Own => None,
            Self::Bool => Some(Value::Bool(i32::from_ne_bytes(first?) != 0)),
            Self::Linger => {
                let seconds = i32::from_ne_bytes(*rest.first_chunk::<4>()?);
                Some(Value::Linger { on: i32::from_ne_bytes(first?) != 0, seconds })
            }
            Self::Name => Some(Value::Name(bytes.split(|byte| *byte == 0).next()?.to_vec())),
            Self::Int | Self::Tos | Self::Domain | Self::Type | Self::Protocol => {
                Some(Value::Int(i32::from_ne_bytes(first?)))
            }
        }
    }
}
