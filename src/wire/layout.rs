//! Layouts of the C structs in options and control messages, field by field.

use crate::wire::bits;
use crate::wire::codec::{Attribute, Codec, Field, Layout};
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

/// Bits of `struct tcp_ao_add`, linux/tcp.h.
pub const AO_SET: &[Name] = &[("current", 1), ("rnext", 2)];
/// Bits of `struct tcp_ao_del`, linux/tcp.h.
pub const AO_DELETE: &[Name] = &[("current", 1), ("rnext", 2), ("del_async", 4)];
/// Bits of `struct tcp_ao_info_opt`, linux/tcp.h.
pub const AO_INFO_SET: &[Name] =
    &[("current", 1), ("rnext", 2), ("ao_required", 4), ("counters", 8), ("accept_icmps", 16)];

/// Bits of `struct tcp_ao_getsockopt`, linux/tcp.h.
pub const AO_MATCH: &[Name] = &[("current", 1), ("rnext", 2), ("all", 4)];

macro_rules! attributes {
    ($($(#[$doc:meta])* $table:ident { $($name:ident $kind:literal $codec:expr;)* })*) => {
        $($(#[$doc])*
        pub const $table: &[Attribute] = &[$(Attribute { name: stringify!($name), kind: $kind, codec: $codec }),*];)*
    };
}

attributes! {
    /// TCP_NLA_*, linux/tcp.h: the state of a connection when a packet was sent.
    TCP_STATISTICS {
        busy                  1  Codec::U64;
        rwnd_limited          2  Codec::U64;
        sndbuf_limited        3  Codec::U64;
        data_segs_out         4  Codec::U64;
        total_retrans         5  Codec::U64;
        pacing_rate           6  Codec::U64;
        delivery_rate         7  Codec::U64;
        snd_cwnd              8  Codec::Uint;
        reordering            9  Codec::Uint;
        min_rtt               10 Codec::Uint;
        recur_retrans         11 Codec::U8;
        delivery_rate_app_lmt 12 Codec::U8;
        sndq_size             13 Codec::Uint;
        ca_state              14 Codec::U8;
        snd_ssthresh          15 Codec::Uint;
        delivered             16 Codec::Uint;
        delivered_ce          17 Codec::Uint;
        bytes_sent            18 Codec::U64;
        bytes_retrans         19 Codec::U64;
        dsack_dups            20 Codec::Uint;
        reord_seen            21 Codec::Uint;
        srtt                  22 Codec::Uint;
        timeout_rehash        23 Codec::U16;
        bytes_notsent         24 Codec::Uint;
        edt                   25 Codec::U64;
        ttl                   26 Codec::U8;
        rehash                27 Codec::Uint;
    }
    /// J1939_NLA_*, linux/can/j1939.h: what an entry of the error queue is about.
    J1939_ERROR {
        bytes_acked 1 Codec::Uint;
        total_size  2 Codec::Uint;
        pgn         3 Codec::Uint;
        src_name    4 Codec::U64;
        dest_name   5 Codec::U64;
        src_addr    6 Codec::U8;
        dest_addr   7 Codec::U8;
    }
}

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
    /// `struct ip_mreqn`, ip(7)
    MREQ 12 {
        multiaddr 0 Codec::Ip4,;
        interface 4 Codec::Interface,;
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
        ifindex  0 Codec::Ifindex,;
        spec_dst 4 Codec::Ip4, optional;
        addr     8 Codec::Ip4, optional;
    }
    /// `struct ipv6_mreq`, ipv6(7)
    MREQ6 20 {
        multiaddr 0 Codec::Ip6,;
        interface 16 Codec::Ifindex,;
    }
    /// `struct in6_pktinfo`, RFC 3542
    PKTINFO6 20 {
        addr    0 Codec::Ip6,;
        ifindex 16 Codec::Ifindex,;
    }
    /// `struct tcp_md5sig` without its key, tcp(7)
    MD5SIG 136 {
        addr      0   Codec::Address,;
        flags     128 Codec::U8, optional;
        prefixlen 129 Codec::U8, optional;
        ifindex   132 Codec::Ifindex, optional;
    }
    /// `struct tcp_info`, tcp(7)
    TCP_INFO 280 {
        state               0   Codec::Named8(TCP_STATES),;
        ca_state            1   Codec::U8,;
        retransmits         2   Codec::U8,;
        probes              3   Codec::U8,;
        backoff             4   Codec::U8,;
        options             5   Codec::U8,;
        snd_wscale          6   Codec::Part8(0, 4),;
        rcv_wscale          6   Codec::Part8(4, 4),;
        delivery_rate_app_limited 7 Codec::Part8(0, 1),;
        fastopen_client_fail 7 Codec::Part8(1, 2),;
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
        received_ce         248 Codec::Uint,;
        delivered_e1_bytes  252 Codec::Uint,;
        delivered_e0_bytes  256 Codec::Uint,;
        delivered_ce_bytes  260 Codec::Uint,;
        received_e1_bytes   264 Codec::Uint,;
        received_e0_bytes   268 Codec::Uint,;
        received_ce_bytes   272 Codec::Uint,;
        accecn_fail_mode    276 Codec::U16,;
        accecn_opt_seen     278 Codec::U16,;
    }
    /// `struct sock_txtime`, linux/net_tstamp.h
    TXTIME 8 {
        clockid 0 Codec::Named(bits::CLOCKS),;
        flags   4 Codec::Bits(bits::TXTIME), optional;
    }
    /// What SO_MEMINFO reads, linux/sock_diag.h
    MEMINFO 36 {
        rmem_alloc  0  Codec::Uint,;
        rcvbuf      4  Codec::Uint,;
        wmem_alloc  8  Codec::Uint,;
        sndbuf      12 Codec::Uint,;
        fwd_alloc   16 Codec::Uint,;
        wmem_queued 20 Codec::Uint,;
        optmem      24 Codec::Uint,;
        backlog     28 Codec::Uint,;
        drops       32 Codec::Uint,;
    }
    /// `struct dmabuf_token`, linux/uio.h
    DMABUF_TOKEN 8 {
        token_start 0 Codec::Uint,;
        token_count 4 Codec::Uint,;
    }
    /// `struct dmabuf_cmsg`, linux/uio.h
    DMABUF 24 {
        frag_offset 0  Codec::U64,;
        frag_size   8  Codec::Uint,;
        frag_token  12 Codec::Uint,;
        dmabuf_id   16 Codec::Uint,;
        flags       20 Codec::Uint,;
    }
    /// `struct scm_ts_pktinfo`, linux/net_tstamp.h
    TIMESTAMP_PKTINFO 16 {
        ifindex    0 Codec::Ifindex,;
        pkt_length 4 Codec::Uint,;
    }
    /// `struct group_req`, RFC 3678
    GROUP 136 {
        interface 0 Codec::Ifindex,;
        group     8 Codec::Address,;
    }
    /// `struct group_source_req`, RFC 3678
    GROUP_SOURCE 264 {
        interface 0   Codec::Ifindex,;
        group     8   Codec::Address,;
        source    136 Codec::Address,;
    }
    /// `struct group_filter` without its list, RFC 3678
    GROUP_FILTER 140 {
        interface 0   Codec::Ifindex,;
        group     8   Codec::Address,;
        mode      136 Codec::Named(FILTER_MODES),;
    }
    /// `struct ip6_mtuinfo`, RFC 3542
    PATHMTU 32 {
        addr 0  Codec::Address6,;
        mtu  28 Codec::Uint,;
    }
    /// `struct in6_flowlabel_req`, linux/in6.h
    FLOWLABEL 32 {
        dst     0  Codec::Ip6,;
        label   16 Codec::Be32,;
        action  20 Codec::Named8(bits::FLOWLABEL_ACTIONS), optional;
        share   21 Codec::Named8(bits::FLOWLABEL_SHARES), optional;
        flags   22 Codec::Bits16(bits::FLOWLABEL_FLAGS), optional;
        expires 24 Codec::U16, optional;
        linger  26 Codec::U16, optional;
    }
    /// `struct tcp_repair_window`, linux/tcp.h
    REPAIR_WINDOW 20 {
        snd_wl1    0  Codec::Uint,;
        snd_wnd    4  Codec::Uint,;
        max_window 8  Codec::Uint,;
        rcv_wnd    12 Codec::Uint,;
        rcv_wup    16 Codec::Uint,;
    }
    /// `struct tcp_ao_add`, linux/tcp.h
    AO_ADD 288 {
        addr      0   Codec::Address,;
        alg_name  128 Codec::Text(63),;
        ifindex   192 Codec::Ifindex, optional;
        set       196 Codec::Bits(AO_SET), optional;
        prefix    202 Codec::U8,;
        sndid     203 Codec::U8,;
        rcvid     204 Codec::U8,;
        maclen    205 Codec::U8, optional;
        keyflags  206 Codec::U8, optional;
        key       207 Codec::Counted8(80),;
    }
    /// `struct tcp_ao_del`, linux/tcp.h
    AO_DEL 144 {
        addr        0   Codec::Address,;
        ifindex     128 Codec::Ifindex, optional;
        set         132 Codec::Bits(AO_DELETE), optional;
        prefix      138 Codec::U8,;
        sndid       139 Codec::U8,;
        rcvid       140 Codec::U8,;
        current_key 141 Codec::U8, optional;
        rnext       142 Codec::U8, optional;
        keyflags    143 Codec::U8, optional;
    }
    /// `struct tcp_ao_info_opt`, linux/tcp.h
    AO_INFO 48 {
        set               0  Codec::Bits(AO_INFO_SET), optional;
        current_key       6  Codec::U8, optional;
        rnext             7  Codec::U8, optional;
        pkt_good          8  Codec::U64, optional;
        pkt_bad           16 Codec::U64, optional;
        pkt_key_not_found 24 Codec::U64, optional;
        pkt_ao_required   32 Codec::U64, optional;
        pkt_dropped_icmp  40 Codec::U64, optional;
    }
    /// `struct tcp_ao_getsockopt`, linux/tcp.h, for one key
    AO_KEY 304 {
        addr      0   Codec::Address, optional;
        alg_name  128 Codec::Text(63), optional;
        key       192 Codec::Bytes(80), optional;
        nkeys     272 Codec::Uint,;
        match     276 Codec::Bits16(AO_MATCH), optional;
        sndid     278 Codec::U8, optional;
        rcvid     279 Codec::U8, optional;
        prefix    280 Codec::U8, optional;
        maclen    281 Codec::U8, optional;
        keyflags  282 Codec::U8, optional;
        keylen    283 Codec::U8, optional;
        ifindex   284 Codec::Ifindex, optional;
        pkt_good  288 Codec::U64, optional;
        pkt_bad   296 Codec::U64, optional;
    }
    /// `struct tcp_ao_repair`, linux/tcp.h
    AO_REPAIR 16 {
        snt_isn 0  Codec::Be32,;
        rcv_isn 4  Codec::Be32,;
        snd_sne 8  Codec::Uint,;
        rcv_sne 12 Codec::Uint,;
    }
    /// `struct mptcp_info`, linux/mptcp.h
    MPTCP_INFO 96 {
        subflows            0  Codec::U8,;
        add_addr_signal     1  Codec::U8,;
        add_addr_accepted   2  Codec::U8,;
        subflows_max        3  Codec::U8,;
        add_addr_signal_max 4  Codec::U8,;
        add_addr_accepted_max 5 Codec::U8,;
        flags               8  Codec::Uint,;
        token               12 Codec::Uint,;
        write_seq           16 Codec::U64,;
        snd_una             24 Codec::U64,;
        rcv_nxt             32 Codec::U64,;
        local_addr_used     40 Codec::U8,;
        local_addr_max      41 Codec::U8,;
        csum_enabled        42 Codec::Bool8,;
        retransmits         44 Codec::Uint,;
        bytes_retrans       48 Codec::U64,;
        bytes_sent          56 Codec::U64,;
        bytes_received      64 Codec::U64,;
        bytes_acked         72 Codec::U64,;
        subflows_total      80 Codec::U8,;
        endp_laminar_max    81 Codec::U8,;
        endp_fullmesh_max   82 Codec::U8,;
        last_data_sent      84 Codec::Uint,;
        last_data_recv      88 Codec::Uint,;
        last_ack_recv       92 Codec::Uint,;
    }
    /// `struct packet_mreq`, packet(7)
    PACKET_MREQ 16 {
        ifindex 0 Codec::Ifindex,;
        type    4 Codec::Named16(bits::PACKET_MEMBERSHIPS),;
        addr    6 Codec::Counted16(8), optional;
    }
    /// `struct tpacket_stats`, packet(7)
    PACKET_STATISTICS 12 {
        packets      0 Codec::Uint,;
        drops        4 Codec::Uint,;
        freeze_q_cnt 8 Codec::Uint,;
    }
    /// `struct tpacket_rollover_stats`, linux/if_packet.h
    PACKET_ROLLOVER 24 {
        all    0  Codec::U64,;
        huge   8  Codec::U64,;
        failed 16 Codec::U64,;
    }
    /// `struct fanout_args`, linux/if_packet.h: the mode and the flags share a number, each its own byte of it.
    PACKET_FANOUT 8 {
        id              0 Codec::U16,;
        mode            2 Codec::Fanout,;
        max_num_members 4 Codec::Uint, optional;
    }
    /// `struct tpacket_auxdata`, packet(7)
    PACKET_AUXDATA 20 {
        status    0  Codec::Bits(bits::PACKET_STATUS),;
        len       4  Codec::Uint,;
        snaplen   8  Codec::Uint,;
        mac       12 Codec::U16,;
        net       14 Codec::U16,;
        vlan_tci  16 Codec::U16,;
        vlan_tpid 18 Codec::U16,;
    }
    /// `struct can_raw_vcid_options`, linux/can/raw.h
    CAN_VCID 4 {
        flags        0 Codec::Bits8(bits::CAN_VCID_FLAGS),;
        tx_vcid      1 Codec::U8,;
        rx_vcid      2 Codec::U8,;
        rx_vcid_mask 3 Codec::U8,;
    }
    /// `struct can_isotp_options`, linux/can/isotp.h
    ISOTP 12 {
        flags          0  Codec::Bits(bits::ISOTP_FLAGS),;
        frame_txtime   4  Codec::Uint,;
        ext_address    8  Codec::U8,;
        txpad          9  Codec::U8,;
        rxpad          10 Codec::U8,;
        rx_ext_address 11 Codec::U8,;
    }
    /// `struct can_isotp_fc_options`, linux/can/isotp.h
    ISOTP_FC 3 {
        bs     0 Codec::U8,;
        stmin  1 Codec::U8,;
        wftmax 2 Codec::U8,;
    }
    /// `struct can_isotp_ll_options`, linux/can/isotp.h
    ISOTP_LL 3 {
        mtu      0 Codec::U8,;
        tx_dl    1 Codec::U8,;
        tx_flags 2 Codec::U8,;
    }
    /// `struct j1939_filter`, linux/can/j1939.h
    J1939_FILTER 32 {
        name      0  Codec::U64, optional;
        name_mask 8  Codec::U64, optional;
        pgn       16 Codec::Uint, optional;
        pgn_mask  20 Codec::Uint, optional;
        addr      24 Codec::U8, optional;
        addr_mask 25 Codec::U8, optional;
    }
    /// `struct tipc_group_req`, linux/tipc.h
    TIPC_GROUP 16 {
        type     0  Codec::Uint,;
        instance 4  Codec::Uint,;
        scope    8  Codec::Named(bits::TIPC_SCOPES),;
        flags    12 Codec::Bits(bits::TIPC_GROUP_FLAGS), optional;
    }
    /// The control message TIPC_ERRINFO, linux/tipc.h
    TIPC_ERRINFO 8 {
        error  0 Codec::Named(bits::TIPC_ERRORS),;
        length 4 Codec::Uint,;
    }
    /// The control message TIPC_DESTNAME, linux/tipc.h
    TIPC_DESTNAME 12 {
        type  0 Codec::Uint,;
        lower 4 Codec::Uint,;
        upper 8 Codec::Uint,;
    }
    /// `struct xdp_statistics`, linux/if_xdp.h
    XDP_STATISTICS 48 {
        rx_dropped               0  Codec::U64,;
        rx_invalid_descs         8  Codec::U64,;
        tx_invalid_descs         16 Codec::U64,;
        rx_ring_full             24 Codec::U64,;
        rx_fill_ring_empty_descs 32 Codec::U64,;
        tx_ring_empty_descs      40 Codec::U64,;
    }
    /// `struct xdp_ring_offset`, linux/if_xdp.h
    XDP_OFFSET 32 {
        producer 0  Codec::U64,;
        consumer 8  Codec::U64,;
        desc     16 Codec::U64,;
        flags    24 Codec::U64,;
    }
    /// `struct xdp_mmap_offsets`, linux/if_xdp.h
    XDP_OFFSETS 128 {
        rx 0  Codec::Struct(&XDP_OFFSET),;
        tx 32 Codec::Struct(&XDP_OFFSET),;
        fr 64 Codec::Struct(&XDP_OFFSET),;
        cr 96 Codec::Struct(&XDP_OFFSET),;
    }
    /// `struct bt_security`, the Bluetooth stack
    BT_SECURITY 2 {
        level    0 Codec::Named8(bits::BLUETOOTH_SECURITY),;
        key_size 1 Codec::U8, optional;
    }
    /// `struct l2cap_options`, the Bluetooth stack
    L2CAP_OPTIONS 12 {
        omtu       0  Codec::U16,;
        imtu       2  Codec::U16,;
        flush_to   4  Codec::U16,;
        mode       6  Codec::Named8(bits::L2CAP_MODES),;
        fcs        7  Codec::U8,;
        max_tx     8  Codec::U8,;
        txwin_size 10 Codec::U16,;
    }
    /// `struct l2cap_conninfo`, `struct rfcomm_conninfo` and `struct sco_conninfo`, the Bluetooth stack
    BT_CONNINFO 6 {
        hci_handle 0 Codec::U16,;
        dev_class  2 Codec::Bytes(3),;
    }
    /// `struct hci_ufilter`, the Bluetooth stack
    HCI_FILTER 16 {
        type_mask  0  Codec::Uint,;
        event_mask 4  Codec::U64,;
        opcode     12 Codec::U16,;
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
    /// `struct sctp_sack_info`, RFC 6458 section 8.1.19
    SCTP_SACK 12 {
        assoc_id 0 Codec::Int,;
        delay    4 Codec::Uint,;
        freq     8 Codec::Uint,;
    }
    /// `struct sctp_authkey`, RFC 6458 section 8.3.2
    SCTP_KEY 72 {
        assoc_id  0 Codec::Int,;
        keynumber 4 Codec::U16,;
        key       6 Codec::Counted16(64),;
    }
    /// `struct sctp_authkeyid`, RFC 6458 section 8.1.21
    SCTP_KEY_ID 8 {
        assoc_id  0 Codec::Int,;
        keynumber 4 Codec::U16,;
    }
    /// `struct sctp_authchunks`, RFC 6458 section 8.2.3
    SCTP_CHUNKS 264 {
        assoc_id 0 Codec::Int,;
        chunks   4 Codec::Counted32(256),;
    }
    /// `struct sctp_paddrthlds`, linux/sctp.h
    SCTP_THRESHOLDS 144 {
        assoc_id   0   Codec::Int,;
        address    8   Codec::Address,;
        pathmaxrxt 136 Codec::U16,;
        pathpfthld 138 Codec::U16,;
    }
    /// `struct sctp_sndinfo`, RFC 6458 section 5.3.4
    SCTP_SNDINFO 16 {
        sid      0  Codec::U16,;
        flags    2  Codec::Bits16(SCTP_FLAGS), optional;
        ppid     4  Codec::Uint, optional;
        context  8  Codec::Uint, optional;
        assoc_id 12 Codec::Int,;
    }
    /// `struct sctp_rcvinfo`, RFC 6458 section 5.3.5
    SCTP_RCVINFO 28 {
        sid      0  Codec::U16,;
        ssn      2  Codec::U16,;
        flags    4  Codec::Bits16(SCTP_FLAGS),;
        ppid     8  Codec::Uint,;
        tsn      12 Codec::Uint,;
        cumtsn   16 Codec::Uint,;
        context  20 Codec::Uint,;
        assoc_id 24 Codec::Int,;
    }
    /// `struct sctp_nxtinfo`, RFC 6458 section 5.3.6
    SCTP_NXTINFO 16 {
        sid      0  Codec::U16,;
        flags    2  Codec::Bits16(SCTP_FLAGS),;
        ppid     4  Codec::Uint,;
        length   8  Codec::Uint,;
        assoc_id 12 Codec::Int,;
    }
    /// `struct sctp_prinfo`, RFC 6458 section 5.3.7
    SCTP_PRINFO 8 {
        policy 0 Codec::Named16(bits::SCTP_POLICIES),;
        value  4 Codec::Uint,;
    }
    /// `struct sctp_authinfo`, RFC 6458 section 5.3.8
    SCTP_AUTHINFO 2 {
        keynumber 0 Codec::U16,;
    }
    /// `struct sctp_default_prinfo`, RFC 6458 section 8.1.32
    SCTP_DEFAULT_PRINFO 12 {
        assoc_id 0 Codec::Int,;
        value    4 Codec::Uint,;
        policy   8 Codec::Named16(bits::SCTP_POLICIES),;
    }
    /// `struct sctp_prstatus`, RFC 7496
    SCTP_PRSTATUS 24 {
        assoc_id         0  Codec::Int,;
        sid              4  Codec::U16,;
        policy           6  Codec::Named16(bits::SCTP_POLICIES),;
        abandoned_unsent 8  Codec::U64, optional;
        abandoned_sent   16 Codec::U64, optional;
    }
    /// `struct sctp_add_streams`, RFC 6525
    SCTP_ADD_STREAMS 8 {
        assoc_id 0 Codec::Int,;
        inbound  4 Codec::U16,;
        outbound 6 Codec::U16,;
    }
    /// `struct sctp_stream_value`, linux/sctp.h
    SCTP_STREAM_VALUE 8 {
        assoc_id 0 Codec::Int,;
        stream   4 Codec::U16,;
        value    6 Codec::U16,;
    }
    /// `struct sctp_event`, RFC 6458 section 6.2.2
    SCTP_EVENT 8 {
        assoc_id 0 Codec::Int,;
        type     4 Codec::Named16(bits::SCTP_EVENTS),;
        on       6 Codec::Bool8,;
    }
    /// `struct sctp_udpencaps`, RFC 6951
    SCTP_UDPENCAPS 144 {
        assoc_id 0   Codec::Int,;
        address  8   Codec::Address,;
        port     136 Codec::Be16,;
    }
    /// `struct sctp_probeinterval`, linux/sctp.h
    SCTP_PROBE 144 {
        assoc_id 0   Codec::Int,;
        address  8   Codec::Address,;
        interval 136 Codec::Uint,;
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
