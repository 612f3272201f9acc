//! Registers: reserving them, and loading what needs no evaluation.

use super::Generator;
use super::fold::Literal;
use crate::bytecode::{Instruction, Opcode};
use crate::error::Fault;

/// The number of registers that a function may have.
const MAX_REGISTERS: usize = 250;

/// The primitives' numbers in the operand of that kind.
pub(super) const NIL: u16 = 0;
pub(super) const FALSE: u16 = 1;
pub(super) const TRUE: u16 = 2;

impl Generator<'_> {
    /// Makes the frame cover `count` registers from the first free one on, which it returns. None
    /// is reserved.
    pub(super) fn room_for(&mut self, count: usize) -> Result<u8, Fault> {
        let end = self.state.free + count;
        if end > MAX_REGISTERS {
            return Err(self.error("function or expression too complex"));
        }
        self.state.frame_size = self.state.frame_size.max(end);
        Ok(self.state.free as u8)
    }

    /// Reserves `count` registers and returns the first.
    pub(super) fn reserve(&mut self, count: usize) -> Result<u8, Fault> {
        let first = self.room_for(count)?;
        self.state.free += count;
        Ok(first)
    }

    pub(super) fn move_register(&mut self, target: u8, source: u8) {
        if target != source {
            self.emit(Instruction::ad(Opcode::Move, target, u16::from(source)));
        }
    }

    pub(super) fn load_primitive(&mut self, target: u8, primitive: u16) {
        self.emit(Instruction::ad(Opcode::LoadPrimitive, target, primitive));
    }

    /// Loads nil into `count` registers, together with those just before if the last instruction
    /// did that.
    pub(super) fn load_nil(&mut self, first: u8, count: usize) {
        let Some(last) = (usize::from(first) + count).checked_sub(1).filter(|_| count > 0) else {
            return;
        };
        let state = &mut *self.state;
        if state.code.len() > state.last_target
            && let Some(previous) = state.code.last_mut()
        {
            let previous_last = match previous.opcode() {
                Some(Opcode::LoadNil) => Some(previous.d()),
                Some(Opcode::LoadPrimitive) if previous.d() == NIL => Some(u16::from(previous.a())),
                _ => None,
            };
            if previous_last.map(|register| register + 1) == Some(u16::from(first)) {
                *previous = Instruction::ad(Opcode::LoadNil, previous.a(), last as u16);
                return;
            }
        }
        if count == 1 {
            self.load_primitive(first, NIL);
        } else {
            self.emit(Instruction::ad(Opcode::LoadNil, first, last as u16));
        }
    }

    pub(super) fn load_literal(&mut self, target: u8, literal: &Literal) {
        let index = match literal {
            Literal::Nil => return self.load_nil(target, 1),
            Literal::Boolean(value) => {
                return self.load_primitive(target, if *value { TRUE } else { FALSE });
            }
            Literal::Number(value) => self.state.constants.number(*value),
            Literal::String(text) => self.state.constants.string(text),
        };
        self.load_constant(target, index);
    }

    pub(super) fn load_constant(&mut self, target: u8, index: usize) {
        match u16::try_from(index) {
            Ok(index) => {
                self.emit(Instruction::ad(Opcode::LoadConstant, target, index));
            }
            Err(_) => {
                self.emit(Instruction::ad(Opcode::LoadConstantWide, target, 0));
                self.emit(Instruction(index as u32));
            }
        }
    }
}
