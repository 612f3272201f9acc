//! How machine code is attached to a prototype: plain data. What it means is in `machine/unit`.

use crate::account::Held;
use crate::layout::object::{LuaFunction, Node, Prototype, Str, Table, Upvalue};
use crate::layout::value::Value;
use std::any::Any;
use std::cell::{Cell, OnceCell};

/// Runs a unit: given the frame's registers, the VM and the unit's code, returns the address of the
/// instruction at which the interpreter continues.
pub(crate) type Run = unsafe extern "C" fn(*mut u64, *mut (), *const ()) -> *const u32;

/// An object whose address a unit's code contains.
#[derive(Clone, Copy)]
pub(crate) enum RootKind {
    Value(Value),
    Prototype(*mut Prototype),
}

/// Something that a unit relies on, and that its roots do not keep as it is. Its objects are roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FactKind {
    /// A table has a key in that node, dead or alive.
    Has { table: *mut Table, nodes: *mut Node, node: *const Node, key: *mut Str },
    /// A table has no node with a key, which is a short string, and has that metatable.
    Lacks { table: *mut Table, key: *mut Str, metatable: *mut Table },
    /// An upvalue of a function has its value in that slot.
    Upvalue { function: *mut LuaFunction, upvalue: *mut Upvalue, slot: *mut Value },
    /// A function has those globals.
    Environment { function: *mut LuaFunction, environment: *mut Table },
}

/// What a unit relies on, as long as nothing moves.
pub(crate) struct Facts {
    pub(crate) all: Box<[FactKind]>,
    /// `Heap::moves` when all of them held.
    pub(crate) checked: Cell<u64>,
}

/// Where a unit is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Where the function starts.
    Start,
    /// After the back-edge with that index.
    BackEdge(usize),
}

impl Entry {
    /// The index of the back-edge, or that of the first instruction.
    pub fn at(self) -> usize {
        match self {
            Entry::Start => 0,
            Entry::BackEdge(at) => at,
        }
    }
}

/// Machine code that continues after an instruction, or runs a function from its start.
pub(crate) struct Unit {
    pub(crate) run: Run,
    pub(crate) code: *const (),
    /// The bytes that its code takes.
    pub(crate) size: usize,
    /// What its code refers to.
    pub(crate) roots: Box<[RootKind]>,
    /// In a box, since its code has the address.
    pub(crate) facts: Box<Facts>,
    /// How often it was entered since its use was judged last, and what it charged to the budget.
    pub(crate) entered: Cell<u32>,
    pub(crate) charged: Cell<i64>,
    /// Owns the code.
    pub(crate) _memory: Box<dyn Any>,
    pub(crate) _held: Held,
}

/// The units that are entered at one place: versions for different callees or kinds of values.
#[derive(Default)]
pub(crate) struct Versions {
    pub(crate) units: Vec<Unit>,
    /// The one that is tried first.
    pub(crate) first: Cell<usize>,
    /// How often all have declined.
    pub(crate) declined: Cell<u32>,
}

/// The maximum number of units of a place.
const MAX_VERSIONS: usize = 4;

impl Versions {
    /// Adds a unit. If there are too many, the one that was entered least is freed.
    pub(crate) fn push(&mut self, unit: Unit) {
        if self.units.len() == MAX_VERSIONS {
            let least = (0..MAX_VERSIONS)
                .min_by_key(|&index| self.units.get(index).map(|unit| unit.entered.get()));
            self.units.swap_remove(least.unwrap_or(0));
        }
        self.first.set(self.units.len());
        self.declined.set(0);
        self.units.push(unit);
    }

    /// Frees a unit.
    pub(crate) fn remove(&mut self, index: usize) {
        if index < self.units.len() {
            self.units.swap_remove(index);
            self.first.set(0);
        }
    }
}

/// A VM's own copy of a function's code, whose instructions may become entry words, and the units
/// behind these.
pub(crate) struct OwnCode {
    /// Written only between instructions, by the thread that runs the VM.
    words: *mut [u32],
    /// As many as words, or none before the first unit.
    units: Vec<Versions>,
    /// A number for each word, for the compiler's use; made when it is used first.
    counts: OnceCell<Box<[Cell<u32>]>>,
}

impl OwnCode {
    pub(crate) fn new(words: Box<[u32]>) -> OwnCode {
        OwnCode { words: Box::into_raw(words), units: Vec::new(), counts: OnceCell::new() }
    }

    /// The first word.
    pub(crate) fn words(&self) -> *const u32 {
        self.words.cast()
    }

    /// The compiler's number for an instruction: 0 at first.
    pub(crate) fn count(&self, at: usize) -> Option<&Cell<u32>> {
        let counts = || std::iter::repeat_with(Cell::default).take(self.words.len()).collect();
        self.counts.get_or_init(counts).get(at)
    }

    /// Makes all of the compiler's numbers 0.
    pub(crate) fn reset_counts(&self) {
        self.counts.get().into_iter().flatten().for_each(|count| count.set(0));
    }

    /// The instructions that have units, and how many.
    pub(crate) fn unit_counts(&self) -> impl Iterator<Item = (usize, usize)> {
        let counts = self.units.iter().map(|versions| versions.units.len()).enumerate();
        counts.filter(|&(_, count)| count > 0)
    }

    /// All units.
    pub(crate) fn all_units(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().flat_map(|versions| &versions.units)
    }

    /// The units of the instruction at `at`.
    pub(crate) fn versions(&self, at: usize) -> Option<&Versions> {
        self.units.get(at)
    }

    /// Attaches a unit to the instruction at `at`, which becomes `word`.
    pub(crate) fn attach(&mut self, at: usize, word: u32, unit: Unit) {
        if self.units.is_empty() {
            self.units.resize_with(self.words.len(), Versions::default);
        }
        if let Some(versions) = self.units.get_mut(at) {
            versions.push(unit);
            // SAFETY: there are as many words as units. No reference to the words exists: the
            // interpreter reads them through the pointer, and no instruction is running now.
            unsafe { self.words.cast::<u32>().add(at).write(word) };
        }
    }

    /// Frees a unit of the instruction at `at`, which becomes `word` again if it was the last one.
    pub(crate) fn detach(&mut self, at: usize, index: usize, word: u32) {
        if let Some(versions) = self.units.get_mut(at) {
            versions.remove(index);
            if versions.units.is_empty() {
                // SAFETY: as in `attach`.
                unsafe { self.words.cast::<u32>().add(at).write(word) };
            }
        }
    }

    /// The bytes outside the heap that are the copy's own.
    pub(crate) fn size(&self) -> usize {
        // The counts included.
        2 * size_of::<u32>() * self.words.len()
    }
}

impl Drop for OwnCode {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and the prototype whose code it was is gone.
        drop(unsafe { Box::from_raw(self.words) });
    }
}
