//! The modules of a crate form no cycle: every path in the code is checked (`use`, `super::`,
//! inline, in macros), not only imports.
//!
//! A module is a file or directory directly below `src`: inside a directory, files of one concept
//! may use each other. The root (`lib.rs`, `main.rs`) is above all modules: none may use its
//! definitions, only its re-exports.
#![cfg(test)]

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Item, UseName, UseRename, UseTree};

/// The name of the root in graphs.
const ROOT: &str = "the root";

/// For each module, the modules that it uses, with a position for each.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the paths of a file.
struct Reader<'a> {
    /// The module that the code is in, from the crate's root.
    module: Vec<String>,
    /// The re-exports of the root, with their modules.
    exported: &'a BTreeMap<String, String>,
    modules: &'a BTreeSet<String>,
    file: String,
    found: BTreeMap<String, String>,
}

impl Reader<'_> {
    /// Notes the module that a path leads to.
    fn note(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        let mut full = match &first[..] {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return,
        };
        for part in path {
            match &part[..] {
                "crate" | "self" => {}
                "super" => drop(full.pop()),
                name => full.push(name.to_string()),
            }
        }
        let Some(name) = full.first() else { return };
        let target = match self.modules.get(name).or_else(|| self.exported.get(name)) {
            Some(module) => module.clone(),
            None => ROOT.to_string(),
        };
        self.found.entry(target).or_insert_with(|| format!("{}: {}", self.file, path.join("::")));
    }

    fn note_use(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.note_use(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.note_use(item, before));
            }
            UseTree::Name(UseName { ident }) | UseTree::Rename(UseRename { ident, .. }) => {
                before.push(ident.to_string());
                self.note(before);
                before.pop();
            }
            UseTree::Glob(_) => self.note(before),
        }
    }

    /// The paths in a macro's tokens.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.note(&std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.note(&std::mem::take(&mut path));
                    self.note_tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.note(&std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.note(&path);
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
        attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            self.module.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            self.note_use(&item.tree, &mut Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&names);
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, used: &'ast syn::Macro) {
        self.note_tokens(used.tokens.clone());
        visit::visit_macro(self, used);
    }
}

/// The graph of the modules below `root`, without tests.
fn graph(source: &Path, root: &str) -> Graph {
    let parse = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let root_file = parse(&source.join(root));
    let modules: BTreeSet<String> = root_file
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Mod(module) if !is_for_tests(&module.attrs) => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    let mut exported = BTreeMap::new();
    for item in &root_file.items {
        if let Item::Use(item) = item {
            collect_exports(&item.tree, None, &modules, &mut exported);
        }
    }
    // `#[macro_export]` puts a macro into the root, wherever it is.
    for name in &modules {
        let own = source.join(format!("{name}.rs"));
        let below = files_below(&source.join(name)).into_iter().map(|(file, _)| file);
        for file in own.exists().then_some(own).into_iter().chain(below) {
            for item in parse(&file).items {
                if let Item::Macro(item) = item
                    && item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
                    && let Some(ident) = item.ident
                {
                    exported.insert(ident.to_string(), name.clone());
                }
            }
        }
    }
    let mut graph = Graph::new();
    let mut read = |file: &Path, module: Vec<String>, name: &str| {
        let mut reader = Reader {
            module,
            exported: &exported,
            modules: &modules,
            file: file.strip_prefix(source).unwrap().display().to_string(),
            found: BTreeMap::new(),
        };
        reader.visit_file(&parse(file));
        reader.found.remove(name);
        graph.entry(name.to_string()).or_default().extend(reader.found);
    };
    for name in &modules {
        let file = source.join(format!("{name}.rs"));
        if file.exists() {
            read(&file, vec![name.clone()], name);
        }
        for (file, mut module) in files_below(&source.join(name)) {
            module.insert(0, name.clone());
            read(&file, module, name);
        }
    }
    graph
}

/// Collects the names that a root's `use` imports, with their modules.
fn collect_exports(
    tree: &UseTree,
    module: Option<&str>,
    modules: &BTreeSet<String>,
    exported: &mut BTreeMap<String, String>,
) {
    match tree {
        UseTree::Path(path) => {
            let name = path.ident.to_string();
            let module = module.or_else(|| modules.get(&name).map(String::as_str));
            collect_exports(&path.tree, module, modules, exported);
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|item| collect_exports(item, module, modules, exported));
        }
        UseTree::Name(UseName { ident: name })
        | UseTree::Rename(UseRename { rename: name, .. }) => {
            exported.extend(module.map(|module| (name.to_string(), module.to_string())));
        }
        UseTree::Glob(_) => {}
    }
}

