//! One way over a few connections: a sending and a receiving thread for each.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crc32fast::Hasher;

use crate::figures::{Figures, Watch};
use crate::{sound, tcp};

const BUFFER: usize = 256 * 1024;

pub(crate) fn run(size: usize, streams: usize, time: Duration) -> io::Result<Figures> {
    let block = random(size);
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
        let figures = watch.stop(ends.iter().map(|(_, (bytes, _))| bytes).sum())?;
        for (blocks, (bytes, crc)) in ends {
            if bytes != blocks * size as u64 || crc != repeated(&block, blocks) {
                return Err(io::Error::other(format!("{bytes} bytes received are not {blocks} blocks of {size}")));
            }
        }
        Ok(figures)
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

/// How many bytes were received, and their CRC: it is in the measured time, as erlang:crc32/2 is.
fn receive(mut stream: &TcpStream) -> io::Result<(u64, u32)> {
    let mut buffer = vec![0; BUFFER];
    let mut crc = Hasher::new();
    let mut bytes = 0;
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok((bytes, crc.finalize()));
        }
        crc.update(buffer.get(..length).unwrap_or_default());
        bytes += length as u64;
    }
}

/// The same bytes in every run.
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

/// The CRC of so many blocks, by doubling: the sender need not read what it sends.
fn repeated(block: &[u8], mut times: u64) -> u32 {
    let mut power = Hasher::new();
    power.update(block);
    let mut all = Hasher::new();
    while times > 0 {
        if times & 1 == 1 {
            all.combine(&power);
        }
        power.combine(&power.clone());
        times >>= 1;
    }
    all.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_repeated_blocks() {
        let block = random(100);
        assert_ne!(block, vec![0; 100]);
        for times in [0, 1, 2, 7, 64, 100] {
            assert_eq!(repeated(&block, times as u64), crc32fast::hash(&block.repeat(times)), "{times}");
        }
    }
}
