//! What is said about the libraries, taken from the definition files in `meta`.
//!
//! A definition file is Lua in the form that lua-language-server reads (LuaCATS): comments of three dashes, with no space after
//! them, each block above what it describes. It is the one source of what editors, `solvm doc` and the book show. A block is text in Markdown, whose
//! fenced pieces of Lua are the examples, then tags (`@param`, `@return`); the first block of a file describes the library.

/// One described thing: a function, a method, a constant or a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its full name: `uuid.v4`, `Listener:accept`.
    pub name: &'a str,
    /// What kind of thing it is.
    pub kind: Kind,
    /// The names of a function's parameters, as they are declared.
    pub parameters: &'a str,
    /// The lines of the text, without the dashes.
    pub text: Vec<&'a str>,
    /// The tags and what follows them: `("param", "text string what to look at")`.
    pub tags: Vec<(&'a str, &'a str)>,
}

/// What an [`Entry`] describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function or a method.
    Function,
    /// A table of functions, a class of objects, a constant.
    Value,
}

impl Entry<'_> {
    /// The pieces of Lua in the text, each a program of its own.
    pub fn examples(&self) -> Vec<String> {
        let mut examples = Vec::new();
        let mut example: Option<String> = None;
        for line in &self.text {
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

    /// How it is written: `uuid.v4()`.
    pub fn signature(&self) -> String {
        match self.kind {
            Kind::Function => format!("{}({})", self.name, self.parameters),
            Kind::Value => self.name.to_string(),
        }
    }
}

/// The lines that a definition file begins with: what is said of the library as a whole.
pub fn introduction(definitions: &str) -> Vec<&str> {
    let lines = definitions.lines().skip_while(|line| line.is_empty() || line.starts_with("---@meta"));
    let block = lines.map_while(|line| line.strip_prefix("---"));
    block.filter(|line| !line.starts_with('@')).collect()
}

/// The entries of a definition file, in its order.
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

/// The entry of a declaration and the comments above it. None if nothing is declared, or nothing is said of it.
fn entry<'a>(line: &'a str, block: &[&'a str]) -> Option<Entry<'a>> {
    let (name, kind, parameters) = match line.strip_prefix("function ") {
        Some(rest) => {
            let (name, rest) = rest.split_once('(')?;
            (name, Kind::Function, rest.split_once(')')?.0)
        }
        None => (line.strip_prefix("local ").unwrap_or(line).split_once('=')?.0, Kind::Value, ""),
    };
    if block.is_empty() {
        return None;
    }
    let mut entry = Entry { name: name.trim(), kind, parameters, text: Vec::new(), tags: Vec::new() };
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
    use crate::host::Sandbox;
    use crate::runtime::executor::{Executor, Limits};
    use crate::{LIBRARIES, modules};
    use solvm_vm::native::Library;
    use solvm_vm::{Call, Config, Table};
    use std::collections::BTreeSet;

    #[test]
    fn files_are_taken_apart() {
        let entries = entries(
            "---@meta\n\n---Circles.\n---@class circle\ncircle = {}\n\n---The area.\n---\n---```lua\n---assert(circle.area(0) == 0)\n---```\n\
             ---@param radius number in metres\n---@return number\nfunction circle.area(radius) end\n\nfunction circle.hidden() end\n",
        );
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].name, entries[0].kind), ("circle", Kind::Value));
        assert_eq!(entries[0].text, ["Circles."]);
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

    /// Whether a program finds something under a name with dots.
    fn is_there(call: &mut Call, name: &str) -> bool {
        let mut value = call.globals().value();
        for part in name.split('.') {
            let Some(table) = Table::from_value(value) else { return false };
            let Ok(key) = call.string(part.as_bytes()) else { return false };
            value = table.get(key);
        }
        !value.is_nil()
    }

    /// What is registered is described, and what is described is there.
    #[test]
    fn libraries_and_documentation_agree() {
        let described: BTreeSet<&str> =
            modules().flat_map(|module| entries(module.documentation)).map(|entry| entry.name).collect();
        for name in modules().flat_map(|module| registered(module.library)) {
            assert!(described.contains(&name[..]), "{name} is not described");
        }
        let mut executor = Executor::new(Config::default(), Limits::default(), Sandbox::new()).unwrap();
        executor.enter(|call| {
            for module in LIBRARIES {
                for entry in entries(module.documentation) {
                    // Methods and classes of objects are in no table.
                    let is_class = entry.tags.iter().any(|(tag, _)| *tag == "class");
                    if !entry.name.contains(':') && !is_class {
                        assert!(is_there(call, entry.name), "there is no {}", entry.name);
                    }
                }
            }
        });
    }

    /// Every library has an introduction.
    #[test]
    fn libraries_are_introduced() {
        for module in modules().filter(|module| !module.documentation.is_empty()) {
            assert!(!introduction(module.documentation).is_empty(), "{}", module.name);
        }
    }
}
