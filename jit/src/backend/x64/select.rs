//! Selection of machine instructions.
//!
//! Any operand may be in a register, on the stack or a constant. A result is made in the register
//! of its target, or in a scratch register from which it is stored ("settled"). The register of the
//! target may be that of an operand which is not used later: nothing may be written to it before
//! all other operands have been read.

use super::super::allocate::{Allocation, Place};
use super::super::linear::{
    Address, Block, Class, ExitId, Function, Instruction, Operand, Register, Width,
};
use super::super::order::Order;
use super::assembler::Arithmetic;
use super::encoder::{Encoder, Label, Size};
use super::frame_word;
use super::operand::{Flag, General, Memory, RAX, RBX, RDX, Source, Vector, XMM14};

/// The code of a function in progress.
pub(super) struct Selection<'a> {
    pub(super) encoder: Encoder,
    pub(super) function: &'a Function,
    pub(super) order: &'a Order,
    pub(super) allocation: &'a Allocation,
    /// Of the blocks, by place.
    blocks: Vec<Label>,
    /// Where control goes that is led to a block, by number: not the block if it only jumps.
    destinations: Vec<Block>,
    /// The exits in use with their labels, and the index there of each exit.
    pub(super) exits: Vec<(ExitId, Label)>,
    exit_indexes: Vec<u32>,
    /// The place of the current block.
    current: usize,
}

const UNUSED: u32 = u32::MAX;

/// How many jumps are followed.
const MAX_JUMPS: usize = 8;

/// Where control goes that is led to each block: past blocks that only jump.
fn destinations(function: &Function) -> Vec<Block> {
    let jump = |block: Block| {
        let instructions = function.block(block).instructions.range();
        match function.instructions[instructions] {
            [Instruction::Jump { to }] => Some(to),
            _ => None,
        }
    };
    let destination = |number| {
        let mut block = Block(number);
        for _ in 0..MAX_JUMPS {
            let Some(next) = jump(block) else { return block };
            block = next;
        }
        // Perhaps they jump in a circle.
        Block(number)
    };
    (0..function.blocks.len() as u32).map(destination).collect()
}

impl<'a> Selection<'a> {
    pub(super) fn new(
        function: &'a Function,
        order: &'a Order,
        allocation: &'a Allocation,
    ) -> Selection<'a> {
        let mut encoder = Encoder::default();
        encoder.reserve(16 * order.length() as usize);
        let blocks = order.blocks.iter().map(|_| encoder.label()).collect();
        let exit_indexes = vec![UNUSED; function.exit_count()];
        Selection {
            encoder,
            function,
            order,
            allocation,
            blocks,
            destinations: destinations(function),
            exits: Vec::new(),
            exit_indexes,
            current: 0,
        }
    }

    /// Whether control comes to a block. Otherwise it has no code.
    pub(super) fn is_entered(&self, block: Block) -> bool {
        block == Function::ENTRY || self.destination(block) == block
    }

    /// Where control goes that is led to a block.
    pub(super) fn destination(&self, block: Block) -> Block {
        self.destinations[block.index()]
    }

    pub(super) fn start_block(&mut self, place: usize) {
        self.current = place;
        self.encoder.bind(self.blocks[place]);
    }

    pub(super) fn block_label(&self, block: Block) -> Label {
        self.blocks[self.order.place(self.destination(block)) as usize]
    }

    /// Whether the block is the next one in the code.
    pub(super) fn is_next(&self, block: Block) -> bool {
        let mut following = self.order.blocks.iter().skip(self.current + 1);
        let next = following.find(|placed| self.is_entered(Block(placed.block)));
        next.is_some_and(|placed| placed.block == self.destination(block).0)
    }

    pub(super) fn exit_label(&mut self, exit: ExitId) -> Label {
        let index = &mut self.exit_indexes[exit.index()];
        if *index == UNUSED {
            *index = self.exits.len() as u32;
            self.exits.push((exit, self.encoder.label()));
        }
        self.exits[*index as usize].1
    }

    /// Encodes an instruction.
    pub(super) fn instruction(&mut self, sequence: u32, instruction: &Instruction) {
        match *instruction {
            Instruction::Move { target, source } => match self.function.class(target) {
                Class::Integer => self.move_to_place(target, source),
                Class::Double => self.move_to_double_place(target, source),
            },
            Instruction::Load { target, width, address } => self.load(target, width, address),
            Instruction::Store { source, width, address } => self.store(source, width, address),
            Instruction::Integer { operation, target, left, right } => {
                self.integer(operation, target, left, right);
            }
            Instruction::Double { operation, target, left, right } => {
                self.double(operation, target, left, right);
            }
            Instruction::Unary { operation, target, operand } => {
                self.unary(operation, target, operand);
            }
            Instruction::Set { target, condition } => self.set(target, condition),
            Instruction::Select { target, condition, yes, no } => {
                self.select(target, condition, yes, no);
            }
            Instruction::Call { target, function, arguments } => {
                self.call(sequence, target, function, arguments);
            }
            Instruction::Charge { budget, exit } => {
                let budget = self.register_source(budget);
                self.encoder.arithmetic_constant(Arithmetic::Subtract, budget, 1);
                let exit = self.exit_label(exit);
                self.encoder.jump_if(Flag::NEGATIVE, exit);
            }
            Instruction::Rebase { distance } => {
                self.encoder.load_address(RBX, Memory::Base(RBX, distance));
            }
            Instruction::Leave { condition, exit } => {
                let test = self.compare(condition);
                let exit = self.exit_label(exit);
                self.jump_if(test, exit);
            }
            Instruction::Exit { exit } => {
                let exit = self.exit_label(exit);
                self.encoder.jump(exit);
            }
            Instruction::Jump { to } => self.encoder.jump(self.block_label(to)),
            Instruction::Branch { condition, yes, no } => self.branch(condition, yes, no),
            Instruction::Tail { base, code } => {
                self.move_general(RAX, code);
                self.move_general(RBX, base);
                self.encoder.jump_to(RAX);
            }
            Instruction::Return { value } => {
                self.move_general(RAX, value);
                self.encoder.ret();
            }
        }
    }
}

