//! Expressions into registers.

use super::Generator;
use super::condition::{Comparison, is_decided_by_jumps, is_ordering};
use super::fold::{self, Literal};
use super::jumps::JumpList;
use super::registers::{FALSE, TRUE};
use crate::ast::{
    ArithmeticOperator, BinaryChain, BinaryLink, BinaryOperator, Expression, ExpressionKind,
    UnaryOperator,
};
use crate::bytecode::{Instruction, Opcode};
use crate::diagnostic::Position;
use crate::error::Fault;
use crate::lexer::token::Name;

/// An operand: in a register, or known.
pub(super) enum Operand {
    Register(u8),
    Literal(Literal),
}

/// An arithmetic operator's opcodes for two registers, a register and a constant, a constant and a
/// register.
fn arithmetic_opcodes(operator: ArithmeticOperator) -> (Opcode, Opcode, Option<Opcode>) {
    match operator {
        ArithmeticOperator::Add => (Opcode::AddVV, Opcode::AddVK, Some(Opcode::AddKV)),
        ArithmeticOperator::Subtract => {
            (Opcode::SubtractVV, Opcode::SubtractVK, Some(Opcode::SubtractKV))
        }
        ArithmeticOperator::Multiply => {
            (Opcode::MultiplyVV, Opcode::MultiplyVK, Some(Opcode::MultiplyKV))
        }
        ArithmeticOperator::Divide => (Opcode::DivideVV, Opcode::DivideVK, Some(Opcode::DivideKV)),
        ArithmeticOperator::Modulo => (Opcode::ModuloVV, Opcode::ModuloVK, None),
        ArithmeticOperator::Power => (Opcode::PowerVV, Opcode::PowerVK, None),
    }
}

impl<'c> Generator<'c> {
    /// Evaluates to the next free register and reserves it.
    pub(super) fn evaluate_next(&mut self, expression: &'c Expression<'c>) -> Result<u8, Fault> {
        let target = self.room_for(1)?;
        self.evaluate(expression, target)?;
        self.state.free = usize::from(target) + 1;
        Ok(target)
    }

    /// Evaluates to some register: that of a local variable, or else the next one, which
    /// is then reserved.
    pub(super) fn evaluate_any(&mut self, expression: &'c Expression<'c>) -> Result<u8, Fault> {
        match &expression.unparenthesized().kind {
            ExpressionKind::Local(id) => {
                self.state.position = expression.position;
                Ok(self.local_register(*id))
            }
            _ => self.evaluate_next(expression),
        }
    }

    /// Evaluates to a literal or to some register, which is then reserved if it is not a local's.
    pub(super) fn evaluate_operand(
        &mut self,
        expression: &'c Expression<'c>,
    ) -> Result<Operand, Fault> {
        match fold::literal(expression) {
            Some(literal) => {
                self.state.position = expression.position;
                Ok(Operand::Literal(literal))
            }
            None => Ok(Operand::Register(self.evaluate_any(expression)?)),
        }
    }

    /// The operand's register; a literal is loaded into the next one, which is then reserved.
    pub(super) fn operand_register(&mut self, operand: Operand) -> Result<u8, Fault> {
        match operand {
            Operand::Register(register) => Ok(register),
            Operand::Literal(literal) => {
                let register = self.reserve(1)?;
                self.load_literal(register, &literal);
                Ok(register)
            }
        }
    }

