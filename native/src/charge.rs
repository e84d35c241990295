//! What calls cost: the turn of a process that makes many in a row ends in time.
//!
//! The VM counts a call as one reduction, however long it takes: a loop of 2,000 sends would hold a scheduler for 18 ms. Only what
//! comes in a row is charged. To charge each call has the VM see more load than there is, and wake another scheduler for it: of one
//! connection's echoes that is a fifth of the throughput, at half as much CPU again.

use esock::lane::Direction;
use esock::op::Op;
use esock::socket::answer::Answer;
use rustler::schedule::consume_timeslice;
use rustler::{Env, LocalPid};
use std::cell::Cell;
use std::time::Instant;

/// So much goes without a charge, in microseconds: a fifth of a turn.
const FREE: u32 = 200;
/// A percent of a turn, which is about a millisecond.
const PERCENT: u32 = 10;

thread_local! {
    /// The process that called on this scheduler last, and for how long it has since it gave up its turn, as far as that is known.
    static CURRENT: Cell<Option<(LocalPid, u32)>> = const { Cell::new(None) };
}

/// Charges the caller with so many microseconds.
pub(crate) fn charge(env: Env<'_>, micros: u32) {
    let caller = env.pid();
    let before = CURRENT.get().filter(|(last, _)| *last == caller).map_or(0, |(_, used)| used);
    let used = before.saturating_add(micros);
    if used >= FREE {
        consume_timeslice(env, i32::try_from(used / PERCENT).map_or(100, |percent| percent.clamp(1, 100)));
    }
    CURRENT.set(Some((caller, used % FREE)));
}

/// The caller gives up its turn.
pub(crate) fn yielded() {
    CURRENT.set(None);
}

/// So many bytes take longer than a call.
const LARGE: usize = 16 * 1024;

/// What an attempt has taken, in microseconds: by the clock where much was moved, else about what is measured on loopback, where a send
/// does the receiver's part too. Nothing where the caller gives up its turn. A charge that is too high costs CPU: schedulers wake for
/// load that is not there.
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
    // Much takes what it takes: bytes that are in no cache are copied four times as slowly.
    let took = if moved < LARGE { 0 } else { begun.elapsed().as_micros() };
    Some(u32::try_from(took).unwrap_or(u32::MAX).max(u32::try_from(calls.saturating_mul(call)).unwrap_or(u32::MAX)))
}
