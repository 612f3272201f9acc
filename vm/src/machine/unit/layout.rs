//! Where the things that machine code reads and writes are.

use crate::heap::gc::Heap;
use crate::layout::object::{LuaFunction, Node, Prototype, Str, Table, Upvalue};
use crate::layout::types::Type;
use crate::layout::value;
use crate::machine::vm::Vm;
use std::mem::offset_of;

const fn metatable_of(kind: Type) -> i32 {
    (offset_of!(Vm, type_metatables) + size_of::<usize>() * kind as usize) as i32
}

/// Offsets in bytes and tags of values.
///
/// A value is a word: the bits of a number, or a tag in the upper 16 bits above the address of an
/// object. Nil, false and true are the three largest words.
pub struct MachineLayout;

impl MachineLayout {
    // Of the state of the VM.
    /// The budget, an `i64`.
    pub const FUEL: i32 = offset_of!(Vm, fuel) as i32;
    /// The end of the stack.
    pub const STACK_END: i32 = offset_of!(Vm, stack_end) as i32;
    /// The registers of the running frame.
    pub const BASE: i32 = offset_of!(Vm, base) as i32;
    /// Its constants.
    pub const CONSTANTS: i32 = offset_of!(Vm, k) as i32;
    /// The end of an open list.
    pub const TOP: i32 = offset_of!(Vm, top) as i32;
    /// A word that changes when something may have changed that [`Root`](super::Root)s do not keep
    /// in place: nodes and keys of tables, environments, and where the values of upvalues are.
    pub const MOVES: i32 = (offset_of!(Vm, heap) + offset_of!(Heap, moves)) as i32;
    /// The address of the metatable of strings, or 0.
    pub const STRING_METATABLE: i32 = metatable_of(Type::String);
    /// The address of the metatable of numbers, or 0.
    pub const NUMBER_METATABLE: i32 = metatable_of(Type::Number);

    // Of every object.
    /// A byte: not zero if a store of an object into it must take the barrier's slow path.
    pub const BARRIER: i32 = 0;

    // Of a table.
    /// A byte: bits of absent metamethods, cleared by a store of a new key.
    pub const TABLE_ABSENT: i32 = offset_of!(Table, absent) as i32;
    /// A byte: a hash's home node is `hash >> shift`.
    pub const TABLE_SHIFT: i32 = offset_of!(Table, shift) as i32;
    /// 32 bits: the number of slots of the array part.
    pub const TABLE_ARRAY_SIZE: i32 = offset_of!(Table, array_size) as i32;
    /// The address of one before the slot of key 1.
    pub const TABLE_ARRAY: i32 = offset_of!(Table, array) as i32;
    /// The address of the first node.
    pub const TABLE_NODES: i32 = offset_of!(Table, nodes) as i32;
    /// The address of the metatable, or 0.
    pub const TABLE_METATABLE: i32 = offset_of!(Table, metatable) as i32;
    /// The size of a node.
    pub const NODE_SIZE: usize = size_of::<Node>();
    /// A node's key.
    pub const NODE_KEY: i32 = offset_of!(Node, key) as i32;
    /// A node's value.
    pub const NODE_VALUE: i32 = offset_of!(Node, value) as i32;
    /// 32 signed bits: the distance in bytes to the next node of the chain; 0 at its end.
    pub const NODE_NEXT: i32 = offset_of!(Node, next) as i32;

    // Of a string.
    /// 32 bits: the number of bytes.
    pub const STRING_LENGTH: i32 = offset_of!(Str, length) as i32;

    // Of a Lua function.
    /// The address of its prototype.
    pub const FUNCTION_PROTOTYPE: i32 = offset_of!(LuaFunction, prototype) as i32;
    /// The address of its environment.
    pub const FUNCTION_ENVIRONMENT: i32 = offset_of!(LuaFunction, environment) as i32;
    /// The addresses of its upvalues.
    pub const FUNCTION_UPVALUES: i32 = offset_of!(LuaFunction, upvalues) as i32;
    /// The address of the word that an upvalue's value is in.
    pub const UPVALUE_SLOT: i32 = offset_of!(Upvalue, slot) as i32;
    /// A prototype's constants.
    pub const PROTOTYPE_CONSTANTS: i32 = offset_of!(Prototype, constants) as i32;

    // Tags.
    /// Of tables.
    pub const TABLE: u64 = value::TABLE;
    /// Of strings.
    pub const STRING: u64 = value::STRING;
    /// Of Lua functions.
    pub const LUA_FUNCTION: u64 = value::LUA_FUNCTION;
    /// The smallest word that is not a number.
    pub const FIRST_TAGGED: u64 = value::USERDATA << 48;
    /// The smallest word that is neither a number nor an object.
    pub const FIRST_PRIMITIVE: u64 = 0xFFFF << 48;
}
