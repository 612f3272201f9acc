//! How the slots are held at each node, forward: what is known after a node follows from what was
//! known before it, and where ways meet, what is true of all of them.
//!
//! **Invariant (HEADER)**: at the loop's first instruction, slots are held as their uses want them,
//! if their values are of that kind, and each way back converts them: so a loop carries doubles,
//! integers and tables, not words.

use super::effects::{Effects, Memory};
use super::kinds::{Kind, Kinds};
use super::representation::{LOOP_LIMIT, Representation};
use crate::region::{Action, Node, Region, Target};
use solvm_compiler::bytecode::{Opcode, RegisterSet};
use solvm_vm::unit::NumberFunction;
use std::collections::HashMap;
use std::rc::Rc;

/// How the slots are held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) held: Vec<Representation>,
    /// The slots whose values are not in memory.
    pub(crate) dirty: RegisterSet,
}

impl State {
    fn define(&mut self, slot: usize, representation: Representation) {
        self.held[slot] = representation;
        self.dirty = self.dirty.union(RegisterSet::one(slot as u8));
    }
}

/// The states before and after each node; None of nodes that are not reached.
pub(crate) struct States {
    pub(crate) before: Vec<Option<Rc<State>>>,
    pub(crate) after: Vec<Option<Rc<State>>>,
    /// The states of nodes whose second way has defined their targets, and the first one has not.
    pub(crate) found: HashMap<usize, Rc<State>>,
}

impl States {
    pub(crate) fn of(region: &Region, effects: &[Effects], kinds: &Kinds) -> States {
        let count = region.nodes.len();
        let mut states =
            States { before: vec![None; count], after: vec![None; count], found: HashMap::new() };
        let mut first = State {
            held: (0..region.slots)
                .map(|slot| at_header(region, slot, kinds.before(0, slot)))
                .collect(),
            dirty: RegisterSet::EMPTY,
        };
        for (slot, representation) in loop_variables(region) {
            let is_unused = kinds.before(0, slot) == Kind::Unused;
            if first.held[slot] == Representation::Double || is_unused {
                first.held[slot] = representation;
            }
        }
        states.before[0] = Some(Rc::new(first));
        let mut work = vec![0];
        while let Some(node) = work.pop() {
            let Some(before) = states.before[node].clone() else { continue };
            let after = Rc::new(after(region, effects, kinds, node, &before));
            states.after[node] = Some(after.clone());
            let found = found(region, kinds, node, &after).map(Rc::new);
            states.found.extend(found.clone().map(|found| (node, found)));
            for (way, target) in region.nodes[node].next.iter().enumerate() {
                let Target::Node(next) = *target else { continue };
                let after = if way == 1 { found.as_ref().unwrap_or(&after) } else { &after };
                match &mut states.before[next] {
                    Some(known) => {
                        if join(Rc::make_mut(known), after, next == 0) {
                            work.push(next);
                        }
                    }
                    unknown => {
                        *unknown = Some(after.clone());
                        work.push(next);
                    }
                }
            }
        }
        states
    }
}

/// The state in which a node that may call `__index` continues if it does not: it has defined its
/// target.
fn found(region: &Region, kinds: &Kinds, index: usize, after: &State) -> Option<State> {
    let node = &region.nodes[index];
    let is_lookup = matches!(node.opcode, Opcode::GetIndex | Opcode::GetInteger);
    let (Action::Metamethod(_), true, Some(&Target::Node(next))) =
        (node.action, is_lookup, node.next.get(1))
    else {
        return None;
    };
    let mut state = after.clone();
    let slot = region.slot(node, node.word.a());
    state.define(slot, Representation::wanted(kinds.before(next, slot)));
    Some(state)
}

/// Joins what is known at a node with what is known on another way to it. Returns whether there was
/// a change.
fn join(known: &mut State, new: &State, is_header: bool) -> bool {
    let dirty = known.dirty.union(new.dirty);
    let mut has_changed = dirty != known.dirty;
    known.dirty = dirty;
    for (held, &other) in known.held.iter_mut().zip(&new.held) {
        let joined = held.join(other);
        let joined = match *held {
            // The way back converts it, to a number at least.
            Representation::Integer(..) if is_header && joined != *held => Representation::Double,
            kept if is_header => kept,
            _ => joined,
        };
        has_changed |= joined != *held;
        *held = joined;
    }
    has_changed
}

/// How a slot is held at the loop's first instruction: as its uses want it, unless it has a value
/// of another kind now.
fn at_header(region: &Region, slot: usize, kind: Kind) -> Representation {
    let wanted = Representation::wanted(kind);
    // Of the slots of a function, only its parameters have values where it starts.
    let is_empty =
        region.is_function() && slot >= usize::from(region.frames[0].code.prototype().parameters);
    if is_empty || region.nodes.first().is_some_and(|node| node.doubts > 0) {
        return Representation::Word;
    }
    let is_other = region.running.register(slot).is_some_and(|value| match wanted {
        Representation::Double => value.as_number().is_none(),
        Representation::Table => value.as_table().is_none(),
        _ => false,
    });
    if is_other { Representation::Word } else { wanted }
}

