//! Layouts of the C structs in options and control messages, field by field.

use crate::wire::codec::{Codec, Field, Layout};
use crate::wire::name::{FILTER_MODES, Name};

macro_rules! layouts {
    ($($(#[$doc:meta])* $table:ident $size:literal { $($name:ident $at:literal $codec:expr, $($optional:ident)?;)* })*) => {
        $($(#[$doc])*
        pub static $table: Layout = Layout {
            size: $size,
            fields: &[$(Field {
                name: stringify!($name),
                at: $at,
                codec: $codec,
                optional: layouts!(@ $($optional)?),
            }),*],
        };)*
    };
    (@) => { false };
    (@ optional) => { true };
}

/// States of a TCP connection, tcp_states.h.
pub const TCP_STATES: &[Name] = &[
    ("established", 1),
    ("syn_sent", 2),
    ("syn_recv", 3),
    ("fin_wait1", 4),
    ("fin_wait2", 5),
    ("time_wait", 6),
    ("closed", 7),
    ("close_wait", 8),
    ("last_ack", 9),
    ("listen", 10),
    ("closing", 11),
    ("new_syn_recv", 12),
];

/// States of an SCTP association, RFC 6458 section 8.2.1.
pub const SCTP_STATES: &[Name] = &[
    ("empty", 0),
    ("closed", 1),
    ("cookie_wait", 2),
    ("cookie_echoed", 3),
    ("established", 4),
    ("shutdown_pending", 5),
    ("shutdown_sent", 6),
    ("shutdown_received", 7),
    ("shutdown_ack_sent", 8),
];

/// States of a peer's address, RFC 6458 section 8.2.2.
pub const SCTP_ADDRESS_STATES: &[Name] =
    &[("inactive", 0), ("potentially_failed", 1), ("active", 2), ("unconfirmed", 3), ("unknown", 0xffff)];

/// Flags of a peer's address, RFC 6458 section 8.1.12.
pub const SCTP_ADDRESS_FLAGS: &[Name] = &[
    ("enable_heartbeats", 1),
    ("disable_heartbeats", 1 << 1),
    ("send_heartbeat_immediately", 1 << 2),
    ("enable_pmtu_discovery", 1 << 3),
    ("disable_pmtu_discovery", 1 << 4),
    ("enable_sack", 1 << 5),
    ("disable_sack", 1 << 6),
    ("set_heartbeat_delay_to_zero", 1 << 7),
    ("ipv6_flowlabel", 1 << 8),
    ("dscp", 1 << 9),
];

/// Flags of a message, RFC 6458 section 5.3.2.
pub const SCTP_FLAGS: &[Name] =
    &[("unordered", 1), ("addr_over", 2), ("abort", 4), ("sack_immediately", 8), ("eof", 0x200)];

layouts! {
    /// `struct linger`, socket(7)
    LINGER 8 {
        onoff  0 Codec::Bool,;
        linger 4 Codec::Nat,;
    }
    /// `struct timeval`, gettimeofday(2)
    TIMEVAL 16 {
        sec  0 Codec::I64,;
        usec 8 Codec::I64,;
    }
    /// `struct timespec`, clock_gettime(2)
    TIMESPEC 16 {
        sec  0 Codec::I64,;
        nsec 8 Codec::I64,;
    }
    /// `struct ucred`, unix(7)
    UCRED 12 {
        pid 0 Codec::Int,;
        uid 4 Codec::Int,;
        gid 8 Codec::Int,;
    }
    /// `struct ip_mreq`, ip(7)
    MREQ 8 {
        multiaddr 0 Codec::Ip4,;
        interface 4 Codec::Ip4,;
    }
    /// `struct ip_mreq_source`, ip(7)
    MREQ_SOURCE 12 {
        multiaddr  0 Codec::Ip4,;
        interface  4 Codec::Ip4,;
        sourceaddr 8 Codec::Ip4,;
    }
    /// `struct ip_msfilter` without its list, ip(7)
    MSFILTER 12 {
        multiaddr 0 Codec::Ip4,;
        interface 4 Codec::Ip4,;
        mode      8 Codec::Named(FILTER_MODES),;
    }
    /// `struct in_pktinfo`, ip(7)
    PKTINFO 12 {
        ifindex  0 Codec::Nat,;
        spec_dst 4 Codec::Ip4, optional;
        addr     8 Codec::Ip4, optional;
    }
    /// `struct ipv6_mreq`, ipv6(7)
    MREQ6 20 {
        multiaddr 0 Codec::Ip6,;
        interface 16 Codec::Uint,;
    }
    /// `struct in6_pktinfo`, RFC 3542
    PKTINFO6 20 {
        addr    0 Codec::Ip6,;
        ifindex 16 Codec::Uint,;
    }
    /// `struct tcp_md5sig` without its key, tcp(7)
    MD5SIG 136 {
        addr      0   Codec::Address,;
        flags     128 Codec::U8, optional;
        prefixlen 129 Codec::U8, optional;
        ifindex   132 Codec::Nat, optional;
    }
    /// `struct tcp_info`, tcp(7)
    TCP_INFO 248 {
        state               0   Codec::Named8(TCP_STATES),;
        ca_state            1   Codec::U8,;
        retransmits         2   Codec::U8,;
        probes              3   Codec::U8,;
        backoff             4   Codec::U8,;
        options             5   Codec::U8,;
        wscale              6   Codec::U8,;
        rto                 8   Codec::Uint,;
        ato                 12  Codec::Uint,;
        snd_mss             16  Codec::Uint,;
        rcv_mss             20  Codec::Uint,;
        unacked             24  Codec::Uint,;
        sacked              28  Codec::Uint,;
        lost                32  Codec::Uint,;
        retrans             36  Codec::Uint,;
        fackets             40  Codec::Uint,;
        last_data_sent      44  Codec::Uint,;
        last_ack_sent       48  Codec::Uint,;
        last_data_recv      52  Codec::Uint,;
        last_ack_recv       56  Codec::Uint,;
        pmtu                60  Codec::Uint,;
        rcv_ssthresh        64  Codec::Uint,;
        rtt                 68  Codec::Uint,;
        rttvar              72  Codec::Uint,;
        snd_ssthresh        76  Codec::Uint,;
        snd_cwnd            80  Codec::Uint,;
        advmss              84  Codec::Uint,;
        reordering          88  Codec::Uint,;
        rcv_rtt             92  Codec::Uint,;
        rcv_space           96  Codec::Uint,;
        total_retrans       100 Codec::Uint,;
        pacing_rate         104 Codec::U64,;
        max_pacing_rate     112 Codec::U64,;
        bytes_acked         120 Codec::U64,;
        bytes_received      128 Codec::U64,;
        segs_out            136 Codec::Uint,;
        segs_in             140 Codec::Uint,;
        notsent_bytes       144 Codec::Uint,;
        min_rtt             148 Codec::Uint,;
        data_segs_in        152 Codec::Uint,;
        data_segs_out       156 Codec::Uint,;
        delivery_rate       160 Codec::U64,;
        busy_time           168 Codec::U64,;
        rwnd_limited        176 Codec::U64,;
        sndbuf_limited      184 Codec::U64,;
        delivered           192 Codec::Uint,;
        delivered_ce        196 Codec::Uint,;
        bytes_sent          200 Codec::U64,;
        bytes_retrans       208 Codec::U64,;
        dsack_dups          216 Codec::Uint,;
        reord_seen          220 Codec::Uint,;
        rcv_ooopack         224 Codec::Uint,;
        snd_wnd             228 Codec::Uint,;
        rcv_wnd             232 Codec::Uint,;
        rehash              236 Codec::Uint,;
        total_rto           240 Codec::U16,;
        total_rto_recoveries 242 Codec::U16,;
        total_rto_time      244 Codec::Uint,;
    }
    /// `struct ifmap`, netdevice(7)
    IFMAP 24 {
        mem_start 0  Codec::U64,;
        mem_end   8  Codec::U64,;
        base_addr 16 Codec::U16,;
        irq       18 Codec::U8,;
        dma       19 Codec::U8,;
        port      20 Codec::U8,;
    }
    /// `struct sctp_setadaptation`, RFC 6458 section 8.1.10
    SCTP_ADAPTATION 4 {
        ind 0 Codec::Uint,;
    }
    /// `struct sctp_assoc_value`, RFC 6458
    SCTP_ASSOC_VALUE 8 {
        assoc_id 0 Codec::Int,;
        value    4 Codec::Uint,;
    }
    /// `struct sctp_assocparams`, RFC 6458 section 8.1.2
    SCTP_ASSOCPARAMS 20 {
        assoc_id                 0  Codec::Int,;
        asocmaxrxt               4  Codec::U16,;
        number_peer_destinations 6  Codec::U16,;
        peer_rwnd                8  Codec::Uint,;
        local_rwnd               12 Codec::Uint,;
        cookie_life              16 Codec::Uint,;
    }
    /// `struct sctp_event_subscribe`, RFC 6458 section 6.2.1
    SCTP_EVENTS 14 {
        data_io            0  Codec::Bool8,;
        association        1  Codec::Bool8,;
        address            2  Codec::Bool8,;
        send_failure       3  Codec::Bool8,;
        peer_error         4  Codec::Bool8,;
        shutdown           5  Codec::Bool8,;
        partial_delivery   6  Codec::Bool8,;
        adaptation_layer   7  Codec::Bool8, optional;
        authentication     8  Codec::Bool8, optional;
        sender_dry         9  Codec::Bool8, optional;
        stream_reset       10 Codec::Bool8, optional;
        assoc_reset        11 Codec::Bool8, optional;
        stream_change      12 Codec::Bool8, optional;
        send_failure_event 13 Codec::Bool8, optional;
    }
    /// `struct sctp_initmsg`, RFC 6458 section 8.1.3
    SCTP_INITMSG 8 {
        num_ostreams   0 Codec::U16,;
        max_instreams  2 Codec::U16,;
        max_attempts   4 Codec::U16,;
        max_init_timeo 6 Codec::U16,;
    }
    /// `struct sctp_rtoinfo`, RFC 6458 section 8.1.1
    SCTP_RTOINFO 16 {
        assoc_id 0  Codec::Int,;
        initial  4  Codec::Uint,;
        max      8  Codec::Uint,;
        min      12 Codec::Uint,;
    }
    /// `struct sctp_prim` and `struct sctp_setpeerprim`, RFC 6458 section 8.1.9
    SCTP_PRIMARY 132 {
        assoc_id 0 Codec::Int,;
        addr     4 Codec::Address,;
    }
    /// `struct sctp_paddrparams`, RFC 6458 section 8.1.12. It is packed.
    SCTP_ADDRESS_PARAMS 156 {
        assoc_id          0   Codec::Int,;
        addr              4   Codec::Address,;
        heatbeat_interval 132 Codec::Uint,;
        path_max_rxt      136 Codec::U16,;
        path_mtu          138 Codec::Uint, optional;
        sack_delay        142 Codec::Uint, optional;
        flags             146 Codec::Bits(SCTP_ADDRESS_FLAGS), optional;
        ipv6_flowlabel    150 Codec::Uint, optional;
        dscp              154 Codec::U8, optional;
    }
    /// `struct sctp_paddrinfo`, RFC 6458 section 8.2.2. It is packed.
    SCTP_ADDRESS_INFO 152 {
        assoc_id 0   Codec::Int,;
        address  4   Codec::Address,;
        state    132 Codec::Named(SCTP_ADDRESS_STATES),;
        cwnd     136 Codec::Uint,;
        srtt     140 Codec::Uint,;
        rto      144 Codec::Uint,;
        mtu      148 Codec::Uint,;
    }
    /// `struct sctp_status`, RFC 6458 section 8.2.1
    SCTP_STATUS 176 {
        assoc_id            0  Codec::Int,;
        state               4  Codec::Named(SCTP_STATES),;
        rwnd                8  Codec::Uint,;
        unacked_data        12 Codec::U16,;
        pending_data        14 Codec::U16,;
        in_streams          16 Codec::U16,;
        out_streams         18 Codec::U16,;
        fragmentation_point 20 Codec::Uint,;
        primary             24 Codec::Struct(&SCTP_ADDRESS_INFO),;
    }
    /// `struct sctp_sndrcvinfo`, RFC 6458 section 5.3.2
    SCTP_SNDRCV 32 {
        stream       0  Codec::U16,;
        ssn          2  Codec::U16, optional;
        flags        4  Codec::Bits16(SCTP_FLAGS), optional;
        ppid         8  Codec::Uint, optional;
        context      12 Codec::Uint, optional;
        time_to_live 16 Codec::Uint, optional;
        tsn          20 Codec::Uint, optional;
        cum_tsn      24 Codec::Uint, optional;
        assoc_id     28 Codec::Int,;
    }
    /// `struct sctp_assoc_stats`, linux/sctp.h
    SCTP_STATS 256 {
        assoc_id             0   Codec::Int,;
        max_rto_addr         8   Codec::Address,;
        max_rto              136 Codec::U64,;
        in_sacks             144 Codec::U64,;
        out_sacks            152 Codec::U64,;
        out_packets          160 Codec::U64,;
        in_packets           168 Codec::U64,;
        rtx_chunks           176 Codec::U64,;
        out_of_seq_tsns      184 Codec::U64,;
        in_dup_chunks        192 Codec::U64,;
        gap_ack_recv         200 Codec::U64,;
        out_unordered_chunks 208 Codec::U64,;
        in_unordered_chunks  216 Codec::U64,;
        out_ordered_chunks   224 Codec::U64,;
        in_ordered_chunks    232 Codec::U64,;
        out_ctrl_chunks      240 Codec::U64,;
        in_ctrl_chunks       248 Codec::U64,;
    }
}
