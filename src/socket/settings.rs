//! The options of the level `otp`, which the library keeps for a socket.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// The buffers of a receive without a length: `{otp, rcvbuf}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rcvbuf {
    /// how many buffers a receive that may wait fills, if the option was set to a pair
    pub count: Option<u32>,
    /// the size of one buffer in bytes; `None`: as much as there is, up to the size of a thread's scratch buffer
    pub size: Option<usize>,
}

/// The default buffer for control messages, in bytes: `{otp, rcvctrlbuf}` and `{otp, sndctrlbuf}`.
pub const CTRL_BUFFER: usize = 1024;

/// The default of `{otp, read_ahead}` in bytes: how much a ring reads ahead. It is 0 unless the node sets it, because
/// bytes that were read ahead are no longer in the kernel, where urgent data is looked for.
pub static READ_AHEAD: AtomicUsize = AtomicUsize::new(0);

/// The options of the level `otp` of one socket. An accepted socket inherits them.
pub struct Settings {
    /// `{otp, rcvbuf}`
    pub rcvbuf: Mutex<Rcvbuf>,
    /// Bytes of the last receive. This is no option: the size of the next buffer depends on it.
    pub last_received: AtomicUsize,
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
    /// `{otp, read_ahead}`, in bytes
    pub read_ahead: AtomicUsize,
    /// `{udp, gro}`, which the kernel keeps: a message may hold many datagrams
    pub gro: AtomicBool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rcvbuf: Mutex::default(),
            last_received: AtomicUsize::new(0),
            debug: AtomicBool::new(false),
            iow: AtomicBool::new(false),
            rcvctrlbuf: AtomicUsize::new(CTRL_BUFFER),
            sndctrlbuf: AtomicUsize::new(CTRL_BUFFER),
            select_read: AtomicBool::new(false),
            read_ahead: AtomicUsize::new(READ_AHEAD.load(Relaxed)),
            gro: AtomicBool::new(false),
        }
    }
}

/// The longest message that the kernel makes of several datagrams (UDP_GRO), in bytes.
const GRO: usize = 65_535;

impl Settings {
    /// How many buffers a receive without a length fills, and their size, which is `auto` if none was set. With
    /// UDP_GRO the size is at least that of the longest message: a buffer for one datagram would truncate nearly all
    /// of it.
    pub fn receive(&self, auto: usize) -> (u32, usize) {
        let rcvbuf = *self.rcvbuf.lock();
        let least = if self.gro.load(Relaxed) { GRO } else { 0 };
        (rcvbuf.count.unwrap_or(1), rcvbuf.size.unwrap_or(auto).max(least))
    }

    /// The settings of an accepted socket: all options are inherited.
    pub fn inherited(&self) -> Self {
        Self {
            rcvbuf: Mutex::new(*self.rcvbuf.lock()),
            last_received: AtomicUsize::new(0),
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