/// Operands and targets.
impl Selection<'_> {
    pub(super) fn place(&self, register: Register) -> Place {
        self.allocation.place(register)
    }

    /// A register of class integer where it is.
    pub(super) fn register_source(&self, register: Register) -> Source<General> {
        match self.place(register) {
            Place::Register(number) => Source::Register(General(number)),
            Place::Stack(word) => Source::Memory(frame_word(word as usize)),
            Place::None => {
                debug_assert!(false, "register {} has no place", register.0);
                Source::Register(RAX)
            }
        }
    }

    /// An integer where it is; a constant goes to the scratch register. Leaves the flags alone.
    pub(super) fn source(&mut self, operand: Operand, scratch: General) -> Source<General> {
        let constant = match operand {
            Operand::Register(register) => return self.register_source(register),
            Operand::Integer(constant) => constant,
            Operand::Double(bits) => bits as i64,
        };
        self.encoder.load_constant(scratch, constant);
        Source::Register(scratch)
    }

    /// An integer where it is, or among the constants.
    pub(super) fn constant_source(&mut self, operand: Operand) -> Source<General> {
        match operand {
            Operand::Register(register) => self.register_source(register),
            Operand::Integer(constant) => Source::Memory(self.encoder.constant(constant as u64)),
            Operand::Double(bits) => Source::Memory(self.encoder.constant(bits)),
        }
    }

    /// An integer in its register or in the scratch register.
    pub(super) fn general(&mut self, operand: Operand, scratch: General) -> General {
        match self.source(operand, scratch) {
            Source::Register(register) => register,
            memory => {
                self.encoder.move_word(scratch, memory);
                scratch
            }
        }
    }

    /// A double where it is, or among the constants.
    pub(super) fn double_source(&mut self, operand: Operand) -> Source<Vector> {
        match operand {
            Operand::Register(register) => match self.place(register) {
                Place::Register(number) => Source::Register(Vector(number)),
                Place::Stack(word) => Source::Memory(frame_word(word as usize)),
                Place::None => {
                    debug_assert!(false, "register {} has no place", register.0);
                    Source::Register(XMM14)
                }
            },
            Operand::Double(bits) => Source::Memory(self.encoder.constant(bits)),
            Operand::Integer(bits) => Source::Memory(self.encoder.constant(bits as u64)),
        }
    }

    /// A double in its register or in the scratch register.
    pub(super) fn vector(&mut self, operand: Operand, scratch: Vector) -> Vector {
        match self.double_source(operand) {
            Source::Register(register) => register,
            memory => {
                self.encoder.move_double(scratch, memory);
                scratch
            }
        }
    }

    /// Where an integer result is made: in its register, or in rax.
    pub(super) fn target(&self, target: Register) -> General {
        match self.place(target) {
            Place::Register(number) => General(number),
            _ => RAX,
        }
    }

    /// Where a double result is made: in its register, or in xmm14.
    pub(super) fn double_target(&self, target: Register) -> Vector {
        match self.place(target) {
            Place::Register(number) => Vector(number),
            _ => XMM14,
        }
    }

    /// Moves a result to its place.
    pub(super) fn settle(&mut self, target: Register, made: General) {
        match self.place(target) {
            Place::Register(number) if number == made.0 => {}
            Place::Register(number) => {
                self.encoder.move_word(General(number), Source::Register(made));
            }
            Place::Stack(word) => self.encoder.store(Size::Quad, frame_word(word as usize), made),
            Place::None => {}
        }
    }

    /// Moves a result to its place.
    pub(super) fn settle_double(&mut self, target: Register, made: Vector) {
        match self.place(target) {
            Place::Register(number) if number == made.0 => {}
            Place::Register(number) => {
                self.encoder.move_double(Vector(number), Source::Register(made));
            }
            Place::Stack(word) => self.encoder.store_double(frame_word(word as usize), made),
            Place::None => {}
        }
    }

    /// Moves an integer to a machine register; leaves the flags alone.
    pub(super) fn move_general(&mut self, target: General, operand: Operand) {
        match self.source(operand, target) {
            Source::Register(register) if register == target => {}
            source => self.encoder.move_word(target, source),
        }
    }

    /// Moves a double to a machine register; leaves the flags alone.
    pub(super) fn move_vector(&mut self, target: Vector, operand: Operand) {
        if operand == Operand::Double(0) {
            return self.encoder.clear_double(target);
        }
        match self.double_source(operand) {
            Source::Register(register) if register == target => {}
            source => self.encoder.move_double(target, source),
        }
    }
}

