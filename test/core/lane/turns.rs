//! The lane of one direction: turns, order, exactly one signal for each wait.

use crate::socket::waiting::{Process, Waiter};
use esock::lane::{Cancelled, Claim, Lane, Reason, Signal, State, Turn};
use esock::wire::errno::Errno;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

fn lane() -> Lane<Waiter, ()> {
    Lane::new(())
}

/// A look that finds something.
fn sure(_: &mut State<Waiter, ()>) -> bool {
    true
}

/// What an attempt that blocks does: leads when it has the turn, stands in line otherwise.
fn wait(lane: &Lane<Waiter, ()>, process: &Process, handle: u32) {
    let (turn, wakes) = lane.hold(sure, |state, wakes| {
        let turn = state.waiters.turn(process.number, Claim::Read);
        match turn {
            Turn::Mine => state.waiters.lead(Claim::Read, process.waiter(handle), wakes),
            Turn::Behind => state.waiters.queue(Claim::Read, process.waiter(handle)),
            Turn::InLine | Turn::Excluded => panic!("{turn:?}"),
        }
        turn
    });
    wakes.tell();
    assert_ne!(turn, Turn::InLine);
}

/// What an attempt that got something does.
fn take(lane: &Lane<Waiter, ()>, process: &Process, more: bool) {
    lane.hold(sure, |state, wakes| {
        assert_eq!(state.waiters.turn(process.number, Claim::Read), Turn::Mine);
        if state.waiters.leads(process.number) {
            state.waiters.advance(|_| more, wakes);
        }
    })
    .1
    .tell();
}

fn cancel(lane: &Lane<Waiter, ()>, process: &Process, handle: u32) -> Cancelled {
    let (how, wakes) = lane.hold(sure, |state, wakes| {
        state.waiters.cancel((process.number, u64::from(handle)), |waiter| waiter.handle() == handle, |_| false, wakes)
    });
    wakes.tell();
    how
}

#[test]
fn turns_go_round_in_order() {
    let lane = lane();
    let all = [1, 2, 3].map(Process::new);
    all.iter().for_each(|process| wait(&lane, process, process.number));
    for (at, process) in all.iter().enumerate() {
        lane.event(sure).tell();
        assert_eq!(process.receive(), (process.number, Signal::Ready));
        // Events while he is on his way wake nobody else.
        lane.event(sure).tell();
        assert!(all.iter().skip(at + 1).all(|other| other.inbox().is_empty()));
        take(&lane, process, false);
        assert_eq!(process.inbox(), [(process.number, Signal::Departed)]);
    }
    let (left, _) = lane.hold(sure, |state, _| state.waiters.waiting(Claim::Read));
    assert_eq!(left, 0);
}

#[test]
fn what_is_left_behind_wakes_the_next() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    wait(&lane, &first, 10);
    wait(&lane, &second, 20);
    lane.event(sure).tell();
    take(&lane, &first, true);
    assert_eq!(second.receive(), (20, Signal::Ready));
}

#[test]
fn one_place_for_each_process_and_one_claim_at_a_time() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    wait(&lane, &first, 10);
    wait(&lane, &second, 20);
    let ((), wakes) = lane.hold(sure, |state, _| {
        assert_eq!(state.waiters.turn(1, Claim::Read), Turn::Mine);
        assert_eq!(state.waiters.turn(2, Claim::Read), Turn::InLine);
        assert_eq!(state.waiters.turn(3, Claim::Read), Turn::Behind);
        assert_eq!(state.waiters.turn(1, Claim::Accept), Turn::Excluded);
    });
    assert!(wakes.is_empty());
}

#[test]
fn a_second_wait_voids_the_first_handle() {
    let lane = lane();
    let process = Process::new(1);
    wait(&lane, &process, 10);
    wait(&lane, &process, 11);
    lane.event(sure).tell();
    assert_eq!(process.inbox(), [(10, Signal::Departed), (11, Signal::Ready)]);
}

