//! Terms that are stored for later: the handles of waiters, and arguments of their calls.
//!
//! An environment for each term would take more than a kilobyte, most of the memory of an idle connection. Therefore
//! many terms share one. An environment only grows, so when most of its terms have been dropped, the others are copied
//! to a new one.

use parking_lot::Mutex;
use rustler::env::{OwnedEnv, SavedTerm};
use rustler::{Env, Term};
use slab::Slab;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Number of shards. Schedulers that use different shards do not wait for one another.
const SHARDS: usize = 16;
/// An environment that has received this many terms more than twice the stored ones is replaced.
const GARBAGE: usize = 64;

#[derive(Default)]
struct Shard {
    env: OwnedEnv,
    terms: Slab<SavedTerm>,
    /// Number of terms that the environment has received, including those that have been dropped.
    copied: usize,
}

static STORE: [Mutex<Option<Shard>>; SHARDS] = [const { Mutex::new(None) }; SHARDS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A term that is stored until this value is dropped.
pub(crate) struct StoredTerm {
    shard: &'static Mutex<Option<Shard>>,
    key: usize,
}

impl StoredTerm {
    /// Stores a copy of a term.
    pub(crate) fn new(term: Term<'_>) -> Self {
        let [first, ..] = &STORE;
        let shard = STORE.get(NEXT.fetch_add(1, Relaxed) % SHARDS).unwrap_or(first);
        let key = shard.lock().get_or_insert_default().insert(term);
        Self { shard, key }
    }

    /// A copy of the term in `env`. The term is always there: `None` does not occur.
    pub(crate) fn term<'a>(&self, env: Env<'a>) -> Option<Term<'a>> {
        let shard = self.shard.lock();
        let shard = shard.as_ref()?;
        let saved = shard.terms.get(self.key)?;
        Some(shard.env.run(|own| saved.load(own).in_env(env)))
    }

    /// Whether it equals `term`.
    pub(crate) fn is(&self, term: Term<'_>) -> bool {
        let shard = self.shard.lock();
        shard.as_ref().is_some_and(|shard| {
            shard.terms.get(self.key).is_some_and(|saved| shard.env.run(|own| saved.load(own) == term))
        })
    }
}

impl Drop for StoredTerm {
    fn drop(&mut self) {
        if let Some(shard) = self.shard.lock().as_mut() {
            shard.terms.try_remove(self.key);
        }
    }
}

impl Shard {
    fn insert(&mut self, term: Term<'_>) -> usize {
        if self.copied > 2 * self.terms.len() + GARBAGE {
            self.compact();
        }
        self.copied += 1;
        self.terms.insert(self.env.save(term))
    }

    fn compact(&mut self) {
        let new = OwnedEnv::new();
        for (_, saved) in &mut self.terms {
            *saved = self.env.run(|old| new.save(saved.load(old)));
        }
        self.copied = self.terms.len();
        self.env = new;
    }
}
