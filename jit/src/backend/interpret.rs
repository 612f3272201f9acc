//! An interpreter of the linear form, with which machine code is compared.
//!
//! Memory is an array of bytes at an address of the caller's choice. The interpreter has no
//! machine registers, so what it computes depends on nothing but the function.

use super::linear::{
    Address, Block, Condition, ExitId, Form, Function, Instruction, Operand, Origin, Register,
    Width, WordSource,
};

/// Bytes at an address.
pub(super) struct Memory<'a> {
    pub(super) address: u64,
    pub(super) bytes: &'a mut [u8],
}

impl Memory<'_> {
    fn at(&mut self, address: u64, length: usize) -> &mut [u8] {
        let offset = address.wrapping_sub(self.address) as usize;
        &mut self.bytes[offset..offset + length]
    }

    pub(super) fn load(&mut self, address: u64, length: usize) -> u64 {
        let mut word = [0; 8];
        word[..length].copy_from_slice(self.at(address, length));
        u64::from_le_bytes(word)
    }

    pub(super) fn store(&mut self, address: u64, length: usize, value: u64) {
        self.at(address, length).copy_from_slice(&value.to_le_bytes()[..length]);
    }
}

/// How a function ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Returned(u64),
    /// Continues in other code, with this BASE.
    Tail {
        base: u64,
        code: u64,
    },
}

/// A function that `Call` may call: its address, and the arguments.
pub(super) type Callee<'a> = &'a dyn Fn(&mut Memory<'_>, u64, &[u64]) -> u64;

struct Interpreter<'a, 'm> {
    function: &'a Function,
    memory: &'a mut Memory<'m>,
    registers: Vec<u64>,
}

/// Runs a function.
pub(super) fn run(
    function: &Function,
    memory: &mut Memory<'_>,
    base: u64,
    context: u64,
    callee: Callee<'_>,
) -> Outcome {
    let mut registers = vec![0; function.classes.len()];
    registers[Register::BASE.index()] = base;
    registers[Register::CONTEXT.index()] = context;
    let mut interpreter = Interpreter { function, memory, registers };
    let mut block = Function::ENTRY;
    loop {
        match interpreter.run_block(block, callee) {
            Ok(next) => block = next,
            Err(outcome) => return outcome,
        }
    }
}

impl Interpreter<'_, '_> {
    fn operand(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Register(register) => self.registers[register.index()],
            Operand::Integer(constant) => constant as u64,
            Operand::Double(bits) => bits,
        }
    }

    fn address(&self, address: Address) -> u64 {
        let index = address.index.map_or(0, |index| self.registers[index.index()]);
        self.operand(address.base)
            .wrapping_add(index.wrapping_mul(8))
            .wrapping_add(address.offset as u64)
    }

    fn holds(&self, condition: Condition) -> bool {
        let [left, right] = condition.operands().map(|operand| self.operand(operand));
        match condition {
            Condition::Integer(comparison, ..) => comparison.holds(left as i64, right as i64),
            Condition::Double(comparison, ..) => comparison.holds(left, right),
        }
    }

    fn leave(&mut self, exit: ExitId) -> Outcome {
        let (function, [base, context]) = (self.function, [self.registers[0], self.registers[1]]);
        let data = function.exit(exit);
        for value in function.values(data) {
            let register = self.registers[value.register.index()];
            let word = match value.form {
                Form::Word | Form::Double => register,
                Form::Integer => (register as i64 as f64).to_bits(),
                Form::Tagged(tag) => register | u64::from(tag) << 48,
            };
            self.memory.store(base.wrapping_add(value.offset as u64), 8, word);
        }
        let budget = self.registers[data.budget.index()].wrapping_add(data.refund as u64);
        self.memory.store(context.wrapping_add(function.budget_offset as u64), 8, budget);
        for word in function.words(data) {
            let origin = match word.origin {
                Origin::Base => base,
                Origin::Context => context,
            };
            let value = match word.source {
                WordSource::Constant(constant) => constant,
                WordSource::BaseAddress(offset) => base.wrapping_add(offset as u64),
                WordSource::Slot(offset) => self.memory.load(base.wrapping_add(offset as u64), 8),
            };
            self.memory.store(origin.wrapping_add(word.offset as u64), 8, value);
        }
        if let Some(counters) = function.counters {
            let counter = counters + 8 * exit.index() as u64;
            let count = self.memory.load(counter, 8);
            self.memory.store(counter, 8, count + 1);
        }
        Outcome::Returned(data.result)
    }

    fn run_block(&mut self, block: Block, callee: Callee<'_>) -> Result<Block, Outcome> {
        let function = self.function;
        for instruction in &function.instructions[function.block(block).instructions.range()] {
            let (target, result) = match *instruction {
                Instruction::Move { target, source } => (target, self.operand(source)),
                Instruction::Load { target, width, address } => {
                    let address = self.address(address);
                    let word = self.memory.load(address, length(width));
                    let word = if width == Width::S32 { word as i32 as u64 } else { word };
                    (target, word)
                }
                Instruction::Store { source, width, address } => {
                    let (address, source) = (self.address(address), self.operand(source));
                    self.memory.store(address, length(width), source);
                    continue;
                }
                Instruction::Integer { operation, target, left, right } => {
                    let (left, right) = (self.operand(left) as i64, self.operand(right) as i64);
                    (target, operation.evaluate(left, right) as u64)
                }
                Instruction::Double { operation, target, left, right } => {
                    (target, operation.evaluate(self.operand(left), self.operand(right)))
                }
                Instruction::Unary { operation, target, operand } => {
                    (target, operation.evaluate(self.operand(operand)))
                }
                Instruction::Set { target, condition } => (target, self.holds(condition).into()),
                Instruction::Select { target, condition, yes, no } => {
                    let chosen = if self.holds(condition) { yes } else { no };
                    (target, self.operand(chosen))
                }
                Instruction::Call { target, function: address, arguments } => {
                    let arguments = function.arguments[arguments.range()].iter();
                    let arguments: Vec<u64> =
                        arguments.map(|&argument| self.operand(argument)).collect();
                    (target, callee(self.memory, address, &arguments))
                }
                Instruction::Charge { budget, exit } => {
                    let left = self.registers[budget.index()].wrapping_sub(1);
                    self.registers[budget.index()] = left;
                    if (left as i64) < 0 {
                        return Err(self.leave(exit));
                    }
                    continue;
                }
                Instruction::Rebase { distance } => {
                    let base = &mut self.registers[Register::BASE.index()];
                    *base = base.wrapping_add(distance as u64);
                    continue;
                }
                Instruction::Leave { condition, exit } => {
                    if self.holds(condition) {
                        return Err(self.leave(exit));
                    }
                    continue;
                }
                Instruction::Exit { exit } => return Err(self.leave(exit)),
                Instruction::Jump { to } => return Ok(to),
                Instruction::Branch { condition, yes, no } => {
                    return Ok(if self.holds(condition) { yes } else { no });
                }
                Instruction::Tail { base, code } => {
                    let (base, code) = (self.operand(base), self.operand(code));
                    return Err(Outcome::Tail { base, code });
                }
                Instruction::Return { value } => {
                    return Err(Outcome::Returned(self.operand(value)));
                }
            };
            self.registers[target.index()] = result;
        }
        panic!("block {} has no terminator", block.0);
    }
}

fn length(width: Width) -> usize {
    match width {
        Width::Word | Width::Double => 8,
        Width::U32 | Width::S32 => 4,
        Width::U16 => 2,
        Width::U8 => 1,
    }
}
