//! The keys of TLS in the kernel, `struct tls_crypto_info` of linux/tls.h and the structs that begin with it.

use super::bits::{TLS_CIPHERS, TLS_VERSIONS};
use super::value::{Value, number};

/// The size of `struct tls_crypto_info` in bytes: version and cipher.
pub const HEADER: usize = 4;

/// The fields behind the header, in the order of the structs, and their sizes with a cipher.
fn fields(cipher: i32) -> Option<[(&'static str, usize); 4]> {
    let (iv, key, salt) = match cipher {
        51 | 53 | 55 | 56 | 57 => (8, 16, 4),
        52 | 58 => (8, 32, 4),
        54 => (12, 32, 0),
        _ => return None,
    };
    Some([("iv", iv), ("key", key), ("salt", salt), ("rec_seq", 8)])
}

/// The size of the struct whose header is in `bytes`. `None` for an unknown cipher, and where there is none.
pub fn size(bytes: &[u8]) -> Option<usize> {
    let cipher = bytes.get(2..).and_then(|rest| rest.first_chunk::<2>())?;
    let fields = fields(i32::from(u16::from_ne_bytes(*cipher)))?;
    Some(HEADER + fields.iter().map(|field| field.1).sum::<usize>())
}

/// Decodes a struct. Only version and cipher are there if `bytes` has no more.
pub fn read(bytes: &[u8]) -> Option<Value> {
    let (version, rest) = bytes.split_first_chunk::<2>()?;
    let (cipher, mut rest) = rest.split_first_chunk::<2>()?;
    let cipher = i32::from(u16::from_ne_bytes(*cipher));
    let mut pairs = vec![
        ("version", Value::named(TLS_VERSIONS, i32::from(u16::from_ne_bytes(*version)))),
        ("cipher", Value::named(TLS_CIPHERS, cipher)),
    ];
    for (name, size) in fields(cipher).into_iter().flatten() {
        if let Some((field, after)) = rest.split_at_checked(size) {
            pairs.push((name, Value::Bytes(field.to_vec())));
            rest = after;
        }
    }
    Some(Value::Map(pairs))
}

/// Encodes a struct. Each field has the size that the cipher asks for; a field without bytes may be missing.
pub fn write(value: &Value) -> Option<Vec<u8>> {
    let cipher = number(TLS_CIPHERS, value.get("cipher")?)?;
    let version = u16::try_from(number(TLS_VERSIONS, value.get("version")?)?).ok()?;
    let mut bytes = [version.to_ne_bytes(), u16::try_from(cipher).ok()?.to_ne_bytes()].concat();
    for (name, size) in fields(cipher)? {
        match value.get(name) {
            Some(Value::Bytes(field)) if field.len() == size => bytes.extend(field),
            None if size == 0 => {}
            _ => return None,
        }
    }
    Some(bytes)
}
