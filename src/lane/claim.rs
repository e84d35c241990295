//! What a waiter waits to do, and in which direction.

/// What the head of a lane waits to do or is doing. Read and accept share a direction, and so do write and connect.
/// Two different claims in one direction exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// recv, recvfrom, recvmsg, recvmmsg
    Read,
    /// accept
    Accept,
    /// send, sendto, sendmsg, sendmmsg, sendfile
    Write,
    /// connect
    Connect,
}

/// A direction of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// receive and accept
    Read,
    /// send and connect
    Write,
}

impl Claim {
    /// The direction of the claim.
    pub fn direction(self) -> Direction {
        match self {
            Self::Read | Self::Accept => Direction::Read,
            Self::Write | Self::Connect => Direction::Write,
        }
    }
}
