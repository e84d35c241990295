//! Layers of both crates: each folder is a room, a room uses only the rooms below it, and the uses among files have no
//! cycle. Only paths from `crate::` and `super::` are seen, not methods.

use crate::house::tidy::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms of the core, the lowest first.
const CORE: [&str; 8] = ["wire", "table", "sys", "lane", "op", "poller", "ring", "socket"];
/// The rooms of the NIF, the lowest first.
const NIF: [&str; 8] = ["atoms", "sys", "fail", "charge", "buffer", "term", "process", "nif"];

/// The module paths that a file's code names: `use` lines, braces resolved, and paths in the text.
fn paths(text: &str) -> Vec<String> {
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let joined = code[..at].chars().next_back().is_some_and(|c| c == ':' || c == '_' || c.is_alphanumeric());
            if !joined {
                expand(&code[at..], "", &mut found);
            }
        }
    }
    found
}

/// The paths at the beginning of `code`, each prefixed with `before`.
fn expand(code: &str, before: &str, found: &mut Vec<String>) {
    let end = code.find(|c: char| !(c == ':' || c == '_' || c.is_alphanumeric())).unwrap_or(code.len());
    let path = format!("{before}{}", &code[..end]);
    if !path.ends_with("::") || !code[end..].starts_with('{') {
        found.push(path);
        return;
    }
    let (mut depth, mut start) = (0, end + 1);
    for (at, c) in code[end..].char_indices().map(|(at, c)| (end + at, c)) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && c == ',' {
            expand(code[start..at].trim(), &path, found);
            start = at + 1;
        }
        if depth == 0 {
            return;
        }
    }
}

/// Which files of a crate each file uses, by the file's path below `dir`.
fn uses(dir: &str) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
    let base = root().join(dir);
    let texts: BTreeMap<PathBuf, String> =
        files(dir, "rs").into_iter().map(|(path, text)| (path.strip_prefix(&base).unwrap().to_owned(), text)).collect();
    // The deepest module on a path that is a file.
    let file = |path: &[&str]| {
        (1..=path.len()).rev().find_map(|len| {
            let module: PathBuf = path[..len].iter().collect();
            [module.with_extension("rs"), module.join("mod.rs")].into_iter().find(|file| texts.contains_key(file))
        })
    };
    texts
        .iter()
        .map(|(from, text)| {
            let parent: Vec<&str> = from.parent().unwrap().iter().map(|part| part.to_str().unwrap()).collect();
            let above = if from.ends_with("mod.rs") { &parent[..parent.len() - 1] } else { &parent[..] };
            let targets = paths(text).into_iter().filter_map(|path| {
                let parts: Vec<&str> = path.split("::").collect();
                let full = if parts[0] == "super" { [above, &parts[1..]].concat() } else { parts[1..].to_vec() };
                file(&full).filter(|to| to != from)
            });
            (from.clone(), targets.collect())
        })
        .collect()
}

fn room(file: &Path) -> String {
    let first = file.iter().next().unwrap().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// A cycle through `from`, if there is one.
fn cycle(uses: &BTreeMap<PathBuf, BTreeSet<PathBuf>>, from: &Path) -> Option<Vec<PathBuf>> {
    let mut ways: Vec<Vec<PathBuf>> = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for to in &uses[way.last().unwrap()] {
            let longer = || way.iter().cloned().chain([to.clone()]).collect();
            if to == from {
                return Some(longer());
            }
            if seen.insert(to) {
                ways.push(longer());
            }
        }
    }
    None
}

fn check_layers(dir: &str, rooms: &[&str]) {
    let uses = uses(dir);
    let floor = |file: &Path| {
        let name = room(file);
        rooms
            .iter()
            .position(|room| *room == name)
            .unwrap_or_else(|| panic!("{dir}: {name} is not in the list of rooms"))
    };
    let edges = uses.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
    let up: Vec<_> = edges.filter(|(from, to)| floor(to) > floor(from)).collect();
    assert!(up.is_empty(), "{dir}: uses of a higher room {up:#?}");
    let cycles: Vec<_> = uses.keys().filter_map(|file| cycle(&uses, file)).collect();
    assert!(cycles.is_empty(), "{dir}: cycles {cycles:#?}");
}

#[test]
fn the_core_is_layered() {
    check_layers("src", &[&CORE[..], &["lib"]].concat());
}

#[test]
fn the_nif_is_layered() {
    check_layers("native/src", &[&NIF[..], &["lib"]].concat());
}

#[test]
fn paths_are_found() {
    let text = "use crate::a::{self, b::{C, D}};\n// crate::no\nfn f() { crate::e::g(); super::h }";
    assert_eq!(paths(text), ["crate::a::self", "crate::a::b::C", "crate::a::b::D", "crate::e::g", "super::h"]);
}
