//! Fields that natives read and set as Lua code does, with metamethods.
//!
//! Natives do not run Lua themselves: a metamethod that is a function is named, and the native
//! calls it in one of its steps. [`Call::index`] is the same for reading.

use solvm_vm::{Call, Error, Function, Metamethod, Table, Value};

/// How long a chain of `__newindex` may be, as in PUC Lua.
const MAX_CHAIN: usize = 100;

/// What [`set`] has done.
#[derive(Clone, Copy)]
pub(crate) enum Assigned<'c> {
    /// The field has its value.
    Done,
    /// This `__newindex` function must be called with the object, the key and the value.
    Call(Value<'c>, Value<'c>),
}

/// `object[key] = value`, as far as it needs no call.
pub(crate) fn set<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    key: Value<'c>,
    value: Value<'c>,
) -> Result<Assigned<'c>, Error> {
    let mut object = object;
    for _ in 0..MAX_CHAIN {
        let table = Table::from_value(object);
        let method = match table {
            Some(table) if !table.get(key).is_nil() => Value::NIL,
            _ => call.metamethod(object, Metamethod::NewIndex),
        };
        match table {
            Some(table) if method.is_nil() => {
                table.set(call, key, value)?;
                return Ok(Assigned::Done);
            }
            None if method.is_nil() => {
                let text = format!("attempt to index a {} value", object.kind().name());
                return Err(Error::text(text));
            }
            _ if Function::from_value(method).is_some() => {
                return Ok(Assigned::Call(method, object));
            }
            _ => object = method,
        }
    }
    Err(Error::text("loop in settable"))
}
