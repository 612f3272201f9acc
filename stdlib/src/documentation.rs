//! The documentation of the libraries, read from the definition files in `meta`.
//!
//! A definition file is Lua with the annotations of lua-language-server (LuaCATS): comments of
//! three dashes without a space after them, each block above the declaration that it describes.
//! Editors, `solvm doc` and the book all use it. A block is Markdown, whose fenced Lua code is
//! examples, followed by tags (`@param`, `@return`). The first block of a file describes the
//! library and is separate or above the library's table.

/// The documentation of a function, a method, a constant or a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its full name: `uuid.v4`, `Listener:accept`.
    pub name: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// The names of a function's parameters as declared.
    pub parameters: &'a str,
    /// The value of a constant as written in Lua; empty for other kinds.
    pub constant: &'a str,
    /// The lines of text, without the dashes.
    pub text: Vec<&'a str>,
    /// The tags and the text after them: `("param", "text string the text to search")`.
    pub tags: Vec<(&'a str, &'a str)>,
}

/// The kind of an [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function or a method.
    Function,
    /// A table of functions, a class of objects, a constant.
    Value,
}

impl Entry<'_> {
    /// Returns the examples in the text, each a complete program.
    pub fn examples(&self) -> Vec<String> {
        examples(self.text.iter().copied())
    }

    /// Returns the signature: `uuid.v4()`, `math.huge = 1 / 0`.
    pub fn signature(&self) -> String {
        match self.kind {
            Kind::Function => format!("{}({})", self.name, self.parameters),
            Kind::Value if self.constant.is_empty() => self.name.to_string(),
            Kind::Value => format!("{} = {}", self.name, self.constant),
        }
    }
}

/// Returns the fenced code blocks in lines of Markdown whose info string is exactly "lua".
pub fn examples<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut examples = Vec::new();
    let mut example: Option<String> = None;
    for line in lines {
        match (&mut example, line.trim()) {
            (None, "```lua") => example = Some(String::new()),
            (Some(_), "```") => examples.extend(example.take()),
            (Some(code), _) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, _) => {}
        }
    }
    examples
}

/// Returns the first block of a definition file: the description of the library.
pub fn introduction(definitions: &str) -> Vec<&str> {
    let lines =
        definitions.lines().skip_while(|line| line.is_empty() || line.starts_with("---@meta"));
    let block = lines.map_while(|line| line.strip_prefix("---"));
    block.filter(|line| !line.starts_with('@')).collect()
}

/// Returns the first sentence of the description, up to a full stop followed by white space, so
/// that "Lua 5.1" does not end it.
pub fn summary(definitions: &str) -> String {
    let lines = introduction(definitions).into_iter().take_while(|line| !line.is_empty());
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_once(". ").map_or(&paragraph[..], |(sentence, _)| sentence);
    sentence.trim_end_matches(['.', ':']).to_string()
}

/// Returns the entries of a definition file, in its order.
pub fn entries(definitions: &str) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut block: Vec<&str> = Vec::new();
    for line in definitions.lines() {
        if let Some(comment) = line.strip_prefix("---") {
            block.push(comment);
            continue;
        }
        if let Some(entry) = entry(line, &block) {
            entries.push(entry);
        }
        block.clear();
    }
    entries
}

