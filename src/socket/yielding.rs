//! When a blocking call yields and attempts again before it waits.

use std::time::{Duration, Instant};

/// Decides for one socket whether a call yields (`erlang:yield/0`) and attempts again before it waits. A wait costs a
/// wake-up of the poller thread, a message, and perhaps the wake-up of a sleeping scheduler. A busy peer answers
/// sooner than that. An idle peer does not, and the yields are in vain. So after yields in vain more and more waits
/// pass without a yield. ARCHITECTURE.md has the figures.
#[derive(Debug)]
pub struct YieldPolicy {
    /// when the yields of the present call began
    yields_since: Option<Instant>,
    /// waits that are still to pass without a yield
    waits_to_skip: u8,
    /// back-off exponent: after yields in vain, 2^`backoff` - 1 waits pass without a yield
    backoff: u8,
    /// calls in a row whose first attempt would block and whose later attempt succeeded
    late_successes: u8,
}

impl Default for YieldPolicy {
    fn default() -> Self {
        Self { yields_since: None, waits_to_skip: 2, backoff: 1, late_successes: 0 }
    }
}

impl YieldPolicy {
    /// A call yields at least this often. On a busy node each yield lets all other processes run.
    const MIN_YIELDS: u32 = 2;
    /// After these it goes on yielding until this much time has passed. On an idle node the yields follow one another
    /// at once.
    const MAX_TIME: Duration = Duration::from_micros(50);
    /// The limit of `backoff`: of 2^7 = 128 waits, one yields in vain.
    const MAX_BACKOFF: u8 = 7;

    /// After this many late successes in a row the first attempt of the next call is expected to block, too.
    const SKIP_AFTER: u8 = 8;

    /// Whether the call yields without a first attempt, which would be a system call for nothing. Every eighth call
    /// makes that attempt, to see whether it still is.
    pub fn skips_first_attempt(&mut self, yielded: u32) -> bool {
        let skips = yielded == 0
            && self.late_successes >= Self::SKIP_AFTER
            && !self.late_successes.is_multiple_of(Self::SKIP_AFTER);
        if skips {
            self.yields_since = Some(Instant::now());
        }
        skips
    }

    /// Whether the call yields once more, after this many yields.
    pub fn should_yield(&mut self, yielded: u32) -> bool {
        if yielded == 0 {
            let yields = self.waits_to_skip == 0;
            self.waits_to_skip = self.waits_to_skip.saturating_sub(1);
            self.yields_since = yields.then(Instant::now);
            return yields;
        }
        let more =
            yielded < Self::MIN_YIELDS || self.yields_since.is_some_and(|since| since.elapsed() < Self::MAX_TIME);
        if !more {
            self.late_successes = 0;
            self.backoff = (self.backoff + 1).min(Self::MAX_BACKOFF);
            self.waits_to_skip = (1 << self.backoff) - 1;
        }
        more
    }

    /// An attempt succeeded after this many yields.
    pub fn succeeded(&mut self, yielded: u32) {
        if yielded > 0 {
            self.backoff = 0;
            self.late_successes = self.late_successes.checked_add(1).unwrap_or(Self::SKIP_AFTER);
        } else {
            self.late_successes = 0;
        }
    }
}
