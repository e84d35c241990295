//! The tables: options, flags, names, errors.

use esock::table::option::{LEVELS, SINCE, rows};
use esock::wire::errno::Errno;
use std::collections::HashSet;

#[test]
fn every_option_has_one_row() {
    let names: HashSet<_> = rows().map(|row| (row.level, row.name)).collect();
    assert_eq!(names.len(), rows().count());
}

#[test]
fn the_rows_of_a_level_have_its_name() {
    let (_unsupported, levels) = LEVELS.split_last().unwrap();
    for level in levels {
        assert!(level.iter().all(|row| row.level == level[0].level));
    }
}

#[test]
fn errors_have_the_names_of_errno_3() {
    for (number, name) in [(libc::EAGAIN, "EAGAIN"), (libc::ECONNREFUSED, "ECONNREFUSED"), (libc::EMFILE, "EMFILE")] {
        assert_eq!(Errno::new(number).name(), Some(name));
    }
    assert_eq!(Errno::new(0).name(), None);
    assert_eq!(Errno::new(100_000).name(), None);
}

#[test]
fn every_first_kernel_is_that_of_an_option() {
    for (level, name, _) in SINCE {
        assert!(rows().any(|row| (row.level, row.name) == (*level, *name)), "{level} {name}");
    }
}
