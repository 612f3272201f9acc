//! Static checks of a chunk: undefined globals, unused locals, unreachable statements. In doubt it
//! reports nothing.

use crate::Options;
use crate::ast::{
    BinaryChain, BinaryOperator, Block, Chunk, ComparisonOperator, Expression, ExpressionKind,
    Function, IndexKey, LocalId, LocalName, Statement, SuffixKind, Suffixed, TableItem,
};
use crate::bytecode::Source;
use crate::diagnostic::Span;
use crate::error::Error;
use crate::lexer::token::Name;
use crate::parser;
use bumpalo::Bump;
use std::collections::{BTreeMap, BTreeSet};

/// A finding in a chunk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it is.
    pub span: Span,
    /// Its kind.
    pub kind: FindingKind,
}

/// Kinds of [`Finding`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A global that is read, and neither assigned nor tested for in the chunk.
    UndefinedGlobal(String),
    /// A local variable that is never read.
    UnusedLocal(String),
    /// A statement after one that never falls through.
    Unreachable,
}

/// The use of globals in a chunk, and the findings that are independent of other chunks.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Unused locals and unreachable statements, in the order of the source.
    pub findings: Vec<Finding>,
    /// The globals that are read, and where each is for the first time. Empty if the chunk changes
    /// environments, so that nothing is known of its globals.
    pub read: BTreeMap<String, Span>,
    /// The globals that are assigned, or whose presence is tested.
    pub defined: BTreeSet<String>,
}

impl Inspection {
    /// All findings in the order of the source; `is_known` returns whether a global is defined
    /// elsewhere.
    pub fn findings(&self, is_known: impl Fn(&str) -> bool) -> Vec<Finding> {
        let undefined =
            self.read.iter().filter(|(name, _)| !self.defined.contains(*name) && !is_known(name));
        let undefined = undefined.map(|(name, &span)| Finding {
            span,
            kind: FindingKind::UndefinedGlobal(name.clone()),
        });
        let mut findings: Vec<Finding> = self.findings.iter().cloned().chain(undefined).collect();
        findings.sort();
        findings
    }
}

/// Inspects a chunk.
///
/// # Errors
/// The first error in the source.
pub fn inspect(source: &Source) -> Result<Inspection, Error> {
    let arena = Bump::new();
    let chunk = parser::parse(&arena, &source.text, &source.name, &Options::default());
    let chunk = chunk.map_err(|fault| fault.in_chunk(source))?;
    let mut inspector =
        Inspector { chunk: &chunk, inspection: Inspection::default(), functions: Vec::new() };
    inspector.function(chunk.main);
    let mut inspection = inspector.inspection;
    if ENVIRONMENT_CHANGERS.iter().any(|name| inspection.read.contains_key(*name)) {
        inspection.read.clear();
    }
    inspection.findings.sort();
    Ok(inspection)
}

/// Code that calls these has its own globals.
const ENVIRONMENT_CHANGERS: &[&str] = &["module", "setfenv"];
/// The function that sets a global named after its argument.
const IMPORTER: &str = "import";
/// The function whose calls never return.
const RAISER: &str = "error";

struct Inspector<'t> {
    chunk: &'t Chunk<'t>,
    inspection: Inspection,
    /// The functions around the current position, innermost last.
    functions: Vec<Scope<'t>>,
}

/// A function that is being inspected.
struct Scope<'t> {
    function: &'t Function<'t>,
    /// Which locals are read.
    read: Vec<bool>,
    /// The locals that a `local` statement declares.
    declared: Vec<LocalId>,
}

impl<'t> Inspector<'t> {
    fn name(&self, name: Name) -> String {
        self.chunk.names.resolve(&name).to_string()
    }

