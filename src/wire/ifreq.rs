//! `struct ifreq` of netdevice(7): an interface's name, and what stands behind it.

use super::codec::Codec;
use super::value::Value;

/// SIOCATMARK: whether the next byte is the one behind urgent data, sockatmark(3).
pub const ATMARK: u32 = 0x8905;

/// The size of a `struct ifreq`.
pub const IFREQ: usize = 40;
/// The size of the name in it.
pub const NAME: usize = 16;

/// A `struct ifreq` with an interface's name and what stands behind it; nothing where the name is too long.
pub fn ifreq(name: &[u8], value: &[u8]) -> Option<[u8; IFREQ]> {
    let mut request = [0; IFREQ];
    request.get_mut(..NAME - 1)?.get_mut(..name.len())?.copy_from_slice(name);
    let room = request.get_mut(NAME..)?;
    let len = value.len().min(room.len());
    room.get_mut(..len)?.copy_from_slice(value.get(..len)?);
    Some(request)
}

/// What stands behind the name.
pub fn payload(request: &[u8; IFREQ]) -> &[u8] {
    request.get(NAME..).unwrap_or_default()
}

/// The answer of SIOCGIFCONF: names and addresses.
pub fn interfaces(bytes: &[u8]) -> Option<Value> {
    let one = |request: &[u8; IFREQ]| {
        let name = Codec::Text(NAME).read(request.get(..NAME)?)?;
        let addr = Codec::Address.read(payload(request).get(..16)?)?;
        Some(Value::Map(vec![("name", name), ("addr", addr)]))
    };
    let (requests, _) = bytes.as_chunks::<IFREQ>();
    requests.iter().map(one).collect::<Option<Vec<_>>>().map(Value::List)
}
