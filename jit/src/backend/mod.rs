//! The back-end: from the [linear form](linear) to machine code in executable memory.
//!
//! [`compile`] orders the blocks, finds where each register is live, places the registers, and
//! encodes instructions for x86-64 with AVX and BMI2. The result, a [`Machine`], is plain bytes
//! that may be moved. An [`Arena`] copies it to executable memory, as a [`Unit`] that can be run.
//!
//! **Units.** A unit is entered by [`Unit::run`] with the addresses BASE and CONTEXT. It returns a
//! word: what an exit or the instruction `Return` specifies. By `Tail`, a unit continues in another
//! one of the same process, in the same stack frame.

mod allocate;
mod bits;
#[cfg(debug_assertions)]
mod check;
#[cfg(test)]
mod interpret;
pub mod linear;
mod liveness;
mod memory;
mod order;
#[cfg(test)]
mod tests;
mod x64;

use linear::{Function, Register};
pub use memory::{Arena, Refused, Statistics, Unit, run};

/// Settings of a compilation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Use at most this many registers for integers; the rest is on the stack.
    pub integer_registers: usize,
    /// Use at most this many registers for doubles.
    pub double_registers: usize,
    /// Say which instruction each byte belongs to: [`Machine::lines`].
    pub has_lines: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { integer_registers: usize::MAX, double_registers: usize::MAX, has_lines: false }
    }
}

/// Why a function cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// More registers are live at the same time than a stack frame can hold.
    Frame,
    /// The function has too many instructions.
    Size,
    /// This register is read but not written on every path before.
    Undefined(Register),
    /// A block that can be reached does not end in a terminator.
    Unfinished,
}

impl std::fmt::Display for Unsupported {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unsupported::Frame => formatter.write_str("too many registers for a stack frame"),
            Unsupported::Size => formatter.write_str("too many instructions"),
            Unsupported::Undefined(register) => {
                write!(formatter, "{register} is read before it is written")
            }
            Unsupported::Unfinished => formatter.write_str("a block has no terminator"),
        }
    }
}

impl std::error::Error for Unsupported {}

/// The machine code of a function, at no address yet.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The code, with constants after it.
    pub bytes: Vec<u8>,
    /// The bytes of the code that does not belong to exits.
    pub hot: usize,
    /// The bytes of the exits' code.
    pub exits: usize,
    /// The exits that have code which is not shared.
    pub distinct_exits: usize,
    /// The virtual registers in use.
    pub registers: usize,
    /// Those that are on the stack.
    pub spilled: usize,
    /// Blocks and instructions as text, and where the code of each starts; exits have one line
    /// together. Empty unless [`Settings::has_lines`].
    pub lines: Vec<(usize, String)>,
}

/// No function may have more instructions.
const MAX_INSTRUCTIONS: usize = 1 << 14;

/// Whether this machine can run the code that [`compile`] makes.
pub fn is_supported() -> bool {
    #[cfg(all(target_arch = "x86_64", unix))]
    return std::is_x86_feature_detected!("avx") && std::is_x86_feature_detected!("bmi2");
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    return false;
}

/// Compiles a function to machine code.
pub fn compile(function: &Function, settings: &Settings) -> Result<Machine, Unsupported> {
    if function.instruction_count() > MAX_INSTRUCTIONS {
        return Err(Unsupported::Size);
    }
    let order = order::Order::of(function)?;
    let lives = liveness::Lives::of(function, &order)?;
    let banks = x64::banks(settings);
    let allocation = allocate::allocate(function, &order, &lives, &banks)?;
    #[cfg(debug_assertions)]
    check::check(function, &order, &lives, &allocation);
    Ok(x64::lower(function, &order, &lives, &allocation, settings.has_lines))
}
