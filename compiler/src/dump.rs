//! The stages of a compilation as text, for `--dump=tokens|ast|bytecode`.

use crate::ast::{
    Block, Call, Expression, ExpressionKind, Function, IndexKey, LocalId, LocalName, Statement,
    SuffixKind, TableItem,
};
use crate::bytecode::{Source, disassemble};
use crate::error::{Error, Fault};
use crate::lexer::token::{Name, Names, Token};
use crate::{Options, compile, lexer, parser};
use bumpalo::Bump;
use std::fmt::Write;
use std::sync::Arc;

/// The tokens of a chunk, one on a line: the line of its end, its kind, and its text if that
/// varies.
///
/// # Errors
/// The first error in the source.
pub fn tokens(source: &Source) -> Result<String, Error> {
    let mut lexer = lexer::lexer(&source.text, &source.name);
    let mut text = String::new();
    while let Some(token) = lexer.next() {
        let token = token.map_err(|fault: Fault| fault.in_chunk(source))?;
        let line = lexer.extras.line;
        match token {
            Token::Name(_) | Token::Number(_) | Token::String(_) | Token::Unknown(_) => {
                put(
                    &mut text,
                    format_args!("{line} {} {}\n", token.describe(), lexer.slice().escape_ascii()),
                );
            }
            fixed => put(&mut text, format_args!("{line} {}\n", fixed.describe())),
        }
    }
    Ok(text)
}

/// The syntax tree of a chunk, one node on a line, indented by its depth.
///
/// # Errors
/// The first error in the source.
pub fn ast(source: &Source) -> Result<String, Error> {
    let arena = Bump::new();
    let chunk = parser::parse(&arena, &source.text, &source.name, &Options::default());
    let chunk = chunk.map_err(|fault| fault.in_chunk(source))?;
    let mut printer =
        Printer { text: String::new(), depth: 0, names: &chunk.names, functions: Vec::new() };
    printer.function(chunk.main);
    Ok(printer.text)
}

/// The bytecode of a chunk, disassembled.
///
/// # Errors
/// The first error in the source.
pub fn bytecode(source: impl Into<Arc<Source>>) -> Result<String, Error> {
    compile(source, &Options::default()).map(|prototype| disassemble(&prototype))
}

struct Printer<'c> {
    text: String,
    depth: usize,
    names: &'c Names,
    /// The functions around the current node, innermost last.
    functions: Vec<&'c Function<'c>>,
}

