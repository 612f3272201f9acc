//! Which registers an instruction reads and writes: what analyses of a function's code start from.
//! It follows from the declared operands, except for the instructions with several values.

use super::{Instruction, OPEN, Opcode, Operand};

/// A set of registers of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterSet([u64; 4]);

impl RegisterSet {
    /// No register.
    pub const EMPTY: RegisterSet = RegisterSet([0; 4]);

    /// The registers from one up to, not including, another; up to the last one if `end` is larger.
    #[inline]
    pub fn range(start: usize, end: usize) -> RegisterSet {
        // The bits of a word below one.
        let below = |register: usize| match register {
            0..64 => (1 << register) - 1,
            _ => u64::MAX,
        };
        RegisterSet(std::array::from_fn(|word| {
            let bits = |register: usize| below(register.saturating_sub(64 * word));
            bits(end) & !bits(start)
        }))
    }

    /// One register.
    #[inline]
    pub fn one(register: u8) -> RegisterSet {
        let mut set = RegisterSet::EMPTY;
        set.0[usize::from(register) / 64] = 1 << (register % 64);
        set
    }

    /// Whether a register is in the set.
    #[inline]
    pub fn contains(&self, register: u8) -> bool {
        self.0[usize::from(register) / 64] >> (register % 64) & 1 != 0
    }

    /// The registers in either set.
    #[inline]
    #[must_use]
    pub fn union(self, other: RegisterSet) -> RegisterSet {
        RegisterSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// The registers that are not in the other set.
    #[inline]
    #[must_use]
    pub fn without(self, other: RegisterSet) -> RegisterSet {
        RegisterSet(std::array::from_fn(|at| self.0[at] & !other.0[at]))
    }

    /// Its registers, in order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().zip([0, 64, 128, 192]).flat_map(|(word, first)| {
            let rest = |word: &u64| Some(word & (word - 1)).filter(|&word| word != 0);
            std::iter::successors(Some(word).filter(|&word| word != 0), rest)
                .map(move |word| first + word.trailing_zeros() as u8)
        })
    }
}

/// The registers of one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// Those whose values it uses. Of an open list, all from its first one.
    pub read: RegisterSet,
    /// Those that have a new value after it, if it raises no error and does not jump; of a loop, if
    /// it goes on.
    pub written: RegisterSet,
    /// Those whose values are lost.
    pub lost: RegisterSet,
}

impl Instruction {
    /// The registers that it reads and writes; none of a word that is not an instruction. Closures
    /// also use the variables that they capture, which are not among these.
    pub fn registers(self) -> Registers {
        let Some(opcode) = self.opcode() else { return Registers::default() };
        let (a, b, c) = (usize::from(self.a()), usize::from(self.b()), usize::from(self.c()));
        let d = usize::from(self.d());
        let range = RegisterSet::range;
        // The registers of a call: the callee and its arguments, the results, and the callee's
        // frame, which is above the results.
        let call = |arguments: RegisterSet, results: usize| Registers {
            read: RegisterSet::one(self.a()).union(arguments),
            written: range(a, a + results),
            lost: range(a + results, 256),
        };
        let results = if self.b() == OPEN { 256 } else { b.saturating_sub(1) };
        match opcode {
            Opcode::LoadNil => Registers { written: range(a, d + 1), ..Registers::default() },
            Opcode::Close => Registers::default(),
            Opcode::SetList if d == usize::from(u16::MAX) => Registers::reading(range(a, 256)),
            Opcode::SetList => Registers::reading(range(a, a + d + 1)),
            Opcode::Concatenate => Registers {
                read: range(b, c + 1),
                written: RegisterSet::one(self.a()),
                lost: range(b, c + 1).without(RegisterSet::one(self.a())),
            },
            Opcode::ForPrepare | Opcode::ForPrepareStep => Registers {
                read: range(a, a + 3),
                written: range(a, a + 4),
                lost: RegisterSet::EMPTY,
            },
            Opcode::ForLoop | Opcode::ForLoopStep => Registers {
                read: range(a, a + 3),
                written: RegisterSet::one(self.a()).union(range(a + 3, a + 4)),
                lost: RegisterSet::EMPTY,
            },
            // Generator, state and control are below.
            Opcode::ForEachPrepare => {
                let iterator = range(a.saturating_sub(3), a);
                Registers { read: iterator, written: iterator, lost: RegisterSet::EMPTY }
            }
            Opcode::ForEachCall => Registers {
                read: range(a.saturating_sub(3), a),
                written: range(a, a + results),
                lost: range(a + results, 256),
            },
            Opcode::ForEachLoop => Registers {
                read: RegisterSet::one(self.a()),
                written: range(a.saturating_sub(1), a),
                lost: RegisterSet::EMPTY,
            },
            Opcode::Call => call(range(a + 2, a + 2 + c), results),
            Opcode::CallOpen => call(range(a + 2, 256), results),
            Opcode::TailCall => call(range(a + 2, a + 2 + c), 256),
            Opcode::TailCallOpen => call(range(a + 2, 256), 256),
            Opcode::Return => Registers::reading(range(a, a + d)),
            Opcode::ReturnOpen => Registers::reading(range(a, 256)),
            Opcode::Vararg => Registers { written: range(a, a + results), ..Registers::default() },
            _ => self.declared(opcode),
        }
    }

