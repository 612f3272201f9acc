//! The syntax tree, with every name resolved to a local variable, an upvalue or a global.
//!
//! Its invariant: it is never nested deeper than the parser's syntax levels. Whatever may go on for as long as the source
//! does (operator chains, suffixes, `elseif`) is a list, so that code generation and dropping may recurse.

use crate::token::Name;
use std::sync::Arc;

/// An index into `Function::locals`: locals are numbered in the order of their declaration.
pub(crate) type LocalId = u32;
/// An index into `Function::labels`.
pub(crate) type LabelId = u32;

/// A parsed chunk.
pub(crate) struct Chunk {
    pub(crate) main: Box<Function>,
    pub(crate) names: lasso::Rodeo,
}

/// A function: its variables and its body.
pub(crate) struct Function {
    /// Its place in the chunk, in the order of the word `function`.
    pub(crate) ordinal: u32,
    pub(crate) line: u32,
    pub(crate) last_line: u32,
    /// The parameters are the first locals.
    pub(crate) parameters: u8,
    pub(crate) is_vararg: bool,
    /// The local `arg` that Lua 5.1 gives to a vararg function.
    pub(crate) arg: Option<VarargLocal>,
    pub(crate) locals: Vec<Local>,
    pub(crate) upvalues: Vec<Upvalue>,
    pub(crate) labels: Vec<Label>,
    /// The target of each `goto`.
    pub(crate) gotos: Vec<LabelId>,
    pub(crate) body: Block,
    /// The line of the final, implicit return.
    pub(crate) return_line: u32,
}

/// What the local `arg` holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum VarargLocal {
    /// The extra arguments, for a function that never uses `...`.
    Table,
    /// Nothing, for one that does.
    Nil,
}

pub(crate) struct Local {
    pub(crate) name: LocalName,
    /// Whether a nested function uses it.
    pub(crate) is_captured: bool,
}

/// A local's name: the programmer's, or a hidden one, which is no identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalName {
    Visible(Name),
    Hidden(&'static str),
}

pub(crate) struct Upvalue {
    pub(crate) name: Name,
    pub(crate) origin: Origin,
}

/// Where the enclosing function finds the variable that a nested function captures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Local(LocalId),
    Upvalue(u8),
}

pub(crate) struct Label {
    pub(crate) name: Name,
    pub(crate) line: u32,
    /// The number of locals that are active where it stands.
    pub(crate) active_locals: usize,
}

pub(crate) struct Block {
    pub(crate) statements: Vec<Statement>,
    /// The line of its last token.
    pub(crate) last_line: u32,
}

pub(crate) enum Statement {
    /// `count` new locals beginning with `first`.
    Local {
        first: LocalId,
        count: u32,
        values: Vec<Expression>,
        line: u32,
    },
    LocalFunction {
        variable: LocalId,
        function: Expression,
    },
    Function(Box<FunctionStatement>),
    Assignment {
        targets: Vec<Expression>,
        values: Vec<Expression>,
    },
    Call(Expression),
    Do(Block),
    While {
        condition: Expression,
        body: Block,
    },
    Repeat {
        body: Block,
        condition: Expression,
    },
    If {
        arms: Vec<Arm>,
        otherwise: Option<Block>,
    },
    NumericFor(Box<NumericFor>),
    GenericFor(Box<GenericFor>),
    Return {
        values: Vec<Expression>,
        line: u32,
    },
    Break {
        line: u32,
    },
    Goto {
        /// An index into `Function::gotos`.
        goto: u32,
        line: u32,
    },
    Label(LabelId),
}

/// `function a.b.c() end`.
pub(crate) struct FunctionStatement {
    pub(crate) target: Expression,
    pub(crate) function: Expression,
    pub(crate) line: u32,
}

/// Three hidden locals beginning with `first`, then the visible one.
pub(crate) struct NumericFor {
    pub(crate) first: LocalId,
    pub(crate) start: Expression,
    pub(crate) limit: Expression,
    pub(crate) step: Option<Expression>,
    pub(crate) body: Block,
    /// The line of `for`.
    pub(crate) line: u32,
    /// The line of `do`.
    pub(crate) do_line: u32,
}

