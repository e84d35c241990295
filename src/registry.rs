//! The registry of open sockets: a table in shards, so that opens and closes on many schedulers seldom meet.

use parking_lot::Mutex;
use slab::Slab;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// More than the schedulers that open sockets at the same moment on the machines of today.
const SHARDS: usize = 16;

/// Where an entry is; needed to take it out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    shard: usize,
    index: usize,
}

/// A table of `T`s.
pub struct Registry<T> {
    shards: [Mutex<Slab<T>>; SHARDS],
    turn: AtomicUsize,
    count: AtomicUsize,
}

impl<T: Clone> Registry<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            shards: [const { Mutex::new(Slab::new()) }; SHARDS],
            turn: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
        }
    }

    /// Puts an entry in.
    pub fn insert(&self, entry: T) -> Option<Key> {
        let shard = self.turn.fetch_add(1, Relaxed) % SHARDS;
        let index = self.shards.get(shard)?.lock().insert(entry);
        self.count.fetch_add(1, Relaxed);
        Some(Key { shard, index })
    }

    /// Takes an entry out.
    pub fn remove(&self, key: Key) -> Option<T> {
        let entry = self.shards.get(key.shard)?.lock().try_remove(key.index)?;
        self.count.fetch_sub(1, Relaxed);
        Some(entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of every entry: each shard as it was at one moment.
    pub fn entries(&self) -> Vec<T> {
        let mut all = Vec::with_capacity(self.len());
        for shard in &self.shards {
            all.extend(shard.lock().iter().map(|(_, entry)| entry.clone()));
        }
        all
    }
}

impl<T: Clone> Default for Registry<T> {
    fn default() -> Self {
        Self::new()
    }
}
