//! A check of what the VM takes for granted about bytecode. The compiler's own output passes it
//! always; tests, fuzzing and debug builds make sure.

use super::instruction::Instruction;
use super::{Capture, Constant, OPEN, Opcode, Operand, Prototype, is_divisor};

/// The number of primitives: nil, false and true.
const PRIMITIVES: usize = 3;

/// Checks the function and its nested functions.
///
/// # Errors
/// Why it is invalid, and at which instruction of which function.
pub fn verify(prototype: &Prototype) -> Result<(), String> {
    let mut left = vec![prototype];
    while let Some(function) = left.pop() {
        Verifier { function }
            .verify()
            .map_err(|error| format!("function {}: {error}", function.ordinal))?;
        for nested in &function.prototypes {
            for upvalue in &nested.upvalues {
                let is_valid = match upvalue.capture {
                    Capture::Register(register) => register < function.frame_size,
                    Capture::Upvalue(index) => usize::from(index) < function.upvalues.len(),
                };
                if !is_valid {
                    return Err(format!("function {}: bad capture", nested.ordinal));
                }
            }
        }
        left.extend(function.prototypes.iter().map(|nested| &**nested));
    }
    Ok(())
}

struct Verifier<'p> {
    function: &'p Prototype,
}

impl Verifier<'_> {
    fn verify(&self) -> Result<(), String> {
        let function = self.function;
        if function.lines.len() != function.code.len() {
            return Err("lines do not match the code".into());
        }
        if function.parameters > function.frame_size || function.frame_size > 250 {
            return Err("bad frame size".into());
        }
        let starts = self.instruction_starts()?;
        let mut last = None;
        for (position, &is_start) in starts.iter().enumerate() {
            if is_start && let Some(instruction) = self.at(position) {
                let opcode =
                    instruction.opcode().ok_or_else(|| format!("{position}: no instruction"))?;
                self.verify_instruction(position, instruction, opcode, &starts)
                    .map_err(|error| format!("{position}: {}: {error}", opcode.name()))?;
                last = Some(opcode);
            }
        }
        match last {
            Some(opcode) if opcode.is_return() => {}
            _ => return Err("does not end with a return".into()),
        }
        let code_end = function.code.len() as u32;
        let is_valid =
            |local: &super::LocalVariable| local.start <= local.end && local.end <= code_end;
        if function.locals.iter().any(|local| !is_valid(local)) {
            return Err("a local variable lives outside the code".into());
        }
        Ok(())
    }

    fn at(&self, position: usize) -> Option<Instruction> {
        self.function.code.get(position).copied()
    }

    /// Which words start an instruction. The others are data.
    fn instruction_starts(&self) -> Result<Vec<bool>, String> {
        let mut starts = vec![true; self.function.code.len()];
        let mut position = 0;
        while let Some(instruction) = self.at(position) {
            let opcode =
                instruction.opcode().ok_or_else(|| format!("{position}: no instruction"))?;
            if opcode.has_data_word() {
                position += 1;
                *starts.get_mut(position).ok_or("the data word is missing")? = false;
            }
            position += 1;
        }
        Ok(starts)
    }

    fn verify_instruction(
        &self,
        position: usize,
        instruction: Instruction,
        opcode: Opcode,
        starts: &[bool],
    ) -> Result<(), String> {
        for &(letter, meaning) in opcode.operands() {
            self.verify_operand(
                position,
                instruction.operand(letter, meaning),
                meaning,
                opcode,
                starts,
            )
            .map_err(|error| format!("{letter}: {error}"))?;
        }
        let (a, b, c) = (
            usize::from(instruction.a()),
            usize::from(instruction.b()),
            usize::from(instruction.c()),
        );
        let d = usize::from(instruction.d());
        let results = if instruction.b() == OPEN { 0 } else { b.saturating_sub(1) };
        let next = self.at(position + 1);
        // One past the last register that is touched beyond the operands themselves.
        let end = match opcode {
            Opcode::LoadNil => d + 1,
            Opcode::SetList if d != usize::from(u16::MAX) => a + 1 + d,
            Opcode::SelfField | Opcode::SelfIndex => a + 3,
            Opcode::ForPrepare | Opcode::ForLoop | Opcode::ForPrepareStep | Opcode::ForLoopStep => {
                a + 4
            }
            Opcode::ForEachPrepare | Opcode::ForEachLoop | Opcode::ForEachCall if a < 3 => {
                return Err("no room for the iterator".into());
            }
            Opcode::ForEachCall => a + results.max(4),
            Opcode::Call => a + results.max(2 + c),
            Opcode::TailCall => a + 2 + c,
            Opcode::CallOpen | Opcode::TailCallOpen => a + results.max(2),
            Opcode::Return => a + d,
            Opcode::Vararg => a + results,
            Opcode::Concatenate if b >= c => return Err("less than two operands".into()),
            _ => 0,
        };
        if end > usize::from(self.function.frame_size) {
            return Err(format!("needs {end} registers"));
        }
        match opcode {
            Opcode::Return0 | Opcode::Return1 if self.function.is_vararg => {
                Err("in a vararg function".into())
            }
            Opcode::Vararg | Opcode::VarargTable if !self.function.is_vararg => {
                Err("not in a vararg function".into())
            }
            Opcode::LoadConstantWide => {
                let index = next.map_or(usize::MAX, |word| word.0 as usize);
                self.verify_constant(index, Operand::Constant)
            }
            Opcode::ForEachCall => match next.and_then(Instruction::opcode) {
                Some(Opcode::ForEachLoop)
                    if next.is_some_and(|next| next.a() == instruction.a()) =>
                {
                    Ok(())
                }
                _ => Err("no ForEachLoop after it".into()),
            },
            Opcode::TailCall | Opcode::TailCallOpen => match next.and_then(Instruction::opcode) {
                Some(Opcode::ReturnOpen)
                    if next.is_some_and(|next| next.a() == instruction.a()) =>
                {
                    Ok(())
                }
                _ => Err("no ReturnOpen after it".into()),
            },
            _ if opcode.is_comparison()
                && next.and_then(Instruction::opcode) != Some(Opcode::Jump) =>
            {
                Err("no Jump after it".into())
            }
            _ => Ok(()),
        }
    }

    fn verify_operand(
        &self,
        position: usize,
        value: i32,
        meaning: Operand,
        opcode: Opcode,
        starts: &[bool],
    ) -> Result<(), String> {
        let function = self.function;
        let index = usize::try_from(value).unwrap_or(usize::MAX);
        let limit = match meaning {
            Operand::None | Operand::Integer | Operand::Results => return Ok(()),
            Operand::Jump => return self.verify_jump(position, value, opcode, starts),
            Operand::Constant | Operand::Field | Operand::Divisor => {
                return self.verify_constant(index, meaning);
            }
            // `ReturnOpen` and `Return` of nothing read no register.
            Operand::First if matches!(opcode, Opcode::Return | Opcode::ReturnOpen) => {
                usize::from(function.frame_size) + 1
            }
            register if register.is_register() => usize::from(function.frame_size),
            Operand::Upvalue => function.upvalues.len(),
            Operand::Primitive => PRIMITIVES,
            Operand::Prototype => function.prototypes.len(),
            // A template; the registers are above.
            _ => function.templates.len(),
        };
        if index < limit { Ok(()) } else { Err(format!("{value} is too large")) }
    }

    fn verify_constant(&self, index: usize, meaning: Operand) -> Result<(), String> {
        let constants = &self.function.constants;
        match (meaning, constants.get(index), constants.get(index.saturating_add(1))) {
            (Operand::Field, Some(Constant::String(_)), Some(Constant::Hash)) => Ok(()),
            (
                Operand::Divisor,
                Some(Constant::Number(divisor)),
                Some(Constant::Number(reciprocal)),
            ) if is_divisor(*divisor) && *reciprocal == 1.0 / divisor => Ok(()),
            (Operand::Constant, Some(Constant::Number(_) | Constant::String(_)), _) => Ok(()),
            _ => Err(format!("no such constant: {index}")),
        }
    }

    fn verify_jump(
        &self,
        position: usize,
        distance: i32,
        opcode: Opcode,
        starts: &[bool],
    ) -> Result<(), String> {
        let target = position as i64 + 1 + i64::from(distance);
        let is_start =
            usize::try_from(target).ok().and_then(|target| starts.get(target)) == Some(&true);
        let may_go_back = matches!(
            opcode,
            Opcode::Loop | Opcode::ForLoop | Opcode::ForLoopStep | Opcode::ForEachLoop
        );
        if !is_start {
            Err(format!("jumps to {target}, where no instruction starts"))
        } else if distance < 0 && !may_go_back {
            Err("jumps backward".into())
        } else {
            Ok(())
        }
    }
}
