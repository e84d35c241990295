//! Each codec of the tables of options and control messages: what it encodes it decodes, and it refuses what it cannot
//! encode. Values come from seeds, so that a failure can be repeated.

use super::generate::{Seed, codecs, message};
use esock::table::control;
use esock::wire::cmsg::{parse, write};
use esock::wire::codec::Codec;
use esock::wire::value::Value;

const ROUNDS: u64 = 64;

#[test]
fn what_is_encoded_is_decoded() {
    let mut passed = 0;
    for (name, codec) in codecs() {
        for seed in 0..ROUNDS {
            let Some(value) = Seed(seed).value(codec) else { break };
            let bytes = codec.write(&value).unwrap_or_else(|| panic!("{name}: {value:?} is refused, seed {seed}"));
            assert_eq!(codec.read(&bytes), Some(value), "{name}, seed {seed}");
            passed += 1;
        }
    }
    assert!(passed > 300 * ROUNDS, "{passed}");
}

#[test]
fn control_messages_are_decoded_as_they_were_encoded() {
    for row in control::TABLE {
        for seed in 0..ROUNDS {
            let Some(value) = Seed(seed).value(row.codec) else { break };
            let sent = message(row, &value).unwrap();
            let got = parse(&write(&[sent.clone(), sent.clone()]));
            assert_eq!(got, [sent.clone(), sent]);
            let found = control::find(got[0].level, got[0].kind).unwrap();
            assert_eq!(found.codec.read(&got[0].data), Some(value), "{} {}", row.level, row.name);
        }
    }
}

/// A type of message has one row, so that a received message has one meaning. (`recvtos` and `tos` are two types.)
#[test]
fn each_type_of_message_has_one_row() {
    for (at, row) in control::TABLE.iter().enumerate() {
        let same = control::TABLE.iter().position(|other| (other.number, other.kind) == (row.number, row.kind));
        assert_eq!(same, Some(at), "{} {}", row.level, row.name);
    }
}

/// Bytes without a meaning are decoded to something, or not at all, without a panic.
#[test]
fn any_bytes_are_decoded() {
    for (_, codec) in codecs() {
        for seed in 0..ROUNDS {
            let mut seed = Seed(seed);
            let len = seed.below(320) as usize;
            let bytes = seed.bytes(len);
            let read = codec.read(&bytes);
            // What was read can be written again, or is refused: neither panics.
            let _ = read.and_then(|value| codec.write(&value));
        }
    }
}

/// Values of the wrong type, out of range, too long, or of a wrong shape.
#[test]
fn bad_values_are_refused() {
    let never = [
        Value::Name("no such name"),
        Value::Error(5),
        Value::Int(i64::MIN),
        Value::Bytes(vec![0; 5000]),
        Value::Text(vec![b'x'; 5000]),
        Value::Tuple(Vec::new()),
        Value::Tuple(vec![Value::Name("no such name"), Value::Int(0)]),
        Value::List(vec![Value::Tuple(vec![Value::Int(-1), Value::Int(-1), Value::Int(-1), Value::Int(-1)])]),
        Value::List(vec![Value::Name("no such name")]),
        Value::Map(vec![("no such field", Value::Int(1))]),
    ];
    for (name, codec) in codecs() {
        for value in &never {
            // 64 bits hold the smallest number. Attributes are optional, and times too.
            let fits = matches!((codec, value), (Codec::I64, Value::Int(_)))
                || matches!((codec, value), (Codec::Attributes(_) | Codec::Times, Value::Map(_)))
                || matches!(codec, Codec::Struct(layout) if layout.fields.iter().all(|field| field.optional) && matches!(value, Value::Map(_)));
            assert!(fits || codec.write(value).is_none(), "{name} takes {value:?}");
        }
    }
}

#[test]
fn each_codec_has_its_range() {
    let refused = [
        (Codec::True, Value::Bool(false)),
        (Codec::Nat, Value::Int(-1)),
        (Codec::Ifindex, Value::Int(-1)),
        (Codec::Interface, Value::Int(-1)),
        (Codec::MulticastIf, Value::Int(1 << 31)),
        (Codec::Be16, Value::Int(1 << 16)),
        (Codec::Be32, Value::Int(1 << 32)),
        (Codec::Rate, Value::Int(-1)),
        (Codec::Tclass, Value::Name("lowdelay")),
        (Codec::PortRange, Value::Tuple(vec![Value::Int(1), Value::Int(65_536)])),
        (Codec::PortRange, Value::Tuple(vec![Value::Int(1)])),
        (Codec::Counted8(8), Value::Bytes(vec![0; 9])),
        (Codec::Counted16(8), Value::Bytes(vec![0; 9])),
        (Codec::Counted32(8), Value::Bytes(vec![0; 9])),
        (Codec::Length(8), Value::Int(9)),
        (Codec::Length(8), Value::Int(-1)),
        (Codec::Words, Value::List(vec![Value::Int(-1)])),
        (Codec::Set(1, 1), Value::List(vec![Value::Int(0)])),
        (Codec::Set(1, 0), Value::List(vec![Value::Int(32)])),
        (Codec::Device, Value::Text(vec![b'x'; 16])),
        (Codec::Program, Value::List(Vec::new())),
        (Codec::Program, Value::List(vec![Value::Tuple([6, 0, 0, 0].map(Value::Int).to_vec()); 4097])),
        (Codec::Program, Value::List(vec![Value::Tuple([6, 0, 256, 0].map(Value::Int).to_vec())])),
        (Codec::CanFilters, Value::List(vec![Value::Tuple([1, 2, 3].map(Value::Int).to_vec())])),
        (Codec::Fanout, Value::Int(256)),
    ];
    for (codec, value) in refused {
        assert_eq!(codec.write(&value), None, "{codec:?} takes {value:?}");
    }
    assert_eq!(Codec::Tclass.write(&Value::Name("ef")), Some((46_i32 << 2).to_ne_bytes().to_vec()));
    assert_eq!(Codec::Device.write(&Value::Name("none")), Some(Vec::new()));
    assert_eq!(Codec::Program.write(&Value::List(vec![Value::Tuple([6, 1, 2, 3].map(Value::Int).to_vec())])), {
        Some([&6_u16.to_ne_bytes()[..], &[1, 2], &3_u32.to_ne_bytes()].concat())
    });
}
