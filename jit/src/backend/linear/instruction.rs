//! Instructions of the linear form and their operands.
//!
//! Each instruction reads all its operands before it writes its target. An instruction with an exit
//! also reads all registers of that exit.

use super::function::{ExitId, Span};

/// The two kinds of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 64 bits: an integer, an address, or the bits of a value.
    Integer,
    /// A double.
    Double,
}

/// A virtual register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Register(pub(crate) u32);

impl Register {
    /// The address of the frame's slots.
    pub const BASE: Register = Register(0);
    /// The address of the caller's state.
    pub const CONTEXT: Register = Register(1);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether its value is given at the entry.
    pub fn is_fixed(self) -> bool {
        self.0 < 2
    }
}

/// A block of instructions; the last one, and only that one, is a terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block(pub(crate) u32);

impl Block {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value that an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The value of a register.
    Register(Register),
    /// An integer.
    Integer(i64),
    /// A double, as its bits.
    Double(u64),
}

/// `base + 8 * index + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// A register of class integer or an integer.
    pub base: Operand,
    /// A register of class integer.
    pub index: Option<Register>,
    /// In bytes.
    pub offset: i32,
}

/// How many bytes are loaded or stored, and how they are extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 64 bits.
    Word,
    /// 32 bits, extended by zeros.
    U32,
    /// 32 bits, extended by the sign.
    S32,
    /// 16 bits, extended by zeros.
    U16,
    /// 8 bits, extended by zeros.
    U8,
    /// A double.
    Double,
}

/// Operations on two integers; all wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegerOperation {
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
    /// The bits set in both.
    And,
    /// The bits set in one of them.
    Or,
    /// The bits set in exactly one of them.
    Xor,
    /// Shift left, by the right operand modulo 64.
    ShiftLeft,
    /// Shift right and fill with zeros, by the right operand modulo 64.
    ShiftRight,
    /// Shift right and fill with the sign, by the right operand modulo 64.
    ShiftRightSigned,
    /// The remainder of unsigned integers. The divisor must not be zero.
    Remainder,
    /// The remainder of signed integers; its sign is the dividend's. The divisor must not be zero.
    RemainderSigned,
}

/// Operations on two doubles. Of two NaNs the left one is the result, made quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubleOperation {
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
    /// The quotient.
    Divide,
}

/// Operations on one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperation {
    /// The next whole number at or below a double.
    Floor,
    /// The next whole number at or above a double.
    Ceil,
    /// The square root of a double.
    SquareRoot,
    /// A double without its sign, also of a NaN.
    Absolute,
    /// A double with the other sign, also of a NaN.
    Negate,
    /// A signed integer as a double, rounded to the nearest.
    ToDouble,
    /// A double as a signed integer, truncated; `i64::MIN` where it has none, and for NaN.
    ToInteger,
    /// The double that has these bits.
    FromBits,
    /// The bits of a double.
    ToBits,
}

/// Comparisons of two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegerComparison {
    /// They are equal.
    Equal,
    /// They are not equal.
    NotEqual,
    /// Signed less.
    Less,
    /// Signed less or equal.
    LessOrEqual,
    /// Signed greater.
    Greater,
    /// Signed greater or equal.
    GreaterOrEqual,
    /// Unsigned less.
    Below,
    /// Unsigned less or equal.
    BelowOrEqual,
    /// Unsigned greater.
    Above,
    /// Unsigned greater or equal.
    AboveOrEqual,
    /// They have a set bit in common.
    AnyBit,
    /// They have no set bit in common.
    NoBit,
}

/// Comparisons of two doubles. "Greater" is "less" with the operands exchanged; the negations hold
/// if an operand is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubleComparison {
    /// They are equal.
    Equal,
    /// They are not equal, or not ordered.
    NotEqual,
    /// The left one is less.
    Less,
    /// Not [`DoubleComparison::Less`].
    NotLess,
    /// The left one is less, or they are equal.
    LessOrEqual,
    /// Not [`DoubleComparison::LessOrEqual`].
    NotLessOrEqual,
    /// Neither is NaN.
    Ordered,
    /// One of them is NaN.
    Unordered,
}

