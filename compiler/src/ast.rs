//! The syntax tree, with every name resolved to a local variable, an upvalue or a global.
//!
//! Invariant: its depth never exceeds the parser's limit on syntax levels, so code generation may
//! recurse. Constructs of unlimited length (operator chains, suffixes, `elseif`) are lists.
//!
//! The tree is allocated in one arena and has no destructors. Freeing the arena frees it, however
//! large, even if parsing stopped early.

use crate::diagnostic::{Position, Span};
use crate::lexer::token::{Name, Names};
use bumpalo::Bump;
use bumpalo::boxed::Box;
use bumpalo::collections::Vec;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// An index into `Function::locals`: locals are numbered in the order of their declaration.
pub(crate) type LocalId = u32;
/// An index into `Function::labels`.
pub(crate) type LabelId = u32;

/// Puts a node into the arena. This and what lists do stay apart from the parser's functions, whose
/// frames are small.
#[inline(never)]
pub(crate) fn place<T>(arena: &Bump, node: T) -> &T {
    const { assert!(!std::mem::needs_drop::<T>(), "nothing in the arena has a destructor") };
    arena.alloc(node)
}

/// A node in the arena that can still change, as small as a pointer.
pub(crate) struct Unique<'a, T>(ManuallyDrop<Box<'a, T>>);

impl<'a, T> Unique<'a, T> {
    #[inline(never)]
    pub(crate) fn new(arena: &'a Bump, node: T) -> Self {
        const { assert!(!std::mem::needs_drop::<T>(), "nothing in the arena has a destructor") };
        Unique(ManuallyDrop::new(Box::new_in(node, arena)))
    }
}

impl<T> Deref for Unique<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Unique<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A list in the arena, as small as a pointer. Its place is not used again when it grows.
pub(crate) struct List<'a, T>(ManuallyDrop<Box<'a, Vec<'a, T>>>);

impl<'a, T> List<'a, T> {
    #[inline(never)]
    pub(crate) fn new(arena: &'a Bump) -> Self {
        const { assert!(!std::mem::needs_drop::<T>(), "nothing in the arena has a destructor") };
        List(ManuallyDrop::new(Box::new_in(Vec::new_in(arena), arena)))
    }

    #[inline(never)]
    pub(crate) fn from<const N: usize>(arena: &'a Bump, items: [T; N]) -> Self {
        const { assert!(!std::mem::needs_drop::<T>(), "nothing in the arena has a destructor") };
        let mut list = Vec::with_capacity_in(N, arena);
        list.extend(items);
        List(ManuallyDrop::new(Box::new_in(list, arena)))
    }

    /// Lists of unlimited length are collected elsewhere, so that their growth leaves no garbage in
    /// the arena.
    #[inline(never)]
    pub(crate) fn collected(arena: &'a Bump, items: std::vec::Vec<T>) -> Self {
        const { assert!(!std::mem::needs_drop::<T>(), "nothing in the arena has a destructor") };
        let mut list = Vec::with_capacity_in(items.len(), arena);
        list.extend(items);
        List(ManuallyDrop::new(Box::new_in(list, arena)))
    }

    #[inline(never)]
    pub(crate) fn push(&mut self, item: T) {
        self.0.push(item);
    }

    #[inline(never)]
    pub(crate) fn push_front(&mut self, item: T) {
        self.0.insert(0, item);
    }
}

impl<T> Deref for List<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for List<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<'l, T> IntoIterator for &'l List<'_, T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A parsed chunk.
pub(crate) struct Chunk<'a> {
    pub(crate) main: &'a Function<'a>,
    pub(crate) names: Names,
}

/// A function: its variables and its body.
pub(crate) struct Function<'a> {
    /// Its place in the chunk, in the order of the word `function`.
    pub(crate) ordinal: u32,
    pub(crate) line: u32,
    pub(crate) last_line: u32,
    /// The parameters are the first locals.
    pub(crate) parameters: u8,
    pub(crate) is_vararg: bool,
    /// The local `arg` that Lua 5.1 gives to a vararg function.
    pub(crate) arg: Option<VarargLocal>,
    pub(crate) locals: &'a [Local],
    pub(crate) upvalues: &'a [Upvalue],
    pub(crate) labels: &'a [Label],
    /// The target of each `goto`.
    pub(crate) gotos: &'a [LabelId],
    pub(crate) body: Block<'a>,
    /// The line of the final, implicit return.
    pub(crate) return_line: u32,
}

/// The contents of the local `arg`.
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
    /// Its name where it is declared.
    pub(crate) span: Span,
}

/// A local's name: the programmer's, or a hidden one, which is not an identifier.
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
    pub(crate) span: Span,
    /// The number of locals that are active at this place.
    pub(crate) active_locals: usize,
}

pub(crate) struct Block<'a> {
    /// Each with its bytes.
    pub(crate) statements: List<'a, (Statement<'a>, Span)>,
    /// The line of its last token.
    pub(crate) last_line: u32,
}

