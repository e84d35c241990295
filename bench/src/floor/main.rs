//! The floor of the benchmarks: threads on system calls, without a VM, that do the work of a row of bench.erl.
//!
//! Build it with `cargo build --release --manifest-path bench/Cargo.toml`. A run prints one line,
//! `operations cpu_us elapsed_us p50_ns p99_ns`; the last two are 0 if the row has no round trips. CPU time is that
//! of the whole program: both ends, as in most of the Erlang rows, but one end for `echo_client` and `tell_client`.
//!
//! Threads wait for each other in system calls. So a thread that fails ends the program, see [`sound`].

mod accept;
mod bulk;
mod client;
mod datagram;
mod echo;
mod figures;
mod flood;
mod tcp;

use std::process::ExitCode;
use std::time::Duration;
use std::{env, io, process};

use crate::figures::Figures;

const USAGE: &str = "usage: floor ROW ... MS, where MS is how long to run, in milliseconds, and a row is
  echo N MS             round trips of 64 bytes on N TCP connections: two threads, an epoll each
  bulk SIZE STREAMS MS  sends of SIZE bytes on STREAMS TCP connections; operations are bytes received
  accept C MS           connections of C client threads, which one thread accepts and resets
  openclose MS          pairs of socket(2) and close(2)
  udp1 MS               round trips of 64 bytes of UDP between two threads
  echo_client PORT N MS round trips of 64 bytes on N connections to PORT; connects, prints \"ready\", begins at a line of input
  tell_client PORT N MS 10,000 messages of 64 bytes a second, in turn on N connections to PORT; begins likewise
  flood SIZE BATCH MS   UDP of SIZE bytes one way; BATCH 1: send and recv, 2 - 64: sendmmsg and recvmmsg, 0: GSO and GRO
Prints: operations cpu_us elapsed_us p50_ns p99_ns";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Echo { connections: usize },
    Bulk { size: usize, streams: usize },
    Accept { clients: usize },
    OpenClose,
    Udp1,
    Flood { size: usize, batch: usize },
    EchoClient { port: u16, connections: usize },
    TellClient { port: u16, connections: usize },
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some((row, time)) = parsed(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("{}", sound("floor", run(row, time)));
    ExitCode::SUCCESS
}

fn parsed(words: &[&str]) -> Option<(Row, Duration)> {
    let (ms, row) = words.split_last()?;
    let row = match *row {
        ["echo", n] => Row::Echo { connections: within(n, 1, 100_000)? },
        ["bulk", size, streams] => Row::Bulk { size: within(size, 1, 1 << 30)?, streams: within(streams, 1, 1000)? },
        ["accept", clients] => Row::Accept { clients: within(clients, 1, 1000)? },
        ["openclose"] => Row::OpenClose,
        ["udp1"] => Row::Udp1,
        ["echo_client", port, n] => Row::EchoClient { port: port.parse().ok()?, connections: within(n, 1, 100_000)? },
        ["tell_client", port, n] => Row::TellClient { port: port.parse().ok()?, connections: within(n, 1, 100_000)? },
        ["flood", size, batch] => {
            Row::Flood { size: within(size, datagram::COUNTER, datagram::MOST)?, batch: within(batch, 0, 64)? }
        }
        _ => return None,
    };
    Some((row, Duration::from_millis(u64::try_from(within(ms, 1, 3_600_000)?).ok()?)))
}

fn within(word: &str, least: usize, most: usize) -> Option<usize> {
    word.parse().ok().filter(|value| (least..=most).contains(value))
}

fn run(row: Row, time: Duration) -> io::Result<Figures> {
    match row {
        Row::Echo { connections } => echo::run(connections, time),
        Row::Bulk { size, streams } => bulk::run(size, streams, time),
        Row::Accept { clients } => accept::run(clients, time),
        Row::OpenClose => accept::open_close(time),
        Row::Udp1 => datagram::run(time),
        Row::Flood { size, batch } => flood::run(size, batch, time),
        Row::EchoClient { port, connections } => client::echo(port, connections, time),
        Row::TellClient { port, connections } => client::tell(port, connections, time),
    }
}

/// The value. An error ends the program: the peer of a failed thread would wait forever.
fn sound<T>(who: &str, result: io::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => {
            eprintln!("{who}: {error}");
            process::exit(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let row = |words: &[&str]| parsed(words).map(|(row, _)| row);
        assert_eq!(row(&["echo", "50", "500"]), Some(Row::Echo { connections: 50 }));
        assert_eq!(row(&["bulk", "65536", "2", "500"]), Some(Row::Bulk { size: 65536, streams: 2 }));
        assert_eq!(row(&["openclose", "500"]), Some(Row::OpenClose));
        assert_eq!(row(&["flood", "1200", "0", "500"]), Some(Row::Flood { size: 1200, batch: 0 }));
        let client = ["tell_client", "80", "2", "500"];
        assert_eq!(row(&client), Some(Row::TellClient { port: 80, connections: 2 }));
        let bad: [&[&str]; 9] = [
            &["echo_client", "65536", "1", "500"],
            &[],
            &["500"],
            &["echo", "500"],
            &["echo", "0", "500"],
            &["echo", "1", "0"],
            &["openclose", "1", "500"],
            &["flood", "7", "1", "500"],
            &["flood", "1200", "65", "500"],
        ];
        for words in bad {
            assert_eq!(row(words), None, "{words:?}");
        }
    }
}
