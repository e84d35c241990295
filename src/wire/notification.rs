//! SCTP notifications, which a socket receives in addition to data, RFC 6458 section 6.1. One notification is one row.

use crate::wire::codec::{Codec, Field, Layout};
use crate::wire::name::Name;
use crate::wire::sctp;
use crate::wire::value::Value;

/// A notification.
struct Row {
    /// Its type.
    number: u16,
    /// Its Erlang name.
    name: &'static str,
    /// Its fixed fields.
    layout: Layout,
    /// What follows the fixed fields.
    tail: Tail,
}

/// What follows the fixed fields of a notification.
enum Tail {
    Nothing,
    /// the data of the message that was not sent
    Data,
    /// causes of an error, as 16-bit numbers in network byte order
    Causes,
    /// stream numbers, 16 bits each in host byte order
    Streams,
}

/// The flag of a received message that is a notification, MSG_NOTIFICATION. It has the same bit as MSG_MORE.
pub const FLAG: i32 = libc::MSG_MORE;

const STATES: &[Name] =
    &[("comm_up", 0), ("comm_lost", 1), ("restart", 2), ("shutdown_comp", 3), ("cant_str_assoc", 4)];
const ADDRESS_STATES: &[Name] = &[
    ("addr_available", 0),
    ("addr_unreachable", 1),
    ("addr_removed", 2),
    ("addr_added", 3),
    ("addr_made_prim", 4),
    ("addr_confirmed", 5),
    ("addr_potentially_failed", 6),
];
const RESET_FLAGS: &[Name] = &[("incoming_ssn", 1), ("outgoing_ssn", 2), ("denied", 4), ("failed", 8)];
const CHANGE_FLAGS: &[Name] = &[("denied", 4), ("failed", 8)];
const SENT_FLAGS: &[Name] = &[("data_unsent", 0), ("data_sent", 1)];

static SNDINFO: Layout = layout(
    16,
    &[
        field("sid", 0, Codec::U16),
        field("flags", 2, Codec::U16),
        field("ppid", 4, Codec::Uint),
        field("context", 8, Codec::Uint),
        field("assoc_id", 12, Codec::Int),
    ],
);

const fn layout(size: usize, fields: &'static [Field]) -> Layout {
    Layout { size, fields }
}

const fn field(name: &'static str, at: usize, codec: Codec) -> Field {
    Field { name, at, codec, optional: false }
}

macro_rules! rows {
    ($($name:ident $number:literal $size:literal $tail:ident { $($field:ident $at:literal $codec:expr,)* })*) => {
        static TABLE: &[Row] = &[$(Row {
            number: 0x8000 + $number,
            name: stringify!($name),
            layout: layout($size, &[$(field(stringify!($field), $at, $codec)),*]),
            tail: Tail::$tail,
        }),*];
    };
}

rows! {
    assoc_change 1 20 Nothing {
        flags 2 Codec::U16, state 8 Codec::Named16(STATES), error 10 Codec::U16, outbound_streams 12 Codec::U16,
        inbound_streams 14 Codec::U16, assoc_id 16 Codec::Int,
    }
    peer_addr_change 2 148 Nothing {
        flags 2 Codec::U16, addr 8 Codec::Address, state 136 Codec::Named(ADDRESS_STATES), error 140 Codec::Int,
        assoc_id 144 Codec::Int,
    }
    send_failed 3 48 Data {
        flags 2 Codec::U16, error 8 Codec::Uint, info 12 Codec::Struct(&crate::wire::layout::SCTP_SNDRCV), assoc_id 44 Codec::Int,
    }
    remote_error 4 16 Causes { flags 2 Codec::U16, error 8 Codec::Be16, assoc_id 12 Codec::Int, }
    shutdown_event 5 12 Nothing { flags 2 Codec::U16, assoc_id 8 Codec::Int, }
    partial_delivery_event 6 24 Nothing {
        flags 2 Codec::U16, indication 8 Codec::Uint, assoc_id 12 Codec::Int, stream 16 Codec::Uint, seq 20 Codec::Uint,
    }
    adaptation_event 7 16 Nothing { flags 2 Codec::U16, adaption_ind 8 Codec::Uint, assoc_id 12 Codec::Int, }
    authkey 8 20 Nothing {
        flags 2 Codec::U16, keynumber 8 Codec::U16, altkeynumber 10 Codec::U16, indication 12 Codec::Uint,
        assoc_id 16 Codec::Int,
    }
    sender_dry 9 12 Nothing { flags 2 Codec::U16, assoc_id 8 Codec::Int, }
    stream_reset 10 12 Streams { flags 2 Codec::Bits16(RESET_FLAGS), assoc_id 8 Codec::Int, }
    assoc_reset 11 20 Nothing {
        flags 2 Codec::Bits16(CHANGE_FLAGS), assoc_id 8 Codec::Int, local_tsn 12 Codec::Uint, remote_tsn 16 Codec::Uint,
    }
    stream_change 12 16 Nothing {
        flags 2 Codec::Bits16(CHANGE_FLAGS), assoc_id 8 Codec::Int, inbound_streams 12 Codec::U16,
        outbound_streams 14 Codec::U16,
    }
    send_failed_event 13 32 Data {
        flags 2 Codec::Named16(SENT_FLAGS), error 8 Codec::Uint, info 12 Codec::Struct(&SNDINFO), assoc_id 28 Codec::Int,
    }
}

/// Whether a message is a notification, by the protocol of its socket and by its flags.
pub fn is(protocol: i32, flags: i32) -> bool {
    protocol == sctp::LEVEL && flags & FLAG != 0
}

/// Decodes a notification. If it is unknown or truncated, the result has its type and flags only. `None` if these are missing.
pub fn read(bytes: &[u8]) -> Option<Value> {
    let number = u16::from_ne_bytes(*bytes.first_chunk()?);
    let Some(row) = TABLE.iter().find(|row| row.number == number && bytes.len() >= row.layout.size) else {
        let flags = Codec::U16.read(bytes.get(2..)?)?;
        return Some(Value::Map(vec![("type", Value::Int(i64::from(number))), ("flags", flags)]));
    };
    let Value::Map(mut pairs) = row.layout.read(bytes)? else {
        return None;
    };
    pairs.push(("type", Value::Name(row.name)));
    let tail = bytes.get(row.layout.size..)?;
    let words = |read: fn([u8; 2]) -> u16| {
        let (words, _) = tail.as_chunks::<2>();
        Value::List(words.iter().map(|word| Value::Int(i64::from(read(*word)))).collect())
    };
    match row.tail {
        Tail::Nothing => {}
        Tail::Data => pairs.push(("data", Value::Bytes(tail.to_vec()))),
        Tail::Causes => pairs.push(("remote_causes", words(u16::from_be_bytes))),
        Tail::Streams => pairs.push(("stream_list", words(u16::from_ne_bytes))),
    }
    Some(Value::Map(pairs))
}
