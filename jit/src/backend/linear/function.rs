//! A function of the linear form: blocks, instructions, exits.
//!
//! All parts are in flat lists, so that a function needs a fixed number of allocations, which a
//! [`Builder`](super::Builder) reuses. A block is a range of the instructions.

use super::instruction::{Block, Class, Instruction, Operand, Register};

/// A range of one of the lists of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An exit of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExitId(pub(crate) u32);

impl ExitId {
    /// Its number, in the order in which the exits were added.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How an exit writes a register to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The integer as it is.
    Word,
    /// The bits of a double.
    Double,
    /// The bits of the double that is nearest to the integer.
    Integer,
    /// The integer, with a tag in its upper 16 bits (by "or").
    Tagged(u16),
}

impl Form {
    /// The class of the registers that can be written so.
    pub fn class(self) -> Class {
        match self {
            Form::Double => Class::Double,
            _ => Class::Integer,
        }
    }
}

/// A slot that an exit writes, and the register that holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotValue {
    /// In bytes from BASE.
    pub offset: i32,
    /// How the value is written.
    pub form: Form,
    /// The register that has the value.
    pub register: Register,
}

/// The register that an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// [`Register::BASE`].
    Base,
    /// [`Register::CONTEXT`].
    Context,
}

/// A value that an exit writes and no register has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordSource {
    /// A constant.
    Constant(u64),
    /// The address this many bytes from BASE.
    BaseAddress(i32),
    /// The word this many bytes from BASE, after the slots were written.
    Slot(i32),
}

/// A word that an exit writes in addition to the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WordWrite {
    /// What the offset counts from.
    pub origin: Origin,
    /// In bytes.
    pub offset: i32,
    /// What is written.
    pub source: WordSource,
}

/// What happens before a function returns early: values are written to slots, the budget to its
/// place in the context, then the words. The registers are read when the exit is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    pub(crate) values: Span,
    pub(crate) budget: Register,
    pub(crate) refund: i32,
    pub(crate) words: Span,
    pub(crate) result: u64,
}

/// A block: a range of instructions, and where it is placed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BlockData {
    pub(crate) instructions: Span,
    pub(crate) rank: u32,
    pub(crate) is_cold: bool,
}

/// A function of the linear form; made by a [`Builder`](super::Builder).
#[derive(Clone, Debug, Default)]
pub struct Function {
    pub(crate) classes: Vec<Class>,
    pub(crate) blocks: Vec<BlockData>,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) arguments: Vec<Operand>,
    pub(crate) exits: Vec<Exit>,
    pub(crate) values: Vec<SlotValue>,
    pub(crate) words: Vec<WordWrite>,
    pub(crate) budget_offset: i32,
    pub(crate) counters: Option<u64>,
}

impl Function {
    /// The block where execution starts.
    pub(crate) const ENTRY: Block = Block(0);

    /// How many instructions it has.
    pub fn instruction_count(&self) -> usize {
        self.instructions.len()
    }

    /// How many exits it has.
    pub fn exit_count(&self) -> usize {
        self.exits.len()
    }

    /// The exits count how often they are taken: exit number i in the word at `address + 8 * i`.
    pub fn count_exits(&mut self, address: u64) {
        self.counters = Some(address);
    }

    pub(crate) fn class(&self, register: Register) -> Class {
        self.classes[register.index()]
    }

    pub(crate) fn exit(&self, exit: ExitId) -> &Exit {
        &self.exits[exit.index()]
    }

    pub(crate) fn values(&self, exit: &Exit) -> &[SlotValue] {
        &self.values[exit.values.range()]
    }

    pub(crate) fn words(&self, exit: &Exit) -> &[WordWrite] {
        &self.words[exit.words.range()]
    }

    pub(crate) fn block(&self, block: Block) -> &BlockData {
        &self.blocks[block.index()]
    }

    /// Calls `visit` for each register that the instruction itself reads, once per use.
    #[inline]
    pub(crate) fn operands(&self, instruction: &Instruction, mut visit: impl FnMut(Register)) {
        let mut register = |operand: Operand| operand.register().into_iter().for_each(&mut visit);
        instruction.operands(&mut register);
        if let Instruction::Call { arguments, .. } = instruction {
            self.arguments[arguments.range()].iter().copied().for_each(register);
        }
    }

    /// Calls `visit` for each register that must be available at the instruction: its operands and
    /// what its exit writes.
    pub(crate) fn uses(&self, instruction: &Instruction, mut visit: impl FnMut(Register)) {
        self.operands(instruction, &mut visit);
        if let Some(exit) = instruction.exit() {
            self.exit_uses(exit, visit);
        }
    }

    /// Calls `visit` for each register that an exit writes.
    #[inline]
    pub(crate) fn exit_uses(&self, exit: ExitId, mut visit: impl FnMut(Register)) {
        let exit = self.exit(exit);
        visit(exit.budget);
        self.values(exit).iter().for_each(|value| visit(value.register));
    }
}