#[test]
fn cancel_says_whether_a_message_was_sent() {
    let lane = lane();
    let all = [1, 2, 3].map(Process::new);
    all.iter().for_each(|process| wait(&lane, process, process.number));
    assert_eq!(cancel(&lane, &all[1], 2), Cancelled::Clean);
    assert_eq!(cancel(&lane, &all[1], 2), Cancelled::NotFound);
    assert_eq!(cancel(&lane, &all[2], 1), Cancelled::NotFound);
    lane.event(sure).tell();
    assert_eq!(cancel(&lane, &all[0], 1), Cancelled::Sent);
    // The turn has passed to the one behind him who is left.
    lane.event(sure).tell();
    assert_eq!(all[2].receive(), (3, Signal::Ready));
    assert_eq!(all[1].inbox(), [(2, Signal::Departed)]);
}

#[test]
fn an_abort_reaches_everybody_who_was_not_woken() {
    let lane = lane();
    let all = [1, 2, 3].map(Process::new);
    all.iter().for_each(|process| wait(&lane, process, process.number));
    lane.event(sure).tell();
    let reason = Reason::Errno(Errno::new(libc::ECONNRESET));
    lane.hold(sure, |state, wakes| state.waiters.abort(reason, wakes)).1.tell();
    assert_eq!(all[0].inbox(), [(1, Signal::Ready), (1, Signal::Departed)]);
    assert_eq!(all[1].inbox(), [(2, Signal::Abort(reason))]);
    assert_eq!(all[2].inbox(), [(3, Signal::Abort(reason))]);
}

#[test]
fn an_event_while_the_lane_is_held_is_not_lost() {
    let lane = lane();
    let process = Process::new(1);
    // The event comes after the attempt said EAGAIN and before the waiter is in place.
    let ((), wakes) = lane.hold(sure, |state, wakes| {
        assert!(lane.event(sure).is_empty());
        state.waiters.lead(Claim::Read, process.waiter(7), wakes);
    });
    wakes.tell();
    assert_eq!(process.receive(), (7, Signal::Ready));
}

#[test]
fn an_event_before_anybody_waits_wakes_nobody_later() {
    let lane = lane();
    lane.event(sure).tell();
    let process = Process::new(1);
    wait(&lane, &process, 7);
    assert!(process.inbox().is_empty());
}

/// A thread fires events, two take turns; whoever waits after his event was fired is woken, always.
#[test]
fn no_event_is_lost_in_a_race() {
    const ROUNDS: u32 = 20_000;
    let lane = Arc::new(lane());
    let full = Arc::new(AtomicBool::new(false));
    let start = Arc::new(Barrier::new(2));
    let producer = std::thread::spawn({
        let (lane, full, start) = (Arc::clone(&lane), Arc::clone(&full), Arc::clone(&start));
        move || {
            start.wait();
            for _ in 0..ROUNDS {
                while full.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                // What a kernel does: data first, then the event.
                full.store(true, Ordering::SeqCst);
                lane.event(sure).tell();
            }
        }
    });
    start.wait();
    let process = Process::new(1);
    let mut taken = 0;
    while taken < ROUNDS {
        let (got, wakes) = lane.hold(sure, |state, wakes| {
            if full.swap(false, Ordering::SeqCst) {
                if state.waiters.leads(1) {
                    state.waiters.advance(|_| false, wakes);
                }
                true
            } else {
                state.waiters.lead(Claim::Read, process.waiter(taken), wakes);
                false
            }
        });
        wakes.tell();
        if got {
            taken += 1;
        } else {
            // Handles of before are void: their last word is Left.
            while process.receive().1 != Signal::Ready {}
        }
    }
    producer.join().unwrap();
}

/// Ten thousand wait. Each operation is a few steps however long the queue is, so this ends at once; a search would take minutes.
#[test]
fn a_long_queue_is_not_searched() {
    const MANY: u32 = 100_000;
    let lane = lane();
    let leader = Process::new(0);
    wait(&lane, &leader, 0);
    let process = Process::new(1);
    for handle in 0..MANY {
        let ((), wakes) = lane.hold(sure, |state, _| state.waiters.queue(Claim::Read, process.completion(handle)));
        assert!(wakes.is_empty());
    }
    // From the middle outwards: neither end of the queue is a short cut.
    for handle in (0..MANY / 2).rev().chain(MANY / 2..MANY) {
        assert_eq!(cancel(&lane, &process, handle), Cancelled::Clean);
    }
    let (left, _) = lane.hold(sure, |state, _| state.waiters.waiting(Claim::Read));
    assert_eq!(left, 1);
    assert_eq!(process.inbox().len(), MANY as usize);
}