impl<'c> Printer<'c> {
    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        put(&mut self.text, format_args!("{:1$}{arguments}\n", "", 2 * self.depth));
    }

    /// Writes a node and, further in, what `children` writes.
    fn node(&mut self, label: &str, children: impl FnOnce(&mut Self)) {
        self.line(format_args!("{label}"));
        self.depth += 1;
        children(self);
        self.depth -= 1;
    }

    fn name(&self, name: Name) -> &'c str {
        self.names.try_resolve(&name).unwrap_or("?")
    }

    fn local(&self, id: LocalId) -> String {
        let local = self.functions.last().and_then(|function| function.locals.get(id as usize));
        match local.map(|local| local.name) {
            Some(LocalName::Visible(name)) => format!("{}#{id}", self.name(name)),
            Some(LocalName::Hidden(name)) => name.to_string(),
            None => "?".to_string(),
        }
    }

    fn function(&mut self, function: &'c Function<'c>) {
        self.functions.push(function);
        let parameters = (0..LocalId::from(function.parameters)).map(|id| self.local(id));
        let vararg = function.is_vararg.then(|| "...".to_string());
        let parameters = parameters.chain(vararg).collect::<Vec<_>>().join(", ");
        self.node(&format!("function {} ({parameters})", function.ordinal), |printer| {
            printer.block(&function.body)
        });
        self.functions.pop();
    }

    fn block(&mut self, block: &'c Block<'c>) {
        for (statement, _) in &block.statements {
            self.statement(statement);
        }
    }

    fn locals(&self, first: LocalId, count: u32) -> String {
        (first..first + count).map(|id| self.local(id)).collect::<Vec<_>>().join(", ")
    }

    fn statement(&mut self, statement: &'c Statement<'c>) {
        match statement {
            Statement::Local { first, count, values, .. } => {
                self.node(&format!("local {}", self.locals(*first, *count)), |printer| {
                    printer.expressions(values)
                });
            }
            Statement::LocalFunction { variable, function } => {
                self.node(&format!("local function {}", self.local(*variable)), |printer| {
                    printer.expression(function)
                });
            }
            Statement::Function(statement) => self.node("define", |printer| {
                printer.expression(&statement.target);
                printer.expression(&statement.function);
            }),
            Statement::Assignment { targets, values } => {
                self.node("assign", |printer| {
                    printer.expressions(targets);
                    printer.node("values", |printer| printer.expressions(values));
                });
            }
            Statement::Call(call) => self.expression(call),
            Statement::Do(body) => self.node("do", |printer| printer.block(body)),
            Statement::While { condition, body } => {
                self.node("while", |printer| printer.expression(condition));
                self.node("do", |printer| printer.block(body));
            }
            Statement::Repeat { body, condition } => {
                self.node("repeat", |printer| printer.block(body));
                self.node("until", |printer| printer.expression(condition));
            }
            Statement::If { arms, otherwise } => {
                for arm in arms {
                    self.node("if", |printer| printer.expression(&arm.condition));
                    self.node("then", |printer| printer.block(&arm.block));
                }
                if let Some(block) = otherwise {
                    self.node("else", |printer| printer.block(block));
                }
            }
            Statement::NumericFor(statement) => {
                self.node(&format!("for {} =", self.local(statement.first + 3)), |printer| {
                    printer.expression(&statement.start);
                    printer.expression(&statement.limit);
                    if let Some(step) = &statement.step {
                        printer.expression(step);
                    }
                });
                self.node("do", |printer| printer.block(&statement.body));
            }
            Statement::GenericFor(statement) => {
                let variables = self.locals(statement.first + 3, statement.count);
                self.node(&format!("for {variables} in"), |printer| {
                    printer.expressions(&statement.values)
                });
                self.node("do", |printer| printer.block(&statement.body));
            }
            Statement::Return { values, .. } => {
                self.node("return", |printer| printer.expressions(values))
            }
            Statement::Break { .. } => self.line(format_args!("break")),
            Statement::Goto { goto, .. } => {
                let label = self.functions.last().and_then(|function| {
                    function.labels.get(*function.gotos.get(*goto as usize)? as usize)
                });
                let name = label.map_or("?", |label| self.name(label.name));
                self.line(format_args!("goto {name}"));
            }
            Statement::Label(id) => {
                let label =
                    self.functions.last().and_then(|function| function.labels.get(*id as usize));
                let name = label.map_or("?", |label| self.name(label.name));
                self.line(format_args!("label {name}"));
            }
        }
    }

    fn expressions(&mut self, expressions: &'c [Expression]) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn expression(&mut self, expression: &'c Expression<'c>) {
        match &expression.kind {
            ExpressionKind::Nil => self.line(format_args!("nil")),
            ExpressionKind::Boolean(value) => self.line(format_args!("{value}")),
            ExpressionKind::Number(value) => self.line(format_args!("{value}")),
            ExpressionKind::String(value) => {
                self.line(format_args!("\"{}\"", value.escape_ascii()))
            }
            ExpressionKind::Vararg => self.line(format_args!("...")),
            ExpressionKind::Local(id) => self.line(format_args!("local {}", self.local(*id))),
            ExpressionKind::Upvalue(index) => {
                let upvalue = self
                    .functions
                    .last()
                    .and_then(|function| function.upvalues.get(usize::from(*index)));
                let name = upvalue.map_or("?", |upvalue| self.name(upvalue.name));
                self.line(format_args!("upvalue {name}"));
            }
            ExpressionKind::Global(name) => self.line(format_args!("global {}", self.name(*name))),
            ExpressionKind::Function(function) => self.function(function),
            ExpressionKind::Table(table) => self.node("table", |printer| {
                for item in &table.items {
                    printer.table_item(item);
                }
            }),
            ExpressionKind::Unary(operator, operand) => {
                self.node(&format!("{operator:?}"), |printer| printer.expression(operand));
            }
            ExpressionKind::Binary(chain) => self.node("chain", |printer| {
                printer.expression(chain.first);
                for link in &chain.links {
                    printer.node(&link.operator.to_string(), |printer| {
                        printer.expression(&link.right)
                    });
                }
            }),
            ExpressionKind::Concatenation(operands) => {
                self.node("Concatenate", |printer| printer.expressions(operands))
            }
            ExpressionKind::And(operands) => {
                self.node("And", |printer| printer.expressions(operands))
            }
            ExpressionKind::Or(operands) => {
                self.node("Or", |printer| printer.expressions(operands))
            }
            ExpressionKind::Suffixed(suffixed) => self.node("suffixed", |printer| {
                printer.expression(&suffixed.base);
                for suffix in &suffixed.suffixes {
                    printer.suffix(&suffix.kind);
                }
            }),
            ExpressionKind::Parenthesized(inner) => {
                self.node("parentheses", |printer| printer.expression(inner))
            }
        }
    }

    fn table_item(&mut self, item: &'c TableItem) {
        match item {
            TableItem::Positional(value) => self.expression(value),
            TableItem::Field(name, value) => {
                self.node(&format!(".{} =", self.name(*name)), |printer| printer.expression(value));
            }
            TableItem::Keyed(key, value) => self.node("[] =", |printer| {
                printer.expression(key);
                printer.expression(value);
            }),
        }
    }

    fn suffix(&mut self, suffix: &'c SuffixKind) {
        match suffix {
            SuffixKind::Index(IndexKey::Field(name)) => {
                self.line(format_args!(".{}", self.name(*name)))
            }
            SuffixKind::Index(IndexKey::Value(key)) => {
                self.node("[]", |printer| printer.expression(key))
            }
            SuffixKind::Call(Call { method, arguments }) => {
                let label =
                    method.map_or("()".to_string(), |(name, _)| format!(":{}()", self.name(name)));
                self.node(&label, |printer| printer.expressions(arguments));
            }
        }
    }
}

/// Writing to a string cannot fail.
fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
