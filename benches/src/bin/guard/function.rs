//! The control flow of a function's machine code: its jumps, its calls, whether it returns.

use crate::image::{Image, Unreadable};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use std::collections::BTreeSet;
use std::ops::Range;

/// A disassembled function. If a target is None, it is computed at run time.
pub(crate) struct Function {
    range: Range<u64>,
    /// How many instructions it has.
    pub(crate) instructions: usize,
    /// How many of them save a register.
    pub(crate) pushes: usize,
    /// Whom it calls.
    pub(crate) calls: Vec<Option<u64>>,
    /// The target of its jump, inside it or outside.
    pub(crate) jumps: Vec<Option<u64>>,
    /// It has a `ret`.
    pub(crate) returns: bool,
    /// The last instruction may be followed by another, or there is a trap.
    pub(crate) runs_off: bool,
}

impl Function {
    /// Decodes the function at `address`.
    pub(crate) fn decode(image: &Image, address: u64) -> Result<Function, Unreadable> {
        let code = image.code(address)?;
        let mut function = Function {
            range: address..address + code.len() as u64,
            instructions: 0,
            pushes: 0,
            calls: Vec::new(),
            jumps: Vec::new(),
            returns: false,
            runs_off: true,
        };
        for instruction in &mut Decoder::with_ip(64, code, address, DecoderOptions::NONE) {
            function.add(&instruction);
        }
        Ok(function)
    }

    fn add(&mut self, instruction: &Instruction) {
        // Padding between a jump and the next label is not run.
        if instruction.code() != Code::Int3 && instruction.mnemonic() != Mnemonic::Nop {
            self.instructions += 1;
            self.runs_off = false;
        }
        let direct = Some(instruction.near_branch_target());
        match instruction.flow_control() {
            FlowControl::ConditionalBranch => {
                self.jumps.push(direct);
                self.runs_off = true;
            }
            FlowControl::UnconditionalBranch => self.jumps.push(direct),
            FlowControl::IndirectBranch => self.jumps.push(None),
            FlowControl::Call => self.calls.push(direct),
            FlowControl::IndirectCall => self.calls.push(None),
            FlowControl::Return => self.returns = true,
            _ => {
                self.pushes += usize::from(instruction.mnemonic() == Mnemonic::Push);
                self.runs_off = true;
            }
        }
    }

    /// The jumps that leave the function.
    pub(crate) fn exits(&self) -> impl Iterator<Item = Option<u64>> {
        self.jumps
            .iter()
            .copied()
            .filter(|jump| jump.is_none_or(|target| !self.range.contains(&target)))
    }

    /// The columns of the table.
    pub(crate) fn summary(&self, cold: &BTreeSet<u64>) -> String {
        let direct = self.calls.iter().flatten().count();
        let dispatches = self.exits().filter(Option::is_none).count();
        let leaves = self.exits().flatten().filter(|target| cold.contains(target)).count();
        let others = self.exits().count() - dispatches - leaves;
        let exits = format!("{dispatches} dispatch, {others} jump, {leaves} cold");
        let (calls, indirect) = (direct, self.calls.len() - direct);
        format!(
            "{:>12} {calls:>6} {indirect:>8} {:>6}   {exits:<24}",
            self.instructions, self.pushes
        )
    }
}
