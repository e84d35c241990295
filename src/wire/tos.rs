//! The type of service: one byte, interpreted by RFC 791 and RFC 1349, and by RFC 2474 (differentiated services).

use crate::wire::name::{self, Name};
use crate::wire::value::{self, Value};

/// Values of the bits 1 to 4 of the type of service, RFC 1349.
pub const TOS: &[Name] = &[("default", 0), ("mincost", 1), ("reliability", 2), ("throughput", 4), ("lowdelay", 8)];

/// Values of the bits 5 to 7 of the type of service, RFC 791.
pub const PRECEDENCE: &[Name] = &[
    ("routine", 0),
    ("priority", 1),
    ("immediate", 2),
    ("flash", 3),
    ("flashoverride", 4),
    ("critical_ecp", 5),
    ("internetcontrol", 6),
    ("netcontrol", 7),
];

/// Values of the bits 2 to 7 of the type of service, the IANA registry of differentiated services.
pub const DSCP: &[Name] = &[
    ("cs0", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("voice_admit", 44),
    ("nqb", 45),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// Decodes a type of service into its three interpretations: the number, precedence and type of service, and DSCP.
pub fn read(number: i32) -> Value {
    let tos = Value::Map(vec![
        ("precedence", Value::named(PRECEDENCE, number >> 5)),
        ("tos", Value::named(TOS, (number >> 1) & 0xf)),
    ]);
    let dscp = Value::named(DSCP, number >> 2);
    Value::Map(vec![("native", Value::Int(i64::from(number))), ("tos", tos), ("dscp", dscp)])
}

/// The number for a value in any of these interpretations. A value that is a number is not checked.
pub fn number(value: &Value) -> Option<i32> {
    match value {
        Value::Name(name) => match name::number(DSCP, name) {
            Some(dscp) => Some(dscp << 2),
            None => TOS.iter().find(|row| row.0 == *name && row.1 != 0).map(|row| row.1 << 1),
        },
        Value::Map(_) => {
            let precedence = value::number(PRECEDENCE, value.get("precedence")?).filter(|n| (0..8).contains(n))?;
            let tos = value::number(TOS, value.get("tos")?).filter(|n| (0..16).contains(n))?;
            Some(precedence << 5 | tos << 1)
        }
        value => i32::try_from(value.int()?).ok(),
    }
}
