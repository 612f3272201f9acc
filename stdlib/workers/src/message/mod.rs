//! A message: values of one VM as plain data, from which another VM makes values of its own.
//!
//! Tables keep their shared parts and cycles, without metatables; functions keep their code, which
//! the VMs share, and their upvalues, which functions of one message share as before. Natives of
//! the libraries are themselves. Whatever else is an error that says where it is.
//!
//! **Invariant (ORDER)**: an item refers to an object by its number. The first object that has a
//! variable among its upvalues owns the variable.

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

use solvm_vm::Held;
use solvm_vm::native::{Definition, SharedCode};

/// Values on their way to another VM.
pub(crate) struct Message {
    /// The values.
    roots: Vec<Item>,
    /// The objects that they lead to.
    objects: Vec<Object>,
    /// The variables of the functions among them.
    variables: Vec<Variable>,
    /// The memory of all of it, in the account of the program.
    _held: Held,
}

/// A value.
#[derive(Clone)]
enum Item {
    Nil,
    Boolean(bool),
    Number(f64),
    Text(Box<[u8]>),
    /// An object of the message.
    Object(usize),
    /// A function of a library.
    Native(&'static Definition),
    /// What a global of the libraries with that name is.
    Standard(Box<[u8]>),
    /// The table of globals.
    Globals,
}

/// What values of the message share.
enum Object {
    Text(Box<[u8]>),
    Table {
        list: Vec<Item>,
        pairs: Vec<(Item, Item)>,
    },
    /// The variables that it captures, in the order of its upvalues.
    Function {
        code: SharedCode,
        variables: Vec<usize>,
    },
}

/// A variable that functions capture.
struct Variable {
    value: Item,
    /// The function that has it first, and the number of its upvalue.
    owner: usize,
    number: usize,
}
