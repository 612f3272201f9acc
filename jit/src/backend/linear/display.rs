//! Functions as text, for developers.

use super::function::{ExitId, Function, Origin, WordSource};
use super::instruction::{Address, Condition, Instruction, Operand, Register};
use std::fmt::{Display, Formatter, Result};

impl Display for Register {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match *self {
            Register::BASE => formatter.write_str("base"),
            Register::CONTEXT => formatter.write_str("context"),
            Register(number) => write!(formatter, "r{number}"),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match *self {
            Operand::Register(register) => write!(formatter, "{register}"),
            Operand::Integer(constant) if constant.unsigned_abs() < 1 << 32 => {
                write!(formatter, "{constant}")
            }
            Operand::Integer(constant) => write!(formatter, "{constant:#x}"),
            Operand::Double(bits) => write!(formatter, "{:?}", f64::from_bits(bits)),
        }
    }
}

impl Display for Address {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        write!(formatter, "[{}", self.base)?;
        if let Some(index) = self.index {
            write!(formatter, " + 8*{index}")?;
        }
        write!(formatter, " {:+}]", self.offset)
    }
}

impl Display for Condition {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Condition::Integer(comparison, left, right) => {
                write!(formatter, "{left} {comparison:?} {right}")
            }
            Condition::Double(comparison, left, right) => {
                write!(formatter, "{left} {comparison:?} {right}")
            }
        }
    }
}

impl Display for Function {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        for (number, block) in self.blocks.iter().enumerate() {
            let cold = if block.is_cold { ", cold" } else { "" };
            writeln!(formatter, "block {number}, rank {}{cold}:", block.rank)?;
            for instruction in &self.instructions[block.instructions.range()] {
                writeln!(formatter, "  {}", self.line(instruction))?;
            }
        }
        Ok(())
    }
}

/// An instruction of a function, with its exit.
struct Line<'a>(&'a Function, &'a Instruction);

impl Display for Line<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let &Line(function, instruction) = self;
        function.write_instruction(formatter, instruction)?;
        instruction.exit().map_or(Ok(()), |exit| function.write_exit(formatter, exit))
    }
}

impl Function {
    /// An instruction as text, with its exit.
    pub(crate) fn line<'a>(&'a self, instruction: &'a Instruction) -> impl Display + 'a {
        Line(self, instruction)
    }

    fn write_instruction(
        &self,
        formatter: &mut Formatter<'_>,
        instruction: &Instruction,
    ) -> Result {
        match instruction {
            Instruction::Move { target, source } => write!(formatter, "{target} = {source}"),
            Instruction::Load { target, width, address } => {
                write!(formatter, "{target} = Load {width:?} {address}")
            }
            Instruction::Store { source, width, address } => {
                write!(formatter, "Store {width:?} {address} = {source}")
            }
            Instruction::Integer { operation, target, left, right } => {
                write!(formatter, "{target} = {operation:?} {left}, {right}")
            }
            Instruction::Double { operation, target, left, right } => {
                write!(formatter, "{target} = {operation:?} {left}, {right}")
            }
            Instruction::Unary { operation, target, operand } => {
                write!(formatter, "{target} = {operation:?} {operand}")
            }
            Instruction::Set { target, condition } => write!(formatter, "{target} = {condition}"),
            Instruction::Select { target, condition, yes, no } => {
                write!(formatter, "{target} = {condition} ? {yes} : {no}")
            }
            Instruction::Call { target, function, arguments } => {
                write!(formatter, "{target} = Call {function:#x}")?;
                let mut arguments = self.arguments[arguments.range()].iter();
                arguments.try_for_each(|argument| write!(formatter, " {argument}"))
            }
            Instruction::Charge { budget, .. } => write!(formatter, "Charge {budget}"),
            Instruction::Rebase { distance } => write!(formatter, "Rebase {distance:+}"),
            Instruction::Leave { condition, .. } => write!(formatter, "Leave if {condition}"),
            Instruction::Exit { .. } => formatter.write_str("Leave"),
            Instruction::Jump { to } => write!(formatter, "Jump {}", to.0),
            Instruction::Branch { condition, yes, no } => {
                write!(formatter, "Branch {condition} ? {} : {}", yes.0, no.0)
            }
            Instruction::Tail { base, code } => write!(formatter, "Tail {code}, base {base}"),
            Instruction::Return { value } => write!(formatter, "Return {value}"),
        }
    }

    fn write_exit(&self, formatter: &mut Formatter<'_>, id: ExitId) -> Result {
        let exit = self.exit(id);
        write!(formatter, "; exit {}: {:#x}, ", id.0, exit.result)?;
        write!(formatter, "budget {} {:+}", exit.budget, exit.refund)?;
        for value in self.values(exit) {
            write!(formatter, ", [{:+}] = {:?} {}", value.offset, value.form, value.register)?;
        }
        for word in self.words(exit) {
            let origin = match word.origin {
                Origin::Base => Register::BASE,
                Origin::Context => Register::CONTEXT,
            };
            write!(formatter, ", [{origin} {:+}] = ", word.offset)?;
            match word.source {
                WordSource::Constant(constant) => write!(formatter, "{constant:#x}")?,
                WordSource::BaseAddress(offset) => write!(formatter, "base {offset:+}")?,
                WordSource::Slot(offset) => write!(formatter, "[base {offset:+}]")?,
            }
        }
        Ok(())
    }
}
