//! What the library keeps for a socket at the level `otp`.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// How much one receive takes where the caller names no length: `{otp, rcvbuf}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rcvbuf {
    /// how many buffers a receive that may wait fills, where the size was given as a pair
    pub count: Option<u32>,
    /// the size of one, in bytes; or what there is, as far as a thread's scratch buffer goes
    pub size: Option<usize>,
}

/// How much room there is for control messages where nobody says: `{otp, rcvctrlbuf}` and `{otp, sndctrlbuf}`.
pub const CTRL: usize = 1024;

/// How much a ring reads ahead where nobody says: `{otp, read_ahead}`. Nothing, unless the node wants it: what is read ahead is in
/// the kernel no more, where urgent data is looked for.
pub static READ_AHEAD: AtomicUsize = AtomicUsize::new(0);

/// What the library keeps for the level `otp`. An accepted socket inherits it.
pub struct Settings {
    /// `{otp, rcvbuf}`
    pub rcvbuf: Mutex<Rcvbuf>,
    /// How much the last receive got: no setting, but what the size of the next buffer goes by.
    pub last: AtomicUsize,
    /// `{otp, debug}`
    pub debug: AtomicBool,
    /// `{otp, iow}`
    pub iow: AtomicBool,
    /// `{otp, rcvctrlbuf}`
    pub rcvctrlbuf: AtomicUsize,
    /// `{otp, sndctrlbuf}`
    pub sndctrlbuf: AtomicUsize,
    /// `{otp, select_read}`
    pub select_read: AtomicBool,
    /// `{otp, read_ahead}`: bytes
    pub read_ahead: AtomicUsize,
    /// `{udp, gro}`, which the system keeps: a message may be many datagrams.
    pub gro: AtomicBool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rcvbuf: Mutex::default(),
            last: AtomicUsize::new(0),
            debug: AtomicBool::new(false),
            iow: AtomicBool::new(false),
            rcvctrlbuf: AtomicUsize::new(CTRL),
            sndctrlbuf: AtomicUsize::new(CTRL),
            select_read: AtomicBool::new(false),
            read_ahead: AtomicUsize::new(READ_AHEAD.load(Relaxed)),
            gro: AtomicBool::new(false),
        }
    }
}

/// As long as a message can be that the system has put together of several datagrams (UDP_GRO).
const GRO: usize = 65_535;

impl Settings {
    /// How many buffers of which size one receive fills where the caller names no length, with `auto` where nobody has
    /// set it. Where datagrams come put together, a buffer for one of them would cut nearly all away, so there it is large.
    pub fn receive(&self, auto: usize) -> (u32, usize) {
        let rcvbuf = *self.rcvbuf.lock();
        let least = if self.gro.load(Relaxed) { GRO } else { 0 };
        (rcvbuf.count.unwrap_or(1), rcvbuf.size.unwrap_or(auto).max(least))
    }

    /// What an accepted socket inherits: all of it.
    pub fn inherited(&self) -> Self {
        Self {
            rcvbuf: Mutex::new(*self.rcvbuf.lock()),
            last: AtomicUsize::new(0),
            debug: AtomicBool::new(self.debug.load(Relaxed)),
            iow: AtomicBool::new(self.iow.load(Relaxed)),
            rcvctrlbuf: AtomicUsize::new(self.rcvctrlbuf.load(Relaxed)),
            sndctrlbuf: AtomicUsize::new(self.sndctrlbuf.load(Relaxed)),
            select_read: AtomicBool::new(self.select_read.load(Relaxed)),
            read_ahead: AtomicUsize::new(self.read_ahead.load(Relaxed)),
            gro: AtomicBool::new(self.gro.load(Relaxed)),
        }
    }
}
