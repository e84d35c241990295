//! The registry of sockets.

use esock::registry::Registry;
use std::sync::Arc;

#[test]
fn what_goes_in_comes_out_once() {
    let registry = Registry::new();
    let keys: Vec<_> = (0..100).map(|n| registry.insert(n).unwrap()).collect();
    assert_eq!(registry.len(), 100);
    let mut entries = registry.entries();
    entries.sort_unstable();
    assert_eq!(entries, (0..100).collect::<Vec<_>>());
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(registry.remove(*key), Some(n));
        assert_eq!(registry.remove(*key), None);
    }
    assert!(registry.is_empty());
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
    assert!(registry.entries().is_empty() && registry.is_empty());
}
