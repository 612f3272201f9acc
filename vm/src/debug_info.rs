//! Information about running code for messages: positions, names of variables and functions,
//! tracebacks. All of it is derived from the bytecode and the frames when an error happens; running
//! code stores nothing for it.

use crate::activation::{self, Activation, Activations, compiled_of};
use crate::coerce::Type;
use crate::frame::{self, Context, Continuation};
use crate::gc;
use crate::messages::{self, Dialect, Operation};
use crate::native::CallerInfo;
use crate::number::NumberText;
use crate::object::{Prototype, Thread};
use crate::thread;
use crate::value::Value;
use crate::vm::Vm;
use solvm_compiler::bytecode::{self, Format, Opcode, Operand};
use solvm_compiler::chunk_id;

/// The position of an active call.
///
/// # Safety
/// The activation was found since the running thread ran last.
pub(crate) unsafe fn position(vm: &Vm, activation: &Activation) -> CallerInfo {
    match activation.compiled() {
        Some(compiled) => CallerInfo {
            source: chunk_id(&compiled.source.name),
            line: activation.pc.and_then(|pc| compiled.lines.get(pc).copied()),
        },
        None => CallerInfo { source: messages::NATIVE.of(vm.dialect).into(), line: None },
    }
}

/// Where a function is defined: "source:line", or "[C]" for natives.
pub(crate) fn definition(function: Value) -> Vec<u8> {
    // SAFETY: the function is live, and its prototype's description with it.
    match unsafe { compiled_of(function) } {
        Some(compiled) => [
            &chunk_id(&compiled.source.name)[..],
            b":",
            compiled.line_defined.to_string().as_bytes(),
        ]
        .concat(),
        None => b"[C]".to_vec(),
    }
}

/// "source:line: " of the running context, if it is Lua code; if that is a library's, of the code
/// that has called it.
///
/// # Safety
/// No thread is running, or CONTEXT holds of it (see [`crate::frame`]).
pub(crate) unsafe fn running_position(vm: &Vm) -> Vec<u8> {
    if vm.current.is_null() {
        return Vec::new();
    }
    let mut context = Context { base: vm.base, pc: vm.pc };
    if is_library(context) {
        while is_library(context) || context.continuation().is_some() {
            let Some(caller) = context.caller() else { return Vec::new() };
            context = caller;
        }
    }
    context_position(context).map_or(Vec::new(), CallerInfo::into_prefix)
}

/// Whether a context is code of a library that is written in Lua.
///
/// # Safety
/// `context` is a context (see [`crate::frame`]).
unsafe fn is_library(context: Context) -> bool {
    context.continuation().is_none() && {
        let compiled = &(*frame::prototype_of(context.base)).cold.compiled;
        compiled.source.is_library
    }
}

/// The position of a context, if it is Lua code.
///
/// # Safety
/// `context` is a context (see [`crate::frame`]).
pub(crate) unsafe fn context_position(context: Context) -> Option<CallerInfo> {
    if context.continuation().is_some() {
        return None;
    }
    let compiled = &(*frame::prototype_of(context.base)).cold.compiled;
    let pc = (context.pc.offset_from(compiled.code.as_ptr().cast()) as usize).wrapping_sub(1);
    Some(CallerInfo {
        source: chunk_id(&compiled.source.name),
        line: compiled.lines.get(pc).copied(),
    })
}

