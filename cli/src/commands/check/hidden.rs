//! Files that hide one of SolVM's modules, such as a `json.lua` next to the script, from a program
//! that calls functions which only SolVM's module has.
//!
//! Invariant: in doubt nothing is reported. The program must only call the function, of a local
//! that is the module; the file must not mention the function's name, and must name all that its
//! table has.

use solvm_compiler::diagnostic::{Diagnostic, Span};
use solvm_compiler::highlight::{Class, parts};
use solvm_runtime::module::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// With one of these names a program may change where modules come from.
const SEARCH_CHANGERS: &[&str] = &["loadfile", "package", "setfenv"];
/// With one of these names a file may make functions that it does not name.
const BUILDERS: &[&str] = &[
    "_G",
    "dofile",
    "getfenv",
    "import",
    "load",
    "loadfile",
    "loadstring",
    "module",
    "next",
    "pairs",
    "require",
    "setfenv",
    "setmetatable",
];

/// A source as its tokens, without comments.
struct Tokens<'t> {
    list: Vec<(Span, &'t str, Class)>,
}

impl<'t> Tokens<'t> {
    /// None if the text is not valid UTF-8.
    fn new(text: &'t [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let token = |(range, class): (std::ops::Range<usize>, Class)| {
            let span = Span {
                start: u32::try_from(range.start).ok()?,
                end: u32::try_from(range.end).ok()?,
            };
            (class != Class::Comment).then_some((span, text.get(range)?, class))
        };
        Some(Tokens { list: parts(text.as_bytes()).into_iter().filter_map(token).collect() })
    }

    /// Whether a token is the first of its line, where no block is open in a source of usual form.
    fn starts_line(&self, text: &[u8], index: usize) -> bool {
        let start = self.list.get(index).map_or(0, |(span, _, _)| span.start as usize);
        start.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|byte| *byte == b'\n')
    }

    fn at(&self, index: usize) -> &'t str {
        self.list.get(index).map_or("", |(_, text, _)| text)
    }

    fn has_name(&self, names: &[&str]) -> bool {
        self.list.iter().any(|(_, text, class)| *class == Class::Name && names.contains(text))
    }

    /// Whether the tokens from an index on are these.
    fn are(&self, index: usize, expected: &[&str]) -> bool {
        expected.iter().enumerate().all(|(offset, text)| self.at(index + offset) == *text)
    }

    /// The contents of a plain string.
    fn string(&self, index: usize) -> Option<&'t str> {
        let (_, text, class) = self.list.get(index)?;
        let text = text.strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])?;
        (*class == Class::String && !text.contains('\\')).then_some(text)
    }
}

/// The locals that are modules, with the names of these: `local x = require "y"`, if the name of
/// the local means nothing else in the file.
fn modules<'t>(tokens: &Tokens<'t>, text: &[u8]) -> Vec<(&'t str, &'t str)> {
    let mut found = Vec::new();
    for i in 0..tokens.list.len() {
        if tokens.at(i) != "local" || !tokens.are(i + 2, &["=", "require"]) {
            continue;
        }
        if !tokens.starts_line(text, i) {
            continue;
        }
        let bracket = usize::from(tokens.at(i + 4) == "(");
        let Some(module) = tokens.string(i + 4 + bracket) else { continue };
        let after = tokens.at(i + 5 + 2 * bracket);
        let is_whole = !matches!(after, "." | ":" | "," | "[" | "(" | "and" | "or" | "{");
        let local = tokens.at(i + 1);
        let uses = (0..tokens.list.len()).filter(|&at| {
            at != i + 1
                && tokens.at(at) == local
                && !matches!(tokens.at(at.wrapping_sub(1)), "." | ":")
        });
        // A use that is not `local.name` may be another variable of that name, or a change.
        let is_plain = uses.clone().all(|at| tokens.at(at + 1) == ".");
        if is_whole && is_plain {
            found.push((local, module));
        }
    }
    found
}

/// The functions of a local that are only called, and where each is named first.
fn called<'t>(tokens: &Tokens<'t>, local: &str) -> BTreeMap<&'t str, Span> {
    let mut called = BTreeMap::new();
    let mut otherwise = BTreeSet::new();
    for i in 0..tokens.list.len() {
        if !tokens.are(i, &[local, "."]) || matches!(tokens.at(i.wrapping_sub(1)), "." | ":") {
            continue;
        }
        let Some(&(span, field, _)) = tokens.list.get(i + 2) else { continue };
        match tokens.list.get(i + 3) {
            Some((_, "(" | "{", _) | (_, _, Class::String)) => {
                called.entry(field).or_insert(span);
            }
            _ => {
                otherwise.insert(field);
            }
        }
    }
    called.retain(|field, _| !otherwise.contains(field));
    called
}

