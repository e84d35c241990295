//! Addresses: encoding and decoding.

use esock::wire::addr::{Address, PATH_MAX, Raw};
use std::net::{Ipv4Addr, Ipv6Addr};

fn round_trip(address: Address) {
    let raw = address.to_raw().unwrap();
    assert_eq!(Address::from_raw(&raw), address);
}

#[test]
fn every_family_round_trips() {
    round_trip(Address::Inet { addr: Ipv4Addr::new(1, 2, 3, 4), port: 65535 });
    round_trip(Address::Inet6 { addr: Ipv6Addr::LOCALHOST, port: 1, flowinfo: 0xABCDE, scope_id: 7 });
    round_trip(Address::Local(b"/tmp/x".to_vec()));
    round_trip(Address::Local(b"\0abstract\0name".to_vec()));
    round_trip(Address::Local(Vec::new()));
    round_trip(Address::Packet { protocol: 0x800, ifindex: 3, hatype: 1, pkttype: 4, addr: vec![1, 2, 3, 4, 5, 6] });
    round_trip(Address::Other(16, vec![1, 2, 3]));
}

#[test]
fn a_path_has_no_nul_and_at_most_108_bytes() {
    assert!(Address::Local(vec![b'x'; PATH_MAX - 1]).to_raw().is_some());
    assert!(Address::Local(vec![b'x'; PATH_MAX]).to_raw().is_some());
    assert!(Address::Local(vec![b'x'; PATH_MAX + 1]).to_raw().is_none());
    assert!(Address::Local(b"a\0b".to_vec()).to_raw().is_none());
    assert!(Address::Local(vec![0; PATH_MAX]).to_raw().is_some());
    assert!(Address::Other(99, vec![0; 200]).to_raw().is_none());
}

#[test]
fn flowinfo_is_in_network_order() {
    let raw = Address::Inet6 { addr: Ipv6Addr::LOCALHOST, port: 0, flowinfo: 0x12345, scope_id: 0 }.to_raw().unwrap();
    assert_eq!(&raw.as_bytes()[4..8], &[0, 1, 0x23, 0x45]);
}

/// getsockname(2) shortens the address to the length of the hardware address.
#[test]
fn a_packet_address_may_be_short() {
    let raw = Raw::new(&[17, 0, 8, 0, 2, 0, 0, 0, 1, 0, 0, 0]).unwrap();
    let short = Address::Packet { protocol: 0x800, ifindex: 2, hatype: 1, pkttype: 0, addr: Vec::new() };
    assert_eq!(Address::from_raw(&raw), short);
    let long = Address::Packet { protocol: 0, ifindex: 0, hatype: 0, pkttype: 0, addr: vec![0; 9] };
    assert!(long.to_raw().is_none());
}