/// A comparison and its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Of two integers.
    Integer(IntegerComparison, Operand, Operand),
    /// Of two doubles.
    Double(DoubleComparison, Operand, Operand),
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named for what the variants describe")]
pub enum Instruction {
    /// Copies a value within its class.
    Move { target: Register, source: Operand },
    /// Loads from memory.
    Load { target: Register, width: Width, address: Address },
    /// Stores the low bits of an integer, or a double, to memory.
    Store { source: Operand, width: Width, address: Address },
    /// Computes with integers.
    Integer { operation: IntegerOperation, target: Register, left: Operand, right: Operand },
    /// Computes with doubles.
    Double { operation: DoubleOperation, target: Register, left: Operand, right: Operand },
    /// Computes with one operand.
    Unary { operation: UnaryOperation, target: Register, operand: Operand },
    /// Sets an integer to 1 if the condition holds, else to 0.
    Set { target: Register, condition: Condition },
    /// Copies one of two values of the target's class.
    Select { target: Register, condition: Condition, yes: Operand, no: Operand },
    /// Calls the `extern "C"` function at an address, with up to [`MAX_ARGUMENTS`] integers.
    Call { target: Register, function: u64, arguments: Span },
    /// Subtracts one from the budget and leaves if it is then below zero.
    Charge { budget: Register, exit: ExitId },
    /// Moves BASE by a number of bytes.
    Rebase { distance: i32 },
    /// Leaves if the condition holds.
    Leave { condition: Condition, exit: ExitId },
    /// Terminator: leaves.
    Exit { exit: ExitId },
    /// Terminator: continues in a block.
    Jump { to: Block },
    /// Terminator: continues in one of two blocks.
    Branch { condition: Condition, yes: Block, no: Block },
    /// Terminator: continues at the start of another unit's code, which gets `base` as its BASE.
    Tail { base: Operand, code: Operand },
    /// Terminator: returns an integer to the caller.
    Return { value: Operand },
}

/// The largest number of arguments of a call.
pub const MAX_ARGUMENTS: usize = 4;

impl Operand {
    /// The register, if it is one.
    pub fn register(self) -> Option<Register> {
        match self {
            Operand::Register(register) => Some(register),
            _ => None,
        }
    }
}

impl IntegerOperation {
    /// Whether the operands may be exchanged.
    pub fn commutes(self) -> bool {
        use IntegerOperation::*;
        matches!(self, Add | Multiply | And | Or | Xor)
    }
}

impl DoubleOperation {
    /// Whether the operands may be exchanged, unless both are NaN.
    pub fn commutes(self) -> bool {
        matches!(self, DoubleOperation::Add | DoubleOperation::Multiply)
    }
}

impl UnaryOperation {
    /// The class of its operand.
    pub fn operand_class(self) -> Class {
        match self {
            UnaryOperation::ToDouble | UnaryOperation::FromBits => Class::Integer,
            _ => Class::Double,
        }
    }

    /// The class of its result.
    pub fn result_class(self) -> Class {
        match self {
            UnaryOperation::ToInteger | UnaryOperation::ToBits => Class::Integer,
            _ => Class::Double,
        }
    }
}

impl IntegerComparison {
    /// The comparison that holds where this one does not.
    pub fn inverse(self) -> IntegerComparison {
        use IntegerComparison::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            Less => GreaterOrEqual,
            LessOrEqual => Greater,
            Greater => LessOrEqual,
            GreaterOrEqual => Less,
            Below => AboveOrEqual,
            BelowOrEqual => Above,
            Above => BelowOrEqual,
            AboveOrEqual => Below,
            AnyBit => NoBit,
            NoBit => AnyBit,
        }
    }

    /// The same comparison of exchanged operands.
    pub fn exchanged(self) -> IntegerComparison {
        use IntegerComparison::*;
        match self {
            Less => Greater,
            LessOrEqual => GreaterOrEqual,
            Greater => Less,
            GreaterOrEqual => LessOrEqual,
            Below => Above,
            BelowOrEqual => AboveOrEqual,
            Above => Below,
            AboveOrEqual => BelowOrEqual,
            Equal | NotEqual | AnyBit | NoBit => self,
        }
    }
}

impl DoubleComparison {
    /// The comparison that holds where this one does not.
    pub fn inverse(self) -> DoubleComparison {
        use DoubleComparison::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            Less => NotLess,
            NotLess => Less,
            LessOrEqual => NotLessOrEqual,
            NotLessOrEqual => LessOrEqual,
            Ordered => Unordered,
            Unordered => Ordered,
        }
    }
}

