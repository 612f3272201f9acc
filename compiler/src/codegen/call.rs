//! Indexing, calls, and lists of values.
//!
//! A call's frame is built in place: the callee in the next free register, a register for the
//! return link, then the arguments. Its results start in the callee's register.

use super::Generator;
use super::fold::{self, Literal};
use crate::ast::{Call, Expression, ExpressionKind, IndexKey, Suffix, SuffixKind, Suffixed};
use crate::bytecode::{Instruction, OPEN, Opcode};
use crate::diagnostic::Position;
use crate::error::Fault;
use crate::lexer::token::Name;

/// A key, in the form that indexing instructions take.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Field(u8),
    Integer(u8),
    Register(u8),
}

/// A call whose frame is built.
pub(super) struct PreparedCall {
    callee: u8,
    /// The number of arguments, unless they go up to the top.
    arguments: Option<u8>,
    position: Position,
}

impl<'c> Generator<'c> {
    pub(super) fn field_key(&mut self, name: Name) -> Result<Key, Fault> {
        self.string_key(&self.name(name))
    }

    fn string_key(&mut self, text: &std::sync::Arc<[u8]>) -> Result<Key, Fault> {
        if let Some(index) = self.state.constants.small_field(text) {
            return Ok(Key::Field(index));
        }
        let register = self.reserve(1)?;
        let index = self.state.constants.string(text);
        self.load_constant(register, index);
        Ok(Key::Register(register))
    }

    /// Evaluates a key. A register that is not a local's is reserved.
    #[inline(never)]
    pub(super) fn key(&mut self, expression: &'c Expression<'c>) -> Result<Key, Fault> {
        match fold::literal(expression) {
            Some(Literal::String(text)) => self.string_key(&text),
            Some(Literal::Number(number))
                if (1.0..=255.0).contains(&number) && number.fract() == 0.0 =>
            {
                Ok(Key::Integer(number as u8))
            }
            _ => Ok(Key::Register(self.evaluate_any(expression)?)),
        }
    }

    /// The key of a suffix at `position`.
    pub(super) fn index_key(
        &mut self,
        key: &'c IndexKey<'c>,
        position: Position,
    ) -> Result<Key, Fault> {
        match key {
            IndexKey::Value(key) => self.key(key),
            IndexKey::Field(name) => {
                self.state.position = position;
                self.field_key(*name)
            }
        }
    }

    fn get(&mut self, target: u8, table: u8, key: Key) {
        self.emit(match key {
            Key::Field(index) => Instruction::abc(Opcode::GetField, target, table, index),
            Key::Integer(integer) => Instruction::abc(Opcode::GetInteger, target, table, integer),
            Key::Register(register) => Instruction::abc(Opcode::GetIndex, target, table, register),
        });
    }

    pub(super) fn set(&mut self, value: u8, table: u8, key: Key) {
        self.emit(match key {
            Key::Field(index) => Instruction::abc(Opcode::SetField, value, table, index),
            Key::Integer(integer) => Instruction::abc(Opcode::SetInteger, value, table, integer),
            Key::Register(register) => Instruction::abc(Opcode::SetIndex, value, table, register),
        });
    }

    /// The one value of an expression with suffixes.
    #[inline(never)]
    pub(super) fn suffixed(
        &mut self,
        suffixed: &'c Suffixed<'c>,
        target: u8,
        position: Position,
    ) -> Result<(), Fault> {
        let mark = self.state.free;
        let Some((last, before)) = suffixed.suffixes.split_last() else { return Ok(()) };
        let prefix = self.prefix(&suffixed.base, before)?;
        match &last.kind {
            SuffixKind::Call(call) => {
                let call = self.prepare_call(prefix, call, last.position, mark)?;
                let callee = call.callee;
                self.emit_call(call, 1);
                self.state.free = mark;
                self.state.position = position;
                self.move_register(target, callee);
            }
            SuffixKind::Index(key) => {
                let key = self.index_key(key, last.position)?;
                self.state.free = mark;
                self.state.position = last.position;
                self.get(target, prefix, key);
            }
        }
        Ok(())
    }

