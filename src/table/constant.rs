//! The table of constants by class: what C calls them, their names here, and their numbers.

use super::option::Keeper;
use super::{control, ioctl, option};
use crate::wire::name::{self, Name};
use crate::wire::{bits, errno, extended_error, flag, layout, tos};

/// A class of constants.
#[derive(Debug)]
pub struct Class {
    /// Its name; of options and control messages `option` and `cmsg`.
    pub name: &'static str,
    /// The level, of options and control messages.
    pub level: Option<&'static str>,
    /// What the names of C begin with.
    pub prefixes: &'static [&'static str],
    /// The names, in lower case and without the prefix, and their numbers.
    pub names: Vec<(String, i64)>,
}

macro_rules! classes {
    ($($name:ident $prefixes:expr, $names:expr;)*) => {
        const NAMED: &[(&str, &[&str], &[Name])] = &[$((stringify!($name), &$prefixes, $names)),*];
    };
}

classes! {
    domain               ["AF_", "PF_"],       name::DOMAINS;
    type                 ["SOCK_"],            name::TYPES;
    protocol             ["IPPROTO_"],         name::PROTOCOLS;
    msg_flag             ["MSG_"],             flag::TABLE;
    shutdown             ["SHUT_"],            SHUTDOWN;
    hatype               ["ARPHRD_"],          name::HARDWARE;
    packet_type          ["PACKET_"],          name::PACKETS;
    pmtudisc             ["IP_PMTUDISC_", "IPV6_PMTUDISC_"], name::PMTUDISC;
    filter_mode          ["MCAST_"],           name::FILTER_MODES;
    ee_origin            ["SO_EE_ORIGIN_"],    extended_error::ORIGINS;
    timestamping         ["SOF_TIMESTAMPING_"], bits::TIMESTAMPING;
    txtime               ["SOF_TXTIME_"],      bits::TXTIME;
    clock                ["CLOCK_"],           bits::CLOCKS;
    buffer_lock          [],                   bits::BUFFER_LOCKS;
    txrehash             ["SOCK_TXREHASH_"],   bits::TXREHASH;
    addr_preference      ["IPV6_PREFER_SRC_"], bits::ADDRESS_PREFERENCES;
    flowlabel_action     ["IPV6_FL_A_"],       bits::FLOWLABEL_ACTIONS;
    flowlabel_share      ["IPV6_FL_S_"],       bits::FLOWLABEL_SHARES;
    flowlabel_flag       ["IPV6_FL_F_"],       bits::FLOWLABEL_FLAGS;
    tcp_state            ["TCP_"],             layout::TCP_STATES;
    repair               ["TCP_REPAIR_"],      bits::REPAIR;
    repair_queue         [],                   bits::REPAIR_QUEUES;
    udp_encap            ["UDP_ENCAP_", "TCP_ENCAP_"], bits::ENCAPSULATIONS;
    tls_version          [],                   bits::TLS_VERSIONS;
    tls_cipher           ["TLS_CIPHER_"],      bits::TLS_CIPHERS;
    packet_version       ["TPACKET_"],         bits::PACKET_VERSIONS;
    packet_membership    ["PACKET_MR_"],       bits::PACKET_MEMBERSHIPS;
    packet_fanout        ["PACKET_FANOUT_"],   bits::FANOUTS;
    packet_fanout_flag   ["PACKET_FANOUT_FLAG_"], bits::FANOUT_FLAGS;
    packet_status        ["TP_STATUS_"],       bits::PACKET_STATUS;
    can_error            ["CAN_ERR_"],         bits::CAN_ERRORS;
    can_vcid_flag        ["CAN_RAW_XL_VCID_"], bits::CAN_VCID_FLAGS;
    isotp_flag           ["CAN_ISOTP_"],       bits::ISOTP_FLAGS;
    tipc_importance      ["TIPC_IMPORTANCE_"], bits::TIPC_IMPORTANCES;
    tipc_scope           ["TIPC_SCOPE_"],      bits::TIPC_SCOPES;
    tipc_group_flag      ["TIPC_GROUP_"],      bits::TIPC_GROUP_FLAGS;
    tipc_error           ["TIPC_ERR_"],        bits::TIPC_ERRORS;
    rds_transport        ["RDS_TRANS_"],       bits::RDS_TRANSPORTS;
    alg_op               ["ALG_OP_"],          bits::ALG_OPERATIONS;
    xdp_option           ["XDP_OPTIONS_"],     bits::XDP_OPTIONS;
    link_mode            ["L2CAP_LM_", "RFCOMM_LM_"], bits::LINK_MODES;
    bluetooth_security   ["BT_SECURITY_"],     bits::BLUETOOTH_SECURITY;
    l2cap_mode           ["L2CAP_MODE_"],      bits::L2CAP_MODES;
    sctp_policy          ["SCTP_PR_SCTP_"],    bits::SCTP_POLICIES;
    sctp_event           ["SCTP_"],            bits::SCTP_EVENTS;
    dscp                 [],                   tos::DSCP;
}

