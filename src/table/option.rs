//! The table of socket options. One option is one row: its name, the kernel's constant, its codec, its access.
//!
//! The table drives setting and getting, the conversion to terms, `supports/0..2`, `is_supported/2,3` and doc/options.md.
//! The rows of a level are sorted by name. A row that is out of order, or a duplicate, does not compile.

use crate::wire::codec::Codec;
use crate::wire::{layout, name};

/// Where the value of an option is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// In the kernel: level and option of setsockopt(2).
    System(i32, i32),
    /// In this library.
    Library(Own),
    /// Nowhere: another operating system has the option, or none has it any more.
    Unsupported,
}

/// Whether an option can be set and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// read only
    R,
    /// read and write
    RW,
    /// write only
    W,
}

/// An option.
#[derive(Debug)]
pub struct Row {
    /// The level's name.
    pub level: &'static str,
    /// The option's name.
    pub name: &'static str,
    /// Where its value is kept.
    pub keeper: Keeper,
    /// How its value is encoded.
    pub codec: Codec,
    /// Whether it can be set and read.
    pub access: Access,
    /// The Erlang type of the value if the library keeps the option; else empty.
    own: &'static str,
}

impl Row {
    /// The Erlang type of its value.
    pub fn erlang_type(&self) -> String {
        if self.own.is_empty() { self.codec.erlang_type() } else { self.own.to_owned() }
    }
}

macro_rules! own {
    ($($variant:ident $name:ident $access:ident $form:literal;)*) => {
        /// The options of level `otp`, which the library keeps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Own { $($variant),* }

        const OWN: &[Row] = &[$(Row {
            level: "otp",
            name: stringify!($name),
            keeper: Keeper::Library(Own::$variant),
            codec: Codec::Own,
            access: Access::$access,
            own: $form,
        }),*];
    };
}

macro_rules! system {
    ($($table:ident $level:ident $number:expr, { $($name:ident $option:expr, $codec:expr, $access:ident;)* })*) => {
        $(const $table: &[Row] = &[$(Row {
            level: stringify!($level),
            name: stringify!($name),
            keeper: Keeper::System($number, $option),
            codec: $codec,
            access: Access::$access,
            own: "",
        }),*];)*

        /// The rows of each level. The last slice has the unsupported options of all levels.
        pub static LEVELS: &[&[Row]] = &[OWN, $($table),*, UNSUPPORTED];

        const _: () = { in_order(OWN); $(in_order($table);)* };
    };
}

macro_rules! unsupported {
    ($($level:ident { $($name:ident)* })*) => {
        /// Options of OTP's `socket` that Linux does not have. Their names are known; setting or getting them fails with
        /// `invalid`.
        const UNSUPPORTED: &[Row] = &[$($(Row {
            level: stringify!($level),
            name: stringify!($name),
            keeper: Keeper::Unsupported,
            codec: Codec::Own,
            access: Access::R,
            own: "",
        },)*)*];
    };
}

own! {
    AssocId            assoc_id            R  "sctp_assoc_id()";
    ControllingProcess controlling_process RW "pid()";
    Debug              debug               RW "boolean()";
    Domain             domain              R  "domain()";
    Fd                 fd                  R  "non_neg_integer()";
    Iow                iow                 RW "boolean()";
    Meta               meta                RW "term()";
    Rcvbuf             rcvbuf              RW "auto | default | pos_integer() | {pos_integer(), default | pos_integer()}";
    Rcvctrlbuf         rcvctrlbuf          RW "default | pos_integer()";
    ReadAhead          read_ahead          RW "default | non_neg_integer()";
    SelectRead         select_read         RW "boolean()";
    Sndctrlbuf         sndctrlbuf          RW "default | pos_integer()";
    UseRegistry        use_registry        RW "boolean()";
}

