//! What a socket is, and where its descriptor comes from.

use std::os::fd::RawFd;

/// What a socket is, for as long as it lives.
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
    /// Whether it carries a stream of bytes, where a length may come in pieces and nothing means the end.
    pub fn stream(self) -> bool {
        self.kind == libc::SOCK_STREAM
    }

    /// Whether it carries the records of a Unix connection.
    pub fn seqpacket(self) -> bool {
        self.local() && self.kind == libc::SOCK_SEQPACKET
    }

    /// Whether it is a Unix socket.
    pub fn local(self) -> bool {
        self.domain == libc::AF_UNIX
    }

    /// Whether a look can wait for a length: the system says of such a stream how much there is.
    pub fn reports_pending(self) -> bool {
        self.stream() && self.protocol != libc::IPPROTO_SCTP
    }

    /// Whether it carries a stream of TCP.
    pub fn tcp(self) -> bool {
        matches!(self.domain, libc::AF_INET | libc::AF_INET6) && self.protocol == libc::IPPROTO_TCP
    }

    /// Whether it carries datagrams of UDP, or of UDP-Lite, which has its options.
    pub fn udp(self) -> bool {
        let internet = matches!(self.domain, libc::AF_INET | libc::AF_INET6);
        let protocol = matches!(self.protocol, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE);
        internet && self.kind == libc::SOCK_DGRAM && protocol
    }
}

/// Where a socket's descriptor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// socket(2) or accept(2)
    Opened,
    /// a duplicate of this descriptor
    Duplicate(RawFd),
    /// this descriptor itself, which stays open when the socket is closed
    Lent(RawFd),
}
