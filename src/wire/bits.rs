//! Names of the values and bits in options and control messages of Linux, by the headers of its user interface.

use super::name::Name;

/// SOF_TIMESTAMPING_*, linux/net_tstamp.h: which packets get timestamps, and how they are reported.
pub const TIMESTAMPING: &[Name] = &[
    ("tx_hardware", 1),
    ("tx_software", 1 << 1),
    ("rx_hardware", 1 << 2),
    ("rx_software", 1 << 3),
    ("software", 1 << 4),
    ("sys_hardware", 1 << 5),
    ("raw_hardware", 1 << 6),
    ("opt_id", 1 << 7),
    ("tx_sched", 1 << 8),
    ("tx_ack", 1 << 9),
    ("opt_cmsg", 1 << 10),
    ("opt_tsonly", 1 << 11),
    ("opt_stats", 1 << 12),
    ("opt_pktinfo", 1 << 13),
    ("opt_tx_swhw", 1 << 14),
    ("bind_phc", 1 << 15),
    ("opt_id_tcp", 1 << 16),
    ("opt_rx_filter", 1 << 17),
    ("tx_completion", 1 << 18),
];

/// SOF_TXTIME_*, linux/net_tstamp.h.
pub const TXTIME: &[Name] = &[("deadline_mode", 1), ("report_errors", 2)];

/// Clocks of SO_TXTIME, CLOCK_* of clock_gettime(2).
pub const CLOCKS: &[Name] = &[("realtime", 0), ("monotonic", 1), ("tai", 11)];

/// SOCK_*_LOCK, linux/socket.h: which buffers keep a size that was set.
pub const BUFFER_LOCKS: &[Name] = &[("snd", 1), ("rcv", 2)];

/// SOCK_TXREHASH_*, linux/socket.h.
pub const TXREHASH: &[Name] = &[("default", -1), ("disabled", 0), ("enabled", 1)];

/// IPV6_PREFER_SRC_*, linux/in6.h, RFC 5014.
pub const ADDRESS_PREFERENCES: &[Name] =
    &[("tmp", 1), ("public", 2), ("coa", 4), ("cga", 8), ("pubtmp_default", 0x100), ("home", 0x400), ("noncga", 0x800)];

/// IPV6_FL_A_*, linux/in6.h.
pub const FLOWLABEL_ACTIONS: &[Name] = &[("get", 0), ("put", 1), ("renew", 2)];
/// IPV6_FL_S_*, linux/in6.h.
pub const FLOWLABEL_SHARES: &[Name] = &[("none", 0), ("excl", 1), ("process", 2), ("user", 3), ("any", 255)];
/// IPV6_FL_F_*, linux/in6.h.
pub const FLOWLABEL_FLAGS: &[Name] = &[("create", 1), ("excl", 2), ("reflect", 4), ("remote", 8)];

/// TCP_REPAIR_*, linux/tcp.h.
pub const REPAIR: &[Name] = &[("off", 0), ("on", 1), ("off_no_wp", -1)];
/// Queues of TCP_REPAIR_QUEUE, linux/tcp.h.
pub const REPAIR_QUEUES: &[Name] = &[("none", 0), ("recv", 1), ("send", 2)];

/// UDP_ENCAP_* and TCP_ENCAP_*, linux/udp.h.
pub const ENCAPSULATIONS: &[Name] = &[
    ("none", 0),
    ("espinudp_non_ike", 1),
    ("espinudp", 2),
    ("l2tpinudp", 3),
    ("gtp0", 4),
    ("gtp1u", 5),
    ("rxrpc", 6),
    ("espintcp", 7),
    ("ovpninudp", 8),
];

/// Versions of TLS, linux/tls.h, as OTP's `ssl` names them.
pub const TLS_VERSIONS: &[Name] = &[("tlsv1.2", 0x0303), ("tlsv1.3", 0x0304)];

