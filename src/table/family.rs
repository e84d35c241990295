//! The table of address families that have a form of their own here beside `inet`, `inet6`, `local` and `packet`: names of
//! protocols, and the fields of the `struct sockaddr`.

use crate::wire::codec::{Codec, Field, Layout};
use crate::wire::name::{
    AF_MCTP, AF_QIPCRTR, BDADDR_TYPES, HCI_CHANNELS, J1939_ADDRS, J1939_NAMES, J1939_NO_PGN, J1939_PGNS, Name,
    TIPC_SCOPES, VSOCK_CIDS, VSOCK_FLAGS, VSOCK_PORTS, XDP_FLAGS,
};
use crate::wire::value::Value;

/// A family of addresses. Its number is in [`DOMAINS`](crate::wire::name::DOMAINS).
#[derive(Debug)]
pub struct Row {
    /// AF_*
    pub number: i32,
    /// Names of its protocols.
    pub protocols: &'static [Name],
    /// The forms of its addresses.
    pub forms: &'static [Form],
}

/// One form of a family's addresses.
#[derive(Debug)]
pub struct Form {
    /// How to tell it from the other forms.
    pub tag: Tag,
    /// The fields behind the family.
    pub layout: Layout,
    /// Names of values for fields that a map leaves out. Without one such a field is 0.
    pub defaults: &'static [(&'static str, &'static str)],
}

/// What tells a form from the others of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Nothing: any address that is of no form above it.
    Any,
    /// The socket's protocol. A map has its name under `proto`.
    Protocol(&'static str, i32),
    /// The first byte behind the family. A map has the name under `kind`.
    Kind(&'static str, u8),
}

impl Tag {
    /// The key and the name in a map.
    pub fn key(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Any => None,
            Self::Protocol(name, _) => Some(("proto", name)),
            Self::Kind(name, _) => Some(("kind", name)),
        }
    }
}

impl Row {
    /// The form of which a map with these names is: the value of `proto` or `kind`, if it has one.
    pub fn form(&self, name: impl Fn(&str) -> Option<String>) -> Option<&'static Form> {
        let is = |form: &&Form| form.tag.key().is_none_or(|(key, value)| name(key).as_deref() == Some(value));
        self.forms.iter().find(is)
    }

    /// The fields of an address of a socket with this protocol, from the bytes behind the family. The kernel leaves out the
    /// zeros at the end.
    pub fn read(&self, bytes: &[u8], protocol: i32) -> Option<Vec<(&'static str, Value)>> {
        let is = |form: &&Form| match form.tag {
            Tag::Any => true,
            Tag::Protocol(_, number) => number == protocol,
            Tag::Kind(_, number) => bytes.first() == Some(&number),
        };
        let form = self.forms.iter().find(is)?;
        let mut whole = bytes.to_vec();
        whole.resize(form.layout.size.max(bytes.len()), 0);
        let Some(Value::Map(mut fields)) = form.layout.read(&whole) else {
            return None;
        };
        fields.extend(form.tag.key().map(|(key, name)| (key, Value::Name(name))));
        Some(fields)
    }
}

impl Form {
    /// The bytes behind the family.
    pub fn write(&self, fields: &Value) -> Option<Vec<u8>> {
        let Value::Map(mut fields) = fields.clone() else {
            return None;
        };
        for (field, name) in self.defaults {
            if !fields.iter().any(|(present, _)| present == field) {
                fields.push((field, Value::Name(name)));
            }
        }
        let mut bytes = self.layout.write(&Value::Map(fields))?;
        if let (Tag::Kind(_, number), Some(first)) = (self.tag, bytes.first_mut()) {
            *first = number;
        }
        Some(bytes)
    }
}

/// A field is `name offset codec;`, with `, required` if a map must have it, or with `=> "name"` for its default.
macro_rules! form {
    (@optional) => { true };
    (@optional required) => { false };
    ($tag:expr, $size:literal { $($name:ident $at:literal $codec:expr $(, $required:ident)? $(=> $default:literal)?;)* }) => {
        Form {
            tag: $tag,
            layout: Layout {
                size: $size,
                fields: &[$(Field {
                    name: stringify!($name), at: $at, codec: $codec, optional: form!(@optional $($required)?),
                }),*],
            },
            defaults: &[$($((stringify!($name), $default),)?)*],
        }
    };
}

