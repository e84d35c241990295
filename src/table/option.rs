//! The table of socket options. One option is one row: its name, the kernel's constant, its codec, its access.
//!
//! The table drives setting and getting, the conversion to terms, `supports/0..2`, `is_supported/2,3` and doc/options.md.
//! The rows of a level are sorted by name. A row that is out of order, or a duplicate, does not compile.

use crate::wire::codec::Codec;
use crate::wire::{bits, layout, name};

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

/// Levels whose number means another level on a socket of another family than Bluetooth: IP, TCP or UDP.
const BLUETOOTH_ONLY: &[&str] = &["hci", "l2cap", "rfcomm", "sco"];

impl Row {
    /// Whether sockets of that domain can have the option. Otherwise its number would be that of another option there.
    pub fn suits(&self, domain: i32) -> bool {
        domain == libc::AF_BLUETOOTH || !BLUETOOTH_ONLY.contains(&self.level)
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

/// The number of level `mcast`, which stands for IP or IPv6, by the address of the group.
pub const MCAST: i32 = -1;

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
        acceptconn            libc::SO_ACCEPTCONN,   Codec::Bool, RW;
        attach_bpf            50,                    Codec::Nat, W;
        attach_filter         26,                    Codec::Program, RW;
        attach_reuseport_cbpf 51,                    Codec::Program, W;
        attach_reuseport_ebpf 52,                    Codec::Nat, W;
        bindtodevice          libc::SO_BINDTODEVICE, Codec::Device, RW;
        bindtoifindex         62,                    Codec::Ifindex, RW;
        bpf_extensions        48,                    Codec::Int, R;
        broadcast             libc::SO_BROADCAST,    Codec::Bool, RW;
        bsdcompat             14,                    Codec::Bool, RW;
        buf_lock              72,                    Codec::Bits(bits::BUFFER_LOCKS), RW;
        busy_poll             libc::SO_BUSY_POLL,    Codec::Int, RW;
        busy_poll_budget      70,                    Codec::Nat, W;
        cnx_advice            53,                    Codec::Int, W;
        cookie                57,                    Codec::U64, R;
        debug                 libc::SO_DEBUG,        Codec::Int, RW;
        detach_bpf            27,                    Codec::True, W;
        detach_filter         27,                    Codec::True, W;
        detach_reuseport_bpf  68,                    Codec::True, W;
        devmem_dontneed       80,                    Codec::Struct(&layout::DMABUF_TOKEN), W;
        domain                libc::SO_DOMAIN,       Codec::Domain, R;
        dontroute             libc::SO_DONTROUTE,    Codec::Bool, RW;
        error                 libc::SO_ERROR,        Codec::Error, R;
        get_filter            26,                    Codec::Program, R;
        incoming_cpu          49,                    Codec::Int, RW;
        incoming_napi_id      56,                    Codec::Uint, R;
        inq                   84,                    Codec::Bool, W;
        keepalive             libc::SO_KEEPALIVE,    Codec::Bool, RW;
        linger                libc::SO_LINGER,       Codec::Linger(&layout::LINGER), RW;
        lock_filter           44,                    Codec::Bool, RW;
        mark                  libc::SO_MARK,         Codec::Uint, RW;
        max_pacing_rate       47,                    Codec::Rate, RW;
        meminfo               55,                    Codec::Struct(&layout::MEMINFO), R;
        netns_cookie          71,                    Codec::U64, R;
        no_check              11,                    Codec::Bool, RW;
        nofcs                 43,                    Codec::Bool, RW;
        oobinline             libc::SO_OOBINLINE,    Codec::Bool, RW;
        passcred              libc::SO_PASSCRED,     Codec::Bool, RW;
        passpidfd             76,                    Codec::Bool, RW;
        passrights            83,                    Codec::Bool, RW;
        passsec               34,                    Codec::Bool, RW;
        peek_off              libc::SO_PEEK_OFF,     Codec::Int, RW;
        peercred              libc::SO_PEERCRED,     Codec::Struct(&layout::UCRED), R;
        peergroups            59,                    Codec::Words, R;
        peername              28,                    Codec::Address, R;
        peerpidfd             77,                    Codec::Int, R;
        peersec               31,                    Codec::Text(255), R;
        prefer_busy_poll      69,                    Codec::Bool, RW;
        priority              libc::SO_PRIORITY,     Codec::Int, RW;
        protocol              libc::SO_PROTOCOL,     Codec::Protocol, R;
        rcvbuf                libc::SO_RCVBUF,       Codec::Int, RW;
        rcvbufforce           libc::SO_RCVBUFFORCE,  Codec::Int, W;
        rcvlowat              libc::SO_RCVLOWAT,     Codec::Int, RW;
        rcvmark               75,                    Codec::Bool, RW;
        rcvpriority           82,                    Codec::Bool, RW;
        rcvtimeo              libc::SO_RCVTIMEO,     Codec::Struct(&layout::TIMEVAL), RW;
        reserve_mem           73,                    Codec::Int, RW;
        reuseaddr             libc::SO_REUSEADDR,    Codec::Bool, RW;
        reuseport             libc::SO_REUSEPORT,    Codec::Bool, RW;
        rxq_ovfl              libc::SO_RXQ_OVFL,     Codec::Bool, RW;
        select_err_queue      45,                    Codec::Bool, RW;
        sndbuf                libc::SO_SNDBUF,       Codec::Int, RW;
        sndbufforce           libc::SO_SNDBUFFORCE,  Codec::Int, W;
        sndlowat              libc::SO_SNDLOWAT,     Codec::Int, RW;
        sndtimeo              libc::SO_SNDTIMEO,     Codec::Struct(&layout::TIMEVAL), RW;
        timestamp             libc::SO_TIMESTAMP,    Codec::Bool, RW;
        timestamping          37,                    Codec::Timestamping, RW;
        timestampns           libc::SO_TIMESTAMPNS,  Codec::Bool, RW;
        txrehash              74,                    Codec::Named(bits::TXREHASH), RW;
        txtime                61,                    Codec::Struct(&layout::TXTIME), RW;
        type                  libc::SO_TYPE,         Codec::Type, R;
        wifi_status           41,                    Codec::Bool, RW;
        zerocopy              60,                    Codec::Bool, RW;
    }
    IP ip libc::IPPROTO_IP, {
        add_membership         libc::IP_ADD_MEMBERSHIP,         Codec::Struct(&layout::MREQ), W;
        add_source_membership  libc::IP_ADD_SOURCE_MEMBERSHIP,  Codec::Struct(&layout::MREQ_SOURCE), W;
        bind_address_no_port   24,                              Codec::Bool, RW;
        block_source           libc::IP_BLOCK_SOURCE,           Codec::Struct(&layout::MREQ_SOURCE), W;
        checksum               23,                              Codec::Bool, RW;
        drop_membership        libc::IP_DROP_MEMBERSHIP,        Codec::Struct(&layout::MREQ), W;
        drop_source_membership libc::IP_DROP_SOURCE_MEMBERSHIP, Codec::Struct(&layout::MREQ_SOURCE), W;
        freebind               libc::IP_FREEBIND,               Codec::Bool, RW;
        hdrincl                libc::IP_HDRINCL,                Codec::Bool, RW;
        ipsec_policy           16,                              Codec::Bytes(1024), RW;
        local_port_range       51,                              Codec::PortRange, RW;
        minttl                 libc::IP_MINTTL,                 Codec::Int, RW;
        msfilter               libc::IP_MSFILTER,               Codec::MsFilter(&layout::MSFILTER), RW;
        mtu                    libc::IP_MTU,                    Codec::Int, R;
        mtu_discover           libc::IP_MTU_DISCOVER,           Codec::Named(name::PMTUDISC), RW;
        multicast_all          libc::IP_MULTICAST_ALL,          Codec::Bool, RW;
        multicast_if           libc::IP_MULTICAST_IF,           Codec::MulticastIf, RW;
        multicast_loop         libc::IP_MULTICAST_LOOP,         Codec::Bool, RW;
        multicast_ttl          libc::IP_MULTICAST_TTL,          Codec::Int, RW;
        nodefrag               libc::IP_NODEFRAG,               Codec::Bool, RW;
        options                libc::IP_OPTIONS,                Codec::Bytes(40), RW;
        original_dst           80,                              Codec::Address, R;
        passsec                18,                              Codec::Bool, RW;
        pktinfo                libc::IP_PKTINFO,                Codec::Bool, RW;
        pktoptions             libc::IP_PKTOPTIONS,             Codec::Cmsgs, R;
        protocol               52,                              Codec::Protocol, R;
        recverr                libc::IP_RECVERR,                Codec::Bool, RW;
        recverr_rfc4884        26,                              Codec::Bool, RW;
        recvfragsize           25,                              Codec::Bool, RW;
        recvopts               libc::IP_RECVOPTS,               Codec::Bool, RW;
        recvorigdstaddr        libc::IP_RECVORIGDSTADDR,        Codec::Bool, RW;
        recvretopts            7,                               Codec::Bool, RW;
        recvtos                libc::IP_RECVTOS,                Codec::Bool, RW;
        recvttl                libc::IP_RECVTTL,                Codec::Bool, RW;
        retopts                libc::IP_RETOPTS,                Codec::Bool, RW;
        router_alert           libc::IP_ROUTER_ALERT,           Codec::Int, RW;
        tos                    libc::IP_TOS,                    Codec::Tos, RW;
        transparent            libc::IP_TRANSPARENT,            Codec::Bool, RW;
        ttl                    libc::IP_TTL,                    Codec::Int, RW;
        unblock_source         libc::IP_UNBLOCK_SOURCE,         Codec::Struct(&layout::MREQ_SOURCE), W;
        unicast_if             50,                              Codec::IfindexBe, RW;
        xfrm_policy            17,                              Codec::Bytes(1024), RW;
    }
    IPV6 ipv6 libc::IPPROTO_IPV6, {
        add_membership       libc::IPV6_ADD_MEMBERSHIP,  Codec::Struct(&layout::MREQ6), W;
        addr_preferences     72,                         Codec::Bits(bits::ADDRESS_PREFERENCES), RW;
        addrform             libc::IPV6_ADDRFORM,        Codec::Domain, W;
        authhdr              libc::IPV6_AUTHHDR,         Codec::Bool, RW;
        autoflowlabel        70,                         Codec::Bool, RW;
        checksum             libc::IPV6_CHECKSUM,        Codec::Int, RW;
        dontfrag             62,                         Codec::Bool, RW;
        drop_membership      libc::IPV6_DROP_MEMBERSHIP, Codec::Struct(&layout::MREQ6), W;
        dstopts              libc::IPV6_DSTOPTS,         Codec::Bytes(2048), RW;
        flowinfo             libc::IPV6_FLOWINFO,        Codec::Bool, RW;
        flowinfo_send        33,                         Codec::Bool, RW;
        flowlabel_mgr        32,                         Codec::Struct(&layout::FLOWLABEL), RW;
        freebind             78,                         Codec::Bool, RW;
        hdrincl              36,                         Codec::Bool, RW;
        hoplimit             libc::IPV6_RECVHOPLIMIT,    Codec::Bool, RW;
        hopopts              libc::IPV6_HOPOPTS,         Codec::Bytes(2048), RW;
        ipsec_policy         34,                         Codec::Bytes(1024), RW;
        join_anycast         27,                         Codec::Struct(&layout::MREQ6), W;
        join_group           libc::IPV6_ADD_MEMBERSHIP,  Codec::Struct(&layout::MREQ6), W;
        leave_anycast        28,                         Codec::Struct(&layout::MREQ6), W;
        leave_group          libc::IPV6_DROP_MEMBERSHIP, Codec::Struct(&layout::MREQ6), W;
        minhopcount          73,                         Codec::Int, RW;
        mtu                  libc::IPV6_MTU,             Codec::Int, RW;
        mtu_discover         libc::IPV6_MTU_DISCOVER,    Codec::Named(name::PMTUDISC), RW;
        multicast_all        29,                         Codec::Bool, RW;
        multicast_hops       libc::IPV6_MULTICAST_HOPS,  Codec::Hops, RW;
        multicast_if         libc::IPV6_MULTICAST_IF,    Codec::Ifindex, RW;
        multicast_loop       libc::IPV6_MULTICAST_LOOP,  Codec::Bool, RW;
        original_dst         80,                         Codec::Address, R;
        pathmtu              61,                         Codec::Struct(&layout::PATHMTU), R;
        pktinfo              libc::IPV6_RECVPKTINFO,     Codec::Bool, RW;
        recvdstopts          libc::IPV6_RECVDSTOPTS,     Codec::Bool, RW;
        recverr              libc::IPV6_RECVERR,         Codec::Bool, RW;
        recverr_rfc4884      31,                         Codec::Bool, RW;
        recvfragsize         77,                         Codec::Bool, RW;
        recvhoplimit         libc::IPV6_RECVHOPLIMIT,    Codec::Bool, RW;
        recvhopopts          libc::IPV6_RECVHOPOPTS,     Codec::Bool, RW;
        recvorigdstaddr      74,                         Codec::Bool, RW;
        recvpathmtu          60,                         Codec::Bool, RW;
        recvpktinfo          libc::IPV6_RECVPKTINFO,     Codec::Bool, RW;
        recvrthdr            libc::IPV6_RECVRTHDR,       Codec::Bool, RW;
        recvtclass           libc::IPV6_RECVTCLASS,      Codec::Bool, RW;
        rfc2292_dstopts      4,                          Codec::Bool, RW;
        rfc2292_hoplimit     8,                          Codec::Bool, RW;
        rfc2292_hopopts      3,                          Codec::Bool, RW;
        rfc2292_pktinfo      2,                          Codec::Bool, RW;
        rfc2292_pktoptions   6,                          Codec::Cmsgs, R;
        rfc2292_rthdr        5,                          Codec::Bool, RW;
        router_alert         libc::IPV6_ROUTER_ALERT,    Codec::Int, RW;
        router_alert_isolate 30,                         Codec::Bool, RW;
        rthdr                libc::IPV6_RTHDR,           Codec::Bytes(2048), RW;
        rthdrdstopts         55,                         Codec::Bytes(2048), RW;
        sticky_pktinfo       50,                         Codec::Struct(&layout::PKTINFO6), RW;
        tclass               libc::IPV6_TCLASS,          Codec::Tclass, RW;
        transparent          75,                         Codec::Bool, RW;
        unicast_hops         libc::IPV6_UNICAST_HOPS,    Codec::Hops, RW;
        unicast_if           76,                         Codec::IfindexBe, RW;
        v6only               libc::IPV6_V6ONLY,          Codec::Bool, RW;
        xfrm_policy          35,                         Codec::Bytes(1024), RW;
    }
    SCTP sctp libc::IPPROTO_SCTP, {
        adaptation_layer                7,   Codec::Struct(&layout::SCTP_ADAPTATION), RW;
        adaption_layer                  7,   Codec::Struct(&layout::SCTP_ADAPTATION), RW;
        add_streams                     121, Codec::Struct(&layout::SCTP_ADD_STREAMS), W;
        asconf_supported                128, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        associnfo                       1,   Codec::Struct(&layout::SCTP_ASSOCPARAMS), RW;
        auth_active_key                 24,  Codec::Struct(&layout::SCTP_KEY_ID), RW;
        auth_chunk                      21,  Codec::U8, W;
        auth_deactivate_key             35,  Codec::Struct(&layout::SCTP_KEY_ID), W;
        auth_delete_key                 25,  Codec::Struct(&layout::SCTP_KEY_ID), W;
        auth_key                        23,  Codec::Struct(&layout::SCTP_KEY), W;
        auth_supported                  129, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        auto_asconf                     30,  Codec::Bool, RW;
        autoclose                       4,   Codec::Uint, RW;
        context                         17,  Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        default_prinfo                  114, Codec::Struct(&layout::SCTP_DEFAULT_PRINFO), RW;
        default_send_param              10,  Codec::Struct(&layout::SCTP_SNDRCV), RW;
        default_sndinfo                 34,  Codec::Struct(&layout::SCTP_SNDINFO), RW;
        delayed_ack_time                16,  Codec::Struct(&layout::SCTP_SACK), RW;
        disable_fragments               8,   Codec::Bool, RW;
        ecn_supported                   130, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        enable_stream_reset             118, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        event                           127, Codec::Struct(&layout::SCTP_EVENT), RW;
        events                          11,  Codec::Struct(&layout::SCTP_EVENTS), RW;
        expose_potentially_failed_state 131, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        fragment_interleave             18,  Codec::Int, RW;
        get_assoc_id_list               29,  Codec::CountedWords, R;
        get_assoc_number                28,  Codec::Uint, R;
        get_assoc_stats                 112, Codec::Struct(&layout::SCTP_STATS), R;
        get_peer_addr_info              15,  Codec::Struct(&layout::SCTP_ADDRESS_INFO), R;
        i_want_mapped_v4_addr           12,  Codec::Bool, RW;
        initmsg                         2,   Codec::Struct(&layout::SCTP_INITMSG), RW;
        interleaving_supported          125, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        local_auth_chunks               27,  Codec::Struct(&layout::SCTP_CHUNKS), R;
        maxburst                        20,  Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        maxseg                          13,  Codec::Uint, RW;
        nodelay                         3,   Codec::Bool, RW;
        partial_delivery_point          19,  Codec::Uint, RW;
        peer_addr_params                9,   Codec::Struct(&layout::SCTP_ADDRESS_PARAMS), RW;
        peer_addr_thlds                 31,  Codec::Struct(&layout::SCTP_THRESHOLDS), RW;
        peer_auth_chunks                26,  Codec::Struct(&layout::SCTP_CHUNKS), R;
        plpmtud_probe_interval          133, Codec::Struct(&layout::SCTP_PROBE), RW;
        pr_assoc_status                 115, Codec::Struct(&layout::SCTP_PRSTATUS), R;
        pr_stream_status                116, Codec::Struct(&layout::SCTP_PRSTATUS), R;
        pr_supported                    113, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        primary_addr                    6,   Codec::Struct(&layout::SCTP_PRIMARY), RW;
        reconfig_supported              117, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        recvnxtinfo                     33,  Codec::Bool, RW;
        recvrcvinfo                     32,  Codec::Bool, RW;
        remote_udp_encaps_port          132, Codec::Struct(&layout::SCTP_UDPENCAPS), RW;
        reset_assoc                     120, Codec::Int, W;
        reuse_port                      36,  Codec::Bool, RW;
        rtoinfo                         0,   Codec::Struct(&layout::SCTP_RTOINFO), RW;
        set_peer_primary_addr           5,   Codec::Struct(&layout::SCTP_PRIMARY), W;
        status                          14,  Codec::Struct(&layout::SCTP_STATUS), R;
        stream_scheduler                123, Codec::Struct(&layout::SCTP_ASSOC_VALUE), RW;
        stream_scheduler_value          124, Codec::Struct(&layout::SCTP_STREAM_VALUE), RW;
    }
    TCP tcp libc::IPPROTO_TCP, {
        ao_add_key           38,                     Codec::Struct(&layout::AO_ADD), W;
        ao_del_key           39,                     Codec::Struct(&layout::AO_DEL), W;
        ao_get_keys          41,                     Codec::Struct(&layout::AO_KEY), R;
        ao_info              40,                     Codec::Struct(&layout::AO_INFO), RW;
        ao_repair            42,                     Codec::Struct(&layout::AO_REPAIR), RW;
        cc_info              26,                     Codec::Bytes(64), R;
        congestion           libc::TCP_CONGESTION,   Codec::Text(16), RW;
        cork                 libc::TCP_CORK,         Codec::Bool, RW;
        defer_accept         9,                      Codec::Int, RW;
        delack_max_us        46,                     Codec::Int, RW;
        fastopen             23,                     Codec::Nat, RW;
        fastopen_connect     30,                     Codec::Bool, RW;
        fastopen_key         33,                     Codec::Bytes(32), RW;
        fastopen_no_cookie   34,                     Codec::Bool, RW;
        info                 libc::TCP_INFO,         Codec::Struct(&layout::TCP_INFO), R;
        inq                  36,                     Codec::Bool, RW;
        is_mptcp             43,                     Codec::Bool, R;
        keepcnt              libc::TCP_KEEPCNT,      Codec::Int, RW;
        keepidle             libc::TCP_KEEPIDLE,     Codec::Int, RW;
        keepintvl            libc::TCP_KEEPINTVL,    Codec::Int, RW;
        linger2              8,                      Codec::Int, RW;
        maxseg               libc::TCP_MAXSEG,       Codec::Int, RW;
        md5sig               32,                     Codec::Md5Sig(&layout::MD5SIG), W;
        nodelay              libc::TCP_NODELAY,      Codec::Bool, RW;
        nopush               libc::TCP_CORK,         Codec::Bool, RW;
        notsent_lowat        25,                     Codec::Uint, RW;
        queue_seq            21,                     Codec::Uint, RW;
        quickack             12,                     Codec::Bool, RW;
        repair               19,                     Codec::Named(bits::REPAIR), RW;
        repair_options       22,                     Codec::Pairs, W;
        repair_queue         20,                     Codec::Named(bits::REPAIR_QUEUES), RW;
        repair_window        29,                     Codec::Struct(&layout::REPAIR_WINDOW), RW;
        rto_max_ms           44,                     Codec::Int, RW;
        rto_min_us           45,                     Codec::Int, RW;
        save_syn             27,                     Codec::Int, RW;
        saved_syn            28,                     Codec::Bytes(512), R;
        syncnt               libc::TCP_SYNCNT,       Codec::Int, RW;
        thin_dupack          17,                     Codec::Bool, RW;
        thin_linear_timeouts 16,                     Codec::Bool, RW;
        timestamp            24,                     Codec::Uint, RW;
        tx_delay             37,                     Codec::Int, RW;
        ulp                  31,                     Codec::Text(15), RW;
        user_timeout         libc::TCP_USER_TIMEOUT, Codec::Uint, RW;
        window_clamp         10,                     Codec::Int, RW;
    }
    UDP udp libc::IPPROTO_UDP, {
        cork         libc::UDP_CORK,    Codec::Bool, RW;
        encap        100,               Codec::Named(bits::ENCAPSULATIONS), RW;
        gro          libc::UDP_GRO,     Codec::Bool, RW;
        no_check6_rx 102,               Codec::Bool, RW;
        no_check6_tx 101,               Codec::Bool, RW;
        segment      libc::UDP_SEGMENT, Codec::Int, RW;
    }
    MCAST_LEVEL mcast MCAST, {
        block_source       43, Codec::Struct(&layout::GROUP_SOURCE), W;
        join_group         42, Codec::Struct(&layout::GROUP), W;
        join_source_group  46, Codec::Struct(&layout::GROUP_SOURCE), W;
        leave_group        45, Codec::Struct(&layout::GROUP), W;
        leave_source_group 47, Codec::Struct(&layout::GROUP_SOURCE), W;
        msfilter           48, Codec::GroupFilter(&layout::GROUP_FILTER), RW;
        unblock_source     44, Codec::Struct(&layout::GROUP_SOURCE), W;
    }
    ICMP icmp 255, {
        filter 1, Codec::Set(1, 0), RW;
    }
    ICMPV6 icmpv6 58, {
        filter 1, Codec::Set(8, 0), RW;
    }
    RAW raw 255, {
        checksum 7, Codec::Int, RW;
    }
    UDPLITE udplite 136, {
        recv_cscov 11, Codec::Int, RW;
        send_cscov 10, Codec::Int, RW;
    }
    MPTCP mptcp 284, {
        info 1, Codec::Struct(&layout::MPTCP_INFO), R;
    }
    TLS tls 282, {
        rx                 2, Codec::Tls, RW;
        rx_expect_no_pad   4, Codec::Bool, RW;
        tx                 1, Codec::Tls, RW;
        tx_max_payload_len 5, Codec::U16, RW;
        tx_zerocopy_ro     3, Codec::Bool, RW;
    }
    PACKET packet 263, {
        add_membership  1,  Codec::Struct(&layout::PACKET_MREQ), W;
        auxdata         8,  Codec::Bool, RW;
        copy_thresh     7,  Codec::Int, W;
        drop_membership 2,  Codec::Struct(&layout::PACKET_MREQ), W;
        fanout          18, Codec::Struct(&layout::PACKET_FANOUT), RW;
        fanout_data     22, Codec::Program, W;
        hdrlen          11, Codec::Int, R;
        ignore_outgoing 23, Codec::Bool, RW;
        loss            14, Codec::Bool, RW;
        origdev         9,  Codec::Bool, RW;
        qdisc_bypass    20, Codec::Bool, RW;
        reserve         12, Codec::Uint, RW;
        rollover_stats  21, Codec::Struct(&layout::PACKET_ROLLOVER), R;
        statistics      6,  Codec::Struct(&layout::PACKET_STATISTICS), R;
        timestamp       17, Codec::Bits(bits::TIMESTAMPING), RW;
        tx_has_off      19, Codec::Bool, RW;
        tx_timestamp    16, Codec::Int, RW;
        version         10, Codec::Named(bits::PACKET_VERSIONS), RW;
        vnet_hdr        15, Codec::Bool, RW;
        vnet_hdr_sz     24, Codec::Int, RW;
    }
    NETLINK netlink 270, {
        add_membership   1,  Codec::Nat, W;
        broadcast_error  4,  Codec::Bool, RW;
        cap_ack          10, Codec::Bool, RW;
        drop_membership  2,  Codec::Nat, W;
        ext_ack          11, Codec::Bool, RW;
        get_strict_chk   12, Codec::Bool, RW;
        list_memberships 9,  Codec::Set(64, 1), R;
        listen_all_nsid  8,  Codec::Bool, RW;
        no_enobufs       5,  Codec::Bool, RW;
        pktinfo          3,  Codec::Bool, RW;
    }
    CAN_RAW can_raw 101, {
        err_filter    2, Codec::Bits(bits::CAN_ERRORS), RW;
        fd_frames     5, Codec::Bool, RW;
        filter        1, Codec::CanFilters, RW;
        join_filters  6, Codec::Bool, RW;
        loopback      3, Codec::Bool, RW;
        recv_own_msgs 4, Codec::Bool, RW;
        xl_frames     7, Codec::Bool, RW;
        xl_vcid_opts  8, Codec::Struct(&layout::CAN_VCID), RW;
    }
    CAN_ISOTP can_isotp 106, {
        ll_opts  5, Codec::Struct(&layout::ISOTP_LL), RW;
        opts     1, Codec::Struct(&layout::ISOTP), RW;
        recv_fc  2, Codec::Struct(&layout::ISOTP_FC), RW;
        rx_stmin 4, Codec::Uint, RW;
        tx_stmin 3, Codec::Uint, RW;
    }
    CAN_J1939 can_j1939 107, {
        errqueue  4, Codec::Bool, RW;
        filter    1, Codec::Structs(&layout::J1939_FILTER), RW;
        promisc   2, Codec::Bool, RW;
        send_prio 3, Codec::Int, RW;
    }
    TIPC tipc 271, {
        conn_timeout     130, Codec::Uint, RW;
        dest_droppable   129, Codec::Bool, RW;
        group_join       135, Codec::Struct(&layout::TIPC_GROUP), RW;
        group_leave      136, Codec::True, W;
        importance       127, Codec::Named(bits::TIPC_IMPORTANCES), RW;
        mcast_broadcast  133, Codec::True, W;
        mcast_replicast  134, Codec::True, W;
        node_recvq_depth 131, Codec::Uint, R;
        nodelay          138, Codec::Bool, W;
        sock_recvq_depth 132, Codec::Uint, R;
        sock_recvq_used  137, Codec::Uint, R;
        src_droppable    128, Codec::Bool, RW;
    }
    VSOCK vsock libc::AF_VSOCK, {
        buffer_max_size 2, Codec::U64, RW;
        buffer_min_size 1, Codec::U64, RW;
        buffer_size     0, Codec::U64, RW;
        connect_timeout 6, Codec::Struct(&layout::TIMEVAL), RW;
        nonblock_txrx   7, Codec::Bool, RW;
        peer_host_vm_id 3, Codec::Int, R;
        trusted         5, Codec::Bool, R;
    }
    ALG alg 279, {
        aead_authsize 5, Codec::Length(1024), W;
        drbg_entropy  6, Codec::Bytes(1024), W;
        key           1, Codec::Bytes(4096), W;
        key_by_serial 7, Codec::Int, W;
    }
    RDS rds 276, {
        cancel_sent_to 1, Codec::Address, W;
        cong_monitor   6, Codec::Bool, RW;
        recverr        5, Codec::Bool, RW;
        transport      8, Codec::Named(bits::RDS_TRANSPORTS), RW;
    }
    XDP xdp 283, {
        max_tx_skb_budget 9, Codec::Int, RW;
        mmap_offsets      1, Codec::Struct(&layout::XDP_OFFSETS), R;
        options           8, Codec::Bits(bits::XDP_OPTIONS), R;
        statistics        7, Codec::Struct(&layout::XDP_STATISTICS), R;
    }
    SMC smc 286, {
        limit_hs 1, Codec::Bool, RW;
    }
    KCM kcm 281, {
        recv_disable 1, Codec::Bool, RW;
    }
    MCTP mctp 285, {
        addr_ext 1, Codec::Bool, RW;
    }
    LLC llc 268, {
        ack_tmr_exp  3, Codec::Int, RW;
        busy_tmr_exp 6, Codec::Int, RW;
        p_tmr_exp    4, Codec::Int, RW;
        pktinfo      9, Codec::Bool, RW;
        rej_tmr_exp  5, Codec::Int, RW;
        retry        1, Codec::Int, RW;
        rx_win       8, Codec::Int, RW;
        size         2, Codec::Int, RW;
        tx_win       7, Codec::Int, RW;
    }
    BLUETOOTH bluetooth 274, {
        channel_policy 10, Codec::Uint, RW;
        defer_setup    7,  Codec::Bool, RW;
        flushable      8,  Codec::Bool, RW;
        mode           15, Codec::U8, RW;
        phy            14, Codec::Uint, R;
        pkt_status     16, Codec::Bool, RW;
        power          9,  Codec::Bool8, RW;
        rcvmtu         13, Codec::U16, RW;
        security       4,  Codec::Struct(&layout::BT_SECURITY), RW;
        sndmtu         12, Codec::U16, R;
        voice          11, Codec::U16, RW;
    }
    L2CAP l2cap 6, {
        conninfo 2, Codec::Struct(&layout::BT_CONNINFO), R;
        lm       3, Codec::Bits(bits::LINK_MODES), RW;
        options  1, Codec::Struct(&layout::L2CAP_OPTIONS), RW;
    }
    RFCOMM rfcomm 18, {
        conninfo 2, Codec::Struct(&layout::BT_CONNINFO), R;
        lm       3, Codec::Bits(bits::LINK_MODES), RW;
    }
    SCO sco 17, {
        conninfo 2, Codec::Struct(&layout::BT_CONNINFO), R;
        options  1, Codec::U16, R;
    }
    HCI hci 0, {
        data_dir   1, Codec::Bool, RW;
        filter     2, Codec::Struct(&layout::HCI_FILTER), RW;
        time_stamp 3, Codec::Bool, RW;
    }
}