/// A variable or a function's name: its kind and its name.
pub(crate) type Name = (&'static str, Vec<u8>);

/// The name of the value in a register at instruction `pc`.
fn register_name(compiled: &bytecode::Prototype, pc: usize, register: u8) -> Option<Name> {
    if let Some(name) = compiled.local_name(register, pc) {
        return (!name.starts_with(b"(")).then(|| ("local", name.to_vec()));
    }
    let definition = last_definition(compiled, pc, register)?;
    let instruction = compiled.code[definition];
    let field = |index: usize| match compiled.constants.get(index) {
        Some(bytecode::Constant::String(bytes)) => bytes.to_vec(),
        _ => b"?".to_vec(),
    };
    match instruction.opcode()? {
        Opcode::Move if instruction.d() < u16::from(register) => {
            register_name(compiled, definition, instruction.d() as u8)
        }
        Opcode::GetGlobal => Some(("global", field(instruction.d() as usize))),
        Opcode::GetField => Some(("field", field(instruction.c() as usize))),
        Opcode::SelfField => Some(("method", field(instruction.c() as usize))),
        Opcode::GetIndex => {
            Some(("field", constant_in_register(compiled, definition, instruction.c())))
        }
        Opcode::GetInteger => Some(("field", b"?".to_vec())),
        Opcode::SelfIndex => {
            Some(("method", constant_in_register(compiled, definition, instruction.c())))
        }
        Opcode::GetUpvalue => compiled
            .upvalues
            .get(instruction.d() as usize)
            .map(|info| ("upvalue", info.name.to_vec())),
        _ => None,
    }
}

/// The string constant that was loaded for instruction `pc` since it did not fit there; "?" for
/// other keys.
fn constant_in_register(compiled: &bytecode::Prototype, pc: usize, register: u8) -> Vec<u8> {
    let loaded = || {
        if compiled.local_name(register, pc).is_some() {
            return None;
        }
        let instruction = compiled.code[last_definition(compiled, pc, register)?];
        if instruction.opcode()? != Opcode::LoadConstant {
            return None;
        }
        match compiled.constants.get(instruction.d() as usize)? {
            bytecode::Constant::String(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    };
    loaded().unwrap_or_else(|| b"?".to_vec())
}

/// The instruction that gave a register its value at `pc`, found by walking the code up to there.
/// Every forward jump that lands there or before is taken, as in PUC Lua's symbolic execution.
fn last_definition(compiled: &bytecode::Prototype, pc: usize, register: u8) -> Option<usize> {
    let mut found = None;
    let mut i = 0;
    while i < pc {
        let instruction = compiled.code[i];
        let Some(opcode) = instruction.opcode() else {
            i += 1;
            continue;
        };
        let a = instruction.a();
        let first_is_a = opcode.operands().first().is_some_and(|&(letter, _)| letter == 'A');
        let writes = first_is_a
            && match opcode.operands()[0].1 {
                Operand::Target => register == a,
                Operand::First => match opcode {
                    Opcode::LoadNil => (a..=instruction.d() as u8).contains(&register),
                    Opcode::SelfField | Opcode::SelfIndex => {
                        register == a || register == a.wrapping_add(2)
                    }
                    Opcode::Close | Opcode::SetList | Opcode::Return | Opcode::ReturnOpen => false,
                    Opcode::ForEachCall => register >= a,
                    _ => register >= a,
                },
                _ => false,
            };
        // A value that has been tested has no name, as in PUC Lua.
        let tests = matches!(opcode, Opcode::JumpIfTrue | Opcode::JumpIfFalse) && register == a;
        if writes || tests {
            found = Some(i);
        }
        let jump = match opcode.format() {
            Format::J => Some(instruction.j()),
            _ if opcode.operands().last().is_some_and(|&(_, meaning)| meaning == Operand::Jump) => {
                Some(i32::from(instruction.short_jump()))
            }
            _ => None,
        };
        if let Some(distance) = jump {
            let target = i as i64 + 1 + i64::from(distance);
            if target > i as i64 && target <= pc as i64 {
                i = target as usize;
                continue;
            }
        }
        i += match opcode {
            Opcode::LoadConstantWide | Opcode::SetList => 2,
            _ => 1,
        };
    }
    found
}

/// The function that is running, if it is a Lua function, and the index of its instruction.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::frame`]).
unsafe fn running_compiled(vm: &Vm) -> Option<(&bytecode::Prototype, usize)> {
    let context = Context { base: vm.base, pc: vm.pc };
    if context.continuation().is_some() {
        return None;
    }
    let prototype: *mut Prototype = frame::prototype_of(vm.base);
    let compiled = &(*prototype).cold.compiled;
    Some((compiled, (vm.pc.offset_from((*prototype).code) as usize).wrapping_sub(1)))
}

/// The message for an operand of the running instruction that holds `culprit`.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::frame`]).
pub(crate) unsafe fn operand_error(vm: &Vm, operation: Operation, culprit: Value) -> Vec<u8> {
    let mut name = None;
    if let Some((compiled, pc)) = running_compiled(vm) {
        let instruction = compiled.code[pc];
        let operands = instruction.opcode().map_or(&[][..], Opcode::operands);
        for &(letter, meaning) in operands {
            if meaning != Operand::Register && !(letter == 'B' && meaning == Operand::First) {
                continue;
            }
            // For an index, the indexed object, which comes first in B; for arithmetic, the invalid
            // operand.
            let is_store = matches!(
                instruction.opcode(),
                Some(Opcode::SetField | Opcode::SetIndex | Opcode::SetInteger)
            );
            if is_store && letter != 'B' {
                continue;
            }
            let register = instruction.operand(letter, meaning) as u8;
            if *vm.base.add(register as usize) == culprit {
                name = register_name(compiled, pc, register);
                break;
            }
        }
    }
    messages::operand(
        vm.dialect,
        operation,
        name.as_ref().map(|(kind, name)| (*kind, &name[..])),
        culprit,
    )
}

/// The message for the value in a register of the running frame.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::frame`]). The register belongs to its frame.
pub(crate) unsafe fn register_error(vm: &Vm, operation: Operation, register: usize) -> Vec<u8> {
    let name = running_compiled(vm).and_then(|(compiled, pc)| {
        // Operands of a concatenation are in temporaries: what matters is where they came from.
        register_name(compiled, pc, register as u8)
    });
    let value = *vm.base.add(register);
    messages::operand(
        vm.dialect,
        operation,
        name.as_ref().map(|(kind, name)| (*kind, &name[..])),
        value,
    )
}

/// The message for the callee of the call word before `vm.pc`.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::frame`]).
pub(crate) unsafe fn call_error(vm: &Vm, callee: Value) -> Vec<u8> {
    // The generator of a loop has been copied to where it is called, and what is there has no name.
    let context = Context { base: vm.base, pc: vm.pc };
    // gopher-lua's `pcall` checks its function itself, with a different message.
    let is_protected = context.continuation() == Some(Continuation::ProtectedCall);
    let dialect = if is_protected { Dialect::Lua } else { vm.dialect };
    let name = called_name(context).filter(|(_, name)| !name.starts_with(b"("));
    messages::operand(
        dialect,
        Operation::Call,
        name.as_ref().map(|(kind, name)| (*kind, &name[..])),
        callee,
    )
}

/// The name of the callee of a context's call word there.
///
/// # Safety
/// `context` is a context (see [`crate::frame`]).
pub(crate) unsafe fn called_name(context: Context) -> Option<Name> {
    if context.continuation().is_some() {
        return None;
    }
    let compiled = &(*frame::prototype_of(context.base)).cold.compiled;
    let pc = context.pc.offset_from(compiled.code.as_ptr().cast()) as usize - 1;
    let instruction = compiled.code[pc];
    match instruction.opcode()? {
        Opcode::Call | Opcode::CallOpen | Opcode::TailCall | Opcode::TailCallOpen => {
            register_name(compiled, pc, instruction.a())
        }
        Opcode::ForEachCall => Some(("local", b"(for generator)".to_vec())),
        _ => None,
    }
}

/// The message for an invalid argument of the native called by the call word before `vm.pc`.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::frame`]).
pub(crate) unsafe fn bad_argument(vm: &Vm, index: usize, text: &[u8]) -> Vec<u8> {
    let name = called_name(Context { base: vm.base, pc: vm.pc });
    match name {
        Some((kind, name)) => {
            messages::bad_argument(vm.dialect, index, kind == "method", &name, text)
        }
        None => messages::bad_argument(vm.dialect, index, false, b"?", text),
    }
}

/// The cost of going from a call to its caller.
pub(crate) const UNITS_PER_LEVEL: usize = 2;

/// A longer traceback shows the levels up to this one and the last few.
const FIRST_LEVELS: usize = 12;
const LAST_LEVELS: usize = 10;

/// The traceback of a thread from a level on: lines that each start with a line break, as `lua`
/// prints them. It is charged.
///
/// # Safety
/// The thread is alive; if it is running, CONTEXT holds of it (see [`crate::frame`]).
pub(crate) unsafe fn traceback(vm: &mut Vm, thread: *const Thread, level: usize) -> Vec<u8> {
    let calls = Activations::of(vm, thread).count();
    // They are counted, and passed again.
    gc::charge(&mut vm.fuel, 2 * calls * UNITS_PER_LEVEL);
    let vm = &*vm;
    // The caller that entered the thread is one more level, as in PUC Lua.
    let is_first = !thread.is_null() && (*thread).resumer == thread::ROOT;
    let total = calls + usize::from(is_first);
    let first = level.max(FIRST_LEVELS);
    let is_long = total > first + 1 + LAST_LEVELS;
    let mut text = Vec::new();
    for (i, activation) in Activations::of(vm, thread).enumerate().skip(level) {
        if is_long && i == first {
            text.extend_from_slice(b"\n\t...");
        }
        if !is_long || i < FIRST_LEVELS || i + LAST_LEVELS >= total {
            text.extend_from_slice(&describe(vm, &activation));
            if vm.locals_in_tracebacks {
                for (name, value) in activation::named_locals(&activation) {
                    text.extend_from_slice(
                        &[b"\n\t\t", name, b" = ", &describe_value(value)[..]].concat(),
                    );
                }
            }
        }
    }
    if is_first && level < total {
        text.extend_from_slice(
            &[b"\n\t", messages::NATIVE.of(vm.dialect).as_bytes(), b": ?"].concat(),
        );
    }
    text
}

/// Bytes of a string that are shown.
const SHOWN: usize = 60;

/// A value in readable form, without use of its metatable.
fn describe_value(value: Value) -> Vec<u8> {
    let kind = Type::of(value);
    // SAFETY: the value is live.
    let text = value.to_string().map(|string| unsafe { crate::string::bytes(string) });
    match (kind, text) {
        (Type::Number, _) => NumberText::new(value.as_f64()).to_vec(),
        (Type::Boolean, _) => value.is_truthy().to_string().into_bytes(),
        (_, Some(text)) => {
            let shown = &text[..text.len().min(SHOWN)];
            let more = if shown.len() < text.len() { "..." } else { "" };
            format!("\"{}\"{more}", shown.escape_ascii()).into_bytes()
        }
        (Type::Nil, _) => b"nil".to_vec(),
        _ if matches!(kind, Type::Function) => {
            [b"function <", &definition(value)[..], b">"].concat()
        }
        _ => format!("{}: {:p}", kind.name(), value.address()).into_bytes(),
    }
}

/// One line of a traceback.
///
/// # Safety
/// The activation was found since the running thread ran last.
unsafe fn describe(vm: &Vm, activation: &Activation) -> Vec<u8> {
    let mut line = b"\n\t".to_vec();
    let position = position(vm, activation);
    line.extend_from_slice(&position.source);
    line.push(b':');
    if let Some(number) = position.line {
        line.extend_from_slice(format!("{number}:").as_bytes());
    }
    let name = activation.caller.and_then(|caller| called_name(caller));
    match (name, activation.compiled()) {
        (Some((_, name)), _) => {
            line.extend_from_slice(b" in function '");
            line.extend_from_slice(&name);
            line.push(b'\'');
        }
        (None, Some(compiled)) if compiled.line_defined == 0 => {
            line.extend_from_slice(b" in main chunk")
        }
        (None, None) => line.extend_from_slice(b" ?"),
        (None, Some(compiled)) => {
            line.extend_from_slice(b" in function <");
            line.extend_from_slice(&position.source);
            line.extend_from_slice(format!(":{}>", compiled.line_defined).as_bytes());
        }
    }
    line
}