impl Condition {
    /// The condition that holds where this one does not.
    pub fn inverse(self) -> Condition {
        match self {
            Condition::Integer(comparison, left, right) => {
                Condition::Integer(comparison.inverse(), left, right)
            }
            Condition::Double(comparison, left, right) => {
                Condition::Double(comparison.inverse(), left, right)
            }
        }
    }

    /// Its operands.
    pub fn operands(self) -> [Operand; 2] {
        match self {
            Condition::Integer(_, left, right) | Condition::Double(_, left, right) => [left, right],
        }
    }
}

impl Instruction {
    /// The register that it writes.
    pub fn definition(&self) -> Option<Register> {
        match *self {
            Instruction::Charge { budget, .. } => Some(budget),
            Instruction::Move { target, .. }
            | Instruction::Load { target, .. }
            | Instruction::Integer { target, .. }
            | Instruction::Double { target, .. }
            | Instruction::Unary { target, .. }
            | Instruction::Set { target, .. }
            | Instruction::Select { target, .. }
            | Instruction::Call { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The field that holds the register it writes and does not read.
    pub(super) fn target_mut(&mut self) -> Option<&mut Register> {
        match self {
            Instruction::Move { target, .. }
            | Instruction::Load { target, .. }
            | Instruction::Integer { target, .. }
            | Instruction::Double { target, .. }
            | Instruction::Unary { target, .. }
            | Instruction::Set { target, .. }
            | Instruction::Select { target, .. }
            | Instruction::Call { target, .. } => Some(target),
            _ => None,
        }
    }

    /// Whether it does nothing but write its target, so that it can be left out.
    pub fn is_pure(&self) -> bool {
        matches!(
            self,
            Instruction::Move { .. }
                | Instruction::Load { .. }
                | Instruction::Integer { .. }
                | Instruction::Double { .. }
                | Instruction::Unary { .. }
                | Instruction::Set { .. }
                | Instruction::Select { .. }
        )
    }

    /// Whether it ends a block.
    pub fn is_terminator(&self) -> bool {
        matches!(
            self,
            Instruction::Exit { .. }
                | Instruction::Jump { .. }
                | Instruction::Branch { .. }
                | Instruction::Tail { .. }
                | Instruction::Return { .. }
        )
    }

    /// The exit through which it may leave.
    pub fn exit(&self) -> Option<ExitId> {
        match *self {
            Instruction::Charge { exit, .. }
            | Instruction::Leave { exit, .. }
            | Instruction::Exit { exit } => Some(exit),
            _ => None,
        }
    }

    /// The blocks in which it may continue.
    pub fn successors(&self) -> [Option<Block>; 2] {
        match *self {
            Instruction::Jump { to } => [Some(to), None],
            Instruction::Branch { yes, no, .. } => [Some(yes), Some(no)],
            _ => [None, None],
        }
    }

    /// Calls `visit` for each operand, except the arguments of a call and the registers of an exit.
    #[inline]
    pub(super) fn operands(&self, mut visit: impl FnMut(Operand)) {
        let mut both = |pair: [Operand; 2]| pair.into_iter().for_each(&mut visit);
        let of_address = |address: Address| (address.base, address.index.map(Operand::Register));
        match *self {
            Instruction::Move { source: operand, .. }
            | Instruction::Unary { operand, .. }
            | Instruction::Return { value: operand } => visit(operand),
            Instruction::Load { address, .. } => {
                let (base, index) = of_address(address);
                visit(base);
                index.into_iter().for_each(visit);
            }
            Instruction::Store { source, address, .. } => {
                let (base, index) = of_address(address);
                both([source, base]);
                index.into_iter().for_each(visit);
            }
            Instruction::Integer { left, right, .. } | Instruction::Double { left, right, .. } => {
                both([left, right]);
            }
            Instruction::Set { condition, .. }
            | Instruction::Leave { condition, .. }
            | Instruction::Branch { condition, .. } => both(condition.operands()),
            Instruction::Select { condition, yes, no, .. } => {
                both(condition.operands());
                both([yes, no]);
            }
            Instruction::Charge { budget, .. } => visit(Operand::Register(budget)),
            Instruction::Tail { base, code } => both([base, code]),
            Instruction::Call { .. }
            | Instruction::Rebase { .. }
            | Instruction::Exit { .. }
            | Instruction::Jump { .. } => {}
        }
    }
}
