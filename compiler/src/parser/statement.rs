//! Statements and blocks.
//!
//! These functions stay apart from each other (`inline(never)`), so that the frames of a deep
//! nesting hold only what its own kind of statement needs.

use super::{MAX_SYNTAX_LEVELS, Parser};
use crate::ast::{
    Arm, Block, Expression, ExpressionKind, FunctionStatement, GenericFor, IndexKey, List,
    LocalName, NumericFor, Statement, Suffix, SuffixKind, Suffixed, place,
};
use crate::diagnostic::{Position, Span};
use crate::error::Fault;
use crate::lexer::token::{Name, Token};

impl<'a> Parser<'a, '_, '_> {
    /// Whether the current token ends a block.
    fn ends_block(&self) -> bool {
        matches!(
            self.current.token,
            Token::Else | Token::ElseIf | Token::End | Token::Until | Token::EndOfInput
        )
    }

    /// A block with its own scope.
    #[inline(never)]
    fn block(&mut self, is_loop: bool) -> Result<Block<'a>, Fault> {
        self.innermost.enter_block(is_loop);
        let block = self.statements()?;
        self.leave_block()?;
        Ok(block)
    }

    /// The statements of a block whose scope is open already. Nothing follows `return` or `break`.
    pub(super) fn statements(&mut self) -> Result<Block<'a>, Fault> {
        self.enter_level()?;
        let mut statements = Vec::new();
        while !self.ends_block() {
            let start = self.span();
            if self.skip(&Token::Semicolon)? {
                continue;
            }
            if self.is_at(&Token::DoubleColon) {
                self.labels(&mut statements)?;
                continue;
            }
            let statement = self.statement()?;
            let is_last = matches!(statement, Statement::Return { .. } | Statement::Break { .. });
            statements.push((statement, start.to(self.last_span)));
            if is_last {
                self.skip(&Token::Semicolon)?;
                break;
            }
        }
        self.leave_level();
        Ok(Block { statements: List::collected(self.arena, statements), last_line: self.last_line })
    }

    #[inline(never)]
    fn statement(&mut self) -> Result<Statement<'a>, Fault> {
        let opened = self.here();
        match self.current.token {
            Token::If => self.if_statement(opened),
            Token::While => self.while_statement(opened),
            Token::Do => {
                self.advance()?;
                let body = self.block(false)?;
                self.expect_closing(&Token::End, &Token::Do, opened)?;
                Ok(Statement::Do(body))
            }
            Token::For => self.for_statement(opened),
            Token::Repeat => self.repeat_statement(opened),
            Token::Function => self.function_statement(opened),
            Token::Local => {
                self.advance()?;
                if self.skip(&Token::Function)? {
                    self.local_function()
                } else {
                    self.local_statement()
                }
            }
            Token::Return => self.return_statement(),
            Token::Break => {
                self.advance()?;
                if !self.innermost.is_in_loop() {
                    return Err(self.error("no loop to break"));
                }
                Ok(Statement::Break { line: self.last_line })
            }
            Token::Goto => {
                self.advance()?;
                let name = self.expect_name()?;
                Ok(Statement::Goto {
                    goto: self.add_goto(name, opened.line)?,
                    line: self.last_line,
                })
            }
            _ => self.expression_statement(),
        }
    }

    #[inline(never)]
    fn if_statement(&mut self, opened: Position) -> Result<Statement<'a>, Fault> {
        let mut arms = List::new(self.arena);
        let mut otherwise = None;
        loop {
            self.advance()?;
            let condition = self.expression()?;
            self.expect(&Token::Then)?;
            arms.push(Arm { condition, block: self.block(false)? });
            if !self.is_at(&Token::ElseIf) {
                break;
            }
        }
        if self.skip(&Token::Else)? {
            otherwise = Some(self.block(false)?);
        }
        self.expect_closing(&Token::End, &Token::If, opened)?;
        Ok(Statement::If { arms, otherwise })
    }

    #[inline(never)]
    fn while_statement(&mut self, opened: Position) -> Result<Statement<'a>, Fault> {
        self.advance()?;
        let condition = self.expression()?;
        self.expect(&Token::Do)?;
        let body = self.block(true)?;
        self.expect_closing(&Token::End, &Token::While, opened)?;
        Ok(Statement::While { condition, body })
    }

    /// The condition sees the locals of the body.
    #[inline(never)]
    fn repeat_statement(&mut self, opened: Position) -> Result<Statement<'a>, Fault> {
        self.innermost.enter_block(true);
        self.advance()?;
        let body = self.statements()?;
        self.expect_closing(&Token::Until, &Token::Repeat, opened)?;
        let condition = self.expression()?;
        self.leave_block()?;
        Ok(Statement::Repeat { body, condition })
    }

    fn for_statement(&mut self, opened: Position) -> Result<Statement<'a>, Fault> {
        self.advance()?;
        let name = self.expect_name()?;
        // The hidden locals live in a block around the loop.
        self.innermost.enter_block(false);
        let statement = match self.current.token {
            Token::Assign => self.numeric_for(name, opened.line)?,
            Token::Comma | Token::In => self.generic_for(name)?,
            _ => return Err(self.error("'=' or 'in' expected")),
        };
        self.expect_closing(&Token::End, &Token::For, opened)?;
        self.leave_block()?;
        Ok(statement)
    }

    #[inline(never)]
    fn numeric_for(&mut self, name: Name, line: u32) -> Result<Statement<'a>, Fault> {
        let first = self.declare_hidden(["(for index)", "(for limit)", "(for step)"])?;
        self.declare(LocalName::Visible(name))?;
        self.advance()?;
        let start = self.expression()?;
        self.expect(&Token::Comma)?;
        let limit = self.expression()?;
        let step = if self.skip(&Token::Comma)? { Some(self.expression()?) } else { None };
        let (body, do_line) = self.for_body(1)?;
        Ok(Statement::NumericFor(place(
            self.arena,
            NumericFor { first, start, limit, step, body, line, do_line },
        )))
    }

    #[inline(never)]
    fn generic_for(&mut self, name: Name) -> Result<Statement<'a>, Fault> {
        let first = self.declare_hidden(["(for generator)", "(for state)", "(for control)"])?;
        self.declare(LocalName::Visible(name))?;
        let mut count = 1;
        while self.skip(&Token::Comma)? {
            let name = self.expect_name()?;
            self.declare(LocalName::Visible(name))?;
            count += 1;
        }
        self.expect(&Token::In)?;
        let line = self.line();
        let values = self.expressions()?;
        let (body, do_line) = self.for_body(count)?;
        Ok(Statement::GenericFor(place(
            self.arena,
            GenericFor { first, count: count as u32, values, body, line, do_line },
        )))
    }

    /// The body of a `for` with that many visible variables, and the line of its `do`.
    fn for_body(&mut self, variables: usize) -> Result<(Block<'a>, u32), Fault> {
        self.innermost.activate(3);
        self.expect(&Token::Do)?;
        let do_line = self.last_line;
        self.innermost.enter_block(true);
        self.innermost.activate(variables);
        let body = self.statements()?;
        self.leave_block()?;
        Ok((body, do_line))
    }

    #[inline(never)]
    fn function_statement(&mut self, opened: Position) -> Result<Statement<'a>, Fault> {
        self.advance()?;
        let name = self.expect_name()?;
        let start = self.last_span;
        let base = Expression { kind: self.resolve(name)?, position: self.position_from(start) };
        let mut suffixes = List::new(self.arena);
        let mut is_method = false;
        while !is_method && matches!(self.current.token, Token::Dot | Token::Colon) {
            is_method = self.is_at(&Token::Colon);
            self.advance()?;
            let kind = SuffixKind::Index(IndexKey::Field(self.expect_field_name()?));
            let position = self.position_from(self.last_span);
            suffixes.push(Suffix { kind, position });
        }
        let target = if suffixes.is_empty() {
            base
        } else {
            Expression {
                kind: ExpressionKind::Suffixed(place(self.arena, Suffixed { base, suffixes })),
                position: self.position_from(start),
            }
        };
        let function = self.function_expression(is_method, opened)?;
        let line = opened.line;
        Ok(Statement::Function(place(self.arena, FunctionStatement { target, function, line })))
    }

    #[inline(never)]
    fn local_function(&mut self) -> Result<Statement<'a>, Fault> {
        let start = self.last_span;
        let name = self.expect_name()?;
        let variable = self.declare(LocalName::Visible(name))?;
        self.innermost.activate(1);
        let opened = Position { line: self.line(), span: start };
        Ok(Statement::LocalFunction {
            variable,
            function: self.function_expression(false, opened)?,
        })
    }

    #[inline(never)]
    fn local_statement(&mut self) -> Result<Statement<'a>, Fault> {
        let first = self.innermost.locals.len() as u32;
        let mut count = 0;
        loop {
            let name = self.expect_name()?;
            self.declare(LocalName::Visible(name))?;
            count += 1;
            if !self.skip(&Token::Comma)? {
                break;
            }
        }
        let values =
            if self.skip(&Token::Assign)? { self.expressions()? } else { List::new(self.arena) };
        self.innermost.activate(count);
        Ok(Statement::Local { first, count: count as u32, values, line: self.last_line })
    }

    #[inline(never)]
    fn return_statement(&mut self) -> Result<Statement<'a>, Fault> {
        self.advance()?;
        let has_values = !self.ends_block() && !self.is_at(&Token::Semicolon);
        let values = if has_values { self.expressions()? } else { List::new(self.arena) };
        Ok(Statement::Return { values, line: self.last_line })
    }

    /// A run of labels and empty statements. As in Lua 5.2, what follows the run decides whether
    /// all of its labels end their block; `until` does not count, because its condition still sees
    /// the locals.
    #[inline(never)]
    fn labels(&mut self, statements: &mut Vec<(Statement<'a>, Span)>) -> Result<(), Fault> {
        let mut run = Vec::new();
        while self.is_at(&Token::DoubleColon) {
            let line = self.line();
            self.advance()?;
            let name = self.expect_name()?;
            let id = self.add_label(name, line)?;
            self.expect(&Token::DoubleColon)?;
            run.push(id);
            while self.skip(&Token::Semicolon)? {}
        }
        let ends_block = self.ends_block() && !self.is_at(&Token::Until);
        for id in run {
            self.finish_label(id, ends_block)?;
            statements.push((Statement::Label(id), self.last_span));
        }
        Ok(())
    }

    #[inline(never)]
    fn expression_statement(&mut self) -> Result<Statement<'a>, Fault> {
        let target = self.suffixed()?;
        if target.is_call() {
            return Ok(Statement::Call(target));
        }
        let mut targets = List::new(self.arena);
        let mut next = target;
        loop {
            if !next.is_assignable() {
                return Err(self.error("syntax error"));
            }
            targets.push(next);
            if !self.skip(&Token::Comma)? {
                break;
            }
            next = self.suffixed()?;
            let limit = MAX_SYNTAX_LEVELS - self.levels;
            self.check_limit(targets.len(), limit, "variables in assignment")?;
        }
        self.expect(&Token::Assign)?;
        Ok(Statement::Assignment { targets, values: self.expressions()? })
    }
}
