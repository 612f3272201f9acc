//! The variables of slots: reading a slot in some form, and writing it.

use super::{Emitter, Escape, NIL, offset};
use crate::backend::linear::{
    Builder, Class, DoubleComparison, Form, IntegerComparison, IntegerOperation, UnaryOperation,
    Value, Variable, Width,
};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use solvm_vm::unit::MachineLayout;

/// The variables of a slot, made when they are needed.
#[derive(Clone, Copy, Default)]
struct Forms {
    word: Option<Variable>,
    double: Option<Variable>,
    integer: Option<Variable>,
    /// Address, array, size of the array, nodes.
    table: [Option<Variable>; 4],
}

/// The variables of all slots.
pub(super) struct Slots(Vec<Forms>);

impl Slots {
    pub(super) fn new(count: usize) -> Slots {
        Slots(vec![Forms::default(); count])
    }
}

/// A variable, made if there is none yet.
fn variable(builder: &mut Builder, place: &mut Option<Variable>, class: Class) -> Variable {
    *place.get_or_insert_with(|| builder.variable(class))
}

/// The parts of a table that is held.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) table: Value,
    pub(super) array: Value,
    pub(super) size: Value,
    pub(super) nodes: Value,
}

impl Emitter<'_, '_> {
    fn word_variable(&mut self, slot: usize) -> Variable {
        variable(self.builder, &mut self.slots.0[slot].word, Class::Integer)
    }

    fn double_variable(&mut self, slot: usize) -> Variable {
        variable(self.builder, &mut self.slots.0[slot].double, Class::Double)
    }

    fn integer_variable(&mut self, slot: usize) -> Variable {
        variable(self.builder, &mut self.slots.0[slot].integer, Class::Integer)
    }

    fn table_variables(&mut self, slot: usize) -> [Variable; 4] {
        let builder = &mut *self.builder;
        let table = &mut self.slots.0[slot].table;
        [0, 1, 2, 3].map(|part| variable(builder, &mut table[part], Class::Integer))
    }

    /// The variable that a slot is in, and how it is written to memory.
    pub(super) fn held_in(&mut self, slot: usize, held: Representation) -> (Form, Variable) {
        match held {
            Representation::Word => (Form::Word, self.word_variable(slot)),
            Representation::Double => (Form::Double, self.double_variable(slot)),
            Representation::Integer(..) => (Form::Integer, self.integer_variable(slot)),
            Representation::Table => {
                (Form::Tagged(MachineLayout::TABLE as u16), self.table_variables(slot)[0])
            }
        }
    }

    // Reading.

    /// A slot as a word.
    pub(super) fn word(&mut self, slot: usize, held: Representation) -> Value {
        match held {
            Representation::Word => {
                let variable = self.word_variable(slot);
                self.builder.read(variable)
            }
            Representation::Double | Representation::Integer(..) => {
                let double = self.double(slot, held);
                self.builder.unary(UnaryOperation::ToBits, double)
            }
            Representation::Table => {
                let [table, ..] = self.table_variables(slot);
                let (table, tag) = (self.builder.read(table), MachineLayout::TABLE << 48);
                self.builder.integer(IntegerOperation::Or, table, Value::integer(tag as i64))
            }
        }
    }

    /// A slot as a double: NaN if it is not a number.
    pub(super) fn double(&mut self, slot: usize, held: Representation) -> Value {
        match held {
            Representation::Double => {
                let variable = self.double_variable(slot);
                self.builder.read(variable)
            }
            Representation::Integer(..) => {
                let integer = self.integer(slot);
                self.builder.unary(UnaryOperation::ToDouble, integer)
            }
            _ => {
                let word = self.word(slot, held);
                self.builder.unary(UnaryOperation::FromBits, word)
            }
        }
    }

    /// A slot that is held as an integer.
    pub(super) fn integer(&mut self, slot: usize) -> Value {
        let variable = self.integer_variable(slot);
        self.builder.read(variable)
    }

    /// A slot as a table; leaves if it is not one.
    pub(super) fn table(&mut self, slot: usize, held: Representation, exit: Escape) -> Parts {
        if held == Representation::Table {
            let variables = self.table_variables(slot);
            let [table, array, size, nodes] = variables.map(|variable| self.builder.read(variable));
            return Parts { table, array, size, nodes };
        }
        let word = self.word(slot, held);
        self.table_of_word(word, exit)
    }

