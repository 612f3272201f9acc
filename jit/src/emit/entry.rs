//! The way into a unit: what the code relies on besides its facts is checked once, and the slots
//! that it uses are loaded.
//!
//! Of this, only calls of natives and of slow paths can change anything inside a unit: after each,
//! the unit leaves if anything may be different.

use super::{Address, Emitter, Escape};
use crate::backend::linear::{Class, IntegerComparison, IntegerOperation, Value, Width};
use crate::passes::effects::captured_slot;
use crate::passes::states::State;
use crate::region::{Action, CalleeSource, Node};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{Code, DECLINED, MachineLayout};
use std::collections::HashSet;

impl<'v> Emitter<'_, 'v> {
    pub(super) fn enter(&mut self) {
        let region = self.region;
        let entry = self.builder.block();
        self.builder.start(entry, 0, false);
        let budget = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::FUEL);
        self.builder.write(self.budget, budget);
        let Some(first) = self.before(0) else { return };
        // Nothing has been changed yet.
        let exit = self.bare_exit(DECLINED);
        let room = Value::integer(8 * region.slots as i64);
        let end = self.builder.integer(IntegerOperation::Add, Value::BASE, room);
        let limit = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::STACK_END);
        let is_beyond = self.builder.compare(IntegerComparison::Above, end, limit);
        self.escape_if(is_beyond, exit);
        let region = self.region;
        self.check_included(exit, |frame| !region.frames[frame].is_of_any);
        self.check_callees(exit);
        self.load_used(&first, exit);
    }

    /// Loads the slots that the region uses.
    pub(super) fn load_used(&mut self, state: &State, exit: Escape) {
        let mut is_used = vec![false; self.region.slots];
        for effects in self.effects {
            let uses = effects.uses.iter().map(|&(slot, _)| slot);
            let copied = effects.copy.iter().map(|copy| copy.source);
            for slot in uses.chain(effects.defines.iter().copied()).chain(copied) {
                is_used[slot] = true;
            }
        }
        for slot in (0..self.region.slots).filter(|&slot| is_used[slot]) {
            self.load_from_frame(slot, state.held[slot], exit);
        }
    }

    /// The classes of objects and the functions that the loop does not change: there may be another
    /// version for others.
    fn check_callees(&mut self, exit: Escape) {
        let region = self.region;
        for &(register, metatable) in &region.classes {
            let offset = super::offset(usize::from(register));
            let word = self.builder.load(Width::Word, Value::BASE, offset);
            let table = self.untag(word, MachineLayout::TABLE, exit);
            let found = self.builder.load(Width::Word, table, MachineLayout::TABLE_METATABLE);
            self.check_same(found, Value::integer(metatable.address() as i64), exit);
        }
        for (source, function) in &region.callees {
            let found = match *source {
                CalleeSource::Register(register) => {
                    let offset = super::offset(usize::from(register));
                    let word = self.builder.load(Width::Word, Value::BASE, offset);
                    self.check_code(word, function.code(), exit);
                    continue;
                }
                CalleeSource::Upvalue(index) => {
                    let function = self.function_of(0);
                    let offset = MachineLayout::FUNCTION_UPVALUES + 8 * i32::from(index);
                    let upvalue = self.builder.load(Width::Word, function, offset);
                    let slot = self.builder.load(Width::Word, upvalue, MachineLayout::UPVALUE_SLOT);
                    self.builder.load(Width::Word, slot, 0)
                }
            };
            self.roots.push(function.root());
            self.check_same(found, Value::integer(function.word() as i64), exit);
        }
    }

    /// Leaves if a word is not that of a function with that code.
    fn check_code(&mut self, word: Value, code: Code<'v>, exit: Escape) {
        let function = self.untag(word, MachineLayout::LUA_FUNCTION, exit);
        let found = self.builder.load(Width::Word, function, MachineLayout::FUNCTION_PROTOTYPE);
        self.check_same(found, Value::integer(code.address() as i64), exit);
    }

    /// What the code of a frame of a function that has just been found relies on.
    pub(super) fn enter_any(&mut self, frame: usize, function: Value, exit: Escape) {
        let variable = match self.functions.get(&frame) {
            Some(&variable) => variable,
            None => self.builder.variable(Class::Integer),
        };
        self.functions.insert(frame, variable);
        self.builder.write(variable, function);
        self.check_included(exit, |other| other == frame);
    }

    /// What the code of frames relies on besides its facts: where upvalues are, and the
    /// environments of functions of which only the code is known.
    fn check_included(&mut self, exit: Escape, is_included: impl Fn(usize) -> bool) {
        let region = self.region;
        for frame in 0..region.frames.len() {
            if region.is_known(frame) || !is_included(frame) {
                continue;
            }
            if let Some(&environment) = self.relied.environments.get(&frame) {
                let function = self.function_of(frame);
                let found =
                    self.builder.load(Width::Word, function, MachineLayout::FUNCTION_ENVIRONMENT);
                self.check_same(found, Value::integer(environment as i64), exit);
            }
        }
        let mut found = HashSet::new();
        for node in region.nodes.iter().filter(|node| is_included(node.frame)) {
            let is_upvalue = matches!(node.opcode, Opcode::GetUpvalue | Opcode::SetUpvalue);
            let is_left = matches!(node.action, Action::Leave(_));
            if is_upvalue && !is_left && found.insert((node.frame, node.word.d())) {
                self.find_upvalue(node, exit);
            }
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
        if let Some(&variable) = self.functions.get(&frame) {
            return self.builder.read(variable);
        }
        let word = self.region.frames[frame].function.word();
        Value::integer((word ^ MachineLayout::LUA_FUNCTION << 48) as i64)
    }

    /// Where an upvalue's value is. That of a called function may be a variable of the region's
    /// frames, if it was when the region was made, and only then.
    fn find_upvalue(&mut self, node: &Node<'v>, exit: Escape) {
        let region = self.region;
        let index = usize::from(node.word.d());
        let place = (node.frame, index);
        let known = match region.is_known(node.frame) {
            true => region.frames[node.frame].function.upvalue(index),
            false => None,
        };
        if let Some(variable) = known {
            let addresses = [variable.address(), variable.slot()].map(Address::Constant);
            self.upvalues.insert(place, addresses);
            if variable.is_open() {
                self.check_captured(node, Value::integer(variable.slot() as i64), exit);
            }
            return;
        }
        let function = self.function_of(node.frame);
        let offset = MachineLayout::FUNCTION_UPVALUES + 8 * index as i32;
        let upvalue = self.builder.load(Width::Word, function, offset);
        let slot = self.builder.load(Width::Word, upvalue, MachineLayout::UPVALUE_SLOT);
        if node.frame != 0 {
            self.check_captured(node, slot, exit);
        }
        let addresses = match self.upvalues.get(&place) {
            Some(&addresses) => addresses,
            None => {
                let variable = |()| Address::Variable(self.builder.variable(Class::Integer));
                let addresses = [(); 2].map(variable);
                self.upvalues.insert(place, addresses);
                addresses
            }
        };
        for (address, found) in addresses.into_iter().zip([upvalue, slot]) {
            if let Address::Variable(variable) = address {
                self.builder.write(variable, found);
            }
        }
    }

    /// Leaves if the variable of a called function's upvalue is another one of the region's frames
    /// than it was.
    fn check_captured(&mut self, node: &Node<'v>, slot: Value, exit: Escape) {
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
        self.escape_if(is_other, exit);
    }

    /// The addresses of an upvalue and of its value.
    pub(super) fn upvalue(&mut self, node: &Node) -> Option<[Value; 2]> {
        let addresses = *self.upvalues.get(&(node.frame, node.word.d().into()))?;
        Some(addresses.map(|address| self.address(address)))
    }

    pub(super) fn address(&mut self, address: Address) -> Value {
        match address {
            Address::Constant(address) => Value::integer(address as i64),
            Address::Variable(variable) => self.builder.read(variable),
        }
    }
}
