//! Socket addresses: a typed form, and its encoding as a `struct sockaddr`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The size of a `struct sockaddr_storage` in bytes. Every address fits into it.
pub const STORAGE: usize = 128;
/// The longest path in a `struct sockaddr_un`, in bytes.
pub const PATH_MAX: usize = 108;

/// The longest hardware address in a `struct sockaddr_ll`, in bytes.
const HARDWARE: u8 = 8;

/// A socket address: typed for the families below, raw bytes for every other family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// ip(7)
    Inet {
        /// the address
        addr: Ipv4Addr,
        /// the port, in host byte order
        port: u16,
    },
    /// ipv6(7)
    Inet6 {
        /// the address
        addr: Ipv6Addr,
        /// the port, in host byte order
        port: u16,
        /// traffic class and flow label, in host byte order
        flowinfo: u32,
        /// the interface index of a link-local address
        scope_id: u32,
    },
    /// unix(7): a path without its terminating NUL, an abstract name with its leading NUL, or no bytes for an unnamed socket.
    Local(Vec<u8>),
    /// packet(7)
    Packet {
        /// the link-layer protocol, in host byte order
        protocol: u16,
        /// the interface index; 0 matches any interface
        ifindex: i32,
        /// ARPHRD_*
        hatype: u16,
        /// PACKET_*
        pkttype: u8,
        /// the hardware address, at most 8 bytes
        addr: Vec<u8>,
    },
    /// Any other family (AF_UNSPEC among them): its number, and the bytes after the family field.
    Other(u16, Vec<u8>),
}

/// A `struct sockaddr` in a buffer of [`STORAGE`] bytes, and its length.
#[derive(Clone)]
pub struct Raw {
    bytes: [u8; STORAGE],
    len: usize,
}

impl Default for Raw {
    fn default() -> Self {
        Self { bytes: [0; STORAGE], len: 0 }
    }
}

impl Raw {
    /// Concatenates `parts`. `None` if they do not fit into a `sockaddr_storage`.
    fn from_parts(parts: &[&[u8]]) -> Option<Self> {
        let mut raw = Self::default();
        for part in parts {
            raw.bytes.get_mut(raw.len..raw.len + part.len())?.copy_from_slice(part);
            raw.len += part.len();
        }
        Some(raw)
    }

    /// An address that the kernel wrote into a larger struct. `None` if `bytes` do not fit into a `sockaddr_storage`.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let raw = Self::from_parts(&[bytes])?;
        // `bytes` may be longer than the address. The length of AF_INET and AF_INET6 is fixed; other families keep all bytes.
        let len = match raw.bytes.first_chunk::<2>().map(|family| i32::from(u16::from_ne_bytes(*family))) {
            Some(libc::AF_INET) => 16,
            Some(libc::AF_INET6) => 28,
            _ => raw.len,
        };
        Some(Self { len: len.min(raw.len), ..raw })
    }

    /// Whether connect(2) to this address dissolves the connection: its family is AF_UNSPEC.
    pub fn disconnects(&self) -> bool {
        self.as_bytes().starts_with(&(libc::AF_UNSPEC as u16).to_ne_bytes())
    }

    /// The whole buffer. The bytes after the address are 0, unless the kernel wrote there.
    pub fn padded(&self) -> &[u8; STORAGE] {
        &self.bytes
    }

    /// The bytes of the address.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// The buffer for the kernel to write an address to. [`Raw::set_len`] records the length.
    pub fn storage(&mut self) -> &mut [u8; STORAGE] {
        &mut self.bytes
    }

    /// Records the length that the kernel reported, capped at [`STORAGE`].
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(STORAGE);
    }
}

