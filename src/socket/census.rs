//! Counters of the open sockets, by domain, type and protocol.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

macro_rules! census {
    ($($name:ident $number:expr;)*) => {
        /// Counters of open sockets, by domain, type and protocol.
        pub struct Census {
            total: AtomicUsize,
            $($name: AtomicUsize,)*
        }

        impl Census {
            /// All counters are 0.
            pub const fn new() -> Self {
                Self { total: AtomicUsize::new(0), $($name: AtomicUsize::new(0),)* }
            }

            /// Counts a socket as open.
            pub fn add(&self, domain: i32, kind: i32, protocol: i32) {
                self.total.fetch_add(1, Relaxed);
                $(if $number(domain, kind, protocol) { self.$name.fetch_add(1, Relaxed); })*
            }

            /// Counts a socket as closed.
            pub fn subtract(&self, domain: i32, kind: i32, protocol: i32) {
                self.total.fetch_sub(1, Relaxed);
                $(if $number(domain, kind, protocol) { self.$name.fetch_sub(1, Relaxed); })*
            }

            /// Each counter with its name.
            pub fn read(&self) -> Vec<(&'static str, usize)> {
                vec![("num_sockets", self.total.load(Relaxed)), $((stringify!($name), self.$name.load(Relaxed))),*]
            }
        }
    };
}

census! {
    num_dinet   |d, _, _| d == libc::AF_INET;
    num_dinet6  |d, _, _| d == libc::AF_INET6;
    num_dlocal  |d, _, _| d == libc::AF_UNIX;
    num_tstreams  |_, t, _| t == libc::SOCK_STREAM;
    num_tdgrams   |_, t, _| t == libc::SOCK_DGRAM;
    num_tseqpkgs  |_, t, _| t == libc::SOCK_SEQPACKET;
    num_pip   |_, _, p| p == libc::IPPROTO_IP;
    num_ptcp  |_, _, p| p == libc::IPPROTO_TCP;
    num_pudp  |_, _, p| p == libc::IPPROTO_UDP;
    num_psctp |_, _, p| p == libc::IPPROTO_SCTP;
}

impl Default for Census {
    fn default() -> Self {
        Self::new()
    }
}

/// The counters of this library's sockets.
pub static CENSUS: Census = Census::new();