system! {
    SOCKET socket libc::SOL_SOCKET, {
        acceptconn   libc::SO_ACCEPTCONN,   Codec::Bool,        RW;
        bindtodevice libc::SO_BINDTODEVICE, Codec::Text(15),    RW;
        broadcast    libc::SO_BROADCAST,    Codec::Bool,        RW;
        busy_poll    libc::SO_BUSY_POLL,    Codec::Int,         RW;
        debug        libc::SO_DEBUG,        Codec::Int,         RW;
        domain       libc::SO_DOMAIN,       Codec::Domain,      R;
        dontroute    libc::SO_DONTROUTE,    Codec::Bool,        RW;
        error        libc::SO_ERROR,        Codec::Error,       R;
        keepalive    libc::SO_KEEPALIVE,    Codec::Bool,        RW;
        linger       libc::SO_LINGER,       Codec::Linger(&layout::LINGER),      RW;
        mark         libc::SO_MARK,         Codec::Uint,        RW;
        oobinline    libc::SO_OOBINLINE,    Codec::Bool,        RW;
        passcred     libc::SO_PASSCRED,     Codec::Bool,        RW;
        peek_off     libc::SO_PEEK_OFF,     Codec::Int,         RW;
        peercred     libc::SO_PEERCRED,     Codec::Struct(&layout::UCRED), R;
        priority     libc::SO_PRIORITY,     Codec::Int,         RW;
        protocol     libc::SO_PROTOCOL,     Codec::Protocol,    R;
        rcvbuf       libc::SO_RCVBUF,       Codec::Int,         RW;
        rcvbufforce  libc::SO_RCVBUFFORCE,  Codec::Int,         W;
        rcvlowat     libc::SO_RCVLOWAT,     Codec::Int,         RW;
        rcvtimeo     libc::SO_RCVTIMEO,     Codec::Struct(&layout::TIMEVAL), RW;
        reuseaddr    libc::SO_REUSEADDR,    Codec::Bool,        RW;
        reuseport    libc::SO_REUSEPORT,    Codec::Bool,        RW;
        rxq_ovfl     libc::SO_RXQ_OVFL,     Codec::Bool,        RW;
        sndbuf       libc::SO_SNDBUF,       Codec::Int,         RW;
        sndbufforce  libc::SO_SNDBUFFORCE,  Codec::Int,         W;
        sndlowat     libc::SO_SNDLOWAT,     Codec::Int,         RW;
        sndtimeo     libc::SO_SNDTIMEO,     Codec::Struct(&layout::TIMEVAL), RW;
        timestamp    libc::SO_TIMESTAMP,    Codec::Bool,        RW;
        timestampns  libc::SO_TIMESTAMPNS,  Codec::Bool,        RW;
        type         libc::SO_TYPE,         Codec::Type,        R;
    }
    IP ip libc::IPPROTO_IP, {
        add_membership         libc::IP_ADD_MEMBERSHIP,         Codec::Struct(&layout::MREQ),        W;
        add_source_membership  libc::IP_ADD_SOURCE_MEMBERSHIP,  Codec::Struct(&layout::MREQ_SOURCE), W;
        block_source           libc::IP_BLOCK_SOURCE,           Codec::Struct(&layout::MREQ_SOURCE), W;
        drop_membership        libc::IP_DROP_MEMBERSHIP,        Codec::Struct(&layout::MREQ),        W;
        drop_source_membership libc::IP_DROP_SOURCE_MEMBERSHIP, Codec::Struct(&layout::MREQ_SOURCE), W;
        freebind               libc::IP_FREEBIND,               Codec::Bool,      RW;
        hdrincl                libc::IP_HDRINCL,                Codec::Bool,      RW;
        minttl                 libc::IP_MINTTL,                 Codec::Int,       RW;
        msfilter               libc::IP_MSFILTER,                Codec::MsFilter(&layout::MSFILTER),  W;
        mtu                    libc::IP_MTU,                    Codec::Int,       R;
        mtu_discover           libc::IP_MTU_DISCOVER,           Codec::Named(name::PMTUDISC), RW;
        multicast_all          libc::IP_MULTICAST_ALL,          Codec::Bool,      RW;
        multicast_if           libc::IP_MULTICAST_IF,           Codec::Ip4,       RW;
        multicast_loop         libc::IP_MULTICAST_LOOP,         Codec::Bool,      RW;
        multicast_ttl          libc::IP_MULTICAST_TTL,          Codec::Int,       RW;
        nodefrag               libc::IP_NODEFRAG,               Codec::Bool,      RW;
        options                libc::IP_OPTIONS,                Codec::Bytes(40), RW;
        pktinfo                libc::IP_PKTINFO,                Codec::Bool,      RW;
        pktoptions             libc::IP_PKTOPTIONS,              Codec::Cmsgs,     R;
        recverr                libc::IP_RECVERR,                Codec::Bool,      RW;
        recvopts               libc::IP_RECVOPTS,               Codec::Bool,      RW;
        recvorigdstaddr        libc::IP_RECVORIGDSTADDR,        Codec::Bool,      RW;
        recvtos                libc::IP_RECVTOS,                Codec::Bool,      RW;
        recvttl                libc::IP_RECVTTL,                Codec::Bool,      RW;
        retopts                libc::IP_RETOPTS,                Codec::Bool,      RW;
        router_alert           libc::IP_ROUTER_ALERT,           Codec::Int,       RW;
        tos                    libc::IP_TOS,                    Codec::Tos,       RW;
        transparent            libc::IP_TRANSPARENT,            Codec::Bool,      RW;
        ttl                    libc::IP_TTL,                    Codec::Int,       RW;
        unblock_source         libc::IP_UNBLOCK_SOURCE,         Codec::Struct(&layout::MREQ_SOURCE), W;
    }
    IPV6 ipv6 libc::IPPROTO_IPV6, {
        add_membership  libc::IPV6_ADD_MEMBERSHIP,  Codec::Struct(&layout::MREQ6), W;
        addrform        libc::IPV6_ADDRFORM,         Codec::Domain,      W;
        authhdr         libc::IPV6_AUTHHDR,          Codec::Bool,        RW;
        checksum        libc::IPV6_CHECKSUM,        Codec::Int,         RW;
        drop_membership libc::IPV6_DROP_MEMBERSHIP, Codec::Struct(&layout::MREQ6), W;
        dstopts         libc::IPV6_DSTOPTS,         Codec::Bytes(2048), RW;
        flowinfo        libc::IPV6_FLOWINFO,        Codec::Bool,        RW;
        hoplimit        libc::IPV6_RECVHOPLIMIT,    Codec::Bool,        RW;
        hopopts         libc::IPV6_HOPOPTS,         Codec::Bytes(2048), RW;
        join_group      libc::IPV6_ADD_MEMBERSHIP,  Codec::Struct(&layout::MREQ6), W;
        leave_group     libc::IPV6_DROP_MEMBERSHIP, Codec::Struct(&layout::MREQ6), W;
        mtu             libc::IPV6_MTU,             Codec::Int,         RW;
        mtu_discover    libc::IPV6_MTU_DISCOVER,    Codec::Named(name::PMTUDISC), RW;
        multicast_hops  libc::IPV6_MULTICAST_HOPS,  Codec::Hops,        RW;
        multicast_if    libc::IPV6_MULTICAST_IF,    Codec::Int,         RW;
        multicast_loop  libc::IPV6_MULTICAST_LOOP,  Codec::Bool,        RW;
        pktinfo         libc::IPV6_RECVPKTINFO,     Codec::Bool,        RW;
        recvdstopts     libc::IPV6_RECVDSTOPTS,     Codec::Bool,        RW;
        recverr         libc::IPV6_RECVERR,         Codec::Bool,        RW;
        recvhoplimit    libc::IPV6_RECVHOPLIMIT,    Codec::Bool,        RW;
        recvhopopts     libc::IPV6_RECVHOPOPTS,     Codec::Bool,        RW;
        recvpktinfo     libc::IPV6_RECVPKTINFO,     Codec::Bool,        RW;
        recvrthdr       libc::IPV6_RECVRTHDR,       Codec::Bool,        RW;
        recvtclass      libc::IPV6_RECVTCLASS,      Codec::Bool,        RW;
        router_alert    libc::IPV6_ROUTER_ALERT,    Codec::Int,         RW;
        rthdr           libc::IPV6_RTHDR,           Codec::Bytes(2048), RW;
        tclass          libc::IPV6_TCLASS,          Codec::Int,         RW;
        unicast_hops    libc::IPV6_UNICAST_HOPS,    Codec::Hops,        RW;
        v6only          libc::IPV6_V6ONLY,          Codec::Bool,        RW;
    }
    SCTP sctp libc::IPPROTO_SCTP, {
        adaptation_layer      7,   Codec::Struct(&layout::SCTP_ADAPTATION),     RW;
        adaption_layer        7,   Codec::Struct(&layout::SCTP_ADAPTATION),     RW;
        associnfo             1,   Codec::Struct(&layout::SCTP_ASSOCPARAMS),    RW;
        autoclose             4,   Codec::Uint,                                 RW;
        context               17,  Codec::Struct(&layout::SCTP_ASSOC_VALUE),    RW;
        default_send_param    10,  Codec::Struct(&layout::SCTP_SNDRCV),         RW;
        disable_fragments     8,   Codec::Bool,                                 RW;
        events                11,  Codec::Struct(&layout::SCTP_EVENTS),         RW;
        explicit_eor          24,  Codec::Bool,                                 RW;
        fragment_interleave   18,  Codec::Int,                                  RW;
        get_assoc_stats       112, Codec::Struct(&layout::SCTP_STATS),          R;
        get_peer_addr_info    15,  Codec::Struct(&layout::SCTP_ADDRESS_INFO),   R;
        i_want_mapped_v4_addr 12,  Codec::Bool,                                 RW;
        initmsg               2,   Codec::Struct(&layout::SCTP_INITMSG),        RW;
        maxburst              20,  Codec::Struct(&layout::SCTP_ASSOC_VALUE),    RW;
        maxseg                13,  Codec::Uint,                                 RW;
        nodelay               3,   Codec::Bool,                                 RW;
        partial_delivery_point 19, Codec::Uint,                                 RW;
        peer_addr_params      9,   Codec::Struct(&layout::SCTP_ADDRESS_PARAMS), RW;
        primary_addr          6,   Codec::Struct(&layout::SCTP_PRIMARY),        RW;
        rtoinfo               0,   Codec::Struct(&layout::SCTP_RTOINFO),        RW;
        set_peer_primary_addr 5,   Codec::Struct(&layout::SCTP_PRIMARY),        W;
        status                14,  Codec::Struct(&layout::SCTP_STATUS),         R;
    }
    TCP tcp libc::IPPROTO_TCP, {
        congestion   libc::TCP_CONGESTION,   Codec::Text(16), RW;
        cork         libc::TCP_CORK,         Codec::Bool,     RW;
        info         libc::TCP_INFO,         Codec::Struct(&layout::TCP_INFO), R;
        keepcnt      libc::TCP_KEEPCNT,      Codec::Int,      RW;
        keepidle     libc::TCP_KEEPIDLE,     Codec::Int,      RW;
        keepintvl    libc::TCP_KEEPINTVL,    Codec::Int,      RW;
        maxseg       libc::TCP_MAXSEG,       Codec::Int,      RW;
        md5sig       libc::TCP_MD5SIG,       Codec::Md5Sig(&layout::MD5SIG),   W;
        nodelay      libc::TCP_NODELAY,      Codec::Bool,     RW;
        nopush       libc::TCP_CORK,         Codec::Bool,     RW;
        syncnt       libc::TCP_SYNCNT,       Codec::Int,      RW;
        user_timeout libc::TCP_USER_TIMEOUT, Codec::Uint,     RW;
    }
    UDP udp libc::IPPROTO_UDP, {
        cork    libc::UDP_CORK,    Codec::Bool, RW;
        gro     libc::UDP_GRO,     Codec::Bool, RW;
        segment libc::UDP_SEGMENT, Codec::Int,  RW;
    }
}

