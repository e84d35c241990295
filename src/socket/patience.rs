//! Patience: whether to try again before waiting.

use std::time::{Duration, Instant};

/// Whether it pays, on this socket, to give up the turn and try again before waiting. A wait costs a wake-up of the
/// poller, a message and perhaps a sleeping scheduler, and a peer that is busy answers sooner than that; but a peer
/// that is idle must not be asked in vain. So a socket that has met nothing in vain lets ever more waits pass before it
/// tries so again. ARCHITECTURE.md has the figures.
#[derive(Debug)]
pub struct Patience {
    /// When the tries of the call that is going on began.
    since: Option<Instant>,
    /// waits to let pass without a try
    rest: u8,
    /// calls in a row that have tried in vain
    vain: u8,
    /// calls in a row that met nothing at first, and then something
    late: u8,
}

impl Default for Patience {
    fn default() -> Self {
        Self { since: None, rest: 2, vain: 1, late: 0 }
    }
}

impl Patience {
    /// So many tries are had in any case: on a node with much to do, every one of them lets all others have their turn.
    const FEW: u32 = 2;
    /// And then others for so long: on a node with little to do, they follow one another.
    const MOST: Duration = Duration::from_micros(50);
    /// Of two to this power waits, one tries in vain.
    const RAREST: u8 = 7;

    /// So many calls in a row met nothing at first: the next will not, either.
    const SURE: u8 = 8;

    /// Whether the first attempt is not worth a system call. Every so often it is made all the same, to find out.
    pub fn skips_first_attempt(&mut self, after: u32) -> bool {
        let sure = after == 0 && self.late >= Self::SURE && !self.late.is_multiple_of(Self::SURE);
        if sure {
            self.since = Some(Instant::now());
        }
        sure
    }

    /// Whether to give up the turn once more, after so many times.
    pub fn more(&mut self, after: u32) -> bool {
        if after == 0 {
            let tries = self.rest == 0;
            self.rest = self.rest.saturating_sub(1);
            self.since = tries.then(Instant::now);
            return tries;
        }
        let more = after < Self::FEW || self.since.is_some_and(|since| since.elapsed() < Self::MOST);
        if !more {
            self.late = 0;
            self.vain = (self.vain + 1).min(Self::RAREST);
            self.rest = (1 << self.vain) - 1;
        }
        more
    }

    /// An attempt got something after so many yields.
    pub fn succeeded(&mut self, after: u32) {
        if after > 0 {
            self.vain = 0;
            self.late = self.late.checked_add(1).unwrap_or(Self::SURE);
        } else {
            self.late = 0;
        }
    }
}
