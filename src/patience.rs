//! Patience: whether to try again before waiting.

/// How often it pays, on this socket, to give up the turn and try again before waiting. A wait costs a wake-up of the
/// poller, a message and perhaps a sleeping scheduler, and a peer that is busy answers sooner than that; but a peer
/// that is idle must not be asked in vain. ARCHITECTURE.md has the figures.
#[derive(Debug, Default)]
pub struct Patience {
    /// yields that are worth trying
    yields: u8,
    /// waits in a row without a try
    waits: u8,
}

impl Patience {
    /// More than this has not paid.
    const MOST: u8 = 10;
    /// Every so many waits the socket gets a new chance.
    const PROBE: u8 = 16;

    /// Whether to give up the turn once more, after so many times.
    pub fn more(&self, after: u32) -> bool {
        after < u32::from(self.yields)
    }

    /// An attempt got something after so many yields.
    pub fn paid(&mut self, after: u32) {
        if after > 0 {
            self.yields = (self.yields.saturating_mul(2)).clamp(2, Self::MOST);
        }
    }

    /// It came to a wait after so many yields.
    pub fn waited(&mut self, after: u32) {
        self.waits = self.waits.wrapping_add(1);
        if after > 0 {
            self.yields /= 2;
        } else if self.waits.is_multiple_of(Self::PROBE) {
            self.yields = 1;
        }
    }
}
