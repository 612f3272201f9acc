//! Lines of code and comments have at most 100 columns. rustfmt does not wrap comments, long string
//! literals and the bodies of macros, and reads no other language.
#![cfg(test)]

use std::fs;
use std::path::Path;
use walkdir::WalkDir;

const COLUMNS: usize = 100;

/// The extensions of the files that are checked. A file without one is checked if it is a script.
const CHECKED: [&str; 6] = ["lua", "module", "py", "rs", "toml", "yml"];

/// The directories that are not checked, from the repository's root: inputs whose bytes matter.
const EXEMPT_DIRECTORIES: [&str; 3] =
    ["compiler/tests/goldens", "cli/tests/mistakes", "fuzz/corpus"];

/// The starts of lines that may be longer: annotations in definition files, which are one line by
/// the syntax of LuaCATS, and rows of tables in documentation, which are one by that of Markdown.
const EXEMPT_LINES: [&str; 4] = ["---@", "---|", "/// |", "//! |"];

fn is_exempt(line: &str) -> bool {
    EXEMPT_LINES.iter().any(|start| line.trim_start().starts_with(start))
}

/// The lines that are too long, with their numbers and widths.
fn long_lines(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let widths = text.lines().enumerate().map(|(at, line)| (at + 1, line.chars().count(), line));
    widths
        .filter(|(_, width, line)| *width > COLUMNS && !is_exempt(line))
        .map(|(number, width, _)| (number, width))
}

#[test]
fn no_line_is_longer_than_100_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_left_out = |path: &Path| {
        path.ends_with("target")
            || path.ends_with(".git")
            || EXEMPT_DIRECTORIES.iter().any(|directory| path == root.join(directory))
    };
    let mut found = Vec::new();
    let entries = WalkDir::new(&root).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| !is_left_out(entry.path())) {
        let entry = entry.unwrap();
        let path = entry.path();
        let extension = path.extension().map(|extension| extension.to_string_lossy());
        if !entry.file_type().is_file()
            || extension.as_ref().is_some_and(|extension| !CHECKED.contains(&&extension[..]))
        {
            continue;
        }
        let bytes = fs::read(path).unwrap();
        if extension.is_none() && !bytes.starts_with(b"#!") {
            continue;
        }
        let name = path.strip_prefix(&root).unwrap().display();
        let text = String::from_utf8_lossy(&bytes);
        found.extend(long_lines(&text).map(|(line, width)| format!("{name}:{line}: {width}")));
    }
    assert!(found.is_empty(), "more than {COLUMNS} columns:\n{}", found.join("\n"));
}

#[test]
fn columns_are_characters() {
    let text = |width| format!("{}\n", "é".repeat(width));
    assert_eq!(long_lines(&text(100)).next(), None);
    assert_eq!(long_lines(&(text(1) + &text(101))).collect::<Vec<_>>(), [(2, 101)]);
    assert_eq!(long_lines(&format!("---@param {}", text(100))).next(), None);
}
