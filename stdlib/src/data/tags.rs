//! What Lua values cannot say by themselves: `json.null`, and that a table is a map although it
//! looks like a list.
//!
//! The mark of a map is a metatable without fields, the same for all; a table that gets another
//! metatable loses it.

use crate::runtime::registry_table;
use solvm_vm::native::Definition;
use solvm_vm::{Call, Data, Error, Table, Userdata, Value};

/// The data of `json.null`.
struct Null;

impl Data for Null {
    fn external_size(&self) -> usize {
        0
    }
}

static NULL_TEXT: Definition = Definition::new("tostring", |_: &mut Call| "null");

/// The metatable that marks maps.
pub(super) fn map_metatable<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "data.map")
}

/// Marks a table as a map.
pub(crate) fn tag_as_map<'c>(call: &mut Call<'c>, table: Table<'c>) -> Result<(), Error> {
    let metatable = map_metatable(call)?;
    call.set_metatable(table.value(), Some(metatable));
    Ok(())
}

/// A new value that stands for the null of a format.
pub(super) fn null<'c>(call: &mut Call<'c>) -> Result<Value<'c>, Error> {
    let metatable = call.table(0, 1)?;
    let text = call.function(&NULL_TEXT, &[]);
    metatable.set_field(call, "__tostring", text)?;
    Ok(call.userdata(Null, Some(metatable)).value())
}

/// Whether a value stands for null.
pub(super) fn is_null(value: Value<'_>) -> bool {
    Userdata::from_value(value).is_some_and(|userdata| userdata.get::<Null>().is_some())
}
