//! The encoding of x86-64 instructions: prefixes, operands and constants.
//!
//! Constants of 64 bits are placed after the code, which refers to them by their distance, so the
//! code can be moved. Some instructions read 16 bytes there and use the first 8 of them: another 8
//! bytes follow the last constant.

use super::layout::{Jump, Layout, Position};
use super::operand::{AnySource, Flag, General, Memory};

/// The size of an operation on general registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Byte,
    /// 16 bits.
    Short,
    /// 32 bits; the upper half of a target register is cleared.
    Long,
    /// 64 bits.
    Quad,
}

/// The opcode maps of VEX instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    F = 1,
    F38 = 2,
    F3A = 3,
}

/// The mandatory prefixes of VEX instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    P66 = 1,
    F3 = 2,
    F2 = 3,
}

/// The fixed part of a VEX instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vex {
    pub(super) map: Map,
    pub(super) prefix: Prefix,
    pub(super) is_wide: bool,
    pub(super) opcode: u8,
}

/// A place in the code that jumps go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

/// The position of a label that is not bound yet.
const UNBOUND: Position = Position { offset: u32::MAX, jumps: 0 };

/// A use of a constant: where its distance is, and how many bytes of the instruction follow.
struct ConstantUse {
    position: Position,
    constant: u32,
    trailing: u32,
}

/// Code in progress.
#[derive(Default)]
pub(super) struct Encoder {
    /// Without jumps.
    bytes: Vec<u8>,
    constants: Vec<u64>,
    constant_uses: Vec<ConstantUse>,
    labels: Vec<Position>,
    jumps: Vec<Jump>,
}

/// Finished code.
pub(super) struct Code {
    pub(super) bytes: Vec<u8>,
    layout: Layout,
}

impl Code {
    /// The offset of a position.
    pub(super) fn offset(&self, position: Position) -> usize {
        self.layout.offset(position) as usize
    }
}

impl Encoder {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn long(&mut self, value: i32) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Makes room for code of this size.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// The position of the next instruction.
    pub(super) fn position(&self) -> Position {
        Position { offset: self.bytes.len() as u32, jumps: self.jumps.len() as u32 }
    }

    /// The upper bits of an index and of a base or register.
    fn upper_bits(source: AnySource) -> (u8, u8) {
        match source {
            AnySource::Register(number) | AnySource::Memory(Memory::Base(General(number), _)) => {
                (0, number >> 3)
            }
            AnySource::Memory(Memory::Indexed { base, index, .. }) => (index.0 >> 3, base.0 >> 3),
            AnySource::Memory(Memory::Constant(_)) => (0, 0),
        }
    }

    /// The bytes ModRM and SIB, and the displacement; `trailing` bytes follow them.
    fn operands(&mut self, field: u8, source: AnySource, trailing: usize) {
        let field = (field & 7) << 3;
        let (base, index, offset) = match source {
            AnySource::Register(number) => return self.byte(0xc0 | field | number & 7),
            AnySource::Memory(Memory::Constant(constant)) => {
                self.byte(field | 5);
                let (position, trailing) = (self.position(), trailing as u32);
                self.constant_uses.push(ConstantUse { position, constant, trailing });
                return self.long(0);
            }
            AnySource::Memory(Memory::Base(base, offset)) => (base, None, offset),
            AnySource::Memory(Memory::Indexed { base, index, shift, offset }) => {
                (base, Some((index, shift)), offset)
            }
        };
        let base = base.0 & 7;
        // Without a displacement, 5 as the base has another meaning.
        let mode = match offset {
            0 if base != 5 => 0,
            -128..=127 => 0x40,
            _ => 0x80,
        };
        match index {
            Some((index, shift)) => {
                self.byte(mode | field | 4);
                self.byte(shift << 6 | (index.0 & 7) << 3 | base);
            }
            // 4 as the base means that a SIB byte follows; its index 4 means none.
            None if base == 4 => {
                self.byte(mode | field | 4);
                self.byte(0x24);
            }
            None => self.byte(mode | field | base),
        }
        match mode {
            0 => {}
            0x40 => self.byte(offset as u8),
            _ => self.long(offset),
        }
    }

