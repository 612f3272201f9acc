//! The program of a pattern: instructions of the parsing machine.

use crate::set::ByteSet;
use crate::tree::Kind;
use std::collections::HashMap;

/// An instruction. A target is the index of an instruction; in a program that is being generated,
/// the number of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    /// The match ends here.
    End,
    /// The match fails, or continues where the last choice says.
    Fail,
    /// The same without the last choice.
    FailTwice,
    /// Consumes a byte of which it is known that it matches.
    Skip,
    /// Consumes that many bytes.
    Any(u32),
    /// Consumes this byte.
    Byte(u8),
    /// Consumes a byte of a set.
    Set(u16),
    /// Consumes these bytes of the program.
    Bytes {
        /// How many.
        length: u16,
        /// The index of the first one.
        start: u32,
    },
    /// Continues at the target if there are no bytes left.
    TestAny(u32),
    /// Continues at the target unless the next byte is this one.
    TestByte(u8, u32),
    /// Continues at the target unless the next byte is in a set.
    TestSet(u16, u32),
    /// Continues at the target that a table has for the next byte.
    Dispatch(u16),
    /// Consumes all bytes of a set.
    Span(u16),
    /// Goes back that many bytes.
    Back(u32),
    /// Continues at the target.
    Jump(u32),
    /// Calls a rule.
    Call(u32),
    /// Returns from a rule.
    Return,
    /// If what follows fails, the match continues at the target.
    Choice(u32),
    /// Removes the last choice, and continues at the target.
    Commit(u32),
    /// Moves the last choice to the current position, and continues at the target.
    PartialCommit(u32),
    /// Removes the last choice, goes back to its position, and continues at the target.
    BackCommit(u32),
    /// A capture of the last bytes.
    Full {
        /// What it is.
        kind: Kind,
        /// The key of its value.
        key: u16,
        /// How many bytes.
        length: u32,
    },
    /// The start of a capture.
    Open(Kind, u16),
    /// The end of the last open capture.
    Close,
    /// The end of the last open capture, whose function, which has this key, is called now.
    CloseRunTime(u16),
}

/// A table of targets: for each byte, and last for the end of the subject.
pub(crate) type Targets = [u32; 257];

/// A program. The first instruction is the start.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// The instructions.
    pub(crate) code: Vec<Instruction>,
    /// The sets that they refer to.
    pub(crate) sets: Vec<ByteSet>,
    /// The bytes that they refer to.
    pub(crate) bytes: Vec<u8>,
    /// The tables that they refer to.
    pub(crate) tables: Vec<Targets>,
}

impl Program {
    /// The bytes that it needs.
    pub(crate) fn size(&self) -> usize {
        self.code.capacity() * size_of::<Instruction>()
            + self.sets.capacity() * size_of::<ByteSet>()
            + self.bytes.capacity()
            + self.tables.capacity() * size_of::<Targets>()
    }
}

/// The sets of a program, each one once.
#[derive(Default)]
pub(crate) struct Sets {
    indices: HashMap<ByteSet, u16>,
    /// The sets.
    pub(crate) list: Vec<ByteSet>,
}

impl Sets {
    /// The index of a set. None if there are too many.
    pub(crate) fn index(&mut self, set: ByteSet) -> Option<u16> {
        if let Some(&index) = self.indices.get(&set) {
            return Some(index);
        }
        let index = u16::try_from(self.list.len()).ok()?;
        self.indices.insert(set, index);
        self.list.push(set);
        Some(index)
    }
}

/// Replaces labels by the instructions that they are before.
///
/// A jump to a jump continues directly where that one leads; a jump to an instruction that
/// continues elsewhere becomes that instruction; and a call before a return is a jump.
pub(crate) fn resolve(program: &mut Program, labels: &[u32]) {
    let place = |label: u32| labels.get(label as usize).copied().unwrap_or_default();
    for instruction in &mut program.code {
        if let Some(target) = instruction.target_mut() {
            *target = place(*target);
        }
    }
    let code = &mut program.code;
    for index in 0..code.len() {
        let Some(mut instruction) = code.get(index).copied() else { break };
        if let Some(target) = instruction.target_mut() {
            *target = final_target(code, *target);
        }
        instruction = match instruction {
            Instruction::Jump(target) => match code.get(target as usize).copied() {
                Some(
                    next @ (Instruction::Return
                    | Instruction::Fail
                    | Instruction::FailTwice
                    | Instruction::End),
                ) => next,
                Some(
                    mut next @ (Instruction::Commit(_)
                    | Instruction::PartialCommit(_)
                    | Instruction::BackCommit(_)),
                ) => {
                    if let Some(target) = next.target_mut() {
                        *target = final_target(code, *target);
                    }
                    next
                }
                _ => instruction,
            },
            Instruction::Call(target) => {
                let next = final_target(code, index as u32 + 1);
                match code.get(next as usize) {
                    Some(Instruction::Return) => Instruction::Jump(target),
                    _ => instruction,
                }
            }
            instruction => instruction,
        };
        if let Some(slot) = code.get_mut(index) {
            *slot = instruction;
        }
    }
    for table in &mut program.tables {
        for target in table {
            *target = final_target(&program.code, place(*target));
        }
    }
}

/// Where a jump to `target` leads.
fn final_target(code: &[Instruction], mut target: u32) -> u32 {
    // A chain of jumps is short; a cycle of them would be a rule that calls itself first.
    for _ in 0..8 {
        match code.get(target as usize) {
            Some(&Instruction::Jump(next)) => target = next,
            _ => break,
        }
    }
    target
}

impl Instruction {
    fn target_mut(&mut self) -> Option<&mut u32> {
        match self {
            Instruction::TestAny(target)
            | Instruction::TestByte(_, target)
            | Instruction::TestSet(_, target)
            | Instruction::Jump(target)
            | Instruction::Call(target)
            | Instruction::Choice(target)
            | Instruction::Commit(target)
            | Instruction::PartialCommit(target)
            | Instruction::BackCommit(target) => Some(target),
            _ => None,
        }
    }
}
