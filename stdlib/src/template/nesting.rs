//! How templates are nested, before anything else is done with them. Escaping looks at the body of
//! a `{{range}}` twice, so that the time that it takes doubles with each that is inside of another;
//! and it follows branches and calls of templates by recursion, for which a stack has an end. It
//! ends for templates that call themselves, since each is looked at once for every context that it
//! is called in; but of JavaScript's templates (in backquotes), which may be nested, there are
//! endlessly many contexts.

use gotmpl::html::Template;
use gotmpl::parse::{BranchNode, ListNode, Node};
use std::collections::HashMap;

/// So many ranges may be inside of each other, those of called templates included.
const MAX_RANGES: usize = 12;
/// So many branches and calls may be inside of each other: as many as when a template is filled in.
const MAX_LEVELS: usize = 200;

/// Fails if the templates are nested too deeply.
pub(super) fn check(template: &Template) -> Result<(), String> {
    let mut depths = Depths {
        template,
        known: HashMap::new(),
        open: Vec::new(),
        has_cycle: false,
        has_backquote: false,
    };
    for name in template.templates() {
        let depth = depths.of(name, 0)?;
        if depth.ranges > MAX_RANGES {
            return Err(format!("template: {name}: more than {MAX_RANGES} nested ranges"));
        }
        if depth.levels > MAX_LEVELS {
            return Err(too_deep(name));
        }
    }
    if depths.has_cycle && depths.has_backquote {
        return Err("template: recursive templates cannot be combined with '`' strings".to_string());
    }
    Ok(())
}

fn too_deep(name: &str) -> String {
    format!("template: {name}: more than {MAX_LEVELS} nested branches and calls")
}

/// How deep something is nested.
#[derive(Clone, Copy, Default)]
struct Depth {
    ranges: usize,
    levels: usize,
}

impl Depth {
    /// The deeper of two, each by its own measure.
    fn or(self, other: Depth) -> Depth {
        Depth { ranges: self.ranges.max(other.ranges), levels: self.levels.max(other.levels) }
    }

    /// One level more around it.
    fn inside(self, ranges: usize) -> Depth {
        Depth { ranges: self.ranges.saturating_add(ranges), levels: self.levels.saturating_add(1) }
    }
}

/// The depths of templates by their names.
struct Depths<'t> {
    template: &'t Template,
    known: HashMap<String, Depth>,
    /// The templates that are being looked at.
    open: Vec<String>,
    /// Some template calls itself.
    has_cycle: bool,
    /// Some text has a backquote.
    has_backquote: bool,
}

impl Depths<'_> {
    /// The depth of a template, which is `level` levels inside of another.
    fn of(&mut self, name: &str, level: usize) -> Result<Depth, String> {
        if let Some(&depth) = self.known.get(name) {
            self.has_cycle |= self.open.iter().any(|open| open == name);
            return Ok(depth);
        }
        if level > MAX_LEVELS {
            return Err(too_deep(name));
        }
        // A template that calls itself adds nothing: what its escaping gave is remembered.
        self.known.insert(name.to_string(), Depth::default());
        self.open.push(name.to_string());
        let depth = match self.template.lookup(name) {
            Some(tree) => self.list(tree, level)?,
            None => Depth::default(),
        };
        self.open.pop();
        self.known.insert(name.to_string(), depth);
        Ok(depth)
    }

    fn list(&mut self, list: &ListNode, level: usize) -> Result<Depth, String> {
        let mut depth = Depth::default();
        for node in &list.nodes {
            depth = depth.or(match node {
                Node::List(list) => self.list(list, level)?,
                Node::If(branch) | Node::With(branch) => self.branch(branch, level)?.inside(0),
                Node::Range(branch) => self.branch(branch, level)?.inside(1),
                Node::Template(called) => self.of(&called.name, level.saturating_add(1))?.inside(0),
                Node::Text(text) => {
                    self.has_backquote |= text.text.contains('`');
                    Depth::default()
                }
                _ => Depth::default(),
            });
        }
        Ok(depth)
    }

    fn branch(&mut self, branch: &BranchNode, level: usize) -> Result<Depth, String> {
        let body = self.list(&branch.body, level.saturating_add(1))?;
        match &branch.else_body {
            Some(other) => Ok(body.or(self.list(other, level.saturating_add(1))?)),
            None => Ok(body),
        }
    }
}