/// Three hidden locals beginning with `first`, then `count` visible ones.
pub(crate) struct GenericFor {
    pub(crate) first: LocalId,
    pub(crate) count: u32,
    pub(crate) values: Vec<Expression>,
    pub(crate) body: Block,
    /// The line of the first value.
    pub(crate) line: u32,
    /// The line of `do`.
    pub(crate) do_line: u32,
}

/// `if` or `elseif`.
pub(crate) struct Arm {
    pub(crate) condition: Expression,
    pub(crate) block: Block,
}

pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    /// The line of its last token.
    pub(crate) line: u32,
}

pub(crate) enum ExpressionKind {
    Nil,
    Boolean(bool),
    Number(f64),
    String(Arc<[u8]>),
    Vararg,
    Local(LocalId),
    Upvalue(u8),
    Global(Name),
    Function(Box<Function>),
    Table(Box<Table>),
    Unary(UnaryOperator, Box<Expression>),
    Binary(Box<BinaryChain>),
    /// Operands of `..`, which groups from the right.
    Concatenation(Vec<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Suffixed(Box<Suffixed>),
    /// Kept because it cuts a call's results to one, and because it cannot be assigned to.
    Parenthesized(Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Negate,
    Not,
    Length,
}

/// `((first op right) op right) ...`
pub(crate) struct BinaryChain {
    pub(crate) first: Expression,
    pub(crate) links: Vec<BinaryLink>,
}

pub(crate) struct BinaryLink {
    pub(crate) operator: BinaryOperator,
    pub(crate) right: Expression,
}

/// The operators that always evaluate both operands to one value each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Arithmetic(ArithmeticOperator),
    Comparison(ComparisonOperator),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComparisonOperator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl std::fmt::Display for BinaryOperator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BinaryOperator::Arithmetic(operator) => write!(formatter, "{operator:?}"),
            BinaryOperator::Comparison(operator) => write!(formatter, "{operator:?}"),
        }
    }
}

/// An expression followed by any number of indexings and calls.
pub(crate) struct Suffixed {
    pub(crate) base: Expression,
    /// At least one.
    pub(crate) suffixes: Vec<Suffix>,
}

pub(crate) struct Suffix {
    pub(crate) kind: SuffixKind,
    /// For an indexing the line of its last token; for a call that of the first token of its arguments.
    pub(crate) line: u32,
}

pub(crate) enum SuffixKind {
    Index(IndexKey),
    Call(Call),
}

pub(crate) enum IndexKey {
    Field(Name),
    Value(Expression),
}

pub(crate) struct Call {
    /// The name in a call of the form `object:name(...)`.
    pub(crate) method: Option<Name>,
    pub(crate) arguments: Vec<Expression>,
}

/// A table constructor.
pub(crate) struct Table {
    pub(crate) items: Vec<TableItem>,
    /// The line of its opening brace.
    pub(crate) line: u32,
}

pub(crate) enum TableItem {
    Positional(Expression),
    Field(Name, Expression),
    Keyed(Expression, Expression),
}

impl Block {
    /// Whether its end can be reached: not after a statement that always goes elsewhere.
    pub(crate) fn goes_on(&self) -> bool {
        !matches!(
            self.statements.last(),
            Some(Statement::Return { .. } | Statement::Break { .. } | Statement::Goto { .. })
        )
    }
}

impl Expression {
    /// Whether it may give any number of values.
    pub(crate) fn is_multiple(&self) -> bool {
        matches!(self.kind, ExpressionKind::Vararg) || self.is_call()
    }

    /// Whether it is a call that is not in parentheses.
    pub(crate) fn is_call(&self) -> bool {
        match &self.kind {
            ExpressionKind::Suffixed(suffixed) => {
                matches!(suffixed.suffixes.last(), Some(Suffix { kind: SuffixKind::Call(_), .. }))
            }
            _ => false,
        }
    }

    /// Whether it may stand on the left of an assignment.
    pub(crate) fn is_assignable(&self) -> bool {
        match &self.kind {
            ExpressionKind::Local(_) | ExpressionKind::Upvalue(_) | ExpressionKind::Global(_) => true,
            ExpressionKind::Suffixed(_) => !self.is_call(),
            _ => false,
        }
    }

    /// The expression inside of its parentheses, for where only one value is wanted anyway.
    pub(crate) fn unparenthesized(&self) -> &Expression {
        let mut inner = self;
        while let ExpressionKind::Parenthesized(expression) = &inner.kind {
            inner = expression;
        }
        inner
    }
}