unsupported! {
    socket { acceptfilter bsp_state exclusiveaddruse max_msg_size maxdg nosigpipe reuseport_lb setfib }
    ip     { dontfrag recvdstaddr recvif sendsrcaddr sndsrcaddr }
    ipv6   { auth_level esp_network_level esp_trans_level faith ipcomp_level pktoptions portrange use_min_mtu }
    tcp    { noopt }
    sctp   { explicit_eor hmac_ident partial_delivery reset_streams use_ext_recvinfo }
}

/// The first kernel with an option, by its manual page: level, option, version. An option without an entry came with
/// Linux 2.4 or earlier, or does not depend on the kernel.
pub const SINCE: &[(&str, &str, &str)] = &[
    ("alg", "aead_authsize", "3.19"),
    ("alg", "drbg_entropy", "5.10"),
    ("alg", "key", "2.6.38"),
    ("alg", "key_by_serial", "6.2"),
    ("bluetooth", "channel_policy", "3.5"),
    ("bluetooth", "flushable", "2.6.39"),
    ("bluetooth", "mode", "5.7"),
    ("bluetooth", "phy", "5.7"),
    ("bluetooth", "pkt_status", "5.9"),
    ("bluetooth", "power", "3.1"),
    ("bluetooth", "rcvmtu", "5.7"),
    ("bluetooth", "sndmtu", "5.7"),
    ("bluetooth", "voice", "3.13"),
    ("can_isotp", "ll_opts", "5.10"),
    ("can_isotp", "opts", "5.10"),
    ("can_isotp", "recv_fc", "5.10"),
    ("can_isotp", "rx_stmin", "5.10"),
    ("can_isotp", "tx_stmin", "5.10"),
    ("can_j1939", "errqueue", "5.4"),
    ("can_j1939", "filter", "5.4"),
    ("can_j1939", "promisc", "5.4"),
    ("can_j1939", "send_prio", "5.4"),
    ("can_raw", "err_filter", "2.6.25"),
    ("can_raw", "fd_frames", "3.6"),
    ("can_raw", "filter", "2.6.25"),
    ("can_raw", "join_filters", "4.1"),
    ("can_raw", "loopback", "2.6.25"),
    ("can_raw", "recv_own_msgs", "2.6.25"),
    ("can_raw", "xl_frames", "6.2"),
    ("can_raw", "xl_vcid_opts", "6.9"),
    ("ip", "bind_address_no_port", "4.2"),
    ("ip", "checksum", "4.0"),
    ("ip", "ipsec_policy", "2.6"),
    ("ip", "local_port_range", "6.3"),
    ("ip", "minttl", "2.6.34"),
    ("ip", "multicast_all", "2.6.31"),
    ("ip", "nodefrag", "2.6.39"),
    ("ip", "passsec", "2.6.17"),
    ("ip", "protocol", "6.4"),
    ("ip", "recverr_rfc4884", "5.9"),
    ("ip", "recvfragsize", "4.11"),
    ("ip", "recvorigdstaddr", "2.6.29"),
    ("ip", "transparent", "2.6.24"),
    ("ip", "unicast_if", "3.4"),
    ("ip", "xfrm_policy", "2.6"),
    ("ipv6", "addr_preferences", "2.6.26"),
    ("ipv6", "autoflowlabel", "3.17"),
    ("ipv6", "dontfrag", "2.6.35"),
    ("ipv6", "freebind", "4.15"),
    ("ipv6", "hdrincl", "4.5"),
    ("ipv6", "ipsec_policy", "2.6"),
    ("ipv6", "minhopcount", "2.6.35"),
    ("ipv6", "multicast_all", "4.20"),
    ("ipv6", "original_dst", "3.7"),
    ("ipv6", "pathmtu", "2.6.35"),
    ("ipv6", "recvdstopts", "2.6.14"),
    ("ipv6", "recverr_rfc4884", "5.9"),
    ("ipv6", "recvfragsize", "4.11"),
    ("ipv6", "recvhoplimit", "2.6.14"),
    ("ipv6", "recvhopopts", "2.6.14"),
    ("ipv6", "recvorigdstaddr", "2.6.37"),
    ("ipv6", "recvpathmtu", "2.6.35"),
    ("ipv6", "recvpktinfo", "2.6.14"),
    ("ipv6", "recvrthdr", "2.6.14"),
    ("ipv6", "recvtclass", "2.6.14"),
    ("ipv6", "router_alert_isolate", "5.1"),
    ("ipv6", "rthdrdstopts", "2.6.14"),
    ("ipv6", "sticky_pktinfo", "2.6.14"),
    ("ipv6", "tclass", "2.6.14"),
    ("ipv6", "transparent", "2.6.37"),
    ("ipv6", "unicast_if", "3.4"),
    ("ipv6", "xfrm_policy", "2.6"),
    ("kcm", "recv_disable", "4.6"),
    ("mcast", "block_source", "2.5.68"),
    ("mcast", "join_group", "2.5.68"),
    ("mcast", "join_source_group", "2.5.68"),
    ("mcast", "leave_group", "2.5.68"),
    ("mcast", "leave_source_group", "2.5.68"),
    ("mcast", "msfilter", "2.5.68"),
    ("mcast", "unblock_source", "2.5.68"),
    ("mctp", "addr_ext", "5.16"),
    ("mptcp", "info", "5.16"),
    ("netlink", "add_membership", "2.6.14"),
    ("netlink", "broadcast_error", "2.6.30"),
    ("netlink", "cap_ack", "4.3"),
    ("netlink", "drop_membership", "2.6.14"),
    ("netlink", "ext_ack", "4.12"),
    ("netlink", "get_strict_chk", "4.20"),
    ("netlink", "list_memberships", "4.2"),
    ("netlink", "listen_all_nsid", "4.2"),
    ("netlink", "no_enobufs", "2.6.30"),
    ("netlink", "pktinfo", "2.6.14"),
    ("packet", "auxdata", "2.6.21"),
    ("packet", "fanout", "3.1"),
    ("packet", "fanout_data", "4.3"),
    ("packet", "hdrlen", "2.6.27"),
    ("packet", "ignore_outgoing", "4.20"),
    ("packet", "loss", "2.6.31"),
    ("packet", "origdev", "2.6.21"),
    ("packet", "qdisc_bypass", "3.14"),
    ("packet", "reserve", "2.6.28"),
    ("packet", "rollover_stats", "4.2"),
    ("packet", "timestamp", "2.6.36"),
    ("packet", "tx_has_off", "3.11"),
    ("packet", "tx_timestamp", "2.6.32"),
    ("packet", "version", "2.6.27"),
    ("packet", "vnet_hdr", "2.6.36"),
    ("packet", "vnet_hdr_sz", "6.6"),
    ("rds", "cancel_sent_to", "2.6.30"),
    ("rds", "cong_monitor", "2.6.30"),
    ("rds", "recverr", "2.6.30"),
    ("rds", "transport", "4.3"),
    ("sctp", "add_streams", "4.11"),
    ("sctp", "asconf_supported", "5.4"),
    ("sctp", "auth_deactivate_key", "4.17"),
    ("sctp", "auth_supported", "5.4"),
    ("sctp", "auto_asconf", "3.1"),
    ("sctp", "default_prinfo", "4.8"),
    ("sctp", "default_sndinfo", "3.17"),
    ("sctp", "ecn_supported", "5.4"),
    ("sctp", "enable_stream_reset", "4.11"),
    ("sctp", "event", "5.0"),
    ("sctp", "expose_potentially_failed_state", "5.5"),
    ("sctp", "interleaving_supported", "4.16"),
    ("sctp", "plpmtud_probe_interval", "5.14"),
    ("sctp", "pr_assoc_status", "4.8"),
    ("sctp", "pr_stream_status", "4.8"),
    ("sctp", "pr_supported", "4.8"),
    ("sctp", "reconfig_supported", "4.11"),
    ("sctp", "recvnxtinfo", "3.17"),
    ("sctp", "recvrcvinfo", "3.17"),
    ("sctp", "remote_udp_encaps_port", "5.11"),
    ("sctp", "reset_assoc", "4.11"),
    ("sctp", "reuse_port", "4.19"),
    ("sctp", "stream_scheduler", "4.15"),
    ("sctp", "stream_scheduler_value", "4.15"),
    ("smc", "limit_hs", "5.18"),
    ("socket", "attach_bpf", "3.19"),
    ("socket", "attach_filter", "2.2, read since 3.8"),
    ("socket", "attach_reuseport_cbpf", "4.5"),
    ("socket", "attach_reuseport_ebpf", "4.5"),
    ("socket", "bindtodevice", "2.0.30, read since 3.8"),
    ("socket", "bindtoifindex", "5.0"),
    ("socket", "bpf_extensions", "3.14"),
    ("socket", "buf_lock", "5.15"),
    ("socket", "busy_poll", "3.11"),
    ("socket", "busy_poll_budget", "5.11"),
    ("socket", "cnx_advice", "4.6"),
    ("socket", "cookie", "4.12"),
    ("socket", "detach_bpf", "3.19"),
    ("socket", "detach_filter", "2.2"),
    ("socket", "detach_reuseport_bpf", "5.3"),
    ("socket", "devmem_dontneed", "6.12"),
    ("socket", "domain", "2.6.32"),
    ("socket", "get_filter", "3.8"),
    ("socket", "incoming_cpu", "3.19, set since 4.4"),
    ("socket", "incoming_napi_id", "4.12"),
    ("socket", "inq", "6.17"),
    ("socket", "lock_filter", "3.9"),
    ("socket", "mark", "2.6.25"),
    ("socket", "max_pacing_rate", "3.13"),
    ("socket", "meminfo", "4.12"),
    ("socket", "netns_cookie", "5.14"),
    ("socket", "nofcs", "3.4"),
    ("socket", "passpidfd", "6.5"),
    ("socket", "passrights", "6.16"),
    ("socket", "passsec", "2.6.18"),
    ("socket", "peek_off", "3.4"),
    ("socket", "peergroups", "4.13"),
    ("socket", "peerpidfd", "6.5"),
    ("socket", "peersec", "2.6.2"),
    ("socket", "prefer_busy_poll", "5.11"),
    ("socket", "protocol", "2.6.32"),
    ("socket", "rcvbufforce", "2.6.14"),
    ("socket", "rcvmark", "5.19"),
    ("socket", "rcvpriority", "6.14"),
    ("socket", "reserve_mem", "5.16"),
    ("socket", "reuseport", "3.9"),
    ("socket", "rxq_ovfl", "2.6.33"),
    ("socket", "select_err_queue", "3.10"),
    ("socket", "sndbufforce", "2.6.14"),
    ("socket", "timestamping", "2.6.30"),
    ("socket", "timestampns", "2.6.22"),
    ("socket", "txrehash", "5.18"),
    ("socket", "txtime", "4.19"),
    ("socket", "wifi_status", "3.3"),
    ("socket", "zerocopy", "4.14"),
    ("tcp", "ao_add_key", "6.7"),
    ("tcp", "ao_del_key", "6.7"),
    ("tcp", "ao_get_keys", "6.7"),
    ("tcp", "ao_info", "6.7"),
    ("tcp", "ao_repair", "6.7"),
    ("tcp", "cc_info", "4.1"),
    ("tcp", "congestion", "2.6.13"),
    ("tcp", "delack_max_us", "6.15"),
    ("tcp", "fastopen", "3.7"),
    ("tcp", "fastopen_connect", "4.11"),
    ("tcp", "fastopen_key", "4.15"),
    ("tcp", "fastopen_no_cookie", "4.15"),
    ("tcp", "inq", "4.18"),
    ("tcp", "is_mptcp", "6.7"),
    ("tcp", "md5sig", "2.6.20"),
    ("tcp", "notsent_lowat", "3.12"),
    ("tcp", "queue_seq", "3.5"),
    ("tcp", "quickack", "2.4.4"),
    ("tcp", "repair", "3.5"),
    ("tcp", "repair_options", "3.5"),
    ("tcp", "repair_queue", "3.5"),
    ("tcp", "repair_window", "4.8"),
    ("tcp", "rto_max_ms", "6.15"),
    ("tcp", "rto_min_us", "6.15"),
    ("tcp", "save_syn", "4.3"),
    ("tcp", "saved_syn", "4.3"),
    ("tcp", "thin_dupack", "2.6.34"),
    ("tcp", "thin_linear_timeouts", "2.6.34"),
    ("tcp", "timestamp", "3.9"),
    ("tcp", "tx_delay", "5.4"),
    ("tcp", "ulp", "4.13"),
    ("tcp", "user_timeout", "2.6.37"),
    ("tipc", "group_join", "4.15"),
    ("tipc", "group_leave", "4.15"),
    ("tipc", "mcast_broadcast", "4.11"),
    ("tipc", "mcast_replicast", "4.11"),
    ("tipc", "nodelay", "5.5"),
    ("tipc", "sock_recvq_used", "4.18"),
    ("tls", "rx", "4.17"),
    ("tls", "rx_expect_no_pad", "6.0"),
    ("tls", "tx", "4.13"),
    ("tls", "tx_max_payload_len", "6.19"),
    ("tls", "tx_zerocopy_ro", "5.19"),
    ("udp", "cork", "2.5.44"),
    ("udp", "encap", "2.5.67"),
    ("udp", "gro", "5.0"),
    ("udp", "no_check6_rx", "3.16"),
    ("udp", "no_check6_tx", "3.16"),
    ("udp", "segment", "4.18"),
    ("udplite", "recv_cscov", "2.6.20"),
    ("udplite", "send_cscov", "2.6.20"),
    ("vsock", "buffer_max_size", "3.9"),
    ("vsock", "buffer_min_size", "3.9"),
    ("vsock", "buffer_size", "3.9"),
    ("vsock", "connect_timeout", "3.9"),
    ("vsock", "nonblock_txrx", "3.9"),
    ("vsock", "peer_host_vm_id", "3.9"),
    ("vsock", "trusted", "3.9"),
    ("xdp", "max_tx_skb_budget", "6.18"),
    ("xdp", "mmap_offsets", "4.18"),
    ("xdp", "options", "5.3"),
    ("xdp", "statistics", "4.18"),
];

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    LEVELS.iter().flat_map(|level| level.iter())
}

/// The levels of the system, and their numbers.
pub fn levels() -> impl Iterator<Item = (&'static str, i32)> {
    LEVELS.iter().filter_map(|level| level.first()).filter_map(|row| match row.keeper {
        Keeper::System(number, _) => Some((row.level, number)),
        Keeper::Library(_) | Keeper::Unsupported => None,
    })
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
