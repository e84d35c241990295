//! Measures requests of io_uring that esock does not use: zero-copy sends, multishot accepts, registered files and buffers,
//! splices. `requests [MILLISECONDS]` (default 500 a run) prints the figures that doc/io_uring.md reports. They are medians of
//! five runs; CPU time is that of the measured thread.
#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

mod accept;
mod file;
mod receive;
mod send;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Operations a second, and µs of CPU time for each.
pub(crate) type Figure = (f64, f64);

/// CPU time of this thread in µs.
pub(crate) fn cpu() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds()
}

/// Measures bytes over loopback. `send` gets the count of bytes sent before, and answers how many it has sent.
pub(crate) fn stream(time: Duration, mut send: impl FnMut(&TcpStream, usize) -> usize) -> Figure {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut peer = listener.accept().unwrap().0;
    let reader = std::thread::spawn(move || {
        let mut room = vec![0; 1 << 18];
        while peer.read(&mut room).unwrap() > 0 {}
    });
    let (start, before, mut sent) = (Instant::now(), cpu(), 0);
    while start.elapsed() < time {
        sent += send(&stream, sent);
    }
    let (seconds, used) = (start.elapsed().as_secs_f64(), cpu() - before);
    drop(stream);
    reader.join().unwrap();
    (sent as f64 / seconds, used as f64 / sent as f64)
}

/// The run with the median rate of five.
fn median(run: impl Fn() -> Figure) -> Figure {
    let mut runs: Vec<_> = (0..5).map(|_| run()).collect();
    runs.sort_by(|one, other| one.0.total_cmp(&other.0));
    runs.swap_remove(2)
}

/// Prints GB a second, and ms of CPU time for each GB.
fn bytes(name: &str, (rate, cpu): Figure) {
    println!("{name:>32}  {:5.2} GB/s {:4.0} ms/GB", rate / 1e9, cpu * 1e6);
}

/// Prints operations a second, and µs of CPU time for each.
fn each(name: &str, (rate, cpu): Figure) {
    println!("{name:>32}  {rate:7.0}/s {cpu:5.2} µs each");
}

fn main() {
    let time = Duration::from_millis(std::env::args().nth(1).map_or(500, |text| text.parse().unwrap()));
    for size in [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20] {
        println!("sends of {} KB", size >> 10);
        use send::How::{Plain, Registered, Ring, ZeroCopy};
        for (name, how) in
            [("send(2)", Plain), ("SEND", Ring), ("SEND_ZC", ZeroCopy), ("SEND_ZC of registered buffers", Registered)]
        {
            bytes(name, median(|| send::measure(how, size, time)));
        }
    }
    println!("messages of 64 bytes on 50 streams");
    use receive::How::{Epoll, Multishot, Registered};
    for (name, how) in [("epoll", Epoll), ("multishot", Multishot), ("of registered files", Registered)] {
        each(name, median(|| receive::measure(how, time)));
    }
    println!("connections");
    each("accept4(2)", median(|| accept::measure(false, time)));
    each("multishot", median(|| accept::measure(true, time)));
    println!("a file");
    bytes("sendfile(2)", median(|| file::measure(false, time)));
    bytes("splices", median(|| file::measure(true, time)));
}
