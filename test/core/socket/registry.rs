//! The registry of sockets.

use esock::socket::registry::{Page, Registry};
use std::sync::Arc;

/// All pages, from the first to the last.
fn pages(registry: &Registry<usize>) -> Vec<Page<usize>> {
    let mut pages = vec![registry.page(0)];
    while let Some(next) = pages.last().unwrap().next {
        pages.push(registry.page(next));
    }
    pages
}

fn entries(pages: &[Page<usize>]) -> Vec<usize> {
    let mut all: Vec<_> = pages.iter().flat_map(|page| page.entries.clone()).collect();
    all.sort_unstable();
    all
}

#[test]
fn each_entry_is_found_and_removed_once() {
    let registry = Registry::new();
    let keys: Vec<_> = (0..10_000).map(|n| registry.insert(n).unwrap()).collect();
    assert_eq!(registry.len(), 10_000);
    let pages = pages(&registry);
    assert_eq!(entries(&pages), (0..10_000).collect::<Vec<_>>());
    assert!(pages.iter().all(|page| page.entries.len() <= 128));
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(registry.remove(*key), Some(n));
        assert_eq!(registry.remove(*key), None);
    }
    assert!(registry.is_empty());
}

/// Vacant slots are paged, too: after 100,000 removals no page examines all slots.
#[test]
fn a_page_of_vacant_slots_is_bounded() {
    let registry = Registry::new();
    let keys: Vec<_> = (0..100_000).map(|n| registry.insert(n).unwrap()).collect();
    keys[1..].iter().for_each(|key| assert!(registry.remove(*key).is_some()));
    let pages = pages(&registry);
    assert!(pages.len() > 90);
    assert_eq!(entries(&pages), [0]);
}

#[test]
fn an_unknown_cursor_is_past_the_end() {
    let registry = Registry::new();
    registry.insert(0).unwrap();
    assert_eq!(registry.page(usize::MAX), Page { entries: Vec::new(), next: None });
}

/// An entry that stays is found exactly once, whatever is inserted and removed between the pages.
#[test]
fn a_walk_during_inserts_and_removals() {
    let registry = Registry::new();
    let keys: Vec<_> = (0..10_000).map(|n| registry.insert(n).unwrap()).collect();
    let (mut found, mut next, mut leaving) = (Vec::new(), Some(0), keys.iter().skip(1).step_by(2));
    while let Some(cursor) = next {
        let page = registry.page(cursor);
        next = page.next;
        found.push(page);
        (0..50).for_each(|_| _ = leaving.next().map(|key| registry.remove(*key)));
        (0..25).for_each(|_| _ = registry.insert(10_001));
    }
    let stayed: Vec<_> = entries(&found).into_iter().filter(|n| *n < 10_000 && n % 2 == 0).collect();
    assert_eq!(stayed, (0..10_000).step_by(2).collect::<Vec<_>>());
}

#[test]
fn many_threads_at_once() {
    let registry = Arc::new(Registry::new());
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let registry = Arc::clone(&registry);
            std::thread::spawn(move || {
                for _ in 0..10_000 {
                    let key = registry.insert(n).unwrap();
                    assert_eq!(registry.remove(key), Some(n));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(entries(&pages(&registry)).is_empty() && registry.is_empty());
}
