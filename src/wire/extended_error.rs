//! Entries of a socket's error queue, `struct sock_extended_err` of ip(7).

use crate::wire::addr::{Address, Raw};
use crate::wire::name::Name;
use crate::wire::value::Value;

/// The origins of an extended error, ip(7).
pub const ORIGINS: &[Name] =
    &[("none", 0), ("local", 1), ("icmp", 2), ("icmp6", 3), ("txstatus", 4), ("zerocopy", 5), ("txtime", 6)];
/// Codes of a completion of MSG_ZEROCOPY, SO_EE_CODE_ZEROCOPY_* of linux/errqueue.h.
const ZEROCOPY_CODES: &[Name] = &[("zerocopy", 0), ("copied", 1)];
/// Codes of a packet that SO_TXTIME dropped, SO_EE_CODE_TXTIME_* of linux/errqueue.h.
const TXTIME_CODES: &[Name] = &[("invalid_param", 1), ("missed", 2)];
/// Types of ICMP messages, RFC 792.
const ICMP_TYPES: &[Name] = &[("dest_unreach", 3), ("time_exceeded", 11)];
/// Codes of the ICMP message "destination unreachable", RFC 792 and RFC 1122.
const ICMP_CODES: &[Name] = &[
    ("net_unreach", 0),
    ("host_unreach", 1),
    ("port_unreach", 3),
    ("frag_needed", 4),
    ("net_unknown", 6),
    ("host_unknown", 7),
];
/// Types of ICMPv6 messages, RFC 4443.
const ICMP6_TYPES: &[Name] = &[("dest_unreach", 1), ("pkt_toobig", 2), ("time_exceeded", 3)];
/// Codes of the ICMPv6 message "destination unreachable", RFC 4443.
const ICMP6_CODES: &[Name] = &[
    ("noroute", 0),
    ("adm_prohibited", 1),
    ("not_neighbour", 2),
    ("addr_unreach", 3),
    ("port_unreach", 4),
    ("policy_fail", 5),
    ("reject_route", 6),
];

/// Decodes an error and the offender's address, which follows the struct. `None` if the struct is truncated.
pub fn read(bytes: &[u8]) -> Option<Value> {
    let (errno, rest) = bytes.split_first_chunk::<4>()?;
    let ([origin, kind, code, _], rest) = rest.split_first_chunk::<4>()?;
    let (info, rest) = rest.split_first_chunk::<4>()?;
    let (data, offender) = rest.split_first_chunk::<4>()?;
    let (types, unreachable, codes) = match origin {
        2 => (ICMP_TYPES, 3, ICMP_CODES),
        3 => (ICMP6_TYPES, 1, ICMP6_CODES),
        _ => (&[][..], 0, &[][..]),
    };
    let codes = match origin {
        5 => ZEROCOPY_CODES,
        6 => TXTIME_CODES,
        _ if *kind == unreachable => codes,
        _ => &[],
    };
    let uint = |bytes: &[u8; 4]| Value::Int(i64::from(u32::from_ne_bytes(*bytes)));
    Some(Value::Map(vec![
        ("error", Value::Error(i32::from_ne_bytes(*errno))),
        ("origin", Value::named(ORIGINS, i32::from(*origin))),
        ("type", Value::named(types, i32::from(*kind))),
        ("code", Value::named(codes, i32::from(*code))),
        ("info", uint(info)),
        ("data", uint(data)),
        ("offender", Value::Address(Address::from_raw(&Raw::new(offender)?))),
    ]))
}