pub(crate) enum Statement<'a> {
    /// `count` new locals beginning with `first`.
    Local {
        first: LocalId,
        count: u32,
        values: List<'a, Expression<'a>>,
        line: u32,
    },
    LocalFunction {
        variable: LocalId,
        function: Expression<'a>,
    },
    Function(&'a FunctionStatement<'a>),
    Assignment {
        targets: List<'a, Expression<'a>>,
        values: List<'a, Expression<'a>>,
    },
    Call(Expression<'a>),
    Do(Block<'a>),
    While {
        condition: Expression<'a>,
        body: Block<'a>,
    },
    Repeat {
        body: Block<'a>,
        condition: Expression<'a>,
    },
    If {
        arms: List<'a, Arm<'a>>,
        otherwise: Option<Block<'a>>,
    },
    NumericFor(&'a NumericFor<'a>),
    GenericFor(&'a GenericFor<'a>),
    Return {
        values: List<'a, Expression<'a>>,
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
pub(crate) struct FunctionStatement<'a> {
    pub(crate) target: Expression<'a>,
    pub(crate) function: Expression<'a>,
    pub(crate) line: u32,
}

/// Three hidden locals beginning with `first`, then the visible one.
pub(crate) struct NumericFor<'a> {
    pub(crate) first: LocalId,
    pub(crate) start: Expression<'a>,
    pub(crate) limit: Expression<'a>,
    pub(crate) step: Option<Expression<'a>>,
    pub(crate) body: Block<'a>,
    /// The line of `for`.
    pub(crate) line: u32,
    /// The line of `do`.
    pub(crate) do_line: u32,
}

/// Three hidden locals beginning with `first`, then `count` visible ones.
pub(crate) struct GenericFor<'a> {
    pub(crate) first: LocalId,
    pub(crate) count: u32,
    pub(crate) values: List<'a, Expression<'a>>,
    pub(crate) body: Block<'a>,
    /// The line of the first value.
    pub(crate) line: u32,
    /// The line of `do`.
    pub(crate) do_line: u32,
}

/// `if` or `elseif`.
pub(crate) struct Arm<'a> {
    pub(crate) condition: Expression<'a>,
    pub(crate) block: Block<'a>,
}

pub(crate) struct Expression<'a> {
    pub(crate) kind: ExpressionKind<'a>,
    /// Its line is that of its last token.
    pub(crate) position: Position,
}

pub(crate) enum ExpressionKind<'a> {
    Nil,
    Boolean(bool),
    Number(f64),
    /// Thin, since expressions are moved a lot while they are parsed.
    String(&'a &'a [u8]),
    Vararg,
    Local(LocalId),
    Upvalue(u8),
    Global(Name),
    Function(&'a Function<'a>),
    Table(&'a Table<'a>),
    Unary(UnaryOperator, &'a Expression<'a>),
    Binary(Unique<'a, BinaryChain<'a>>),
    /// Operands of `..`, which groups from the right.
    Concatenation(List<'a, Expression<'a>>),
    And(List<'a, Expression<'a>>),
    Or(List<'a, Expression<'a>>),
    Suffixed(&'a Suffixed<'a>),
    /// Kept because it cuts a call's results to one, and because it cannot be assigned to.
    Parenthesized(&'a Expression<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Negate,
    Not,
    Length,
}

/// `((first op right) op right) ...`
pub(crate) struct BinaryChain<'a> {
    pub(crate) first: &'a Expression<'a>,
    pub(crate) links: List<'a, BinaryLink<'a>>,
}

pub(crate) struct BinaryLink<'a> {
    pub(crate) operator: BinaryOperator,
    pub(crate) right: Expression<'a>,
    /// From the start of the chain to the end of `right`.
    pub(crate) position: Position,
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
pub(crate) struct Suffixed<'a> {
    pub(crate) base: Expression<'a>,
    /// At least one.
    pub(crate) suffixes: List<'a, Suffix<'a>>,
}

pub(crate) struct Suffix<'a> {
    pub(crate) kind: SuffixKind<'a>,
    /// For an indexing the key, and the line of its last token; for a call all of the call with
    /// its callee, and the line of the first token of its arguments.
    pub(crate) position: Position,
}

pub(crate) enum SuffixKind<'a> {
    Index(IndexKey<'a>),
    Call(Call<'a>),
}

pub(crate) enum IndexKey<'a> {
    Field(Name),
    Value(Expression<'a>),
}

pub(crate) struct Call<'a> {
    /// The name in a call of the form `object:name(...)`, and where it is.
    pub(crate) method: Option<(Name, Span)>,
    pub(crate) arguments: List<'a, Expression<'a>>,
}

/// A table constructor.
pub(crate) struct Table<'a> {
    pub(crate) items: List<'a, TableItem<'a>>,
    /// The line of its opening brace.
    pub(crate) line: u32,
}

pub(crate) enum TableItem<'a> {
    Positional(Expression<'a>),
    Field(Name, Expression<'a>),
    Keyed(Expression<'a>, Expression<'a>),
}

impl Block<'_> {
    /// Whether its end can be reached: not after a statement that always goes elsewhere.
    pub(crate) fn falls_through(&self) -> bool {
        !matches!(
            self.statements.last(),
            Some((Statement::Return { .. } | Statement::Break { .. } | Statement::Goto { .. }, _))
        )
    }
}

impl<'a> Expression<'a> {
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

    /// Whether it may be the target of an assignment.
    pub(crate) fn is_assignable(&self) -> bool {
        match &self.kind {
            ExpressionKind::Local(_) | ExpressionKind::Upvalue(_) | ExpressionKind::Global(_) => {
                true
            }
            ExpressionKind::Suffixed(_) => !self.is_call(),
            _ => false,
        }
    }

    /// The expression inside its parentheses, for contexts that use only one value anyway.
    pub(crate) fn unparenthesized(&self) -> &Expression<'a> {
        let mut inner = self;
        while let ExpressionKind::Parenthesized(expression) = &inner.kind {
            inner = expression;
        }
        inner
    }
}
