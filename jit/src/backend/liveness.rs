//! Where each register is live.
//!
//! Positions: instruction number i reads at 2i and writes at 2i + 1. The life of a register is a
//! list of ranges of positions with holes between them. Two registers may share a place if their
//! ranges do not meet. Pure instructions whose target is not live after them are *dead*: they are
//! not compiled, and what they read is not a use.

use super::Unsupported;
use super::bits::Rows;
use super::linear::{ExitId, Function, Instruction, IntegerOperation, Operand, Register};
use super::order::{MAX_DEPTH, NONE, Order};

/// The weight of a use, by loop depth.
const WEIGHTS: [f32; MAX_DEPTH as usize + 1] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

/// Positions from `start` to `end`, both included.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) start: u32,
    pub(super) end: u32,
    next: u32,
}

/// A register whose place is preferred, since a move between both could be left out.
#[derive(Clone, Copy)]
pub(super) struct Partner {
    /// 0 if there is none, else the loop depth of the move + 1.
    rank: u8,
    pub(super) register: Register,
}

/// The life of a register.
#[derive(Clone, Copy)]
pub(super) struct Life {
    first: u32,
    /// The number of positions.
    length: u32,
    /// The number of uses, times ten for each loop around them.
    weight: f32,
    /// Whether it is live across a call that is not in a cold block.
    pub(super) crosses_call: bool,
    partners: [Partner; 2],
    /// While the ranges are found: the end of the current one.
    end: u32,
}

impl Life {
    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// How much a register is worth.
    pub(super) fn density(&self) -> f32 {
        self.weight / self.length as f32
    }

    pub(super) fn partners(&self) -> impl Iterator<Item = Register> {
        self.partners
            .into_iter()
            .filter(|partner| partner.rank != 0)
            .map(|partner| partner.register)
    }

    fn suggest(&mut self, rank: u8, register: Register) {
        let new = Partner { rank, register };
        if rank > self.partners[0].rank {
            self.partners = [new, self.partners[0]];
        } else if rank > self.partners[1].rank {
            self.partners[1] = new;
        }
    }
}

/// The lives of all registers of a function.
pub(super) struct Lives {
    ranges: Vec<Range>,
    pub(super) registers: Vec<Life>,
    /// One row: the sequence numbers of dead instructions.
    dead: Rows,
}

impl Lives {
    pub(super) fn of(function: &Function, order: &Order) -> Result<Lives, Unsupported> {
        let live_in = LiveIn::of(function, order);
        if let Some(register) = live_in.at(0).find(|register| !register.is_fixed()) {
            return Err(Unsupported::Undefined(register));
        }
        let none = Partner { rank: 0, register: Register::BASE };
        let life = Life {
            first: NONE,
            length: 0,
            weight: 0.0,
            crosses_call: false,
            partners: [none; 2],
            end: 0,
        };
        let mut lives = Lives {
            ranges: Vec::with_capacity(2 * function.classes.len()),
            registers: vec![life; function.classes.len()],
            dead: Rows::new(1, order.length() as usize),
        };
        let mut live = Rows::new(1, function.classes.len());
        for place in (0..order.blocks.len()).rev() {
            lives.walk_block(function, order, place, &live_in, &mut live);
        }
        Ok(lives)
    }

    pub(super) fn is_dead(&self, sequence: u32) -> bool {
        self.dead.has(0, sequence)
    }

    /// The ranges of a life, in ascending order.
    pub(super) fn ranges(&self, life: &Life) -> impl Iterator<Item = Range> + Clone {
        std::iter::successors(self.range(life.first), |range| self.range(range.next))
    }

    fn range(&self, index: u32) -> Option<Range> {
        self.ranges.get(index as usize).copied()
    }

    /// Adds a range before the others.
    fn add_range(&mut self, register: u32, start: u32) {
        let life = &mut self.registers[register as usize];
        life.length += life.end - start + 1;
        if let Some(first) = self.ranges.get_mut(life.first as usize)
            && first.start == life.end + 1
        {
            first.start = start;
            return;
        }
        self.ranges.push(Range { start, end: life.end, next: life.first });
        life.first = self.ranges.len() as u32 - 1;
    }

