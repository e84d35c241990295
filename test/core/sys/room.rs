//! Receive buffers: only written bytes can be read.

use esock::sys;
use esock::sys::room::{Memory, Space};
use esock::wire::cmsg::{Message, write};
use esock::wire::errno::Errno;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};

#[test]
fn only_written_bytes_count() {
    let mut memory = Memory::new(8);
    assert!(memory.space(9).is_none());
    let mut space = memory.space(8).unwrap();
    assert_eq!((space.len(), space.written()), (8, &b""[..]));
    space.append(b"abc");
    space.append(b"defghi");
    assert_eq!(space.written(), b"abcdefgh");
    assert_eq!(memory.written(), b"abcdefgh");
    assert_eq!(memory.space(8).unwrap().zeros(3), 3);
    assert_eq!(memory.written(), [0; 3]);
    memory.space(4).unwrap();
    assert_eq!(memory.written(), b"");
}

#[test]
fn both_halves_of_a_queue_are_copied() {
    let mut queue: VecDeque<u8> = VecDeque::with_capacity(8);
    queue.extend(b"..abcd");
    queue.drain(..2);
    queue.extend(b"efgh");
    assert!(!queue.as_slices().1.is_empty());
    for len in 0..10 {
        let (mut memory, mut filled) = ([b'-'; 6], 0);
        let copied = Space::over(&mut memory, &mut filled).copy(&queue, len);
        assert_eq!((copied, filled), (len.min(6), len.min(6)));
        assert_eq!(memory[..copied], b"abcdefgh"[..copied]);
        assert!(memory[copied..].iter().all(|byte| *byte == b'-'));
    }
}

/// With MSG_TRUNC the kernel returns the full length of a truncated datagram.
#[test]
fn a_truncated_datagram_fills_the_buffer() {
    let (near, far) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    far.send_to(b"abcdefgh", near.local_addr().unwrap()).unwrap();
    let mut memory = Memory::new(4);
    let got = sys::io::recv(near.as_fd(), &mut memory.space(4).unwrap(), libc::MSG_TRUNC);
    assert_eq!((got, memory.written()), (Ok(4), &b"abcd"[..]));
}

/// With MSG_TRUNC the kernel counts bytes of a stream that it does not write: they are zeros, not the data of an earlier
/// receive.
#[test]
fn discarded_bytes_of_a_stream_are_zeros() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let near = listener.accept().unwrap().0;
    std::io::Write::write_all(&mut far, b"abcd").unwrap();
    let mut memory = Memory::new(8);
    memory.space(8).unwrap().append(b"leftover");
    let got = sys::io::recv(near.as_fd(), &mut memory.space(8).unwrap(), libc::MSG_TRUNC);
    assert_eq!((got, memory.written()), (Ok(4), &[0; 4][..]));
}

#[test]
fn interrupted_calls_are_repeated() {
    let mut answers = [Err(libc::EINTR), Err(libc::EINTR), Ok(3), Ok(4)].into_iter();
    let got = sys::uninterrupted(|| answers.next().unwrap().map_err(Errno::new));
    assert_eq!((got, answers.len()), (Ok(3), 1));
    let mut answers = [Err(libc::EINTR), Err(libc::EAGAIN), Ok(3)].into_iter();
    let got: sys::Result<i32> = sys::uninterrupted(|| answers.next().unwrap().map_err(Errno::new));
    assert_eq!((got.map_err(Errno::number), answers.len()), (Err(libc::EAGAIN), 1));
}

/// Passed descriptors are closed with their message, unless they were released to the receiver.
#[test]
fn passed_descriptors_are_closed_unless_released() {
    let (near, far) = sys::socket::pair().unwrap();
    for released in [false, true] {
        for many in [false, true] {
            let (end, passed) = sys::socket::pair().unwrap();
            let number = passed.as_raw_fd().to_ne_bytes().to_vec();
            let ctrl = write(&[Message { level: libc::SOL_SOCKET, kind: libc::SCM_RIGHTS, data: number }]);
            sys::io::sendmsg(far.as_fd(), &[IoSlice::new(b"x")], None, &ctrl, 0).unwrap();
            drop(passed);
            let (mut memory, mut data, mut ctrl) = (Memory::new(8), [0; 8], [0; 64]);
            let mut received = if many {
                let parts = [(&mut data[..], &mut ctrl[..])].into_iter();
                sys::io::recvmmsg(near.as_fd(), parts, 0).unwrap().pop().unwrap()
            } else {
                sys::io::recvmsg(near.as_fd(), &mut memory.space(8).unwrap(), &mut ctrl, 0).unwrap()
            };
            if released {
                received.release_rights();
            }
            drop(received);
            let answer = sys::io::recv(end.as_fd(), &mut memory.space(8).unwrap(), 0);
            assert_eq!(answer.map_err(Errno::number), if released { Err(libc::EAGAIN) } else { Ok(0) });
        }
    }
}