/// Directions of shutdown(2), by the names of C and by those of OTP.
const SHUTDOWN: &[Name] = &[("rd", 0), ("wr", 1), ("rdwr", 2), ("read", 0), ("write", 1), ("read_write", 2)];

/// Further names of C: a constant whose name here differs by more than its prefix.
const OTHER: &[(&str, i64)] = &[
    ("af_unix", 1),
    ("pf_unix", 1),
    ("af_file", 1),
    ("af_route", 16),
    ("ipproto_ipip", 4),
    ("ipproto_icmpv6", 58),
    ("ipproto_routing", 43),
    ("ipproto_fragment", 44),
    ("ipproto_none", 59),
    ("ipproto_dstopts", 60),
    ("ipproto_comp", 108),
    ("ipproto_mpls", 137),
    ("sol_icmp", 1),
    ("scm_max_fd", 253),
    ("somaxconn", 4096),
    ("sock_cloexec", 0o2_000_000),
    ("sock_nonblock", 0o4000),
    ("iov_max", 1024),
    ("ifnamsiz", 16),
    ("if_namesize", 16),
    ("unix_path_max", 108),
    ("inet_addrstrlen", 16),
    ("inet6_addrstrlen", 46),
    ("ni_maxhost", 1025),
    ("ni_maxserv", 32),
    ("ni_numerichost", 1),
    ("ni_numericserv", 2),
    ("ni_nofqdn", 4),
    ("ni_namereqd", 8),
    ("ni_dgram", 16),
    ("ni_idn", 32),
    ("ai_passive", 1),
    ("ai_canonname", 2),
    ("ai_numerichost", 4),
    ("ai_v4mapped", 8),
    ("ai_all", 0x10),
    ("ai_addrconfig", 0x20),
    ("ai_idn", 0x40),
    ("ai_canonidn", 0x80),
    ("ai_numericserv", 0x400),
    ("eai_badflags", -1),
    ("eai_noname", -2),
    ("eai_again", -3),
    ("eai_fail", -4),
    ("eai_nodata", -5),
    ("eai_family", -6),
    ("eai_socktype", -7),
    ("eai_service", -8),
    ("eai_addrfamily", -9),
    ("eai_memory", -10),
    ("eai_system", -11),
    ("eai_overflow", -12),
    ("eai_inprogress", -100),
    ("eai_canceled", -101),
    ("eai_notcanceled", -102),
    ("eai_alldone", -103),
    ("eai_intr", -104),
    ("eai_idn_encode", -105),
    ("inaddr_any", 0),
    ("inaddr_broadcast", 0xffff_ffff),
    ("inaddr_none", 0xffff_ffff),
    ("inaddr_loopback", 0x7f00_0001),
    ("inaddr_unspec_group", 0xe000_0000),
    ("inaddr_allhosts_group", 0xe000_0001),
    ("inaddr_allrtrs_group", 0xe000_0002),
    ("inaddr_max_local_group", 0xe000_00ff),
    ("ipport_reserved", 1024),
    ("ipport_userreserved", 5000),
    ("ip_default_multicast_ttl", 1),
    ("ip_default_multicast_loop", 1),
    ("ip_max_memberships", 20),
    ("ipv6_join_group", 20),
    ("ipv6_leave_group", 21),
    ("ipv6_hoplimit", 52),
    ("ipv6_pktinfo", 50),
    ("ipv6_rthdr_type_0", 0),
    ("ipv6_tlv_pad1", 0),
    ("ipv6_tlv_padn", 1),
    ("ipv6_tlv_routeralert", 5),
    ("ipv6_tlv_jumbo", 194),
    ("ipv6_tlv_hao", 201),
    ("tcp_md5sig_ext", 32),
    ("tcp_md5sig_maxkeylen", 80),
    ("bpf_maxinsns", 4096),
    ("vmaddr_cid_any", 0xffff_ffff),
    ("vmaddr_cid_hypervisor", 0),
    ("vmaddr_cid_local", 1),
    ("vmaddr_cid_host", 2),
    ("vmaddr_port_any", 0xffff_ffff),
    ("so_ee_code_zerocopy_copied", 1),
    ("so_ee_code_txtime_invalid_param", 1),
    ("so_ee_code_txtime_missed", 2),
    ("can_eff_flag", 0x8000_0000),
    ("can_rtr_flag", 0x4000_0000),
    ("can_err_flag", 0x2000_0000),
    ("can_inv_filter", 0x2000_0000),
    ("can_sff_mask", 0x7ff),
    ("can_eff_mask", 0x1fff_ffff),
    ("can_err_mask", 0x1fff_ffff),
    ("can_mtu", 16),
    ("canfd_mtu", 72),
    ("canxl_mtu", 2060),
    ("can_raw", 1),
    ("can_bcm", 2),
    ("can_isotp", 6),
    ("can_j1939", 7),
    ("sol_can_base", 100),
    ("eth_p_all", 3),
    ("eth_p_ip", 0x0800),
    ("eth_p_arp", 0x0806),
    ("eth_p_ipv6", 0x86dd),
    ("eth_p_8021q", 0x8100),
    ("eth_p_lldp", 0x88cc),
    ("eth_p_can", 0x000c),
    ("eth_p_canfd", 0x000d),
    ("netlink_route", 0),
    ("netlink_usersock", 2),
    ("netlink_sock_diag", 4),
    ("netlink_inet_diag", 4),
    ("netlink_nflog", 5),
    ("netlink_xfrm", 6),
    ("netlink_selinux", 7),
    ("netlink_audit", 9),
    ("netlink_connector", 11),
    ("netlink_netfilter", 12),
    ("netlink_kobject_uevent", 15),
    ("netlink_generic", 16),
    ("netlink_crypto", 21),
    ("btproto_l2cap", 0),
    ("btproto_hci", 1),
    ("btproto_sco", 2),
    ("btproto_rfcomm", 3),
    ("btproto_bnep", 4),
    ("btproto_iso", 8),
    ("alg_op_sign", 2),
    ("alg_op_verify", 3),
    ("alg_set_aead_assoclen", 4),
    ("alg_set_iv", 2),
    ("alg_set_op", 3),
    ("can_bcm_can_fd_frame", 2048),
    ("can_bcm_rx_announce_resume", 256),
    ("can_bcm_rx_changed", 12),
    ("can_bcm_rx_check_dlc", 64),
    ("can_bcm_rx_delete", 6),
    ("can_bcm_rx_filter_id", 32),
    ("can_bcm_rx_no_autotimer", 128),
    ("can_bcm_rx_read", 7),
    ("can_bcm_rx_rtr_frame", 1024),
    ("can_bcm_rx_setup", 5),
    ("can_bcm_rx_status", 10),
    ("can_bcm_rx_timeout", 11),
    ("can_bcm_settimer", 1),
    ("can_bcm_starttimer", 2),
    ("can_bcm_tx_announce", 8),
    ("can_bcm_tx_countevt", 4),
    ("can_bcm_tx_cp_can_id", 16),
    ("can_bcm_tx_delete", 2),
    ("can_bcm_tx_expired", 9),
    ("can_bcm_tx_read", 3),
    ("can_bcm_tx_reset_multi_idx", 512),
    ("can_bcm_tx_send", 4),
    ("can_bcm_tx_setup", 1),
    ("can_bcm_tx_status", 8),
    ("ewouldblock", 11),
    ("ioctl_vm_sockets_get_local_cid", 1977),
    ("ipproto_hopopts", 0),
    ("ipv6_nexthop", 9),
    ("j1939_ee_info_none", 0),
    ("j1939_ee_info_tx_abort", 1),
    ("j1939_filter_max", 512),
    ("j1939_idle_addr", 254),
    ("j1939_max_unicast_addr", 253),
    ("j1939_nla_bytes_acked", 1),
    ("j1939_nla_pad", 0),
    ("j1939_no_addr", 255),
    ("j1939_no_name", 0),
    ("j1939_no_pgn", 262144),
    ("j1939_pgn_address_claimed", 60928),
    ("j1939_pgn_address_commanded", 65240),
    ("j1939_pgn_max", 262143),
    ("j1939_pgn_pdu1_max", 261888),
    ("j1939_pgn_request", 59904),
    ("netlink_dnrtmsg", 14),
    ("netlink_firewall", 3),
    ("netlink_ip6_fw", 13),
    ("packet_fastroute", 6),
    ("tipc_addr_id", 3),
    ("tipc_addr_name", 2),
    ("tipc_addr_nameseq", 1),
    ("tipc_cfg_srv", 0),
    ("tipc_cluster_scope", 2),
    ("tipc_critical_importance", 3),
    ("tipc_high_importance", 2),
    ("tipc_low_importance", 0),
    ("tipc_medium_importance", 1),
    ("tipc_node_scope", 3),
    ("tipc_published", 1),
    ("tipc_sub_cancel", 4),
    ("tipc_sub_ports", 1),
    ("tipc_sub_service", 2),
    ("tipc_subscr_timeout", 3),
    ("tipc_top_srv", 1),
    ("tipc_wait_forever", -1),
    ("tipc_withdrawn", 2),
    ("tipc_zone_scope", 1),
    ("vm_sockets_invalid_version", 4294967295),
];

