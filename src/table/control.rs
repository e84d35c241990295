//! The table of control messages. One row is one type of message: its name, the kernel's constant, its codec.

use crate::wire::codec::Codec;
use crate::wire::{bits, layout};

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
        credentials             libc::SCM_CREDENTIALS, Codec::Struct(&layout::UCRED);
        devmem_dmabuf           79,                    Codec::Struct(&layout::DMABUF);
        devmem_linear           78,                    Codec::Struct(&layout::DMABUF);
        inq                     84,                    Codec::Int;
        mark                    libc::SO_MARK,         Codec::Uint;
        pidfd                   4,                     Codec::Int;
        priority                libc::SO_PRIORITY,     Codec::Uint;
        rights                  libc::SCM_RIGHTS,      Codec::Ints;
        rxq_ovfl                libc::SO_RXQ_OVFL,     Codec::Uint;
        security                3,                     Codec::Text(255);
        timestamp               libc::SCM_TIMESTAMP,   Codec::Struct(&layout::TIMEVAL);
        timestamp_new           63,                    Codec::Struct(&layout::TIMEVAL);
        timestamping            37,                    Codec::Times;
        timestamping_new        65,                    Codec::Times;
        timestamping_opt_stats  54,                    Codec::Attributes(layout::TCP_STATISTICS);
        timestamping_pktinfo    58,                    Codec::Struct(&layout::TIMESTAMP_PKTINFO);
        timestampns             libc::SCM_TIMESTAMPNS, Codec::Struct(&layout::TIMESPEC);
        timestampns_new         64,                    Codec::Struct(&layout::TIMESPEC);
        ts_opt_id               81,                    Codec::Uint;
        txtime                  61,                    Codec::U64;
        wifi_status             41,                    Codec::Bool;
    }
    ip libc::IPPROTO_IP, {
        checksum     23,                  Codec::Uint;
        origdstaddr  libc::IP_RECVORIGDSTADDR, Codec::Address;
        pktinfo      libc::IP_PKTINFO,    Codec::Struct(&layout::PKTINFO);
        protocol     52,                  Codec::Protocol;
        recverr      libc::IP_RECVERR,    Codec::ExtendedError;
        recvfragsize 25,                  Codec::Int;
        recvopts     libc::IP_RECVOPTS,   Codec::Bytes(40);
        recvtos      libc::IP_RECVTOS,    Codec::Tos;
        recvttl      libc::IP_RECVTTL,    Codec::Int;
        retopts      libc::IP_RETOPTS,    Codec::Bytes(40);
        security     3,                   Codec::Text(255);
        tos          libc::IP_TOS,        Codec::Tos;
        ttl          libc::IP_TTL,        Codec::Int;
    }
    ipv6 libc::IPPROTO_IPV6, {
        dontfrag         62,                  Codec::Bool;
        dstopts          libc::IPV6_DSTOPTS,  Codec::Bytes(2048);
        flowinfo         libc::IPV6_FLOWINFO, Codec::Int;
        hoplimit         libc::IPV6_HOPLIMIT, Codec::Int;
        hopopts          libc::IPV6_HOPOPTS,  Codec::Bytes(2048);
        origdstaddr      libc::IPV6_RECVORIGDSTADDR, Codec::Address;
        pathmtu          61,                  Codec::Struct(&layout::PATHMTU);
        pktinfo          libc::IPV6_PKTINFO,  Codec::Struct(&layout::PKTINFO6);
        recverr          libc::IPV6_RECVERR,  Codec::ExtendedError;
        recvfragsize     77,                  Codec::Int;
        rfc2292_dstopts  4,                   Codec::Bytes(2048);
        rfc2292_hoplimit 8,                   Codec::Int;
        rfc2292_hopopts  3,                   Codec::Bytes(2048);
        rfc2292_pktinfo  2,                   Codec::Struct(&layout::PKTINFO6);
        rfc2292_rthdr    5,                   Codec::Bytes(2048);
        rthdr            libc::IPV6_RTHDR,    Codec::Bytes(2048);
        rthdrdstopts     55,                  Codec::Bytes(2048);
        tclass           libc::IPV6_TCLASS,   Codec::Tclass;
    }
    sctp libc::IPPROTO_SCTP, {
        authinfo    6, Codec::Struct(&layout::SCTP_AUTHINFO);
        dstaddrv4   7, Codec::Ip4;
        dstaddrv6   8, Codec::Ip6;
        init        0, Codec::Struct(&layout::SCTP_INITMSG);
        nxtinfo     4, Codec::Struct(&layout::SCTP_NXTINFO);
        prinfo      5, Codec::Struct(&layout::SCTP_PRINFO);
        rcvinfo     3, Codec::Struct(&layout::SCTP_RCVINFO);
        sndinfo     2, Codec::Struct(&layout::SCTP_SNDINFO);
        sndrcv      1, Codec::Struct(&layout::SCTP_SNDRCV);
    }
    udp libc::IPPROTO_UDP, {
        gro         libc::UDP_GRO,     Codec::Int;
        segment     libc::UDP_SEGMENT, Codec::U16;
    }
    tcp libc::IPPROTO_TCP, {
        inq         36, Codec::Int;
    }
    tls 282, {
        get_record_type 2, Codec::U8;
        set_record_type 1, Codec::U8;
    }
    alg 279, {
        aead_assoclen 4, Codec::Uint;
        iv            2, Codec::Counted32(1024);
        op            3, Codec::Named(bits::ALG_OPERATIONS);
    }
    packet 263, {
        auxdata     8, Codec::Struct(&layout::PACKET_AUXDATA);
    }
    netlink 270, {
        listen_all_nsid 8, Codec::Int;
        pktinfo         3, Codec::Uint;
    }
    can_raw 101, {
        errqueue    1, Codec::U8;
    }
    can_j1939 107, {
        dest_addr   1, Codec::U8;
        dest_name   2, Codec::U64;
        errqueue    4, Codec::Attributes(layout::J1939_ERROR);
        prio        3, Codec::U8;
    }
    tipc 271, {
        destname    3, Codec::Struct(&layout::TIPC_DESTNAME);
        errinfo     1, Codec::Struct(&layout::TIPC_ERRINFO);
        retdata     2, Codec::Bytes(1024);
    }
    rds 276, {
        atomic_cswp        7,  Codec::Bytes(1024);
        atomic_fadd        6,  Codec::Bytes(1024);
        cong_update        5,  Codec::U64;
        masked_atomic_cswp 9,  Codec::Bytes(1024);
        masked_atomic_fadd 8,  Codec::Bytes(1024);
        rdma_args          1,  Codec::Bytes(1024);
        rdma_dest          2,  Codec::Bytes(1024);
        rdma_map           3,  Codec::Bytes(1024);
        rdma_status        4,  Codec::Bytes(1024);
        rxpath_latency     11, Codec::Bytes(1024);
        zcopy_completion   13, Codec::CountedWords;
        zcopy_cookie       12, Codec::Uint;
    }
    vsock 287, {
        recverr     1, Codec::ExtendedError;
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
