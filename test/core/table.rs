//! The tables: options, flags, names, errors.

use esock::errno::Errno;
use esock::option::table::{Keeper, LEVELS, rows};
use std::collections::HashSet;

#[test]
fn an_option_has_one_row() {
    let names: HashSet<_> = rows().map(|row| (row.level, row.name)).collect();
    assert_eq!(names.len(), rows().count());
    let system = rows().filter_map(|row| match row.keeper {
        Keeper::System(level, option) => Some((level, option)),
        Keeper::Library(_) => None,
    });
    let numbers: Vec<_> = system.collect();
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len(), "two names for one option");
}

#[test]
fn a_level_has_one_name() {
    for level in LEVELS {
        assert!(level.iter().all(|row| row.level == level[0].level));
    }
}

#[test]
fn errors_have_the_names_of_the_manual() {
    for (number, name) in [(libc::EAGAIN, "EAGAIN"), (libc::ECONNREFUSED, "ECONNREFUSED"), (libc::EMFILE, "EMFILE")] {
        assert_eq!(Errno::new(number).name(), Some(name));
    }
    assert_eq!(Errno::new(0).name(), None);
    assert_eq!(Errno::new(100_000).name(), None);
}
