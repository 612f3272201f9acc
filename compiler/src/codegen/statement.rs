//! Statements.
//!
//! As in the parser, the functions stay apart (`inline(never)`) so that the frames of a deep
//! nesting are small.

use super::Generator;
use super::fold::{self, Literal};
use super::jumps::JumpList;
use crate::ast::{
    Arm, Block, Expression, FunctionStatement, GenericFor, LocalId, NumericFor, Statement,
};
use crate::bytecode::{Instruction, Opcode};
use crate::diagnostic::Position;
use crate::error::Fault;

impl<'c> Generator<'c> {
    pub(super) fn statements(&mut self, block: &'c Block<'c>) -> Result<(), Fault> {
        for (statement, _) in &block.statements {
            self.poll()?;
            self.statement(statement)?;
            self.state.free = self.active_locals();
        }
        Ok(())
    }

    /// A block with its own scope.
    #[inline(never)]
    fn block(&mut self, block: &'c Block<'c>) -> Result<(), Fault> {
        let outer_locals = self.active_locals();
        self.statements(block)?;
        self.leave_block(block, outer_locals);
        Ok(())
    }

    /// Ends the block's scope. After a statement that never falls through there is nothing to
    /// close.
    fn leave_block(&mut self, block: &Block, outer_locals: usize) {
        if block.falls_through() {
            self.state.position.line = block.last_line;
            self.close_from(outer_locals);
        }
        self.end_locals(outer_locals);
    }

    fn statement(&mut self, statement: &'c Statement<'c>) -> Result<(), Fault> {
        match statement {
            Statement::Local { first, count, values, line } => {
                self.local_statement(*first, *count, values, *line)
            }
            Statement::LocalFunction { variable, function } => {
                let register = self.reserve(1)?;
                self.activate_locals(*variable, 1);
                self.evaluate(function, register)?;
                self.restart_local(*variable);
                Ok(())
            }
            Statement::Function(statement) => self.function_statement(statement),
            Statement::Assignment { targets, values } => match (&targets[..], &values[..]) {
                ([target], [value]) => {
                    let place = self.target(target)?;
                    self.store_expression(place, value)
                }
                _ => self.assign(targets, values),
            },
            Statement::Call(call) => self.multiple(call, 0).map(|_| ()),
            Statement::Do(body) => self.block(body),
            Statement::While { condition, body } => self.while_statement(condition, body),
            Statement::Repeat { body, condition } => self.repeat_statement(body, condition),
            Statement::If { arms, otherwise } => self.if_statement(arms, otherwise.as_ref()),
            Statement::NumericFor(statement) => self.numeric_for(statement),
            Statement::GenericFor(statement) => self.generic_for(statement),
            Statement::Return { values, line } => self.return_statement(values, *line),
            Statement::Break { line } => {
                self.state.position.line = *line;
                self.emit_break();
                Ok(())
            }
            Statement::Goto { goto, line } => {
                self.state.position.line = *line;
                self.emit_goto(*goto)
            }
            Statement::Label(id) => self.emit_label(*id),
        }
    }

