//! The way into a unit: what the code relies on is checked once, and the slots that it uses are
//! loaded.
//!
//! Nothing of this can change inside a unit: what could, such as a new key in the table of globals,
//! leaves it first.

use super::Emitter;
use crate::backend::linear::{Class, ExitId, IntegerComparison, IntegerOperation, Value, Width};
use crate::passes::effects::captured_slot;
use crate::passes::states::State;
use crate::region::{Action, Node};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{MachineLayout, Seen, Table};

impl<'v> Emitter<'_, 'v> {
    pub(super) fn enter(&mut self) {
        let region = self.region;
        let entry = self.builder.block();
        self.builder.start(entry, 0, false);
        let budget = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::FUEL);
        self.builder.write(self.budget, budget);
        let Some(first) = self.before(0) else { return };
        // Nothing has been changed yet.
        let clean = State { dirty: Default::default(), ..(*first).clone() };
        let exit = self.new_exit(0, region.nodes[0].at, &clean, 0);
        let room = Value::integer(8 * region.slots as i64);
        let end = self.builder.integer(IntegerOperation::Add, Value::BASE, room);
        let limit = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::STACK_END);
        let is_beyond = self.builder.compare(IntegerComparison::Above, end, limit);
        self.builder.leave_if(is_beyond, exit);
        for node in &region.nodes {
            match (node.action, node.opcode) {
                (Action::Leave, _) => {}
                (Action::Method(method), _) => {
                    let code = region.frames[node.frame].code;
                    let name = code.constant(node.word.c().into());
                    self.check_place(method.metatable, method.index, Some(method.index_name), exit);
                    self.check_place(method.methods, method.method, name, exit);
                }
                (_, Opcode::GetUpvalue | Opcode::SetUpvalue) => self.find_upvalue(node, exit),
                (_, Opcode::GetGlobal) => self.find_global(node, exit),
                _ => {}
            }
        }
        let mut is_used = vec![false; region.slots];
        for effects in self.effects {
            let uses = effects.uses.iter().map(|&(slot, _)| slot);
            let copied = effects.copy.iter().map(|copy| copy.source);
            for slot in uses.chain(effects.defines.iter().copied()).chain(copied) {
                is_used[slot] = true;
            }
        }
        for slot in (0..region.slots).filter(|&slot| is_used[slot]) {
            self.load_from_frame(slot, first.held[slot], exit);
        }
    }

    /// The address of a frame's function.
    fn function_of(&mut self, frame: usize) -> Value {
        if frame == 0 {
            // The tag is known.
            let word = self.builder.load(Width::Word, Value::BASE, -16);
            let tag = Value::integer((MachineLayout::LUA_FUNCTION << 48) as i64);
            return self.builder.integer(IntegerOperation::Xor, word, tag);
        }
        let word = self.region.frames[frame].function.word();
        Value::integer((word ^ MachineLayout::LUA_FUNCTION << 48) as i64)
    }

    /// Where an upvalue's value is. That of a called function may be a variable of the region's
    /// frames, if it was when the region was made, and only then.
    fn find_upvalue(&mut self, node: &Node<'v>, exit: ExitId) {
        let index = usize::from(node.word.d());
        if self.upvalues.contains_key(&(node.frame, index)) {
            return;
        }
        let function = self.function_of(node.frame);
        let offset = MachineLayout::FUNCTION_UPVALUES + 8 * index as i32;
        let upvalue = self.builder.load(Width::Word, function, offset);
        let slot = self.builder.load(Width::Word, upvalue, MachineLayout::UPVALUE_SLOT);
        if node.frame != 0 {
            let distance = self.builder.integer(IntegerOperation::Subtract, slot, Value::BASE);
            let is_other = match captured_slot(self.region, node) {
                Some(slot) => {
                    let expected = Value::integer(8 * slot as i64);
                    self.builder.compare(IntegerComparison::NotEqual, distance, expected)
                }
                None => {
                    let end = Value::integer(8 * self.region.slots as i64);
                    self.builder.compare(IntegerComparison::Below, distance, end)
                }
            };
            self.builder.leave_if(is_other, exit);
        }
        let variables = [upvalue, slot].map(|value| {
            let variable = self.builder.variable(Class::Integer);
            self.builder.write(variable, value);
            variable
        });
        self.upvalues.insert((node.frame, index), variables.into());
    }

    /// Where a global is: its function has the environment that it had, whose nodes have not moved.
    fn find_global(&mut self, node: &Node<'v>, exit: ExitId) {
        let index = usize::from(node.word.d());
        if self.globals.contains_key(&(node.frame, index)) {
            return;
        }
        let frame = &self.region.frames[node.frame];
        let (Some(environment), Some(key), Some(hash)) = (
            frame.function.environment(),
            frame.code.constant(index),
            frame.code.constant(index + 1),
        ) else {
            return;
        };
        let Some(offset) = environment.field(key, hash) else { return };
        let function = self.function_of(node.frame);
        let found = self.builder.load(Width::Word, function, MachineLayout::FUNCTION_ENVIRONMENT);
        let expected = Value::integer(environment.address() as i64);
        self.check_same(found, expected, exit);
        self.check_place(environment, offset, Some(key), exit);
        let place = environment.nodes().wrapping_add(i64::from(offset) as u64);
        self.globals.insert((node.frame, index), place);
    }

    /// Leaves if a key of a table is no longer in that place.
    fn check_place(&mut self, table: Table<'v>, offset: i32, key: Option<Seen<'v>>, exit: ExitId) {
        self.roots.push(table.root());
        let Some(key) = key else { return };
        let address = Value::integer(table.address() as i64);
        let nodes = self.builder.load(Width::Word, address, MachineLayout::TABLE_NODES);
        let expected = Value::integer(table.nodes() as i64);
        self.check_same(nodes, expected, exit);
        let place = Value::integer(table.nodes().wrapping_add(i64::from(offset) as u64) as i64);
        let found = self.builder.load(Width::Word, place, MachineLayout::NODE_KEY);
        let expected = Value::integer(key.word() as i64);
        self.check_same(found, expected, exit);
    }
}