/// Moves and memory.
impl Selection<'_> {
    fn move_to_place(&mut self, target: Register, source: Operand) {
        match (self.place(target), source) {
            (Place::Register(number), Operand::Integer(0)) => self.encoder.clear(General(number)),
            (Place::Register(number), _) => self.move_general(General(number), source),
            (Place::Stack(word), Operand::Integer(constant)) if i32::try_from(constant).is_ok() => {
                self.encoder.store_constant(Size::Quad, frame_word(word as usize), constant as i32);
            }
            _ => {
                let source = self.general(source, RAX);
                self.settle(target, source);
            }
        }
    }

    fn move_to_double_place(&mut self, target: Register, source: Operand) {
        match self.place(target) {
            Place::Register(number) => self.move_vector(Vector(number), source),
            _ => {
                let source = self.vector(source, XMM14);
                self.settle_double(target, source);
            }
        }
    }

    /// The operand at an address; may use rax for the base and rdx for the index.
    fn memory(&mut self, address: Address) -> Memory {
        let base = self.general(address.base, RAX);
        match address.index {
            None => Memory::Base(base, address.offset),
            Some(index) => {
                let index = self.general(Operand::Register(index), RDX);
                Memory::Indexed { base, index, shift: 3, offset: address.offset }
            }
        }
    }

    fn load(&mut self, target: Register, width: Width, address: Address) {
        let memory = self.memory(address);
        if width == Width::Double {
            let made = self.double_target(target);
            self.encoder.move_double(made, Source::Memory(memory));
            return self.settle_double(target, made);
        }
        let made = self.target(target);
        match width {
            Width::S32 => self.encoder.load_signed(made, memory),
            _ => self.encoder.load(size(width), made, memory),
        }
        self.settle(target, made);
    }

    fn store(&mut self, source: Operand, width: Width, address: Address) {
        let memory = self.memory(address);
        let (size, constant) = match source {
            Operand::Register(_) => (size(width), None),
            Operand::Integer(constant) => (size(width), Some(constant)),
            Operand::Double(bits) => (Size::Quad, Some(bits as i64)),
        };
        if let Some(constant) = constant
            && (size != Size::Quad || i32::try_from(constant).is_ok())
        {
            return self.encoder.store_constant(size, memory, constant as i32);
        }
        if let Operand::Register(register) = source
            && self.function.class(register) == Class::Integer
        {
            match self.place(register) {
                Place::Register(number) => {
                    return self.encoder.store(size, memory, General(number));
                }
                _ if size != Size::Quad => return self.store_narrow(source, size, memory),
                _ => {}
            }
        }
        // The address may use both scratch registers, so other words go through a vector register.
        let vector = self.vector(source, XMM14);
        self.encoder.store_double(memory, vector);
    }

    /// Stores the low bits of a word of the stack.
    fn store_narrow(&mut self, source: Operand, size: Size, memory: Memory) {
        let memory = match memory {
            Memory::Indexed { index: RDX, .. } => {
                self.encoder.load_address(RAX, memory);
                Memory::Base(RAX, 0)
            }
            _ => memory,
        };
        let source = self.general(source, RDX);
        self.encoder.store(size, memory, source);
    }
}

fn size(width: Width) -> Size {
    match width {
        Width::Word | Width::Double => Size::Quad,
        Width::U32 | Width::S32 => Size::Long,
        Width::U16 => Size::Short,
        Width::U8 => Size::Byte,
    }
}
