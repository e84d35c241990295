//! Attributes of netlink(7), in the control messages that have them.

use crate::wire::codec::Attribute;
use crate::wire::value::Value;

/// The size of the header of an attribute, and the alignment of attributes, in bytes.
const HEADER: usize = 4;

/// The attributes in the table, by their names. Attributes that are not in the table are left out.
pub fn read(rows: &[Attribute], mut bytes: &[u8]) -> Option<Value> {
    let mut pairs = Vec::new();
    while let Some(([a, b, c, d], _)) = bytes.split_first_chunk::<HEADER>() {
        let (len, kind) = (usize::from(u16::from_ne_bytes([*a, *b])), u16::from_ne_bytes([*c, *d]));
        let payload = bytes.get(HEADER..len)?;
        if let Some(row) = rows.iter().find(|row| row.kind == kind) {
            pairs.push((row.name, row.codec.read(payload)?));
        }
        bytes = bytes.get(len.next_multiple_of(HEADER)..).unwrap_or_default();
    }
    Some(Value::Map(pairs))
}

/// Encodes the attributes that the map has.
pub fn write(rows: &[Attribute], value: &Value) -> Option<Vec<u8>> {
    let Value::Map(_) = value else {
        return None;
    };
    let mut bytes = Vec::new();
    for row in rows {
        if let Some(value) = value.get(row.name) {
            let payload = row.codec.write(value)?;
            bytes.extend(u16::try_from(HEADER + payload.len()).ok()?.to_ne_bytes());
            bytes.extend(row.kind.to_ne_bytes());
            bytes.extend(payload);
            bytes.resize(bytes.len().next_multiple_of(HEADER), 0);
        }
    }
    Some(bytes)
}
