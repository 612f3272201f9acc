//! The memory layout of every object on the heap.
//!
//! Invariant: every object starts with [`Header`]; the collector and the write barrier use only the
//! header.

use crate::account::Held;
use crate::layout::unit::{Entry, OwnCode, Unit, Versions};
use crate::layout::value::Value;
use solvm_compiler::bytecode;
use std::cell::Cell;
use std::sync::Arc;

/// The first bytes of every object.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Header {
    /// Not zero if a store into the object must take the barrier's slow path: the object may be
    /// marked already.
    pub(crate) barrier: u8,
    /// What follows the header.
    pub(crate) kind: Kind,
}

/// The kind of an object.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// [`Table`]
    Table,
    /// [`Str`] whose bytes follow its header; interned, so equal text is the same object.
    ShortString,
    /// [`LongString`], a window on a [`Buffer`]; not interned.
    LongString,
    /// [`LuaFunction`]
    LuaFunction,
    /// [`NativeFunction`]
    NativeFunction,
    /// [`Upvalue`]
    Upvalue,
    /// [`Thread`]
    Thread,
    /// [`Userdata`]
    Userdata,
    /// [`Prototype`]
    Prototype,
}

/// A table: an array part for the keys 1..=array_size and a hash part of chained-scatter nodes. 32
/// bytes.
#[repr(C)]
pub(crate) struct Table {
    pub(crate) header: Header,
    /// Bit e is set if the table, used as a metatable, is known to lack the metamethod e (the first
    /// eight of `Metamethod`). Any store that may create a key clears all bits.
    pub(crate) absent: u8,
    /// A hash's home node is `hash >> shift`. 32 for a single node, which may be the shared empty
    /// node of all tables without a hash part.
    pub(crate) shift: u8,
    /// The number of slots of the array part.
    pub(crate) array_size: u32,
    /// One before the slot of key 1, so that key i is at `array[i]`. Only `table::array` uses
    /// `array[0]`.
    pub(crate) array: *mut Value,
    pub(crate) nodes: *mut Node,
    pub(crate) metatable: *mut Table,
}

/// One key of a table's hash part. A node whose value is nil is dead, its key still takes part in
/// its chain.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) key: Value,
    pub(crate) value: Value,
    /// Distance in bytes to the next node of the chain; 0 at its end.
    pub(crate) next: i32,
    /// In node 0: one past the highest node that may still be free. In others the hash of the key.
    pub(crate) free: u32,
}

/// A string of either kind. A short string's bytes follow at offset 12; for a long one the same
/// header starts [`LongString`].
#[repr(C)]
pub(crate) struct Str {
    pub(crate) header: Header,
    /// Long strings: 1 once `hash` is computed. Short strings: 1.
    pub(crate) hashed: u8,
    /// Long strings: 1 if made by concatenation, and so likely to be extended.
    pub(crate) is_built: u8,
    pub(crate) hash: u32,
    pub(crate) length: u32,
}

/// The offset of a short string's bytes.
pub(crate) const SHORT_BYTES: usize = 12;
/// Strings up to this length are interned.
pub(crate) const MAX_SHORT: usize = 40;

/// A string of more than [`MAX_SHORT`] bytes: a window at the start of a buffer. 24 bytes.
#[repr(C)]
pub(crate) struct LongString {
    pub(crate) string: Str,
    pub(crate) buffer: *mut Buffer,
}

/// The bytes of long strings. Its newest owner (whose length is `used`) may extend it in place, so
/// that building a string incrementally copies each part once. The bytes follow.
#[repr(C)]
pub(crate) struct Buffer {
    pub(crate) used: usize,
    pub(crate) capacity: usize,
}

/// A variable captured by closures. Open: `slot` points into a thread's stack; closed: at `closed`.
/// 24 bytes.
#[repr(C)]
pub(crate) struct Upvalue {
    pub(crate) header: Header,
    pub(crate) is_open: u8,
    pub(crate) slot: *mut Value,
    /// The value once closed; while open, the address of the thread's next open upvalue (lower in
    /// the stack).
    pub(crate) closed: Value,
}

/// A closure. 24 bytes and 8 for each upvalue.
#[repr(C)]
pub(crate) struct LuaFunction {
    pub(crate) header: Header,
    pub(crate) upvalue_count: u8,
    pub(crate) prototype: *mut Prototype,
    pub(crate) environment: *mut Table,
    /// In truth `upvalue_count` of them.
    pub(crate) upvalues: [*mut Upvalue; 0],
}

/// A compiled function loaded into the VM: its code and its constants as values.
#[repr(C)]
pub(crate) struct Prototype {
    pub(crate) header: Header,
    /// The number of fixed parameters.
    pub(crate) parameters: u8,
    pub(crate) frame_size: u32,
    /// The minimum of the operands B and C of a call word, as D, if it passes all parameters;
    /// [`VARARG`] for "not a simple entry". Call handlers compare it with D unchanged: B has 8
    /// bits, C is above.
    pub(crate) simple_call: u64,
    pub(crate) code: *const u32,
    /// Where a call continues: at the code, or at a word that represents its units.
    pub(crate) start: *const u32,
    pub(crate) constants: *const Value,
    /// Everything else; dropped when the collector frees the prototype.
    pub(crate) cold: Box<PrototypeData>,
}

/// `simple_call` of a vararg function: more than any call passes.
pub(crate) const VARARG: u64 = u64::MAX;

