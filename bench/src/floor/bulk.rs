//! Row `bulk`: bytes one way over a few connections, with a sending and a receiving thread for each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crate::figures::{Figures, Watch};
use crate::{sound, tcp};

const BUFFER: usize = 256 * 1024;

pub(crate) fn run(size: usize, streams: usize, time: Duration) -> io::Result<Figures> {
    let block = random(size);
    check(&block)?;
    let pairs = tcp::pairs(streams)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = Watch::start()?;
        let threads: Vec<_> = pairs
            .iter()
            .map(|(client, server)| {
                let sender = scope.spawn(|| sound("sender", send(client, &block, &over)));
                (sender, scope.spawn(|| sound("receiver", receive(server))))
            })
            .collect();
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        let ends = threads.into_iter().map(|(sender, receiver)| Ok((joined(sender)?, joined(receiver)?)));
        let ends = ends.collect::<io::Result<Vec<_>>>()?;
        let (sent, received) = ends.iter().fold((0, 0), |(sent, got), (blocks, bytes)| (sent + blocks, got + bytes));
        let figures = watch.stop(received)?;
        if received == sent * size as u64 {
            Ok(figures)
        } else {
            Err(io::Error::other(format!("{received} bytes received are not {sent} blocks of {size}")))
        }
    })
}

/// Checks that what is sent arrives, in order. This is a pass before the measurement, because a check of every byte would be most
/// of the measured work. bench.erl does the same.
fn check(block: &[u8]) -> io::Result<()> {
    let pairs = tcp::pairs(1)?;
    let (client, mut server) = pairs.into_iter().next().ok_or(ErrorKind::NotConnected)?;
    thread::scope(|scope| {
        scope.spawn(move || (&client).write_all(&block.repeat(3)));
        let mut all = Vec::new();
        server.read_to_end(&mut all)?;
        if all == block.repeat(3) { Ok(()) } else { Err(io::Error::other("other bytes arrived than were sent")) }
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> io::Result<T> {
    thread.join().map_err(|_| io::Error::other("a thread panicked"))
}

/// How many blocks were sent.
fn send(mut stream: &TcpStream, block: &[u8], over: &AtomicBool) -> io::Result<u64> {
    let mut blocks = 0;
    while !over.load(Ordering::Relaxed) {
        stream.write_all(block)?;
        blocks += 1;
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(blocks)
}

/// How many bytes were received.
fn receive(mut stream: &TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(bytes),
            length => bytes += length as u64,
        }
    }
}

/// Pseudo-random bytes, the same in every run.
fn random(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes().into_iter().next_back().unwrap_or(0)
    };
    (0..size).map(|_| next()).collect()
}
