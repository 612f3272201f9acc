//! The instructions in use, one method each. The tests compare them with a disassembler.

use super::super::linear::DoubleOperation;
use super::encoder::{Encoder, Map, Prefix, Size, Vex};
use super::operand::{Flag, General, Memory, Source, Vector};

/// Operations of two integers with the same pattern of opcodes, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add = 0,
    Or = 1,
    And = 4,
    Subtract = 5,
    Xor = 6,
    Compare = 7,
}

/// Shifts, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    Left = 4,
    Right = 5,
    RightSigned = 7,
}

/// Operations on the bits of doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logic {
    And = 0x54,
    Xor = 0x57,
}

/// Directions of rounding, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    Down = 9,
    Up = 10,
}

const SCALAR: Vex = Vex { map: Map::F, prefix: Prefix::F2, is_wide: false, opcode: 0 };
const PACKED: Vex = Vex { map: Map::F, prefix: Prefix::P66, is_wide: false, opcode: 0 };

/// Integers.
impl Encoder {
    pub(super) fn arithmetic(
        &mut self,
        operation: Arithmetic,
        target: General,
        source: Source<General>,
    ) {
        self.legacy(Size::Quad, &[(operation as u8) << 3 | 3], target.0, source, &[]);
    }

    pub(super) fn arithmetic_constant(
        &mut self,
        operation: Arithmetic,
        target: Source<General>,
        constant: i32,
    ) {
        let operation = operation as u8;
        match i8::try_from(constant) {
            Ok(constant) => {
                self.legacy(Size::Quad, &[0x83], operation, target, &constant.to_le_bytes());
            }
            Err(_) => self.legacy(Size::Quad, &[0x81], operation, target, &constant.to_le_bytes()),
        }
    }

    pub(super) fn multiply(&mut self, target: General, source: Source<General>) {
        self.legacy(Size::Quad, &[0x0f, 0xaf], target.0, source, &[]);
    }

    pub(super) fn multiply_constant(
        &mut self,
        target: General,
        source: Source<General>,
        constant: i32,
    ) {
        match i8::try_from(constant) {
            Ok(constant) => {
                self.legacy(Size::Quad, &[0x6b], target.0, source, &constant.to_le_bytes());
            }
            Err(_) => self.legacy(Size::Quad, &[0x69], target.0, source, &constant.to_le_bytes()),
        }
    }

    /// Sets the flags of the bits that both have in common.
    pub(super) fn test(&mut self, left: Source<General>, right: General) {
        self.legacy(Size::Quad, &[0x85], right.0, left, &[]);
    }

    pub(super) fn test_constant(&mut self, left: Source<General>, right: i32) {
        self.legacy(Size::Quad, &[0xf7], 0, left, &right.to_le_bytes());
    }

    pub(super) fn negate(&mut self, target: General) {
        self.legacy(Size::Quad, &[0xf7], 3, target, &[]);
    }

    pub(super) fn shift_constant(&mut self, shift: Shift, target: General, count: u8) {
        self.legacy(Size::Quad, &[0xc1], shift as u8, target, &[count]);
    }

    /// Shifts by a register, modulo 64; leaves the flags alone.
    pub(super) fn shift(
        &mut self,
        shift: Shift,
        target: General,
        source: Source<General>,
        count: General,
    ) {
        let prefix = match shift {
            Shift::Left => Prefix::P66,
            Shift::Right => Prefix::F2,
            Shift::RightSigned => Prefix::F3,
        };
        let vex = Vex { map: Map::F38, prefix, is_wide: true, opcode: 0xf7 };
        self.vex(vex, target.0, count.0, source, &[]);
    }

    /// Divides RDX:RAX; the remainder is in RDX.
    pub(super) fn divide(&mut self, is_signed: bool, divisor: Source<General>) {
        self.legacy(Size::Quad, &[0xf7], if is_signed { 7 } else { 6 }, divisor, &[]);
    }

