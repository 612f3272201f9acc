//! Tables: elements of the array part, fields, methods, length, new tables; upvalues and globals.
//!
//! What needs a metamethod, a new key, a larger array or the barrier's slow path leaves.

use super::slots::Parts;
use super::{After, Emitter, NIL};
use crate::backend::linear::{
    Block, Class, ExitId, IntegerComparison, IntegerOperation, Value, Variable, Width,
};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use crate::region::{Action, FieldPlace, Method, Node};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{HelperFunctions, MachineLayout};

/// Where an element is: an address and an offset.
#[derive(Clone, Copy)]
struct Element {
    address: Value,
    offset: i32,
    /// The key as a double, if that was checked here.
    key: Option<Value>,
}

impl Emitter<'_, '_> {
    // Elements.

    /// The element that an instruction is about; None if it has none.
    fn element(
        &mut self,
        node: &Node,
        parts: Parts,
        before: &State,
        exit: ExitId,
    ) -> Option<Element> {
        if matches!(node.opcode, Opcode::GetInteger | Opcode::SetInteger) {
            let index = i64::from(node.word.c());
            if index == 0 {
                return None;
            }
            let is_outside =
                self.builder.compare(IntegerComparison::Below, parts.size, Value::integer(index));
            self.builder.leave_if(is_outside, exit);
            return Some(Element { address: parts.array, offset: 8 * index as i32, key: None });
        }
        let slot = self.region.slot(node, node.word.c());
        let (index, key) = match before.held[slot] {
            Representation::Integer(..) => (self.integer(slot), None),
            held => {
                let key = self.double(slot, held);
                (self.whole(key, exit), Some(key))
            }
        };
        let place = self.builder.integer(IntegerOperation::Subtract, index, Value::integer(1));
        let is_outside = self.builder.compare(IntegerComparison::AboveOrEqual, place, parts.size);
        self.builder.leave_if(is_outside, exit);
        let distance = self.builder.integer(IntegerOperation::ShiftLeft, index, Value::integer(3));
        let address = self.builder.integer(IntegerOperation::Add, parts.array, distance);
        Some(Element { address, offset: 0, key: key.filter(|_| !before.held[slot].is_number()) })
    }