/// The entry of a declaration with the comments above it. None if there is no declaration or no
/// comment.
fn entry<'a>(line: &'a str, block: &[&'a str]) -> Option<Entry<'a>> {
    let (name, kind, parameters, constant) = match line.strip_prefix("function ") {
        Some(rest) => {
            let (name, rest) = rest.split_once('(')?;
            (name, Kind::Function, rest.split_once(')')?.0, "")
        }
        None => {
            let (name, value) = line.strip_prefix("local ").unwrap_or(line).split_once(" = ")?;
            (name, Kind::Value, "", if value == "{}" { "" } else { value })
        }
    };
    if block.is_empty() {
        return None;
    }
    let mut entry = Entry { name, kind, parameters, constant, text: Vec::new(), tags: Vec::new() };
    for line in block {
        match line.strip_prefix('@') {
            Some(tag) => entry.tags.push(tag.split_once(' ').unwrap_or((tag, ""))),
            None => entry.text.push(line),
        }
    }
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LIBRARIES;
    use solvm_runtime::deadline::Limits;
    use solvm_runtime::host::Sandbox;
    use solvm_runtime::module::Place;
    use solvm_vm::native::Library;
    use solvm_vm::{Call, Config, Table};
    use std::collections::BTreeSet;

    #[test]
    fn files_are_taken_apart() {
        let entries = entries(
            "---@meta\n\n---Circles.\n---@class circle\ncircle = {}\n\n\
             ---The area.\n---\n---```lua\n---assert(circle.area(0) == 0)\n---```\n\
             ---@param radius number in metres\n---@return number\n\
             function circle.area(radius) end\n\nfunction circle.hidden() end\n\n\
             ---Half a turn.\ncircle.pi = 3.1416\n",
        );
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[2].signature(), "circle.pi = 3.1416");
        assert_eq!((entries[0].name, entries[0].kind), ("circle", Kind::Value));
        assert_eq!(entries[0].text, ["Circles."]);
        assert_eq!(entries[0].signature(), "circle");
        assert_eq!(entries[1].signature(), "circle.area(radius)");
        assert_eq!(entries[1].examples(), ["assert(circle.area(0) == 0)\n"]);
        assert_eq!(entries[1].tags, [("param", "radius number in metres"), ("return", "number")]);
    }

    /// The names that a library registers.
    fn registered(library: &Library) -> impl Iterator<Item = String> {
        let functions = library.functions.iter().map(|definition| definition.name);
        let constants = library.constants.iter().map(|(name, _)| *name);
        let aliases = library.aliases.iter().map(|(name, _)| *name);
        functions.chain(constants).chain(aliases).map(|name| match library.name {
            "" => name.to_string(),
            library => format!("{library}.{name}"),
        })
    }

    /// Whether a dotted name exists in a program.
    fn exists(call: &mut Call, name: &str) -> bool {
        let mut value = call.globals().value();
        for part in name.split('.') {
            let Some(table) = Table::from_value(value) else { return false };
            let Ok(key) = call.string(part.as_bytes()) else { return false };
            value = table.get(key);
        }
        !value.is_nil()
    }

    /// Every registered function has an entry, and every entry is registered.
    #[test]
    fn libraries_and_documentation_agree() {
        let described: BTreeSet<&str> = LIBRARIES
            .iter()
            .flat_map(|module| entries(module.documentation))
            .map(|entry| entry.name)
            .collect();
        for name in LIBRARIES.iter().flat_map(|module| registered(module.library)) {
            assert!(described.contains(&name[..]), "{name} is not described");
        }
        let mut executor = crate::executor(
            Config::default(),
            Limits::default(),
            Sandbox::new(),
            crate::Globals::All,
        )
        .unwrap();
        executor.enter(|call| {
            for module in LIBRARIES.iter().filter(|module| module.place != Place::Required) {
                // The arguments of the command line exist only in the command.
                for entry in
                    entries(module.documentation).into_iter().filter(|entry| entry.name != "arg")
                {
                    // Methods and classes of objects are not in tables.
                    let is_class = entry.tags.iter().any(|(tag, _)| *tag == "class");
                    if !entry.name.contains(':') && !is_class {
                        assert!(exists(call, entry.name), "there is no {}", entry.name);
                    }
                }
            }
        });
    }

    /// Every library has an introduction that is not the documentation of its first function.
    #[test]
    fn libraries_are_introduced() {
        for module in LIBRARIES.iter().filter(|module| !module.documentation.is_empty()) {
            assert!(!introduction(module.documentation).is_empty(), "{}", module.name);
            let mut lines = module.documentation.lines().skip(2);
            let below = lines.find(|line| !line.starts_with("---")).unwrap_or_default();
            let table = below.strip_prefix("local ").unwrap_or(below);
            assert!(
                table.is_empty() || table == format!("{} = {{}}", module.name),
                "{}: {below}",
                module.name
            );
        }
    }

    #[test]
    fn a_summary_is_a_sentence() {
        let of = |text: &str| summary(&format!("---@meta\n\n---{}\n", text.replace('\n', "\n---")));
        assert_eq!(of("Files (Lua 5.1, section 5.7). More."), "Files (Lua 5.1, section 5.7)");
        assert_eq!(
            of("TOML 1.1, from and to\nLua values. Dates"),
            "TOML 1.1, from and to Lua values"
        );
        assert_eq!(of("As in Lua 5.2.\n\nMore."), "As in Lua 5.2");
        assert_eq!(of("As follows:\n\n| a |"), "As follows");
    }
}
