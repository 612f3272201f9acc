//! The types of values (manual, section 2.2).

use crate::layout::value::{self, Value};

/// The type of a value, as `type` names it.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `nil`
    Nil,
    /// `boolean`
    Boolean,
    /// `number`
    Number,
    /// `string`
    String,
    /// `table`
    Table,
    /// `function`
    Function,
    /// `thread`
    Thread,
    /// `userdata`
    Userdata,
}

impl Type {
    /// How many there are.
    pub(crate) const COUNT: usize = Type::NAMES.len();
    /// Their names, in the order of the types.
    pub(crate) const NAMES: &'static [&'static str] =
        &["nil", "boolean", "number", "string", "table", "function", "thread", "userdata"];

    /// The type of a value.
    pub(crate) fn of(value: Value) -> Type {
        if value.is_number() {
            return Type::Number;
        }
        match value.tag() {
            value::TABLE => Type::Table,
            value::STRING => Type::String,
            value::LUA_FUNCTION | value::NATIVE_FUNCTION => Type::Function,
            value::THREAD => Type::Thread,
            value::USERDATA => Type::Userdata,
            _ if value.is_nil() => Type::Nil,
            _ => Type::Boolean,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Type::NAMES[self as usize]
    }
}
