//! The syntax of templates: what Go refuses when it parses is refused here, with Go's messages.
//!
//! The crate `gotmpl` accepts more, and cuts templates off at what it does not understand. It is
//! given only what has passed this check, which builds no tree: it knows the open blocks and the
//! variables that exist.

mod literal;
mod token;

use literal::{check_character, check_number, check_string, name_in, quoted};
use std::collections::HashMap;
use token::{Fault, Kind, Token, Tokens};

/// The functions of html/template, apart from those for escaping.
const FUNCTIONS: &[&str] = &[
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
    "print", "printf", "println", "slice", "urlquery",
];
/// Maximum nesting of parentheses.
const MAX_PARENTHESES: usize = 200;

/// Fails if a template is malformed. The error is Go's.
pub(super) fn check(
    name: &str,
    text: &str,
    delimiters: Option<(&str, &str)>,
) -> Result<(), String> {
    let (left, right) = delimiters.unwrap_or(("{{", "}}"));
    let mut checker = Checker {
        name,
        tokens: Tokens::new(text, left, right),
        line: 1,
        again: Vec::new(),
        fault: None,
        action_line: None,
        blocks: Vec::new(),
        tree: Tree::new(""),
        defined: HashMap::new(),
    };
    checker
        .template()
        .map_err(|fault| format!("template: {name}:{}: {}", fault.line, fault.message))
}

/// A template under construction: the main one, or that of a `define` or a `block`.
struct Tree<'t> {
    name: &'t str,
    /// The variables that exist, in the order of their declarations, and how often each does.
    variables: Vec<&'t str>,
    counts: HashMap<&'t str, usize>,
    /// Whether it has nothing but space.
    is_empty: bool,
    /// How many bodies of a `range` are open.
    ranges: usize,
}

impl<'t> Tree<'t> {
    fn new(name: &'t str) -> Self {
        let mut tree =
            Tree { name, variables: Vec::new(), counts: HashMap::new(), is_empty: true, ranges: 0 };
        tree.declare("$");
        tree
    }

    fn declare(&mut self, variable: &'t str) {
        self.variables.push(variable);
        let count = self.counts.entry(variable).or_default();
        *count = count.saturating_add(1);
    }

    fn forget_from(&mut self, first: usize) {
        for variable in self.variables.drain(first.min(self.variables.len())..) {
            if let Some(count) = self.counts.get_mut(variable) {
                *count = count.saturating_sub(1);
            }
        }
    }

    fn has(&self, variable: &str) -> bool {
        self.counts.get(variable).is_some_and(|count| *count > 0)
    }
}

/// A block that lacks its `end`.
enum Block<'t> {
    /// A `define` or a `block`, by the name of its clause; the tree around it.
    Tree { context: &'static str, outer: Tree<'t> },
    /// An `if`, a `range` or a `with`.
    Control { keyword: &'t str, variables: usize, has_else: bool },
}

struct Checker<'t> {
    name: &'t str,
    tokens: Tokens<'t>,
    /// The line of the token that was read last.
    line: usize,
    /// Tokens that are read again, the next one last.
    again: Vec<Token<'t>>,
    /// Why no further token can be read, once it has been tried.
    fault: Option<Fault>,
    /// The line of the action that is open.
    action_line: Option<usize>,
    blocks: Vec<Block<'t>>,
    tree: Tree<'t>,
    /// The templates that are defined, and whether they are empty.
    defined: HashMap<&'t str, bool>,
}

/// The kind of an operand, as far as it matters.
enum Operand<'t> {
    /// A value that neither has fields nor can be called.
    Value(&'t str),
    Other,
}

type Checked<T> = Result<T, Fault>;

impl<'t> Checker<'t> {
    fn fail<T>(&self, message: impl Into<String>) -> Checked<T> {
        Err(Fault { message: message.into(), line: self.line })
    }

    fn unexpected<T>(&mut self, token: Token<'_>, context: &str) -> Checked<T> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        self.fail(format!("unexpected {} in {context}", token.described()))
    }