/// TLS_CIPHER_*, linux/tls.h.
pub const TLS_CIPHERS: &[Name] = &[
    ("aes_gcm_128", 51),
    ("aes_gcm_256", 52),
    ("aes_ccm_128", 53),
    ("chacha20_poly1305", 54),
    ("sm4_gcm", 55),
    ("sm4_ccm", 56),
    ("aria_gcm_128", 57),
    ("aria_gcm_256", 58),
];

/// TPACKET_V*, linux/if_packet.h.
pub const PACKET_VERSIONS: &[Name] = &[("v1", 0), ("v2", 1), ("v3", 2)];
/// PACKET_MR_*, packet(7).
pub const PACKET_MEMBERSHIPS: &[Name] = &[("multicast", 0), ("promisc", 1), ("allmulti", 2), ("unicast", 3)];
/// PACKET_FANOUT_*, packet(7).
pub const FANOUTS: &[Name] =
    &[("hash", 0), ("lb", 1), ("cpu", 2), ("rollover", 3), ("rnd", 4), ("qm", 5), ("cbpf", 6), ("ebpf", 7)];
/// PACKET_FANOUT_FLAG_*, packet(7).
pub const FANOUT_FLAGS: &[Name] =
    &[("rollover", 0x1000), ("uniqueid", 0x2000), ("ignore_outgoing", 0x4000), ("defrag", 0x8000)];
/// TP_STATUS_*, linux/if_packet.h.
pub const PACKET_STATUS: &[Name] = &[
    ("user", 1),
    ("copy", 1 << 1),
    ("losing", 1 << 2),
    ("csumnotready", 1 << 3),
    ("vlan_valid", 1 << 4),
    ("blk_tmo", 1 << 5),
    ("vlan_tpid_valid", 1 << 6),
    ("csum_valid", 1 << 7),
    ("gso_tcp", 1 << 8),
    ("ts_software", 1 << 29),
    ("ts_raw_hardware", i32::MIN),
];

/// Classes of error frames, CAN_ERR_* of linux/can/error.h.
pub const CAN_ERRORS: &[Name] = &[
    ("tx_timeout", 1),
    ("lostarb", 1 << 1),
    ("crtl", 1 << 2),
    ("prot", 1 << 3),
    ("trx", 1 << 4),
    ("ack", 1 << 5),
    ("busoff", 1 << 6),
    ("buserror", 1 << 7),
    ("restarted", 1 << 8),
    ("cnt", 1 << 9),
];
/// CAN_RAW_XL_VCID_*, linux/can/raw.h.
pub const CAN_VCID_FLAGS: &[Name] = &[("tx_set", 1), ("tx_pass", 2), ("rx_filter", 4)];
/// The mark of a filter that takes what does not match, CAN_INV_FILTER of linux/can.h.
pub const CAN_INVERTED: &[Name] = &[("inv", 0x2000_0000)];
/// CAN_ISOTP_*, linux/can/isotp.h.
pub const ISOTP_FLAGS: &[Name] = &[
    ("listen_mode", 1),
    ("extend_addr", 1 << 1),
    ("tx_padding", 1 << 2),
    ("rx_padding", 1 << 3),
    ("chk_pad_len", 1 << 4),
    ("chk_pad_data", 1 << 5),
    ("half_duplex", 1 << 6),
    ("force_txstmin", 1 << 7),
    ("force_rxstmin", 1 << 8),
    ("rx_ext_addr", 1 << 9),
    ("wait_tx_done", 1 << 10),
    ("sf_broadcast", 1 << 11),
    ("cf_broadcast", 1 << 12),
    ("dyn_fc_parms", 1 << 13),
];

/// TIPC_*_IMPORTANCE, linux/tipc.h.
pub const TIPC_IMPORTANCES: &[Name] = &[("low", 0), ("medium", 1), ("high", 2), ("critical", 3)];
/// Scopes of a TIPC name, linux/tipc.h.
pub const TIPC_SCOPES: &[Name] = &[("zone", 1), ("cluster", 2), ("node", 3)];
/// Flags of a TIPC group, linux/tipc.h.
pub const TIPC_GROUP_FLAGS: &[Name] = &[("loopback", 1), ("member_evts", 2)];
/// Errors of TIPC, linux/tipc.h.
pub const TIPC_ERRORS: &[Name] =
    &[("ok", 0), ("no_name", 1), ("no_port", 2), ("no_node", 3), ("overload", 4), ("conn_shutdown", 5)];

