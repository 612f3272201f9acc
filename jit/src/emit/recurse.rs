//! Calls of a function by itself, and its returns.
//!
//! A call makes the interpreter's frame: all values and the link are in memory, and BASE moves to
//! the new frame. The code then starts again. A return finds the call that it returns to by the
//! link, moves BASE back, and loads what is used after the call. So recursion takes no stack of the
//! host, and a unit can leave at any depth: the interpreter returns to the frames above, and a unit
//! to frames that the interpreter has made.
//!
//! All activations have the same function, with the same upvalues and globals: the variables of the
//! unit that are not slots are those of all of them.

use super::{After, Emitter, Escape, NIL, instruction_address, offset};
use crate::backend::linear::{
    Block, IntegerComparison, IntegerOperation, Value, Width, WordSource,
};
use crate::passes::states::State;
use crate::region::{Action, Node};
use solvm_compiler::bytecode::{OPEN, RegisterSet};
use solvm_vm::unit::MachineLayout;

/// How a function calls itself.
pub(super) struct OwnCalls {
    /// Where a new activation starts: the parameters are in memory.
    start: Block,
    /// The nodes of calls, and where each continues when the results are in memory.
    ways_back: Vec<(usize, Block)>,
}

/// The offsets of a frame's function and link from its first slot.
const FUNCTION: i32 = -16;
const LINK: i32 = -8;

impl Emitter<'_, '_> {
    /// Makes the blocks of a function's calls of itself, and fills the one where it starts.
    pub(super) fn fill_start(&mut self) {
        let region = self.region;
        let Some(first) = self.before(0).filter(|_| region.is_function()) else { return };
        let start = self.builder.block();
        let is_call = |&index: &usize| {
            let node = &region.nodes[index];
            let is_call = matches!(node.action, Action::Recurse) && !node.opcode.is_tail_call();
            is_call && self.before(index).is_some()
        };
        let calls: Vec<usize> = (0..region.nodes.len()).filter(is_call).collect();
        let ways_back = calls.into_iter().map(|call| (call, self.builder.block())).collect();
        self.own_calls = Some(OwnCalls { start, ways_back });
        self.rank = 0;
        self.builder.start(start, 0, false);
        let exit = self.clean_exit(0, 0, &first);
        self.check_captures(exit);
        self.load_used(&first, exit);
        let body = self.block_of(0);
        self.builder.jump(body);
    }

    /// The exit before an instruction of a frame, with all values in memory.
    fn clean_exit(&mut self, frame: usize, at: usize, state: &State) -> Escape {
        let clean = State { dirty: RegisterSet::EMPTY, held: state.held.clone() };
        self.new_exit(frame, at, &clean, 0)
    }

    /// Leaves if a variable that an inner function has captured is in the frames of the region:
    /// then its value may be in a machine register.
    fn check_captures(&mut self, exit: Escape) {
        let mut captured: Vec<_> =
            self.upvalues.iter().filter(|((frame, _), _)| *frame != 0).collect();
        captured.sort_unstable_by_key(|(place, _)| **place);
        let slots: Vec<_> = captured.into_iter().map(|(_, [_, slot])| *slot).collect();
        let end = Value::integer(i64::from(offset(self.region.slots)));
        for slot in slots {
            let slot = self.address(slot);
            let distance = self.builder.integer(IntegerOperation::Subtract, slot, Value::BASE);
            let is_inside = self.builder.compare(IntegerComparison::Below, distance, end);
            self.escape_if(is_inside, exit);
        }
    }

    /// A call of the region's function.
    pub(super) fn recurse(&mut self, index: usize, before: &State) -> After {
        self.charge(index);
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let a = self.region.slot(node, node.word.a());
        let found = self.word(a, before.held[a]);
        let own = self.builder.load(Width::Word, Value::BASE, FUNCTION);
        self.check_same(found, own, exit);
        let (Some(after), Some(calls)) = (self.after(index), &self.own_calls) else {
            return After::Branched;
        };
        let start = calls.start;
        let way_back = calls.ways_back.iter().find(|&&(call, _)| call == index);
        let Some(&(_, way_back)) = way_back else {
            self.pass_parameters(index, 0, before);
            self.builder.jump(start);
            return After::Branched;
        };
        let first = a + 2;
        let room = Value::integer(i64::from(offset(first + self.region.slots)));
        let end = self.builder.integer(IntegerOperation::Add, Value::BASE, room);
        let limit = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::STACK_END);
        let is_beyond = self.builder.compare(IntegerComparison::Above, end, limit);
        self.escape_if(is_beyond, exit);
        self.save_frames(node, before);
        self.pass_parameters(index, first, before);
        let link = Value::integer(self.link(node) as i64);
        self.builder.store(Width::Word, link, Value::BASE, offset(first) + LINK);
        self.builder.rebase(offset(first));
        self.builder.jump(start);

