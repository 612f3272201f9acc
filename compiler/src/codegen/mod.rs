//! Syntax tree to bytecode, one function at a time.
//!
//! Locals are in registers, in the order of their scope; temporaries are above them like a stack,
//! whose end is `FunctionState::free`. Every method that evaluates an expression restores `free`
//! unless its name or documentation specifies otherwise, so registers are released by returning to
//! a saved mark. A target register is either reserved (a local, or a slot below `free`) or exactly
//! `free`: then the operands' temporaries may use it until the result is written.

mod assignment;
mod call;
mod condition;
mod constants;
mod expression;
mod fold;
mod jumps;
mod registers;
mod scope;
mod statement;
mod table;

use crate::Options;
use crate::ast::{Chunk, Function, LocalName, Origin, VarargLocal};
use crate::bytecode::{
    Capture, Instruction, Opcode, Prototype, Source, TableTemplate, UpvalueInfo,
};
use crate::diagnostic::{Position, Span};
use crate::error::{Fault, Near};
use crate::lexer::token::Name;
use constants::ConstantPool;
use lasso::Key;
use scope::Scope;
use std::sync::Arc;

/// The number of nested functions or table templates that an instruction can name.
const MAX_INDEXED: usize = u16::MAX as usize + 1;
/// Most functions have no more instructions than this, and need not grow what holds them.
const USUAL_LENGTH: usize = 64;

/// Compiles a parsed chunk to the prototype of its main function.
pub(crate) fn generate(
    chunk: &Chunk<'_>,
    source: Arc<Source>,
    options: &Options<'_>,
) -> Result<Arc<Prototype>, Fault> {
    let names = chunk.names.strings().map(|name| Arc::from(name.as_bytes())).collect();
    let mut generator =
        Generator { source, names, options, steps: 0, state: FunctionState::new(chunk.main) };
    generator.function(Box::default()).map(Arc::new)
}

/// The interrupt hook is called each time that this number of statements or table items has been
/// compiled.
const STEPS_PER_POLL: u32 = 1024;

struct Generator<'c> {
    source: Arc<Source>,
    /// The text of each name, by its key.
    names: Vec<Arc<[u8]>>,
    options: &'c Options<'c>,
    /// The number of statements and table items compiled, for polling the interrupt hook.
    steps: u32,
    /// The function that is being compiled.
    state: Box<FunctionState<'c>>,
}

/// The state of a function during its compilation.
struct FunctionState<'c> {
    tree: &'c Function<'c>,
    code: Vec<Instruction>,
    lines: Vec<u32>,
    /// The bytes of each instruction, if the options ask for them.
    spans: Vec<Span>,
    /// The position given to the next instruction.
    position: Position,
    /// The number of instructions at the start without source text; they get the line of the one
    /// after them.
    prologue: usize,
    constants: ConstantPool,
    templates: Vec<TableTemplate>,
    prototypes: Vec<Arc<Prototype>>,
    scope: Scope,
    /// The first register above the locals and the temporaries in use.
    free: usize,
    frame_size: usize,
    /// No instruction before this one may be merged with the next: it may be a jump target.
    last_target: usize,
    /// Whether conditional jumps are written with an unconditional one, which reaches further.
    long_jumps: bool,
    /// The nested functions as compiled by an earlier attempt.
    compiled: Vec<Arc<Prototype>>,
    /// Whether some jump was too far for its instruction, so that the function must be compiled
    /// with long ones.
    is_too_far: bool,
}

impl<'c> FunctionState<'c> {
    #[inline(never)]
    fn new(tree: &'c Function<'c>) -> Box<Self> {
        Box::new(FunctionState {
            tree,
            code: Vec::with_capacity(USUAL_LENGTH),
            lines: Vec::with_capacity(USUAL_LENGTH),
            spans: Vec::new(),
            position: Position { line: tree.line, span: Span::default() },
            prologue: 0,
            constants: ConstantPool::default(),
            templates: Vec::new(),
            prototypes: Vec::new(),
            scope: Scope::new(tree),
            free: 0,
            frame_size: 0,
            last_target: 0,
            long_jumps: false,
            compiled: Vec::new(),
            is_too_far: false,
        })
    }
}