#[test]
fn a_process_that_has_ended_leaves_with_all_its_waits() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    let ((), wakes) = lane.hold(sure, |state, wakes| {
        state.waiters.lead(Claim::Read, first.completion(10), wakes);
        (11..20).for_each(|handle| state.waiters.queue(Claim::Read, first.completion(handle)));
        state.waiters.queue(Claim::Read, second.waiter(20));
        state.waiters.queue(Claim::Read, first.waiter(21));
    });
    wakes.tell();
    lane.hold(sure, |state, wakes| state.waiters.gone(1, |_| true, wakes)).1.tell();
    assert_eq!(second.receive(), (20, Signal::Ready));
    let mut left = first.inbox();
    left.sort_by_key(|(handle, _)| *handle);
    let all = (10..20).chain([21]).map(|handle| (handle, Signal::Departed));
    assert_eq!(left, all.collect::<Vec<_>>());
}

/// The message of a waiter that has left is in flight until it is sent, and a cancel is told so.
#[test]
fn a_cancel_learns_that_a_message_is_in_flight() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    wait(&lane, &first, 1);
    wait(&lane, &second, 2);
    let wakes = lane.event(sure);
    assert_eq!(cancel(&lane, &first, 1), Cancelled::Sending);
    wakes.tell();
    assert_eq!(cancel(&lane, &first, 1), Cancelled::Sent);
    let (_, wakes) = lane.hold(sure, |state, wakes| state.waiters.abort(Reason::Closed, wakes));
    assert_eq!(cancel(&lane, &second, 2), Cancelled::Sending);
    // What others are told meanwhile keeps no cancel waiting.
    wait(&lane, &first, 3);
    let other = lane.event(sure);
    wakes.tell();
    assert_eq!(cancel(&lane, &second, 2), Cancelled::NotFound);
    assert_eq!(second.inbox(), [(2, Signal::Abort(Reason::Closed))]);
    other.tell();
}

/// A completion that is being done: a cancel in time has it send nothing; one that comes when the result is on its way learns so.
#[test]
fn a_completion_is_cancelled_or_sent() {
    let lane = lane();
    let process = Process::new(1);
    let lead = |handle| {
        lane.hold(sure, |state, wakes| state.waiters.lead(Claim::Read, process.completion(handle), wakes)).1.tell();
        lane.event(sure).tell();
        assert_eq!(process.receive(), (handle, Signal::Ready));
    };
    lead(1);
    assert_eq!(cancel(&lane, &process, 1), Cancelled::Clean);
    assert_eq!(process.inbox(), [(1, Signal::Departed)]);
    lead(2);
    let (waiter, wakes) = lane.hold(sure, |state, wakes| {
        let waiter = state.waiters.head.as_ref().map(|head| Arc::clone(&head.waiter)).unwrap();
        state.waiters.complete(|_| false, wakes);
        waiter
    });
    wakes.tell();
    assert_eq!(cancel(&lane, &process, 2), Cancelled::Sending);
    waiter.complete();
    assert_eq!(cancel(&lane, &process, 2), Cancelled::NotFound);
}

/// An event may be about what an attempt before the wait has taken: a look says so.
#[test]
fn a_stale_event_wakes_nobody_who_goes_by_it() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    lane.hold(sure, |state, wakes| state.waiters.lead(Claim::Read, first.trusting(1), wakes)).1.tell();
    assert!(lane.event(|_| false).is_empty());
    // One that comes while the lane is held is no other.
    let ((), wakes) = lane.hold(|_| false, |_, _| assert!(lane.event(sure).is_empty()));
    assert!(wakes.is_empty());
    lane.event(sure).tell();
    assert_eq!(first.inbox(), [(1, Signal::Ready)]);
    take(&lane, &first, false);
    wait(&lane, &second, 2);
    lane.event(|state| !state.waiters.relies_on_select()).tell();
    assert_eq!(second.inbox(), [(2, Signal::Ready)]);
}