        self.builder.start(way_back, self.rank, false);
        self.known.clear();
        let next = node.at + 1;
        let exit = self.clean_exit(node.frame, next, &after);
        self.check_captures(exit);
        let results = &self.effects[index].defines;
        for slot in 0..self.region.slots {
            if results.contains(&slot) || self.region.is_observable(node.frame, next, slot) {
                self.load_from_frame(slot, after.held[slot], exit);
            }
        }
        After::Continues
    }

    /// Writes the parameters of a call to memory, from the slot `first` on. Those that are there
    /// already have been written before.
    fn pass_parameters(&mut self, index: usize, first: usize, before: &State) {
        let node = &self.region.nodes[index];
        let from = self.region.slot(node, node.word.a()) + 2;
        let given = self.region.arguments(node);
        let parameters = usize::from(self.region.frames[0].code.prototype().parameters);
        for parameter in 0..parameters {
            let place = offset(first + parameter);
            if parameter >= given {
                self.builder.store(Width::Word, Value::integer(NIL), Value::BASE, place);
            } else if first != from {
                let slot = from + parameter;
                self.store_slot(slot, before.held[slot], Value::BASE, place);
            }
        }
    }

    /// What a call writes to the link of the new frame.
    fn link(&self, node: &Node) -> u64 {
        instruction_address(self.region.frames[node.frame].code, node.at + 1)
    }

    /// A return of the region's function: to one of its own calls, or by the interpreter.
    pub(super) fn return_to_caller(&mut self, index: usize, before: &State) -> After {
        let exit = self.exit_before(index);
        let node = &self.region.nodes[index];
        let given = self.region.returned(node);
        let from = self.region.slot(node, node.word.a());
        let calls = self.own_calls.as_ref().map_or(Vec::new(), |calls| calls.ways_back.clone());
        let link = self.builder.load(Width::Word, Value::BASE, LINK);
        for (call, way_back) in calls {
            let call = &self.region.nodes[call];
            if call.word.b() == OPEN && given != 1 {
                continue;
            }
            let [same, other] = [(); 2].map(|()| self.builder.block());
            let expected = Value::integer(self.link(call) as i64);
            let is_same = self.builder.compare(IntegerComparison::Equal, link, expected);
            self.builder.branch(is_same, same, other);
            self.builder.start(same, self.rank, false);
            self.check_frames(call, exit);
            for result in 0..self.region.expected(call) {
                let place = FUNCTION + offset(result);
                match result < given {
                    true => {
                        let slot = from + result;
                        self.store_slot(slot, before.held[slot], Value::BASE, place);
                    }
                    false => {
                        let nil = Value::integer(NIL);
                        self.builder.store(Width::Word, nil, Value::BASE, place);
                    }
                }
            }
            self.builder.rebase(-offset(self.region.slot(call, call.word.a()) + 2));
            self.builder.jump(way_back);
            self.builder.start(other, self.rank, false);
        }
        self.escape(exit);
        After::Branched
    }

    /// Leaves if the frames that a call was made in are not those of the region: the interpreter
    /// may have made them. BASE is that of the called frame.
    fn check_frames(&mut self, call: &Node, exit: Escape) {
        let distance = offset(self.region.slot(call, call.word.a()) + 2);
        let own = self.builder.load(Width::Word, Value::BASE, FUNCTION);
        let found = self.builder.load(Width::Word, Value::BASE, FUNCTION - distance);
        self.check_same(found, own, exit);
        let mut inner = call.frame;
        while let Some((caller, _)) = self.region.frames[inner].caller {
            let frame = &self.region.frames[inner];
            let first = offset(frame.first_slot) - distance;
            let function = Value::integer(frame.function.word() as i64);
            let found = self.builder.load(Width::Word, Value::BASE, first + FUNCTION);
            self.check_same(found, function, exit);
            inner = caller;
        }
        for (slot, link) in self.links(call.frame) {
            // Others are what they are if these are.
            if let WordSource::Constant(link) = link {
                let found = self.builder.load(Width::Word, Value::BASE, offset(slot) - distance);
                self.check_same(found, Value::integer(link as i64), exit);
            }
        }
    }
}
