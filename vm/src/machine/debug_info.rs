//! Information about running code for messages: positions, names of variables and functions. All
//! of it is derived from the bytecode and the frames when an error happens; running code stores
//! nothing for it.

use crate::layout::frame::{self, Context, Continuation};
use crate::layout::object::Prototype;
use crate::layout::value::Value;
use crate::machine::activation::{Activation, compiled_of};
use crate::machine::native::CallerInfo;
use crate::machine::type_error::{self, Operation};
use crate::machine::vm::Vm;
use crate::messages::{self, Dialect};
use solvm_compiler::bytecode::{self, Opcode, Operand, RegisterName, SourceKind, register_name};
use solvm_compiler::chunk_id;
use solvm_compiler::locate::Culprit;

/// The position of an active call.
///
/// # Safety
/// The activation was found since the running thread ran last.
pub(crate) unsafe fn position(vm: &Vm, activation: &Activation) -> CallerInfo {
    // SAFETY: the activation's function is alive: its frame has not changed, as the caller asserts.
    match unsafe { activation.compiled() } {
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
/// No thread is running, or CONTEXT holds of it (see [`crate::layout::frame`]).
pub(crate) unsafe fn running_position(vm: &Vm) -> Vec<u8> {
    if vm.current.is_null() {
        return Vec::new();
    }
    let mut context = Context { base: vm.base, pc: vm.pc };
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts, and no frame changes
    // here.
    unsafe {
        // A native that is a metamethod runs at the instruction that it carries out.
        while context.continuation().is_some_and(Continuation::is_instruction) {
            let Some(caller) = context.caller() else { return Vec::new() };
            context = caller;
        }
        if is_library(context) {
            while is_library(context) || context.continuation().is_some() {
                let Some(caller) = context.caller() else { return Vec::new() };
                context = caller;
            }
        }
        context_position(context).map_or(Vec::new(), CallerInfo::into_prefix)
    }
}

/// Whether a context is code of a library that is written in Lua.
///
/// # Safety
/// `context` is a context (see [`crate::layout::frame`]).
unsafe fn is_library(context: Context) -> bool {
    // SAFETY: a context that is not a continuation is that of a Lua frame, whose function is alive.
    context.continuation().is_none()
        && unsafe {
            let compiled = &(*frame::prototype_of(context.base)).cold.compiled;
            compiled.source.kind == SourceKind::Library
        }
}

/// The position of a context, if it is Lua code.
///
/// # Safety
/// `context` is a context (see [`crate::layout::frame`]).
pub(crate) unsafe fn context_position(context: Context) -> Option<CallerInfo> {
    if context.continuation().is_some() {
        return None;
    }
    // SAFETY: a context that is not a continuation is that of a Lua frame, whose function is alive,
    // and its pc is in the function's code.
    let (compiled, pc) = unsafe {
        let prototype = frame::prototype_of(context.base);
        let offset = context.pc.offset_from((*prototype).code);
        (&(*prototype).cold.compiled, (offset as usize).wrapping_sub(1))
    };
    Some(CallerInfo {
        source: chunk_id(&compiled.source.name),
        line: compiled.lines.get(pc).copied(),
    })
}

/// The function that is running, if it is a Lua function, and the index of its instruction.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]).
unsafe fn running_compiled(vm: &Vm) -> Option<(&bytecode::Prototype, usize)> {
    let context = Context { base: vm.base, pc: vm.pc };
    if context.continuation().is_some() {
        return None;
    }
    // SAFETY: a context that is not a continuation is that of a Lua frame, and its pc is in the
    // code of its function. The function is alive as long as the VM is borrowed, since it does not
    // run.
    unsafe {
        let prototype: *mut Prototype = frame::prototype_of(vm.base);
        let compiled = &(*prototype).cold.compiled;
        Some((compiled, (vm.pc.offset_from((*prototype).code) as usize).wrapping_sub(1)))
    }
}

/// The message for an operand of the running instruction that holds `culprit`.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]).
pub(crate) unsafe fn operand_error(vm: &Vm, operation: Operation, culprit: Value) -> Vec<u8> {
    let mut name = None;
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts.
    if let Some((compiled, pc)) = unsafe { running_compiled(vm) } {
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
            // SAFETY: an operand that is a register is one of the frame (CODE).
            if unsafe { *vm.base.add(register as usize) } == culprit {
                vm.blame(Culprit::Register(register));
                name = register_name(compiled, pc, register);
                break;
            }
        }
    }
    type_error::operand(
        vm.dialect,
        operation,
        name.as_ref().map(|name| (name.kind, &name.name[..])),
        culprit,
    )
}

/// The message for the value in a register of the running frame.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]). The register belongs to its
/// frame.
pub(crate) unsafe fn register_error(vm: &Vm, operation: Operation, register: usize) -> Vec<u8> {
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts.
    let name = unsafe { running_compiled(vm) }.and_then(|(compiled, pc)| {
        // Operands of a concatenation are in temporaries: what matters is where they came from.
        register_name(compiled, pc, register as u8)
    });
    vm.blame(Culprit::Register(register as u8));
    // SAFETY: the register belongs to the frame, as the caller asserts.
    let value = unsafe { *vm.base.add(register) };
    type_error::operand(
        vm.dialect,
        operation,
        name.as_ref().map(|name| (name.kind, &name.name[..])),
        value,
    )
}

/// The message for the callee of the call word before `vm.pc`.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]).
pub(crate) unsafe fn call_error(vm: &Vm, callee: Value) -> Vec<u8> {
    // The generator of a loop has been copied to where it is called, and what is there has no name.
    let context = Context { base: vm.base, pc: vm.pc };
    // gopher-lua's `pcall` checks its function itself, with a different message.
    let is_protected = context.continuation() == Some(Continuation::ProtectedCall);
    let dialect = if is_protected { Dialect::Lua } else { vm.dialect };
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts.
    let (name, register) = unsafe { (called_name(context), callee_register(context)) };
    let name = name.filter(|name| !name.name.starts_with(b"("));
    if let Some(register) = register {
        vm.blame(Culprit::Register(register));
    }
    type_error::operand(
        dialect,
        Operation::Call,
        name.as_ref().map(|name| (name.kind, &name.name[..])),
        callee,
    )
}

/// The name of the callee of a context's call word there.
///
/// # Safety
/// `context` is a context (see [`crate::layout::frame`]).
pub(crate) unsafe fn called_name(context: Context) -> Option<RegisterName> {
    if context.continuation().is_some() {
        return None;
    }
    // SAFETY: a context that is not a continuation is that of a Lua frame, whose function is alive,
    // and its pc is after an instruction of the function's code.
    let (compiled, pc, register) = unsafe {
        let prototype = frame::prototype_of(context.base);
        let pc = context.pc.offset_from((*prototype).code) as usize - 1;
        (&(*prototype).cold.compiled, pc, callee_register(context))
    };
    match (register, compiled.code[pc].opcode()?) {
        (Some(register), _) => register_name(compiled, pc, register),
        (None, Opcode::ForEachCall) => Some(RegisterName {
            kind: "local",
            name: b"(for generator)".to_vec(),
            definition: None,
        }),
        _ => None,
    }
}

/// The register of the callee of a context's call word, if an expression has given it.
///
/// # Safety
/// `context` is a context (see [`crate::layout::frame`]).
unsafe fn callee_register(context: Context) -> Option<u8> {
    // SAFETY: an instruction or a call word precedes the pc of a context.
    let instruction = unsafe { bytecode::Instruction(*context.pc.sub(1)) };
    (instruction.opcode()?.is_call() && context.continuation().is_none()).then(|| instruction.a())
}

/// The message for an invalid argument of the native called by the call word before `vm.pc`.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]).
pub(crate) unsafe fn bad_argument(vm: &Vm, index: usize, text: &[u8]) -> Vec<u8> {
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts.
    let name = unsafe { called_name(Context { base: vm.base, pc: vm.pc }) };
    let is_method = name.as_ref().is_some_and(|name| name.kind == "method");
    let culprit = match index.checked_sub(usize::from(is_method)) {
        Some(number @ 1..) => Culprit::Argument(number),
        _ => Culprit::Instruction,
    };
    vm.blame(culprit);
    match name {
        Some(name) => messages::bad_argument(vm.dialect, index, is_method, &name.name, text),
        None => messages::bad_argument(vm.dialect, index, false, b"?", text),
    }
}
