//! Socket addresses: the typed form, and the bytes of a `struct sockaddr`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The size of a `struct sockaddr_storage`, which holds every address.
pub const STORAGE: usize = 128;
/// The longest path of a `struct sockaddr_un`.
pub const PATH_MAX: usize = 108;

/// The longest address of hardware in a `struct sockaddr_ll`.
const HARDWARE: u8 = 8;

/// An address of one of the families that esock knows by name, or the bytes of any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// ip(7)
    Inet {
        /// the address
        addr: Ipv4Addr,
        /// the port, in host order
        port: u16,
    },
    /// ipv6(7)
    Inet6 {
        /// the address
        addr: Ipv6Addr,
        /// the port, in host order
        port: u16,
        /// traffic class and flow label, in host order
        flowinfo: u32,
        /// the interface index of a link-local address
        scope_id: u32,
    },
    /// unix(7): a path without its NUL, an abstract name with its leading NUL, or nothing for an unnamed socket.
    Local(Vec<u8>),
    /// packet(7)
    Packet {
        /// the protocol of the link, in host order
        protocol: u16,
        /// the interface, or 0: any
        ifindex: i32,
        /// ARPHRD_*
        hatype: u16,
        /// PACKET_*
        pkttype: u8,
        /// the address of the hardware, of at most 8 bytes
        addr: Vec<u8>,
    },
    /// A family that has no form of its own here (AF_UNSPEC among them), with the bytes behind the family.
    Other(u16, Vec<u8>),
}

/// The bytes of a `struct sockaddr` and how many of them count.
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
    /// An address made of `parts`, one behind the other; none when they are too long for a `sockaddr_storage`.
    fn from_parts(parts: &[&[u8]]) -> Option<Self> {
        let mut raw = Self::default();
        for part in parts {
            raw.bytes.get_mut(raw.len..raw.len + part.len())?.copy_from_slice(part);
            raw.len += part.len();
        }
        Some(raw)
    }

    /// An address that the system wrote into a struct.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let raw = Self::from_parts(&[bytes])?;
        // The room is larger than the address; its family says how long it is.
        let len = match raw.bytes.first_chunk::<2>().map(|family| i32::from(u16::from_ne_bytes(*family))) {
            Some(libc::AF_INET) => 16,
            Some(libc::AF_INET6) => 28,
            _ => raw.len,
        };
        Some(Self { len: len.min(raw.len), ..raw })
    }

    /// Whether connect(2) to it ends a connection: its family is AF_UNSPEC.
    pub fn disconnects(&self) -> bool {
        self.as_bytes().starts_with(&(libc::AF_UNSPEC as u16).to_ne_bytes())
    }

    /// All the bytes, zeros after those that count.
    pub fn padded(&self) -> &[u8; STORAGE] {
        &self.bytes
    }

    /// The bytes that count.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// Room for the system to write an address; [`Raw::set_len`] says how much it wrote.
    pub fn storage(&mut self) -> &mut [u8; STORAGE] {
        &mut self.bytes
    }

    /// Says how many bytes count.
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(STORAGE);
    }
}

impl Address {
    /// The bytes for the system; none where the address does not fit (a path too long).
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
            // The system ends a path at its NUL; an abstract name starts with one, and may have others. The longest has none at all.
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

    /// Reads what the system wrote. An address that it left empty (the sender of a TCP segment, an unbound Unix
    /// sender) is of family 0, AF_UNSPEC, without bytes.
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

/// The system leaves out what it has no address for.
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

/// A path ends at its NUL; an abstract name starts with one and has the length that the system reported.
fn path(rest: &[u8]) -> &[u8] {
    match rest.iter().position(|byte| *byte == 0) {
        None | Some(0) => rest,
        Some(end) => rest.get(..end).unwrap_or(rest),
    }
}
