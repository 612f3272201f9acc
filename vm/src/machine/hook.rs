//! Debug hooks: which events a thread's hook gets, and when.
//!
//! While any thread has a hook, every instruction enters `interpreter::hooked` first, which calls
//! [`next_wanted_event`] before the instruction runs. The hook function runs in its own frame above
//! the interrupted one ([`Continuation::Hook`](crate::layout::frame::Continuation)); when it
//! returns, the instruction is executed again and the next stage is checked, until there is no
//! event left. So a hook may fail, yield and be preempted like any code.
//!
//! **Invariants.**
//! - ONE INSTRUCTION: `stage` and `passes` are about the instruction that the thread runs next
//!   outside its hook function. They are reset whenever one has run, or was left by an error.
//! - ADDRESSES: frames are stored as distances from the start of the stack, which may move; a
//!   stored pc is only compared, since its code may have been freed.
//!
//! Events of natives are those of calls from Lua code: calls from natives are not reported. A
//! return is reported before the instruction that follows the call.

use crate::layout::frame::{self, Context, unlink};
use crate::layout::hook::{Hook, HookEvents, Last, Returning, Stage};
use crate::layout::object::Thread;
use crate::layout::value::Value;
use crate::machine::activation;
use crate::machine::tracing;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Instruction, Opcode};

/// An event of a hook.
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) line: Option<u32>,
    /// The native function that is called or has returned; nil if the event is about the running
    /// Lua function.
    pub(crate) native: Value,
}

impl Event {
    fn of_running(name: &'static str) -> Event {
        Event { name, line: None, native: Value::NIL }
    }
}

impl Hook {
    fn set(&mut self, function: Value, events: HookEvents) {
        let active = self.active.get() + usize::from(events.any()) - usize::from(self.events.any());
        self.active.set(active);
        self.function = function;
        self.events = events;
        self.left = events.count;
        self.returning.clear();
        if !self.is_running {
            self.reset();
            self.last = None;
        }
    }

    /// The hook function, or the instruction that was about to run, has been left by an error.
    pub(crate) fn reset(&mut self) {
        self.is_running = false;
        self.passes = false;
        self.stage = Stage::NativeReturns;
    }

    /// The native function that has just returned to the instruction at `pc`.
    fn returned_native(&mut self, frame: usize, pc: *const u32) -> Option<Value> {
        while let Some(returning) = self.returning.last() {
            match *returning {
                Returning::Native { frame: caller, pc: call, function } if caller >= frame => {
                    self.returning.pop();
                    if caller == frame && call.wrapping_add(1) == pc {
                        return Some(function);
                    }
                }
                // The frame was left by an error.
                Returning::Tail { frame: left } if left > frame => {
                    self.returning.pop();
                }
                _ => return None,
            }
        }
        None
    }

    /// Whether the first instruction of a function is reached by a call and not by a jump.
    fn enters(&mut self, frame: usize) -> bool {
        let last = self.last.filter(|last| last.frame == frame).and_then(|last| last.opcode);
        if last == Some(Opcode::Loop) {
            return false;
        }
        if !last.is_some_and(|last| last.is_tail_call() || last == Opcode::VarargTable) {
            self.returning.retain(|returning| returning.frame() < frame);
        }
        true
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.active.set(self.active.get() - usize::from(self.events.any()));
    }
}

/// Sets or, without events, removes the hook of a thread.
///
/// # Safety
/// Thread and function are alive. CONTEXT holds of the running thread (see [`frame`]).
pub(crate) unsafe fn set(vm: &mut Vm, thread: *mut Thread, function: Value, events: HookEvents) {
    // SAFETY: the thread is alive and owns its hook, to which no other reference exists: a native
    // is running, and no reference is kept between two events.
    let hook = unsafe { &mut *hook_of(vm, thread) };
    hook.set(function, events);
    // The native that sets the hook of its own thread will return.
    let context = Context { base: vm.base, pc: vm.pc };
    if (events.returns || vm.tracer.is_some())
        && !hook.is_running
        && std::ptr::eq(thread, vm.current)
        && context.continuation().is_none()
        // SAFETY: CONTEXT holds, as the caller asserts.
        && let Some(native) = unsafe { activation::called_native(context) }
    {
        // SAFETY: a context that is not a continuation is that of a Lua frame, whose instruction
        // precedes the pc.
        let (frame, pc) = unsafe { (running_frame(vm), vm.pc.sub(1)) };
        hook.returning.push(Returning::Native { frame, pc, function: native });
    }
    // SAFETY: the thread is alive, as the caller asserts.
    unsafe { vm.heap.thread_resumed(thread) };
    crate::machine::interpreter::update_dispatch(vm);
}

