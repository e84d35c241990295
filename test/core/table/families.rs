//! Families of addresses: what is written is read again, and any bytes can be read.

use esock::table::family::{self, Form, Tag};
use esock::wire::codec::Codec;
use esock::wire::value::Value;
use esock::wire::{interned::interned, name};

/// Values of a codec, from bytes.
fn sample(codec: Codec, seed: u8) -> Value {
    match codec {
        Codec::Terminated(_) => Value::Text(format!("n{seed}").into_bytes()),
        Codec::Bytes(size) => Value::Bytes(vec![seed; size]),
        Codec::Ifindex => Value::Int(i64::from(seed)),
        Codec::Capped(_, most) => Value::Int(i64::from(most / 256 * u32::from(seed))),
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
        Codec::NamedUint(names) | Codec::NamedU64(names) | Codec::Capped(names, _) => names,
        Codec::Named8(names) | Codec::Named16(names) => names,
        Codec::Bits8(names) | Codec::Bits16(names) => names,
        _ => &[],
    };
    let fields = family::TABLE.iter().flat_map(|row| row.forms).flat_map(|form| form.layout.fields);
    for (name, _) in fields.flat_map(|field| tables(field.codec)) {
        assert!(interned(name).is_some(), "{name}");
    }
}

#[test]
fn defaults_are_names_of_their_fields() {
    for form in family::TABLE.iter().flat_map(|row| row.forms) {
        for (name, value) in form.defaults {
            let field = form.layout.fields.iter().find(|field| field.name == *name).unwrap();
            assert!(field.optional, "{form:?}");
            assert!(field.codec.write(&Value::Name(value)).is_some(), "{form:?}");
        }
    }
}

/// What a map leaves out is no name, no parameter group and no address of J1939. 0 is a group and an address.
#[test]
fn j1939_without_fields() {
    let form = form(libc::AF_CAN, "j1939");
    let bytes = form.write(&Value::Map(Vec::new())).unwrap();
    assert_eq!(bytes.get(6..), Some([&[0; 8][..], &0x40000_u32.to_ne_bytes(), &[0xff, 0, 0, 0]].concat().as_slice()));
    let pgn = |number: i64| form.write(&Value::Map(vec![("pgn", Value::Int(number))]));
    assert!(pgn(0x40000).is_some() && pgn(0x40001).is_none() && pgn(-1).is_none());
    let named = |key| form.write(&Value::Map(vec![(key, Value::Name("none"))]));
    assert_eq!((named("name"), named("pgn"), named("addr")), (Some(bytes.clone()), Some(bytes.clone()), Some(bytes)));
}

/// The kernel overwrites the last byte of each text of an algorithm with a NUL.
#[test]
fn texts_of_algorithms() {
    let form = form(libc::AF_ALG, "");
    let write = |kind: &[u8], name: &[u8]| {
        let fields = vec![("type", Value::Text(kind.to_vec())), ("name", Value::Text(name.to_vec()))];
        form.write(&Value::Map(fields)).is_some()
    };
    assert!(write(&[1; 13], &[1; 63]));
    for (kind, name) in [(14, 63), (13, 64), (0, 1), (1, 0)] {
        assert!(!write(&vec![1; kind], &vec![1; name]), "{kind} {name}");
    }
    assert!(!write(b"a\0", b"b"));
    assert!(form.write(&Value::Map(vec![("type", Value::Text(b"a".to_vec()))])).is_none());
}

fn form(number: i32, name: &str) -> &'static Form {
    family::find(number).unwrap().form(|_| Some(name.to_owned())).unwrap()
}
