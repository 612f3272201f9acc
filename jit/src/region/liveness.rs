//! Which registers of a function matter to the interpreter, before each instruction.
//!
//! These are the ones that are read later, those that closures have captured, and those of local
//! variables, which `debug.getlocal` shows.

use super::jump_target;
use solvm_compiler::bytecode::{Capture, Flow, Instruction, Prototype, RegisterSet, Registers};

/// It would take too long to find out which registers of a longer function matter.
const MAX_LENGTH: usize = 5000;

/// The registers that matter before each instruction, and after the last one. Nothing of a function
/// that is too long: all matter.
pub(super) fn observable(function: &Prototype) -> Vec<RegisterSet> {
    if function.code.len() > MAX_LENGTH {
        return Vec::new();
    }
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

/// The registers of the instructions of a part of a function; none of a data word.
pub(super) fn registers(code: &[Instruction]) -> Vec<Registers> {
    let mut is_data = false;
    let of = |word: &Instruction| {
        let registers = if is_data { Registers::default() } else { word.registers() };
        is_data = !is_data && word.opcode().is_some_and(|opcode| opcode.has_data_word());
        registers
    };
    code.iter().map(of).collect()
}

/// The registers that are read later.
fn live(function: &Prototype) -> Vec<RegisterSet> {
    let code = &function.code;
    let registers = registers(code);
    let mut sets = vec![RegisterSet::EMPTY; code.len() + 2];
    loop {
        let mut has_changed = false;
        for at in (0..code.len()).rev() {
            let word = code[at];
            let Some(opcode) = word.opcode() else { continue };
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
            let Registers { read, written, lost } = registers[at];
            let before = after.without(written).without(lost).union(read);
            has_changed |= before != sets[at];
            sets[at] = before;
        }
        if !has_changed {
            return sets;
        }
    }
}
