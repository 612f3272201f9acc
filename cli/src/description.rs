//! The documentation of modules and functions, as text for a terminal.

use solvm_stdlib::LIBRARIES;
use solvm_stdlib::documentation::{Entry, Kind, entries, introduction};
use std::fmt::Write as _;

/// Everything that is documented: the module's name and the entry.
pub(crate) fn everything() -> impl Iterator<Item = (&'static str, Entry<'static>)> {
    LIBRARIES.iter().flat_map(|module| {
        entries(module.documentation).into_iter().map(|entry| (module.name, entry))
    })
}

/// The documentation of a module, a function, or a method (`Listener:accept`, or `accept` alone).
pub(crate) fn describe(name: &str) -> Option<String> {
    let is_method = |full: &str| full.split_once(':').is_some_and(|(_, method)| method == name);
    let exact: Vec<_> = everything().filter(|(_, entry)| entry.name == name).collect();
    let found = if exact.is_empty() {
        everything().filter(|(_, entry)| is_method(entry.name)).collect()
    } else {
        exact
    };
    let in_module: Vec<_> = everything().filter(|(module, _)| *module == name).collect();
    let mut text = String::new();
    // A module's own name shows all of it. The introduction of a module without a table of its name
    // is not an entry.
    let has_table =
        in_module.iter().any(|(_, entry)| entry.kind == Kind::Value && entry.name == name);
    if let Some(module) = LIBRARIES
        .iter()
        .find(|module| module.name == name && !module.documentation.is_empty() && !has_table)
    {
        put_text(&introduction(module.documentation), "", &mut text);
    }
    for (_, entry) in if in_module.is_empty() { &found } else { &in_module } {
        if !text.is_empty() {
            text.push('\n');
        }
        show(entry, &mut text);
    }
    (!text.is_empty()).then_some(text)
}

fn show(entry: &Entry<'_>, text: &mut String) {
    let _ = writeln!(text, "{}", entry.signature());
    put_text(&entry.text, "    ", text);
    for (tag, rest) in &entry.tags {
        match *tag {
            "param" => {
                let _ = writeln!(text, "    - {rest}");
            }
            "return" => {
                let _ = writeln!(text, "    returns {rest}");
            }
            "field" => {
                let _ = writeln!(text, "    .{rest}");
            }
            _ => {}
        }
    }
}

/// Lines of Markdown, without the fences of examples.
fn put_text(lines: &[&str], indent: &str, text: &mut String) {
    for line in lines.iter().filter(|line| !line.starts_with("```")) {
        let _ = writeln!(text, "{}", format!("{indent}{line}").trim_end());
    }
}
