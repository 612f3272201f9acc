//! Frames, links and continuations: how the Lua stack stores where execution continues.
//!
//! **Context.** A place where execution continues is a pair `(base, pc)` where the word before `pc`
//! is a *call word*: an instruction whose A is the slot (from `base`) of the callee, and whose B
//! the number of expected results + 1. This holds for every Lua frame, every continuation, every
//! suspended thread and every first resume, and [`deliver`](crate::machine::unwind::deliver) is the
//! only way in which results of more than the simplest kind arrive.
//!
//! **Frame.** `base[-2]` is the function, `base[-1]` its link: the pc after the caller's call word.
//! In a vararg function's frame, which is above the arguments, the upper 16 bits of the link are
//! the distance from the frame of the plain call.
//!
//! **Continuation.** A frame need not return to Lua code. A continuation is a pair of static words,
//! a call word and an operation that receives the results, with `base` at the callee's slot X.
//! `X[-1]` is its own link (saved pc and distance to the frame below) and `X[-2]` a Lua closure
//! where the word expects at most one result (the return handlers reload the constants through it).
//!
//! **Invariants.**
//! - CONTEXT: while a cold function or a native runs, `vm.base` and `vm.pc` are a context of
//!   `vm.current`, from which [`Context::caller`] leads to the bottom of its stack; for a thread
//!   that is not running, the stored `base` and `pc` are.
//! - DISTANCE: a link counts at most [`MAX_VALUES`] values and a frame's own few slots; code that
//!   creates one has checked that.
//! - WORDS: the pc of a continuation is that of its receiving word, until its handler has been
//!   entered: the handler replaces it by another context's before any code reads the context.
//!
//! A link is below `0xFFF9 << 48`, so that the collector takes it for a number: distances stay
//! below 0xFFF9.

use crate::layout::object::{LuaFunction, Prototype, Thread};
use crate::layout::value::{LUA_FUNCTION, Value};
use solvm_compiler::bytecode::{OPEN, Opcode};

/// What [`call_results`] gives for an open list.
pub(crate) const OPEN_LIST: u64 = OPEN as u64;

/// Operand A of the call word before `pc`: the callee's slot.
///
/// # Safety
/// `pc` is that of a context.
#[inline(always)]
pub(crate) unsafe fn call_slot(pc: *const u32) -> usize {
    // SAFETY: CONTEXT: the word before the pc of a context is a call word, whose four bytes can be
    // read.
    unsafe { *(pc.sub(1) as *const u8).add(1) as usize }
}

/// Operand B of the call word before `pc`: expected results + 1, or `OPEN`.
///
/// # Safety
/// `pc` is that of a context.
#[inline(always)]
pub(crate) unsafe fn call_results(pc: *const u32) -> u64 {
    // SAFETY: CONTEXT: the word before the pc of a context is a call word, whose four bytes can be
    // read.
    unsafe { *(pc.sub(1) as *const u8).add(2) as u64 }
}

/// The lower 48 bits of a link: a pc, or a native's state.
pub(crate) const LINK_MASK: u64 = (1 << 48) - 1;
/// No more arguments or results than this in one list: a link holds their number in 16 bits.
pub(crate) const MAX_VALUES: usize = 60_000;

/// A link with a distance to the frame below.
#[inline(always)]
pub(crate) fn link(distance: usize, pc: *const u32) -> Value {
    debug_assert!(distance <= MAX_VALUES + 1000);
    Value((distance as u64) << 48 | pc as u64)
}

/// The distance and the pc of a link.
#[inline(always)]
pub(crate) fn unlink(link: Value) -> (usize, *const u32) {
    ((link.0 >> 48) as usize, (link.0 & LINK_MASK) as *const u32)
}

