//! `struct ifreq` of netdevice(7): an interface name, and the payload after it.

use super::codec::Codec;
use super::value::Value;

/// SIOCATMARK: whether the next byte to read is the one after the urgent data, sockatmark(3).
pub const ATMARK: u32 = 0x8905;

/// The size of a `struct ifreq` in bytes.
pub const IFREQ: usize = 40;
/// The size of its name field in bytes, with the terminating NUL.
pub const NAME: usize = 16;

/// Builds a `struct ifreq` of an interface name and a payload. `None` if the name is too long; a payload that is too long is cut.
pub fn ifreq(name: &[u8], value: &[u8]) -> Option<[u8; IFREQ]> {
    let mut request = [0; IFREQ];
    request.get_mut(..NAME - 1)?.get_mut(..name.len())?.copy_from_slice(name);
    let payload = request.get_mut(NAME..)?;
    let len = value.len().min(payload.len());
    payload.get_mut(..len)?.copy_from_slice(value.get(..len)?);
    Some(request)
}

/// The payload after the name.
pub fn payload(request: &[u8; IFREQ]) -> &[u8] {
    request.get(NAME..).unwrap_or_default()
}

/// Decodes the answer of SIOCGIFCONF: the name and the address of each interface.
pub fn interfaces(bytes: &[u8]) -> Option<Value> {
    let one = |request: &[u8; IFREQ]| {
        let name = Codec::Text(NAME).read(request.get(..NAME)?)?;
        let addr = Codec::Address.read(payload(request).get(..16)?)?;
        Some(Value::Map(vec![("name", name), ("addr", addr)]))
    };
    let (requests, _) = bytes.as_chunks::<IFREQ>();
    requests.iter().map(one).collect::<Option<Vec<_>>>().map(Value::List)
}