/// What the names of C begin with, by the level of an option.
const LEVELS: &[(&str, &[&str])] = &[
    ("socket", &["SO_"]),
    ("ip", &["IP_"]),
    ("ipv6", &["IPV6_"]),
    ("tcp", &["TCP_"]),
    ("udp", &["UDP_"]),
    ("udplite", &["UDPLITE_"]),
    ("sctp", &["SCTP_"]),
    ("mcast", &["MCAST_"]),
    ("icmp", &["ICMP_"]),
    ("icmpv6", &["ICMPV6_"]),
    ("mptcp", &["MPTCP_"]),
    ("tls", &["TLS_"]),
    ("packet", &["PACKET_"]),
    ("netlink", &["NETLINK_"]),
    ("can_raw", &["CAN_RAW_"]),
    ("can_isotp", &["CAN_ISOTP_"]),
    ("can_j1939", &["SO_J1939_"]),
    ("tipc", &["TIPC_"]),
    ("vsock", &["SO_VM_SOCKETS_"]),
    ("alg", &["ALG_SET_"]),
    ("rds", &["RDS_", "SO_RDS_"]),
    ("xdp", &["XDP_"]),
    ("smc", &["SMC_"]),
    ("kcm", &["KCM_"]),
    ("mctp", &["MCTP_OPT_"]),
    ("llc", &["LLC_OPT_"]),
    ("bluetooth", &["BT_"]),
    ("l2cap", &["L2CAP_"]),
    ("rfcomm", &["RFCOMM_"]),
    ("sco", &["SCO_"]),
    ("hci", &["HCI_"]),
];

