//! Families of addresses: what is written is read again, and any bytes can be read.

use esock::table::family::{self, Tag};
use esock::wire::codec::Codec;
use esock::wire::value::Value;
use esock::wire::{interned::interned, name};

/// Values of a codec, from bytes.
fn sample(codec: Codec, seed: u8) -> Value {
    match codec {
        Codec::Text(_) => Value::Text(format!("n{seed}").into_bytes()),
        Codec::Bytes(size) => Value::Bytes(vec![seed; size]),
        codec => codec.read(&[seed; 16]).unwrap(),
    }
}

#[test]
fn written_and_read() {
    for row in family::TABLE {
        assert!(name::name(name::DOMAINS, row.number).is_some(), "{row:?}");
        for (form, seed) in row.forms.iter().flat_map(|form| [(form, 0), (form, 1), (form, 0xff)]) {
            let fields: Vec<_> =
                form.layout.fields.iter().map(|field| (field.name, sample(field.codec, seed))).collect();
            let bytes = form.write(&Value::Map(fields.clone())).unwrap();
            assert_eq!(bytes.len(), form.layout.size);
            let protocol = if let Tag::Protocol(_, number) = form.tag { number } else { 0 };
            let mut found = row.read(&bytes, protocol).unwrap();
            if let Some((key, name)) = form.tag.key() {
                assert_eq!(found.pop(), Some((key, Value::Name(name))));
            }
            assert_eq!(found, fields, "{form:?}");
        }
    }
}

#[test]
fn any_bytes_are_read() {
    for row in family::TABLE {
        for len in 0..126 {
            for byte in [0, 1, 2, 3, 0x80, 0xff] {
                for protocol in -1..10 {
                    let _ = row.read(&vec![byte; len], protocol);
                }
            }
        }
    }
}

#[test]
fn names_of_fields_are_known() {
    let tables = |codec: Codec| match codec {
        Codec::NamedUint(names) | Codec::Named8(names) | Codec::Named16(names) => names,
        Codec::Bits8(names) | Codec::Bits16(names) => names,
        _ => &[],
    };
    let fields = family::TABLE.iter().flat_map(|row| row.forms).flat_map(|form| form.layout.fields);
    for (name, _) in fields.flat_map(|field| tables(field.codec)) {
        assert!(interned(name).is_some(), "{name}");
    }
}