/// A receiver of a frame's results that is not Lua code. The names are opcodes after those of the
/// compiler.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Continuation {
    /// The results become those of the `pcall` below.
    ProtectedCall = Opcode::COUNT as u8,
    /// The same for `xpcall`, whose handler is below the callee.
    ProtectedCallWithHandler,
    /// The result of an `xpcall` handler becomes the error value; the stack is unwound to the
    /// `xpcall`.
    ErrorHandler,
    /// The first result goes to the target of the interrupted instruction.
    Result,
    /// The same as a boolean.
    Boolean,
    /// The same, inverted: `a <= b` computed by `__lt(b, a)`.
    InvertedBoolean,
    /// The first result decides the interrupted comparison.
    Condition,
    /// The same, inverted.
    InvertedCondition,
    /// The results are dropped, the interrupted instruction is done.
    Discard,
    /// The first result replaces two operands of the interrupted concatenation, which continues.
    Concatenation,
    /// The results go to a native function's next step.
    Native,
    /// The results are dropped, the interrupted instruction is tried again.
    Hook,
    /// The arguments of the first resume have arrived: call the thread's function.
    ThreadStart,
    /// The thread's function has returned.
    ThreadEnd,
    /// The host's turn starts: no context, the scheduler picks one.
    Schedule,
}

impl Continuation {
    /// Whether it completes an instruction of the Lua function below.
    pub(crate) fn is_instruction(self) -> bool {
        matches!(
            self,
            Continuation::Result
                | Continuation::Boolean
                | Continuation::InvertedBoolean
                | Continuation::Condition
                | Continuation::InvertedCondition
                | Continuation::Discard
                | Continuation::Concatenation
        )
    }
}

/// The continuations' static words: pairs of a call word and a receiving operation.
struct Words([u32; 32]);

const fn call_word(opcode: Opcode, a: u8, results: u8, arguments: u8) -> u32 {
    opcode as u32 | (a as u32) << 8 | (results as u32) << 16 | (arguments as u32) << 24
}