/// Every class. A name of C is that of the first class that has it.
pub fn classes() -> Vec<Class> {
    let plain = |name, prefixes, names| Class { name, level: None, prefixes, names };
    let mut all: Vec<Class> = NAMED.iter().map(|(name, prefixes, names)| plain(name, prefixes, owned(names))).collect();
    let levels = option::levels().filter(|(_, number)| *number >= 0).map(|(name, number)| (name.into(), number.into()));
    all.push(plain("level", &["SOL_"], levels.collect()));
    let errnos = errno::TABLE.iter().map(|(number, name)| (name.to_lowercase(), i64::from(*number)));
    all.push(plain("errno", &[""], errnos.collect()));
    let flags = ioctl::FLAGS.iter().filter_map(|(name, bit)| Some(((*name).into(), i64::from((*bit)?))));
    all.push(plain("interface_flag", &["IFF_"], flags.collect()));
    let options = option::LEVELS.iter().filter_map(|rows| options(rows));
    let messages = option::levels().map(|(level, _)| messages(level)).filter(|class| !class.names.is_empty());
    let other = plain("value", &[""], OTHER.iter().map(|(name, number)| ((*name).into(), *number)).collect());
    all.splice(0..0, std::iter::once(other).chain(options).chain(messages).collect::<Vec<_>>());
    all
}

fn owned(names: &[Name]) -> Vec<(String, i64)> {
    // The highest bit is no sign.
    let value = |number: i32| if number == i32::MIN { 1 << 31 } else { i64::from(number) };
    names.iter().map(|(name, number)| ((*name).to_owned(), value(*number))).collect()
}

/// The class of the options of a level, of those that the system has.
fn options(rows: &[option::Row]) -> Option<Class> {
    let level = rows.first()?.level;
    let number = |row: &option::Row| match row.keeper {
        Keeper::System(_, number) => Some((row.name.to_owned(), i64::from(number))),
        Keeper::Library(_) | Keeper::Unsupported => None,
    };
    let names: Vec<_> = rows.iter().filter_map(number).collect();
    let prefixes = LEVELS.iter().find(|row| row.0 == level).map_or(&[][..], |row| row.1);
    (!names.is_empty()).then_some(Class { name: "option", level: Some(level), prefixes, names })
}

/// The class of the control messages of a level.
fn messages(level: &'static str) -> Class {
    let rows = control::TABLE.iter().filter(|row| row.level == level);
    let names = rows.map(|row| (row.name.to_owned(), i64::from(row.kind))).collect();
    let prefixes: &[&str] = match level {
        "socket" => &["SCM_"],
        "can_j1939" => &["SCM_J1939_"],
        _ => &[],
    };
    Class { name: "cmsg", level: Some(level), prefixes, names }
}
