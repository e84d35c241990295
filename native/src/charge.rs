//! What calls cost: the turn of a process that makes many in a row ends in time.
//!
//! The VM counts a call as one reduction, however long it takes: a loop of 2,000 sends would hold a scheduler for 18 ms. Only what
//! comes in a row is charged. To charge each call has the VM see more load than there is, and wake another scheduler for it: of one
//! connection's echoes that is a fifth of the throughput, at half as much CPU again.

use rustler::schedule::consume_timeslice;
use rustler::{Env, LocalPid};
use std::cell::Cell;

/// So much goes without a charge, in microseconds: half a turn.
const AT_ONCE: u32 = 500;
/// A percent of a turn, which is about a millisecond.
const PERCENT: u32 = 10;

thread_local! {
    /// The process that called on this scheduler last, and for how long it has since it gave up its turn, as far as that is known.
    static ROW: Cell<Option<(LocalPid, u32)>> = const { Cell::new(None) };
}

/// Charges the caller with so many microseconds.
pub(crate) fn charge(env: Env<'_>, micros: u32) {
    let caller = env.pid();
    let before = ROW.get().filter(|(last, _)| *last == caller).map_or(0, |(_, row)| row);
    let row = before.saturating_add(micros);
    if row >= AT_ONCE {
        consume_timeslice(env, i32::try_from(row / PERCENT).map_or(100, |percent| percent.clamp(1, 100)));
    }
    ROW.set(Some((caller, row % AT_ONCE)));
}

/// The caller gives up its turn.
pub(crate) fn rests() {
    ROW.set(None);
}
