//! The active calls of a thread, and their local variables: what `debug` and tracebacks see of the
//! stack.

use crate::layout::frame::{self, Context, Continuation, call_slot};
use crate::layout::object::Thread;
use crate::layout::value::Value;
use crate::machine::interpreter;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{self, Instruction, Opcode};
use std::ptr::null_mut;

/// One active call.
#[derive(Clone, Copy)]
pub(crate) struct Activation {
    pub(crate) function: Value,
    /// The running instruction, if it is a Lua function.
    pub(crate) pc: Option<usize>,
    /// The context of its caller, whose call word called it. None at the bottom.
    pub(crate) caller: Option<Context>,
    /// Where its registers start, if it is a Lua function.
    base: *mut Value,
}

/// The prototype of the function, if it is a Lua function.
///
/// # Safety
/// The function is alive for as long as the result is used.
pub(crate) unsafe fn compiled_of<'a>(function: Value) -> Option<&'a bytecode::Prototype> {
    let function = function.to_lua_function()?;
    // SAFETY: the function is alive while the result is used, as the caller asserts, and keeps its
    // prototype alive.
    Some(unsafe { &(*(*function).prototype).cold.compiled })
}

impl Activation {
    /// The prototype of the function, if it is a Lua function.
    ///
    /// # Safety
    /// The function is alive for as long as the result is used.
    pub(crate) unsafe fn compiled(&self) -> Option<&bytecode::Prototype> {
        // SAFETY: as the caller asserts.
        unsafe { compiled_of(self.function) }
    }

    /// The same call after its stack has moved by this distance in bytes.
    pub(crate) fn moved(self, distance: isize) -> Activation {
        let caller = self
            .caller
            .map(|caller| Context { base: caller.base.wrapping_byte_offset(distance), ..caller });
        Activation { caller, base: self.base.wrapping_byte_offset(distance), ..self }
    }
}

/// The active calls of a thread, innermost first, from a context on.
pub(crate) struct Activations {
    context: Option<Context>,
    /// The function that the context's call word is calling, if that is a native which is still
    /// running.
    pending: Option<Value>,
}

impl Activations {
    /// Those of a thread.
    ///
    /// # Safety
    /// The thread is null or alive; if it is running, CONTEXT holds of it (see
    /// [`crate::layout::frame`]). It does not run while the result is used.
    pub(crate) unsafe fn of(vm: &Vm, thread: *const Thread) -> Activations {
        // SAFETY: the thread is alive if it is not null, as the caller asserts. With a stack it has
        // a context, which is stored in it unless it is running.
        unsafe {
            if thread.is_null() || (*thread).stack.is_null() {
                return Activations { context: None, pending: None };
            }
            let is_running = std::ptr::eq(thread, vm.current);
            let context =
                if is_running { Context { base: vm.base, pc: vm.pc } } else { Context::of(thread) };
            // The instruction at which a budget ran out has not called anything yet.
            let has_called = is_running || (*thread).preempted == 0;
            Activations {
                context: Some(context),
                pending: if has_called { called_native(context) } else { None },
            }
        }
    }
}

/// The native that the call word of a context calls, if it does.
///
/// # Safety
/// `context` is a context (see [`crate::layout::frame`]).
pub(crate) unsafe fn called_native(context: Context) -> Option<Value> {
    // SAFETY: an instruction or a call word precedes the pc of a context.
    let opcode = unsafe { Instruction(*context.pc.sub(1)) }.opcode()?;
    if !opcode.is_call() && opcode != Opcode::ForEachCall {
        return None;
    }
    // SAFETY: the instruction is a call, whose callee has a slot above the base.
    let callee = unsafe { *context.base.add(call_slot(context.pc)) };
    callee.is_native_function().then_some(callee)
}

impl Iterator for Activations {
    type Item = Activation;

