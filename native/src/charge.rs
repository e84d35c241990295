//! What calls cost: a process that makes many calls in a row gives up its time slice in time.
//!
//! The VM counts a call as one reduction, however long it takes: a loop of 2,000 sends would hold a scheduler for 18
//! ms. Only calls in a row are charged. If each call were charged, the VM would see more load than there is, and wake
//! another scheduler for it: for echoes on one connection that costs a fifth of the throughput, and takes half as much
//! CPU again.

use esock::lane::Direction;
use esock::op::Op;
use esock::socket::answer::Answer;
use rustler::schedule::consume_timeslice;
use rustler::{Env, LocalPid};
use std::cell::Cell;
use std::time::Instant;

/// Time that is not charged, in microseconds: a fifth of a time slice.
const FREE: u32 = 200;
/// One percent of a time slice in microseconds. A time slice is about a millisecond.
const PERCENT: u32 = 10;

thread_local! {
    /// The process that made the last call on this scheduler, and the microseconds of its calls since it last gave up
    /// its time slice or was charged.
    static CURRENT: Cell<Option<(LocalPid, u32)>> = const { Cell::new(None) };
}

/// Adds to the microseconds of the caller, and charges it when they reach [`FREE`].
pub(crate) fn charge(env: Env<'_>, micros: u32) {
    let caller = env.pid();
    let before = CURRENT.get().filter(|(last, _)| *last == caller).map_or(0, |(_, used)| used);
    let used = before.saturating_add(micros);
    if used >= FREE {
        consume_timeslice(env, i32::try_from(used / PERCENT).map_or(100, |percent| percent.clamp(1, 100)));
    }
    CURRENT.set(Some((caller, if used < FREE { used } else { 0 })));
}

/// The caller gives up its time slice.
pub(crate) fn yielded() {
    CURRENT.set(None);
}

/// From this many bytes on, moving them takes longer than the call itself.
const LARGE: usize = 16 * 1024;

/// What an attempt took, in microseconds: by the clock if it moved much, otherwise about what is measured on loopback,
/// where a send does the receiver's part too. `None`: the caller gives up its time slice. A charge that is too high
/// costs CPU, because schedulers wake for load that is not there.
pub(crate) fn cost<O: Op>(answer: &Answer<O::Done>, begun: Instant, blocking: bool) -> Option<u32> {
    if blocking && matches!(answer, Answer::Waiting | Answer::Yield) {
        return None;
    }
    let call = if O::CLAIM.direction() == Direction::Read { 1 } else { 5 };
    let (calls, moved) = match answer {
        Answer::Done(done) | Answer::Again(done) => (O::calls(done), O::bytes(done)),
        Answer::Partial(done) | Answer::Unfinished(done) | Answer::Cut(done, _) => (1, O::bytes(done)),
        _ => (1, 0),
    };
    // Measured, because the time varies: bytes that are in no cache are copied four times as slowly.
    let took = if moved < LARGE { 0 } else { begun.elapsed().as_micros() };
    Some(u32::try_from(took).unwrap_or(u32::MAX).max(u32::try_from(calls.saturating_mul(call)).unwrap_or(u32::MAX)))
}
