//! The table of ioctl(2) requests on sockets, netdevice(7), tcp(7) and unix(7). One request is one row.

use crate::wire::codec::Codec;
use crate::wire::ifreq::ATMARK;
use crate::wire::layout;
use crate::wire::value::Value;

/// The arguments and the result of a request.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Returns an int.
    Get(Codec),
    /// Takes the name of an interface, and returns the payload of its `struct ifreq`.
    Interface(Codec),
    /// Takes the name of an interface, and a value for the payload of its `struct ifreq`.
    SetInterface(Codec),
    /// Takes the index of an interface, and returns its name.
    InterfaceName,
    /// Takes the name of an interface, and returns its flags.
    Flags,
    /// Takes the name of an interface, and sets and clears flags of it.
    SetFlags,
    /// Returns all interfaces that have an address.
    Interfaces,
    /// Returns the free space in the send buffer, in bytes.
    Space,
    /// A request of another operating system.
    Unsupported,
}

/// A request.
#[derive(Debug)]
pub struct Row {
    /// Its Erlang name.
    pub name: &'static str,
    /// The kernel's number.
    pub request: u32,
    /// Its arguments and its result.
    pub form: Form,
}

macro_rules! rows {
    ($($name:ident $request:expr, $form:expr;)*) => {
        /// Every request.
        pub static TABLE: &[Row] = &[$(Row { name: stringify!($name), request: $request as u32, form: $form },)*];
    };
}

rows! {
    atmark      ATMARK,               Form::Get(Codec::Bool);
    genaddr     0, Form::Unsupported;
    gifaddr     libc::SIOCGIFADDR,    Form::Interface(Codec::Address);
    gifbrdaddr  libc::SIOCGIFBRDADDR, Form::Interface(Codec::Address);
    gifconf     libc::SIOCGIFCONF,    Form::Interfaces;
    gifdstaddr  libc::SIOCGIFDSTADDR, Form::Interface(Codec::Address);
    gifflags    libc::SIOCGIFFLAGS,   Form::Flags;
    gifhwaddr   libc::SIOCGIFHWADDR,  Form::Interface(Codec::Hardware);
    gifindex    libc::SIOCGIFINDEX,   Form::Interface(Codec::Int);
    gifmap      libc::SIOCGIFMAP,     Form::Interface(Codec::Struct(&layout::IFMAP));
    gifmtu      libc::SIOCGIFMTU,     Form::Interface(Codec::Int);
    gifname     libc::SIOCGIFNAME,    Form::InterfaceName;
    gifnetmask  libc::SIOCGIFNETMASK, Form::Interface(Codec::Address);
    giftxqlen   libc::SIOCGIFTXQLEN,  Form::Interface(Codec::Int);
    nread       libc::FIONREAD,       Form::Get(Codec::Int);
    nspace      libc::TIOCOUTQ,       Form::Space;
    nwrite      libc::TIOCOUTQ,       Form::Get(Codec::Int);
    nwrite_unsent 0x894b,             Form::Get(Codec::Int);
    rcvall      0, Form::Unsupported;
    rcvall_igmpmcast 0, Form::Unsupported;
    rcvall_mcast 0, Form::Unsupported;
    sifaddr     libc::SIOCSIFADDR,    Form::SetInterface(Codec::Address);
    sifbrdaddr  libc::SIOCSIFBRDADDR, Form::SetInterface(Codec::Address);
    sifdstaddr  libc::SIOCSIFDSTADDR, Form::SetInterface(Codec::Address);
    sifflags    libc::SIOCSIFFLAGS,   Form::SetFlags;
    sifhwaddr   libc::SIOCSIFHWADDR,  Form::SetInterface(Codec::Hardware);
    sifmtu      libc::SIOCSIFMTU,     Form::SetInterface(Codec::Int);
    sifnetmask  libc::SIOCSIFNETMASK, Form::SetInterface(Codec::Address);
    siftxqlen   libc::SIOCSIFTXQLEN,  Form::SetInterface(Codec::Int);
    tcp_info    0, Form::Unsupported;
}

/// Flags of an interface, netdevice(7). A flag without a number belongs to another operating system.
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

/// The names of the flags that are set, in the order of their bits.
pub fn flags(bits: i32) -> Value {
    let mut set: Vec<_> = FLAGS.iter().filter_map(|(name, bit)| Some((bits & (*bit)?, *name))).collect();
    set.retain(|(bit, _)| *bit != 0);
    set.sort_unstable();
    Value::List(set.into_iter().map(|(_, name)| Value::Name(name)).collect())
}
