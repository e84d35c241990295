//! Tables of names and their numbers: domains, types, protocols, directions and others.

/// An Erlang name, and the kernel's number for it.
pub type Name = (&'static str, i32);

/// The number of a name in a table.
pub fn number(table: &[Name], name: &str) -> Option<i32> {
    table.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The first name for a number in a table.
pub fn name(table: &[Name], number: i32) -> Option<&'static str> {
    table.iter().find(|row| row.1 == number).map(|row| row.0)
}

/// AF_QIPCRTR
pub const AF_QIPCRTR: i32 = 42;
/// AF_MCTP
pub const AF_MCTP: i32 = 45;

/// Communication domains, address_families(7). Of two names for one number the first is answered.
pub const DOMAINS: &[Name] = &[
    ("inet", libc::AF_INET),
    ("inet6", libc::AF_INET6),
    ("local", libc::AF_UNIX),
    ("unix", libc::AF_UNIX),
    ("unspec", libc::AF_UNSPEC),
    ("ax25", 3),
    ("ipx", 4),
    ("appletalk", 5),
    ("netrom", 6),
    ("bridge", 7),
    ("atmpvc", 8),
    ("x25", 9),
    ("rose", 11),
    ("decnet", 12),
    ("netbeui", 13),
    ("security", 14),
    ("key", 15),
    ("netlink", libc::AF_NETLINK),
    ("route", libc::AF_NETLINK),
    ("packet", libc::AF_PACKET),
    ("ash", 18),
    ("econet", 19),
    ("atmsvc", 20),
    ("rds", 21),
    ("sna", 22),
    ("irda", 23),
    ("pppox", 24),
    ("wanpipe", 25),
    ("llc", libc::AF_LLC),
    ("ib", 27),
    ("mpls", 28),
    ("can", libc::AF_CAN),
    ("tipc", libc::AF_TIPC),
    ("bluetooth", libc::AF_BLUETOOTH),
    ("iucv", 32),
    ("rxrpc", 33),
    ("isdn", 34),
    ("phonet", 35),
    ("ieee802154", 36),
    ("caif", 37),
    ("alg", libc::AF_ALG),
    ("nfc", 39),
    ("vsock", libc::AF_VSOCK),
    ("kcm", 41),
    ("qipcrtr", AF_QIPCRTR),
    ("smc", 43),
    ("xdp", libc::AF_XDP),
    ("mctp", AF_MCTP),
];

/// Communication types, socket(2).
pub const TYPES: &[Name] = &[
    ("dccp", 6),
    ("dgram", libc::SOCK_DGRAM),
    ("packet", 10),
    ("raw", libc::SOCK_RAW),
    ("rdm", libc::SOCK_RDM),
    ("seqpacket", libc::SOCK_SEQPACKET),
    ("stream", libc::SOCK_STREAM),
];

/// Packet types, PACKET_* of packet(7).
pub const PACKETS: &[Name] = &[
    ("host", 0),
    ("broadcast", 1),
    ("multicast", 2),
    ("otherhost", 3),
    ("outgoing", 4),
    ("loopback", 5),
    ("user", 6),
    ("kernel", 7),
];

/// Directions for shutdown(2).
pub const HOWS: &[Name] = &[("read", libc::SHUT_RD), ("read_write", libc::SHUT_RDWR), ("write", libc::SHUT_WR)];

/// Protocols, IPPROTO_*, by their names in the IANA registry. The table is built in because small containers have no
/// /etc/protocols.
pub const PROTOCOLS: &[Name] = &[
    ("ip", libc::IPPROTO_IP),
    ("icmp", libc::IPPROTO_ICMP),
    ("igmp", libc::IPPROTO_IGMP),
    ("ipencap", libc::IPPROTO_IPIP),
    ("tcp", libc::IPPROTO_TCP),
    ("egp", libc::IPPROTO_EGP),
    ("pup", libc::IPPROTO_PUP),
    ("udp", libc::IPPROTO_UDP),
    ("idp", libc::IPPROTO_IDP),
    ("tp", libc::IPPROTO_TP),
    ("dccp", libc::IPPROTO_DCCP),
    ("ipv6", libc::IPPROTO_IPV6),
    ("ipv6-route", libc::IPPROTO_ROUTING),
    ("ipv6-frag", libc::IPPROTO_FRAGMENT),
    ("rsvp", libc::IPPROTO_RSVP),
    ("gre", libc::IPPROTO_GRE),
    ("esp", libc::IPPROTO_ESP),
    ("ah", libc::IPPROTO_AH),
    ("ipv6-icmp", libc::IPPROTO_ICMPV6),
    ("ipv6-nonxt", libc::IPPROTO_NONE),
    ("ipv6-opts", libc::IPPROTO_DSTOPTS),
    ("encap", libc::IPPROTO_ENCAP),
    ("mtp", 92),
    ("beetph", 94),
    ("pim", libc::IPPROTO_PIM),
    ("ipcomp", libc::IPPROTO_COMP),
    ("l2tp", 115),
    ("sctp", libc::IPPROTO_SCTP),
    ("mh", libc::IPPROTO_MH),
    ("udplite", libc::IPPROTO_UDPLITE),
    ("mpls-in-ip", libc::IPPROTO_MPLS),
    ("ethernet", 143),
    ("aggfrag", 144),
    ("raw", libc::IPPROTO_RAW),
    ("smc", 256),
    ("mptcp", libc::IPPROTO_MPTCP),
];

/// Path MTU discovery, ip(7) and ipv6(7).
pub const PMTUDISC: &[Name] = &[
    ("do", libc::IP_PMTUDISC_DO),
    ("dont", libc::IP_PMTUDISC_DONT),
    ("interface", 4),
    ("omit", 5),
    ("probe", libc::IP_PMTUDISC_PROBE),
    ("want", libc::IP_PMTUDISC_WANT),
];

/// Modes of a multicast source filter, ip(7).
pub const FILTER_MODES: &[Name] = &[("exclude", libc::MCAST_EXCLUDE), ("include", libc::MCAST_INCLUDE)];

/// Hardware types, ARPHRD_* of if_arp.h.
pub const HARDWARE: &[Name] = &[
    ("netrom", 0),
    ("ether", 1),
    ("eether", 2),
    ("ax25", 3),
    ("pronet", 4),
    ("chaos", 5),
    ("ieee802", 6),
    ("arcnet", 7),
    ("appletlk", 8),
    ("dlci", 15),
    ("atm", 19),
    ("metricom", 23),
    ("ieee1394", 24),
    ("eui64", 27),
    ("infiniband", 32),
    ("tunnel", 768),
    ("tunnel6", 769),
    ("loopback", 772),
    ("localtlk", 773),
    ("none", 0xfffe),
    ("void", 0xffff),
];

/// Scopes of a TIPC address, tipc.h.
pub const TIPC_SCOPES: &[Name] = &[("zone", 1), ("cluster", 2), ("node", 3)];
/// Types of a Bluetooth address, BDADDR_*.
pub const BDADDR_TYPES: &[Name] = &[("bredr", 0), ("le_public", 1), ("le_random", 2)];
/// Channels of HCI, HCI_CHANNEL_*.
pub const HCI_CHANNELS: &[Name] = &[("raw", 0), ("user", 1), ("monitor", 2), ("control", 3), ("logging", 4)];
/// Flags of an address of vsock(7), VMADDR_FLAG_*.
pub const VSOCK_FLAGS: &[Name] = &[("to_host", 1)];
/// Flags of an address of AF_XDP, if_xdp.h.
pub const XDP_FLAGS: &[Name] =
    &[("shared_umem", 1), ("copy", 1 << 1), ("zerocopy", 1 << 2), ("use_need_wakeup", 1 << 3), ("use_sg", 1 << 4)];
/// Context identifiers of vsock(7), VMADDR_CID_*.
pub const VSOCK_CIDS: &[Name] = &[("any", -1), ("hypervisor", 0), ("local", 1), ("host", 2)];
/// The port of vsock(7) that stands for any, VMADDR_PORT_ANY.
pub const VSOCK_PORTS: &[Name] = &[("any", -1)];
/// Names of Bluetooth addresses, BDADDR_*.
pub const BDADDRS: &[Name] = &[("any", 0), ("local", 1), ("all", 2)];
/// J1939_NO_NAME
pub const J1939_NAMES: &[Name] = &[("none", 0)];
/// J1939_NO_PGN, the greatest parameter group number that the kernel takes.
pub const J1939_NO_PGN: u32 = 0x40000;
/// Names of parameter group numbers of J1939.
pub const J1939_PGNS: &[Name] = &[("none", 0x40000)];
/// J1939_NO_ADDR
pub const J1939_ADDRS: &[Name] = &[("none", 0xff)];

/// Codes of getaddrinfo(3), EAI_*, by their names in OTP's `net`.
pub const GAI: &[Name] = &[
    ("ebadflags", -1),
    ("enoname", -2),
    ("eagain", -3),
    ("efail", -4),
    ("enodata", -5),
    ("efamily", -6),
    ("esocktype", -7),
    ("eservice", -8),
    ("eaddrfamily", -9),
    ("emem", -10),
    ("esystem", -11),
    ("eoverflow", -12),
    ("einprogress", -100),
    ("ecanceled", -101),
    ("enotcanceled", -102),
    ("ealldone", -103),
    ("eintr", -104),
    ("eidnencode", -105),
];