impl<'c> Generator<'c> {
    /// Counts a statement or an item of a table: there may be any number of them.
    fn poll(&mut self) -> Result<(), Fault> {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS_PER_POLL) && self.options.is_interrupted() {
            return Err(Fault::interrupted(self.state.position.line));
        }
        Ok(())
    }

    /// Compiles the function that `state` has just been created for.
    #[inline(never)]
    fn function(&mut self, upvalues: Box<[UpvalueInfo]>) -> Result<Prototype, Fault> {
        let tree = self.state.tree;
        self.function_body(tree)?;
        if self.state.is_too_far {
            let compiled = std::mem::take(&mut self.state.prototypes);
            self.state = FunctionState::new(tree);
            self.state.long_jumps = true;
            self.state.compiled = compiled;
            self.function_body(tree)?;
        }
        Ok(self.finish(upvalues))
    }

    /// Compiles a function nested in the current one and returns its index there.
    #[inline(never)]
    fn nested_function(&mut self, tree: &'c Function<'c>) -> Result<u16, Fault> {
        let index = self.state.prototypes.len();
        if index >= MAX_INDEXED {
            let owner = match self.state.tree.line {
                0 => "main function".to_string(),
                line => format!("function at line {line}"),
            };
            return Err(self.error(format!("{owner} has more than {MAX_INDEXED} functions")));
        }
        let prototype = match self.state.compiled.get(index) {
            Some(prototype) => prototype.clone(),
            None => {
                let captures = tree.upvalues.iter().map(|upvalue| {
                    let capture = match upvalue.origin {
                        Origin::Local(id) => Capture::Register(self.local_register(id)),
                        Origin::Upvalue(index) => Capture::Upvalue(index),
                    };
                    UpvalueInfo { name: self.name(upvalue.name), capture }
                });
                let upvalues = captures.collect();
                let enclosing = std::mem::replace(&mut self.state, FunctionState::new(tree));
                let prototype = Arc::new(self.function(upvalues)?);
                self.state = enclosing;
                prototype
            }
        };
        self.state.prototypes.push(prototype);
        Ok(index as u16)
    }

    #[inline(never)]
    fn function_body(&mut self, tree: &'c Function<'c>) -> Result<(), Fault> {
        self.reserve(usize::from(tree.parameters))?;
        self.activate_locals(0, u32::from(tree.parameters));
        if let Some(arg) = tree.arg {
            let register = self.reserve(1)?;
            match arg {
                VarargLocal::Table => {
                    self.emit(Instruction::ad(Opcode::VarargTable, register, 0));
                }
                VarargLocal::Nil => self.load_nil(register, 1),
            }
            self.state.prologue = self.state.code.len();
            self.activate_locals(u32::from(tree.parameters), 1);
        }
        self.statements(&tree.body)?;
        self.state.position.line = tree.return_line;
        if tree.body.falls_through() {
            self.close_from(0);
        }
        self.emit_return(0, 0);
        self.end_locals(0);
        Ok(())
    }

    #[inline(never)]
    fn finish(&mut self, upvalues: Box<[UpvalueInfo]>) -> Prototype {
        let state = &mut *self.state;
        let names = &self.names;
        let tree = state.tree;
        let locals = state.scope.finish(|name| match name {
            LocalName::Visible(name) => name_text(names, name),
            LocalName::Hidden(name) => Arc::from(name.as_bytes()),
        });
        Prototype {
            source: self.source.clone(),
            ordinal: tree.ordinal,
            line_defined: tree.line,
            last_line_defined: tree.last_line,
            parameters: tree.parameters,
            is_vararg: tree.is_vararg,
            // The registers were counted against `MAX_REGISTERS`.
            frame_size: state.frame_size as u8,
            code: std::mem::take(&mut state.code).into(),
            lines: std::mem::take(&mut state.lines).into(),
            spans: std::mem::take(&mut state.spans).into(),
            constants: state.constants.finish(),
            templates: std::mem::take(&mut state.templates).into(),
            prototypes: std::mem::take(&mut state.prototypes).into(),
            upvalues,
            locals,
        }
    }

    fn name(&self, name: Name) -> Arc<[u8]> {
        name_text(&self.names, name)
    }

    fn error(&self, text: impl Into<String>) -> Fault {
        Fault::new(text, Near::Nothing, self.state.position.line).at(self.state.position.span)
    }

    /// Appends an instruction and returns its position.
    fn emit(&mut self, instruction: Instruction) -> usize {
        let state = &mut *self.state;
        let position = state.code.len();
        state.code.push(instruction);
        state.lines.push(state.position.line);
        if self.options.spans {
            state.spans.push(state.position.span);
        }
        if position == state.prologue {
            state.lines.fill(state.position.line);
        }
        position
    }
}

fn name_text(names: &[Arc<[u8]>], name: Name) -> Arc<[u8]> {
    names.get(name.into_usize()).cloned().unwrap_or_default()
}
