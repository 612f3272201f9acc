//! Tables that libraries keep in the VM's registry.

use solvm_vm::{Call, Error, Table};

/// Returns a table of the registry, which is created on first use.
pub fn registry_table<'c>(call: &mut Call<'c>, name: &str) -> Result<Table<'c>, Error> {
    let key = call.string(name.as_bytes())?;
    let registry = call.registry();
    match Table::from_value(registry.get(key)) {
        Some(table) => Ok(table),
        None => {
            let table = call.table(0, 4)?;
            registry.set(call, key.value(), table.value())?;
            Ok(table)
        }
    }
}
