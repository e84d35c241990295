//! The socket options behind the functions of RFC 6458 section 9, and the address lists in them.

use crate::wire::addr::{Address, Raw};

/// IPPROTO_SCTP
pub const LEVEL: i32 = libc::IPPROTO_SCTP;
/// SCTP_SOCKOPT_BINDX_ADD
pub const BINDX_ADD: i32 = 100;
/// SCTP_SOCKOPT_BINDX_REM
pub const BINDX_REM: i32 = 101;
/// SCTP_SOCKOPT_PEELOFF_FLAGS
pub const PEELOFF: i32 = 122;
/// SCTP_GET_PEER_ADDRS
pub const PEER_ADDRS: i32 = 108;
/// SCTP_GET_LOCAL_ADDRS
pub const LOCAL_ADDRS: i32 = 109;
/// SCTP_SOCKOPT_CONNECTX3. It takes addresses and returns the id of the association.
pub const CONNECTX3: i32 = 111;

/// SCTP_STATUS. Its value begins with the id of the association.
pub const STATUS: i32 = 14;
/// The size of that value in bytes.
pub const STATUS_SIZE: usize = crate::wire::layout::SCTP_STATUS.size;

/// The size of an address list in bytes: more addresses than a host has.
const ROOM: usize = 64 * 1024;

/// A `struct sctp_getaddrs` for an association, with room for the addresses.
pub fn addresses_request(association: i32) -> Vec<u8> {
    let mut bytes = vec![0; ROOM];
    for (place, byte) in bytes.iter_mut().zip(association.to_ne_bytes()) {
        *place = byte;
    }
    bytes
}

/// Decodes the addresses in a `struct sctp_getaddrs` that the kernel filled.
pub fn addresses(bytes: &[u8]) -> Vec<Address> {
    let count = bytes.get(4..8).and_then(|count| count.try_into().ok()).map_or(0, u32::from_ne_bytes);
    let mut rest = bytes.get(8..).unwrap_or_default();
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(raw) = rest.get(..28.min(rest.len())).and_then(Raw::new).filter(|raw| !raw.as_bytes().is_empty())
        else {
            break;
        };
        found.push(Address::from_raw(&raw));
        rest = rest.get(raw.as_bytes().len()..).unwrap_or_default();
    }
    found
}
