//! The order of blocks in the code, and of instructions in it.
//!
//! The order is that of the blocks' ranks: loops of the bytecode are contiguous, so that ranges of
//! positions are short. The entry is first, cold blocks are last, unreachable ones left out. Each
//! instruction has a *sequence number* in this order.

use super::Unsupported;
use super::linear::{BlockData, Function, Instruction};

/// No block.
pub(super) const NONE: u32 = u32::MAX;
/// Deeper loops count as this deep.
pub(super) const MAX_DEPTH: u8 = 6;

/// A block in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// Its number in the function.
    pub(super) block: u32,
    /// The sequence number of its first instruction.
    pub(super) start: u32,
    /// The sequence number after its last instruction.
    pub(super) end: u32,
    /// The places of its successors, or [`NONE`].
    pub(super) successors: [u32; 2],
    /// The number of loops around it.
    pub(super) depth: u8,
}

/// The blocks of a function in order.
pub(super) struct Order {
    pub(super) blocks: Vec<Placed>,
    /// The place of each block of the function, or [`NONE`].
    places: Vec<u32>,
}

impl Order {
    pub(super) fn of(function: &Function) -> Result<Order, Unsupported> {
        let mut order = Order { blocks: Vec::new(), places: vec![NONE; function.blocks.len()] };
        order.collect_reachable(function)?;
        order.blocks.sort_unstable_by_key(|placed| {
            let BlockData { instructions, rank, is_cold } = function.blocks[placed.block as usize];
            (placed.block != Function::ENTRY.0, is_cold, rank, instructions.start)
        });
        let mut next = 0;
        for (place, placed) in order.blocks.iter_mut().enumerate() {
            order.places[placed.block as usize] = place as u32;
            let instructions = function.blocks[placed.block as usize].instructions;
            placed.start = next;
            next += instructions.range().len() as u32;
            placed.end = next;
        }
        order.connect(function);
        Ok(order)
    }

    /// The instructions of a block.
    pub(super) fn instructions<'a>(
        &self,
        function: &'a Function,
        placed: &Placed,
    ) -> &'a [Instruction] {
        &function.instructions[function.blocks[placed.block as usize].instructions.range()]
    }

    /// The number of instructions.
    pub(super) fn length(&self) -> u32 {
        self.blocks.last().map_or(0, |placed| placed.end)
    }

    /// The place of a block of the function.
    pub(super) fn place(&self, block: super::linear::Block) -> u32 {
        self.places[block.index()]
    }

    fn collect_reachable(&mut self, function: &Function) -> Result<(), Unsupported> {
        // A place that is not NONE marks a block as found.
        let mut found = vec![Function::ENTRY.0];
        *self.places.first_mut().ok_or(Unsupported::Unfinished)? = 0;
        while let Some(block) = found.pop() {
            let range = function.blocks[block as usize].instructions.range();
            let last = function.instructions[range].last();
            let Some(last) = last.filter(|last| last.is_terminator()) else {
                return Err(Unsupported::Unfinished);
            };
            for successor in last.successors().into_iter().flatten() {
                if self.places[successor.index()] == NONE {
                    self.places[successor.index()] = 0;
                    found.push(successor.0);
                }
            }
            let successors = [NONE; 2];
            self.blocks.push(Placed { block, start: 0, end: 0, successors, depth: 0 });
        }
        Ok(())
    }

    /// Finds the successors, and the loops: from a block to the farthest jump back to it.
    fn connect(&mut self, function: &Function) {
        let mut back = vec![NONE; self.blocks.len()];
        for place in 0..self.blocks.len() {
            let placed = self.blocks[place];
            let Some(last) = self.instructions(function, &placed).last() else { continue };
            let successors = last.successors().map(|to| to.map_or(NONE, |to| self.place(to)));
            self.blocks[place].successors = successors;
            // A loop that a cold block closes would contain all that is between.
            if function.blocks[placed.block as usize].is_cold {
                continue;
            }
            for header in successors.into_iter().filter(|&to| to != NONE && to as usize <= place) {
                back[header as usize] = place as u32;
            }
        }
        for (header, &last) in back.iter().enumerate().filter(|(_, last)| **last != NONE) {
            for placed in &mut self.blocks[header..=last as usize] {
                placed.depth = (placed.depth + 1).min(MAX_DEPTH);
            }
        }
    }
}
