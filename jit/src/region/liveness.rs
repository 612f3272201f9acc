//! Which registers of a function matter to the interpreter, before each instruction.
//!
//! These are the ones that are read later, those that closures have captured, and those of local
//! variables, which `debug.getlocal` shows.

use super::jump_target;
use solvm_compiler::bytecode::{Capture, Flow, Prototype, RegisterSet};

/// The registers that matter before each instruction, and after the last one.
pub(super) fn observable(function: &Prototype) -> Vec<RegisterSet> {
    let mut sets = live(function);
    let captured = captured(function);
    for set in &mut sets {
        *set = set.union(captured);
    }
    for local in &function.locals {
        let variable = RegisterSet::one(local.register);
        for set in sets.iter_mut().take(local.end as usize).skip(local.start as usize) {
            *set = set.union(variable);
        }
    }
    sets
}

/// The registers that functions inside it capture.
fn captured(function: &Prototype) -> RegisterSet {
    let upvalues = function.prototypes.iter().flat_map(|inner| &inner.upvalues);
    upvalues.fold(RegisterSet::EMPTY, |set, upvalue| match upvalue.capture {
        Capture::Register(register) => set.union(RegisterSet::one(register)),
        Capture::Upvalue(_) => set,
    })
}

/// The registers that are read later.
fn live(function: &Prototype) -> Vec<RegisterSet> {
    let code = &function.code;
    let mut is_data = vec![false; code.len() + 1];
    let mut at = 0;
    while let Some(opcode) = code.get(at).and_then(|word| word.opcode()) {
        is_data[at + 1] = opcode.has_data_word();
        at += 1 + usize::from(opcode.has_data_word());
    }
    let mut sets = vec![RegisterSet::EMPTY; code.len() + 2];
    loop {
        let mut has_changed = false;
        for at in (0..code.len()).rev() {
            let word = code[at];
            let Some(opcode) = word.opcode().filter(|_| !is_data[at]) else { continue };
            let next = sets[at + 1 + usize::from(opcode.has_data_word())];
            let jump = |at: usize, distance| {
                sets.get(jump_target(at, distance)).copied().unwrap_or_default()
            };
            let own_distance = word.jump_distance().unwrap_or(0);
            let after = match opcode.flow() {
                Flow::Next | Flow::Call | Flow::TailCall => next,
                Flow::Compare => {
                    let distance = code.get(at + 1).map_or(0, |word| word.j());
                    sets[at + 2].union(jump(at + 1, distance))
                }
                Flow::Jump => jump(at, own_distance),
                Flow::Branch => next.union(jump(at, own_distance)),
                Flow::Return => RegisterSet::EMPTY,
            };
            let registers = word.registers();
            let before = after.without(registers.written).without(registers.lost);
            let before = before.union(registers.read);
            has_changed |= before != sets[at];
            sets[at] = before;
        }
        if !has_changed {
            return sets;
        }
    }
}
