//! What a waiter is about to do, and in which direction.

/// What the holder of a turn is about to do. Accept and read, and connect and write, share a direction and exclude
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// recv and its kin
    Read,
    /// accept
    Accept,
    /// send and its kin
    Write,
    /// connect
    Connect,
}

/// Read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// receive and accept
    Read,
    /// send and connect
    Write,
}

impl Claim {
    /// The direction it needs.
    pub fn direction(self) -> Direction {
        match self {
            Self::Read | Self::Accept => Direction::Read,
            Self::Write | Self::Connect => Direction::Write,
        }
    }
}