impl Address {
    /// The `struct sockaddr` for the kernel. `None` if the address is too long, or if a path contains a NUL.
    pub fn to_raw(&self) -> Option<Raw> {
        let family = |number: i32| (number as u16).to_ne_bytes();
        match self {
            Self::Inet { addr, port } => {
                Raw::from_parts(&[&family(libc::AF_INET), &port.to_be_bytes(), &addr.octets(), &[0; 8]])
            }
            Self::Inet6 { addr, port, flowinfo, scope_id } => Raw::from_parts(&[
                &family(libc::AF_INET6),
                &port.to_be_bytes(),
                &flowinfo.to_be_bytes(),
                &addr.octets(),
                &scope_id.to_ne_bytes(),
            ]),
            // The kernel ends a path at its first NUL; an abstract name starts with a NUL and may contain others. A path of 108
            // bytes has no terminating NUL.
            Self::Local(path) => {
                let ends = path.first().is_some_and(|first| *first != 0) && path.contains(&0);
                if ends || path.len() > PATH_MAX { None } else { Raw::from_parts(&[&family(libc::AF_UNIX), path]) }
            }
            Self::Packet { protocol, ifindex, hatype, pkttype, addr } => {
                let len = u8::try_from(addr.len()).ok().filter(|len| *len <= HARDWARE)?;
                let (kinds, rest) = ([*pkttype, len], [0; HARDWARE as usize]);
                Raw::from_parts(&[
                    &family(libc::AF_PACKET),
                    &protocol.to_be_bytes(),
                    &ifindex.to_ne_bytes(),
                    &hatype.to_ne_bytes(),
                    &kinds,
                    addr,
                    rest.get(addr.len()..)?,
                ])
            }
            Self::Other(number, bytes) => Raw::from_parts(&[&number.to_ne_bytes(), bytes]),
        }
    }

    /// Decodes an address that the kernel wrote. If it wrote none (a receive on TCP, an unbound Unix sender), the result has
    /// family 0, AF_UNSPEC, and no bytes.
    pub fn from_raw(raw: &Raw) -> Self {
        let bytes = raw.as_bytes();
        let Some((family, rest)) = bytes.split_first_chunk::<2>() else {
            return Self::Other(libc::AF_UNSPEC as u16, Vec::new());
        };
        let family = u16::from_ne_bytes(*family);
        let known = match i32::from(family) {
            libc::AF_INET => inet(rest),
            libc::AF_INET6 => inet6(rest),
            libc::AF_UNIX => Some(Self::Local(path(rest).to_vec())),
            libc::AF_PACKET => packet(rest),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other(family, rest.to_vec()))
    }
}

fn inet(rest: &[u8]) -> Option<Address> {
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let (addr, _) = rest.split_first_chunk::<4>()?;
    Some(Address::Inet { addr: Ipv4Addr::from(*addr), port: u16::from_be_bytes(*port) })
}

fn inet6(rest: &[u8]) -> Option<Address> {
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let (flowinfo, rest) = rest.split_first_chunk::<4>()?;
    let (addr, rest) = rest.split_first_chunk::<16>()?;
    let (scope_id, _) = rest.split_first_chunk::<4>()?;
    Some(Address::Inet6 {
        addr: Ipv6Addr::from(*addr),
        port: u16::from_be_bytes(*port),
        flowinfo: u32::from_be_bytes(*flowinfo),
        scope_id: u32::from_ne_bytes(*scope_id),
    })
}

/// The kernel may shorten the struct to the length of the hardware address.
fn packet(rest: &[u8]) -> Option<Address> {
    let (protocol, rest) = rest.split_first_chunk::<2>()?;
    let (ifindex, rest) = rest.split_first_chunk::<4>()?;
    let (hatype, rest) = rest.split_first_chunk::<2>()?;
    let ([pkttype, len], rest) = rest.split_first_chunk::<2>()?;
    Some(Address::Packet {
        protocol: u16::from_be_bytes(*protocol),
        ifindex: i32::from_ne_bytes(*ifindex),
        hatype: u16::from_ne_bytes(*hatype),
        pkttype: *pkttype,
        addr: rest.get(..usize::from(*len).min(rest.len()))?.to_vec(),
    })
}

/// A path ends at its first NUL. An abstract name starts with a NUL, and its length is the one that the kernel reported.
fn path(rest: &[u8]) -> &[u8] {
    match rest.iter().position(|byte| *byte == 0) {
        None | Some(0) => rest,
        Some(end) => rest.get(..end).unwrap_or(rest),
    }
}
