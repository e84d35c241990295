//! Segmentation offload: what each system call is given, and what the result of an attempt is. A function takes the place of the
//! kernel, so that it can refuse.

use esock::op::Attempt;
use esock::op::gso::{BYTES, PAYLOAD, SEGMENTS, send, stride};
use esock::socket::settings::Settings;
use esock::sys::io::{Message, Outgoing};
use esock::wire::cmsg as control;
use esock::wire::errno::Errno;
use std::io::IoSlice;
use std::num::NonZeroU16;
use std::sync::atomic::Ordering::Relaxed;

/// A system call: the bytes of each message, and the size of datagrams that the message asks for.
type Call = Vec<(Vec<u8>, Option<u16>)>;

fn message(data: &[u8], part: usize, gso: u16) -> Message<'_> {
    let iov = data.chunks(part.max(1)).map(IoSlice::new).collect();
    Message { iov, to: None, ctrl: Vec::new(), gso: NonZeroU16::new(gso) }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 / 7) as u8).collect()
}

fn seen(out: &[Outgoing<'_>]) -> Call {
    let asked = |ctrl| control::parse(ctrl).first().map(|one| u16::from_ne_bytes([one.data[0], one.data[1]]));
    out.iter().map(|one| (one.iov.iter().flat_map(|part| part.to_vec()).collect(), asked(one.ctrl))).collect()
}

fn lengths(out: &[Outgoing<'_>]) -> Vec<usize> {
    out.iter().map(|one| one.iov.iter().map(|part| part.len()).sum()).collect()
}

/// Sends to a kernel that takes everything.
fn sent(messages: &[Message<'_>], offload: bool) -> (Vec<usize>, Call) {
    let mut calls = Vec::new();
    let attempt = send(messages, offload, |out| {
        calls.push(seen(out));
        Ok(lengths(out))
    });
    let Attempt::Done(sent) = attempt else { panic!("not done") };
    assert_eq!(calls.len(), 1);
    (sent, calls.remove(0))
}

#[test]
fn only_data_longer_than_a_datagram_is_segmented() {
    let data = bytes(2400);
    for (len, asks) in [(0, None), (1, None), (1199, None), (1200, None), (1201, Some(1200)), (2400, Some(1200))] {
        let (sizes, call) = sent(&[message(&data[..len], 500, 1200)], true);
        assert_eq!((sizes, call), (vec![len], vec![(data[..len].to_vec(), asks)]));
    }
}

#[test]
fn every_part_has_the_control_messages_of_the_caller() {
    let data = bytes(100_000);
    let mut one = message(&data, 100_000, 1000);
    one.ctrl = control::write(&[control::Message { level: 0, kind: 2, data: vec![9, 0, 0, 0] }]);
    let mut kinds = Vec::new();
    let attempt = send(&[one], true, |out| {
        kinds.extend(out.iter().map(|one| control::parse(one.ctrl).iter().map(|one| one.kind).collect::<Vec<_>>()));
        Ok(lengths(out))
    });
    assert!(matches!(attempt, Attempt::Done(_)));
    assert_eq!(kinds, [vec![2, libc::UDP_SEGMENT], vec![2, libc::UDP_SEGMENT]]);
}

/// For all sizes: no part is larger than a kernel takes, every part but the last ends where a datagram ends, and the parts are
/// the data in order.
#[test]
fn parts_are_the_data_in_order() {
    for size in [1, 2, 63, 1000, 1200, 1472, 9000, 20_000, 32_753, 32_754, 65_507, 65_535] {
        for len in [1, 63, 64, 1200, 20_000, 65_507, 65_508, 100_000, 300_001] {
            for part in [7, 1200, 300_001] {
                for offload in [true, false] {
                    let data = bytes(len);
                    let (sizes, call) = sent(&[message(&data, part, size)], offload);
                    let size = usize::from(size);
                    let all: Vec<u8> = call.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
                    assert_eq!(sizes, [all.len()]);
                    assert_eq!(all, data[..all.len()]);
                    assert!(all.len() == len || all.len().is_multiple_of(size), "{size} {len}");
                    let (_, before) = call.split_last().unwrap();
                    assert!(before.iter().all(|(bytes, _)| bytes.len().is_multiple_of(size)), "{size} {len}");
                    for (bytes, asks) in &call {
                        assert_eq!(asks.is_some(), bytes.len() > size, "{size} {len}");
                        assert!(asks.is_none() || bytes.len() <= PAYLOAD.min(size * SEGMENTS), "{size} {len}");
                        assert!(offload || bytes.len() <= size, "{size} {len}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_stride_is_a_number_of_whole_datagrams() {
    assert_eq!([1, 1000, 1200, 32_753, 32_754, 65_535].map(stride), [64, 64_000, 64_800, 65_506, 32_754, 65_535]);
}

#[test]
fn an_attempt_is_bounded_and_reports_what_it_has_sent() {
    let data = bytes(5 * BYTES);
    for (size, part) in [(1000, data.len()), (20_000, data.len()), (1000, 1000), (1, data.len())] {
        let (sizes, call) = sent(&[message(&data, part, size), message(b"behind", 6, 0)], true);
        assert!(sizes.len() == 1 && sizes[0] < BYTES + PAYLOAD && sizes[0] % usize::from(size) == 0, "{sizes:?}");
        let datagrams: usize = call.iter().map(|(bytes, _)| bytes.len().div_ceil(size.into())).sum();
        assert!(datagrams < 1024 + SEGMENTS, "{datagrams}");
    }
}

#[test]
fn each_message_of_a_batch_has_its_own_size() {
    let data = bytes(100_000);
    let batch = [message(&data[..10], 10, 0), message(&data, 999, 1000), message(&data[..3000], 3000, 1400)];
    let (sizes, call) = sent(&batch, true);
    assert_eq!(sizes, [10, 100_000, 3000]);
    let shape: Vec<_> = call.iter().map(|(bytes, asks)| (bytes.len(), *asks)).collect();
    assert_eq!(shape, [(10, None), (64_000, Some(1000)), (36_000, Some(1000)), (3000, Some(1400))]);
}

/// A device without checksum offload, IPsec, a path MTU that is too small: each datagram is sent by itself.
#[test]
fn refused_data_is_sent_datagram_by_datagram() {
    for errno in [libc::EIO, libc::EINVAL, libc::EMSGSIZE] {
        let data = bytes(20_000);
        let mut calls = Vec::new();
        let attempt = send(&[message(&data, 333, 1200)], true, |out| {
            calls.push(seen(out));
            if calls.len() == 1 { Err(Errno::new(errno)) } else { Ok(lengths(out)) }
        });
        assert!(matches!(attempt, Attempt::Done(sent) if sent == [20_000]));
        let expected: Call = data.chunks(1200).map(|datagram| (datagram.to_vec(), None)).collect();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1], expected);
    }
}

#[test]
fn an_error_of_the_datagrams_is_the_result() {
    let data = bytes(3000);
    let attempt = |len, errno: fn(usize) -> i32| {
        let mut calls = 0;
        let attempt = send(&[message(&data[..len], len, 1200)], true, |_| {
            calls += 1;
            Err(Errno::new(errno(calls)))
        });
        (attempt, calls)
    };
    // The second error is the result. An error that is not about segmentation is not tried again.
    let (failed, calls) = attempt(3000, |call| if call == 1 { libc::EIO } else { libc::ENETUNREACH });
    assert!(matches!(failed, Attempt::Failed(errno) if errno == Errno::new(libc::ENETUNREACH)) && calls == 2);
    let (failed, calls) = attempt(1200, |_| libc::EIO);
    assert!(matches!(failed, Attempt::Failed(errno) if errno == Errno::new(libc::EIO)) && calls == 1);
    let (failed, calls) = attempt(3000, |_| libc::ECONNREFUSED);
    assert!(matches!(failed, Attempt::Failed(errno) if errno == Errno::new(libc::ECONNREFUSED)) && calls == 1);
    let (blocked, calls) = attempt(3000, |call| if call == 1 { libc::EIO } else { libc::EAGAIN });
    assert!(matches!(blocked, Attempt::Blocked) && calls == 2);
}

#[test]
fn a_partial_send_reports_what_was_sent() {
    let data = bytes(200_000);
    let batch = [message(&data[..10], 10, 0), message(&data, 200_000, 1000), message(&data[..10], 10, 0)];
    for (taken, expected) in [(1, vec![10]), (2, vec![10, 64_000]), (4, vec![10, 192_000]), (5, vec![10, 200_000])] {
        let attempt = send(&batch, true, |out| Ok(lengths(out)[..taken].to_vec()));
        assert!(matches!(attempt, Attempt::Partial(sent) if sent == expected), "{taken}");
    }
}

#[test]
fn a_receive_has_room_for_coalesced_datagrams() {
    let settings = Settings::default();
    assert_eq!(settings.receive(8192).1, 8192);
    settings.gro.store(true, Relaxed);
    assert_eq!(settings.receive(8192).1, 65_535);
    settings.rcvbuf.lock().size = Some(100_000);
    assert_eq!(settings.inherited().receive(8192).1, 100_000);
}
