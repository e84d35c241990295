//! The table of control messages. One row is one type of message: its name, the kernel's constant, its codec.

use crate::wire::codec::Codec;
use crate::wire::layout;

/// A type of control message.
#[derive(Debug)]
pub struct Row {
    /// The level's name.
    pub level: &'static str,
    /// SOL_* or IPPROTO_*
    pub number: i32,
    /// The type's name.
    pub name: &'static str,
    /// The kernel's number of the type within that level.
    pub kind: i32,
    /// How its value is encoded.
    pub codec: Codec,
}

macro_rules! rows {
    ($($level:ident $number:expr, { $($name:ident $kind:expr, $codec:expr;)* })*) => {
        /// Every row. If a type has two names, a received message has the first one.
        pub static TABLE: &[Row] = &[$($(Row {
            level: stringify!($level),
            number: $number,
            name: stringify!($name),
            kind: $kind,
            codec: $codec,
        },)*)*];
    };
}

rows! {
    socket libc::SOL_SOCKET, {
        credentials libc::SCM_CREDENTIALS, Codec::Struct(&layout::UCRED);
        mark        libc::SO_MARK,         Codec::Uint;
        priority    libc::SO_PRIORITY,     Codec::Uint;
        rights      libc::SCM_RIGHTS,      Codec::Ints;
        rxq_ovfl    libc::SO_RXQ_OVFL,     Codec::Uint;
        timestamp   libc::SCM_TIMESTAMP,   Codec::Struct(&layout::TIMEVAL);
        timestampns libc::SCM_TIMESTAMPNS, Codec::Struct(&layout::TIMESPEC);
    }
    ip libc::IPPROTO_IP, {
        origdstaddr libc::IP_RECVORIGDSTADDR, Codec::Address;
        pktinfo     libc::IP_PKTINFO,  Codec::Struct(&layout::PKTINFO);
        recverr     libc::IP_RECVERR,  Codec::ExtendedError;
        recvopts    libc::IP_RECVOPTS, Codec::Bytes(40);
        recvtos     libc::IP_RECVTOS,  Codec::Tos;
        recvttl     libc::IP_RECVTTL,  Codec::Int;
        retopts     libc::IP_RETOPTS,  Codec::Bytes(40);
        tos         libc::IP_TOS,      Codec::Tos;
        ttl         libc::IP_TTL,      Codec::Int;
    }
    ipv6 libc::IPPROTO_IPV6, {
        dstopts     libc::IPV6_DSTOPTS,      Codec::Bytes(2048);
        flowinfo    libc::IPV6_FLOWINFO,     Codec::Int;
        hoplimit    libc::IPV6_HOPLIMIT,     Codec::Int;
        hopopts     libc::IPV6_HOPOPTS,      Codec::Bytes(2048);
        origdstaddr libc::IPV6_RECVORIGDSTADDR, Codec::Address;
        pktinfo     libc::IPV6_PKTINFO,      Codec::Struct(&layout::PKTINFO6);
        recverr     libc::IPV6_RECVERR,      Codec::ExtendedError;
        rthdr       libc::IPV6_RTHDR,        Codec::Bytes(2048);
        tclass      libc::IPV6_TCLASS,       Codec::Int;
    }
    sctp libc::IPPROTO_SCTP, {
        init        0, Codec::Struct(&layout::SCTP_INITMSG);
        sndrcv      1, Codec::Struct(&layout::SCTP_SNDRCV);
    }
    udp libc::IPPROTO_UDP, {
        gro         libc::UDP_GRO,     Codec::Int;
        segment     libc::UDP_SEGMENT, Codec::U16;
    }
}

/// The row for the numbers of a level and a type.
pub fn find(number: i32, kind: i32) -> Option<&'static Row> {
    TABLE.iter().find(|row| (row.number, row.kind) == (number, kind))
}

/// The row for the names of a level and a type.
pub fn named(level: &str, name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| (row.level, row.name) == (level, name))
}

/// The number of a level by its name. `None` if no row has that level.
pub fn level(name: &str) -> Option<i32> {
    TABLE.iter().find(|row| row.level == name).map(|row| row.number)
}
