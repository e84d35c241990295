//! Who waits in these tests: a number for a process, a channel for its inbox.

use esock::lane::{Signal, Wake};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Long enough for anything that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Waiter {
    process: u32,
    handle: u32,
    acts: bool,
    trusts: bool,
    told: AtomicBool,
    inbox: Sender<(u32, Signal)>,
}

impl Waiter {
    pub(crate) fn handle(&self) -> u32 {
        self.handle
    }
}

impl Waiter {
    /// The result is sent.
    pub(crate) fn complete(&self) {
        self.told.store(true, Relaxed);
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
            Signal::Ready => self.told.store(!self.acts, Relaxed),
            Signal::Abort(_) => self.told.store(true, Relaxed),
            Signal::Departed => {}
        }
    }
    fn notified(&self) -> bool {
        self.told.load(Relaxed)
    }
    fn is_completion(&self) -> bool {
        self.acts
    }
    fn relies_on_select(&self) -> bool {
        self.trusts
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
        let (told, inbox) = (AtomicBool::new(false), self.sender.clone());
        Waiter { process: self.number, handle, acts: false, trusts: false, told, inbox }
    }

    /// One that goes by what its message says.
    pub(crate) fn trusting(&self, handle: u32) -> Waiter {
        Waiter { trusts: true, ..self.waiter(handle) }
    }

    /// A pending completion.
    pub(crate) fn completion(&self, handle: u32) -> Waiter {
        Waiter { acts: true, ..self.waiter(handle) }
    }

    /// The next message, for which it waits.
    pub(crate) fn receive(&self) -> (u32, Signal) {
        self.inbox.recv_timeout(PATIENCE).unwrap()
    }

    /// What has come already.
    pub(crate) fn inbox(&self) -> Vec<(u32, Signal)> {
        self.inbox.try_iter().collect()
    }
}