    fn function(&mut self, function: &'t Function<'t>) {
        self.functions.push(Scope {
            function,
            read: vec![false; function.locals.len()],
            declared: Vec::new(),
        });
        self.block(&function.body);
        let Some(scope) = self.functions.pop() else { return };
        for local in scope.declared {
            let Some(about) = scope.function.locals.get(local as usize) else { continue };
            let LocalName::Visible(name) = about.name else { continue };
            let is_read =
                about.is_captured || scope.read.get(local as usize).is_some_and(|read| *read);
            let name = self.name(name);
            if !is_read && !name.starts_with('_') {
                self.inspection
                    .findings
                    .push(Finding { span: about.span, kind: FindingKind::UnusedLocal(name) });
            }
        }
    }

    fn declare(&mut self, first: LocalId, count: u32) {
        if let Some(scope) = self.functions.last_mut() {
            scope.declared.extend(first..first + count);
        }
    }

    fn block(&mut self, block: &'t Block<'t>) {
        let mut is_over = false;
        for (statement, span) in &block.statements {
            if matches!(statement, Statement::Label(_)) {
                is_over = false;
            }
            if is_over {
                self.inspection
                    .findings
                    .push(Finding { span: *span, kind: FindingKind::Unreachable });
                is_over = false;
            }
            self.statement(statement);
            is_over |= self.diverges(statement);
        }
    }

    fn statement(&mut self, statement: &'t Statement<'t>) {
        match statement {
            Statement::Local { first, count, values, .. } => {
                self.expressions(values);
                self.declare(*first, *count);
            }
            Statement::LocalFunction { variable, function } => {
                self.declare(*variable, 1);
                self.expression(function);
            }
            Statement::Function(function) => {
                self.target(&function.target);
                self.expression(&function.function);
            }
            Statement::Assignment { targets, values } => {
                self.expressions(values);
                targets.iter().for_each(|target| self.target(target));
            }
            Statement::Call(call) => self.expression(call),
            Statement::Do(block) => self.block(block),
            Statement::While { condition, body } => {
                self.test(condition);
                self.block(body);
            }
            Statement::Repeat { body, condition } => {
                self.block(body);
                self.test(condition);
            }
            Statement::If { arms, otherwise } => {
                for arm in arms {
                    self.test(&arm.condition);
                    self.block(&arm.block);
                }
                if let Some(block) = otherwise {
                    self.block(block);
                }
            }
            Statement::NumericFor(statement) => {
                let step = statement.step.iter();
                [&statement.start, &statement.limit]
                    .into_iter()
                    .chain(step)
                    .for_each(|value| self.expression(value));
                self.block(&statement.body);
            }
            Statement::GenericFor(statement) => {
                self.expressions(&statement.values);
                self.block(&statement.body);
            }
            Statement::Return { values, .. } => self.expressions(values),
            Statement::Break { .. } | Statement::Goto { .. } | Statement::Label(_) => {}
        }
    }

    /// The target of an assignment.
    fn target(&mut self, target: &'t Expression<'t>) {
        match &target.kind {
            ExpressionKind::Global(name) => {
                let name = self.name(*name);
                self.inspection.defined.insert(name);
            }
            ExpressionKind::Local(_) => {}
            _ => self.expression(target),
        }
    }

