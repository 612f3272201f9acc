//! What Lua values cannot represent: `json.null`, and maps that look like lists.
//!
//! A map is tagged by a common metatable without fields; a table that gets another metatable loses
//! the tag.

use solvm_runtime::registry::registry_table;
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

/// Returns the metatable that tags maps.
pub(super) fn map_metatable<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "data.map")
}

/// Tags a table as a map.
pub fn tag_as_map<'c>(call: &mut Call<'c>, table: Table<'c>) -> Result<(), Error> {
    let metatable = map_metatable(call)?;
    call.set_metatable(table.value(), Some(metatable));
    Ok(())
}

/// Creates a value that represents the null of a format.
pub fn null<'c>(call: &mut Call<'c>) -> Result<Value<'c>, Error> {
    let metatable = call.table(0, 1)?;
    let text = call.function(&NULL_TEXT, &[]);
    metatable.set_field(call, "__tostring", text)?;
    Ok(call.userdata(Null, Some(metatable)).value())
}

/// Whether a value represents null.
pub fn is_null(value: Value<'_>) -> bool {
    Userdata::from_value(value).is_some_and(|userdata| userdata.get::<Null>().is_some())
}
