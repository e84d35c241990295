//! No family that this kernel opens refuses the flags that esock adds to a call.

use esock::sys;
use esock::sys::kind::Kind;
use esock::sys::room::Memory;
use esock::wire::errno::Errno;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

/// A socket of each domain and type that the kernel opens.
fn sockets() -> Vec<(Kind, OwnedFd)> {
    let kinds = (1..=46).flat_map(|domain| (1..=6).map(move |kind| (domain, kind)));
    let protocols = |domain| if domain == libc::AF_PACKET { 0x0300 } else { 0 };
    let opened = kinds.filter_map(|(domain, kind)| {
        let protocol = protocols(domain);
        Some((Kind { domain, kind, protocol }, sys::socket::open(domain, kind, protocol).ok()?))
    });
    opened.collect()
}

fn number<T>(result: Result<T, Errno>) -> Option<i32> {
    result.err().map(Errno::number)
}

#[test]
fn no_family_refuses_the_added_flags() {
    let sockets = sockets();
    assert!(sockets.len() > 5, "{}", sockets.len());
    for (kind, fd) in &sockets {
        let mut memory = Memory::new(64);
        let mut ctrl = [0; 64];
        let flags = sys::io::message_flags(*kind, 0);
        let mut one = |flags| number(sys::io::recvmsg(fd.as_fd(), &mut memory.space(64).unwrap(), &mut ctrl, flags));
        let plain = one(0);
        assert_eq!(one(flags), plain, "recvmsg {kind:?}");
        let (mut data, mut ctrl) = ([0; 64], [0; 64]);
        let room = std::iter::once((&mut data[..], &mut ctrl[..]));
        assert_eq!(number(sys::io::recvmmsg(fd.as_fd(), room, flags)), plain, "recvmmsg {kind:?}");
        // write(2) passes no flags, so it shows the result without them.
        let written = File::from(fd.try_clone().unwrap()).write(b"x").err().and_then(|error| error.raw_os_error());
        assert_eq!(number(sys::io::send(fd.as_fd(), b"x", 0)), written, "send {kind:?}");
    }
}
