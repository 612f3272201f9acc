//! Where the search for hot functions starts: the opcodes' handlers, the continuations', and those
//! of the natives that the interpreter itself executes.

use crate::image::{Image, Unreadable};
use solvm_compiler::bytecode::Opcode;

/// Opcodes whose handlers are a jump to a cold function, and why that is good enough.
const COLD: &[(Opcode, &str)] = &[
    (Opcode::Closure, "allocates"),
    (Opcode::Close, "walks the open upvalues; loops without closures in them have none"),
    (Opcode::NewTable, "allocates"),
    (Opcode::DuplicateTable, "allocates"),
    (Opcode::SetList, "copies a list"),
    (Opcode::SelfIndex, "a method beyond the first 256 constants of a function"),
    (Opcode::PowerVV, "calls pow"),
    (Opcode::Concatenate, "allocates"),
    (Opcode::VarargTable, "allocates; once per call of a function with a parameter `arg`"),
];

/// Handlers without an opcode, reached through a native function's object.
const NATIVES: &[&str] = &[
    "special::call_native",
    "special::raise",
    "special::protected_call",
    "special::protected_call_with_handler",
    "special::resume",
    "special::resume_wrapped",
    "special::yield_values",
];

/// Continuations that are a jump to a cold function: less frequent than what they continue.
const COLD_CONTINUATIONS: &[&str] = &[
    "special::protected_call_with_handler_returned",
    "hooked::hook_returned",
    "special::error_handler_returned",
    "special::concatenation",
    "special::schedule",
    "special::thread_end",
    "special::unused",
];

/// How many direct and indirect calls a hot function may make.
pub(crate) fn calls_allowed(name: &str) -> (usize, usize) {
    match name {
        // The native's code.
        "special::call_native" => (0, 1),
        // The native's next step.
        "special::native_called_back" => (1, 0),
        _ => (0, 0),
    }
}

/// The addresses of handlers that must be fast, and of those that need not.
pub(crate) struct Roots {
    pub(crate) hot: Vec<u64>,
    pub(crate) cold: Vec<u64>,
}

/// Finds them in the binary's own dispatch table, whatever names the functions in it still have.
pub(crate) fn of(image: &Image) -> Result<Roots, Unreadable> {
    let table = image.pointers("dispatch::HANDLERS")?;
    let mut roots = Roots { hot: Vec::new(), cold: Vec::new() };
    for (number, &address) in table.iter().enumerate() {
        let is_cold = match Opcode::ALL.get(number) {
            Some(opcode) => COLD.iter().any(|(cold, _)| cold == opcode),
            None => COLD_CONTINUATIONS.contains(&image.names_at(address).as_str()),
        };
        let list = if is_cold { &mut roots.cold } else { &mut roots.hot };
        // Numbers without a meaning share one handler.
        if list.last() != Some(&address) {
            list.push(address);
        }
    }
    for name in NATIVES {
        roots.hot.push(image.function(name)?);
    }
    Ok(roots)
}
