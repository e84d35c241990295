//! Encoding and decoding of the structs in options and control messages.

use super::generate;
use esock::wire::addr::Address;
use esock::wire::cmsg::{Message, parse, space, write};
use esock::wire::codec::{Codec, Layout};
use esock::wire::layout;
use esock::wire::value::Value;
use std::net::Ipv4Addr;

fn map(pairs: &[(&'static str, Value)]) -> Value {
    Value::Map(pairs.to_vec())
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn get<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap()
}

fn loopback(port: u16) -> Value {
    Value::Address(Address::Inet { addr: Ipv4Addr::LOCALHOST, port })
}

#[test]
fn fields_are_inside_their_structs_and_do_not_overlap() {
    for layout in generate::layouts() {
        let mut end = 0;
        for field in layout.fields {
            // Parts of one byte are at one place.
            let part = matches!(field.codec, Codec::Part8(..)) && field.at + 1 == end;
            assert!(field.at >= end || part, "{} overlaps", field.name);
            end = field.at + field.codec.size();
            assert!(end <= layout.size, "{} is outside", field.name);
        }
    }
}

#[test]
fn sizes_are_those_of_libc() {
    assert_eq!(layout::UCRED.size, size_of::<libc::ucred>());
    assert_eq!(layout::MREQ.size, size_of::<libc::ip_mreqn>());
    assert_eq!(layout::TXTIME.size, size_of::<libc::sock_txtime>());
    assert_eq!(layout::PACKET_MREQ.size, size_of::<libc::packet_mreq>());
    assert_eq!(layout::PACKET_AUXDATA.size, size_of::<libc::tpacket_auxdata>());
    assert_eq!(layout::J1939_FILTER.size, size_of::<libc::j1939_filter>());
    assert_eq!(layout::XDP_OFFSETS.size, size_of::<libc::xdp_mmap_offsets>());
    assert_eq!(layout::XDP_STATISTICS.size, size_of::<libc::xdp_statistics>());
    assert_eq!(layout::MREQ6.size, size_of::<libc::ipv6_mreq>());
    assert_eq!(layout::PKTINFO.size, size_of::<libc::in_pktinfo>());
    assert_eq!(layout::PKTINFO6.size, size_of::<libc::in6_pktinfo>());
    assert_eq!(layout::LINGER.size, size_of::<libc::linger>());
    assert_eq!(layout::TIMEVAL.size, size_of::<libc::timeval>());
    assert_eq!(esock::wire::ifreq::IFREQ, size_of::<libc::ifreq>());
}

/// What gcc says with the headers of Linux 6.1: sizes, and the offsets of fields behind padding.
#[test]
fn sizes_and_offsets_are_those_of_gcc() {
    let at = |layout: &Layout, name: &str| layout.fields.iter().find(|field| field.name == name).unwrap().at;
    for (layout, size, name, offset) in [
        (&layout::SCTP_THRESHOLDS, 144, "pathmaxrxt", 136),
        (&layout::SCTP_UDPENCAPS, 144, "port", 136),
        (&layout::SCTP_PROBE, 144, "interval", 136),
        (&layout::SCTP_PRSTATUS, 24, "abandoned_unsent", 8),
        (&layout::SCTP_DEFAULT_PRINFO, 12, "policy", 8),
        (&layout::SCTP_EVENT, 8, "on", 6),
        (&layout::SCTP_RCVINFO, 28, "ppid", 8),
        (&layout::SCTP_NXTINFO, 16, "assoc_id", 12),
        (&layout::SCTP_SNDINFO, 16, "assoc_id", 12),
        (&layout::SCTP_PRINFO, 8, "value", 4),
        (&layout::SCTP_SACK, 12, "freq", 8),
        (&layout::SCTP_ADD_STREAMS, 8, "outbound", 6),
        (&layout::SCTP_STREAM_VALUE, 8, "value", 6),
        (&layout::SCTP_KEY_ID, 8, "keynumber", 4),
        (&layout::FLOWLABEL, 32, "flags", 22),
        (&layout::ISOTP, 12, "rx_ext_address", 11),
        (&layout::ISOTP_FC, 3, "wftmax", 2),
        (&layout::ISOTP_LL, 3, "tx_flags", 2),
        (&layout::J1939_FILTER, 32, "addr_mask", 25),
        (&layout::GROUP_SOURCE, 264, "source", 136),
        (&layout::TIMESTAMP_PKTINFO, 16, "pkt_length", 4),
        (&layout::TIPC_GROUP, 16, "flags", 12),
        (&layout::PACKET_ROLLOVER, 24, "failed", 16),
        (&layout::PACKET_FANOUT, 8, "max_num_members", 4),
        (&layout::REPAIR_WINDOW, 20, "rcv_wup", 16),
    ] {
        assert_eq!((layout.size, at(layout, name)), (size, offset), "{name}");
    }
    // An older kernel ends here.
    assert_eq!(at(&layout::MPTCP_INFO, "retransmits"), 44);
    assert_eq!((layout::GROUP_FILTER.size, at(&layout::GROUP_FILTER, "mode")), (140, 136));
    for (cipher, size) in [(51_u16, 40), (52, 56), (54, 56), (58, 56)] {
        let header = [0x0304_u16.to_ne_bytes(), cipher.to_ne_bytes()].concat();
        assert_eq!(esock::wire::tls::size(&header), Some(size));
    }
}

/// RFC 6458; the offsets are those of linux/sctp.h.
#[test]
fn sctp_structs() {
    let rtoinfo = map(&[("assoc_id", int(7)), ("initial", int(3000)), ("max", int(60000)), ("min", int(1000))]);
    let bytes = Codec::Struct(&layout::SCTP_RTOINFO).write(&rtoinfo).unwrap();
    assert_eq!(bytes, [7_u32, 3000, 60000, 1000].map(u32::to_ne_bytes).concat());
    assert_eq!(Codec::Struct(&layout::SCTP_RTOINFO).read(&bytes).unwrap(), rtoinfo);

    let initmsg = map(&[
        ("num_ostreams", int(1)),
        ("max_instreams", int(2)),
        ("max_attempts", int(3)),
        ("max_init_timeo", int(4)),
    ]);
    let bytes = Codec::Struct(&layout::SCTP_INITMSG).write(&initmsg).unwrap();
    assert_eq!(bytes, [1_u16, 2, 3, 4].map(u16::to_ne_bytes).concat());

    let primary = map(&[("assoc_id", int(9)), ("addr", loopback(4711))]);
    let bytes = Codec::Struct(&layout::SCTP_PRIMARY).write(&primary).unwrap();
    assert_eq!(
        (bytes.len(), &bytes[..4], &bytes[6..12]),
        (132, &9_u32.to_ne_bytes()[..], &[0x12, 0x67, 127, 0, 0, 1][..])
    );
    assert_eq!(Codec::Struct(&layout::SCTP_PRIMARY).read(&bytes).unwrap(), primary);

    let params = map(&[
        ("assoc_id", int(1)),
        ("addr", loopback(1)),
        ("heatbeat_interval", int(30000)),
        ("path_max_rxt", int(5)),
        ("flags", Value::List(vec![Value::Name("enable_heartbeats"), Value::Name("dscp")])),
    ]);
    let bytes = Codec::Struct(&layout::SCTP_ADDRESS_PARAMS).write(&params).unwrap();
    assert_eq!(bytes[132..136], 30000_u32.to_ne_bytes());
    assert_eq!(bytes[136..138], 5_u16.to_ne_bytes());
    assert_eq!(bytes[146..150], 0x201_u32.to_ne_bytes());

    let sndrcv = map(&[
        ("stream", int(3)),
        ("flags", Value::List(vec![Value::Name("unordered"), Value::Name("eof")])),
        ("ppid", int(46)),
        ("assoc_id", int(2)),
    ]);
    let bytes = Codec::Struct(&layout::SCTP_SNDRCV).write(&sndrcv).unwrap();
    assert_eq!(bytes[4..6], 0x201_u16.to_ne_bytes());
    assert_eq!(bytes[8..12], 46_u32.to_ne_bytes());
    let read = Codec::Struct(&layout::SCTP_SNDRCV).read(&bytes).unwrap();
    assert_eq!(get(&read, "flags"), get(&sndrcv, "flags"));
}

#[test]
fn missing_fields_and_bad_values_are_refused() {
    let codec = Codec::Struct(&layout::SCTP_RTOINFO);
    assert!(codec.write(&map(&[("assoc_id", int(7))])).is_none());
    assert!(codec.write(&int(7)).is_none());
    assert!(Codec::U16.write(&int(70000)).is_none());
    assert!(Codec::U8.write(&int(-1)).is_none());
    assert!(Codec::Nat.write(&int(-1)).is_none());
    assert!(Codec::Bits(layout::SCTP_ADDRESS_FLAGS).write(&Value::List(vec![Value::Name("abort")])).is_none());
    assert!(Codec::Bytes(2).write(&Value::Bytes(vec![0; 3])).is_none());
}

#[test]
fn an_older_kernel_writes_a_shorter_struct() {
    let value = Codec::Struct(&layout::TCP_INFO).read(&[10; 12]).unwrap();
    let Value::Map(pairs) = &value else { panic!("{value:?}") };
    assert_eq!(get(&value, "state"), &Value::Name("listen"));
    assert_eq!(pairs.last().unwrap().0, "rto");
}

#[test]
fn control_messages_round_trip() {
    let messages = vec![
        Message { level: libc::SOL_SOCKET, kind: libc::SCM_RIGHTS, data: 7_i32.to_ne_bytes().to_vec() },
        Message { level: libc::IPPROTO_IP, kind: libc::IP_TTL, data: vec![1, 2, 3] },
        Message { level: 1, kind: 2, data: Vec::new() },
    ];
    let bytes = write(&messages);
    assert_eq!(bytes.len(), messages.iter().map(|message| space(message.data.len())).sum::<usize>());
    assert_eq!(parse(&bytes), messages);
    // A message that is truncated or has a wrong length is left out, and ends the list.
    assert_eq!(parse(&bytes[..bytes.len() - 1]).len(), 2);
    assert!(parse(&[0; 16]).is_empty());
    assert!(parse(&[0xff; 64]).is_empty());
}

#[test]
fn extended_errors() {
    let mut bytes = [111_u32.to_ne_bytes(), [2, 3, 3, 0], [0; 4], [0; 4]].concat();
    bytes.extend(Address::Inet { addr: Ipv4Addr::LOCALHOST, port: 0 }.to_raw().unwrap().as_bytes());
    let value = Codec::ExtendedError.read(&bytes).unwrap();
    assert_eq!(get(&value, "error"), &Value::Error(111));
    assert_eq!(get(&value, "origin"), &Value::Name("icmp"));
    assert_eq!(get(&value, "type"), &Value::Name("dest_unreach"));
    assert_eq!(get(&value, "code"), &Value::Name("port_unreach"));
    assert_eq!(get(&value, "offender"), &loopback(0));
    assert!(Codec::ExtendedError.read(&bytes[..15]).is_none());
}

#[test]
fn addresses_of_an_association() {
    let one = Address::Inet { addr: Ipv4Addr::LOCALHOST, port: 1 };
    let two = Address::Inet6 { addr: std::net::Ipv6Addr::LOCALHOST, port: 2, flowinfo: 0, scope_id: 0 };
    let mut bytes = [7_i32.to_ne_bytes(), 2_i32.to_ne_bytes()].concat();
    bytes.extend(one.to_raw().unwrap().as_bytes());
    bytes.extend(two.to_raw().unwrap().as_bytes());
    assert_eq!(esock::wire::sctp::addresses(&bytes), [one, two]);
    assert!(esock::wire::sctp::addresses(&[]).is_empty());
}

/// RFC 6458 section 6.1; the offsets are those of linux/sctp.h.
#[test]
fn notifications() {
    let header = |kind: u16, flags: u16| [kind.to_ne_bytes(), flags.to_ne_bytes(), [0; 2], [0; 2]].concat();
    let mut change = header(0x8001, 0);
    change.extend([0_u16, 0, 10, 12].map(u16::to_ne_bytes).concat());
    change.extend(7_i32.to_ne_bytes());
    let value = esock::wire::notification::read(&change).unwrap();
    assert_eq!(get(&value, "type"), &Value::Name("assoc_change"));
    assert_eq!(get(&value, "state"), &Value::Name("comm_up"));
    assert_eq!((get(&value, "outbound_streams"), get(&value, "inbound_streams")), (&int(10), &int(12)));
    assert_eq!(get(&value, "assoc_id"), &int(7));

    let mut address = header(0x8002, 0);
    address.extend(Address::Inet { addr: Ipv4Addr::LOCALHOST, port: 9 }.to_raw().unwrap().padded());
    address.extend([1_i32, 0, 7].map(i32::to_ne_bytes).concat());
    let value = esock::wire::notification::read(&address).unwrap();
    assert_eq!((get(&value, "state"), get(&value, "addr")), (&Value::Name("addr_unreachable"), &loopback(9)));

    let mut reset = header(0x800a, 1 | 4);
    reset.extend(7_i32.to_ne_bytes());
    reset.extend([3_u16, 4].map(u16::to_ne_bytes).concat());
    let value = esock::wire::notification::read(&reset).unwrap();
    assert_eq!(get(&value, "flags"), &Value::List(vec![Value::Name("incoming_ssn"), Value::Name("denied")]));
    assert_eq!(get(&value, "stream_list"), &Value::List(vec![int(3), int(4)]));

    let mut failed = header(0x8003, 0);
    failed.resize(48, 0);
    failed.extend(b"lost");
    assert_eq!(get(&esock::wire::notification::read(&failed).unwrap(), "data"), &Value::Bytes(b"lost".to_vec()));

    // An unknown or truncated notification decodes to its type and flags.
    let value = esock::wire::notification::read(&header(0x80ff, 5)).unwrap();
    assert_eq!((get(&value, "type"), get(&value, "flags")), (&int(0x80ff), &int(5)));
    assert!(esock::wire::notification::read(&[1]).is_none());
    assert!(esock::wire::notification::is(libc::IPPROTO_SCTP, esock::wire::notification::FLAG));
    assert!(!esock::wire::notification::is(libc::IPPROTO_UDP, esock::wire::notification::FLAG));
}

#[test]
fn large_unsigned_numbers() {
    for number in [0, 1, 1 << 63, u64::MAX] {
        let value = Value::unsigned(number);
        assert_eq!(Codec::U64.write(&value), Some(number.to_ne_bytes().to_vec()));
        assert_eq!(Codec::U64.read(&number.to_ne_bytes()), Some(value));
    }
}
