//! Lookup of the names in a caller's values by their text.

use super::name::{
    BDADDR_TYPES, BDADDRS, FILTER_MODES, HARDWARE, HCI_CHANNELS, J1939_ADDRS, J1939_NAMES, J1939_PGNS, Name, PMTUDISC,
    TIPC_SCOPES, VSOCK_CIDS, VSOCK_FLAGS, XDP_FLAGS,
};
use super::{bits, layout, tos};

/// The tables of every name that a caller's value can have.
const NAMES: &[&[Name]] = &[
    PMTUDISC,
    tos::TOS,
    tos::PRECEDENCE,
    tos::DSCP,
    FILTER_MODES,
    HARDWARE,
    layout::SCTP_ADDRESS_FLAGS,
    layout::SCTP_FLAGS,
    layout::AO_DELETE,
    layout::AO_INFO_SET,
    layout::AO_MATCH,
    layout::SCTP_ADDRESS_STATES,
    layout::SCTP_STATES,
    layout::TCP_STATES,
    TIPC_SCOPES,
    BDADDR_TYPES,
    BDADDRS,
    HCI_CHANNELS,
    VSOCK_CIDS,
    VSOCK_FLAGS,
    XDP_FLAGS,
    J1939_NAMES,
    J1939_PGNS,
    J1939_ADDRS,
];

/// The name in the tables with this text. `None` if there is none.
pub fn interned(name: &str) -> Option<&'static str> {
    NAMES.iter().chain(bits::TABLES).flat_map(|table| table.iter()).find(|row| row.0 == name).map(|row| row.0)
}