    fn next(&mut self) -> Option<Activation> {
        // SAFETY: the contexts are those of a thread whose frames are consistent.
        unsafe {
            loop {
                let context = self.context?;
                if let Some(function) = self.pending.take() {
                    return Some(Activation {
                        function,
                        pc: None,
                        caller: Some(context),
                        base: null_mut(),
                    });
                }
                let caller = context.caller();
                self.context = caller;
                match context.continuation() {
                    None => {
                        let function = Value::from_lua_function(frame::function_of(context.base));
                        let code = (*frame::prototype_of(context.base)).code;
                        let pc = context.pc.offset_from(code) as usize - 1;
                        return Some(Activation {
                            function,
                            pc: Some(pc),
                            caller,
                            base: context.base,
                        });
                    }
                    Some(
                        Continuation::Native
                        | Continuation::ProtectedCall
                        | Continuation::ProtectedCallWithHandler,
                    ) => {
                        let caller = caller?;
                        let function = *caller.base.add(call_slot(caller.pc));
                        return Some(Activation {
                            function,
                            pc: None,
                            caller: Some(caller),
                            base: null_mut(),
                        });
                    }
                    Some(Continuation::Hook) => {
                        // A native that is called or has returned is active, though it has no
                        // frame.
                        let native = *context.base.sub(4);
                        self.pending = native.is_native_function().then_some(native);
                    }
                    Some(Continuation::ErrorHandler) => {
                        // The native that has failed has no frame either.
                        self.pending = match caller {
                            Some(failed) => called_native(failed),
                            None => None,
                        };
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// The local variables and temporaries of an active Lua function, in the order in which
/// `debug.getlocal` counts them from 1: the name and the slot.
///
/// # Safety
/// The activation was found since its thread ran last.
pub(crate) unsafe fn local<'a>(
    vm: &Vm,
    activation: &'a Activation,
    number: usize,
) -> Option<(&'a [u8], *mut Value)> {
    // SAFETY: the function is active, as the caller asserts, and so it is alive.
    let (compiled, pc) = unsafe { (activation.compiled()?, activation.pc?) };
    let is_alive =
        |local: &&bytecode::LocalVariable| (local.start as usize..local.end as usize).contains(&pc);
    let index = number.checked_sub(1)?;
    let (name, register) = match compiled.locals.iter().filter(is_alive).nth(index) {
        Some(local) => (&*local.name, usize::from(local.register)),
        None => (TEMPORARY, index),
    };
    // While it calls, what is below the callee are its registers.
    let instruction = compiled.code[pc];
    let is_temporary = name == TEMPORARY;
    let calls = instruction.opcode().is_some_and(Opcode::is_call);
    if is_temporary && !(calls && register < usize::from(instruction.a())) {
        return None;
    }
    // SAFETY: the register is that of a local variable that is alive, or below a callee: it is one
    // of the frame (CODE), which is where it was found. The hidden variables of a loop are in
    // consecutive registers, and are alive in the loop only.
    let slot = unsafe { activation.base.add(register) };
    if let Some(before) = LOOP_STATE.iter().position(|&hidden| hidden == name) {
        // SAFETY: as above.
        unsafe { interpreter::unmark_loop(vm, slot.sub(before)) };
    }
    Some((name, slot))
}

/// The local variables of an active call that the program's text names, and their values.
///
/// # Safety
/// As [`local`].
pub(crate) unsafe fn named_locals(activation: &Activation) -> impl Iterator<Item = (&[u8], Value)> {
    // SAFETY: the function is active, as the caller asserts, and so it is alive.
    let locals = unsafe { activation.compiled() }.map_or(&[][..], |compiled| &compiled.locals);
    let pc = activation.pc.unwrap_or(usize::MAX);
    let alive =
        locals.iter().filter(move |local| (local.start as usize..local.end as usize).contains(&pc));
    let named = alive.filter(|local| !local.name.starts_with(b"("));
    // SAFETY: the registers of local variables that are alive hold values.
    named.map(|local| (&*local.name, unsafe { *activation.base.add(usize::from(local.register)) }))
}

/// The name of a value without a name.
pub(crate) const TEMPORARY: &[u8] = b"(*temporary)";
/// The hidden variables of a generic `for`, in the order of their registers.
const LOOP_STATE: [&[u8]; 3] = [b"(for generator)", b"(for state)", b"(for control)"];
