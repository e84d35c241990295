//! The pollers: threads that sleep until the kernel says that a descriptor is ready, and then tell its source.

pub mod busy;
pub mod epoll;
pub mod registration;
pub mod token;
pub mod uring;

use crate::sys;
use epoll::Poller;
use std::sync::{Arc, OnceLock};
use uring::Ring;

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
    /// The kernel has said so since this round of the poller began ([`Poller::round`]); 0: it may be long ago.
    pub round: u64,
}

impl Event {
    /// There may be something to read.
    pub const READ: Self = Self { readable: true, writable: false, round: 0 };
}

static POLLERS: OnceLock<Vec<Arc<Poller>>> = OnceLock::new();

static RINGS: OnceLock<sys::Result<Vec<Arc<Ring>>>> = OnceLock::new();

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

/// Starts the pollers, once in the life of the process; they stop when it exits.
pub fn start(count: usize) -> sys::Result<()> {
    if POLLERS.get().is_none() {
        let pollers = (0..count.max(1)).map(Poller::start).collect::<sys::Result<Vec<_>>>()?;
        if POLLERS.set(pollers).is_ok() {
            sys::exit::at_exit(stop_all);
        }
    }
    Ok(())
}

/// The poller of a descriptor, if the pollers have been started.
pub fn of(fd: i32) -> Option<&'static Arc<Poller>> {
    let pollers = POLLERS.get()?;
    pollers.get(usize::try_from(fd).ok()?.checked_rem(pollers.len())?)
}

/// Starts the rings, one for each poller, if they have not been started: when the first socket asks for them. An error
/// says why the system has none for us, and is remembered.
pub fn rings() -> sys::Result<&'static [Arc<Ring>]> {
    let started = RINGS.get_or_init(|| {
        let mut rings = Vec::new();
        for (index, poller) in POLLERS.get().into_iter().flatten().enumerate() {
            match Ring::start(index, Arc::clone(&poller.traffic)) {
                Ok(ring) => rings.push(ring),
                Err(errno) => {
                    rings.iter().for_each(|ring: &Arc<Ring>| ring.stop_thread());
                    return Err(errno);
                }
            }
        }
        Ok(rings)
    });
    started.as_deref().map_err(|errno| *errno)
}

/// What became of the rings, if anybody has asked for them.
pub fn rings_started() -> Option<sys::Result<usize>> {
    RINGS.get().map(|rings| rings.as_ref().map(Vec::len).map_err(|errno| *errno))
}

/// The ring of a descriptor.
pub fn ring_of(fd: i32) -> Option<&'static Arc<Ring>> {
    let rings = rings().ok()?;
    rings.get(usize::try_from(fd).ok()?.checked_rem(rings.len())?)
}

/// A poller by its number.
pub fn get(index: usize) -> Option<&'static Arc<Poller>> {
    POLLERS.get()?.get(index)
}

/// How many pollers have a helper poll for them.
pub fn helped() -> usize {
    POLLERS.get().into_iter().flatten().filter(|poller| poller.duty.helped()).count()
}

/// How many pollers there are.
pub fn count() -> usize {
    POLLERS.get().map_or(0, Vec::len)
}

extern "C" fn stop_all() {
    for poller in POLLERS.get().into_iter().flatten() {
        poller.stop();
    }
    for ring in RINGS.get().into_iter().flatten().flatten() {
        ring.stop_thread();
    }
}