    /// Evaluates to `target`, which the frame covers.
    pub(super) fn evaluate(
        &mut self,
        expression: &'c Expression<'c>,
        target: u8,
    ) -> Result<(), Fault> {
        let expression = expression.unparenthesized();
        let position = expression.position;
        if let Some(literal) = fold::literal(expression) {
            self.state.position = position;
            self.load_literal(target, &literal);
            return Ok(());
        }
        match &expression.kind {
            ExpressionKind::Local(id) => {
                self.state.position = position;
                let source = self.local_register(*id);
                self.move_register(target, source);
                Ok(())
            }
            ExpressionKind::Upvalue(index) => {
                self.simple(Opcode::GetUpvalue, target, u16::from(*index), position)
            }
            ExpressionKind::Global(name) => self.global(*name, target, position),
            // One value: the expected number + 1.
            ExpressionKind::Vararg => self.simple(Opcode::Vararg, target, 2, position),
            ExpressionKind::Function(function) => {
                let index = self.nested_function(function)?;
                self.simple(Opcode::Closure, target, index, position)
            }
            ExpressionKind::Table(table) => self.table(table, target, position),
            ExpressionKind::Unary(operator, operand) => {
                self.unary(*operator, operand, target, position)
            }
            ExpressionKind::Binary(chain) => self.binary(chain, target),
            ExpressionKind::Concatenation(operands) => {
                self.concatenation(operands, target, position)
            }
            ExpressionKind::And(_) | ExpressionKind::Or(_) => self.logical(expression, target),
            ExpressionKind::Suffixed(suffixed) => self.suffixed(suffixed, target, position),
            // Literals have been dealt with, parentheses taken off.
            ExpressionKind::Nil
            | ExpressionKind::Boolean(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Parenthesized(_) => Ok(()),
        }
    }

    fn simple(
        &mut self,
        opcode: Opcode,
        target: u8,
        operand: u16,
        position: Position,
    ) -> Result<(), Fault> {
        self.state.position = position;
        self.emit(Instruction::ad(opcode, target, operand));
        Ok(())
    }

    #[inline(never)]
    fn global(&mut self, name: Name, target: u8, position: Position) -> Result<(), Fault> {
        self.state.position = position;
        let text = self.name(name);
        let index = self.state.constants.field(&text);
        if let Ok(index) = u16::try_from(index) {
            self.emit(Instruction::ad(Opcode::GetGlobal, target, index));
            return Ok(());
        }
        let mark = self.state.free;
        let environment = self.reserve(1)?;
        let key = self.reserve(1)?;
        self.emit(Instruction::ad(Opcode::GetEnvironment, environment, 0));
        self.load_constant(key, index);
        self.emit(Instruction::abc(Opcode::GetIndex, target, environment, key));
        self.state.free = mark;
        Ok(())
    }

    #[inline(never)]
    fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: &'c Expression<'c>,
        target: u8,
        position: Position,
    ) -> Result<(), Fault> {
        let opcode = match operator {
            UnaryOperator::Not if is_decided_by_jumps(operand) && !is_ordering(operand) => {
                let mut truths = JumpList::default();
                self.jump_when(operand, false, &mut truths)?;
                self.state.position = position;
                return self.boolean(target, truths);
            }
            UnaryOperator::Not => Opcode::Not,
            UnaryOperator::Negate => Opcode::Negate,
            UnaryOperator::Length => Opcode::Length,
        };
        let mark = self.state.free;
        let register = self.evaluate_any(operand)?;
        self.state.free = mark;
        self.simple(opcode, target, u16::from(register), position)
    }

    /// Loads true if one of the jumps comes here and false otherwise.
    pub(super) fn boolean(&mut self, target: u8, truths: JumpList) -> Result<(), Fault> {
        self.load_primitive(target, FALSE);
        let end = self.jump();
        self.patch_to_here(truths)?;
        self.load_primitive(target, TRUE);
        self.patch_one_to_here(end)
    }

