//! Registers, memory operands and flags of x86-64.

/// A general register, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct General(pub(super) u8);

pub(super) const RAX: General = General(0);
pub(super) const RCX: General = General(1);
pub(super) const RDX: General = General(2);
pub(super) const RBX: General = General(3);
pub(super) const RSP: General = General(4);
pub(super) const RBP: General = General(5);
pub(super) const RSI: General = General(6);
pub(super) const RDI: General = General(7);

/// A vector register, by number. Only its lower 64 bits are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vector(pub(super) u8);

pub(super) const XMM14: Vector = Vector(14);
pub(super) const XMM15: Vector = Vector(15);

/// An operand in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// At `base + offset`.
    Base(General, i32),
    /// At `base + (index << shift) + offset`; the index is not RSP.
    Indexed { base: General, index: General, shift: u8, offset: i32 },
    /// A constant of the code, by its number.
    Constant(u32),
}

/// An operand that is a register or in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<R> {
    Register(R),
    Memory(Memory),
}

/// The same, without the class of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnySource {
    Register(u8),
    Memory(Memory),
}

impl From<General> for AnySource {
    fn from(register: General) -> AnySource {
        AnySource::Register(register.0)
    }
}

impl From<Vector> for AnySource {
    fn from(register: Vector) -> AnySource {
        AnySource::Register(register.0)
    }
}

impl From<Memory> for AnySource {
    fn from(memory: Memory) -> AnySource {
        AnySource::Memory(memory)
    }
}

impl<R: Into<AnySource>> From<Source<R>> for AnySource {
    fn from(source: Source<R>) -> AnySource {
        match source {
            Source::Register(register) => register.into(),
            Source::Memory(memory) => memory.into(),
        }
    }
}

/// A condition on the flags, by its number in the opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) u8);

impl Flag {
    pub(super) const BELOW: Flag = Flag(2);
    pub(super) const ABOVE_OR_EQUAL: Flag = Flag(3);
    pub(super) const EQUAL: Flag = Flag(4);
    pub(super) const NOT_EQUAL: Flag = Flag(5);
    pub(super) const BELOW_OR_EQUAL: Flag = Flag(6);
    pub(super) const ABOVE: Flag = Flag(7);
    pub(super) const NEGATIVE: Flag = Flag(8);
    /// After a comparison of doubles: one of them is NaN.
    pub(super) const UNORDERED: Flag = Flag(10);
    pub(super) const ORDERED: Flag = Flag(11);
    pub(super) const LESS: Flag = Flag(12);
    pub(super) const GREATER_OR_EQUAL: Flag = Flag(13);
    pub(super) const LESS_OR_EQUAL: Flag = Flag(14);
    pub(super) const GREATER: Flag = Flag(15);

    pub(super) fn inverse(self) -> Flag {
        Flag(self.0 ^ 1)
    }
}