macro_rules! continuations {
    ($($(#[doc = $doc:literal])* $name:ident = $at:literal: $call:expr => $receiver:ident;)*) => {
        static WORDS: Words = Words({
            let mut words = [0; 32];
            $( words[$at * 2] = $call; words[$at * 2 + 1] = Continuation::$receiver as u32; )*
            words
        });
        $( $(#[doc = $doc])*
        #[inline(always)]
        pub(crate) fn $name() -> *const u32 { &raw const WORDS.0[$at * 2 + 1] } )*
    };
}

const ALL: u8 = OPEN;
continuations! {
    protected_call = 0: call_word(Opcode::CallOpen, 0, ALL, 0) => ProtectedCall;
    protected_call_with_handler = 1:
        call_word(Opcode::CallOpen, 0, ALL, 0) => ProtectedCallWithHandler;
    error_handler = 2: call_word(Opcode::CallOpen, 0, 2, 0) => ErrorHandler;
    result = 3: call_word(Opcode::CallOpen, 0, 2, 0) => Result;
    boolean = 4: call_word(Opcode::CallOpen, 0, 2, 0) => Boolean;
    inverted_boolean = 5: call_word(Opcode::CallOpen, 0, 2, 0) => InvertedBoolean;
    condition = 6: call_word(Opcode::CallOpen, 0, 2, 0) => Condition;
    inverted_condition = 7: call_word(Opcode::CallOpen, 0, 2, 0) => InvertedCondition;
    discard = 8: call_word(Opcode::CallOpen, 0, 1, 0) => Discard;
    concatenation = 9: call_word(Opcode::CallOpen, 0, 2, 0) => Concatenation;
    native_one = 10: call_word(Opcode::CallOpen, 0, 2, 0) => Native;
    native_all = 11: call_word(Opcode::CallOpen, 0, ALL, 0) => Native;
    /// The call word expects the first resume's arguments in the slots of the function's arguments.
    thread_start = 12: call_word(Opcode::CallOpen, 2, ALL, 0) => ThreadStart;
    thread_end = 13: call_word(Opcode::CallOpen, 0, ALL, 0) => ThreadEnd;
    hook = 14: call_word(Opcode::CallOpen, 0, 1, 0) => Hook;
    schedule = 15: call_word(Opcode::CallOpen, 0, 1, 0) => Schedule;
}

/// The continuation at `pc`, if it is not Lua code.
#[inline(always)]
pub(crate) fn continuation_at(pc: *const u32) -> Option<Continuation> {
    let offset = (pc as usize).wrapping_sub(WORDS.0.as_ptr() as usize);
    if offset >= size_of::<Words>() {
        return None;
    }
    debug_assert!(offset % 8 == 4, "the pc of a continuation is at its receiving word");
    // SAFETY: `pc` is in WORDS and, as the pc of a context, at a receiving operation, which is a
    // continuation's number.
    Some(unsafe { std::mem::transmute::<u8, Continuation>(*pc as u8) })
}

/// The constants of the function whose frame is at `base`; null if that is not a Lua frame.
///
/// # Safety
/// `base` is that of a context.
#[inline(always)]
pub(crate) unsafe fn constants_of(base: *mut Value) -> *const Value {
    // SAFETY: two slots precede the base of a context (see "Frame" and "Continuation" above). A Lua
    // closure in the first of them is alive, since its frame is, and keeps its prototype alive.
    unsafe {
        let function = (*base.sub(2)).untag(LUA_FUNCTION);
        if !crate::layout::value::is_pointer(function) {
            return std::ptr::null();
        }
        (*(*(function as *const LuaFunction)).prototype).constants
    }
}

/// The Lua function whose frame is at `base`.
///
/// # Safety
/// `base` is that of a Lua frame.
#[inline(always)]
pub(crate) unsafe fn function_of(base: *mut Value) -> *mut LuaFunction {
    // SAFETY: the function is at `base[-2]` of a frame.
    let function = unsafe { (*base.sub(2)).untag(LUA_FUNCTION) };
    debug_assert!(crate::layout::value::is_pointer(function));
    function as *mut LuaFunction
}

/// The prototype of the Lua function whose frame is at `base`.
///
/// # Safety
/// `base` is that of a Lua frame.
#[inline(always)]
pub(crate) unsafe fn prototype_of(base: *mut Value) -> *mut Prototype {
    // SAFETY: `base` is that of a Lua frame, so its function is alive, and with it the prototype.
    unsafe { (*function_of(base)).prototype }
}

/// A place where execution continues: see the module documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) base: *mut Value,
    pub(crate) pc: *const u32,
}

impl Context {
    /// The context that the thread stopped in.
    ///
    /// # Safety
    /// The thread has a stack, and its context was stored.
    pub(crate) unsafe fn of(thread: *const Thread) -> Context {
        // SAFETY: the thread is alive, as the caller asserts; its fields are only read.
        unsafe { Context { base: (*thread).base, pc: (*thread).pc } }
    }

    /// What receives the results, if it is not Lua code.
    #[inline(always)]
    pub(crate) fn continuation(self) -> Option<Continuation> {
        continuation_at(self.pc)
    }

    /// The caller's context. None at the bottom of the thread.
    ///
    /// # Safety
    /// It is a context of a thread whose frames have not changed since.
    pub(crate) unsafe fn caller(self) -> Option<Context> {
        // SAFETY: as the caller asserts, the frames are as they were when the context was taken, so
        // every link read here is one that a call or a continuation stored: the one of this context
        // is before its `base`; a link counts the slots to the frame below (DISTANCE), which is on
        // the same stack; and a saved pc is that of a context, so it follows a call word.
        unsafe {
            let (distance, saved) = unlink(*self.base.sub(1));
            let below = self.base.sub(distance);
            let plain = |frame: *mut Value| {
                let (_, pc) = unlink(*frame.sub(1));
                Some(Context { base: frame.sub(2 + call_slot(pc)), pc })
            };
            match self.continuation() {
                None => plain(below),
                Some(Continuation::ThreadEnd | Continuation::ThreadStart) => None,
                Some(Continuation::ProtectedCall) => plain(self.base),
                Some(Continuation::Native | Continuation::ProtectedCallWithHandler) => plain(below),
                Some(_) => Some(Context { base: below, pc: saved }),
            }
        }
    }
}
