//! The lane of one direction: turns, order, and one signal for each wait.

use crate::socket::waiting::{Process, Waiter};
use esock::lane::{Cancelled, Claim, Lane, Reason, Signal, State, Turn};
use esock::wire::errno::Errno;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

fn lane() -> Lane<Waiter, ()> {
    Lane::new(())
}

/// Every event notifies the head.
fn always(_: &mut State<Waiter, ()>) -> bool {
    true
}

/// An attempt that would block: becomes the head if it has the turn, otherwise joins the queue.
fn wait(lane: &Lane<Waiter, ()>, process: &Process, handle: u32) {
    let (turn, wakes) = lane.hold(always, |state, wakes| {
        let turn = state.waiters.turn(process.number, Claim::Read);
        match turn {
            Turn::Mine => state.waiters.become_head(Claim::Read, process.waiter(handle), wakes),
            Turn::Behind => state.waiters.enqueue(Claim::Read, process.waiter(handle)),
            Turn::AlreadyQueued | Turn::Excluded => panic!("{turn:?}"),
        }
        turn
    });
    wakes.notify();
    assert_ne!(turn, Turn::AlreadyQueued);
}

/// An attempt that succeeds.
fn take(lane: &Lane<Waiter, ()>, process: &Process, more: bool) {
    lane.hold(always, |state, wakes| {
        assert_eq!(state.waiters.turn(process.number, Claim::Read), Turn::Mine);
        if state.waiters.is_head(process.number) {
            state.waiters.advance(|_| more, wakes);
        }
    })
    .1
    .notify();
}

fn cancel(lane: &Lane<Waiter, ()>, process: &Process, handle: u32) -> Cancelled {
    let (how, wakes) = lane.hold(always, |state, wakes| {
        state.waiters.cancel((process.number, u64::from(handle)), |waiter| waiter.handle() == handle, |_| false, wakes)
    });
    wakes.notify();
    how
}

#[test]
fn turns_pass_in_fifo_order() {
    let lane = lane();
    let all = [1, 2, 3].map(Process::new);
    all.iter().for_each(|process| wait(&lane, process, process.number));
    for (at, process) in all.iter().enumerate() {
        lane.event(always).notify();
        assert_eq!(process.receive(), (process.number, Signal::Ready));
        // Further events do not notify the waiters behind the head.
        lane.event(always).notify();
        assert!(all.iter().skip(at + 1).all(|other| other.inbox().is_empty()));
        take(&lane, process, false);
        assert_eq!(process.inbox(), [(process.number, Signal::Departed)]);
    }
    let (left, _) = lane.hold(always, |state, _| state.waiters.count(Claim::Read));
    assert_eq!(left, 0);
}

#[test]
fn data_left_behind_notifies_the_next_waiter() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    wait(&lane, &first, 10);
    wait(&lane, &second, 20);
    lane.event(always).notify();
    take(&lane, &first, true);
    assert_eq!(second.receive(), (20, Signal::Ready));
}

#[test]
fn one_wait_for_each_process_and_one_claim_at_a_time() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    wait(&lane, &first, 10);
    wait(&lane, &second, 20);
    let ((), wakes) = lane.hold(always, |state, _| {
        assert_eq!(state.waiters.turn(1, Claim::Read), Turn::Mine);
        assert_eq!(state.waiters.turn(2, Claim::Read), Turn::AlreadyQueued);
        assert_eq!(state.waiters.turn(3, Claim::Read), Turn::Behind);
        assert_eq!(state.waiters.turn(1, Claim::Accept), Turn::Excluded);
    });
    assert!(wakes.is_empty());
}

#[test]
fn a_second_wait_replaces_the_first() {
    let lane = lane();
    let process = Process::new(1);
    wait(&lane, &process, 10);
    wait(&lane, &process, 11);
    lane.event(always).notify();
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
    lane.event(always).notify();
    assert_eq!(cancel(&lane, &all[0], 1), Cancelled::Sent);
    // The turn has passed to the only waiter that is left behind it.
    lane.event(always).notify();
    assert_eq!(all[2].receive(), (3, Signal::Ready));
    assert_eq!(all[1].inbox(), [(2, Signal::Departed)]);
}

#[test]
fn an_abort_reaches_every_waiter_that_was_not_notified() {
    let lane = lane();
    let all = [1, 2, 3].map(Process::new);
    all.iter().for_each(|process| wait(&lane, process, process.number));
    lane.event(always).notify();
    let reason = Reason::Errno(Errno::new(libc::ECONNRESET));
    lane.hold(always, |state, wakes| state.waiters.abort(reason, wakes)).1.notify();
    assert_eq!(all[0].inbox(), [(1, Signal::Ready), (1, Signal::Departed)]);
    assert_eq!(all[1].inbox(), [(2, Signal::Abort(reason))]);
    assert_eq!(all[2].inbox(), [(3, Signal::Abort(reason))]);
}

#[test]
fn an_event_while_the_lane_is_held_is_not_lost() {
    let lane = lane();
    let process = Process::new(1);
    // The event comes between EAGAIN and the wait.
    let ((), wakes) = lane.hold(always, |state, wakes| {
        assert!(lane.event(always).is_empty());
        state.waiters.become_head(Claim::Read, process.waiter(7), wakes);
    });
    wakes.notify();
    assert_eq!(process.receive(), (7, Signal::Ready));
}

#[test]
fn an_event_without_waiters_notifies_no_later_waiter() {
    let lane = lane();
    lane.event(always).notify();
    let process = Process::new(1);
    wait(&lane, &process, 7);
    assert!(process.inbox().is_empty());
}