    /// Evaluates an expression with those suffixes to some register; one that is not a local's is
    /// reserved.
    #[inline(never)]
    pub(super) fn prefix(
        &mut self,
        base: &'c Expression<'c>,
        suffixes: &'c [Suffix<'c>],
    ) -> Result<u8, Fault> {
        let mark = self.state.free;
        let mut value = self.evaluate_any(base)?;
        for suffix in suffixes {
            match &suffix.kind {
                SuffixKind::Call(call) => {
                    let call = self.prepare_call(value, call, suffix.position, mark)?;
                    self.emit_call(call, 1);
                    self.state.free = mark;
                    value = self.reserve(1)?;
                }
                SuffixKind::Index(key) => {
                    let key = self.index_key(key, suffix.position)?;
                    self.state.free = mark;
                    let target = self.reserve(1)?;
                    self.state.position = suffix.position;
                    self.get(target, value, key);
                    value = target;
                }
            }
        }
        Ok(value)
    }

    /// Builds the frame of a call at `mark`. `prefix` holds the function, or the object whose
    /// method is called.
    #[inline(never)]
    fn prepare_call(
        &mut self,
        prefix: u8,
        call: &'c Call<'c>,
        position: Position,
        mark: usize,
    ) -> Result<PreparedCall, Fault> {
        let callee = match call.method {
            Some((name, span)) => {
                self.state.position = Position { line: position.line, span };
                let key = self.field_key(name)?;
                self.state.free = mark;
                let callee = self.reserve(3)?;
                self.emit(match key {
                    Key::Field(index) => Instruction::abc(Opcode::SelfField, callee, prefix, index),
                    Key::Register(key) | Key::Integer(key) => {
                        Instruction::abc(Opcode::SelfIndex, callee, prefix, key)
                    }
                });
                callee
            }
            None => {
                self.state.free = mark;
                let callee = self.reserve(2)?;
                self.move_register(callee, prefix);
                callee
            }
        };
        let is_open = self.values(&call.arguments)?;
        let count = self.state.free - usize::from(callee) - 2;
        // It is limited by the number of registers.
        Ok(PreparedCall { callee, arguments: (!is_open).then_some(count as u8), position })
    }

    /// Emits a call for that many results, or for `OPEN - 1`: as many as there are.
    fn emit_call(&mut self, call: PreparedCall, results: u8) {
        self.state.position = call.position;
        let wanted = results + 1;
        self.emit(match call.arguments {
            Some(count) => Instruction::abc(Opcode::Call, call.callee, wanted, count),
            None => Instruction::abc(Opcode::CallOpen, call.callee, wanted, 0),
        });
    }

    /// `return f(x)`.
    pub(super) fn tail_call(&mut self, expression: &'c Expression<'c>) -> Result<(), Fault> {
        let Some(call) = self.prepare_last_call(expression)? else { return Ok(()) };
        self.state.position = call.position;
        self.close_from(0);
        self.emit(match call.arguments {
            Some(count) => Instruction::abc(Opcode::TailCall, call.callee, OPEN, count),
            None => Instruction::abc(Opcode::TailCallOpen, call.callee, OPEN, 0),
        });
        // Reached if the callee is not a Lua function.
        self.emit(Instruction::ad(Opcode::ReturnOpen, call.callee, 0));
        Ok(())
    }

    /// Builds the frame of the expression's last call, if the expression ends with one.
    fn prepare_last_call(
        &mut self,
        expression: &'c Expression<'c>,
    ) -> Result<Option<PreparedCall>, Fault> {
        let mark = self.state.free;
        let ExpressionKind::Suffixed(suffixed) = &expression.kind else { return Ok(None) };
        let Some((Suffix { kind: SuffixKind::Call(call), position }, before)) =
            suffixed.suffixes.split_last()
        else {
            return Ok(None);
        };
        let prefix = self.prefix(&suffixed.base, before)?;
        self.prepare_call(prefix, call, *position, mark).map(Some)
    }

    /// Evaluates a call or `...` for exactly that many values, into the next registers, which are
    /// then reserved.
    pub(super) fn multiple(
        &mut self,
        expression: &'c Expression<'c>,
        count: u8,
    ) -> Result<u8, Fault> {
        let first = self.multiple_with(expression, count)?;
        self.state.free = usize::from(first);
        self.reserve(usize::from(count))
    }

    /// Evaluates a call or `...` for all of its values, from the next register up to the top.
    pub(super) fn multiple_open(&mut self, expression: &'c Expression<'c>) -> Result<(), Fault> {
        let first = self.multiple_with(expression, OPEN - 1)?;
        self.state.free = usize::from(first);
        Ok(())
    }

    fn multiple_with(&mut self, expression: &'c Expression<'c>, count: u8) -> Result<u8, Fault> {
        let first = self.room_for(1)?;
        if let Some(call) = self.prepare_last_call(expression)? {
            self.emit_call(call, count);
        } else {
            self.state.position = expression.position;
            self.emit(Instruction::abc(Opcode::Vararg, first, count + 1, 0));
        }
        self.state.position = expression.position;
        Ok(first)
    }

    /// Evaluates all expressions to the next registers, which are then reserved. If the last one
    /// gives any number of values, it gives all of them, up to the top, and the result is true.
    #[inline(never)]
    pub(super) fn values(&mut self, expressions: &'c [Expression<'c>]) -> Result<bool, Fault> {
        let Some((last, before)) = expressions.split_last() else { return Ok(false) };
        for expression in before {
            self.evaluate_next(expression)?;
        }
        if last.is_multiple() {
            self.multiple_open(last)?;
            return Ok(true);
        }
        self.evaluate_next(last)?;
        Ok(false)
    }

    /// Evaluates all expressions to exactly `count` registers, the next ones, which are then
    /// reserved.
    pub(super) fn adjusted(
        &mut self,
        expressions: &'c [Expression<'c>],
        count: usize,
    ) -> Result<u8, Fault> {
        let first = self.state.free;
        let end = first + count;
        self.room_for(count)?;
        for (index, expression) in expressions.iter().enumerate() {
            let missing = end - self.state.free;
            let is_last = index + 1 == expressions.len();
            if is_last && expression.is_multiple() {
                // No more than the registers.
                self.multiple(expression, missing as u8)?;
            } else if missing > 0 {
                self.evaluate_next(expression)?;
            } else {
                self.evaluate_next(expression)?;
                self.state.free = end;
            }
        }
        let missing = end - self.state.free;
        let next = self.reserve(missing)?;
        self.load_nil(next, missing);
        Ok(first as u8)
    }
}
