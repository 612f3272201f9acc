//! Names of the values in a function's registers, for messages. They are found by reading the
//! function's code, so running code stores nothing for them.

use super::{Constant, Opcode, Operand, Prototype};
use std::ops::RangeInclusive;

/// A variable or a function's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterName {
    /// "local", "upvalue", "global", "field" or "method".
    pub kind: &'static str,
    /// The name; "?" for a field without one.
    pub name: Vec<u8>,
    /// The instruction that has given the register its value. None for a local variable.
    pub definition: Option<usize>,
}

/// The name of the value in a register at instruction `pc`.
pub fn register_name(prototype: &Prototype, pc: usize, register: u8) -> Option<RegisterName> {
    if let Some(name) = prototype.local_name(register, pc) {
        return (!name.starts_with(b"(")).then(|| RegisterName {
            kind: "local",
            name: name.to_vec(),
            definition: None,
        });
    }
    let definition = last_definition(prototype, pc, register)?;
    let instruction = prototype.code.get(definition)?;
    let field = |index: usize| match prototype.constants.get(index) {
        Some(Constant::String(bytes)) => bytes.to_vec(),
        _ => b"?".to_vec(),
    };
    let (kind, name) = match instruction.opcode()? {
        Opcode::Move if instruction.d() < u16::from(register) => {
            let source = register_name(prototype, definition, instruction.d() as u8)?;
            let definition = source.definition.or(Some(definition));
            return Some(RegisterName { definition, ..source });
        }
        Opcode::GetGlobal => ("global", field(instruction.d() as usize)),
        Opcode::GetField => ("field", field(instruction.c() as usize)),
        Opcode::SelfField => ("method", field(instruction.c() as usize)),
        Opcode::GetIndex => ("field", constant_in_register(prototype, definition, instruction.c())),
        Opcode::GetInteger => ("field", b"?".to_vec()),
        Opcode::SelfIndex => {
            ("method", constant_in_register(prototype, definition, instruction.c()))
        }
        Opcode::GetUpvalue => {
            let upvalue = prototype.upvalues.get(instruction.d() as usize)?;
            ("upvalue", upvalue.name.to_vec())
        }
        _ => return None,
    };
    Some(RegisterName { kind, name, definition: Some(definition) })
}

/// The instruction that has computed the value of a register that is not a variable.
pub(crate) fn computed_by(prototype: &Prototype, pc: usize, register: u8) -> Option<usize> {
    if prototype.local_name(register, pc).is_some() {
        return None;
    }
    let definition = last_definition(prototype, pc, register)?;
    let opcode = prototype.code.get(definition)?.opcode()?;
    opcode.target().is_some().then_some(definition)
}

/// The string constant that was loaded for instruction `pc` since it did not fit there; "?" for
/// other keys.
fn constant_in_register(prototype: &Prototype, pc: usize, register: u8) -> Vec<u8> {
    let loaded = || {
        if prototype.local_name(register, pc).is_some() {
            return None;
        }
        let instruction = prototype.code.get(last_definition(prototype, pc, register)?)?;
        if instruction.opcode()? != Opcode::LoadConstant {
            return None;
        }
        match prototype.constants.get(instruction.d() as usize)? {
            Constant::String(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    };
    loaded().unwrap_or_else(|| b"?".to_vec())
}

/// The instruction that gave a register its value at `pc`, found by walking the code up to there.
/// Every forward jump that lands there or before is taken, as in PUC Lua's symbolic execution.
fn last_definition(prototype: &Prototype, pc: usize, register: u8) -> Option<usize> {
    let mut found = None;
    let mut boolean = None;
    let mut i = 0;
    loop {
        if let Some((loaded, end)) = boolean
            && i >= end
        {
            (found, boolean) = (Some(loaded), None);
        }
        if i >= pc {
            return found;
        }
        let instruction = prototype.code.get(i)?;
        let Some(opcode) = instruction.opcode() else {
            i += 1;
            continue;
        };
        let a = instruction.a();
        let writes = match opcode.target() {
            Some(Operand::RangeTarget) => (a..=instruction.d() as u8).contains(&register),
            Some(Operand::MethodTarget) => register == a || register == a.wrapping_add(2),
            Some(Operand::FirstTarget) => register >= a,
            Some(_) => register == a,
            None => false,
        };
        // A value that has been tested has no name, as in PUC Lua.
        let tests = matches!(opcode, Opcode::JumpIfTrue | Opcode::JumpIfFalse) && register == a;
        if writes || tests {
            found = Some(i);
        }
        if let Some(distance) = instruction.jump_distance() {
            let target = i as i64 + 1 + i64::from(distance);
            if target > i as i64 && target <= pc as i64 {
                let target = target as usize;
                boolean = boolean.or_else(|| loaded_boolean(prototype, i, target..=pc, register));
                i = target;
                continue;
            }
        }
        i += if opcode.has_data_word() { 2 } else { 1 };
    }
}

/// If the code after the jump of a comparison loads its result into a register, as in
/// `x == y or z`: that instruction, and where the jump after it leads to. PUC Lua loads such a
/// result there.
fn loaded_boolean(
    prototype: &Prototype,
    jump: usize,
    range: RangeInclusive<usize>,
    register: u8,
) -> Option<(usize, usize)> {
    let compares = prototype.code.get(jump.checked_sub(1)?)?;
    let (loads, jumps) = (prototype.code.get(jump + 1)?, prototype.code.get(jump + 2)?);
    let is_result = compares.opcode().is_some_and(Opcode::is_comparison)
        && loads.opcode() == Some(Opcode::LoadPrimitive)
        && loads.a() == register
        && jumps.opcode() == Some(Opcode::Jump);
    let end = usize::try_from(jump as i64 + 3 + i64::from(jumps.jump_distance()?)).ok()?;
    (is_result && range.contains(&end)).then_some((jump + 1, end))
}
