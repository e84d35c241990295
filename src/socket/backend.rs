//! What waits and receives for a socket.

/// What waits and receives for a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// epoll(7) tells when to try.
    #[default]
    Epoll,
    /// What a process waits for is done for it, by the poller, or on a stream by a ring of io_uring(7).
    Uring,
}

impl Backend {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Epoll => "epoll",
            Self::Uring => "io_uring",
        }
    }
}