    /// Extends RAX to RDX:RAX.
    pub(super) fn extend_sign(&mut self) {
        self.extend(&[0x48, 0x99]);
    }

    pub(super) fn load_address(&mut self, target: General, memory: Memory) {
        self.legacy(Size::Quad, &[0x8d], target.0, memory, &[]);
    }

    pub(super) fn move_word(&mut self, target: General, source: Source<General>) {
        self.legacy(Size::Quad, &[0x8b], target.0, source, &[]);
    }

    pub(super) fn move_if(&mut self, flag: Flag, target: General, source: Source<General>) {
        self.legacy(Size::Quad, &[0x0f, 0x40 | flag.0], target.0, source, &[]);
    }

    /// Sets the low byte of RAX to RBX to 1 if the flag is set, else to 0.
    pub(super) fn set_if(&mut self, flag: Flag, target: General) {
        debug_assert!(target.0 < 4);
        self.legacy(Size::Byte, &[0x0f, 0x90 | flag.0], 0, target, &[]);
    }

    /// An "and" or "or" of the low bytes of RAX to RBX.
    pub(super) fn combine_bytes(
        &mut self,
        operation: Arithmetic,
        target: General,
        source: General,
    ) {
        debug_assert!(target.0 < 4 && source.0 < 4);
        self.legacy(Size::Byte, &[(operation as u8) << 3 | 2], target.0, source, &[]);
    }

    /// Extends the low byte of RAX to RBX by zeros.
    pub(super) fn extend_byte(&mut self, target: General, source: General) {
        debug_assert!(source.0 < 4);
        self.legacy(Size::Long, &[0x0f, 0xb6], target.0, source, &[]);
    }

    /// Sets a register to zero; destroys the flags.
    pub(super) fn clear(&mut self, target: General) {
        self.legacy(Size::Long, &[0x31], target.0, target, &[]);
    }

    /// Sets a register; leaves the flags alone.
    pub(super) fn load_constant(&mut self, target: General, constant: i64) {
        if let Ok(constant) = u32::try_from(constant) {
            if target.0 >= 8 {
                self.byte(0x41);
            }
            self.byte(0xb8 | target.0 & 7);
            self.extend(&constant.to_le_bytes());
        } else if let Ok(constant) = i32::try_from(constant) {
            self.legacy(Size::Quad, &[0xc7], 0, target, &constant.to_le_bytes());
        } else {
            self.extend(&[0x48 | target.0 >> 3, 0xb8 | target.0 & 7]);
            self.extend(&constant.to_le_bytes());
        }
    }
}

/// Memory.
impl Encoder {
    /// Loads a word of the size, extended by zeros.
    pub(super) fn load(&mut self, size: Size, target: General, memory: Memory) {
        match size {
            Size::Byte => self.legacy(Size::Long, &[0x0f, 0xb6], target.0, memory, &[]),
            Size::Short => self.legacy(Size::Long, &[0x0f, 0xb7], target.0, memory, &[]),
            Size::Long | Size::Quad => self.legacy(size, &[0x8b], target.0, memory, &[]),
        }
    }

    /// Loads 32 bits, extended by the sign.
    pub(super) fn load_signed(&mut self, target: General, memory: Memory) {
        self.legacy(Size::Quad, &[0x63], target.0, memory, &[]);
    }

    pub(super) fn store(&mut self, size: Size, memory: Memory, source: General) {
        let opcode = if size == Size::Byte { 0x88 } else { 0x89 };
        self.legacy(size, &[opcode], source.0, memory, &[]);
    }

    /// Stores the low bits of a constant, extended by the sign to 64 bits.
    pub(super) fn store_constant(&mut self, size: Size, memory: Memory, constant: i32) {
        let bytes = constant.to_le_bytes();
        match size {
            Size::Byte => self.legacy(Size::Byte, &[0xc6], 0, memory, &bytes[..1]),
            Size::Short => self.legacy(Size::Short, &[0xc7], 0, memory, &bytes[..2]),
            Size::Long | Size::Quad => self.legacy(size, &[0xc7], 0, memory, &bytes),
        }
    }
}