    fn expressions(&mut self, expressions: &'t [Expression<'t>]) {
        expressions.iter().for_each(|expression| self.expression(expression));
    }

    /// A condition: a global that it consists of may be absent, and nothing is done with it.
    fn test(&mut self, condition: &'t Expression<'t>) {
        if !self.may_be_absent(condition) {
            self.expression(condition);
        }
    }

    /// An operand of `and` or `or`: a global may be absent, too, but may also be what comes out.
    fn alternative(&mut self, operand: &'t Expression<'t>) {
        self.may_be_absent(operand);
        self.expression(operand);
    }

    /// Whether it is a global. If so, it is known from now on.
    fn may_be_absent(&mut self, expression: &'t Expression<'t>) -> bool {
        let ExpressionKind::Global(name) = expression.unparenthesized().kind else { return false };
        let name = self.name(name);
        self.inspection.defined.insert(name);
        true
    }

    fn expression(&mut self, expression: &'t Expression<'t>) {
        match &expression.kind {
            ExpressionKind::Nil
            | ExpressionKind::Boolean(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Vararg
            | ExpressionKind::Upvalue(_) => {}
            ExpressionKind::Local(local) => {
                let read =
                    self.functions.last_mut().and_then(|scope| scope.read.get_mut(*local as usize));
                if let Some(read) = read {
                    *read = true;
                }
            }
            ExpressionKind::Global(name) => {
                let name = self.name(*name);
                self.inspection.read.entry(name).or_insert(expression.position.span);
            }
            ExpressionKind::Function(function) => self.function(function),
            ExpressionKind::Table(table) => {
                for item in &table.items {
                    match item {
                        TableItem::Positional(value) | TableItem::Field(_, value) => {
                            self.expression(value)
                        }
                        TableItem::Keyed(key, value) => {
                            self.expression(key);
                            self.expression(value);
                        }
                    }
                }
            }
            ExpressionKind::Unary(_, operand) => self.test(operand),
            ExpressionKind::Binary(chain) => self.binary(chain),
            ExpressionKind::Concatenation(operands) => self.expressions(operands),
            ExpressionKind::And(operands) | ExpressionKind::Or(operands) => {
                operands.iter().for_each(|operand| self.alternative(operand));
            }
            ExpressionKind::Suffixed(suffixed) => {
                self.imported(suffixed);
                self.expression(&suffixed.base);
                for suffix in &suffixed.suffixes {
                    match &suffix.kind {
                        SuffixKind::Index(IndexKey::Value(key)) => self.expression(key),
                        SuffixKind::Index(IndexKey::Field(_)) => {}
                        SuffixKind::Call(call) => self.expressions(&call.arguments),
                    }
                }
            }
            ExpressionKind::Parenthesized(inner) => self.expression(inner),
        }
    }

    /// `import("path/name.lua")` sets the global `name`.
    fn imported(&mut self, suffixed: &Suffixed<'_>) {
        let ExpressionKind::Global(name) = suffixed.base.kind else { return };
        let Some(SuffixKind::Call(call)) = suffixed.suffixes.first().map(|suffix| &suffix.kind)
        else {
            return;
        };
        let Some(ExpressionKind::String(path)) =
            call.arguments.first().map(|argument| &argument.kind)
        else {
            return;
        };
        if self.chunk.names.resolve(&name) != IMPORTER {
            return;
        }
        let path = String::from_utf8_lossy(path);
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let stem = last.split(['.', '@', '?']).next().unwrap_or_default();
        self.inspection.defined.insert(stem.to_string());
    }

    fn binary(&mut self, chain: &'t BinaryChain<'t>) {
        // `x == nil` asks whether there is an x.
        let compares = |link: &crate::ast::BinaryLink<'_>| {
            let operators = [ComparisonOperator::Equal, ComparisonOperator::NotEqual];
            operators.iter().any(|operator| link.operator == BinaryOperator::Comparison(*operator))
                && matches!(link.right.unparenthesized().kind, ExpressionKind::Nil)
        };
        if chain.links.iter().any(compares) {
            self.test(chain.first);
        } else {
            self.expression(chain.first);
        }
        chain.links.iter().for_each(|link| self.expression(&link.right));
    }

    /// Whether nothing that follows a statement in its block is reached through it.
    fn diverges(&self, statement: &Statement<'_>) -> bool {
        let ends = |block: &Block<'_>| {
            block.statements.last().is_some_and(|(last, _)| self.diverges(last))
        };
        match statement {
            Statement::Return { .. } | Statement::Break { .. } | Statement::Goto { .. } => true,
            Statement::Do(block) => ends(block),
            Statement::If { arms, otherwise: Some(otherwise) } => {
                arms.iter().all(|arm| ends(&arm.block)) && ends(otherwise)
            }
            Statement::Call(call) => self.raises(call),
            _ => false,
        }
    }

    /// Whether an expression is a call of the global `error`.
    fn raises(&self, expression: &Expression<'_>) -> bool {
        let ExpressionKind::Suffixed(suffixed) = &expression.kind else { return false };
        let ExpressionKind::Global(name) = suffixed.base.kind else { return false };
        let is_plain_call = match &suffixed.suffixes[..] {
            [suffix] => matches!(&suffix.kind, SuffixKind::Call(call) if call.method.is_none()),
            _ => false,
        };
        is_plain_call && self.chunk.names.resolve(&name) == RAISER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Lines;

    fn findings(text: &str) -> Vec<(u32, String)> {
        let source = Source::new(text.as_bytes(), &b"@t.lua"[..]);
        let inspection = inspect(&source).unwrap();
        let known = |name: &str| ["print", "error", "setfenv", "setmetatable"].contains(&name);
        let describe = |finding: Finding| {
            let line = Lines::new(text.as_bytes()).position(finding.span.start).line;
            match finding.kind {
                FindingKind::UndefinedGlobal(name) => (line, format!("undefined {name}")),
                FindingKind::UnusedLocal(name) => (line, format!("unused {name}")),
                FindingKind::Unreachable => (line, "unreachable".into()),
            }
        };
        inspection.findings(known).into_iter().map(describe).collect()
    }

    fn assert_findings(text: &str, expected: &[(u32, &str)]) {
        let expected: Vec<(u32, String)> =
            expected.iter().map(|&(line, what)| (line, what.into())).collect();
        assert_eq!(findings(text), expected, "{text}");
    }

    #[test]
    fn undefined_globals() {
        assert_findings("print(x)\nprint(x, y)", &[(1, "undefined x"), (2, "undefined y")]);
        assert_findings("x = 1\nprint(x)\nfunction f() return f end", &[]);
        assert_findings("local u = unpack or 1\nif jit then print(jit.version, u) end", &[]);
        assert_findings("print(a == nil, not b, c ~= nil and c.d)", &[]);
        assert_findings("t.x = 1\nfunction o.m() end", &[(1, "undefined t"), (2, "undefined o")]);
        assert_findings("if import then import('lib/shapes.lua') print(shapes.area) end", &[]);
        assert_findings("setfenv(1, {})\nprint(anything)", &[]);
        assert_findings("local setfenv = setfenv or print\nsetfenv(1, {})\nprint(anything)", &[]);
        assert_findings("if setfenv then print(1) end\nprint(x)", &[(2, "undefined x")]);
    }

    #[test]
    fn unused_locals() {
        assert_findings("local a, b = 1, 2\nprint(a)", &[(1, "unused b")]);
        assert_findings("local x\nx = 1", &[(1, "unused x")]);
        assert_findings("local x = 1\nreturn function() x = 2 end", &[]);
        assert_findings("local function f() end", &[(1, "unused f")]);
        assert_findings("local _, _skip = 1", &[]);
        assert_findings(
            "for i = 1, 2 do end\nfor k, v in print do end\nlocal function f(p) end f()",
            &[],
        );
    }

    #[test]
    fn unreachable_statements() {
        assert_findings("do return 1 end\nprint(1)\nprint(2)", &[(2, "unreachable")]);
        assert_findings("error('x')\nprint(1)", &[(2, "unreachable")]);
        assert_findings(
            "if print then return 1 else error('x') end\nprint(1)",
            &[(2, "unreachable")],
        );
        assert_findings("if print then return 1 end\nprint(1)", &[]);
        assert_findings("goto done\ndo print(1) end\n::done::\nprint(2)", &[(2, "unreachable")]);
        assert_findings("while true do break end\nprint(1)", &[]);
    }

    #[test]
    fn errors_are_those_of_the_compiler() {
        let source = Source::new(&b"return return"[..], &b"@t.lua"[..]);
        assert_eq!(
            inspect(&source).unwrap_err().message,
            b"t.lua:1: unexpected symbol near 'return'"
        );
    }
}