    /// The registers of its operands.
    fn declared(self, opcode: Opcode) -> Registers {
        let mut registers = Registers::default();
        for &(letter, operand) in opcode.operands() {
            // An operand that is a register has 8 bits.
            let register = RegisterSet::one(self.operand(letter, operand) as u8);
            match operand {
                Operand::Register => registers.read = registers.read.union(register),
                Operand::Target => registers.written = register,
                Operand::MethodTarget => {
                    let object = RegisterSet::one(self.a().saturating_add(2));
                    registers.written = register.union(object);
                }
                _ => {}
            }
        }
        registers
    }
}

impl Registers {
    fn reading(read: RegisterSet) -> Registers {
        Registers { read, ..Registers::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(set: RegisterSet) -> Vec<u8> {
        set.iter().collect()
    }

    #[test]
    fn ranges() {
        for (start, end) in [(0, 0), (0, 1), (3, 64), (63, 65), (64, 64), (70, 190), (5, 4)] {
            let expected: Vec<u8> = (start as u8..end as u8).collect();
            assert_eq!(list(RegisterSet::range(start, end)), expected, "{start} to {end}");
        }
        assert_eq!(list(RegisterSet::range(200, 999)), (200..=255).collect::<Vec<u8>>());
        for register in 0..=255 {
            assert_eq!(list(RegisterSet::one(register)), [register]);
        }
    }

    #[test]
    fn operands_give_registers() {
        let sum = Instruction::abc(Opcode::AddVV, 1, 2, 3).registers();
        assert_eq!((list(sum.read), list(sum.written)), (vec![2, 3], vec![1]));
        let store = Instruction::abc(Opcode::SetField, 1, 2, 3).registers();
        assert_eq!((list(store.read), list(store.written)), (vec![1, 2], vec![]));
        let method = Instruction::abc(Opcode::SelfIndex, 4, 1, 2).registers();
        assert_eq!((list(method.read), list(method.written)), (vec![1, 2], vec![4, 6]));
        let less = Instruction::ad(Opcode::LessVV, 1, 7).registers();
        assert_eq!((list(less.read), list(less.written)), (vec![1, 7], vec![]));
        let copy = Instruction::ad(Opcode::Move, 200, 70).registers();
        assert_eq!((list(copy.read), list(copy.written)), (vec![70], vec![200]));
    }

    #[test]
    fn instructions_with_several_values() {
        let nil = Instruction::ad(Opcode::LoadNil, 2, 4).registers();
        assert_eq!((list(nil.read), list(nil.written)), (vec![], vec![2, 3, 4]));
        let call = Instruction::abc(Opcode::Call, 3, 3, 2).registers();
        assert_eq!((list(call.read), list(call.written)), (vec![3, 5, 6], vec![3, 4]));
        assert!(call.lost.contains(5) && call.lost.contains(255) && !call.lost.contains(4));
        let open = Instruction::abc(Opcode::CallOpen, 250, OPEN, 0).registers();
        assert_eq!(list(open.read), [250, 252, 253, 254, 255]);
        let join = Instruction::abc(Opcode::Concatenate, 5, 5, 7).registers();
        assert_eq!((list(join.read), list(join.written)), (vec![5, 6, 7], vec![5]));
        assert_eq!(list(join.lost), [6, 7]);
        let index = Instruction::ad(Opcode::ForLoop, 1, 0).registers();
        assert_eq!((list(index.read), list(index.written)), (vec![1, 2, 3], vec![1, 4]));
        let each = Instruction::abc(Opcode::ForEachCall, 4, 3, 2).registers();
        assert_eq!((list(each.read), list(each.written)), (vec![1, 2, 3], vec![4, 5]));
        let stored = Instruction::ad(Opcode::SetList, 1, 2).registers();
        assert_eq!(list(stored.read), [1, 2, 3]);
        let returned = Instruction::ad(Opcode::Return, 1, 2).registers();
        assert_eq!(list(returned.read), [1, 2]);
    }

    /// A new opcode with operands that are several registers needs a case of its own.
    #[test]
    fn lists_have_cases_of_their_own() {
        for &opcode in Opcode::ALL {
            let has_list = opcode.operands().iter().any(|(_, operand)| {
                matches!(operand, Operand::First | Operand::FirstTarget | Operand::RangeTarget)
            });
            let word = Instruction::abc(opcode, 10, 20, 30);
            let is_declared = word.registers() == word.declared(opcode);
            assert!(!has_list || !is_declared || opcode == Opcode::Close, "{}", opcode.name());
        }
    }
}
