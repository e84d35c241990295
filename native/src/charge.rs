//! What calls cost: a process that makes many has its turn ended in time.
//!
//! The VM counts a call as one reduction, however long it takes. So a loop of 2,000 sends would hold a scheduler for 18 ms.

use rustler::Env;
use rustler::schedule::consume_timeslice;
use std::cell::Cell;

/// A percent of a time slice, which is about a millisecond.
const PERCENT: u32 = 10;

thread_local! {
    /// Microseconds that no caller of this scheduler has been charged with yet: less than a percent.
    static REST: Cell<u32> = const { Cell::new(0) };
}

/// Charges the caller with so many microseconds.
pub(crate) fn charge(env: Env<'_>, micros: u32) {
    let sum = REST.get().saturating_add(micros);
    REST.set(sum % PERCENT);
    if sum >= PERCENT {
        consume_timeslice(env, i32::try_from(sum / PERCENT).map_or(100, |percent| percent.min(100)));
    }
}
