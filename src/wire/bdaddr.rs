//! Bluetooth addresses, `bdaddr_t` of the kernel's bluetooth.h: six bytes, the last one of the text first.

use crate::wire::name::{self, BDADDRS};
use crate::wire::value::Value;

/// The addresses of [`BDADDRS`], in the order of their numbers.
const NAMED: [[u8; 6]; 3] = [[0; 6], [0, 0, 0, 0xff, 0xff, 0xff], [0xff; 6]];

/// The text of an address.
pub fn read(bytes: &[u8; 6]) -> Value {
    let text: Vec<String> = bytes.iter().rev().map(|byte| format!("{byte:02X}")).collect();
    Value::Text(text.join(":").into_bytes())
}

/// The bytes of a name or a text.
pub fn write(value: &Value) -> Option<[u8; 6]> {
    match value {
        Value::Name(name) => NAMED.get(usize::try_from(name::number(BDADDRS, name)?).ok()?).copied(),
        Value::Text(text) => {
            let parts = std::str::from_utf8(text).ok()?.split(':');
            let mut bytes = parts.map(byte).collect::<Option<Vec<u8>>>()?;
            bytes.reverse();
            bytes.try_into().ok()
        }
        _ => None,
    }
}

/// Two hexadecimal digits.
fn byte(digits: &str) -> Option<u8> {
    let two = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    two.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}
