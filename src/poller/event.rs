//! Events of a descriptor, and the source that a poller notifies of them.

/// A source: what a poller notifies of the events of a registration.
pub trait Ready: Send + Sync {
    /// The descriptor has become readable, writable, or both.
    fn ready(&self, event: Event);
}

/// What a poller reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// There is something to read, the end of the stream, or an error.
    pub readable: bool,
    /// There is room to write, or an error.
    pub writable: bool,
    /// The poller's round in which the kernel reported it (`Poller::round`). 0 for an error and for an event that does not come
    /// from the kernel in this round: a timer, or an event left over from an earlier round.
    pub round: u64,
}

impl Event {
    /// There may be something to read.
    pub const READ: Self = Self { readable: true, writable: false, round: 0 };
}