/// How the loop's own hidden variables are held: as integers, if that is what they are now.
fn loop_variables(region: &Region) -> Vec<(usize, Representation)> {
    let Some(word) = region.frames[0].code.word(*region.range.end()) else { return Vec::new() };
    if !matches!(word.opcode(), Some(Opcode::ForLoop | Opcode::ForLoopStep)) {
        return Vec::new();
    }
    let first = usize::from(word.a());
    let mut steps = 0;
    for register in first..first + 3 {
        let number = region.running.register(register).and_then(|value| value.as_number());
        match number.map(Representation::of_number) {
            Some(Representation::Integer(whole, _)) if whole.abs() < LOOP_LIMIT => steps = whole,
            _ => return Vec::new(),
        }
    }
    let step = match steps {
        0 => return Vec::new(),
        _ if word.opcode() == Some(Opcode::ForLoop) || steps == -1 => {
            Representation::Integer(steps, steps)
        }
        // One that is not a constant is mostly another one the next time.
        1.. => Representation::Integer(1, LOOP_LIMIT),
        _ => Representation::Integer(-LOOP_LIMIT, -1),
    };
    let any = Representation::Integer(-LOOP_LIMIT, LOOP_LIMIT);
    vec![(first, any), (first + 1, any), (first + 2, step), (first + 3, any)]
}

/// How a numeric loop holds its variable and its limit, if as integers.
pub(crate) fn integer_loop(
    region: &Region,
    node: &Node,
    before: &State,
) -> Option<(Representation, Representation)> {
    use Representation::Integer;
    let slot = region.slot(node, node.word.a());
    let (Integer(low, high), Integer(least, most)) = (before.held[slot], before.held[slot + 2])
    else {
        return None;
    };
    let is_first = matches!(node.opcode, Opcode::ForPrepare | Opcode::ForPrepareStep);
    let is_limited =
        low.min(least) >= -LOOP_LIMIT && high.max(most) <= LOOP_LIMIT && (least > 0 || most < 0);
    let has_limit = is_first || matches!(before.held[slot + 1], Integer(..));
    if !is_limited || !has_limit {
        return None;
    }
    let variable = if least > 0 { Integer(low, LOOP_LIMIT) } else { Integer(-LOOP_LIMIT, high) };
    Some((variable, Integer(-LOOP_LIMIT, LOOP_LIMIT)))
}

/// The state after a node.
fn after(
    region: &Region,
    effects: &[Effects],
    kinds: &Kinds,
    index: usize,
    before: &State,
) -> State {
    use Opcode::*;
    use Representation::{Double, Integer, Table, Word};
    let node = &region.nodes[index];
    let effects = &effects[index];
    let mut state = before.clone();
    // What a use asks for has been checked.
    for &(slot, kind) in &effects.uses {
        match kind {
            Kind::Number if !state.held[slot].is_number() => state.held[slot] = Double,
            Kind::Table => state.held[slot] = Table,
            _ => {}
        }
    }
    // What is read from memory after a call is checked before the next instruction.
    let is_doubtful = node.doubts > 0
        || effects.memory == Memory::All
            && node.next.iter().any(
                |target| matches!(*target, Target::Node(next) if region.nodes[next].doubts > 0),
            );
    let wanted = |slot| match is_doubtful {
        true => Word,
        false => Representation::wanted(kinds.after(region, index, slot)),
    };
    if let Some(copy) = effects.copy {
        let held = match before.held[copy.source] {
            Word => wanted(copy.target),
            held => held,
        };
        state.define(copy.target, held);
        return state;
    }
    if matches!(node.opcode, ForPrepare | ForPrepareStep | ForLoop | ForLoopStep)
        && let Some((variable, limit)) = integer_loop(region, node, before)
    {
        let slot = region.slot(node, node.word.a());
        state.define(slot, variable);
        state.define(slot + 3, variable);
        // In memory it is as it was: the comparison has the same result.
        state.held[slot + 1] = limit;
        return state;
    }
    let code = &region.frames[node.frame].code;
    let held = |register: u8| before.held[region.slot(node, register)];
    let constant = |index: usize| {
        let number = code.constant(index).and_then(|constant| constant.as_number());
        number.map_or(Word, Representation::of_number)
    };
    let (b, c) = (node.word.b(), node.word.c());
    for &slot in &effects.defines {
        let representation = match (node.action, node.opcode) {
            (Action::NumberFunction(function, _), _) => match (function, held(node.word.a() + 2)) {
                (NumberFunction::Floor, whole @ Integer(..)) => whole,
                _ => Double,
            },
            (Action::Call { .. } | Action::StringMethod(_), _) => Word,
            (Action::StringLength, _) => Integer(0, 1 << 32),
            (
                Action::Native(_)
                | Action::Metamethod(_)
                | Action::Recurse
                | Action::Step
                | Action::Advance,
                _,
            ) => wanted(slot),
            // The object of a method.
            (_, SelfField) if slot != region.slot(node, node.word.a()) => Table,
            (_, AddVV | SubtractVV | MultiplyVV | DivideVV | ModuloVV) => {
                Representation::of_result(node.opcode, held(b), held(c))
            }
            (_, AddVK | SubtractVK | MultiplyVK | DivideVK | ModuloVK) => {
                Representation::of_result(node.opcode, held(b), constant(c.into()))
            }
            (_, AddKV | SubtractKV | MultiplyKV | DivideKV) => {
                Representation::of_result(node.opcode, constant(b.into()), held(c))
            }
            (
                _,
                PowerVV | PowerVK | Negate | ForPrepare | ForPrepareStep | ForLoop | ForLoopStep,
            ) => Double,
            (_, Length) => Integer(0, 1 << 32),
            (_, LoadConstant) => constant(node.word.d().into()),
            (
                _,
                GetIndex | GetField | GetInteger | GetUpvalue | GetGlobal | NewTable
                | DuplicateTable,
            ) => wanted(slot),
            _ => Word,
        };
        state.define(slot, representation);
    }
    match effects.memory {
        Memory::None => {}
        Memory::Uses => {
            for slot in effects.uses.iter().map(|&(slot, _)| slot).chain(effects.defines.clone()) {
                state.dirty = state.dirty.without(RegisterSet::one(slot as u8));
            }
        }
        Memory::All => state.dirty = RegisterSet::EMPTY,
    }
    state
}
