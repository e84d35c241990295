//! Flags of send and receive calls (MSG_*), send(2) and recv(2).

/// A flag's name as Erlang spells it, and its bit.
pub const TABLE: &[(&str, i32)] = &[
    ("cmsg_cloexec", libc::MSG_CMSG_CLOEXEC),
    ("confirm", libc::MSG_CONFIRM),
    ("ctrunc", libc::MSG_CTRUNC),
    ("dontroute", libc::MSG_DONTROUTE),
    ("eor", libc::MSG_EOR),
    ("errqueue", libc::MSG_ERRQUEUE),
    ("more", libc::MSG_MORE),
    ("nosignal", libc::MSG_NOSIGNAL),
    // SCTP's, of a received message: it has the bit that `more` has in a send.
    ("notification", libc::MSG_MORE),
    ("oob", libc::MSG_OOB),
    ("peek", libc::MSG_PEEK),
    ("trunc", libc::MSG_TRUNC),
];

/// Always given to a receive: it comes back as the message's, and says nothing there.
pub const CLOEXEC: i32 = libc::MSG_CMSG_CLOEXEC;