/// The functions of one of SolVM's modules; none if they are not known without running it.
fn functions_of(module: &str) -> BTreeSet<&'static str> {
    let is_table = |listed: &&solvm_runtime::module::Module| {
        listed.name == module
            && listed.place != Place::Standard
            && (listed.place != Place::Global || !listed.library.name.is_empty())
    };
    let libraries = solvm_stdlib::LIBRARIES.iter().filter(is_table);
    libraries
        .flat_map(|listed| listed.library.functions.iter())
        .map(|function| function.name)
        .collect()
}

/// The file that a program in `folder` gets for a module whose name has no dots.
fn file_of(module: &str, folder: &Path) -> Option<PathBuf> {
    let name = format!("{module}.lua");
    [Path::new(&name).to_path_buf(), folder.join(&name)].into_iter().find(|path| path.is_file())
}

/// Whether a file's module may have a function of which it does not mention the name.
fn may_have_more(tokens: &Tokens, module: &str) -> bool {
    let local = (0..tokens.list.len()).any(|i| tokens.are(i, &["local", module]));
    // SolVM's own module is the global of that name.
    let uses_own = !local && tokens.has_name(&[module]);
    // `table[name] = function`.
    let computed = (0..tokens.list.len()).any(|i| {
        tokens.at(i) == "]"
            && tokens.at(i + 1) == "="
            && !matches!(
                tokens.list.get(i.wrapping_sub(1)),
                Some((_, _, Class::String | Class::Number))
            )
    });
    uses_own || computed || tokens.has_name(BUILDERS)
}

/// What is wrong with a program in this respect, and what helps.
pub(super) fn hidden(path: &Path, text: &[u8]) -> Vec<(Diagnostic, String)> {
    let Some(tokens) = Tokens::new(text) else { return Vec::new() };
    if tokens.has_name(SEARCH_CHANGERS) {
        return Vec::new();
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for (local, module) in modules(&tokens, text) {
        let functions = functions_of(module);
        let Some(file) = (!functions.is_empty()).then(|| file_of(module, folder)).flatten() else {
            continue;
        };
        let Ok(source) = fs::read(&file) else { continue };
        let Some(other) = Tokens::new(&source) else { continue };
        if may_have_more(&other, module) {
            continue;
        }
        for (field, span) in called(&tokens, local) {
            let is_mentioned = other.list.iter().any(|(_, text, class)| {
                matches!(class, Class::Name | Class::String) && text.contains(field)
            });
            if functions.contains(field) && !is_mentioned {
                let message =
                    format!("'{field}' is in SolVM's module '{module}', not in {}", file.display());
                let diagnostic =
                    Diagnostic { code: "hidden-module", message, span, notes: Vec::new() };
                found.push((diagnostic, format!("use require \"solvm.{module}\"")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_must_fail_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("toml.lua");
        let found = |program: &str, module: &str| {
            fs::write(&json, module).unwrap();
            let found = hidden(&folder.path().join("main.lua"), program.as_bytes());
            found.into_iter().map(|(found, _)| found.message).collect::<Vec<_>>()
        };
        let module = "local M = {}\nfunction M.decode() end\nreturn M";
        let program = "local toml = require('toml')\nprint(toml.decode(''), toml.encode({}))";
        let file = json.display();
        let expected = [format!("'encode' is in SolVM's module 'toml', not in {file}")];
        assert_eq!(found(program, module), expected);
        assert_eq!(found("local t = require 'toml' t.encode {}", module), expected);
        for program in [
            "local toml = require('toml')\nprint(toml.encode and toml.encode({}))",
            "local toml = require('toml') or {}\ntoml.encode({})",
            "local toml = require('toml')\ntoml.encode = print toml.encode({})",
            "local toml = require('toml')\ntoml = other toml.encode({})",
            "local toml = require('toml')\nfunction f(toml) toml.encode({}) end",
            "local toml = require('solvm.toml')\ntoml.encode({})",
            "local toml = require('toml')\ntoml.unknown({})",
            "local toml = require('toml')\nfill(toml) toml.encode({})",
            "package.path = 'lib/?.lua' local toml = require('toml')\ntoml.encode({})",
            "toml.encode({})",
            "do\n local toml = require('toml') end toml.encode({})",
        ] {
            assert!(found(program, module).is_empty(), "{program}");
        }
        for module in [
            "local M = {} M.encode = 1 return M",
            "return { encode = print }",
            "return { ['encode'] = print }",
            "local M = {} for _, k in ipairs { 'decode' } do M[k] = print end return M",
            "local M = {} for k, v in pairs(toml) do M[k] = v end return M",
            "return toml",
            "return setmetatable({}, { __index = function() end })",
            "return require 'other'",
        ] {
            let program = "local toml = require('toml')\ntoml.encode({})";
            assert!(found(program, module).is_empty(), "{module}");
        }
    }
}
