//! Flags of send and receive calls (MSG_*), send(2) and recv(2).

/// The Erlang name of each flag, and its bit.
pub const TABLE: &[(&str, i32)] = &[
    ("batch", 0x4_0000),
    ("cmsg_cloexec", libc::MSG_CMSG_CLOEXEC),
    ("confirm", libc::MSG_CONFIRM),
    ("ctrunc", libc::MSG_CTRUNC),
    ("dontroute", libc::MSG_DONTROUTE),
    ("dontwait", libc::MSG_DONTWAIT),
    ("eor", libc::MSG_EOR),
    ("errqueue", libc::MSG_ERRQUEUE),
    ("fastopen", 0x2000_0000),
    ("more", libc::MSG_MORE),
    ("nosignal", libc::MSG_NOSIGNAL),
    // Marks a received SCTP notification. It has the same bit as `more`, which applies to sends only.
    ("notification", libc::MSG_MORE),
    ("oob", libc::MSG_OOB),
    ("peek", libc::MSG_PEEK),
    ("probe", 0x10),
    ("sock_devmem", 0x200_0000),
    ("trunc", libc::MSG_TRUNC),
    ("waitall", libc::MSG_WAITALL),
    ("waitforone", 0x1_0000),
];

/// esock adds this flag to receives of messages on Unix sockets. The kernel returns it with the message, without a meaning.
pub const CLOEXEC: i32 = libc::MSG_CMSG_CLOEXEC;

/// The kernel reads the data after a send with this flag has returned. Nothing here keeps the data that long, so calls refuse
/// it, also as a number.
pub const ZEROCOPY: i32 = libc::MSG_ZEROCOPY;
