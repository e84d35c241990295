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

/// Communication domains, address_families(7).
pub const DOMAINS: &[Name] =
    &[("inet", libc::AF_INET), ("inet6", libc::AF_INET6), ("local", libc::AF_UNIX), ("unspec", libc::AF_UNSPEC)];

/// Communication types, socket(2).
pub const TYPES: &[Name] = &[
    ("dgram", libc::SOCK_DGRAM),
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
    ("pim", libc::IPPROTO_PIM),
    ("ipcomp", libc::IPPROTO_COMP),
    ("sctp", libc::IPPROTO_SCTP),
    ("mh", libc::IPPROTO_MH),
    ("udplite", libc::IPPROTO_UDPLITE),
    ("mpls-in-ip", libc::IPPROTO_MPLS),
    ("raw", libc::IPPROTO_RAW),
    ("mptcp", libc::IPPROTO_MPTCP),
];

/// Path MTU discovery, ip(7) and ipv6(7).
pub const PMTUDISC: &[Name] = &[
    ("do", libc::IP_PMTUDISC_DO),
    ("dont", libc::IP_PMTUDISC_DONT),
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
