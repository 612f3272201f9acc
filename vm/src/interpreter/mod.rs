//! The interpreter.

use crate::value::Value;

/// One opcode's code: program counter behind the instruction, frame base, operands D and A, constants, the VM.
pub type Handler = unsafe fn(pc: *const u32, base: *mut Value, d: u64, a: u64, k: *const Value, vm: *mut Vm) -> u64;

/// The virtual machine.
pub struct Vm {}
