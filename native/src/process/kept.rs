//! Terms kept for later: the handles that processes wait under.
//!
//! An environment of its own for each would be more than a kilobyte, which is most of what an idle connection costs. So
//! many terms share one. It only grows, so when most of it is of terms that are no longer kept, the others move to a new
//! one.

use parking_lot::Mutex;
use rustler::env::{OwnedEnv, SavedTerm};
use rustler::{Env, Term};
use slab::Slab;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Shelves, so that schedulers do not wait for one another.
const SHELVES: usize = 16;
/// An environment with this many more terms than twice those that are kept is cleared out.
const LITTER: usize = 64;

#[derive(Default)]
struct Shelf {
    env: OwnedEnv,
    terms: Slab<SavedTerm>,
    /// terms that the environment was given, kept still or not
    given: usize,
}

static ALL: [Mutex<Option<Shelf>>; SHELVES] = [const { Mutex::new(None) }; SHELVES];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A term that is kept until this is dropped.
pub(crate) struct Kept {
    shelf: &'static Mutex<Option<Shelf>>,
    key: usize,
}

impl Kept {
    /// Keeps a copy of a term.
    pub(crate) fn new(term: Term<'_>) -> Self {
        let [first, ..] = &ALL;
        let shelf = ALL.get(NEXT.fetch_add(1, Relaxed) % SHELVES).unwrap_or(first);
        let key = shelf.lock().get_or_insert_default().keep(term);
        Self { shelf, key }
    }

    /// The term, in an environment of the caller's; nothing is never the answer.
    pub(crate) fn term<'a>(&self, env: Env<'a>) -> Option<Term<'a>> {
        let shelf = self.shelf.lock();
        let shelf = shelf.as_ref()?;
        let saved = shelf.terms.get(self.key)?;
        Some(shelf.env.run(|own| saved.load(own).in_env(env)))
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, term: Term<'_>) -> bool {
        let shelf = self.shelf.lock();
        shelf.as_ref().is_some_and(|shelf| {
            shelf.terms.get(self.key).is_some_and(|saved| shelf.env.run(|own| saved.load(own) == term))
        })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(shelf) = self.shelf.lock().as_mut() {
            shelf.terms.try_remove(self.key);
        }
    }
}

impl Shelf {
    fn keep(&mut self, term: Term<'_>) -> usize {
        if self.given > 2 * self.terms.len() + LITTER {
            self.clear_out();
        }
        self.given += 1;
        self.terms.insert(self.env.save(term))
    }

    fn clear_out(&mut self) {
        let new = OwnedEnv::new();
        for (_, saved) in &mut self.terms {
            *saved = self.env.run(|old| new.save(saved.load(old)));
        }
        self.given = self.terms.len();
        self.env = new;
    }
}
