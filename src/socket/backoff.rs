//! Back-off after a shortage of descriptors or memory, whose end no event reports.

use std::time::{Duration, Instant};

/// A shortage. It begins with the first attempt that fails for it, and ends with the next attempt that does not.
#[derive(Debug)]
pub struct Backoff {
    delay: Duration,
    until: Instant,
    /// The timer for the end of this period has been taken.
    timer_taken: bool,
}

impl Backoff {
    /// The first period.
    pub const MIN: Duration = Duration::from_millis(5);
    /// The limit up to which the periods double.
    pub const MAX: Duration = Duration::from_millis(100);

    /// Records that an attempt failed for the shortage. Returns whether the call is to report the error: only the
    /// first one in each period is.
    pub fn record_shortage(shortage: &mut Option<Box<Self>>, now: Instant) -> bool {
        let (report, delay) = match shortage {
            None => (true, Self::MIN),
            Some(known) if known.until <= now => (true, (known.delay * 2).min(Self::MAX)),
            Some(_) => (false, Duration::ZERO),
        };
        if report {
            *shortage = Some(Box::new(Self { delay, until: now + delay, timer_taken: false }));
        }
        report
    }

    /// The end of this period, for a timer. Only the first call in a period gets it.
    pub fn take_timer(&mut self) -> Option<Instant> {
        (!std::mem::replace(&mut self.timer_taken, true)).then_some(self.until)
    }
}