unsupported! {
    socket { acceptfilter bsp_state exclusiveaddruse max_msg_size maxdg setfib }
    ip     { dontfrag recvdstaddr recvif sendsrcaddr sndsrcaddr }
    ipv6   { auth_level esp_network_level esp_trans_level faith ipcomp_level pktoptions portrange use_min_mtu }
    tcp    { noopt }
    sctp   { auth_active_key auth_chunk auth_delete_key auth_key delayed_ack_time hmac_ident local_auth_chunks partial_delivery
             peer_auth_chunks reset_streams use_ext_recvinfo }
}

/// The first kernel with an option, by its manual page: level, option, version. An option without an entry came with
/// Linux 2.4 or earlier, or does not depend on the kernel.
pub const SINCE: &[(&str, &str, &str)] = &[
    ("ip", "minttl", "2.6.34"),
    ("ip", "multicast_all", "2.6.31"),
    ("ip", "nodefrag", "2.6.39"),
    ("ip", "recvorigdstaddr", "2.6.29"),
    ("ip", "transparent", "2.6.24"),
    ("ipv6", "recvdstopts", "2.6.14"),
    ("ipv6", "recvhoplimit", "2.6.14"),
    ("ipv6", "recvhopopts", "2.6.14"),
    ("ipv6", "recvpktinfo", "2.6.14"),
    ("ipv6", "recvrthdr", "2.6.14"),
    ("ipv6", "recvtclass", "2.6.14"),
    ("ipv6", "tclass", "2.6.14"),
    ("socket", "bindtodevice", "2.0.30, read since 3.8"),
    ("socket", "busy_poll", "3.11"),
    ("socket", "domain", "2.6.32"),
    ("socket", "mark", "2.6.25"),
    ("socket", "peek_off", "3.4"),
    ("socket", "protocol", "2.6.32"),
    ("socket", "rcvbufforce", "2.6.14"),
    ("socket", "reuseport", "3.9"),
    ("socket", "rxq_ovfl", "2.6.33"),
    ("socket", "sndbufforce", "2.6.14"),
    ("socket", "timestampns", "2.6.22"),
    ("tcp", "congestion", "2.6.13"),
    ("tcp", "md5sig", "2.6.20"),
    ("tcp", "user_timeout", "2.6.37"),
    ("udp", "cork", "2.5.44"),
    ("udp", "gro", "5.0"),
    ("udp", "segment", "4.18"),
];

/// The number of level `socket`.
pub const SOL_SOCKET: i32 = libc::SOL_SOCKET;

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    LEVELS.iter().flat_map(|level| level.iter())
}

#[allow(clippy::indexing_slicing, clippy::panic)] // evaluated at compile time
const fn in_order(rows: &[Row]) {
    let mut next = 1;
    while next < rows.len() {
        let (this, that) = (rows[next - 1].name.as_bytes(), rows[next].name.as_bytes());
        let mut at = 0;
        while at < this.len() && at < that.len() && this[at] == that[at] {
            at += 1;
        }
        let before = at < that.len() && (at == this.len() || this[at] < that[at]);
        assert!(before, "the rows of a level are sorted by name, without duplicates");
        next += 1;
    }
}