    pub(super) fn get_element(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, c) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let (Some(element), Some(after)) =
            (self.element(node, parts, before, exit), self.after(index))
        else {
            self.builder.leave(exit);
            return After::Branched;
        };
        self.load_element(a, after.held[a], element.address, element.offset, parts.table, exit);
        self.write_checked(b, parts, before, a);
        if let Some(key) = element.key.filter(|_| c != a) {
            self.write_double(c, key);
        }
        After::Continues
    }

    pub(super) fn set_element(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, c) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let Some(element) = self.element(node, parts, before, exit) else {
            self.builder.leave(exit);
            return After::Branched;
        };
        self.barrier(parts.table, a, before.held[a], exit);
        let metatable = self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
        let (look, store) = (self.builder.block(), self.builder.block());
        self.builder.branch(metatable, look, store);
        self.builder.start(look, self.rank, true);
        let old = self.builder.load(Width::Word, element.address, element.offset);
        let is_nil = self.builder.compare(IntegerComparison::Equal, old, Value::integer(NIL));
        self.builder.leave_if(is_nil, exit);
        self.builder.jump(store);
        self.builder.start(store, self.rank, false);
        self.store_slot(a, before.held[a], element.address, element.offset);
        self.write_checked(b, parts, before, usize::MAX);
        if let Some(key) = element.key {
            self.write_double(c, key);
        }
        After::Continues
    }

    /// Stores the values of a constructor.
    pub(super) fn set_list(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let a = self.region.slot(node, node.word.a());
        let count = usize::from(node.word.d());
        let code = self.region.frames[node.frame].code;
        // The index of the first value.
        let first = code.word(node.at + 1).map_or(1, |word| word.0 as usize);
        let parts = self.table(a, before.held[a], exit);
        let last = Value::integer((first + count) as i64 - 1);
        let is_small = self.builder.compare(IntegerComparison::Below, parts.size, last);
        self.builder.leave_if(is_small, exit);
        let barrier = self.builder.load(Width::U8, parts.table, MachineLayout::BARRIER);
        self.builder.leave_if(barrier, exit);
        for value in 1..=count {
            let offset = 8 * (first + value) as i32 - 8;
            self.store_slot(a + value, before.held[a + value], parts.array, offset);
        }
        self.write_checked(a, parts, before, usize::MAX);
    }

    fn slots_of(&self, node: &Node) -> (usize, usize, usize) {
        let slot = |register| self.region.slot(node, register);
        (slot(node.word.a()), slot(node.word.b()), slot(node.word.c()))
    }

    /// Holds a table that was checked here as one from now on, unless `target` was its slot.
    fn write_checked(&mut self, slot: usize, parts: Parts, before: &State, target: usize) {
        if before.held[slot] != Representation::Table && slot != target {
            self.write_table(slot, parts);
        }
    }

    // Fields.

    /// The node of a field: where it probably is, or by a search. Leaves if there is none.
    fn field(
        &mut self,
        node: &Node,
        parts: Parts,
        place: Option<FieldPlace>,
        exit: ExitId,
    ) -> Option<(Value, i32)> {
        let code = self.region.frames[node.frame].code;
        let index = usize::from(node.word.c());
        let key = code.constant(index)?;
        let hash = code.constant(index + 1)?.word() as u32;
        self.roots.push(key.root());
        let key = Value::integer(key.word() as i64);
        let shift = self.builder.load(Width::U8, parts.table, MachineLayout::TABLE_SHIFT);
        if let Some(place) = place {
            let expected = Value::integer(i64::from(place.shift));
            self.check_same(shift, expected, exit);
            let offset = place.offset + MachineLayout::NODE_KEY;
            let found = self.builder.load(Width::Word, parts.nodes, offset);
            self.check_same(found, key, exit);
            return Some((parts.nodes, place.offset));
        }
        let place = self.builder.variable(Class::Integer);
        let found = self.search(parts, shift, hash, key, place);
        // The end of the chain.
        self.builder.leave(exit);
        self.builder.start(found, self.rank, false);
        Some((self.builder.read(place), 0))
    }

    /// Searches for a key, from its home node on. Continues at the end of the chain; the result is
    /// the block that follows if it is found in the node at `place`.
    fn search(
        &mut self,
        parts: Parts,
        shift: Value,
        hash: u32,
        key: Value,
        place: Variable,
    ) -> Block {
        let (walk, further, absent, found) = (
            self.builder.block(),
            self.builder.block(),
            self.builder.block(),
            self.builder.block(),
        );
        let builder = &mut *self.builder;
        let hash = Value::integer(i64::from(hash));
        let home = builder.integer(IntegerOperation::ShiftRight, hash, shift);
        let size = Value::integer(MachineLayout::NODE_SIZE as i64);
        let distance = builder.integer(IntegerOperation::Multiply, home, size);
        let node = builder.integer(IntegerOperation::Add, parts.nodes, distance);
        builder.write(place, node);
        builder.jump(walk);
        builder.start(walk, self.rank, false);
        let node = builder.read(place);
        let there = builder.load(Width::Word, node, MachineLayout::NODE_KEY);
        let is_same = builder.compare(IntegerComparison::Equal, there, key);
        builder.branch(is_same, found, further);
        builder.start(further, self.rank, true);
        let node = builder.read(place);
        let distance = builder.load(Width::S32, node, MachineLayout::NODE_NEXT);
        let node = builder.integer(IntegerOperation::Add, node, distance);
        let is_last = builder.compare(IntegerComparison::Equal, distance, Value::integer(0));
        let is_last = self.flag(is_last);
        self.builder.write(place, node);
        self.builder.branch(is_last, absent, walk);
        self.builder.start(absent, self.rank, true);
        found
    }

    pub(super) fn get_field(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, _) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let (Some((place, offset)), Some(after)) =
            (self.field(node, parts, place_of(node), exit), self.after(index))
        else {
            return;
        };
        let offset = offset + MachineLayout::NODE_VALUE;
        self.load_element(a, after.held[a], place, offset, parts.table, exit);
        self.write_checked(b, parts, before, a);
    }

    pub(super) fn set_field(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, _) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let Some((place, offset)) = self.field(node, parts, place_of(node), exit) else { return };
        let offset = offset + MachineLayout::NODE_VALUE;
        self.barrier(parts.table, a, before.held[a], exit);
        let old = self.builder.load(Width::Word, place, offset);
        let is_nil = self.builder.compare(IntegerComparison::Equal, old, Value::integer(NIL));
        let (look, store) = (self.builder.block(), self.builder.block());
        self.builder.branch(is_nil, look, store);
        // As a new key: it may need `__newindex`, and the barrier, and a metatable's absent
        // metamethods are forgotten.
        self.builder.start(look, self.rank, true);
        let metatable = self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
        self.builder.leave_if(metatable, exit);
        let barrier = self.builder.load(Width::U8, parts.table, MachineLayout::BARRIER);
        self.builder.leave_if(barrier, exit);
        let zero = Value::integer(0);
        self.builder.store(Width::U8, zero, parts.table, MachineLayout::TABLE_ABSENT);
        self.builder.jump(store);
        self.builder.start(store, self.rank, false);
        self.store_slot(a, before.held[a], place, offset);
        self.write_checked(b, parts, before, usize::MAX);
    }

    /// A method that the object's metatable leads to.
    pub(super) fn method(&mut self, index: usize, method: &Method, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, _) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let metatable = self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
        let expected = Value::integer(method.metatable.address() as i64);
        self.check_same(metatable, expected, exit);
        // The object itself lacks it.
        let code = self.region.frames[node.frame].code;
        let constant = usize::from(node.word.c());
        let (Some(key), Some(hash)) = (code.constant(constant), code.constant(constant + 1)) else {
            return;
        };
        self.roots.push(key.root());
        let shift = self.builder.load(Width::U8, parts.table, MachineLayout::TABLE_SHIFT);
        let place = self.builder.variable(Class::Integer);
        let key = Value::integer(key.word() as i64);
        let found = self.search(parts, shift, hash.word() as u32, key, place);
        let next = self.builder.block();
        self.builder.jump(next);
        self.builder.start(found, self.rank, true);
        self.builder.leave(exit);
        self.builder.start(next, self.rank, false);
        let node_at = |table: solvm_vm::unit::Table, offset: i32| {
            Value::integer(table.nodes().wrapping_add(i64::from(offset) as u64) as i64)
        };
        let index_node = node_at(method.metatable, method.index);
        let methods = self.builder.load(Width::Word, index_node, MachineLayout::NODE_VALUE);
        let expected = Value::integer(method.methods.word() as i64);
        self.check_same(methods, expected, exit);
        let method_node = node_at(method.methods, method.method);
        let word = self.builder.load(Width::Word, method_node, MachineLayout::NODE_VALUE);
        let is_nil = self.builder.compare(IntegerComparison::Equal, word, Value::integer(NIL));
        self.builder.leave_if(is_nil, exit);
        self.write_table(a + 2, parts);
        if b != a + 2 {
            self.write_checked(b, parts, before, a);
        }
        self.write_word(a, word);
    }

    // Barriers.

    /// Leaves if a store of a slot into an object needs the barrier's slow path.
    fn barrier(&mut self, object: Value, slot: usize, held: Representation, exit: ExitId) {
        if held.is_number() {
            return;
        }
        let byte = self.builder.load(Width::U8, object, MachineLayout::BARRIER);
        if held == Representation::Table {
            return self.builder.leave_if(byte, exit);
        }
        let (look, next) = (self.builder.block(), self.builder.block());
        self.builder.branch(byte, look, next);
        self.builder.start(look, self.rank, true);
        let word = self.word(slot, held);
        let is_object = self.is_object(word);
        self.builder.leave_if(is_object, exit);
        self.builder.jump(next);
        self.builder.start(next, self.rank, false);
    }

    // Length and new tables.

    pub(super) fn length(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, d) =
            (self.region.slot(node, node.word.a()), self.region.slot(node, node.word.d() as u8));
        let parts = self.table(d, before.held[d], exit);
        // In gopher-lua's dialect it may have a metamethod.
        let metatable = self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
        self.builder.leave_if(metatable, exit);
        let length = self.builder.call(HelperFunctions::length() as u64, &[parts.table]);
        self.write_checked(d, parts, before, a);
        self.write_integer(a, length);
    }

    pub(super) fn new_table(&mut self, index: usize) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let Some(after) = self.after(index) else { return };
        let a = self.region.slot(node, node.word.a());
        let code = self.region.frames[node.frame].code;
        let budget = self.builder.read(self.budget);
        self.builder.store(Width::Word, budget, Value::CONTEXT, MachineLayout::FUEL);
        let table = match node.opcode {
            Opcode::NewTable => {
                let sizes = [node.word.b(), node.word.c()].map(|size| Value::integer(size.into()));
                let arguments = [Value::CONTEXT, sizes[0], sizes[1]];
                self.builder.call(HelperFunctions::new_table() as u64, &arguments)
            }
            _ => {
                let Some(template) = code.template(node.word.d().into()) else { return };
                self.roots.push(template.root());
                let template = Value::integer(template.address() as i64);
                let function = HelperFunctions::duplicate_table() as u64;
                self.builder.call(function, &[Value::CONTEXT, template])
            }
        };
        self.builder.leave_unless(table, exit);
        let budget = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::FUEL);
        self.define_word(a, after.held[a], table, exit);
        self.builder.write(self.budget, budget);
    }

    // Upvalues and globals.

    pub(super) fn get_upvalue(&mut self, index: usize) {
        let node = &self.region.nodes[index];
        let (Some(&(_, slot)), Some(after)) =
            (self.upvalues.get(&(node.frame, node.word.d().into())), self.after(index))
        else {
            return;
        };
        let a = self.region.slot(node, node.word.a());
        let exit = self.exit_before(index);
        let slot = self.builder.read(slot);
        self.load_slot(a, after.held[a], slot, 0, exit);
    }

    pub(super) fn set_upvalue(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let Some(&(upvalue, slot)) = self.upvalues.get(&(node.frame, node.word.d().into())) else {
            return;
        };
        let a = self.region.slot(node, node.word.a());
        let exit = self.exit_before(index);
        let upvalue = self.builder.read(upvalue);
        self.barrier(upvalue, a, before.held[a], exit);
        let slot = self.builder.read(slot);
        self.store_slot(a, before.held[a], slot, 0);
    }

    pub(super) fn get_global(&mut self, index: usize) -> After {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let place = self.globals.get(&(node.frame, node.word.d().into()));
        let (Some(&place), Some(after)) = (place, self.after(index)) else {
            self.builder.leave(exit);
            return After::Branched;
        };
        let a = self.region.slot(node, node.word.a());
        let place = Value::integer(place as i64);
        let word = self.builder.load(Width::Word, place, MachineLayout::NODE_VALUE);
        let is_nil = self.builder.compare(IntegerComparison::Equal, word, Value::integer(NIL));
        self.builder.leave_if(is_nil, exit);
        self.define_word(a, after.held[a], word, exit);
        After::Continues
    }
}

fn place_of(node: &Node) -> Option<FieldPlace> {
    match node.action {
        Action::Field(place) => Some(place),
        _ => None,
    }
}
