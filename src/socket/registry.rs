//! The registry of open sockets: a table in shards, so that schedulers that open and close sockets rarely wait for
//! one another.

use parking_lot::Mutex;
use slab::Slab;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// More than the schedulers that open sockets at the same time on present machines.
const SHARDS: usize = 16;
/// The most entries of a page. The NIF makes a term of each, which takes about a microsecond.
const PAGE_ENTRIES: usize = 128;
/// The most slots that are examined for a page: after many removals most slots are vacant.
const PAGE_SLOTS: usize = 1024;

/// The place of an entry, by which it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    shard: usize,
    index: usize,
}

/// A part of a table. A walk along `next` finds each entry that is there throughout exactly once, because an entry
/// keeps its slot.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// the entries
    pub entries: Vec<T>,
    /// the cursor of the next page; `None` after the last
    pub next: Option<usize>,
}

impl<T: Clone> Page<T> {
    /// The page of a slab that begins at a slot.
    pub fn new(slab: &Slab<T>, from: usize) -> Self {
        let end = slab.capacity().min(from.saturating_add(PAGE_SLOTS));
        let (mut slots, mut entries) = (from..end, Vec::new());
        while entries.len() < PAGE_ENTRIES
            && let Some(slot) = slots.next()
        {
            entries.extend(slab.get(slot).cloned());
        }
        Self { entries, next: Some(slots.start).filter(|slot| *slot < slab.capacity()) }
    }
}

/// A table of `T`s.
pub struct Registry<T> {
    shards: [Mutex<Slab<T>>; SHARDS],
    next_shard: AtomicUsize,
    count: AtomicUsize,
}

impl<T: Clone> Registry<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            shards: [const { Mutex::new(Slab::new()) }; SHARDS],
            next_shard: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
        }
    }

    /// Inserts an entry.
    pub fn insert(&self, entry: T) -> Option<Key> {
        let shard = self.next_shard.fetch_add(1, Relaxed) % SHARDS;
        let index = self.shards.get(shard)?.lock().insert(entry);
        self.count.fetch_add(1, Relaxed);
        Some(Key { shard, index })
    }

    /// Removes an entry.
    pub fn remove(&self, key: Key) -> Option<T> {
        let entry = self.shards.get(key.shard)?.lock().try_remove(key.index)?;
        self.count.fetch_sub(1, Relaxed);
        Some(entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The page at a cursor. The first cursor is 0.
    pub fn page(&self, cursor: usize) -> Page<T> {
        let (shard, from) = (cursor % SHARDS, cursor / SHARDS);
        let page = self.shards.get(shard).map(|slab| Page::new(&slab.lock(), from));
        let Page { entries, next } = page.unwrap_or(Page { entries: Vec::new(), next: None });
        let shard_after = Some(shard + 1).filter(|shard| *shard < SHARDS);
        Page { entries, next: next.map(|slot| slot * SHARDS + shard).or(shard_after) }
    }
}

impl<T: Clone> Default for Registry<T> {
    fn default() -> Self {
        Self::new()
    }
}
