//! The figures of a run, and the line that prints them.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nix::sys::resource::{UsageWho, getrusage};

/// The figures of one run.
#[derive(Debug)]
pub(crate) struct Figures {
    operations: u64,
    cpu_us: i64,
    elapsed: Duration,
    p50_ns: u64,
    p99_ns: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, cpu_us, elapsed, p50_ns, p99_ns } = self;
        write!(f, "{operations} {cpu_us} {} {p50_ns} {p99_ns}", elapsed.as_micros())
    }
}

/// Measures from the moment when sockets and threads exist to the end of the last operation.
pub(crate) struct Watch {
    begin: Instant,
    cpu_us: i64,
}

impl Watch {
    pub(crate) fn start() -> io::Result<Self> {
        Ok(Self { begin: Instant::now(), cpu_us: cpu_us()? })
    }

    pub(crate) fn stop(self, operations: u64) -> io::Result<Figures> {
        let elapsed = self.begin.elapsed();
        Ok(Figures { operations, cpu_us: cpu_us()? - self.cpu_us, elapsed, p50_ns: 0, p99_ns: 0 })
    }

    pub(crate) fn stop_trips(self, trips: &Trips) -> io::Result<Figures> {
        let figures = self.stop(trips.0.len())?;
        Ok(Figures { p50_ns: trips.0.value_at_quantile(0.5), p99_ns: trips.0.value_at_quantile(0.99), ..figures })
    }
}

/// A histogram of round trip times, to three digits. A list of all times would cause memory traffic during the measurement.
pub(crate) struct Trips(Histogram<u64>);

impl Trips {
    pub(crate) fn new() -> io::Result<Self> {
        Histogram::new_with_bounds(1, 60_000_000_000, 3).map(Self).map_err(io::Error::other)
    }

    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// User and system time of this operating-system process, in microseconds.
fn cpu_us() -> io::Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let (user, system) = (usage.user_time(), usage.system_time());
    Ok((user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_line() {
        let mut trips = Trips::new().unwrap();
        (1..=100).for_each(|us| trips.record(Duration::from_micros(us)));
        let mut figures = Watch::start().unwrap().stop_trips(&trips).unwrap();
        assert_eq!(figures.operations, 100);
        assert!(figures.p50_ns.abs_diff(50_000) <= 50 && figures.p99_ns.abs_diff(99_000) <= 99, "{figures:?}");
        figures = Figures { operations: 3, cpu_us: 4, elapsed: Duration::from_micros(5), p50_ns: 6, p99_ns: 7 };
        assert_eq!(figures.to_string(), "3 4 5 6 7");
    }
}