/// One thread fires events while another waits and takes. Each event that comes after a failed attempt notifies the
/// waiter.
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
                // As in the kernel: first the data, then the event.
                full.store(true, Ordering::SeqCst);
                lane.event(always).notify();
            }
        }
    });
    start.wait();
    let process = Process::new(1);
    let mut taken = 0;
    while taken < ROUNDS {
        let (got, wakes) = lane.hold(always, |state, wakes| {
            if full.swap(false, Ordering::SeqCst) {
                if state.waiters.is_head(1) {
                    state.waiters.advance(|_| false, wakes);
                }
                true
            } else {
                state.waiters.become_head(Claim::Read, process.waiter(taken), wakes);
                false
            }
        });
        wakes.notify();
        if got {
            taken += 1;
        } else {
            // Earlier handles are void: their waiters get `Departed`.
            while process.receive().1 != Signal::Ready {}
        }
    }
    producer.join().unwrap();
}

/// 100,000 waiters. Each operation takes a few steps whatever the length of the queue; a search would take minutes.
#[test]
fn a_long_queue_is_not_searched() {
    const MANY: u32 = 100_000;
    let lane = lane();
    let leader = Process::new(0);
    wait(&lane, &leader, 0);
    let process = Process::new(1);
    for handle in 0..MANY {
        let ((), wakes) = lane.hold(always, |state, _| state.waiters.enqueue(Claim::Read, process.completion(handle)));
        assert!(wakes.is_empty());
    }
    // From the middle outwards, so that neither end of the queue is a short cut.
    for handle in (0..MANY / 2).rev().chain(MANY / 2..MANY) {
        assert_eq!(cancel(&lane, &process, handle), Cancelled::Clean);
    }
    let (left, _) = lane.hold(always, |state, _| state.waiters.count(Claim::Read));
    assert_eq!(left, 1);
    assert_eq!(process.inbox().len(), MANY as usize);
}

#[test]
fn the_end_of_a_process_removes_all_its_waiters() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    let ((), wakes) = lane.hold(always, |state, wakes| {
        state.waiters.become_head(Claim::Read, first.completion(10), wakes);
        (11..20).for_each(|handle| state.waiters.enqueue(Claim::Read, first.completion(handle)));
        state.waiters.enqueue(Claim::Read, second.waiter(20));
        state.waiters.enqueue(Claim::Read, first.waiter(21));
    });
    wakes.notify();
    lane.hold(always, |state, wakes| state.waiters.remove_process(1, |_| true, wakes)).1.notify();
    assert_eq!(second.receive(), (20, Signal::Ready));
    let mut left = first.inbox();
    left.sort_by_key(|(handle, _)| *handle);
    let all = (10..20).chain([21]).map(|handle| (handle, Signal::Departed));
    assert_eq!(left, all.collect::<Vec<_>>());
}

/// A waiter's message is in flight from the time it leaves the lane until it is sent. A cancel meanwhile answers so.
#[test]
fn a_cancel_reports_a_message_in_flight() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    wait(&lane, &first, 1);
    wait(&lane, &second, 2);
    let wakes = lane.event(always);
    assert_eq!(cancel(&lane, &first, 1), Cancelled::Sending);
    wakes.notify();
    assert_eq!(cancel(&lane, &first, 1), Cancelled::Sent);
    let (_, wakes) = lane.hold(always, |state, wakes| state.waiters.abort(Reason::Closed, wakes));
    assert_eq!(cancel(&lane, &second, 2), Cancelled::Sending);
    // Messages to other waiters do not make a cancel wait.
    wait(&lane, &first, 3);
    let other = lane.event(always);
    wakes.notify();
    assert_eq!(cancel(&lane, &second, 2), Cancelled::NotFound);
    assert_eq!(second.inbox(), [(2, Signal::Abort(Reason::Closed))]);
    other.notify();
}

/// A completion under way: after a cancel in time it sends nothing. A cancel that comes while the result is in flight
/// answers so.
#[test]
fn a_completion_is_cancelled_or_sent() {
    let lane = lane();
    let process = Process::new(1);
    let lead = |handle| {
        lane.hold(always, |state, wakes| state.waiters.become_head(Claim::Read, process.completion(handle), wakes))
            .1
            .notify();
        lane.event(always).notify();
        assert_eq!(process.receive(), (handle, Signal::Ready));
    };
    lead(1);
    assert_eq!(cancel(&lane, &process, 1), Cancelled::Clean);
    assert_eq!(process.inbox(), [(1, Signal::Departed)]);
    lead(2);
    let (waiter, wakes) = lane.hold(always, |state, wakes| {
        let waiter = state.waiters.head.as_ref().map(|head| Arc::clone(&head.waiter)).unwrap();
        state.waiters.complete(|_| false, wakes);
        waiter
    });
    wakes.notify();
    assert_eq!(cancel(&lane, &process, 2), Cancelled::Sending);
    waiter.complete();
    assert_eq!(cancel(&lane, &process, 2), Cancelled::NotFound);
}

/// An event may be about data that an attempt before the wait has taken. The look under the lock tells.
#[test]
fn a_stale_event_does_not_notify_a_select_waiter() {
    let lane = lane();
    let (first, second) = (Process::new(1), Process::new(2));
    lane.hold(always, |state, wakes| state.waiters.become_head(Claim::Read, first.select_waiter(1), wakes)).1.notify();
    assert!(lane.event(|_| false).is_empty());
    // Nor does one that comes while the lane is held.
    let ((), wakes) = lane.hold(|_| false, |_, _| assert!(lane.event(always).is_empty()));
    assert!(wakes.is_empty());
    lane.event(always).notify();
    assert_eq!(first.inbox(), [(1, Signal::Ready)]);
    take(&lane, &first, false);
    wait(&lane, &second, 2);
    lane.event(|state| !state.waiters.relies_on_select()).notify();
    assert_eq!(second.inbox(), [(2, Signal::Ready)]);
}
