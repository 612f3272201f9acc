//! The bytecode: the one contract between the compiler and the virtual machine.

pub mod disassemble;
pub mod instruction;
pub mod names;
pub mod opcode;
pub mod prototype;
pub mod registers;
pub mod verify;

pub use disassemble::disassemble;
pub use instruction::Instruction;
pub use names::{RegisterName, register_name};
pub use opcode::{Flow, Format, OPEN, Opcode, Operand};
pub(crate) use prototype::is_divisor;
pub use prototype::{
    Capture, Constant, LocalVariable, Prototype, Source, SourceKind, TableTemplate, TemplateValue,
    UpvalueInfo,
};
pub use registers::{RegisterSet, Registers};
pub use verify::verify;