    /// Reads a token. What cannot be read is a token, too, until it is unexpected.
    fn next(&mut self) -> Token<'t> {
        if let Some(token) = self.again.pop() {
            return token;
        }
        match self.tokens.next() {
            Ok(token) => {
                self.line = token.line;
                token
            }
            Err(Fault { mut message, line }) => {
                self.line = line;
                if let Some(started) = self.action_line.filter(|started| *started != line) {
                    let action = if message.ends_with(" action") { "" } else { " in action" };
                    message += &format!("{action} started at {}:{started}", self.name);
                }
                self.fault = Some(Fault { message, line });
                Token { kind: Kind::Fault, text: "", line }
            }
        }
    }

    fn next_non_space(&mut self) -> Token<'t> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek(&mut self) -> Token<'t> {
        let token = self.next();
        self.again.push(token);
        token
    }

    fn peek_non_space(&mut self) -> Token<'t> {
        let token = self.next_non_space();
        self.again.push(token);
        token
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Checked<Token<'t>> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    fn template(&mut self) -> Checked<()> {
        loop {
            let token = self.next_non_space();
            match token.kind {
                Kind::End if self.blocks.is_empty() => return self.add(self.name),
                Kind::End => return self.fail("unexpected EOF"),
                Kind::Text => self.tree.is_empty &= token.text.trim_ascii().is_empty(),
                Kind::Left => {
                    let first = self.peek_of_action(token);
                    if first.is("define") && self.blocks.is_empty() {
                        self.next_non_space();
                        self.define()?;
                    } else {
                        self.action_line = Some(token.line);
                        self.action()?;
                        self.action_line = None;
                    }
                }
                _ => return self.unexpected(token, "input"),
            }
        }
    }

    /// The first token of an action. An error belongs to the action unless it may be a definition.
    fn peek_of_action(&mut self, left: Token<'t>) -> Token<'t> {
        self.action_line = Some(left.line);
        let first = self.peek_non_space();
        self.action_line = None;
        first
    }

    /// Ends the current tree.
    fn add(&mut self, name: &'t str) -> Checked<()> {
        let is_empty = self.tree.is_empty;
        match self.defined.get(name) {
            Some(false) if !is_empty => {
                self.fail(format!("template: multiple definition of template {}", quoted(name)))
            }
            Some(false) => Ok(()),
            _ => {
                self.defined.insert(name, is_empty);
                Ok(())
            }
        }
    }

    /// The name of a template.
    fn template_name(&mut self, context: &str) -> Checked<&'t str> {
        let name = self.expect(Kind::String, context)?;
        check_string(name.text).or_else(|why| self.fail(why))?;
        Ok(name_in(name.text))
    }

    fn open(&mut self, name: &'t str, context: &'static str) {
        let outer = std::mem::replace(&mut self.tree, Tree::new(name));
        self.blocks.push(Block::Tree { context, outer });
    }

    fn define(&mut self) -> Checked<()> {
        const CONTEXT: &str = "define clause";
        let name = self.template_name(CONTEXT)?;
        self.expect(Kind::Right, CONTEXT)?;
        self.open(name, CONTEXT);
        Ok(())
    }

    /// An action after its left delimiter, except a definition.
    fn action(&mut self) -> Checked<()> {
        let token = self.next_non_space();
        match token.text {
            _ if token.kind != Kind::Keyword => {
                self.again.push(token);
                self.command_action()
            }
            "if" | "range" | "with" => self.control(token.text),
            "else" => self.otherwise(),
            "end" => {
                self.expect(Kind::Right, "end")?;
                self.end()
            }
            "block" => {
                const CONTEXT: &str = "block clause";
                let name = self.template_name(CONTEXT)?;
                self.pipeline(CONTEXT, Kind::Right, 0)?;
                self.tree.is_empty = false;
                self.open(name, CONTEXT);
                Ok(())
            }
            "template" => {
                const CONTEXT: &str = "template clause";
                self.template_name(CONTEXT)?;
                self.tree.is_empty = false;
                let next = self.next_non_space();
                if next.kind == Kind::Right {
                    return Ok(());
                }
                self.again.push(next);
                self.pipeline(CONTEXT, Kind::Right, 0)
            }
            keyword @ ("break" | "continue") => {
                let next = self.next_non_space();
                if next.kind != Kind::Right {
                    return self.unexpected(next, &format!("{{{{{keyword}}}}}"));
                }
                if self.tree.ranges == 0 {
                    return self.fail(format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
                }
                self.tree.is_empty = false;
                Ok(())
            }
            _ => {
                self.again.push(token);
                self.command_action()
            }
        }
    }

    fn command_action(&mut self) -> Checked<()> {
        self.tree.is_empty = false;
        self.pipeline("command", Kind::Right, 0)
    }

    fn control(&mut self, keyword: &'t str) -> Checked<()> {
        let variables = self.tree.variables.len();
        self.pipeline(keyword, Kind::Right, 0)?;
        self.tree.is_empty = false;
        self.count_range(keyword, 1);
        self.blocks.push(Block::Control { keyword, variables, has_else: false });
        Ok(())
    }

    /// Counts the body of a `range` that starts or ends.
    fn count_range(&mut self, keyword: &str, change: isize) {
        if keyword == "range" {
            self.tree.ranges = self.tree.ranges.saturating_add_signed(change);
        }
    }

    /// An `else` after the keyword.
    fn otherwise(&mut self) -> Checked<()> {
        let next = self.peek_non_space();
        let chained = ["if", "with"].into_iter().find(|keyword| next.is(keyword));
        if chained.is_none() {
            self.expect(Kind::Right, "else")?;
        }
        let keyword = match self.blocks.last_mut() {
            None => return self.fail("unexpected {{else}}"),
            Some(Block::Tree { context, .. }) => {
                let context = *context;
                return self.fail(format!("unexpected {{{{else}}}} in {context}"));
            }
            Some(Block::Control { has_else: true, .. }) => {
                return self.fail("expected end; found {{else}}");
            }
            Some(Block::Control { keyword, has_else, .. }) => {
                let keyword = *keyword;
                *has_else = chained.is_none();
                keyword
            }
        };
        match chained {
            Some(chained) if chained == keyword => {
                self.next_non_space();
                self.pipeline(chained, Kind::Right, 0)
            }
            Some(_) => self.unexpected(next, "input"),
            None => {
                self.count_range(keyword, -1);
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Checked<()> {
        match self.blocks.pop() {
            None => self.fail("unexpected {{end}}"),
            Some(Block::Control { keyword, variables, has_else }) => {
                if !has_else {
                    self.count_range(keyword, -1);
                }
                self.tree.forget_from(variables);
                Ok(())
            }
            Some(Block::Tree { outer, .. }) => {
                self.add(self.tree.name)?;
                self.tree = outer;
                Ok(())
            }
        }
    }

    /// A pipeline and the token that ends it.
    fn pipeline(&mut self, context: &str, end: Kind, depth: usize) -> Checked<()> {
        self.declarations(context)?;
        let mut stage = 0_usize;
        let mut first_value = None;
        loop {
            let token = self.next_non_space();
            match (token.kind, first_value) {
                (kind, _) if kind == end && stage == 0 => {
                    return self.fail(format!("missing value for {context}"));
                }
                (kind, Some(stage)) if kind == end => {
                    let message = format!("non executable command in pipeline stage {stage}");
                    return self.fail(message);
                }
                (kind, None) if kind == end => return Ok(()),
                _ => {}
            }
            match token.kind {
                Kind::Boolean
                | Kind::CharacterConstant
                | Kind::Complex
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::String
                | Kind::Variable
                | Kind::LeftParenthesis => {}
                Kind::Keyword if matches!(token.text, "." | "nil") => {}
                _ => return self.unexpected(token, context),
            }
            self.again.push(token);
            stage = stage.saturating_add(1);
            if self.command(depth)? && stage > 1 {
                first_value = first_value.or(Some(stage));
            }
        }
    }

    /// The declarations or the assignment at the start of a pipeline.
    fn declarations(&mut self, context: &str) -> Checked<()> {
        let mut count = 0_usize;
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next_non_space();
            let after = self.peek();
            let next = self.peek_non_space();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    self.next_non_space();
                    self.tree.declare(variable.text);
                    return Ok(());
                }
                Kind::Character if next.text == "," => {
                    self.next_non_space();
                    self.tree.declare(variable.text);
                    count = count.saturating_add(1);
                    if context != "range" || count > 1 {
                        return self.fail(format!("too many declarations in {context}"));
                    }
                    let second = self.peek_non_space().kind;
                    if !matches!(second, Kind::Variable | Kind::Right | Kind::RightParenthesis) {
                        return self.fail("range can only initialize variables");
                    }
                }
                _ => {
                    // The space was lost when the token after it was read.
                    if after.kind == Kind::Space {
                        self.again.push(after);
                    }
                    self.again.push(variable);
                    return Ok(());
                }
            }
        }
    }

    /// A command, up to the token that ends the pipeline or after a `|`. Returns whether its first
    /// operand is a value.
    fn command(&mut self, depth: usize) -> Checked<bool> {
        let mut first = None;
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand(depth)? {
                first = first.or(Some(matches!(operand, Operand::Value(_))));
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::Right | Kind::RightParenthesis => self.again.push(token),
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            return first.map_or_else(|| self.fail("empty command"), Ok);
        }
    }

    /// A term and its fields. None if another token follows.
    fn operand(&mut self, depth: usize) -> Checked<Option<Operand<'t>>> {
        let Some(operand) = self.term(depth)? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        while self.peek().kind == Kind::Field {
            self.next();
        }
        match operand {
            Operand::Value(text) => self.fail(format!("unexpected . after term {}", quoted(text))),
            Operand::Other => Ok(Some(Operand::Other)),
        }
    }

    fn term(&mut self, depth: usize) -> Checked<Option<Operand<'t>>> {
        let token = self.next_non_space();
        let value = || Ok(Some(Operand::Value(token.text)));
        match token.kind {
            Kind::Identifier if !FUNCTIONS.contains(&token.text) => {
                self.fail(format!("function {} not defined", quoted(token.text)))
            }
            Kind::Variable if !self.tree.has(token.text) => {
                self.fail(format!("undefined variable {}", quoted(token.text)))
            }
            Kind::Identifier | Kind::Variable | Kind::Field => Ok(Some(Operand::Other)),
            Kind::Boolean => value(),
            Kind::Keyword if matches!(token.text, "." | "nil") => value(),
            Kind::Number => check_number(token.text).or_else(|why| self.fail(why)).and(value()),
            Kind::CharacterConstant => {
                check_character(token.text).or_else(|why| self.fail(why)).and(value())
            }
            Kind::Complex => value(),
            Kind::String => check_string(token.text).or_else(|why| self.fail(why)).and(value()),
            Kind::LeftParenthesis if depth >= MAX_PARENTHESES => {
                self.fail("max expression depth exceeded")
            }
            Kind::LeftParenthesis => {
                let inner = depth.saturating_add(1);
                self.pipeline("parenthesized pipeline", Kind::RightParenthesis, inner)?;
                Ok(Some(Operand::Other))
            }
            _ => {
                self.again.push(token);
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests;
