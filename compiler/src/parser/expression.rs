//! Expressions. Operator precedence is climbed as in PUC Lua; chains of operators and suffixes
//! become lists.
//!
//! As in `statement`, the functions stay apart so that the frames of a deep nesting are small.

use super::Parser;
use crate::ast::{
    ArithmeticOperator, BinaryChain, BinaryLink, BinaryOperator, Call, ComparisonOperator,
    Expression, ExpressionKind, IndexKey, List, Suffix, SuffixKind, Suffixed, Table, TableItem,
    UnaryOperator, Unique, place,
};
use crate::diagnostic::{Position, Span};
use crate::error::Fault;
use crate::lexer::token::Token;
use bumpalo::Bump;

/// An infix operator as the grammar sees it.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOperator),
    Concatenate,
    And,
    Or,
}

/// How tightly the unary operators bind.
const UNARY_PRIORITY: u8 = 8;

/// The operator that a token is, with how tightly it binds to its left and to its right.
fn infix(token: &Token) -> Option<(Infix, u8, u8)> {
    use ArithmeticOperator::*;
    use ComparisonOperator::*;
    let arithmetic = |operator, left, right| {
        Some((Infix::Binary(BinaryOperator::Arithmetic(operator)), left, right))
    };
    let comparison = |operator| Some((Infix::Binary(BinaryOperator::Comparison(operator)), 3, 3));
    match token {
        Token::Or => Some((Infix::Or, 1, 1)),
        Token::And => Some((Infix::And, 2, 2)),
        Token::Equal => comparison(Equal),
        Token::NotEqual => comparison(NotEqual),
        Token::Less => comparison(Less),
        Token::LessEqual => comparison(LessEqual),
        Token::Greater => comparison(Greater),
        Token::GreaterEqual => comparison(GreaterEqual),
        Token::Concatenate => Some((Infix::Concatenate, 5, 4)),
        Token::Plus => arithmetic(Add, 6, 6),
        Token::Minus => arithmetic(Subtract, 6, 6),
        Token::Star => arithmetic(Multiply, 7, 7),
        Token::Slash => arithmetic(Divide, 7, 7),
        Token::Percent => arithmetic(Modulo, 7, 7),
        Token::Caret => arithmetic(Power, 10, 9),
        _ => None,
    }
}

fn unary(token: &Token) -> Option<UnaryOperator> {
    match token {
        Token::Minus => Some(UnaryOperator::Negate),
        Token::Not => Some(UnaryOperator::Not),
        Token::Hash => Some(UnaryOperator::Length),
        _ => None,
    }
}

/// Appends an operation to its left operand.
fn join<'a>(
    arena: &'a Bump,
    mut left: Expression<'a>,
    operator: Infix,
    right: Expression<'a>,
) -> Expression<'a> {
    let span = left.position.span.to(right.position.span);
    let position = Position { line: right.position.line, span };
    let kind = match (operator, left.kind) {
        (Infix::Binary(operator), ExpressionKind::Binary(mut chain)) => {
            chain.links.push(BinaryLink { operator, right, position });
            ExpressionKind::Binary(chain)
        }
        (Infix::Binary(operator), kind) => {
            left.kind = kind;
            let links = List::from(arena, [BinaryLink { operator, right, position }]);
            let chain = BinaryChain { first: place(arena, left), links };
            ExpressionKind::Binary(Unique::new(arena, chain))
        }
        (Infix::And, ExpressionKind::And(mut operands)) => {
            operands.push(right);
            ExpressionKind::And(operands)
        }
        (Infix::Or, ExpressionKind::Or(mut operands)) => {
            operands.push(right);
            ExpressionKind::Or(operands)
        }
        (operator, kind) => {
            left.kind = kind;
            match operator {
                Infix::And => ExpressionKind::And(List::from(arena, [left, right])),
                Infix::Or => ExpressionKind::Or(List::from(arena, [left, right])),
                // It groups from the right, so the rest of the chain is in `right`.
                _ => match right.kind {
                    ExpressionKind::Concatenation(mut operands) => {
                        operands.push_front(left);
                        ExpressionKind::Concatenation(operands)
                    }
                    kind => ExpressionKind::Concatenation(List::from(
                        arena,
                        [left, Expression { kind, position: right.position }],
                    )),
                },
            }
        }
    };
    Expression { kind, position }
}