/// The parts of a prototype that running code does not touch.
pub(crate) struct PrototypeData {
    /// The compiler's result.
    pub(crate) compiled: Arc<bytecode::Prototype>,
    /// What `Prototype::constants` points to.
    pub(crate) constants: Box<[Value]>,
    /// The VM's own copy of the code, which units may be attached to: `Prototype::code` points to
    /// it. None: to the compiler's result.
    pub(crate) own_code: Option<OwnCode>,
    /// The units that are entered where the function starts, and a number for the compiler's use.
    pub(crate) start_units: Versions,
    pub(crate) start_count: Cell<u32>,
    /// Tables that `DuplicateTable` copies.
    pub(crate) templates: Box<[*mut Table]>,
    /// Nested functions.
    pub(crate) children: Box<[*mut Prototype]>,
    /// Holds the chunk's name and source, which all of its functions share.
    pub(crate) source: Arc<Held>,
}

impl PrototypeData {
    /// The units of a place.
    pub(crate) fn versions(&self, entry: Entry) -> Option<&Versions> {
        match entry {
            Entry::Start => Some(&self.start_units),
            Entry::BackEdge(at) => self.own_code.as_ref()?.versions(at),
        }
    }

    /// All of its units.
    pub(crate) fn units(&self) -> impl Iterator<Item = &Unit> {
        self.own_code.iter().flat_map(OwnCode::all_units).chain(&self.start_units.units)
    }

    /// The bytes outside the heap that are this function's own.
    pub(crate) fn size(&self) -> usize {
        let compiled = &*self.compiled;
        let string = |bytes: &[u8]| 2 * size_of::<usize>() + bytes.len();
        let constants = compiled.constants.iter().map(|constant| match constant {
            bytecode::Constant::String(bytes) => string(bytes),
            _ => 0,
        });
        let template_value = |value: &bytecode::TemplateValue| match value {
            bytecode::TemplateValue::String(bytes) => string(bytes),
            _ => 0,
        };
        let templates = compiled.templates.iter().map(|template| {
            size_of_val(&*template.array)
                + size_of_val(&*template.fields)
                + template.array.iter().map(template_value).sum::<usize>()
                + template
                    .fields
                    .iter()
                    .map(|(name, value)| string(name) + template_value(value))
                    .sum::<usize>()
        });
        size_of::<PrototypeData>()
            + size_of::<bytecode::Prototype>()
            + BOXES
            + size_of_val(&*self.constants)
            + size_of_val(&*self.templates)
            + size_of_val(&*self.children)
            + size_of_val(&*compiled.code)
            + self.own_code.as_ref().map_or(0, OwnCode::size)
            + size_of_val(&*compiled.lines)
            + size_of_val(&*compiled.constants)
            + size_of_val(&*compiled.templates)
            + size_of_val(&*compiled.prototypes)
            + size_of_val(&*compiled.upvalues)
            + size_of_val(&*compiled.locals)
            + constants.sum::<usize>()
            + templates.sum::<usize>()
            // An upvalue's name is that of a local variable.
            + compiled.locals.iter().map(|local| string(&local.name)).sum::<usize>()
    }
}

/// The OS's allocator needs this in addition for the boxes of a function.
const BOXES: usize = 12 * 16;

/// The code of a native, as words without types: the types belong to the machine, which is above
/// this layer. `machine/native/code.rs` creates and reads them.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct NativeCode {
    /// The entry point of its calls.
    pub(crate) handler: *const (),
    /// The Rust code, for the handler of ordinary natives.
    pub(crate) function: *const (),
    /// The kind of the function.
    pub(crate) definition: *const (),
}

/// A function written in Rust.
#[repr(C)]
pub(crate) struct NativeFunction {
    pub(crate) header: Header,
    pub(crate) upvalue_count: u8,
    pub(crate) code: NativeCode,
    pub(crate) environment: *mut Table,
    /// In truth `upvalue_count` of them.
    pub(crate) upvalues: [Value; 0],
}

/// A Lua thread: a coroutine or a goroutine. Only what a switch must save, and the stack.
#[repr(C)]
pub(crate) struct Thread {
    pub(crate) header: Header,
    /// 1 if created by `coroutine.wrap`: results and errors go straight to the resumer.
    pub(crate) is_wrap: u8,
    /// 1 if the instruction before `pc` has still to run: the budget ran out there.
    pub(crate) preempted: u8,
    /// A goroutine's first thread: its index in the scheduler.
    pub(crate) goroutine: u32,
    /// Where it continues (after a call word), as `pc` and `base` of a context.
    pub(crate) pc: *const u32,
    pub(crate) base: *mut Value,
    /// The end of what must survive above the frame: arguments of a native that waits, an open list
    /// of values.
    pub(crate) top: *mut Value,
    /// The thread that resumed it. Null: suspended; the special values in `layout/stack.rs`: a
    /// goroutine's first thread, or dead.
    pub(crate) resumer: *mut Thread,
    pub(crate) stack: *mut Value,
    /// The end of the stack for ordinary frames; `stack::EXTRA` further slots follow it.
    pub(crate) stack_end: *mut Value,
    /// Open upvalues, highest slot first.
    pub(crate) open_upvalues: *mut Upvalue,
    /// The global environment of functions loaded by this thread.
    pub(crate) globals: *mut Table,
    /// Its debug hook; null for most.
    pub(crate) hook: *mut crate::layout::hook::Hook,
}
