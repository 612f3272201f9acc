//! The pages of `solvm doc --book`: the documentation in Markdown, a page for each library and one
//! that lists them.
//!
//! The text in the definition files is already Markdown. This adds the form: headings, and lists of
//! the tags.

use crate::report::about_file;
use solvm_runtime::module::Module;
use solvm_stdlib::LIBRARIES;
use solvm_stdlib::documentation::{Entry, Kind, entries, introduction, summary};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes the pages into a directory, created if missing. The error is the message to print.
pub(super) fn write(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| about_file(directory, &error))?;
    let pages = documented().map(|module| (format!("{}.md", module.name), page(module)));
    for (name, text) in pages.chain([("README.md".into(), contents())]) {
        let path = directory.join(name);
        fs::write(&path, text).map_err(|error| about_file(&path, &error))?;
    }
    Ok(())
}

/// The libraries that have a page. A library may have multiple parts, one of which has the
/// documentation.
fn documented() -> impl Iterator<Item = &'static Module> {
    LIBRARIES.iter().filter(|module| !module.documentation.is_empty())
}

/// The page that lists the others.
fn contents() -> String {
    let mut text = String::from(
        "# Modules\n\nThe output of `solvm doc`, one page per library. The pages are generated \
         from its definitions by `solvm doc --book`.\n\n| module | |\n|---|---|\n",
    );
    for module in documented() {
        let _ =
            writeln!(text, "| [{0}]({0}.md) | {1} |", module.name, summary(module.documentation));
    }
    text
}

/// The page of a library.
fn page(module: &Module) -> String {
    let mut text = format!("# {}\n\n", module.name);
    put_lines(&introduction(module.documentation), &mut text);
    for entry in entries(module.documentation) {
        // The library's own table has been introduced.
        if entry.kind == Kind::Value && entry.name == module.name {
            put_tags("Fields", "field", &entry, &mut text);
        } else {
            put(&entry, &mut text);
        }
    }
    text
}

/// A function, a class or a constant: its description, parameters and results, then the examples.
fn put(entry: &Entry<'_>, text: &mut String) {
    let _ = write!(text, "\n## `{}`\n\n", entry.signature());
    let example =
        entry.text.iter().position(|line| line.starts_with("```")).unwrap_or(entry.text.len());
    let (about, examples) = entry.text.split_at(example);
    put_lines(about, text);
    put_tags("Fields", "field", entry, text);
    put_tags("Parameters", "param", entry, text);
    put_tags("Returns", "return", entry, text);
    if !examples.is_empty() {
        text.push('\n');
        put_lines(examples, text);
    }
}

/// Lines of Markdown, without empty ones at the end.
fn put_lines(lines: &[&str], text: &mut String) {
    let _ = writeln!(text, "{}", lines.join("\n").trim_end());
}

/// The list of a name's tags.
fn put_tags(title: &str, tag: &str, entry: &Entry<'_>, text: &mut String) {
    let items: Vec<_> = entry
        .tags
        .iter()
        .filter(|(name, _)| *name == tag)
        .map(|(_, rest)| item(tag, rest))
        .collect();
    if !items.is_empty() {
        let _ = writeln!(text, "\n{title}:\n\n{}", items.join("\n"));
    }
}

/// A tag as an item: its name, its type, its description. Only a result may lack a name, which
/// comes after its type.
fn item(tag: &str, rest: &str) -> String {
    let (name, kind, about) = if tag == "return" {
        let (kind, rest) = split_type(rest);
        let (name, about) = rest.split_once(' ').unwrap_or((rest, ""));
        (name, kind, about)
    } else {
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let (kind, about) = split_type(rest);
        (name, kind, about)
    };
    let what = match name.strip_suffix('?') {
        Some(name) => format!("`{name}` (`{kind}`, optional)"),
        None if name.is_empty() => format!("`{kind}`"),
        None => format!("`{name}` (`{kind}`)"),
    };
    if about.is_empty() { format!("- {what}") } else { format!("- {what}: {about}") }
}

/// A type, and the text after it. Types have spaces in brackets and quotes, and after colons and
/// commas.
fn split_type(text: &str) -> (&str, &str) {
    let (mut depth, mut is_quoted, mut before) = (0_u32, false, ' ');
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '(' | '{' | '[' | '<' => depth += 1,
            ')' | '}' | ']' | '>' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && !is_quoted && !matches!(before, ':' | ',') => {
                return (&text[..at], text[at..].trim_start());
            }
            _ => {}
        }
        before = letter;
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_from_what_follows() {
        assert_eq!(split_type("number id for it"), ("number", "id for it"));
        assert_eq!(
            split_type("fun(): string?, FileInfo? iterator"),
            ("fun(): string?, FileInfo?", "iterator")
        );
        assert_eq!(split_type("{ null?: any } `null`: what"), ("{ null?: any }", "`null`: what"));
        assert_eq!(split_type("integer|\"*l\"|\"a b\" x"), ("integer|\"*l\"|\"a b\"", "x"));
        assert_eq!(split_type("boolean"), ("boolean", ""));
    }

    #[test]
    fn tags_are_items() {
        assert_eq!(
            item("param", "options? { a?: b } what"),
            "- `options` (`{ a?: b }`, optional): what"
        );
        assert_eq!(item("return", "any ... results"), "- `...` (`any`): results");
        assert_eq!(item("return", "boolean"), "- `boolean`");
        assert_eq!(item("field", "size number its size"), "- `size` (`number`): its size");
    }
}