/// Every family with a form of its own. Offsets count from behind the family field.
pub static TABLE: &[Row] = &[
    Row {
        number: libc::AF_NETLINK,
        protocols: &[
            ("route", 0),
            ("usersock", 2),
            ("firewall", 3),
            ("sock_diag", 4),
            ("nflog", 5),
            ("xfrm", 6),
            ("selinux", 7),
            ("iscsi", 8),
            ("audit", 9),
            ("fib_lookup", 10),
            ("connector", 11),
            ("netfilter", 12),
            ("ip6_fw", 13),
            ("dnrtmsg", 14),
            ("kobject_uevent", 15),
            ("generic", 16),
            ("scsitransport", 18),
            ("ecryptfs", 19),
            ("rdma", 20),
            ("crypto", 21),
            ("smc", 22),
        ],
        forms: &[form!(Tag::Any, 10 { pid 2 Codec::Uint; groups 6 Codec::Groups; })],
    },
    Row {
        number: libc::AF_LLC,
        protocols: &[],
        forms: &[form!(Tag::Any, 14 {
            arphrd 0 Codec::U16; test 2 Codec::U8; xid 3 Codec::U8; ua 4 Codec::U8; sap 5 Codec::U8; mac 6 Codec::Bytes(6);
        })],
    },
    Row {
        number: libc::AF_CAN,
        protocols: &[("raw", 1), ("bcm", 2), ("isotp", 6), ("j1939", 7)],
        forms: &[
            form!(Tag::Protocol("isotp", 6), 22 {
                ifindex 2 Codec::Ifindex; rx_id 6 Codec::Uint, required; tx_id 10 Codec::Uint, required;
            }),
            form!(Tag::Protocol("j1939", 7), 22 {
                ifindex 2 Codec::Ifindex; name 6 Codec::NamedU64(J1939_NAMES) => "none";
                pgn 14 Codec::Capped(J1939_PGNS, J1939_NO_PGN) => "none"; addr 18 Codec::Named8(J1939_ADDRS) => "none";
            }),
            form!(Tag::Any, 22 { ifindex 2 Codec::Ifindex; }),
        ],
    },
    Row {
        number: libc::AF_TIPC,
        protocols: &[],
        forms: &[
            form!(Tag::Kind("range", 1), 14 {
                scope 1 Codec::Named8(TIPC_SCOPES); type 2 Codec::Uint; lower 6 Codec::Uint; upper 10 Codec::Uint;
            }),
            form!(Tag::Kind("service", 2), 14 {
                scope 1 Codec::Named8(TIPC_SCOPES); type 2 Codec::Uint; instance 6 Codec::Uint; domain 10 Codec::Uint;
            }),
            form!(Tag::Kind("socket", 3), 14 {
                scope 1 Codec::Named8(TIPC_SCOPES); ref 2 Codec::Uint; node 6 Codec::Uint;
            }),
        ],
    },
    Row {
        number: libc::AF_BLUETOOTH,
        protocols: &[("l2cap", 0), ("hci", 1), ("sco", 2), ("rfcomm", 3), ("bnep", 4), ("iso", 8)],
        forms: &[
            form!(Tag::Protocol("l2cap", 0), 12 {
                psm 0 Codec::Le16; bdaddr 2 Codec::Bdaddr; cid 8 Codec::Le16; bdaddr_type 10 Codec::Named8(BDADDR_TYPES);
            }),
            form!(Tag::Protocol("hci", 1), 4 { dev 0 Codec::U16; channel 2 Codec::Named16(HCI_CHANNELS); }),
            form!(Tag::Protocol("sco", 2), 6 { bdaddr 0 Codec::Bdaddr; }),
            form!(Tag::Protocol("rfcomm", 3), 8 { bdaddr 0 Codec::Bdaddr; channel 6 Codec::U8; }),
        ],
    },
    Row {
        number: libc::AF_ALG,
        protocols: &[],
        forms: &[form!(Tag::Any, 86 {
            type 0 Codec::Terminated(14), required; feat 14 Codec::Uint; mask 18 Codec::Uint;
            name 22 Codec::Terminated(64), required;
        })],
    },
    Row {
        number: libc::AF_VSOCK,
        protocols: &[],
        forms: &[form!(Tag::Any, 14 {
            port 2 Codec::NamedUint(VSOCK_PORTS); cid 6 Codec::NamedUint(VSOCK_CIDS); flags 10 Codec::Bits8(VSOCK_FLAGS);
        })],
    },
    Row {
        number: AF_QIPCRTR,
        protocols: &[],
        forms: &[form!(Tag::Any, 10 { node 2 Codec::Uint; port 6 Codec::Uint; })],
    },
    Row {
        number: libc::AF_XDP,
        protocols: &[],
        forms: &[form!(Tag::Any, 14 {
            flags 0 Codec::Bits16(XDP_FLAGS); ifindex 2 Codec::Ifindex; queue_id 6 Codec::Uint; shared_umem_fd 10 Codec::Uint;
        })],
    },
    Row {
        number: AF_MCTP,
        protocols: &[],
        forms: &[form!(Tag::Any, 10 { network 2 Codec::Uint; addr 6 Codec::U8; type 7 Codec::U8; tag 8 Codec::U8; })],
    },
];

/// The row of a family.
pub fn find(number: i32) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.number == number)
}