/// The hook of a thread, created without a function if there is none.
///
/// # Safety
/// The thread is alive.
unsafe fn hook_of(vm: &Vm, thread: *mut Thread) -> *mut Hook {
    // SAFETY: the thread is alive, as the caller asserts.
    unsafe {
        if (*thread).hook.is_null() {
            let hook = Hook {
                function: Value::NIL,
                events: HookEvents::default(),
                left: 0,
                is_running: false,
                passes: false,
                stage: Stage::NativeReturns,
                last: None,
                returning: Vec::new(),
                active: vm.active_hooks.clone(),
            };
            (*thread).hook = Box::into_raw(Box::new(hook));
        }
        (*thread).hook
    }
}

/// The instruction before `vm.pc` will be run again: its events have been reported. The call word
/// of a continuation has none.
///
/// # Safety
/// A thread is running.
pub(crate) unsafe fn instruction_restarts(vm: &mut Vm) {
    // SAFETY: a thread is running, as the caller asserts, so that it is alive and its hook with it.
    unsafe {
        let hook = (*vm.current).hook;
        let has_events = frame::continuation_at(vm.pc).is_none();
        if !hook.is_null() && !(*hook).is_running && has_events {
            (*hook).passes = true;
        }
    }
}

/// An error passes the frame of the running thread's hook function.
///
/// # Safety
/// A thread is running.
pub(crate) unsafe fn abandon(vm: &mut Vm) {
    // SAFETY: a thread is running, as the caller asserts, so that it is alive and its hook with it.
    unsafe {
        let hook = (*vm.current).hook;
        if !hook.is_null() {
            (*hook).reset();
        }
    }
}

/// The next event for the hook function before the instruction before `vm.pc` runs. None: it may
/// run. The tracer gets those on the way.
///
/// # Safety
/// A Lua frame is running whose thread has no hook, or one that is not running.
pub(crate) unsafe fn next_wanted_event(vm: &mut Vm) -> Option<Event> {
    // SAFETY: a Lua frame is running, as the caller asserts, and its thread has a hook once
    // `hook_of` has been called. The events are about that frame, which the tracer does not change.
    unsafe {
        let thread = vm.current;
        hook_of(vm, thread);
        while let Some(event) = next_event(vm) {
            tracing::tell(vm, &event);
            let wanted = (*(*thread).hook).events;
            let is_wanted = match event.name {
                "call" => wanted.calls,
                "return" | "tail return" => wanted.returns,
                _ => true,
            };
            if is_wanted {
                return Some(event);
            }
        }
        None
    }
}

/// The place of the running frame in the thread's stack.
///
/// # Safety
/// A Lua frame is running.
unsafe fn running_frame(vm: &Vm) -> usize {
    // SAFETY: the link precedes the base of a Lua frame, and counts the slots to the frame of the
    // plain call, which is in the same stack (DISTANCE).
    unsafe {
        let (distance, _) = unlink(*vm.base.sub(1));
        vm.base.sub(distance).offset_from((*vm.current).stack) as usize
    }
}

/// Whether the running function was reached by a tail call that has been reported: its caller has
/// called another one.
///
/// # Safety
/// A Lua frame is running whose thread has a hook.
pub(crate) unsafe fn is_tail_called(vm: &Vm) -> bool {
    // SAFETY: a Lua frame is running whose thread has a hook, as the caller asserts.
    let (frame, returning) = unsafe { (running_frame(vm), &(*(*vm.current).hook).returning) };
    matches!(returning.last(), Some(Returning::Tail { frame: left }) if *left == frame)
}

