//! The kind of a socket (domain, type and protocol), and the origin of its descriptor.

use std::os::fd::RawFd;

/// Domain, type and protocol of a socket. They do not change while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// AF_*
    pub domain: i32,
    /// SOCK_*
    pub kind: i32,
    /// IPPROTO_*
    pub protocol: i32,
}

impl Kind {
    /// The kind of a descriptor that is used for waiting alone, and may be no socket.
    pub const NONE: Self = Self { domain: libc::AF_UNSPEC, kind: 0, protocol: 0 };

    /// Whether it is the kind of a socket.
    pub fn is_socket(self) -> bool {
        self.kind != Self::NONE.kind
    }

    /// Whether its type is SOCK_STREAM: data may arrive in pieces, and a receive of 0 bytes means the end.
    pub fn stream(self) -> bool {
        self.kind == libc::SOCK_STREAM
    }

    /// Whether it is a Unix socket of type SOCK_SEQPACKET, which carries records.
    pub fn seqpacket(self) -> bool {
        self.local() && self.kind == libc::SOCK_SEQPACKET
    }

    /// Whether it is a Unix socket.
    pub fn local(self) -> bool {
        self.domain == libc::AF_UNIX
    }

    /// Whether a peek can wait for a length: the kernel reports how many bytes of the stream there are (FIONREAD). SCTP carries
    /// messages instead.
    pub fn reports_pending(self) -> bool {
        self.stream() && self.protocol != libc::IPPROTO_SCTP
    }

    /// Whether it is a TCP socket.
    pub fn tcp(self) -> bool {
        matches!(self.domain, libc::AF_INET | libc::AF_INET6) && self.protocol == libc::IPPROTO_TCP
    }

    /// Whether it is a UDP or UDP-Lite socket. UDP-Lite has the options of UDP.
    pub fn udp(self) -> bool {
        let internet = matches!(self.domain, libc::AF_INET | libc::AF_INET6);
        let protocol = matches!(self.protocol, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE);
        internet && self.kind == libc::SOCK_DGRAM && protocol
    }
}

/// The origin of a socket's descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// socket(2) or accept4(2)
    Opened,
    /// a duplicate of this descriptor
    Duplicate(RawFd),
    /// this descriptor itself, which stays open when the socket is closed, unless `own => true` has given it to the socket
    Lent(RawFd),
}
