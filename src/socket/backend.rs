//! The back end of a socket: how its calls wait.

/// How the calls of a socket wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// epoll(7) reports when to attempt a call again.
    #[default]
    Epoll,
    /// Completions: the poller thread or the helper makes the call in place of the process that waits, or a ring of
    /// io_uring(7) receives for a stream.
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
