//! The documents that are generated from the code. `UPDATE=1 cargo test docs` writes them; without it a difference fails the
//! test.

use crate::house::tidy::{files, root};
use esock::table::option::{Keeper, SINCE, rows};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

/// Replaces the text between the two marks of a part.
fn part(text: &str, name: &str, new: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
    format!("{before}{begin}{new}{end}{after}")
}

fn same(file: &str, expected: &str) {
    let path = root().join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{file} differs from what the code generates; UPDATE=1 cargo test docs writes it");
}

#[test]
fn options() {
    let mut text = String::from(
        "# Options\n\nThe options of `esock:setopt/3` and `esock:getopt/2`, generated from `src/table/option.rs`. \
         Access: R is read (getopt), W is write (setopt). Kernel: the first version of Linux that has the option; \
         empty for Linux 2.4 or before, and for options that are no matter of the kernel.\n\n\
         | level | option | value | access | kernel |\n|---|---|---|---|---|\n",
    );
    for row in rows() {
        if row.keeper == Keeper::Unsupported {
            continue;
        }
        let access = format!("{:?}", row.access);
        let form = row.erlang_type().replace('|', "\\|");
        let since =
            SINCE.iter().find(|(level, name, _)| (*level, *name) == (row.level, row.name)).map_or("", |row| row.2);
        writeln!(text, "| {} | {} | `{form}` | {access} | {since} |", row.level, row.name).unwrap();
    }
    same("doc/options.md", &text);
}

/// The first sentence of the comment at the top of a file.
fn first_sentence(text: &str, comment: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix(comment.trim_end()));
    let lines = comments.map(str::trim).skip_while(|line| line.starts_with("@private"));
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let paragraph = if comment == "%% " { markdown(paragraph.trim_start_matches("@doc ")) } else { paragraph };
    paragraph.split_once(". ").map_or(paragraph.clone(), |(first, _)| format!("{first}."))
}

/// EDoc's quotes and links as Markdown's.
fn markdown(text: &str) -> String {
    let mut parts = text.split('`');
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| format!("{text}`{}", part.replacen('\'', "`", 1)));
    text.split("{@link ")
        .enumerate()
        .map(|(n, part)| if n == 0 { part.to_owned() } else { format!("`{}", part.replacen('}', "`", 1)) })
        .collect()
}

#[test]
fn code_map() {
    let mut map = BTreeMap::new();
    for (dir, ending, comment) in [("src", "rs", "//! "), ("native/src", "rs", "//! "), ("erl_src", "erl", "%% ")] {
        for (path, text) in files(dir, ending) {
            map.insert(path.strip_prefix(root()).unwrap().to_owned(), first_sentence(&text, comment));
        }
    }
    let mut text = String::from("| file | what it is |\n|---|---|\n");
    for (path, first) in map {
        writeln!(text, "| `{}` | {first} |", path.display()).unwrap();
    }
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap_or_default();
    same("ARCHITECTURE.md", &part(&architecture, "code map", &text));
}
