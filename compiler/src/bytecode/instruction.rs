//! One 32-bit instruction: encoding and decoding of its fields.

use super::opcode::{Opcode, Operand};

/// An encoded instruction. Bits 0-7 are the opcode, 8-15 A, 16-23 B, 24-31 C; D is bits 16-31, J is
/// bits 8-31.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instruction(pub u32);

/// The largest distance that D can hold, forward or backward.
pub const MAX_SHORT_JUMP: i32 = i16::MAX as i32;
/// The largest distance that J can hold, forward or backward.
pub const MAX_JUMP: i32 = (1 << 23) - 1;

impl Instruction {
    /// An instruction with the operands A, B and C.
    pub const fn abc(opcode: Opcode, a: u8, b: u8, c: u8) -> Self {
        Instruction(opcode as u32 | (a as u32) << 8 | (b as u32) << 16 | (c as u32) << 24)
    }

    /// An instruction with the operands A and D.
    pub const fn ad(opcode: Opcode, a: u8, d: u16) -> Self {
        Instruction(opcode as u32 | (a as u32) << 8 | (d as u32) << 16)
    }

    /// An instruction with A and a signed distance in D, which is at most `MAX_SHORT_JUMP`.
    pub const fn a_jump(opcode: Opcode, a: u8, distance: i16) -> Self {
        Self::ad(opcode, a, distance as u16)
    }

    /// A jump by J, which is at most `MAX_JUMP`.
    pub const fn jump(opcode: Opcode, distance: i32) -> Self {
        Instruction(opcode as u32 | (distance as u32) << 8)
    }

    /// The operation, if the opcode bits hold one (the word after some instructions is data).
    pub fn opcode(self) -> Option<Opcode> {
        Opcode::of_number(self.0 as u8)
    }

    /// The same instruction with its opcode's [second number](Opcode::entry), if it has one.
    pub fn as_entry(self) -> Option<Instruction> {
        let number = self.opcode()?.entry()?;
        Some(Instruction(self.0 & !0xff | u32::from(number)))
    }

    /// Operand A.
    pub const fn a(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Operand B.
    pub const fn b(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Operand C.
    pub const fn c(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// Operand D.
    pub const fn d(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Operand D as a signed distance.
    pub const fn short_jump(self) -> i16 {
        (self.0 >> 16) as i16
    }

    /// Operand J.
    pub const fn j(self) -> i32 {
        self.0 as i32 >> 8
    }

    /// The distance of its jump, if it has one.
    pub fn jump_distance(self) -> Option<i32> {
        let &(letter, operand) = self.opcode()?.operands().last()?;
        (operand == Operand::Jump).then(|| self.operand(letter, operand))
    }

    /// The value of the operand with that letter, and whether it is signed.
    pub fn operand(self, letter: char, meaning: Operand) -> i32 {
        match letter {
            'A' => i32::from(self.a()),
            'B' => i32::from(self.b()),
            'C' => i32::from(self.c()),
            'J' => self.j(),
            _ if meaning == Operand::Jump => i32::from(self.short_jump()),
            _ => i32::from(self.d()),
        }
    }
}
