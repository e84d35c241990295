//! Codecs: how values of socket options and control messages are encoded as bytes.
//!
//! Each row in `crate::table` has a codec. A C struct is a [`Layout`]: a table of fields, each with a codec of its own.

use crate::wire::addr::STORAGE;
use crate::wire::bits;
use crate::wire::name::Name;
use crate::wire::program;

/// The longest name of an interface, in bytes.
pub const DEVICE: usize = 15;
/// The most senders of a source filter that are read.
pub const SOURCES: usize = 128;

/// How a value is encoded. Numbers are in host byte order unless their codec says otherwise.
#[derive(Clone, Copy, Debug)]
pub enum Codec {
    /// An int as a boolean: 0 is false, any other value is true.
    Bool,
    /// A byte as a boolean: 0 is false, any other value is true.
    Bool8,
    /// An int whose only value is `true`: setting the option acts.
    True,
    /// A signed int.
    Int,
    /// A signed int; a negative value is refused.
    Nat,
    /// An unsigned int.
    Uint,
    /// An unsigned byte.
    U8,
    /// An unsigned 16-bit number.
    U16,
    /// An unsigned 64-bit number. [`Codec::read`] returns a value of 2⁶³ or more as a negative number.
    U64,
    /// A signed 64-bit number.
    I64,
    /// An error number, see errno(3); 0 stands for none.
    Error,
    /// An int with names for its values.
    Named(&'static [Name]),
    /// A byte with names for its values.
    Named8(&'static [Name]),
    /// A 16-bit number with names for its values.
    Named16(&'static [Name]),
    /// A 16-bit number in network byte order.
    Be16,
    /// An unsigned int with names for some values.
    NamedUint(&'static [Name]),
    /// An unsigned int of at most this, with names for some values.
    Capped(&'static [Name], u32),
    /// An unsigned 64-bit number with names for some values.
    NamedU64(&'static [Name]),
    /// A 16-bit number, little-endian.
    Le16,
    /// The multicast groups of netlink(7) as a bitmask. A value may be a list of group numbers, 1 to 32.
    Groups,
    /// A Bluetooth address: the name of one, or six pairs of hexadecimal digits with colons between them.
    Bdaddr,
    /// A 32-bit number in network byte order.
    Be32,
    /// Some bits of a byte as a number: the lowest of them, and how many. Read only.
    Part8(u32, u32),
    /// The index of an interface, or its name.
    Ifindex,
    /// The index of an interface in network byte order, or its name.
    IfindexBe,
    /// An interface: its IPv4 address in the first four bytes, or its index in the last four.
    Interface,
    /// The interface of outgoing multicast packets: written as a `struct ip_mreqn`, read as an IPv4 address.
    MulticastIf,
    /// A byte of named bits.
    Bits8(&'static [Name]),
    /// An int of named bits.
    Bits(&'static [Name]),
    /// A 16-bit number of named bits.
    Bits16(&'static [Name]),
    /// A hop limit as an int: −1 selects the system's default.
    Hops,
    /// The type of service, ip(7) and RFC 2474.
    Tos,
    /// The traffic class as an int, or a name of RFC 2474.
    Tclass,
    /// A range of ports in one number, the lower port in its lower half.
    PortRange,
    /// A rate in bytes per second, of 64 bits. All ones are `unlimited`.
    Rate,
    /// Flags of SO_TIMESTAMPING, and the hardware clock if there is one.
    Timestamping,
    /// Times of a packet, `struct scm_timestamping`: by software, by hardware in the system's clock, by hardware.
    Times,
    /// A domain, AF_*.
    Domain,
    /// A type, SOCK_*.
    Type,
    /// A protocol, IPPROTO_*.
    Protocol,
    /// An IPv4 address.
    Ip4,
    /// An IPv6 address.
    Ip6,
    /// A hardware address in a `struct sockaddr`, whose family field holds the hardware type (ARPHRD_*).
    Hardware,
    /// A socket address in a field of the size of a `struct sockaddr_storage`.
    Address,
    /// A `struct sockaddr_in6`.
    Address6,
    /// The name of an interface; `none` stands for no bytes.
    Device,
    /// A text of at most this many bytes, which ends at a NUL or at the end of the buffer.
    Text(usize),
    /// A text in a field of this many bytes: at least one byte, and a NUL behind the last one.
    Terminated(usize),
    /// At most this many bytes, not interpreted.
    Bytes(usize),
    /// A byte with the length of the bytes behind it, which are at most this many.
    Counted8(usize),
    /// A 16-bit number with the length of the bytes behind it, which are at most this many.
    Counted16(usize),
    /// A 32-bit number with the length of the bytes behind it, which are at most this many.
    Counted32(usize),
    /// A length of at most this many bytes: the option's value is its own length. Write only.
    Length(usize),
    /// Unsigned ints up to the end of the buffer.
    Words,
    /// A number, and that many unsigned ints behind it.
    CountedWords,
    /// Pairs of unsigned ints up to the end of the buffer.
    Pairs,
    /// A set of small numbers, one bit each: how many words of 32 bits, and the number of the first bit.
    Set(usize, u32),
    /// C structs up to the end of the buffer.
    Structs(&'static Layout),
    /// The mode of a fan-out of packet(7) in the lower byte of a 16-bit number, its flags in the upper byte.
    Fanout,
    /// A program of classic BPF, `struct sock_fprog`.
    Program,
    /// Filters of CAN frames, `struct can_filter` each.
    CanFilters,
    /// Keys of TLS in the kernel, linux/tls.h.
    Tls,
    /// Attributes of netlink(7).
    Attributes(&'static [Attribute]),
    /// Ints up to the end of the buffer.
    Ints,
    /// A C struct.
    Struct(&'static Layout),
    /// `struct linger`, socket(7). The name `abort` stands for a linger time of 0 seconds: close(2) resets the connection.
    /// `off` stands for no linger.
    Linger(&'static Layout),
    /// `struct ip_msfilter`, ip(7): a struct followed by a list of addresses.
    MsFilter(&'static Layout),
    /// `struct group_filter`, RFC 3678: a struct followed by a list of socket addresses.
    GroupFilter(&'static Layout),
    /// `struct tcp_md5sig`, tcp(7): a struct followed by a key. Write only.
    Md5Sig(&'static Layout),
    /// `struct sock_extended_err` followed by the offender's address, ip(7). Read only.
    ExtendedError,
    /// Control messages, cmsg(3). Read only.
    Cmsgs,
    /// No encoding: the library keeps the option, or this system does not have it.
    Own,
}

/// A C struct.
#[derive(Debug)]
pub struct Layout {
    /// Its size in bytes.
    pub size: usize,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A field of a C struct.
#[derive(Debug)]
pub struct Field {
    /// Its name as Erlang spells it.
    pub name: &'static str,
    /// Its offset in bytes.
    pub at: usize,
    /// How it is encoded.
    pub codec: Codec,
    /// Whether a value may leave it out. It is 0 then.
    pub optional: bool,
}

/// An attribute of netlink(7).
#[derive(Debug)]
pub struct Attribute {
    /// Its name as Erlang spells it.
    pub name: &'static str,
    /// The kernel's number.
    pub kind: u16,
    /// How its payload is encoded.
    pub codec: Codec,
}

impl Codec {
    /// The Erlang type of the value.
    pub fn erlang_type(self) -> String {
        let names = |names: &[Name]| names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | ");
        match self {
            Self::Bool | Self::Bool8 => "boolean()".into(),
            Self::True => "true".into(),
            Self::Int | Self::I64 => "integer()".into(),
            Self::Nat | Self::Uint | Self::U64 | Self::Be32 | Self::Part8(..) | Self::Length(_) => {
                "non_neg_integer()".into()
            }
            Self::U8 => "0..255".into(),
            Self::U16 | Self::Be16 | Self::Le16 => "0..65535".into(),
            Self::NamedUint(table) | Self::NamedU64(table) => format!("{} | non_neg_integer()", names(table)),
            Self::Capped(table, most) => format!("{} | 0..{most}", names(table)),
            Self::Terminated(_) => "string() | binary()".into(),
            Self::Groups => "non_neg_integer() | [1..32]".into(),
            Self::Bdaddr => "any | local | all | string()".into(),
            Self::Error => "none | posix()".into(),
            Self::Named(table) | Self::Named8(table) | Self::Named16(table) => format!("{} | integer()", names(table)),
            Self::Ifindex | Self::IfindexBe => "interface()".into(),
            Self::Interface | Self::MulticastIf => {
                "any | loopback | in_addr() | {index, interface()} | string()".into()
            }
            Self::Tclass => "integer() | iptos_dscp()".into(),
            Self::PortRange => "{port_number(), port_number()}".into(),
            Self::Rate => "unlimited | non_neg_integer()".into(),
            Self::Timestamping => {
                "[timestamping_flag()] | #{flags := [timestamping_flag()], bind_phc := integer()}".into()
            }
            Self::Times => "#{software => timespec(), system => timespec(), hardware => timespec()}".into(),
            Self::Words | Self::CountedWords | Self::Set(..) => "[non_neg_integer()]".into(),
            Self::Pairs => "[{non_neg_integer(), non_neg_integer()}]".into(),
            Self::Structs(layout) => format!("[{}]", Self::Struct(layout).erlang_type()),
            Self::Fanout => {
                format!("{} | #{{type := atom(), flags := [{}]}}", names(bits::FANOUTS), names(bits::FANOUT_FLAGS))
            }
            Self::Program => "bpf_program()".into(),
            Self::CanFilters => "[{Id, Mask} | {inv, Id, Mask}]".into(),
            Self::Tls => "tls_crypto_info()".into(),
            Self::Attributes(rows) => {
                let fields = rows.iter().map(|row| format!("{} => {}", row.name, row.codec.erlang_type()));
                format!("#{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::GroupFilter(_) => "group_filter()".into(),
            Self::Bits8(table) | Self::Bits(table) | Self::Bits16(table) => format!("[{}] | integer()", names(table)),
            Self::Hops => "default | 0..255".into(),
            Self::Tos => "ip_tos()".into(),
            Self::Domain => "domain()".into(),
            Self::Type => "type()".into(),
            Self::Protocol => "protocol()".into(),
            Self::Ip4 => "any | loopback | broadcast | in_addr()".into(),
            Self::Ip6 => "any | loopback | in6_addr()".into(),
            Self::Hardware => "#{family := hatype(), addr := binary()}".into(),
            Self::Address | Self::Address6 => "sockaddr()".into(),
            Self::Text(_) => "string()".into(),
            Self::Device => "none | string()".into(),
            Self::Bytes(_) | Self::Counted8(_) | Self::Counted16(_) | Self::Counted32(_) => "binary()".into(),
            Self::Ints => "[integer()]".into(),
            Self::Struct(layout) => {
                let sign = |field: &Field| if field.optional { "=>" } else { ":=" };
                let fields = layout.fields.iter().map(|f| format!("{} {} {}", f.name, sign(f), f.codec.erlang_type()));
                format!("#{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::Linger(_) => "abort | off | {seconds, non_neg_integer()} | linger()".into(),
            Self::MsFilter(_) => "null | ip_msfilter()".into(),
            Self::Md5Sig(_) => {
                "#{addr := sockaddr(), key := binary(), prefixlen => 0..255, ifindex => integer()}".into()
            }
            Self::ExtendedError => "extended_err()".into(),
            Self::Cmsgs => "[cmsg_recv()]".into(),
            Self::Own => "term()".into(),
        }
    }

    /// Whether the kernel reads a part of the value first, which says what to read: [`Codec::request`].
    pub fn requests(self) -> bool {
        matches!(self, Self::MsFilter(_) | Self::GroupFilter(_))
    }

    /// The most bytes that the kernel writes for a value, which is the buffer size for getsockopt(2).
    pub fn size(self) -> usize {
        match self {
            Self::Bool8 | Self::U8 | Self::Named8(_) | Self::Bits8(_) | Self::Part8(..) => 1,
            Self::Bdaddr => 6,
            Self::U16 | Self::Be16 | Self::Le16 | Self::Bits16(_) | Self::Named16(_) | Self::Fanout => 2,
            Self::U64
            | Self::I64
            | Self::NamedU64(_)
            | Self::Linger(_)
            | Self::Rate
            | Self::Timestamping
            | Self::Interface => 8,
            Self::Times => 48,
            Self::Address6 => 28,
            Self::Device => DEVICE + 1,
            Self::Counted8(most) => 1 + most,
            Self::Counted16(most) => 2 + most,
            Self::Counted32(most) => 4 + most,
            Self::Set(words, _) => 4 * words,
            Self::Words | Self::CountedWords | Self::Pairs | Self::CanFilters => 16 * 1024,
            Self::Structs(layout) => 512 * layout.size,
            Self::MsFilter(layout) => layout.size + 4 + 4 * SOURCES,
            Self::GroupFilter(layout) => layout.size + 4 + STORAGE * SOURCES,
            Self::Program => program::MOST * program::INSTRUCTION,
            Self::Tls | Self::Attributes(_) => 1024,
            Self::Ip6 | Self::Hardware => 16,
            Self::Address => STORAGE,
            // The kernel writes the terminating NUL too.
            Self::Text(size) => size + 1,
            Self::Bytes(size) | Self::Terminated(size) => size,
            Self::Ints | Self::Cmsgs | Self::ExtendedError => 1024,
            Self::Struct(layout) => layout.size,
            _ => 4,
        }
    }
}
