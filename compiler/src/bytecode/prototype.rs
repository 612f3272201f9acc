//! A compiled function: the compiler's result for the VM. Plain data, no values, no heap.

use super::instruction::Instruction;
use crate::diagnostic::Span;
use std::sync::Arc;

/// The text that a chunk was compiled from, shared by all of its functions.
#[derive(Debug)]
pub struct Source {
    /// The chunk's name as given to the loader: `@file`, `=name` or the source text itself.
    pub name: Box<[u8]>,
    /// The whole source text; `string.dump` gives it back.
    pub text: Box<[u8]>,
    /// What it is to the program.
    pub kind: SourceKind,
}

/// What a chunk is to the program that runs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// Its own code.
    #[default]
    Program,
    /// Code that it may run but not read: `string.dump` does not give it.
    Hidden,
    /// A library: messages have the position of its caller.
    Library,
}

impl Source {
    /// A chunk of that text, by that name.
    pub fn new(text: impl Into<Box<[u8]>>, name: impl Into<Box<[u8]>>) -> Self {
        Source { name: name.into(), text: text.into(), kind: SourceKind::default() }
    }
}

/// One entry of a function's constant pool.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A number.
    Number(f64),
    /// A string.
    String(Arc<[u8]>),
    /// The hash of the string just before it; the VM sets it when it loads the function.
    Hash,
}

/// Whether a number can be the divisor of `ModuloVK`: whole, and from 1 to 2^31.
pub(crate) fn is_divisor(value: f64) -> bool {
    (1.0..=f64::from(1u32 << 31)).contains(&value) && value.fract() == 0.0
}

/// A value in a table template.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateValue {
    /// Nothing yet: the slot is allocated and a later instruction stores into it.
    Nil,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A string.
    String(Arc<[u8]>),
}

/// The statically known part of a table constructor: the shape of the table and its constant
/// values.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TableTemplate {
    /// The values of the keys 1, 2, ...
    pub array: Box<[TemplateValue]>,
    /// String keys, each once, with their values.
    pub fields: Box<[(Arc<[u8]>, TemplateValue)]>,
}

/// Where a closure finds a captured variable when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// A register of the enclosing function.
    Register(u8),
    /// An upvalue of the enclosing function.
    Upvalue(u8),
}

/// One upvalue of a function.
#[derive(Clone, Debug)]
pub struct UpvalueInfo {
    /// The variable's name.
    pub name: Arc<[u8]>,
    /// Where it comes from.
    pub capture: Capture,
}

/// A local variable and the instructions during which it is alive.
#[derive(Clone, Debug)]
pub struct LocalVariable {
    /// The variable's name; hidden ones start with `(`.
    pub name: Arc<[u8]>,
    /// The register that holds it.
    pub register: u8,
    /// The first instruction that sees it.
    pub start: u32,
    /// One past the last instruction that sees it.
    pub end: u32,
}

/// A compiled function.
#[derive(Debug)]
pub struct Prototype {
    /// The chunk that it belongs to.
    pub source: Arc<Source>,
    /// The function's place in the chunk: 0 for the main function, then in the order of the word
    /// `function`.
    pub ordinal: u32,
    /// The line of `function` (0 for a main chunk).
    pub line_defined: u32,
    /// The line of its `end` (0 for a main chunk).
    pub last_line_defined: u32,
    /// The number of fixed parameters.
    pub parameters: u8,
    /// Whether it takes extra arguments (`...`). A main chunk does.
    pub is_vararg: bool,
    /// The number of registers it uses, room for callees and their arguments included. At most 250.
    pub frame_size: u8,
    /// The instructions; the last one is a return.
    pub code: Box<[Instruction]>,
    /// The line of each instruction.
    pub lines: Box<[u32]>,
    /// The bytes of the source that each instruction is for, and that an error in it is about.
    /// Empty unless [the options](crate::Options::spans) ask for them.
    pub spans: Box<[Span]>,
    /// The constant pool.
    pub constants: Box<[Constant]>,
    /// Templates of table constructors.
    pub templates: Box<[TableTemplate]>,
    /// Nested functions.
    pub prototypes: Box<[Arc<Prototype>]>,
    /// The captured variables, in the order of their index.
    pub upvalues: Box<[UpvalueInfo]>,
    /// Every local variable, in the order of its declaration.
    pub locals: Box<[LocalVariable]>,
}

impl Prototype {
    /// The name of the local variable in `register` at instruction `pc`.
    pub fn local_name(&self, register: u8, pc: usize) -> Option<&[u8]> {
        self.locals
            .iter()
            .rev()
            .find(|local| {
                local.register == register
                    && (local.start as usize..local.end as usize).contains(&pc)
            })
            .map(|local| &*local.name)
    }
}