    /// An instruction without a VEX prefix. `field` is a register or a part of the opcode.
    pub(super) fn legacy(
        &mut self,
        size: Size,
        opcode: &[u8],
        field: u8,
        source: impl Into<AnySource>,
        immediate: &[u8],
    ) {
        let source = source.into();
        let (index, base) = Self::upper_bits(source);
        if size == Size::Short {
            self.byte(0x66);
        }
        let rex = u8::from(size == Size::Quad) << 3 | field >> 3 << 2 | index << 1 | base;
        // Without a REX prefix, the bytes 4 to 7 are the upper halves of others.
        if rex != 0 || size == Size::Byte && field >= 4 {
            self.byte(0x40 | rex);
        }
        self.bytes.extend(opcode);
        self.operands(field, source, immediate.len());
        self.bytes.extend(immediate);
    }

    /// An instruction with a VEX prefix; `second` is the first of two source registers.
    pub(super) fn vex(
        &mut self,
        vex: Vex,
        field: u8,
        second: u8,
        source: impl Into<AnySource>,
        immediate: &[u8],
    ) {
        let source = source.into();
        let (index, base) = Self::upper_bits(source);
        let upper = field >> 3 ^ 1;
        let last = (second ^ 15) << 3 | vex.prefix as u8;
        if vex.map == Map::F && !vex.is_wide && index == 0 && base == 0 {
            self.bytes.extend([0xc5, upper << 7 | last]);
        } else {
            let middle = upper << 7 | (index ^ 1) << 6 | (base ^ 1) << 5 | vex.map as u8;
            self.bytes.extend([0xc4, middle, u8::from(vex.is_wide) << 7 | last]);
        }
        self.byte(vex.opcode);
        self.operands(field, source, immediate.len());
        self.bytes.extend(immediate);
    }

    /// An operand that is a constant of the code.
    pub(super) fn constant(&mut self, bits: u64) -> Memory {
        let known = self.constants.iter().position(|&constant| constant == bits);
        let number = known.unwrap_or_else(|| {
            self.constants.push(bits);
            self.constants.len() - 1
        });
        Memory::Constant(number as u32)
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Sets the label to the next instruction.
    pub(super) fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND);
        self.labels[label.0 as usize] = self.position();
    }

    /// Sets the label to the same place as another one, which is bound.
    pub(super) fn bind_same(&mut self, label: Label, other: Label) {
        self.labels[label.0 as usize] = self.labels[other.0 as usize];
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.jumps.push(Jump { offset: self.bytes.len() as u32, label: label.0, flag: None });
    }

    pub(super) fn jump_if(&mut self, flag: Flag, label: Label) {
        let flag = Some(flag);
        self.jumps.push(Jump { offset: self.bytes.len() as u32, label: label.0, flag });
    }

    /// Adds the jumps and the constants.
    pub(super) fn finish(self) -> Code {
        debug_assert!(self.jumps.iter().all(|jump| self.labels[jump.label as usize] != UNBOUND));
        let layout = Layout::of(&self.jumps, &self.labels);
        let mut bytes = layout.assemble(&self.bytes, &self.jumps, &self.labels);
        if self.constants.is_empty() {
            return Code { bytes, layout };
        }
        let first = bytes.len().next_multiple_of(16);
        bytes.resize(first, 0xcc);
        for constant in &self.constants {
            bytes.extend(constant.to_le_bytes());
        }
        bytes.extend(0u64.to_le_bytes());
        for constant_use in &self.constant_uses {
            let place = layout.offset(constant_use.position);
            let end = place + 4 + constant_use.trailing;
            let distance = first as u32 + 8 * constant_use.constant - end;
            bytes[place as usize..][..4].copy_from_slice(&distance.to_le_bytes());
        }
        Code { bytes, layout }
    }
}
