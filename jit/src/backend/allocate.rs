//! Places for virtual registers.
//!
//! A virtual register has one place for its whole life: a machine register or a word of the stack.
//! The densest ones, by weighted uses per position, are placed first, each in the first register
//! that is not taken at any of its positions; registers of partners are tried before the others.
//! Words of the stack are assigned in the same way; if they do not suffice, the function is not
//! compiled.
//!
//! **Invariant.** No two virtual registers have the same place at the same position. In debug
//! builds, the checker verifies that each use finds its value.

use super::Unsupported;
use super::bits::Rows;
use super::linear::{Class, Function, Register};
use super::liveness::Lives;
use super::order::Order;

/// Where a virtual register is. The default is for those that are not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Never live.
    #[default]
    None,
    /// A machine register of its class, by number.
    Register(u8),
    /// A word of the stack.
    Stack(u32),
}

/// The machine registers that may be used.
pub(super) struct Banks {
    /// For integers; those that a call preserves last.
    pub(super) integer: &'static [u8],
    /// For doubles.
    pub(super) double: &'static [u8],
    /// Where BASE and CONTEXT are.
    pub(super) fixed: [u8; 2],
    /// The number of words of the stack.
    pub(super) stack: u32,
}

impl Banks {
    fn of(&self, class: Class) -> &'static [u8] {
        match class {
            Class::Integer => self.integer,
            Class::Double => self.double,
        }
    }
}

/// No class has more machine registers.
const BANK: usize = 16;

/// The places of a function's registers.
pub(super) struct Allocation {
    places: Vec<Place>,
    /// The taken positions: a row for each machine register, then for each word of the stack.
    taken: Rows,
    /// The number of words of the stack in use.
    stack: u32,
    /// The number of registers in use, and of those on the stack.
    pub(super) registers: usize,
    pub(super) spilled: usize,
}

impl Allocation {
    pub(super) fn place(&self, register: Register) -> Place {
        self.places[register.index()]
    }

    /// Whether a machine register has a value that an instruction must preserve, unless it is the
    /// register of its target.
    pub(super) fn is_live_across(&self, class: Class, register: u8, sequence: u32) -> bool {
        let row = row(class, register);
        self.taken.has(row, 2 * sequence) && self.taken.has(row, 2 * sequence + 1)
    }
}

fn row(class: Class, register: u8) -> usize {
    let first = if class == Class::Integer { 0 } else { BANK };
    first + register as usize
}

/// Finds places for all registers of a function.
pub(super) fn allocate(
    function: &Function,
    order: &Order,
    lives: &Lives,
    banks: &Banks,
) -> Result<Allocation, Unsupported> {
    let mut queue: Vec<(f32, Register)> = (lives.registers.iter().zip(0..))
        .filter(|(life, register)| !life.is_empty() && !Register(*register).is_fixed())
        .map(|(life, register)| (life.density(), Register(register)))
        .collect();
    queue.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.0.cmp(&b.1.0)));
    let mut allocation = Allocation {
        places: vec![Place::None; function.classes.len()],
        taken: Rows::new(2 * BANK, 2 * order.length() as usize),
        stack: 0,
        registers: queue.len(),
        spilled: 0,
    };
    for (register, place) in [Register::BASE, Register::CONTEXT].into_iter().zip(banks.fixed) {
        allocation.places[register.index()] = Place::Register(place);
    }
    for (_, register) in queue {
        allocation.put(function, lives, banks, register)?;
    }
    Ok(allocation)
}

impl Allocation {
    fn put(
        &mut self,
        function: &Function,
        lives: &Lives,
        banks: &Banks,
        register: Register,
    ) -> Result<(), Unsupported> {
        let (life, class) = (&lives.registers[register.index()], function.class(register));
        let bank = banks.of(class);
        let preferred = life.partners().filter_map(|partner| match self.place(partner) {
            Place::Register(number) if bank.contains(&number) => Some(number),
            _ => None,
        });
        // What is live across calls prefers registers that calls preserve: those are last. Of those
        // for doubles calls preserve none.
        let count = bank.len();
        let is_reversed = life.crosses_call && class == Class::Integer;
        let others = (0..count).map(|i| bank[if is_reversed { count - 1 - i } else { i }]);
        let is_free = |row: usize| {
            !lives.ranges(life).any(|range| self.taken.any(row, range.start, range.end))
        };
        let free = preferred.chain(others).find(|&number| is_free(row(class, number)));
        let (row, place) = match free {
            Some(number) => (row(class, number), Place::Register(number)),
            None => {
                let free = (0..self.stack).find(|&word| is_free(2 * BANK + word as usize));
                let word = free.unwrap_or(self.stack);
                if word == banks.stack {
                    return Err(Unsupported::Frame);
                }
                if word == self.stack {
                    self.taken.add_row();
                    self.stack += 1;
                }
                self.spilled += 1;
                (2 * BANK + word as usize, Place::Stack(word))
            }
        };
        for range in lives.ranges(life) {
            self.taken.fill(row, range.start, range.end);
        }
        self.places[register.index()] = place;
        Ok(())
    }
}
