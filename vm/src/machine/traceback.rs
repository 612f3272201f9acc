//! Tracebacks: the calls that were active when an error happened, as data and as `lua` prints them.

use crate::heap::gc;
use crate::layout::object::Thread;
use crate::layout::stack;
use crate::layout::types::Type;
use crate::layout::value::Value;
use crate::machine::activation::{self, Activation, Activations};
use crate::machine::debug_info::{called_name, definition, position};
use crate::machine::vm::Vm;
use crate::messages;
use crate::number::NumberText;
use solvm_compiler::bytecode::{Prototype, SourceKind};
use solvm_compiler::locate::{Culprit, locate};
use std::ops::Range;
use std::sync::Arc;

/// The active calls of a thread.
#[derive(Clone, Debug, Default)]
pub struct Traceback {
    /// The calls, innermost first. The middle of a long stack is left out.
    pub frames: Vec<Frame>,
    /// Where calls are left out: before this one of `frames`.
    pub omitted_before: Option<usize>,
    /// The instructions that were running in Lua functions that are not a library's, innermost
    /// first.
    pub sites: Vec<Site>,
    /// Where the goroutine was started, if it is that of a goroutine that Lua code has started.
    pub origin: Option<Origin>,
}

/// Where a goroutine was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of the goroutine that has started it.
    pub by: u64,
    /// The chunk's name as messages give it.
    pub source: Arc<[u8]>,
    /// The line.
    pub line: Option<u32>,
}

/// One active call.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The chunk's name as messages give it (`script.lua`, `[string "..."]`, `[C]` for natives).
    pub source: Vec<u8>,
    /// The line that was running. None in natives.
    pub line: Option<u32>,
    /// What was running.
    pub running: Running,
    /// The local variables and their values in readable form, if the VM's
    /// [configuration](crate::Config::locals_in_tracebacks) asks for them.
    pub locals: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The function of an active call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Running {
    /// The function that its caller calls by this name.
    Function(Vec<u8>),
    /// A main chunk.
    MainChunk,
    /// A Lua function without a name, by the line of its definition.
    DefinedAt(u32),
    /// A native without a name.
    Native,
    /// The host program.
    Host,
}

/// An instruction of a function.
#[derive(Clone, Debug)]
pub struct Site {
    prototype: Arc<Prototype>,
    pc: usize,
    culprit: Culprit,
}

impl Site {
    /// The chunk's name: `@file`, `=name`, or its source text.
    pub fn chunk_name(&self) -> &[u8] {
        &self.prototype.source.name
    }

    /// The text of the chunk.
    pub fn text(&self) -> &[u8] {
        &self.prototype.source.text
    }

    /// The line of the instruction.
    pub fn line(&self) -> Option<u32> {
        self.prototype.lines.get(self.pc).copied()
    }

    /// The bytes of the text that the error is about: the operand, the argument or the expression.
    /// Compiles the chunk a second time.
    pub fn locate(&self) -> Option<Range<usize>> {
        let prototype = &self.prototype;
        locate(&prototype.source, prototype.ordinal, self.pc, self.culprit).map(|span| span.range())
    }
}

impl Traceback {
    /// The lines that `lua` prints, without a heading. Each begins with a line break.
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (i, frame) in self.frames.iter().enumerate() {
            if self.omitted_before == Some(i) {
                text.extend_from_slice(b"\n\t...");
            }
            frame.write(&mut text);
        }
        text
    }

    /// Whether it has more than natives that nothing has called.
    pub fn is_useful(&self) -> bool {
        self.frames.iter().any(|frame| !matches!(frame.running, Running::Native | Running::Host))
    }
}

impl Frame {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(b"\n\t");
        text.extend_from_slice(&self.source);
        text.push(b':');
        if let Some(line) = self.line {
            text.extend_from_slice(format!("{line}:").as_bytes());
        }
        match &self.running {
            Running::Function(name) => {
                text.extend_from_slice(b" in function '");
                text.extend_from_slice(name);
                text.push(b'\'');
            }
            Running::MainChunk => text.extend_from_slice(b" in main chunk"),
            Running::DefinedAt(line) => {
                text.extend_from_slice(b" in function <");
                text.extend_from_slice(&self.source);
                text.extend_from_slice(format!(":{line}>").as_bytes());
            }
            Running::Native | Running::Host => text.extend_from_slice(b" ?"),
        }
        for (name, value) in &self.locals {
            for part in [b"\n\t\t", &name[..], b" = ", value] {
                text.extend_from_slice(part);
            }
        }
    }
}