    fn walk_block(
        &mut self,
        function: &Function,
        order: &Order,
        place: usize,
        live_in: &LiveIn,
        live: &mut Rows,
    ) {
        let placed = &order.blocks[place];
        live.row_mut(0).fill(0);
        for successor in placed.successors.into_iter().filter(|&to| to != NONE) {
            for register in live_in.at(successor as usize) {
                live.add(0, register.0);
            }
        }
        for register in live.each(0) {
            self.registers[register as usize].end = 2 * placed.end - 1;
        }
        let weight = WEIGHTS[placed.depth as usize];
        let is_cold = function.blocks[placed.block as usize].is_cold;
        let instructions = order.instructions(function, placed);
        let mut next_exit = None;
        for (sequence, instruction) in (placed.start..placed.end).zip(instructions).rev() {
            let position = 2 * sequence;
            if let Some(target) = instruction.definition() {
                if live.has(0, target.0) {
                    live.remove(0, target.0);
                } else if instruction.is_pure() {
                    self.dead.add(0, sequence);
                    continue;
                } else {
                    self.registers[target.index()].end = position + 1;
                }
                self.add_range(target.0, position + 1);
                self.registers[target.index()].weight += weight;
            }
            if let (Instruction::Call { .. }, false) = (instruction, is_cold) {
                for register in live.each(0) {
                    self.registers[register as usize].crosses_call = true;
                }
            }
            if let Some((target, source)) = partners(instruction) {
                self.registers[target.index()].suggest(placed.depth + 1, source);
                self.registers[source.index()].suggest(placed.depth + 1, target);
            }
            function.operands(instruction, |register| {
                self.registers[register.index()].weight += weight;
            });
            first_uses(function, instruction, &mut next_exit, |register| {
                if live.add(0, register.0) {
                    self.registers[register.index()].end = position;
                }
            });
        }
        for register in live.each(0) {
            self.add_range(register, 2 * placed.start);
        }
    }
}

/// The target, and the operand that is preferably in the same place.
fn partners(instruction: &Instruction) -> Option<(Register, Register)> {
    match *instruction {
        Instruction::Move { target, source: Operand::Register(source) } => Some((target, source)),
        Instruction::Integer { operation, target, left: Operand::Register(source), .. }
            if !matches!(
                operation,
                IntegerOperation::Remainder | IntegerOperation::RemainderSigned
            ) =>
        {
            Some((target, source))
        }
        _ => None,
    }
}

/// The registers that are live at the start of each block. Most are used in one block only, and are
/// left out.
struct LiveIn {
    /// The registers that may be live there.
    shared: Vec<Register>,
    /// A row for each block: which of these are.
    rows: Rows,
}

impl LiveIn {
    fn of(function: &Function, order: &Order) -> LiveIn {
        let (shared, index) = shared(function, order);
        let blocks = order.blocks.len();
        let mut reads = Rows::new(blocks, shared.len());
        let mut writes = Rows::new(blocks, shared.len());
        for (place, placed) in order.blocks.iter().enumerate() {
            let mut last_exit = None;
            for instruction in order.instructions(function, placed) {
                first_uses(function, instruction, &mut last_exit, |register| {
                    let index = index[register.index()];
                    if index != NONE && !writes.has(place, index) {
                        reads.add(place, index);
                    }
                });
                let target = instruction.definition().map(|target| index[target.index()]);
                if let Some(target) = target.filter(|&target| target != NONE) {
                    writes.add(place, target);
                }
            }
        }
        // What is read in a block grows to what is live at its start.
        let mut has_changed = true;
        while has_changed {
            has_changed = false;
            for place in (0..blocks).rev() {
                for successor in order.blocks[place].successors {
                    if successor == NONE {
                        continue;
                    }
                    for word in 0..reads.row(place).len() {
                        let through =
                            reads.row(successor as usize)[word] & !writes.row(place)[word];
                        let read = &mut reads.row_mut(place)[word];
                        has_changed |= through & !*read != 0;
                        *read |= through;
                    }
                }
            }
        }
        LiveIn { shared, rows: reads }
    }

    /// The registers that are live at the start of a block.
    fn at(&self, block: usize) -> impl Iterator<Item = Register> {
        self.rows.each(block).map(|index| self.shared[index as usize])
    }
}

/// Calls `visit` for each register that must be available at an instruction of a block, except
/// those of the exit that was visited last, from either end of the block: many checks in a row
/// leave in the same way, and what the exit needs is not defined between them.
fn first_uses(
    function: &Function,
    instruction: &Instruction,
    last_exit: &mut Option<ExitId>,
    mut visit: impl FnMut(Register),
) {
    function.operands(instruction, &mut visit);
    if let Some(exit) = instruction.exit()
        && last_exit.replace(exit) != Some(exit)
    {
        function.exit_uses(exit, visit);
    }
}

/// The registers that are used in several blocks, or read before they are written in one, and the
/// index of each register among them.
fn shared(function: &Function, order: &Order) -> (Vec<Register>, Vec<u32>) {
    const SEVERAL: u32 = NONE - 1;
    let mut only_in = vec![NONE; function.classes.len()];
    for (place, placed) in (0..).zip(&order.blocks) {
        let mut last_exit = None;
        for instruction in order.instructions(function, placed) {
            first_uses(function, instruction, &mut last_exit, |register| {
                let only_in = &mut only_in[register.index()];
                if *only_in != place {
                    *only_in = SEVERAL;
                }
            });
            if let Some(target) = instruction.definition() {
                let only_in = &mut only_in[target.index()];
                *only_in = if *only_in == NONE || *only_in == place { place } else { SEVERAL };
            }
        }
    }
    let mut shared = Vec::new();
    let mut index = vec![NONE; only_in.len()];
    for (register, _) in (0..).zip(&only_in).filter(|&(_, &only_in)| only_in == SEVERAL) {
        index[register as usize] = shared.len() as u32;
        shared.push(Register(register));
    }
    (shared, index)
}