    #[inline(never)]
    fn local_statement(
        &mut self,
        first: LocalId,
        count: u32,
        values: &'c [Expression<'c>],
        line: u32,
    ) -> Result<(), Fault> {
        // Values that a new frame already has in PUC Lua; a line hook must not see their loading.
        let is_in_prologue = values.is_empty() && self.state.code.len() == self.state.prologue;
        if values.is_empty() {
            self.state.position.line = line;
        }
        self.adjusted(values, count as usize)?;
        if is_in_prologue {
            self.state.prologue = self.state.code.len();
        }
        self.activate_locals(first, count);
        Ok(())
    }

    #[inline(never)]
    fn function_statement(&mut self, statement: &'c FunctionStatement<'c>) -> Result<(), Fault> {
        let place = self.target(&statement.target)?;
        self.store_expression(place, &statement.function)?;
        // The definition happens in its first line.
        if let Some(last) = self.state.lines.last_mut() {
            *last = statement.line;
        }
        Ok(())
    }

    #[inline(never)]
    fn if_statement(
        &mut self,
        arms: &'c [Arm<'c>],
        otherwise: Option<&'c Block<'c>>,
    ) -> Result<(), Fault> {
        let mut ends = JumpList::default();
        for (index, arm) in arms.iter().enumerate() {
            let mut next = JumpList::default();
            self.jump_when(&arm.condition, false, &mut next)?;
            self.block(&arm.block)?;
            if index + 1 < arms.len() || otherwise.is_some() {
                self.state.position.line = arm.block.last_line;
                ends.push(self.jump());
            }
            self.patch_to_here(next)?;
        }
        if let Some(block) = otherwise {
            self.block(block)?;
        }
        self.patch_to_here(ends)
    }

    #[inline(never)]
    fn while_statement(
        &mut self,
        condition: &'c Expression<'c>,
        body: &'c Block<'c>,
    ) -> Result<(), Fault> {
        let start = self.label_here();
        let mut exit = JumpList::default();
        self.jump_when(condition, false, &mut exit)?;
        self.enter_loop();
        self.block(body)?;
        self.state.position.line = body.last_line;
        self.loop_to(start)?;
        self.patch_to_here(exit)?;
        self.leave_loop()
    }

    #[inline(never)]
    fn repeat_statement(
        &mut self,
        body: &'c Block<'c>,
        condition: &'c Expression<'c>,
    ) -> Result<(), Fault> {
        let start = self.label_here();
        let outer_locals = self.active_locals();
        let mut exit = JumpList::default();
        self.enter_loop();
        self.statements(body)?;
        self.jump_when(condition, true, &mut exit)?;
        self.close_from(outer_locals);
        self.loop_to(start)?;
        self.patch_to_here(exit)?;
        self.close_from(outer_locals);
        self.end_locals(outer_locals);
        self.leave_loop()
    }

    #[inline(never)]
    fn numeric_for(&mut self, statement: &'c NumericFor<'c>) -> Result<(), Fault> {
        let outer_locals = self.active_locals();
        let base = self.room_for(4)?;
        self.evaluate_next(&statement.start)?;
        self.evaluate_next(&statement.limit)?;
        let goes_up = match &statement.step {
            Some(step) => {
                self.evaluate_next(step)?;
                fold::numeral(step).is_some_and(|step| step > 0.0)
            }
            None => {
                let register = self.reserve(1)?;
                self.load_literal(register, &Literal::Number(1.0));
                true
            }
        };
        let (prepare, repeat) = if goes_up {
            (Opcode::ForPrepare, Opcode::ForLoop)
        } else {
            (Opcode::ForPrepareStep, Opcode::ForLoopStep)
        };
        self.activate_locals(statement.first, 3);
        let last = statement.step.as_ref().unwrap_or(&statement.limit);
        let span = statement.start.position.span.to(last.position.span);
        self.state.position = Position { line: statement.do_line, span };
        let skip = self.go_on_or_jump(prepare, base);
        let start = self.label_here();
        self.for_body(statement.first + 3, 1, &statement.body)?;
        self.state.position.line = statement.line;
        self.loop_or_go_on(repeat, base, start)?;
        self.patch_one_to_here(skip)?;
        self.end_locals(outer_locals);
        self.leave_loop()
    }

    #[inline(never)]
    fn generic_for(&mut self, statement: &'c GenericFor<'c>) -> Result<(), Fault> {
        let outer_locals = self.active_locals();
        self.adjusted(&statement.values, 3)?;
        self.activate_locals(statement.first, 3);
        // The callee, the return link and two arguments are where the visible variables start.
        let base = self.room_for(4)?;
        self.state.position.line = statement.do_line;
        let mut prepare = self.emit(Instruction::a_jump(Opcode::ForEachPrepare, base, 0));
        if self.state.long_jumps {
            prepare = self.jump();
        }
        let start = self.label_here();
        self.for_body(statement.first + 3, statement.count, &statement.body)?;
        self.patch_one_to_here(prepare)?;
        if let [first, .., last] | [first @ last] = &statement.values[..] {
            self.state.position.span = first.position.span.to(last.position.span);
        }
        self.state.position.line = statement.line;
        // The parser's limit on locals keeps the number of results small. Arguments: the state and
        // the control.
        self.emit(Instruction::abc(Opcode::ForEachCall, base, statement.count as u8 + 1, 2));
        self.loop_or_go_on(Opcode::ForEachLoop, base, start)?;
        self.end_locals(outer_locals);
        self.leave_loop()
    }

    /// The body of a `for` with its visible variables.
    fn for_body(
        &mut self,
        variable: LocalId,
        count: u32,
        body: &'c Block<'c>,
    ) -> Result<(), Fault> {
        let outer_locals = self.active_locals();
        self.enter_loop();
        self.reserve(count as usize)?;
        self.activate_locals(variable, count);
        self.statements(body)?;
        self.leave_block(body, outer_locals);
        Ok(())
    }

    #[inline(never)]
    fn return_statement(&mut self, values: &'c [Expression<'c>], line: u32) -> Result<(), Fault> {
        match values {
            [call] if call.is_call() => return self.tail_call(call),
            [value] if !value.is_multiple() => {
                let register = self.evaluate_any(value)?;
                self.state.position.line = line;
                self.close_from(0);
                self.emit_return(register, 1);
            }
            _ => {
                let first = self.room_for(0)?;
                let is_open = self.values(values)?;
                let count = self.state.free - usize::from(first);
                self.state.position.line = line;
                self.close_from(0);
                if is_open {
                    self.emit(Instruction::ad(Opcode::ReturnOpen, first, 0));
                } else {
                    self.emit_return(first, count as u16);
                }
            }
        }
        Ok(())
    }

    /// Emits the return of `count` values. The short forms are not for vararg functions, whose
    /// frames are located elsewhere.
    pub(super) fn emit_return(&mut self, first: u8, count: u16) {
        self.emit(match count {
            0 if !self.state.tree.is_vararg => Instruction::ad(Opcode::Return0, 0, 0),
            1 if !self.state.tree.is_vararg => Instruction::ad(Opcode::Return1, first, 0),
            _ => Instruction::ad(Opcode::Return, first, count),
        });
    }
}
