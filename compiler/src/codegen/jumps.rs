//! Jumps whose target is not known yet, and the two ways to write a conditional one: in a single
//! instruction with a 16-bit distance, or, when a function turns out to be too long for that, over
//! an unconditional jump of 24 bits.

use super::Generator;
use crate::bytecode::instruction::{MAX_JUMP, MAX_SHORT_JUMP};
use crate::bytecode::{Format, Instruction, Opcode};
use crate::error::Fault;

/// The positions of instructions that jump to a place which is not known yet.
#[derive(Default)]
pub(super) struct JumpList(Vec<usize>);

impl JumpList {
    pub(super) fn push(&mut self, position: usize) {
        self.0.push(position);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Generator<'_> {
    /// The position of the next instruction, to which something will jump.
    pub(super) fn label_here(&mut self) -> usize {
        let here = self.state.code.len();
        self.state.last_target = here;
        here
    }

    /// Emits an unconditional forward jump.
    pub(super) fn jump(&mut self) -> usize {
        self.emit(Instruction::jump(Opcode::Jump, 0))
    }

    /// Emits the jump of a loop, back to `target`.
    pub(super) fn loop_to(&mut self, target: usize) -> Result<(), Fault> {
        let position = self.emit(Instruction::jump(Opcode::Loop, 0));
        self.set_target(position, target)
    }

    /// Emits a jump taken if the truth of the register's value is `when`.
    pub(super) fn jump_if(&mut self, register: u8, when: bool, jumps: &mut JumpList) {
        let opcode = |when| if when { Opcode::JumpIfTrue } else { Opcode::JumpIfFalse };
        let position = if self.state.long_jumps {
            self.emit(Instruction::a_jump(opcode(!when), register, 1));
            self.jump()
        } else {
            self.emit(Instruction::a_jump(opcode(when), register, 0))
        };
        jumps.push(position);
    }

    /// Emits an instruction that falls through or jumps forward, and returns the position to give
    /// the target to.
    pub(super) fn go_on_or_jump(&mut self, opcode: Opcode, a: u8) -> usize {
        if !self.state.long_jumps {
            return self.emit(Instruction::a_jump(opcode, a, 0));
        }
        self.emit(Instruction::a_jump(opcode, a, 1));
        self.emit(Instruction::jump(Opcode::Jump, 1));
        self.jump()
    }

    /// Emits an instruction that jumps back to `target` or falls through.
    pub(super) fn loop_or_go_on(
        &mut self,
        opcode: Opcode,
        a: u8,
        target: usize,
    ) -> Result<(), Fault> {
        if !self.state.long_jumps {
            let position = self.emit(Instruction::a_jump(opcode, a, 0));
            return self.set_target(position, target);
        }
        self.emit(Instruction::a_jump(opcode, a, 1));
        self.emit(Instruction::jump(Opcode::Jump, 1));
        self.loop_to(target)
    }

    /// Points the jumps at the next instruction.
    pub(super) fn patch_to_here(&mut self, jumps: JumpList) -> Result<(), Fault> {
        if !jumps.is_empty() {
            let here = self.label_here();
            for position in jumps.0 {
                self.set_target(position, here)?;
            }
        }
        Ok(())
    }

    /// Points one jump at the next instruction.
    pub(super) fn patch_one_to_here(&mut self, position: usize) -> Result<(), Fault> {
        let here = self.label_here();
        self.set_target(position, here)
    }

    pub(super) fn set_target(&mut self, position: usize, target: usize) -> Result<(), Fault> {
        let distance = target as i64 - (position as i64 + 1);
        let distance = i32::try_from(distance).ok().filter(|distance| distance.abs() <= MAX_JUMP);
        let distance = distance.ok_or_else(|| self.error("control structure too long"))?;
        let state = &mut *self.state;
        let Some(instruction) = state.code.get_mut(position) else { return Ok(()) };
        let Some(opcode) = instruction.opcode() else { return Ok(()) };
        *instruction = if opcode.format() == Format::J {
            Instruction::jump(opcode, distance)
        } else {
            state.is_too_far |= distance.abs() > MAX_SHORT_JUMP;
            Instruction::a_jump(opcode, instruction.a(), distance as i16)
        };
        Ok(())
    }
}
