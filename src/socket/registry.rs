//! The registry of open sockets: a table in shards, so that opens and closes on many schedulers seldom meet.

use parking_lot::Mutex;
use slab::Slab;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// More than the schedulers that open sockets at the same moment on the machines of today.
const SHARDS: usize = 16;
/// The most entries of a page. The NIF makes a term of each, which takes about a microsecond.
const PAGE: usize = 128;
/// The most slots that are looked at for a page: after many have left, most are vacant.
const SLOTS: usize = 1024;

/// Where an entry is; needed to take it out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    shard: usize,
    index: usize,
}

/// A part of a table. Whoever follows `next` to its end finds each entry that is there all the while exactly once, since an
/// entry keeps its slot.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found.
    pub entries: Vec<T>,
    /// The cursor of the next page, if this was not the last.
    pub next: Option<usize>,
}

impl<T: Clone> Page<T> {
    /// The page of a slab from a slot on.
    pub fn new(slab: &Slab<T>, from: usize) -> Self {
        let end = slab.capacity().min(from.saturating_add(SLOTS));
        let (mut slots, mut entries) = (from..end, Vec::new());
        while entries.len() < PAGE
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

    /// The page at a cursor, which is 0 for the first.
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