/// The next event that the hook function or the tracer subscribes to.
///
/// # Safety
/// A Lua frame is running whose thread has a hook, which is not running.
unsafe fn next_event(vm: &mut Vm) -> Option<Event> {
    let thread = vm.current;
    let is_traced = vm.tracer.is_some();
    // SAFETY: the running thread has a hook, as the caller asserts, to which no other reference is
    // in use.
    let hook = unsafe { &mut *(*thread).hook };
    // SAFETY: a Lua frame is running, as the caller asserts. Its function is alive, and the pc is
    // after an instruction of its code.
    let (frame, pc, code, compiled) = unsafe {
        let prototype = frame::prototype_of(vm.base);
        (running_frame(vm), vm.pc.sub(1), (*prototype).code, &(*prototype).cold.compiled)
    };
    // SAFETY: as above; the code is not empty (CODE).
    let (index, opcode, first) = unsafe {
        (pc.offset_from(code) as usize, Instruction(*pc).opcode(), Instruction(*code).opcode())
    };
    let mut events = hook.events;
    events.calls |= is_traced;
    events.returns |= is_traced;
    // For hooks, the table `arg` is created before the function is entered.
    let makes_arg = first == Some(Opcode::VarargTable);
    let entry = usize::from(makes_arg);
    loop {
        match hook.stage {
            Stage::NativeReturns => match hook.returned_native(frame, pc) {
                Some(native) if events.returns => {
                    return Some(Event { name: "return", line: None, native });
                }
                Some(_) => {}
                None => hook.stage = Stage::Entry,
            },
            Stage::Entry => {
                if index < entry {
                    hook.stage = Stage::NativeReturns;
                    hook.last = Some(Last { frame, pc, opcode });
                    return None;
                }
                hook.stage = Stage::Count;
                if index == entry && hook.enters(frame) && events.calls {
                    return Some(Event::of_running("call"));
                }
            }
            Stage::Count => {
                hook.stage = Stage::Line;
                hook.left = hook.left.saturating_sub(1);
                if hook.left == 0 && events.count > 0 {
                    hook.left = events.count;
                    return Some(Event::of_running("count"));
                }
            }
            Stage::Line => {
                hook.stage = Stage::CallOrReturn;
                let lines = &compiled.lines;
                let before = match hook.last {
                    Some(last) if last.frame == frame => {
                        (last.pc as usize).wrapping_sub(code as usize) / size_of::<u32>()
                    }
                    _ => index.wrapping_sub(1),
                };
                let line = lines.get(index).copied();
                // PUC Lua reaches the first iteration of a loop by a jump back, too.
                let begins_loop = index == before.wrapping_add(1)
                    && matches!(
                        hook.last,
                        Some(Last {
                            opcode: Some(Opcode::ForPrepare | Opcode::ForPrepareStep),
                            ..
                        })
                    );
                let is_new = index == entry
                    || index <= before
                    || begins_loop
                    || line != lines.get(before).copied();
                if events.lines && is_new {
                    return Some(Event { name: "line", line, native: Value::NIL });
                }
            }
            Stage::CallOrReturn => {
                hook.stage = Stage::TailReturns;
                match opcode {
                    Some(opcode) if opcode.is_return() && events.returns => {
                        return Some(Event::of_running("return"));
                    }
                    Some(opcode) if opcode.is_call() => {
                        // SAFETY: the instruction before the pc is a call, so its callee is in a
                        // register (CODE).
                        let callee = unsafe { *vm.base.add(frame::call_slot(vm.pc)) };
                        if callee.is_native_function() {
                            if events.returns {
                                hook.returning.push(Returning::Native {
                                    frame,
                                    pc,
                                    function: callee,
                                });
                            }
                            if events.calls {
                                return Some(Event { name: "call", line: None, native: callee });
                            }
                        } else if events.returns
                            && callee.is_lua_function()
                            && opcode.is_tail_call()
                        {
                            hook.returning.push(Returning::Tail { frame });
                        }
                    }
                    _ => {}
                }
            }
            Stage::TailReturns => {
                let returns = opcode.is_some_and(Opcode::is_return);
                if returns
                    && let Some(Returning::Tail { frame: left }) = hook.returning.last()
                    && *left == frame
                {
                    hook.returning.pop();
                    return Some(Event::of_running("tail return"));
                }
                hook.stage = Stage::NativeReturns;
                hook.last = Some(Last { frame, pc, opcode });
                return None;
            }
        }
    }
}
