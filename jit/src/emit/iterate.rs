//! The generic `for` over `next` and the iterator of `ipairs`. Its hidden variables are in memory.

use super::{After, Emitter, offset};
use crate::backend::linear::{IntegerComparison, IntegerOperation, Value, Width};
use crate::passes::states::State;
use crate::region::{Node, Target};
use solvm_vm::unit::{Advance, HelperFunctions};

impl Emitter<'_, '_> {
    /// The start of a loop.
    pub(super) fn prepare_loop(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let Some(after) = self.after(index) else { return };
        self.save_hidden(node, before);
        let slot = self.address_of(self.region.slot(node, node.word.a()));
        self.help(HelperFunctions::prepare_loop(), &[Value::CONTEXT, slot]);
        let Some(&Target::Node(next)) = node.next.first() else { return };
        let exit = self.new_exit(node.frame, self.region.nodes[next].at, &after, 0);
        for &slot in &self.effects[index].defines {
            self.load_from_frame(slot, after.held[slot], exit);
        }
    }

    /// The next entry, and the body or the end of the loop.
    pub(super) fn advance_loop(&mut self, index: usize, before: &State) -> After {
        self.charge(index);
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (Some(after), &[body, end]) = (self.after(index), &node.next[..]) else {
            return After::Branched;
        };
        self.save_hidden(node, before);
        let a = self.region.slot(node, node.word.a());
        let slot = self.address_of(a);
        let outcome = self.help(HelperFunctions::advance_loop(), &[slot]);
        let calls = Value::integer(Advance::CALLS as i64);
        let is_call = self.builder.compare(IntegerComparison::Equal, outcome, calls);
        self.escape_if(is_call, exit);
        let (found, ended) = (self.builder.block(), self.builder.block());
        self.builder.branch(outcome, found, ended);
        self.builder.start(ended, self.rank, false);
        self.go_on(&after, end);
        self.builder.start(found, self.rank, false);
        let at = match body {
            Target::Node(body) => self.region.nodes[body].at,
            Target::Exit(at) => at,
        };
        // The variables after the first two are nil.
        for slot in self.effects[index].defines.iter().copied().filter(|&slot| slot > a + 1) {
            let nil = Value::integer(super::NIL);
            self.builder.store(Width::Word, nil, Value::BASE, offset(slot));
        }
        let exit = self.new_exit(node.frame, at, &after, 0);
        for &slot in &self.effects[index].defines {
            self.load_from_frame(slot, after.held[slot], exit);
        }
        self.go_on(&after, body);
        After::Branched
    }

    /// Writes the hidden variables of a loop to memory.
    fn save_hidden(&mut self, node: &Node, before: &State) {
        let a = self.region.slot(node, node.word.a());
        for slot in a - 3..a {
            if before.dirty.contains(slot as u8) {
                self.store_slot(slot, before.held[slot], Value::BASE, offset(slot));
            }
        }
    }

    /// The address of a slot.
    fn address_of(&mut self, slot: usize) -> Value {
        let distance = Value::integer(i64::from(offset(slot)));
        self.builder.integer(IntegerOperation::Add, Value::BASE, distance)
    }
}
