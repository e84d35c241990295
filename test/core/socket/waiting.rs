//! Waiters for tests: a process is a number, and its inbox a channel.

use esock::lane::{Signal, Wake};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long a test waits for a message before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Waiter {
    process: u32,
    handle: u32,
    completion: bool,
    select: bool,
    notified: AtomicBool,
    inbox: Sender<(u32, Signal)>,
}

impl Waiter {
    pub(crate) fn handle(&self) -> u32 {
        self.handle
    }
}

impl Waiter {
    /// The result of a completion has been sent.
    pub(crate) fn complete(&self) {
        self.notified.store(true, Relaxed);
    }
}

impl Wake for Waiter {
    type Process = u32;
    fn process(&self) -> u32 {
        self.process
    }
    fn tag(&self) -> u64 {
        u64::from(self.handle)
    }
    fn wake(self: &Arc<Self>, signal: Signal) {
        self.inbox.send((self.handle, signal)).unwrap();
        // The message of a completion is its result.
        match signal {
            Signal::Ready => self.notified.store(!self.completion, Relaxed),
            Signal::Abort(_) => self.notified.store(true, Relaxed),
            Signal::Departed => {}
        }
    }
    fn notified(&self) -> bool {
        self.notified.load(Relaxed)
    }
    fn is_completion(&self) -> bool {
        self.completion
    }
    fn relies_on_select(&self) -> bool {
        self.select
    }
    fn needs_cleanup(&self) -> bool {
        true
    }
}

/// A process that waits, under handles of its choice.
pub(crate) struct Process {
    pub(crate) number: u32,
    sender: Sender<(u32, Signal)>,
    inbox: Receiver<(u32, Signal)>,
}

impl Process {
    pub(crate) fn new(number: u32) -> Self {
        let (sender, inbox) = channel();
        Self { number, sender, inbox }
    }

    pub(crate) fn waiter(&self, handle: u32) -> Waiter {
        let (notified, inbox) = (AtomicBool::new(false), self.sender.clone());
        Waiter { process: self.number, handle, completion: false, select: false, notified, inbox }
    }

    /// A waiter that relies on `select`.
    pub(crate) fn select_waiter(&self, handle: u32) -> Waiter {
        Waiter { select: true, ..self.waiter(handle) }
    }

    /// A pending completion.
    pub(crate) fn completion(&self, handle: u32) -> Waiter {
        Waiter { completion: true, ..self.waiter(handle) }
    }

    /// The next message; waits for it.
    pub(crate) fn receive(&self) -> (u32, Signal) {
        self.inbox.recv_timeout(PATIENCE).unwrap()
    }

    /// The messages that have come.
    pub(crate) fn inbox(&self) -> Vec<(u32, Signal)> {
        self.inbox.try_iter().collect()
    }
}
