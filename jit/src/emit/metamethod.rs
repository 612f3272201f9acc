//! Metamethods that are Lua functions.
//!
//! Their frames are where the interpreter would have them, with the link of a receiver, so that a
//! unit can leave inside them. Links are written only when it leaves.

use super::slots::Parts;
use super::{After, Emitter, Escape, FALSE, NIL};
use crate::backend::linear::{IntegerComparison, Value, Width};
use crate::passes::effects::argument_kind;
use crate::passes::kinds::Kind;
use crate::passes::representation::Representation;
use crate::passes::states::State;
use crate::region::{Argument, MetamethodCall};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{HelperFunctions, MachineLayout};

/// An argument that has been checked, if it had to be.
#[derive(Clone, Copy)]
enum Checked {
    Any,
    Number(Value),
    Table(Parts),
}

impl<'v> Emitter<'_, 'v> {
    /// Enters the frame of a metamethod, if the instruction calls that one.
    pub(super) fn metamethod(
        &mut self,
        index: usize,
        call: &MetamethodCall<'v>,
        before: &State,
    ) -> After {
        let region = self.region;
        let node = &region.nodes[index];
        let exit = self.exit_before(index);
        let checked: Vec<Checked> = (0..call.arguments.len())
            .map(|argument| self.check_argument(call, argument, before, exit))
            .collect();
        self.check_method(call, exit);
        // What decides without it.
        let is_decided = match (node.opcode, &checked[..]) {
            (
                Opcode::EqualVV | Opcode::NotEqualVV,
                [Checked::Table(left), Checked::Table(right)],
            ) => Some(self.builder.compare(IntegerComparison::Equal, left.table, right.table)),
            _ => None,
        };
        let mut found = None;
        if let Some(Checked::Table(object)) = checked.first() {
            match node.opcode {
                Opcode::GetIndex | Opcode::GetInteger => {
                    let key = self.argument(call.arguments[1], before);
                    let arguments = [object.table, key];
                    found = Some(self.help(HelperFunctions::get(), &arguments));
                }
                Opcode::GetField => {
                    let code = region.frames[node.frame].code;
                    let constant = usize::from(node.word.c());
                    let key = (code.constant(constant), code.constant(constant + 1));
                    let (Some(key), Some(hash)) = key else { return After::Branched };
                    self.check_absent(*object, key, hash, exit);
                }
                _ => {}
            }
        }
        self.pass_to_metamethod(index, call, &checked, before, exit);
        let (Some(after), Some(&other)) = (self.after(index), node.next.get(1)) else {
            return After::Continues;
        };
        let (without, next) = (self.builder.block(), self.builder.block());
        if let Some(word) = found {
            let nil = Value::integer(NIL);
            let is_nil = self.builder.compare(IntegerComparison::Equal, word, nil);
            self.builder.branch(is_nil, next, without);
            self.builder.start(without, self.rank, false);
            let Some(state) = self.states.found.get(&index).cloned() else {
                return After::Branched;
            };
            let target = region.slot(node, node.word.a());
            self.define_word(target, state.held[target], word, exit);
            self.go_on(&state, other);
        } else {
            self.builder.branch(is_decided.unwrap_or(Value::integer(0)), without, next);
            self.builder.start(without, self.rank, false);
            self.go_on(&after, other);
        }
        self.builder.start(next, self.rank, false);
        After::Continues
    }

    /// Leaves if an argument is not what the call relies on: an object of the class, or a number.
    fn check_argument(
        &mut self,
        call: &MetamethodCall<'v>,
        argument: usize,
        before: &State,
        exit: Escape,
    ) -> Checked {
        let kind = argument_kind(call, argument);
        match (call.arguments[argument], kind) {
            (Argument::Slot(slot), Kind::Table) => {
                let parts = self.table(slot, before.held[slot], exit);
                let found =
                    self.builder.load(Width::Word, parts.table, MachineLayout::TABLE_METATABLE);
                let expected = Value::integer(call.metatable.address() as i64);
                self.check_same(found, expected, exit);
                Checked::Table(parts)
            }
            (argument, Kind::Number) => {
                let metatable =
                    self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::NUMBER_METATABLE);
                self.escape_if(metatable, exit);
                match argument {
                    Argument::Slot(slot) if !before.held[slot].is_number() => {
                        let number = self.double(slot, before.held[slot]);
                        self.check_number(number, exit);
                        Checked::Number(number)
                    }
                    _ => Checked::Any,
                }
            }
            _ => Checked::Any,
        }
    }

    /// Leaves if the metatable has another metamethod now.
    fn check_method(&mut self, call: &MetamethodCall<'v>, exit: Escape) {
        let function = self.region.frames[call.frame].function;
        self.roots.push(function.root());
        let place = call.metatable.nodes().wrapping_add(i64::from(call.place) as u64);
        let place = Value::integer(place as i64);
        let found = self.builder.load(Width::Word, place, MachineLayout::NODE_VALUE);
        self.check_same(found, Value::integer(function.word() as i64), exit);
    }

    /// An argument as a word.
    fn argument(&mut self, argument: Argument<'v>, before: &State) -> Value {
        match argument {
            Argument::Slot(slot) => self.word(slot, before.held[slot]),
            Argument::Number(number) => Value::integer(number.to_bits() as i64),
            Argument::Constant(constant) => {
                self.roots.push(constant.root());
                Value::integer(constant.word() as i64)
            }
        }
    }

    /// Writes the parameters and the function of a metamethod's frame, and keeps what was checked.
    fn pass_to_metamethod(
        &mut self,
        index: usize,
        call: &MetamethodCall<'v>,
        checked: &[Checked],
        before: &State,
        exit: Escape,
    ) {
        let Some(after) = self.after(index) else { return };
        let frame = &self.region.frames[call.frame];
        for parameter in 0..usize::from(frame.code.prototype().parameters) {
            let slot = frame.first_slot + parameter;
            let held = after.held[slot];
            match (call.arguments.get(parameter), checked.get(parameter)) {
                (_, Some(&Checked::Table(parts))) if held == Representation::Table => {
                    self.write_table(slot, parts);
                }
                (Some(&Argument::Slot(from)), _)
                    if held == Representation::Double && before.held[from].is_number() =>
                {
                    let number = self.double(from, before.held[from]);
                    self.write_double(slot, number);
                }
                (Some(&argument), _) => {
                    let word = self.argument(argument, before);
                    self.define_word(slot, held, word, exit);
                }
                (None, _) => self.define_word(slot, held, Value::integer(NIL), exit),
            }
        }
        let function = Value::integer(frame.function.word() as i64);
        self.write_word(frame.first_slot - 2, function);
        for (&argument, &checked) in call.arguments.iter().zip(checked) {
            match (argument, checked) {
                (Argument::Slot(slot), Checked::Table(parts)) => {
                    self.write_checked(slot, parts, before, usize::MAX);
                }
                (Argument::Slot(slot), Checked::Number(number)) => self.write_double(slot, number),
                _ => {}
            }
        }
    }

    /// A return of a metamethod that decides a comparison.
    pub(super) fn decide(&mut self, index: usize, before: &State) -> After {
        let region = self.region;
        let node = &region.nodes[index];
        let Some((_, call)) = region.frames[node.frame].caller else { return After::Branched };
        let is_true = match region.returned(node) {
            0 => Value::integer(0),
            _ => {
                let slot = region.slot(node, node.word.a());
                let word = self.word(slot, before.held[slot]);
                self.builder.compare(IntegerComparison::Below, word, Value::integer(FALSE))
            }
        };
        let is_negated = matches!(
            region.nodes[call].opcode,
            Opcode::NotLessVV | Opcode::NotLessEqualVV | Opcode::NotEqualVV
        );
        let jumps = if is_negated { self.builder.not(is_true) } else { is_true };
        self.branch(index, jumps)
    }
}