impl<'a> Parser<'a, '_, '_> {
    pub(super) fn expression(&mut self) -> Result<Expression<'a>, Fault> {
        self.subexpression(0)
    }

    /// Parses an expression of operators that bind tighter than `limit`.
    fn subexpression(&mut self, limit: u8) -> Result<Expression<'a>, Fault> {
        self.enter_level()?;
        let start = self.span();
        let mut left = if let Some(operator) = unary(&self.current.token) {
            self.advance()?;
            let operand = self.subexpression(UNARY_PRIORITY)?;
            let Position { line, span } = operand.position;
            Expression {
                position: Position { line, span: start.to(span) },
                kind: ExpressionKind::Unary(operator, place(self.arena, operand)),
            }
        } else if matches!(self.current.token, Token::Name(_) | Token::LeftParenthesis) {
            self.suffixed()?
        } else {
            self.simple_expression()?
        };
        while let Some((operator, left_priority, right_priority)) = infix(&self.current.token)
            && left_priority > limit
        {
            self.advance()?;
            let right = self.subexpression(right_priority)?;
            left = join(self.arena, left, operator, right);
        }
        self.leave_level();
        Ok(left)
    }

    /// At least one expression, separated by commas.
    #[inline]
    pub(super) fn expressions(&mut self) -> Result<List<'a, Expression<'a>>, Fault> {
        let mut list = List::from(self.arena, [self.expression()?]);
        while self.skip(&Token::Comma)? {
            list.push(self.expression()?);
        }
        Ok(list)
    }

    #[inline(never)]
    fn simple_expression(&mut self) -> Result<Expression<'a>, Fault> {
        let start = self.span();
        let kind = match self.current.token {
            Token::Number(value) => ExpressionKind::Number(value),
            Token::String(ref value) => {
                let text: &[u8] = self.arena.alloc_slice_copy(value);
                ExpressionKind::String(place(self.arena, text))
            }
            Token::Nil => ExpressionKind::Nil,
            Token::True => ExpressionKind::Boolean(true),
            Token::False => ExpressionKind::Boolean(false),
            Token::Dots => {
                if !self.innermost.is_vararg {
                    return Err(self.error("cannot use '...' outside a vararg function"));
                }
                self.innermost.uses_vararg = true;
                ExpressionKind::Vararg
            }
            Token::LeftBrace => return self.table(),
            Token::Function => {
                self.advance()?;
                let opened = Position { line: self.line(), span: start };
                return self.function_expression(false, opened);
            }
            _ => return Err(self.error("unexpected symbol")),
        };
        self.advance()?;
        Ok(Expression { kind, position: self.position_from(start) })
    }

    /// A function from its parameters on. `opened` is where it starts.
    pub(super) fn function_expression(
        &mut self,
        has_self: bool,
        opened: Position,
    ) -> Result<Expression<'a>, Fault> {
        let function = self.function(has_self, opened)?;
        let position = self.position_from(opened.span);
        Ok(Expression { kind: ExpressionKind::Function(function), position })
    }

    /// A name or an expression in parentheses, and what follows it: indexings and calls.
    #[inline(never)]
    pub(super) fn suffixed(&mut self) -> Result<Expression<'a>, Fault> {
        let base = self.suffixed_base()?;
        let start = base.position.span;
        let mut suffixes = List::new(self.arena);
        while let Some(suffix) = self.suffix(start)? {
            suffixes.push(suffix);
        }
        if suffixes.is_empty() {
            return Ok(base);
        }
        let kind = ExpressionKind::Suffixed(place(self.arena, Suffixed { base, suffixes }));
        Ok(Expression { kind, position: self.position_from(start) })
    }

    #[inline(never)]
    fn suffixed_base(&mut self) -> Result<Expression<'a>, Fault> {
        let opened = self.here();
        let kind = match self.current.token {
            Token::Name(name) => {
                self.advance()?;
                self.resolve(name)?
            }
            Token::LeftParenthesis => {
                self.advance()?;
                let inner = place(self.arena, self.expression()?);
                self.expect_closing(&Token::RightParenthesis, &Token::LeftParenthesis, opened)?;
                ExpressionKind::Parenthesized(inner)
            }
            _ => return Err(self.error("unexpected symbol")),
        };
        Ok(Expression { kind, position: self.position_from(opened.span) })
    }

    /// The next indexing or call of an expression that starts at `start`.
    #[inline(never)]
    fn suffix(&mut self, start: Span) -> Result<Option<Suffix<'a>>, Fault> {
        let method = match self.current.token {
            Token::Dot => {
                self.advance()?;
                let kind = SuffixKind::Index(IndexKey::Field(self.expect_field_name()?));
                let position = self.position_from(self.last_span);
                return Ok(Some(Suffix { kind, position }));
            }
            Token::LeftBracket => {
                let bracket = self.span();
                let kind = SuffixKind::Index(IndexKey::Value(self.bracketed_key()?));
                return Ok(Some(Suffix { kind, position: self.position_from(bracket) }));
            }
            Token::Colon => {
                self.advance()?;
                let name = self.expect_field_name()?;
                Some((name, self.last_span))
            }
            Token::LeftParenthesis | Token::String(_) | Token::LeftBrace => None,
            _ => return Ok(None),
        };
        let line = self.line();
        let arguments = self.arguments()?;
        let kind = SuffixKind::Call(Call { method, arguments });
        let position = Position { line, span: start.to(self.last_span) };
        Ok(Some(Suffix { kind, position }))
    }

    #[inline(never)]
    fn bracketed_key(&mut self) -> Result<Expression<'a>, Fault> {
        self.expect(&Token::LeftBracket)?;
        let key = self.expression()?;
        self.expect(&Token::RightBracket)?;
        Ok(key)
    }

    #[inline]
    fn arguments(&mut self) -> Result<List<'a, Expression<'a>>, Fault> {
        let opened = self.here();
        match self.current.token {
            Token::LeftParenthesis => {
                if opened.line != self.last_line {
                    return Err(self.error("ambiguous syntax (function call x new statement)"));
                }
                self.advance()?;
                if self.skip(&Token::RightParenthesis)? {
                    return Ok(List::new(self.arena));
                }
                let arguments = self.expressions()?;
                self.expect_closing(&Token::RightParenthesis, &Token::LeftParenthesis, opened)?;
                Ok(arguments)
            }
            Token::LeftBrace | Token::String(_) => {
                Ok(List::from(self.arena, [self.simple_expression()?]))
            }
            _ => Err(self.error("function arguments expected")),
        }
    }

    #[inline(never)]
    fn table(&mut self) -> Result<Expression<'a>, Fault> {
        let opened = self.here();
        self.expect(&Token::LeftBrace)?;
        let mut items = Vec::new();
        while !self.is_at(&Token::RightBrace) {
            self.table_item(&mut items)?;
            if !self.skip(&Token::Comma)? && !self.skip(&Token::Semicolon)? {
                break;
            }
        }
        self.expect_closing(&Token::RightBrace, &Token::LeftBrace, opened)?;
        Ok(Expression {
            kind: ExpressionKind::Table(place(
                self.arena,
                Table { items: List::collected(self.arena, items), line: opened.line },
            )),
            position: self.position_from(opened.span),
        })
    }

    #[inline(never)]
    fn table_item(&mut self, items: &mut Vec<TableItem<'a>>) -> Result<(), Fault> {
        if let Token::Name(name) = self.current.token
            && self.next_is(&Token::Assign)?
        {
            self.advance()?;
            self.advance()?;
            items.push(TableItem::Field(name, self.expression()?));
        } else if self.is_at(&Token::LeftBracket) {
            let key = self.bracketed_key()?;
            self.expect(&Token::Assign)?;
            items.push(TableItem::Keyed(key, self.expression()?));
        } else {
            items.push(TableItem::Positional(self.expression()?));
        }
        Ok(())
    }
}
