//! The way into a unit: what the code relies on is checked once, and the slots that it uses are
//! loaded.
//!
//! Of this, only calls of natives and of slow paths can change anything inside a unit: after each,
//! what the code relies on is checked again.

use super::{Emitter, Escape};
use crate::backend::linear::{Class, IntegerComparison, IntegerOperation, Value, Width};
use crate::passes::effects::captured_slot;
use crate::passes::states::State;
use crate::region::{Action, CalleeSource, Inherited, Node};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{Code, DECLINED, MachineLayout, Seen, Table};
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
        if self.has_calls {
            let moves = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::MOVES);
            self.builder.write(self.moves, moves);
        }
        self.check_assumptions(&[], exit);
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

    /// The address of a function with that code; leaves if the word is not one.
    pub(super) fn check_code(&mut self, word: Value, code: Code<'v>, exit: Escape) -> Value {
        let function = self.untag(word, MachineLayout::LUA_FUNCTION, exit);
        let found = self.builder.load(Width::Word, function, MachineLayout::FUNCTION_PROTOTYPE);
        self.check_same(found, Value::integer(code.address() as i64), exit);
        function
    }

    /// What the code of a frame of a function that has just been found relies on.
    pub(super) fn enter_any(&mut self, frame: usize, function: Value, exit: Escape) {
        let variable = match self.functions.get(&frame) {
            Some(&variable) => variable,
            None => self.builder.variable(Class::Integer),
        };
        self.functions.insert(frame, variable);
        self.builder.write(variable, function);
        self.check_places(exit, |other| other == frame);
    }

    /// What the code relies on and a call may change: where upvalues, globals and inherited fields
    /// are. The functions of which only the code is known are those of the running frames.
    pub(super) fn check_assumptions(&mut self, running: &[usize], exit: Escape) {
        let region = self.region;
        self.check_places(exit, |frame| {
            !region.frames[frame].is_of_any || running.contains(&frame)
        });
    }

    fn check_places(&mut self, exit: Escape, is_included: impl Fn(usize) -> bool) {
        let region = self.region;
        let mut places = Places::default();
        for node in region.nodes.iter().filter(|node| is_included(node.frame)) {
            match (node.action, node.opcode) {
                (Action::Leave(_), _) => {}
                (Action::Inherited { first, count }, _) => {
                    for found in &region.inherited[first..first + count] {
                        self.check_inherited(node, found, &mut places, exit);
                    }
                }
                (Action::Metamethod(call), _) => {
                    let call = &region.metamethods[call];
                    let key = Some(call.key);
                    self.check_place(call.metatable, call.place, key, &mut places, exit);
                }
                (Action::StringMethod(way), _) => {
                    self.check_inherited(node, &region.inherited[way], &mut places, exit);
                }
                (_, Opcode::GetUpvalue | Opcode::SetUpvalue) => {
                    self.find_upvalue(node, &mut places, exit);
                }
                (_, Opcode::GetGlobal) => self.find_global(node, &mut places, exit),
                _ => {}
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
    fn find_upvalue(&mut self, node: &Node<'v>, places: &mut Places, exit: Escape) {
        let index = usize::from(node.word.d());
        if !places.upvalues.insert((node.frame, index)) {
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
            self.escape_if(is_other, exit);
        }
        let variables = match self.upvalues.get(&(node.frame, index)) {
            Some(&variables) => variables,
            None => {
                let variables = [(); 2].map(|()| self.builder.variable(Class::Integer)).into();
                self.upvalues.insert((node.frame, index), variables);
                variables
            }
        };
        self.builder.write(variables.0, upvalue);
        self.builder.write(variables.1, slot);
    }

    /// Where a global is: its function has the environment that it had, whose nodes have not moved.
    fn find_global(&mut self, node: &Node<'v>, places: &mut Places, exit: Escape) {
        let index = usize::from(node.word.d());
        let frame = &self.region.frames[node.frame];
        let (Some(environment), Some(key), Some(hash)) = (
            frame.function.environment(),
            frame.code.constant(index),
            frame.code.constant(index + 1),
        ) else {
            return;
        };
        let Some(offset) = environment.field(key, hash) else { return };
        if places.environments.insert(node.frame) {
            let function = self.function_of(node.frame);
            let found =
                self.builder.load(Width::Word, function, MachineLayout::FUNCTION_ENVIRONMENT);
            let expected = Value::integer(environment.address() as i64);
            self.check_same(found, expected, exit);
        }
        self.check_place(environment, offset, Some(key), places, exit);
        let place = environment.nodes().wrapping_add(i64::from(offset) as u64);
        self.globals.insert((node.frame, index), place);
    }

    /// Where the field of a node is found.
    fn check_inherited(
        &mut self,
        node: &Node<'v>,
        found: &Inherited<'v>,
        places: &mut Places,
        exit: Escape,
    ) {
        let code = self.region.frames[node.frame].code;
        let constant = usize::from(node.word.c());
        let (Some(key), Some(hash)) = (code.constant(constant), code.constant(constant + 1)) else {
            return;
        };
        let Some((last, lacking)) = found.levels.split_last() else { return };
        for level in &found.levels {
            let index_name = Some(found.index_name);
            self.check_place(level.metatable, level.index, index_name, places, exit);
        }
        self.check_place(last.fields, found.field, Some(key), places, exit);
        // The tables in between lack it.
        for (level, next) in lacking.iter().zip(&found.levels[1..]) {
            if !places.absent.insert((level.fields.address(), key.word())) {
                continue;
            }
            self.roots.push(level.fields.root());
            let table = Value::integer(level.fields.address() as i64);
            let metatable = self.builder.load(Width::Word, table, MachineLayout::TABLE_METATABLE);
            self.check_same(metatable, Value::integer(next.metatable.address() as i64), exit);
            let parts = self.parts_of(table);
            self.check_absent(parts, key, hash, exit);
        }
    }

    /// Leaves if a key of a table is no longer in that place.
    fn check_place(
        &mut self,
        table: Table<'v>,
        offset: i32,
        key: Option<Seen<'v>>,
        places: &mut Places,
        exit: Escape,
    ) {
        let Some(key) = key else { return };
        if places.nodes.insert(table.address()) {
            self.roots.push(table.root());
            let address = Value::integer(table.address() as i64);
            let nodes = self.builder.load(Width::Word, address, MachineLayout::TABLE_NODES);
            let expected = Value::integer(table.nodes() as i64);
            self.check_same(nodes, expected, exit);
        }
        let place = table.nodes().wrapping_add(i64::from(offset) as u64);
        if places.keys.insert(place) {
            let place = Value::integer(place as i64);
            let found = self.builder.load(Width::Word, place, MachineLayout::NODE_KEY);
            let expected = Value::integer(key.word() as i64);
            self.check_same(found, expected, exit);
        }
    }
}

/// What has been checked already.
#[derive(Default)]
struct Places {
    upvalues: HashSet<(usize, usize)>,
    /// The frames whose functions have the expected environments.
    environments: HashSet<usize>,
    /// The tables whose nodes have not moved.
    nodes: HashSet<u64>,
    /// The nodes that have the expected keys.
    keys: HashSet<u64>,
    /// The tables that lack keys.
    absent: HashSet<(u64, u64)>,
}
