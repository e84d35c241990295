//! The rules of CONTRIBUTING.md and ARCHITECTURE.md that the text of the source files can show.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn files(dir: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut left = vec![root().join(dir)];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|found| found == ending) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "nothing under {dir}");
    found
}

fn rust() -> Vec<(PathBuf, String)> {
    files("src", "rs").into_iter().chain(files("native/src", "rs")).collect()
}

fn is_in(path: &Path, part: &str) -> bool {
    path.to_string_lossy().contains(part)
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in rust() {
        assert!(text.starts_with("//! "), "{} has no first line", path.display());
    }
}

#[test]
fn unsafe_only_in_sys() {
    for (path, text) in rust() {
        let allowed = is_in(&path, "/src/sys/") || path.ends_with("native/src/sys.rs");
        assert!(allowed || !text.contains("unsafe {"), "unsafe in {}", path.display());
    }
}

#[test]
fn the_core_does_not_know_the_beam() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("rustler"));
    for (path, text) in files("src", "rs") {
        assert!(!text.contains("rustler::"), "rustler in {}", path.display());
    }
}

#[test]
fn crates_have_their_places() {
    for (path, text) in rust() {
        let sys = is_in(&path, "/src/sys/")
            || is_in(&path, "/poller/")
            || path.ends_with("ring/thread.rs")
            || path.ends_with("errno.rs");
        assert!(sys || !text.replace("unix::", "").contains("nix::"), "nix in {}", path.display());
        assert!(!is_in(&path, "native/") || !text.contains("libc::"), "libc in {}", path.display());
    }
}

#[test]
fn platform_differences_are_rows_or_files() {
    for (path, text) in rust() {
        let allowed = is_in(&path, "/sys/") || is_in(&path, "/table/");
        assert!(allowed || !text.contains("cfg("), "cfg in {}", path.display());
    }
}

#[test]
fn one_file_sends_messages() {
    for (path, text) in files("native/src", "rs") {
        assert!(path.ends_with("process/notify.rs") || !text.contains(".send("), "a message from {}", path.display());
    }
}

#[test]
fn one_wait_loop() {
    for (path, text) in files("erl_src", "erl") {
        // esock_busy_poll has a loop too, but it waits for no socket. The modules in sub-folders stand on the API.
        let below = path.parent() != Some(&root().join("erl_src"));
        let allowed = below || path.ends_with("esock_wait.erl") || path.ends_with("esock_busy_poll.erl");
        assert!(allowed || !text.contains("\n    receive\n"), "a loop in {}", path.display());
    }
}

#[test]
fn nif_functions_are_short() {
    for (path, text) in files("native/src/nif", "rs").into_iter().chain(files("native/src/process", "rs")) {
        let mut begin = None;
        for (number, line) in text.lines().enumerate() {
            if ["fn ", "pub(crate) fn ", "pub(super) fn ", "pub fn "].iter().any(|word| line.starts_with(word)) {
                begin = Some(number);
            }
            // Only the body counts: a signature of many lines does not make a function long.
            if line.ends_with('{') && begin.is_some() && text.lines().nth(number).is_some_and(|l| l.starts_with(')')) {
                begin = Some(number);
            }
            if line == "}"
                && let Some(begin) = begin.take()
            {
                assert!(number - begin < 25, "{}:{} is too long", path.display(), begin + 1);
            }
        }
    }
}

#[test]
fn files_are_short() {
    for (path, text) in rust().into_iter().chain(files("erl_src", "erl")) {
        // esock.erl is long because it documents the API, and tables because they have a row for each thing: esock_nif.erl has one
        // for each function of the NIF.
        let table = ["src/table/", "wire/layout.rs", "esock_nif.erl"].iter().any(|part| is_in(&path, part));
        assert!(table || path.ends_with("esock.erl") || text.lines().count() <= 400, "{} is too long", path.display());
    }
}

#[test]
fn no_vague_names() {
    for (path, _) in rust().into_iter().chain(files("erl_src", "erl")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!["util", "helper", "common", "misc"].iter().any(|vague| name.contains(vague)), "{name}");
    }
}

/// A caller's value may be of any size: code that walks or copies one states its bound, on that line or one of the two before.
#[test]
fn what_callers_pass_is_bounded() {
    const BOUNDED: [&str; 5] = ["list_get_cell(", ".to_vec()", "from_iolist(", "MapIterator::new(", "with_capacity("];
    // These take a value of any size as a whole.
    const UNBOUNDED: [&str; 5] = ["get_tuple(", "list_iterator", "ListIterator", "decode::<Vec", "decode::<String"];
    for (path, text) in ["term", "process", "nif"].iter().flat_map(|room| files(&format!("native/src/{room}"), "rs")) {
        let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let place = format!("{}:{}", path.display(), number + 1);
            let near = &lines[number.saturating_sub(2)..=number];
            let said = near.iter().any(|line| line.to_lowercase().contains("// at most "));
            assert!(said || !has(line, &BOUNDED), "{place} does not say `// at most ...`");
            let vector = line.contains(": Vec<") && line.contains(".decode(");
            assert!(!vector && !has(line, &UNBOUNDED), "{place} takes a value of any size");
        }
    }
}