/// RDS_TRANS_*, linux/rds.h.
pub const RDS_TRANSPORTS: &[Name] = &[("none", -1), ("ib", 0), ("gap", 1), ("tcp", 2)];

/// ALG_OP_*, linux/if_alg.h.
pub const ALG_OPERATIONS: &[Name] = &[("decrypt", 0), ("encrypt", 1)];

/// XDP_OPTIONS_*, linux/if_xdp.h.
pub const XDP_OPTIONS: &[Name] = &[("zerocopy", 1)];

/// Link modes L2CAP_LM_* and RFCOMM_LM_*, the Bluetooth stack.
pub const LINK_MODES: &[Name] =
    &[("master", 1), ("auth", 2), ("encrypt", 4), ("trusted", 8), ("reliable", 0x10), ("secure", 0x20), ("fips", 0x40)];
/// BT_SECURITY_*, the Bluetooth stack.
pub const BLUETOOTH_SECURITY: &[Name] = &[("sdp", 0), ("low", 1), ("medium", 2), ("high", 3), ("fips", 4)];
/// L2CAP_MODE_*, the Bluetooth stack.
pub const L2CAP_MODES: &[Name] =
    &[("basic", 0), ("ertm", 3), ("streaming", 4), ("le_flowctl", 0x80), ("ext_flowctl", 0x81)];

/// Policies of partial reliability, SCTP_PR_SCTP_* of linux/sctp.h.
pub const SCTP_POLICIES: &[Name] = &[("none", 0), ("ttl", 0x10), ("rtx", 0x20), ("prio", 0x30)];
/// Types of notifications, RFC 6458 section 6.1.
pub const SCTP_EVENTS: &[Name] = &[
    ("data_io", 0x8000),
    ("assoc_change", 0x8001),
    ("peer_addr_change", 0x8002),
    ("send_failed", 0x8003),
    ("remote_error", 0x8004),
    ("shutdown_event", 0x8005),
    ("partial_delivery_event", 0x8006),
    ("adaptation_indication", 0x8007),
    ("authentication_event", 0x8008),
    ("sender_dry_event", 0x8009),
    ("stream_reset_event", 0x800a),
    ("assoc_reset_event", 0x800b),
    ("stream_change_event", 0x800c),
    ("send_failed_event", 0x800d),
];

/// Names of a single value in place of the usual form of a value.
pub const SINGLE: &[Name] = &[("default", 0), ("abort", 0), ("null", 0), ("none", 0), ("off", 0), ("unlimited", 0)];

/// Every table here.
pub const TABLES: &[&[Name]] = &[
    TIMESTAMPING,
    TXTIME,
    CLOCKS,
    BUFFER_LOCKS,
    TXREHASH,
    ADDRESS_PREFERENCES,
    FLOWLABEL_ACTIONS,
    FLOWLABEL_SHARES,
    FLOWLABEL_FLAGS,
    REPAIR,
    REPAIR_QUEUES,
    ENCAPSULATIONS,
    TLS_VERSIONS,
    TLS_CIPHERS,
    PACKET_VERSIONS,
    PACKET_MEMBERSHIPS,
    FANOUTS,
    FANOUT_FLAGS,
    PACKET_STATUS,
    CAN_ERRORS,
    CAN_VCID_FLAGS,
    CAN_INVERTED,
    ISOTP_FLAGS,
    TIPC_IMPORTANCES,
    TIPC_SCOPES,
    TIPC_GROUP_FLAGS,
    TIPC_ERRORS,
    RDS_TRANSPORTS,
    ALG_OPERATIONS,
    XDP_OPTIONS,
    LINK_MODES,
    BLUETOOTH_SECURITY,
    L2CAP_MODES,
    SCTP_POLICIES,
    SCTP_EVENTS,
    SINGLE,
];