    fn table_of_word(&mut self, word: Value, exit: Escape) -> Parts {
        let table = self.untag(word, MachineLayout::TABLE, exit);
        self.parts_of(table)
    }

    /// The parts of the table at an address.
    pub(super) fn parts_of(&mut self, table: Value) -> Parts {
        let mut load = |width, offset| self.builder.load(width, table, offset);
        let array = load(Width::Word, MachineLayout::TABLE_ARRAY);
        let size = load(Width::U32, MachineLayout::TABLE_ARRAY_SIZE);
        let nodes = load(Width::Word, MachineLayout::TABLE_NODES);
        Parts { table, array, size, nodes }
    }

    /// The address of an object; leaves if the word has another tag.
    pub(super) fn untag(&mut self, word: Value, tag: u64, exit: Escape) -> Value {
        let tag = Value::integer((tag << 48) as i64);
        let address = self.builder.integer(IntegerOperation::Xor, word, tag);
        let rest = self.builder.integer(IntegerOperation::ShiftRight, address, Value::integer(48));
        self.escape_if(rest, exit);
        address
    }

    /// A double as an integer; leaves if it is not whole, or -0.
    pub(super) fn whole(&mut self, double: Value, exit: Escape) -> Value {
        let integer = self.builder.unary(UnaryOperation::ToInteger, double);
        let back = self.builder.unary(UnaryOperation::ToDouble, integer);
        let back = self.builder.unary(UnaryOperation::ToBits, back);
        let bits = self.builder.unary(UnaryOperation::ToBits, double);
        self.check_same(back, bits, exit);
        integer
    }

    /// Leaves if a double is NaN: then it was not a number, or is handled by the interpreter.
    pub(super) fn check_number(&mut self, double: Value, exit: Escape) {
        let is_nan = self.builder.compare_doubles(DoubleComparison::Unordered, double, double);
        self.escape_if(is_nan, exit);
    }

    /// Leaves if two integers differ.
    pub(super) fn check_same(&mut self, found: Value, expected: Value, exit: Escape) {
        let is_other = self.builder.compare(IntegerComparison::NotEqual, found, expected);
        self.escape_if(is_other, exit);
    }

    /// A condition as 1 or 0, computed now: what it reads may be written before it is used.
    pub(super) fn flag(&mut self, condition: Value) -> Value {
        self.builder.select(condition, Value::integer(1), Value::integer(0))
    }

    /// Leaves if an integer is outside of bounds.
    pub(super) fn check_bounds(&mut self, integer: Value, low: i64, high: i64, exit: Escape) {
        let from_low =
            self.builder.integer(IntegerOperation::Subtract, integer, Value::integer(low));
        let range = Value::integer(high.wrapping_sub(low));
        let is_outside = self.builder.compare(IntegerComparison::Above, from_low, range);
        self.escape_if(is_outside, exit);
    }

    // Writing.

    pub(super) fn write_word(&mut self, slot: usize, word: Value) {
        self.known.forget(slot);
        let variable = self.word_variable(slot);
        self.builder.write(variable, word);
    }

    pub(super) fn write_double(&mut self, slot: usize, double: Value) {
        self.known.forget(slot);
        let variable = self.double_variable(slot);
        self.builder.write(variable, double);
    }

    pub(super) fn write_integer(&mut self, slot: usize, integer: Value) {
        self.known.forget(slot);
        let variable = self.integer_variable(slot);
        self.builder.write(variable, integer);
    }

    pub(super) fn write_table(&mut self, slot: usize, parts: Parts) {
        self.known.forget(slot);
        self.hold_table(slot, parts);
    }

    /// Holds the table that a slot has.
    pub(super) fn hold_table(&mut self, slot: usize, parts: Parts) {
        let variables = self.table_variables(slot);
        let values = [parts.table, parts.array, parts.size, parts.nodes];
        for (variable, value) in variables.into_iter().zip(values) {
            self.builder.write(variable, value);
        }
    }

    /// Loads again what a table that is held may have moved.
    pub(super) fn reload_table(&mut self, slot: usize) {
        let [table, ..] = self.table_variables(slot);
        let table = self.builder.read(table);
        let parts = self.parts_of(table);
        self.write_table(slot, parts);
    }