/// The cost of going from a call to its caller.
pub(crate) const UNITS_PER_LEVEL: usize = 2;

/// A longer traceback shows the levels up to this one and the last few.
const FIRST_LEVELS: usize = 12;
const LAST_LEVELS: usize = 10;

/// The traceback of a thread from a level on. It is charged.
///
/// # Safety
/// The thread is null or alive; if it is running, CONTEXT holds of it (see
/// [`crate::layout::frame`]).
pub(crate) unsafe fn traceback(vm: &mut Vm, thread: *const Thread, level: usize) -> Traceback {
    // SAFETY: the thread is as the caller asserts, and no thread runs here.
    let (calls, bottom) = unsafe { Activations::of(vm, thread) }
        .fold((0, None), |(calls, _), activation| (calls + 1, Some(activation)));
    // They are counted, and passed again.
    gc::charge(&mut vm.fuel, 2 * calls * UNITS_PER_LEVEL);
    let vm = &*vm;
    // The caller that entered the thread is one more level, as in PUC Lua, unless a native is at
    // the bottom.
    let begins_in_lua = bottom.is_none_or(|activation| activation.pc.is_some());
    // SAFETY: the thread is null or alive, as the caller asserts.
    let is_first =
        begins_in_lua && !thread.is_null() && unsafe { (*thread).resumer } == stack::ROOT;
    let total = calls + usize::from(is_first);
    let first = level.max(FIRST_LEVELS);
    let is_long = total > first + 1 + LAST_LEVELS;
    let mut result = Traceback::default();
    // SAFETY: as above.
    let activations = unsafe { Activations::of(vm, thread) };
    for (i, activation) in activations.enumerate().skip(level) {
        if is_long && i == first {
            result.omitted_before = Some(result.frames.len());
        }
        if !is_long || i < FIRST_LEVELS || i + LAST_LEVELS >= total {
            // SAFETY: the activation has just been found.
            let (frame, site) = unsafe { (frame(vm, &activation), site(vm, &activation)) };
            result.frames.push(frame);
            result.sites.extend(site);
        }
    }
    if is_first && level < total {
        result.frames.push(Frame {
            source: messages::NATIVE.of(vm.dialect).into(),
            line: None,
            running: Running::Host,
            locals: Vec::new(),
        });
    }
    result
}

/// Where an active call is, if it is that of a Lua function which is not a library's.
///
/// # Safety
/// The activation was found since the running thread ran last.
unsafe fn site(vm: &Vm, activation: &Activation) -> Option<Site> {
    let pc = activation.pc?;
    let function = activation.function.to_lua_function()?;
    // SAFETY: the function is active, as the caller asserts, and so it is alive, and its prototype
    // with it.
    let (prototype, code) = unsafe {
        let prototype = (*function).prototype;
        (&(*prototype).cold.compiled, (*prototype).code)
    };
    if prototype.source.kind == SourceKind::Library {
        return None;
    }
    let context = code.wrapping_add(pc + 1);
    let culprit = vm.culprit.get().filter(|(place, _)| *place == context);
    let culprit = culprit.map_or(Culprit::Instruction, |(_, culprit)| culprit);
    Some(Site { prototype: prototype.clone(), pc, culprit })
}

/// # Safety
/// The activation was found since the running thread ran last.
unsafe fn frame(vm: &Vm, activation: &Activation) -> Frame {
    // SAFETY: no thread has run since the activation was found, as the caller asserts: its caller
    // is a context, and its function is alive.
    let (position, name, compiled) = unsafe {
        let name = activation.caller.and_then(|caller| called_name(caller));
        (position(vm, activation), name, activation.compiled())
    };
    let running = match (name, compiled) {
        (Some(name), _) => Running::Function(name.name),
        (None, Some(compiled)) if compiled.line_defined == 0 => Running::MainChunk,
        (None, Some(compiled)) => Running::DefinedAt(compiled.line_defined),
        (None, None) => Running::Native,
    };
    let locals = match vm.locals_in_tracebacks {
        // SAFETY: as above.
        true => unsafe { activation::named_locals(activation) }
            .map(|(name, value)| (name.to_vec(), describe_value(value)))
            .collect(),
        false => Vec::new(),
    };
    Frame { source: position.source, line: position.line, running, locals }
}

/// Bytes of a string that are shown.
const SHOWN: usize = 60;

/// A value in readable form, without use of its metatable.
fn describe_value(value: Value) -> Vec<u8> {
    let kind = Type::of(value);
    // SAFETY: the value is live.
    let text = value.to_string().map(|string| unsafe { crate::heap::string::bytes(string) });
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
