//! Tables: elements of the array part, fields, methods, length, new tables; upvalues and globals.
//!
//! A store that needs a new key or a larger array takes the instruction's slow path; what else does
//! not fit leaves.

use super::known::Fact;
use super::slots::Parts;
use super::{After, Emitter, Escape, NIL};
use crate::backend::linear::{
    Block, Class, IntegerComparison, IntegerOperation, Value, Variable, Width,
};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use crate::region::{Action, FieldPlace, Inherited, Node};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{HelperFunctions, MachineLayout, Seen, Table};

/// Where an element is: an address and an offset.
#[derive(Clone, Copy)]
struct Element {
    address: Value,
    offset: i32,
    /// The key as a double, if that was checked here.
    key: Option<Value>,
}

impl<'v> Emitter<'_, 'v> {
    // Elements.

    /// The element that an instruction is about; None if it has none.
    fn element(
        &mut self,
        node: &Node,
        parts: Parts,
        before: &State,
        exit: Escape,
    ) -> Option<Element> {
        if matches!(node.opcode, Opcode::GetInteger | Opcode::SetInteger) {
            let index = i64::from(node.word.c());
            if index == 0 {
                return None;
            }
            let is_outside =
                self.builder.compare(IntegerComparison::Below, parts.size, Value::integer(index));
            self.escape_if(is_outside, exit);
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
        self.escape_if(is_outside, exit);
        let distance = self.builder.integer(IntegerOperation::ShiftLeft, index, Value::integer(3));
        let address = self.builder.integer(IntegerOperation::Add, parts.array, distance);
        Some(Element { address, offset: 0, key: key.filter(|_| !before.held[slot].is_number()) })
    }

    pub(super) fn get_element(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, c) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let Some(after) = self.after(index) else { return After::Branched };
        let (other, next) = (self.builder.block(), self.builder.block());
        let has_number_key = !matches!(node.action, Action::AnyKey);
        if has_number_key
            && let Some(element) = self.element(node, parts, before, Escape::Block(other))
        {
            self.load_element(a, after.held[a], element.address, element.offset, parts.table, exit);
            self.write_checked(b, parts, before, a);
            if let Some(key) = element.key.filter(|_| c != a) {
                self.write_double(c, key);
            }
            self.builder.jump(next);
        } else {
            self.builder.jump(other);
        }
        // Elsewhere in the table. What was read before may be written by now.
        self.builder.start(other, self.rank, has_number_key);
        let parts = self.table(b, before.held[b], exit);
        let key = match node.opcode {
            Opcode::GetInteger => Value::integer(f64::from(node.word.c()).to_bits() as i64),
            _ => self.word(c, before.held[c]),
        };
        let is_checked = node.opcode == Opcode::GetIndex && has_number_key;
        if is_checked && !before.held[c].is_number() {
            let number = self.double(c, before.held[c]);
            self.check_number(number, exit);
            self.find(a, after.held[a], parts, key, exit);
            if c != a {
                self.write_double(c, number);
            }
        } else {
            self.find(a, after.held[a], parts, key, exit);
        }
        self.write_checked(b, parts, before, a);
        self.builder.jump(next);
        self.builder.start(next, self.rank, false);
        After::Continues
    }

    /// The value of any key, by a function.
    fn find(&mut self, slot: usize, held: Representation, parts: Parts, key: Value, exit: Escape) {
        let word = self.help(HelperFunctions::get(), &[parts.table, key]);
        self.leave_if_inherited(word, parts.table, exit);
        self.define_word(slot, held, word, exit);
    }

    pub(super) fn set_element(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let (a, b, c) = self.slots_of(node);
        let (other, slow) = self.other_way(index);
        let parts = self.table(b, before.held[b], other);
        if matches!(node.action, Action::AnyKey) {
            let (key, value) = (self.word(c, before.held[c]), self.word(a, before.held[a]));
            let arguments = [Value::CONTEXT, parts.table, key, value];
            let is_done = self.help(HelperFunctions::replace(), &arguments);
            self.escape_unless(is_done, other);
            self.write_checked(b, parts, before, usize::MAX);
        } else if let Some(element) = self.element(node, parts, before, other) {
            self.table_barrier(parts.table, a, before.held[a]);
            let metatable =
                self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
            let (look, store) = (self.builder.block(), self.builder.block());
            self.builder.branch(metatable, look, store);
            self.builder.start(look, self.rank, true);
            let old = self.builder.load(Width::Word, element.address, element.offset);
            let is_nil = self.builder.compare(IntegerComparison::Equal, old, Value::integer(NIL));
            self.escape_if(is_nil, other);
            self.builder.jump(store);
            self.builder.start(store, self.rank, false);
            self.store_slot(a, before.held[a], element.address, element.offset);
            self.write_checked(b, parts, before, usize::MAX);
            if let Some(key) = element.key {
                self.write_double(c, key);
            }
        } else {
            return self.step(index, before);
        }
        self.slow_path(index, before, slow);
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
        self.escape_if(is_small, exit);
        for value in 1..=count {
            self.table_barrier(parts.table, a + value, before.held[a + value]);
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
    pub(super) fn write_checked(
        &mut self,
        slot: usize,
        parts: Parts,
        before: &State,
        target: usize,
    ) {
        if before.held[slot] != Representation::Table && slot != target {
            self.hold_table(slot, parts);
        }
    }

    // Fields.

    /// The node of a field: where it probably is, or by a search. Leaves if there is none.
    fn field(
        &mut self,
        node: &Node,
        parts: Parts,
        place: Option<FieldPlace>,
        exit: Escape,
    ) -> Option<(Value, i32)> {
        let slot = self.region.slot(node, node.word.b());
        let code = self.region.frames[node.frame].code;
        let index = usize::from(node.word.c());
        let key = code.constant(index)?;
        let hash = code.constant(index + 1)?.word() as u32;
        self.roots.push(key.root());
        if let Some(place) = place {
            let shift = Fact::Shift(place.shift);
            if !self.known.has(slot, shift) {
                let expected = Value::integer(i64::from(place.shift));
                let found = self.builder.load(Width::U8, parts.table, MachineLayout::TABLE_SHIFT);
                self.check_same(found, expected, exit);
                self.learn(slot, shift, exit);
            }
            let has_key = Fact::Key(place.offset, key.word());
            if !self.known.has(slot, has_key) {
                let offset = place.offset + MachineLayout::NODE_KEY;
                let found = self.builder.load(Width::Word, parts.nodes, offset);
                self.check_same(found, Value::integer(key.word() as i64), exit);
                self.learn(slot, has_key, exit);
            }
            return Some((parts.nodes, place.offset));
        }
        let key = Value::integer(key.word() as i64);
        let shift = self.builder.load(Width::U8, parts.table, MachineLayout::TABLE_SHIFT);
        let place = self.builder.variable(Class::Integer);
        let found = self.search(parts, shift, hash, key, place);
        // The end of the chain.
        self.escape(exit);
        self.builder.start(found, self.rank, false);
        Some((self.builder.read(place), 0))
    }

    /// A check has shown something of a slot's table, unless what it escapes to comes back.
    fn learn(&mut self, slot: usize, fact: Fact, exit: Escape) {
        if matches!(exit, Escape::Exit(_)) {
            self.known.add(slot, fact);
        }
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

    /// A field, or a method of the object's own.
    pub(super) fn get_field(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, _) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        let code = self.region.frames[node.frame].code;
        let key = code.constant(node.word.c().into());
        let (Some(after), Some(key)) = (self.after(index), key) else { return };
        let other = (node.doubts > 0).then(|| self.builder.block());
        let escape = other.map_or(exit, Escape::Block);
        if let Some((place, offset)) = self.field(node, parts, place_of(node), escape) {
            let offset = offset + MachineLayout::NODE_VALUE;
            self.load_element(a, after.held[a], place, offset, parts.table, exit);
            self.finish_field(node, parts, before);
        }
        let Some(other) = other else { return };
        let next = self.builder.block();
        self.builder.jump(next);
        self.builder.start(other, self.rank, true);
        let parts = self.table(b, before.held[b], exit);
        let key = Value::integer(key.word() as i64);
        self.find(a, after.held[a], parts, key, exit);
        self.finish_field(node, parts, before);
        self.builder.jump(next);
        self.builder.start(next, self.rank, false);
    }

    /// Holds the object of a field that was read as a table from now on, also as an argument.
    fn finish_field(&mut self, node: &Node, parts: Parts, before: &State) {
        let (a, b, _) = self.slots_of(node);
        if node.opcode == Opcode::SelfField {
            self.write_table(a + 2, parts);
            if b != a {
                self.known.copy(a + 2, b);
            }
        }
        if node.opcode != Opcode::SelfField || b != a + 2 {
            self.write_checked(b, parts, before, a);
        }
    }

    pub(super) fn set_field(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let (a, b, _) = self.slots_of(node);
        let (other, slow) = self.other_way(index);
        let parts = self.table(b, before.held[b], other);
        let key = self.region.frames[node.frame].code.constant(node.word.c().into());
        let (Some((place, offset)), Some(key)) =
            (self.field(node, parts, place_of(node), other), key)
        else {
            return;
        };
        let offset = offset + MachineLayout::NODE_VALUE;
        self.table_barrier(parts.table, a, before.held[a]);
        let old = self.builder.load(Width::Word, place, offset);
        let is_nil = self.builder.compare(IntegerComparison::Equal, old, Value::integer(NIL));
        let (look, store) = (self.builder.block(), self.builder.block());
        self.builder.branch(is_nil, look, store);
        // As a new key: it may need `__newindex`, and the barrier, and a metatable's absent
        // metamethods are forgotten.
        self.builder.start(look, self.rank, true);
        let metatable = self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
        self.escape_if(metatable, other);
        let key = |_: &mut Self| Value::integer(key.word() as i64);
        self.barrier(parts.table, HelperFunctions::barrier_back(), key, true);
        let zero = Value::integer(0);
        self.builder.store(Width::U8, zero, parts.table, MachineLayout::TABLE_ABSENT);
        self.builder.jump(store);
        self.builder.start(store, self.rank, false);
        self.store_slot(a, before.held[a], place, offset);
        self.write_checked(b, parts, before, usize::MAX);
        self.slow_path(index, before, slow);
    }

    /// A field or method that the object's metatable leads to, if it is one of some.
    pub(super) fn inherited(&mut self, index: usize, ways: &[Inherited<'v>], before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, _) = self.slots_of(node);
        let parts = self.table(b, before.held[b], exit);
        // The object itself lacks it.
        let code = self.region.frames[node.frame].code;
        let constant = usize::from(node.word.c());
        let (Some(key), Some(hash)) = (code.constant(constant), code.constant(constant + 1)) else {
            return;
        };
        let lacks = Fact::Lacks(key.word());
        if !self.known.has(b, lacks) {
            self.check_absent(parts, key, hash, exit);
            self.learn(b, lacks, exit);
        }
        let Some((last, others)) = ways.split_last() else { return };
        let address =
            |found: &Inherited| found.metatable().map_or(0, |metatable| metatable.address());
        let of_table = |this: &mut Self| {
            this.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE)
        };
        let word = if others.is_empty() {
            let has_metatable = Fact::Metatable(address(last));
            if !self.known.has(b, has_metatable) {
                let metatable = of_table(self);
                self.check_same(metatable, Value::integer(address(last) as i64), exit);
                self.learn(b, has_metatable, exit);
            }
            self.inherited_value(last, exit)
        } else {
            let metatable = of_table(self);
            let address_of = |found: &Inherited| Value::integer(address(found) as i64);
            let (value, next) = (self.builder.variable(Class::Integer), self.builder.block());
            for found in others {
                let (same, other) = (self.builder.block(), self.builder.block());
                let is_same =
                    self.builder.compare(IntegerComparison::Equal, metatable, address_of(found));
                self.builder.branch(is_same, same, other);
                self.builder.start(same, self.rank, false);
                let word = self.inherited_value(found, exit);
                self.builder.write(value, word);
                self.builder.jump(next);
                self.builder.start(other, self.rank, false);
            }
            self.check_same(metatable, address_of(last), exit);
            let word = self.inherited_value(last, exit);
            self.builder.write(value, word);
            self.builder.jump(next);
            self.builder.start(next, self.rank, false);
            self.builder.read(value)
        };
        let Some(after) = self.after(index) else { return };
        self.define_word(a, after.held[a], word, exit);
        self.finish_field(node, parts, before);
    }

    /// Leaves if a table has a node with that key.
    pub(super) fn check_absent(
        &mut self,
        parts: Parts,
        key: Seen<'v>,
        hash: Seen<'v>,
        exit: Escape,
    ) {
        self.roots.push(key.root());
        let shift = self.builder.load(Width::U8, parts.table, MachineLayout::TABLE_SHIFT);
        let place = self.builder.variable(Class::Integer);
        let key = Value::integer(key.word() as i64);
        let is_own = self.search(parts, shift, hash.word() as u32, key, place);
        let next = self.builder.block();
        self.builder.jump(next);
        self.builder.start(is_own, self.rank, true);
        self.escape(exit);
        self.builder.start(next, self.rank, false);
    }

    /// The value that metatables' `__index` lead to; leaves if there is none.
    fn inherited_value(&mut self, found: &Inherited<'v>, exit: Escape) -> Value {
        let node_at = |table: Table, offset: i32| {
            Value::integer(table.nodes().wrapping_add(i64::from(offset) as u64) as i64)
        };
        for level in &found.levels {
            let index_node = node_at(level.metatable, level.index);
            let fields = self.builder.load(Width::Word, index_node, MachineLayout::NODE_VALUE);
            let expected = Value::integer(level.fields.word() as i64);
            self.check_same(fields, expected, exit);
        }
        let Some(last) = found.levels.last() else { return Value::integer(NIL) };
        let node = node_at(last.fields, found.field);
        let word = self.builder.load(Width::Word, node, MachineLayout::NODE_VALUE);
        let is_nil = self.builder.compare(IntegerComparison::Equal, word, Value::integer(NIL));
        self.escape_if(is_nil, exit);
        word
    }

    /// A method of a string.
    pub(super) fn string_method(&mut self, index: usize, found: &Inherited<'v>, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, b, _) = self.slots_of(node);
        let object = self.word(b, before.held[b]);
        self.untag(object, MachineLayout::STRING, exit);
        let metatable =
            self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::STRING_METATABLE);
        let address = found.metatable().map_or(0, |metatable| metatable.address());
        self.check_same(metatable, Value::integer(address as i64), exit);
        let method = self.inherited_value(found, exit);
        self.write_word(a + 2, object);
        self.write_word(a, method);
    }

    pub(super) fn string_length(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let (a, d) =
            (self.region.slot(node, node.word.a()), self.region.slot(node, node.word.d() as u8));
        let word = self.word(d, before.held[d]);
        let string = self.untag(word, MachineLayout::STRING, exit);
        let length = self.builder.load(Width::U32, string, MachineLayout::STRING_LENGTH);
        self.write_integer(a, length);
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
        self.escape_if(metatable, exit);
        let length = self.help(HelperFunctions::length(), &[parts.table]);
        self.write_checked(d, parts, before, a);
        self.write_integer(a, length);
    }

    pub(super) fn new_table(&mut self, index: usize) {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let Some(after) = self.after(index) else { return };
        let a = self.region.slot(node, node.word.a());
        let code = self.region.frames[node.frame].code;
        let table = match node.opcode {
            Opcode::NewTable => {
                let sizes = [node.word.b(), node.word.c()].map(|size| Value::integer(size.into()));
                let arguments = [Value::CONTEXT, sizes[0], sizes[1]];
                self.help(HelperFunctions::new_table(), &arguments)
            }
            _ => {
                let Some(template) = code.template(node.word.d().into()) else { return };
                self.roots.push(template.root());
                let template = Value::integer(template.address() as i64);
                self.help(HelperFunctions::duplicate_table(), &[Value::CONTEXT, template])
            }
        };
        self.escape_unless(table, exit);
        self.define_word(a, after.held[a], table, exit);
    }

    // Upvalues and globals.

    pub(super) fn get_upvalue(&mut self, index: usize) {
        let node = &self.region.nodes[index];
        let (Some([_, slot]), Some(after)) = (self.upvalue(node), self.after(index)) else {
            return;
        };
        let a = self.region.slot(node, node.word.a());
        let exit = self.exit_before(index);
        self.load_slot(a, after.held[a], slot, 0, exit);
    }

    pub(super) fn set_upvalue(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let Some([upvalue, slot]) = self.upvalue(node) else { return };
        let a = self.region.slot(node, node.word.a());
        if !before.held[a].is_number() {
            let word = |this: &mut Self| this.word(a, before.held[a]);
            self.barrier(upvalue, HelperFunctions::barrier_forward(), word, false);
        }
        self.store_slot(a, before.held[a], slot, 0);
    }

    pub(super) fn get_global(&mut self, index: usize) -> After {
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let place = self.relied.globals.get(&(node.frame, node.word.d().into()));
        let (Some(&place), Some(after)) = (place, self.after(index)) else {
            self.escape(exit);
            return After::Branched;
        };
        let a = self.region.slot(node, node.word.a());
        let place = Value::integer(place as i64);
        let word = self.builder.load(Width::Word, place, MachineLayout::NODE_VALUE);
        let is_nil = self.builder.compare(IntegerComparison::Equal, word, Value::integer(NIL));
        self.escape_if(is_nil, exit);
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