/// Doubles.
impl Encoder {
    pub(super) fn double_operation(
        &mut self,
        operation: DoubleOperation,
        target: Vector,
        left: Vector,
        right: Source<Vector>,
    ) {
        let opcode = match operation {
            DoubleOperation::Add => 0x58,
            DoubleOperation::Multiply => 0x59,
            DoubleOperation::Subtract => 0x5c,
            DoubleOperation::Divide => 0x5e,
        };
        self.vex(Vex { opcode, ..SCALAR }, target.0, left.0, right, &[]);
    }

    pub(super) fn square_root(&mut self, target: Vector, source: Vector) {
        self.vex(Vex { opcode: 0x51, ..SCALAR }, target.0, source.0, source, &[]);
    }

    pub(super) fn round(&mut self, rounding: Rounding, target: Vector, source: Vector) {
        let vex = Vex { map: Map::F3A, opcode: 0x0b, ..PACKED };
        self.vex(vex, target.0, source.0, source, &[rounding as u8]);
    }

    /// Reads 16 bytes if the right operand is in memory.
    pub(super) fn logic(
        &mut self,
        logic: Logic,
        target: Vector,
        left: Vector,
        right: Source<Vector>,
    ) {
        self.vex(Vex { opcode: logic as u8, ..PACKED }, target.0, left.0, right, &[]);
    }

    /// Sets a register to zero; leaves the flags alone.
    pub(super) fn clear_double(&mut self, target: Vector) {
        self.logic(Logic::Xor, target, target, Source::Register(target));
    }

    pub(super) fn compare_doubles(&mut self, left: Vector, right: Source<Vector>) {
        self.vex(Vex { opcode: 0x2e, ..PACKED }, left.0, 0, right, &[]);
    }

    pub(super) fn move_double(&mut self, target: Vector, source: Source<Vector>) {
        match source {
            Source::Register(source) => {
                self.vex(Vex { opcode: 0x28, ..PACKED }, target.0, 0, source, &[]);
            }
            Source::Memory(memory) => {
                self.vex(Vex { opcode: 0x10, ..SCALAR }, target.0, 0, memory, &[]);
            }
        }
    }

    pub(super) fn store_double(&mut self, memory: Memory, source: Vector) {
        self.vex(Vex { opcode: 0x11, ..SCALAR }, source.0, 0, memory, &[]);
    }

    /// Converts a signed integer; the upper half is that of the target before.
    pub(super) fn convert_integer(&mut self, target: Vector, source: Source<General>) {
        let vex = Vex { opcode: 0x2a, is_wide: true, ..SCALAR };
        self.vex(vex, target.0, target.0, source, &[]);
    }

    /// Converts to a signed integer, truncated.
    pub(super) fn convert_double(&mut self, target: General, source: Source<Vector>) {
        let vex = Vex { opcode: 0x2c, is_wide: true, ..SCALAR };
        self.vex(vex, target.0, 0, source, &[]);
    }

    pub(super) fn bits_to_double(&mut self, target: Vector, source: General) {
        let vex = Vex { opcode: 0x6e, is_wide: true, ..PACKED };
        self.vex(vex, target.0, 0, source, &[]);
    }

    pub(super) fn double_to_bits(&mut self, target: General, source: Vector) {
        let vex = Vex { opcode: 0x7e, is_wide: true, ..PACKED };
        self.vex(vex, source.0, 0, target, &[]);
    }
}

/// Calls and returns.
impl Encoder {
    pub(super) fn call(&mut self, target: General) {
        self.legacy(Size::Long, &[0xff], 2, target, &[]);
    }

    pub(super) fn jump_to(&mut self, target: General) {
        self.legacy(Size::Long, &[0xff], 4, target, &[]);
    }

    pub(super) fn ret(&mut self) {
        self.byte(0xc3);
    }
}
