//! Back-off: how long a shortage (of descriptors, of memory) is left alone, since no event tells when it is over.

use std::time::{Duration, Instant};

/// A shortage that lasts: it begins with the attempt that first meets it, and ends with the one that first does not.
#[derive(Debug)]
pub struct Backoff {
    delay: Duration,
    until: Instant,
    /// Somebody has asked to be told at the end of the pause.
    alarm: bool,
}

impl Backoff {
    /// The first pause.
    pub const LEAST: Duration = Duration::from_millis(5);
    /// They double up to this.
    pub const MOST: Duration = Duration::from_millis(100);

    /// An attempt met the shortage. Whether that was news: who comes before the pause is over learns nothing new.
    pub fn record_shortage(shortage: &mut Option<Box<Self>>, now: Instant) -> bool {
        let (news, delay) = match shortage {
            None => (true, Self::LEAST),
            Some(known) if known.until <= now => (true, (known.delay * 2).min(Self::MOST)),
            Some(_) => (false, Duration::ZERO),
        };
        if news {
            *shortage = Some(Box::new(Self { delay, until: now + delay, alarm: false }));
        }
        news
    }

    /// The end of the pause, for who is the first to ask to be told of it.
    pub fn alarm(&mut self) -> Option<Instant> {
        (!std::mem::replace(&mut self.alarm, true)).then_some(self.until)
    }
}
