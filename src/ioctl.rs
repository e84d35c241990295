//! Requests of ioctl(2) that sockets have, netdevice(7), tcp(7) and unix(7). One request is one row.

use crate::codec::{Codec, Value};
use crate::name::Name;

/// What goes in and what comes out.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A number comes out.
    Get(Codec),
    /// Of an interface by its name: what stands in the struct behind the name comes out.
    Interface(Codec),
    /// For an interface by its name: it goes into the struct behind the name.
    SetInterface(Codec),
    /// Of an interface by its number: its name comes out.
    InterfaceName,
    /// The flags of an interface.
    Flags,
    /// Sets and clears flags of an interface.
    SetFlags,
    /// All interfaces that have an address.
    Interfaces,
    /// How much the send buffer still takes.
    Space,
    /// Another system's.
    Nobody,
}

/// A request.
#[derive(Debug)]
pub struct Row {
    /// Its name as Erlang spells it.
    pub name: &'static str,
    /// The system's number.
    pub request: u32,
    /// What goes in and out.
    pub form: Form,
}

/// SIOCATMARK: whether the next byte is the one behind urgent data, sockatmark(3).
pub const ATMARK: u32 = 0x8905;

macro_rules! rows {
    ($($name:ident $request:expr, $form:expr;)*) => {
        /// Every request.
        pub static TABLE: &[Row] = &[$(Row { name: stringify!($name), request: $request as u32, form: $form },)*];
    };
}

rows! {
    atmark      ATMARK,               Form::Get(Codec::Bool);
    genaddr     0, Form::Nobody;
    gifaddr     libc::SIOCGIFADDR,    Form::Interface(Codec::Address);
    gifbrdaddr  libc::SIOCGIFBRDADDR, Form::Interface(Codec::Address);
    gifconf     libc::SIOCGIFCONF,    Form::Interfaces;
    gifdstaddr  libc::SIOCGIFDSTADDR, Form::Interface(Codec::Address);
    gifflags    libc::SIOCGIFFLAGS,   Form::Flags;
    gifhwaddr   libc::SIOCGIFHWADDR,  Form::Interface(Codec::Hardware);
    gifindex    libc::SIOCGIFINDEX,   Form::Interface(Codec::Int);
    gifmap      libc::SIOCGIFMAP,     Form::Interface(Codec::Struct(&crate::layout::IFMAP));
    gifmtu      libc::SIOCGIFMTU,     Form::Interface(Codec::Int);
    gifname     libc::SIOCGIFNAME,    Form::InterfaceName;
    gifnetmask  libc::SIOCGIFNETMASK, Form::Interface(Codec::Address);
    giftxqlen   libc::SIOCGIFTXQLEN,  Form::Interface(Codec::Int);
    nread       libc::FIONREAD,       Form::Get(Codec::Int);
    nspace      libc::TIOCOUTQ,       Form::Space;
    nwrite      libc::TIOCOUTQ,       Form::Get(Codec::Int);
    rcvall      0, Form::Nobody;
    rcvall_igmpmcast 0, Form::Nobody;
    rcvall_mcast 0, Form::Nobody;
    sifaddr     libc::SIOCSIFADDR,    Form::SetInterface(Codec::Address);
    sifbrdaddr  libc::SIOCSIFBRDADDR, Form::SetInterface(Codec::Address);
    sifdstaddr  libc::SIOCSIFDSTADDR, Form::SetInterface(Codec::Address);
    sifflags    libc::SIOCSIFFLAGS,   Form::SetFlags;
    sifhwaddr   libc::SIOCSIFHWADDR,  Form::SetInterface(Codec::Hardware);
    sifmtu      libc::SIOCSIFMTU,     Form::SetInterface(Codec::Int);
    sifnetmask  libc::SIOCSIFNETMASK, Form::SetInterface(Codec::Address);
    siftxqlen   libc::SIOCSIFTXQLEN,  Form::SetInterface(Codec::Int);
    tcp_info    0, Form::Nobody;
}

/// Flags of an interface, netdevice(7). What has no number is another system's.
pub const FLAGS: &[(&str, Option<i32>)] = &[
    ("allmulti", Some(libc::IFF_ALLMULTI)),
    ("automedia", Some(libc::IFF_AUTOMEDIA)),
    ("broadcast", Some(libc::IFF_BROADCAST)),
    ("cantconfig", None),
    ("debug", Some(libc::IFF_DEBUG)),
    ("dormant", Some(libc::IFF_DORMANT)),
    ("dying", None),
    ("dynamic", Some(libc::IFF_DYNAMIC)),
    ("echo", Some(libc::IFF_ECHO)),
    ("knowsepoch", None),
    ("link0", None),
    ("link1", None),
    ("link2", None),
    ("loopback", Some(libc::IFF_LOOPBACK)),
    ("lower_up", Some(libc::IFF_LOWER_UP)),
    ("master", Some(libc::IFF_MASTER)),
    ("monitor", None),
    ("multicast", Some(libc::IFF_MULTICAST)),
    ("noarp", Some(libc::IFF_NOARP)),
    ("nogroup", None),
    ("notrailers", Some(libc::IFF_NOTRAILERS)),
    ("oactive", None),
    ("pointopoint", Some(libc::IFF_POINTOPOINT)),
    ("portsel", Some(libc::IFF_PORTSEL)),
    ("ppromisc", None),
    ("promisc", Some(libc::IFF_PROMISC)),
    ("renaming", None),
    ("running", Some(libc::IFF_RUNNING)),
    ("simplex", None),
    ("slave", Some(libc::IFF_SLAVE)),
    ("staticarp", None),
    ("up", Some(libc::IFF_UP)),
];

/// Kinds of hardware, ARPHRD_* of if_arp.h.
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

/// The size of a `struct ifreq`.
pub const IFREQ: usize = 40;
/// The size of the name in it.
pub const NAME: usize = 16;

/// A `struct ifreq` with an interface's name and what stands behind it; nothing where the name is too long.
pub fn ifreq(name: &[u8], value: &[u8]) -> Option<[u8; IFREQ]> {
    let mut request = [0; IFREQ];
    request.get_mut(..NAME - 1)?.get_mut(..name.len())?.copy_from_slice(name);
    let room = request.get_mut(NAME..)?;
    let len = value.len().min(room.len());
    room.get_mut(..len)?.copy_from_slice(value.get(..len)?);
    Some(request)
}

/// What stands behind the name.
pub fn behind(request: &[u8; IFREQ]) -> &[u8] {
    request.get(NAME..).unwrap_or_default()
}

/// The names of the flags that are set, in the order of their bits.
pub fn flags(bits: i32) -> Value {
    let mut set: Vec<_> = FLAGS.iter().filter_map(|(name, bit)| Some((bits & (*bit)?, *name))).collect();
    set.retain(|(bit, _)| *bit != 0);
    set.sort_unstable();
    Value::List(set.into_iter().map(|(_, name)| Value::Name(name)).collect())
}

/// The answer of SIOCGIFCONF: names and addresses.
pub fn interfaces(bytes: &[u8]) -> Option<Value> {
    let one = |request: &[u8; IFREQ]| {
        let name = Codec::Text(NAME).read(request.get(..NAME)?)?;
        let addr = Codec::Address.read(behind(request).get(..16)?)?;
        Some(Value::Map(vec![("name", name), ("addr", addr)]))
    };
    let (requests, _) = bytes.as_chunks::<IFREQ>();
    requests.iter().map(one).collect::<Option<Vec<_>>>().map(Value::List)
}