    /// Writes a word to a slot in the form in which it is held; leaves if it is not of that kind.
    pub(super) fn define_word(
        &mut self,
        slot: usize,
        held: Representation,
        word: Value,
        exit: Escape,
    ) {
        match held {
            Representation::Word => self.write_word(slot, word),
            Representation::Double => {
                let double = self.builder.unary(UnaryOperation::FromBits, word);
                self.check_number(double, exit);
                self.write_double(slot, double);
            }
            Representation::Integer(low, high) => {
                let double = self.builder.unary(UnaryOperation::FromBits, word);
                let integer = self.whole(double, exit);
                self.check_bounds(integer, low, high, exit);
                self.write_integer(slot, integer);
            }
            Representation::Table => {
                let parts = self.table_of_word(word, exit);
                self.write_table(slot, parts);
            }
        }
    }

    /// Loads a slot in the form in which it is held; leaves if it is not of that kind.
    pub(super) fn load_slot(
        &mut self,
        slot: usize,
        held: Representation,
        address: Value,
        offset: i32,
        exit: Escape,
    ) {
        if held == Representation::Double {
            let double = self.builder.load(Width::Double, address, offset);
            self.check_number(double, exit);
            return self.write_double(slot, double);
        }
        let word = self.builder.load(Width::Word, address, offset);
        self.define_word(slot, held, word, exit);
    }

    /// The same of an element of a table: nil leaves if the table has a metatable.
    pub(super) fn load_element(
        &mut self,
        slot: usize,
        held: Representation,
        address: Value,
        offset: i32,
        table: Value,
        exit: Escape,
    ) {
        if held != Representation::Word {
            return self.load_slot(slot, held, address, offset, exit);
        }
        let word = self.builder.load(Width::Word, address, offset);
        self.leave_if_inherited(word, table, exit);
        self.write_word(slot, word);
    }

    /// Leaves if the value of a field is nil, and the table has a metatable.
    pub(super) fn leave_if_inherited(&mut self, word: Value, table: Value, exit: Escape) {
        let is_nil = self.builder.compare(IntegerComparison::Equal, word, Value::integer(NIL));
        let (look, next) = (self.builder.block(), self.builder.block());
        self.builder.branch(is_nil, look, next);
        self.builder.start(look, self.rank, true);
        let metatable = self.builder.load(Width::Word, table, MachineLayout::TABLE_METATABLE);
        self.escape_if(metatable, exit);
        self.builder.jump(next);
        self.builder.start(next, self.rank, false);
    }

    /// Stores a slot to memory.
    pub(super) fn store_slot(
        &mut self,
        slot: usize,
        held: Representation,
        address: Value,
        offset: i32,
    ) {
        if held.is_number() {
            let double = self.double(slot, held);
            self.builder.store(Width::Double, double, address, offset);
        } else {
            let word = self.word(slot, held);
            self.builder.store(Width::Word, word, address, offset);
        }
    }

    /// Copies a slot to another one.
    pub(super) fn copy(&mut self, node: usize, target: usize, source: usize, before: &State) {
        let held = before.held[source];
        match held {
            Representation::Word => {
                let Some(after) = self.after(node) else { return };
                let wanted = after.held[target];
                let word = self.word(source, held);
                if wanted == Representation::Word {
                    return self.write_word(target, word);
                }
                let exit = self.exit_before(node);
                self.define_word(target, wanted, word, exit);
            }
            Representation::Double => {
                let double = self.double(source, held);
                self.write_double(target, double);
            }
            Representation::Integer(..) => {
                let integer = self.integer(source);
                self.write_integer(target, integer);
            }
            Representation::Table => {
                let variables = self.table_variables(source);
                let [table, array, size, nodes] =
                    variables.map(|variable| self.builder.read(variable));
                self.write_table(target, Parts { table, array, size, nodes });
                self.known.copy(target, source);
            }
        }
    }

    /// The frame's own memory of a slot.
    pub(super) fn load_from_frame(&mut self, slot: usize, held: Representation, exit: Escape) {
        self.load_slot(slot, held, Value::BASE, offset(slot), exit);
    }
}
