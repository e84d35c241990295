//! What a poller tells, and to whom.

/// Something a poller tells of events.
pub trait Ready: Send + Sync {
    /// The descriptor became readable, writable, or both.
    fn ready(&self, event: Event);
}

/// What a poller tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// There is something to read, an end or an error.
    pub readable: bool,
    /// There is room, or an error.
    pub writable: bool,
    /// The kernel has said so since this round of the poller began (`Poller::round`); 0: it may be long ago.
    pub round: u64,
}

impl Event {
    /// There may be something to read.
    pub const READ: Self = Self { readable: true, writable: false, round: 0 };
}
