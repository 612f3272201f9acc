//! Limits on template nesting, and on the functions that templates call, checked before anything
//! else.
//!
//! Escaping visits the body of a `{{range}}` twice, so its time doubles with each nested range. It
//! follows branches and template calls by recursion, which the stack bounds. For recursive
//! templates it terminates, since each template is visited once per context; but JavaScript's
//! template literals (backquotes) nest, so with them there are infinitely many contexts.

use gotmpl::html::Template;
use gotmpl::parse::{BranchNode, Expr, ListNode, Node, PipeNode};
use std::collections::HashMap;

/// Maximum nesting of ranges, including those of called templates.
const MAX_RANGES: usize = 12;
/// Maximum nesting of branches and calls, as for rendering.
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

/// Fails if a pipeline calls a function for escaping, which only escaping itself may add: what it
/// computes is not accounted for.
fn check_functions(pipe: &PipeNode) -> Result<(), String> {
    pipe.commands.iter().flat_map(|command| &command.args).try_for_each(check_expression)
}

fn check_expression(expression: &Expr) -> Result<(), String> {
    match expression {
        Expr::Identifier(_, name) if name.starts_with('_') => {
            Err(format!("template: function \"{name}\" not defined"))
        }
        Expr::Pipe(_, pipe) => check_functions(pipe),
        Expr::Chain(_, inner, _) => check_expression(inner),
        _ => Ok(()),
    }
}

/// The depth of a template.
#[derive(Clone, Copy, Default)]
struct Depth {
    ranges: usize,
    levels: usize,
}

impl Depth {
    /// Returns the maximum of each measure.
    fn or(self, other: Depth) -> Depth {
        Depth { ranges: self.ranges.max(other.ranges), levels: self.levels.max(other.levels) }
    }

    /// Adds an enclosing level.
    fn inside(self, ranges: usize) -> Depth {
        Depth { ranges: self.ranges.saturating_add(ranges), levels: self.levels.saturating_add(1) }
    }
}

/// The depths of templates by name.
struct Depths<'t> {
    template: &'t Template,
    known: HashMap<String, Depth>,
    /// The templates that are being checked.
    open: Vec<String>,
    /// Whether a template calls itself.
    has_cycle: bool,
    /// Whether a text contains a backquote.
    has_backquote: bool,
}

impl Depths<'_> {
    /// Returns the depth of a template that is nested at `level`.
    fn of(&mut self, name: &str, level: usize) -> Result<Depth, String> {
        if let Some(&depth) = self.known.get(name) {
            self.has_cycle |= self.open.iter().any(|open| open == name);
            return Ok(depth);
        }
        if level > MAX_LEVELS {
            return Err(too_deep(name));
        }
        // A recursive call adds nothing: the result of escaping is cached.
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
                Node::Template(called) => {
                    called.pipe.as_ref().map_or(Ok(()), check_functions)?;
                    self.of(&called.name, level.saturating_add(1))?.inside(0)
                }
                Node::Action(action) => {
                    check_functions(&action.pipe)?;
                    Depth::default()
                }
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
        check_functions(&branch.pipe)?;
        let body = self.list(&branch.body, level.saturating_add(1))?;
        match &branch.else_body {
            Some(other) => Ok(body.or(self.list(other, level.saturating_add(1))?)),
            None => Ok(body),
        }
    }
}