    #[inline(never)]
    fn concatenation(
        &mut self,
        operands: &'c [Expression<'c>],
        target: u8,
        position: Position,
    ) -> Result<(), Fault> {
        let mark = self.state.free;
        let mut last = 0;
        for operand in operands {
            last = self.evaluate_next(operand)?;
        }
        self.state.position = position;
        self.emit(Instruction::abc(Opcode::Concatenate, target, mark as u8, last));
        self.state.free = mark;
        Ok(())
    }

    #[inline(never)]
    fn binary(&mut self, chain: &'c BinaryChain<'c>, target: u8) -> Result<(), Fault> {
        let mark = self.state.free;
        let Some((last, before)) = chain.links.split_last() else {
            return self.evaluate(chain.first, target);
        };
        let left = self.chain_operand(chain, before)?;
        let result = self.link(left, last, mark, Some(target))?;
        self.state.free = mark;
        match result {
            Operand::Register(register) => self.move_register(target, register),
            Operand::Literal(literal) => self.load_literal(target, &literal),
        }
        Ok(())
    }

    /// The value of a chain up to and including those links. A register that is not a local's is
    /// reserved.
    #[inline(never)]
    pub(super) fn chain_operand(
        &mut self,
        chain: &'c BinaryChain<'c>,
        links: &'c [BinaryLink],
    ) -> Result<Operand, Fault> {
        let mark = self.state.free;
        let mut value = self.evaluate_operand(chain.first)?;
        for link in links {
            value = self.link(value, link, mark, None)?;
        }
        Ok(value)
    }

    /// Applies one operator. The result goes to `target` or else to the register at `mark`, where
    /// the operands' temporaries start, which is then reserved.
    #[inline(never)]
    fn link(
        &mut self,
        left: Operand,
        link: &'c BinaryLink,
        mark: usize,
        target: Option<u8>,
    ) -> Result<Operand, Fault> {
        let operator = match link.operator {
            BinaryOperator::Arithmetic(operator) => operator,
            BinaryOperator::Comparison(operator) => {
                let comparison = self.comparison(operator, left, link)?;
                return self.comparison_value(comparison, mark, target);
            }
        };
        if let (Operand::Literal(Literal::Number(left)), Some(right)) =
            (&left, fold::numeral(&link.right))
            && let Some(result) = fold::arithmetic(operator, *left, right)
        {
            self.state.position = link.position;
            return Ok(Operand::Literal(Literal::Number(result)));
        }
        let (both_registers, right_constant, left_constant) = arithmetic_opcodes(operator);
        let constant_left = match (&left, left_constant) {
            (Operand::Literal(Literal::Number(value)), Some(opcode))
                if fold::numeral(&link.right).is_none() =>
            {
                self.state.constants.small_number(*value).map(|index| (opcode, index))
            }
            _ => None,
        };
        let (opcode, b, c) = if let Some((opcode, index)) = constant_left {
            (opcode, index, self.evaluate_any(&link.right)?)
        } else {
            let left = self.operand_register(left)?;
            let constants = &mut self.state.constants;
            let small = fold::numeral(&link.right).and_then(|value| match operator {
                ArithmeticOperator::Modulo => constants.small_divisor(value),
                _ => constants.small_number(value),
            });
            match small {
                Some(index) => (right_constant, left, index),
                None => (both_registers, left, self.evaluate_any(&link.right)?),
            }
        };
        let target = self.result_register(mark, target)?;
        self.state.position = link.position;
        self.emit(Instruction::abc(opcode, target, b, c));
        Ok(Operand::Register(target))
    }

    /// Releases the temporaries from `mark` on and returns `target` or else reserves the register
    /// at `mark`.
    fn result_register(&mut self, mark: usize, target: Option<u8>) -> Result<u8, Fault> {
        self.state.free = mark;
        match target {
            Some(target) => Ok(target),
            None => self.reserve(1),
        }
    }

    /// A comparison's result as a value, where `link` puts it.
    fn comparison_value(
        &mut self,
        comparison: Comparison,
        mark: usize,
        target: Option<u8>,
    ) -> Result<Operand, Fault> {
        let ordering = self.ordering_registers(&comparison)?;
        let target = self.result_register(mark, target)?;
        match ordering {
            Some((opcode, left, right)) => {
                self.emit(Instruction::abc(opcode, target, left, right));
            }
            None => {
                let mut truths = JumpList::default();
                self.jump_if_compared(comparison, true, &mut truths);
                self.boolean(target, truths)?;
            }
        }
        Ok(Operand::Register(target))
    }
}
