//! Instructions that the interpreter does in a unit's place, by their slow paths, and calls of
//! natives.
//!
//! Before, all values are written to the frames' memory, with the links of the called frames.
//! After, the unit leaves if what it relies on may have moved; what other tables have moved is
//! loaded again.

use super::{Emitter, Escape, instruction_address, offset};
use crate::backend::linear::{
    Block, IntegerComparison, IntegerOperation, Value, Width, WordSource,
};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use crate::region::Node;
use solvm_compiler::bytecode::{Opcode, RegisterSet};
use solvm_vm::unit::{HelperFunctions, INSTRUCTION_ANSWERED, MachineLayout, NATIVE_ANSWERED, Seen};

/// Whether a node that has code of its own continues by its slow path where that does not fit: only
/// if it often did not, since such a path is long.
pub(super) fn has_slow_path(node: &Node) -> bool {
    let stores = matches!(node.opcode, Opcode::SetField | Opcode::SetIndex | Opcode::SetInteger);
    stores && node.doubts > 0
}

impl<'v> Emitter<'_, 'v> {
    /// The whole instruction, by its slow path.
    pub(super) fn step(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let Some(function) = HelperFunctions::step(node.opcode) else {
            let exit = self.exit_before(index);
            return self.escape_if(Value::integer(1), exit);
        };
        self.save(node, before);
        let (base, pc) = self.context(node);
        let answer = self.builder.call(function as u64, &[Value::CONTEXT, base, pc]);
        self.settle(index, answer, INSTRUCTION_ANSWERED, before);
    }

    /// Where a store goes that does not fit, and the block that is left to be filled.
    pub(super) fn other_way(&mut self, index: usize) -> (Escape, Option<Block>) {
        if has_slow_path(&self.region.nodes[index]) {
            let slow = self.builder.block();
            return (Escape::Block(slow), Some(slow));
        }
        (self.exit_before(index), None)
    }

    /// Fills the block that a node escapes to, and continues in the one after it.
    pub(super) fn slow_path(&mut self, index: usize, before: &State, slow: Option<Block>) {
        let Some(slow) = slow else { return };
        let next = self.builder.block();
        self.builder.jump(next);
        self.builder.start(slow, self.rank, true);
        self.step(index, before);
        self.builder.jump(next);
        self.builder.start(next, self.rank, false);
    }

    /// The call of an ordinary native.
    pub(super) fn native(&mut self, index: usize, callee: Option<Seen<'v>>, before: &State) {
        self.charge(index);
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let a = self.region.slot(node, node.word.a());
        let found = self.word(a, before.held[a]);
        match callee {
            Some(callee) => {
                self.roots.push(callee.root());
                self.check_same(found, Value::integer(callee.word() as i64), exit);
            }
            None => {
                let is_ordinary = self.help(HelperFunctions::is_ordinary_native(), &[found]);
                self.escape_unless(is_ordinary, exit);
            }
        }
        self.save(node, before);
        let (base, pc) = self.context(node);
        let arguments = Value::integer(self.region.arguments(node) as i64);
        let function = HelperFunctions::call_native() as u64;
        let answer = self.builder.call(function, &[Value::CONTEXT, base, pc, arguments]);
        self.settle(index, answer, NATIVE_ANSWERED, before);
    }

    /// The registers of a node's frame, and the address after its instruction.
    fn context(&mut self, node: &Node) -> (Value, Value) {
        let frame = &self.region.frames[node.frame];
        let first = Value::integer(i64::from(offset(frame.first_slot)));
        let base = self.builder.integer(IntegerOperation::Add, Value::BASE, first);
        let constants = Value::integer(frame.code.constants() as i64);
        self.builder.store(Width::Word, constants, Value::CONTEXT, MachineLayout::CONSTANTS);
        let pc = instruction_address(frame.code, node.at + 1);
        (base, Value::integer(pc as i64))
    }

    /// Writes to memory what the interpreter would have there before a node, the budget included.
    fn save(&mut self, node: &Node, before: &State) {
        self.save_frames(node, before);
        let budget = self.builder.read(self.budget);
        self.builder.store(Width::Word, budget, Value::CONTEXT, MachineLayout::FUEL);
    }

    /// Writes the values and the links of the frames to memory, as they are before a node.
    pub(super) fn save_frames(&mut self, node: &Node, before: &State) {
        for slot in self.unsaved(node.frame, node.at, before) {
            self.store_slot(slot, before.held[slot], Value::BASE, offset(slot));
        }
        for (slot, source) in self.links(node.frame) {
            let link = match source {
                WordSource::Constant(link) => Value::integer(link as i64),
                WordSource::Slot(from) => self.builder.load(Width::Word, Value::BASE, from),
                WordSource::BaseAddress(distance) => {
                    let distance = Value::integer(distance.into());
                    self.builder.integer(IntegerOperation::Add, Value::BASE, distance)
                }
            };
            self.builder.store(Width::Word, link, Value::BASE, offset(slot));
        }
    }

    /// Leaves if anything that the code relies on may have moved. That is checked when a unit is
    /// entered again.
    fn check_moves(&mut self, exit: Escape) {
        let moves = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::MOVES);
        let checked = Value::integer(self.assumptions.checked() as i64);
        let checked = self.builder.load(Width::Word, checked, 0);
        let has_moved = self.builder.compare(IntegerComparison::NotEqual, moves, checked);
        self.escape_if(has_moved, exit);
    }

    /// Continues after a call that has done a node's instruction: leaves if it is not complete.
    fn settle(&mut self, index: usize, answer: Value, mark: u64, before: &State) {
        let node = &self.region.nodes[index];
        self.known.clear();
        let Some(after) = self.after(index) else { return };
        let budget = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::FUEL);
        self.builder.write(self.budget, budget);
        let incomplete = self.bare_exit(mark);
        self.escape_if(answer, incomplete);
        // All is in memory.
        let clean = State { dirty: RegisterSet::EMPTY, ..(*after).clone() };
        let next = node.at + 1 + usize::from(node.opcode.has_data_word());
        let exit = self.new_exit(node.frame, next, &clean, 0);
        self.check_moves(exit);
        let defines = &self.effects[index].defines;
        for slot in (0..self.region.slots).filter(|slot| !defines.contains(slot)) {
            let is_used = self.effects[index].uses.iter().any(|&(used, _)| used == slot);
            let (held, wanted) = (before.held[slot], after.held[slot]);
            if held != wanted && is_used {
                // In place of the checks that other ways through the node do.
                let word = self.word(slot, held);
                self.define_word(slot, wanted, word, exit);
            } else if wanted == Representation::Table
                && self.region.is_observable(node.frame, next, slot)
            {
                self.reload_table(slot);
            }
        }
        for &slot in defines {
            self.load_from_frame(slot, after.held[slot], exit);
        }
    }
}