/// Returns the source files below a directory, each with its module's path.
fn files_below(directory: &Path) -> Vec<(std::path::PathBuf, Vec<String>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            for (file, mut module) in files_below(&path) {
                module.insert(0, stem.clone());
                files.push((file, module));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path, if stem == "mod" { Vec::new() } else { vec![stem] }));
        }
    }
    files
}

/// Returns a cycle, as the positions where each of its modules uses the next one.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    fn look(
        graph: &Graph,
        at: &str,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|module| module == at) {
            let mut names = path[start..].to_vec();
            names.push(at.to_string());
            return Some(names.windows(2).map(|pair| graph[&pair[0]][&pair[1]].clone()).collect());
        }
        if !done.insert(at.to_string()) {
            return None;
        }
        path.push(at.to_string());
        let found =
            graph.get(at).into_iter().flatten().find_map(|(next, _)| look(graph, next, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|module| look(graph, module, &mut Vec::new(), &mut done))
}

/// The crates of the libraries that are one concept each: like the files in a directory, theirs may
/// use each other and what the root defines.
const SINGLE_CONCEPT: &[&str] = &["crypto", "data", "files", "template"];

fn check(source: &str, root: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source);
    let graph = graph(&source, root);
    assert!(graph.len() > 1, "{graph:?}");
    for (module, targets) in &graph {
        let place = targets.get(ROOT);
        assert!(place.is_none(), "{module} uses what the root defines ({})", place.unwrap());
    }
    if let Some(places) = cycle(&graph) {
        panic!("modules form a cycle:\n  {}", places.join("\n  "));
    }
}

#[test]
fn modules_of_the_compiler_form_no_cycle() {
    check("compiler/src", "lib.rs");
}

#[test]
fn modules_of_the_native_code_compiler_form_no_cycle() {
    check("jit/src", "lib.rs");
}

/// Those are its layers.
#[test]
fn modules_of_the_virtual_machine_form_no_cycle() {
    check("vm/src", "lib.rs");
}

#[test]
fn modules_of_the_libraries_form_no_cycle() {
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    let mut checked = 0;
    for entry in fs::read_dir(libraries).unwrap() {
        let directory = entry.unwrap().path();
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        if directory.join("Cargo.toml").exists() && !SINGLE_CONCEPT.contains(&&name[..]) {
            check(&format!("stdlib/{name}/src"), "lib.rs");
            checked += 1;
        }
    }
    assert!(checked > 3, "{checked}");
}

#[test]
fn modules_of_the_embedding_interface_form_no_cycle() {
    check("embed/src", "lib.rs");
}

#[test]
fn modules_of_the_package_manager_form_no_cycle() {
    check("packages/src", "lib.rs");
}

#[test]
fn modules_of_the_command_form_no_cycle() {
    check("cli/src", "main.rs");
}

#[test]
fn cycles_are_found_however_a_path_is_written() {
    let source = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = source.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (name, text) in [
        ("imported", "use crate::{b::{self, X}, c};"),
        ("by super", "fn f() { super::b::f() }"),
        ("inline", "fn f() -> crate::b::X { crate::b::X }"),
        ("in a macro", "fn f() { println!(\"{}\", [crate::b::f(1)]) }"),
        ("exported by the root", "use crate::X;"),
    ] {
        write("lib.rs", "mod a; mod b; mod c; mod d; pub use b::X;");
        write("a.rs", text);
        write("b.rs", "use crate::c::inner;");
        write("c/mod.rs", "mod inner; mod other;");
        write("c/inner.rs", "use super::other; use super::super::a::Y;");
        write("c/other.rs", "use super::inner;");
        write("d.rs", "use crate::a;");
        let cycle = cycle(&graph(source.path(), "lib.rs")).expect(name);
        assert_eq!(cycle.len(), 3, "{name}: {cycle:?}");
        write("c/inner.rs", "#[cfg(test)] mod tests { use crate::a; }");
        assert_eq!(self::cycle(&graph(source.path(), "lib.rs")), None, "{name}");
    }
}
