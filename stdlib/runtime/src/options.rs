//! Tables of options, as a function's last argument. An unknown name is an error, so that no option
//! is silently ignored.

use crate::integer::{Integer, describe};
use crate::name::Name;
use solvm_vm::messages::shorten;
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::time::Duration;

/// The options of a call.
#[derive(Clone, Copy)]
pub struct Options<'c> {
    table: Option<Table<'c>>,
    /// The index of the argument, counted from 1.
    argument: usize,
}

impl<'c> Options<'c> {
    /// Reads the options of a table, all of which must be `known`.
    pub fn new(table: Option<Table<'c>>, argument: usize, known: &[&str]) -> Result<Self, Error> {
        for (key, _) in table.iter().flat_map(|table| table.pairs()) {
            let name = LuaString::from_value(key).map(LuaString::bytes);
            if !name.is_some_and(|name| known.iter().any(|known| known.as_bytes() == name)) {
                let name = name.map_or(key.type_name().into(), |name| {
                    format!("'{}'", String::from_utf8_lossy(&shorten(name)))
                });
                let text = format!("unknown option {name} (expected one of {})", known.join(", "));
                return Err(Error::argument(argument, text));
            }
        }
        Ok(Options { table, argument })
    }

    /// Returns the value of an option; nil if it is missing.
    pub fn get(&self, call: &mut Call<'c>, name: &str) -> Result<Value<'c>, Error> {
        let Some(table) = self.table else { return Ok(Value::NIL) };
        // The whole table was traversed.
        call.charge(table.capacity() / 8);
        let key = call.string(name.as_bytes())?;
        let value = table.get(key);
        call.charge_for_string(value);
        Ok(value)
    }

    /// Returns the error for an invalid option.
    pub fn wrong(&self, name: &str, text: &str) -> Error {
        Error::argument(self.argument, format!("option '{name}': {text}"))
    }

    fn converted<T>(
        &self,
        call: &mut Call<'c>,
        name: &str,
        expected: &str,
        convert: impl FnOnce(Value<'c>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let value = self.get(call, name)?;
        if value.is_nil() {
            return Ok(None);
        }
        let wrong = || self.wrong(name, &format!("{expected} expected, got {}", value.type_name()));
        convert(value).map(Some).ok_or_else(wrong)
    }

    /// Returns a number.
    pub(crate) fn number(&self, call: &mut Call<'c>, name: &str) -> Result<Option<f64>, Error> {
        self.converted(call, name, "number", Value::to_number)
    }

    /// Returns a size or a count: an integer that is not negative, or infinity for "no limit".
    pub fn size(&self, call: &mut Call<'c>, name: &str) -> Result<Option<usize>, Error> {
        let Some(number) = self.number(call, name)? else { return Ok(None) };
        if number < 0.0 {
            return Err(self.wrong(name, "must not be negative"));
        }
        if number != f64::INFINITY && Integer::of(number).is_none() {
            return Err(self.wrong(
                name,
                &format!("integer expected, got {}", describe(Value::number(number))),
            ));
        }
        Ok(Some(number as usize))
    }

    /// Returns a duration in seconds; 0 means no limit.
    pub fn seconds(&self, call: &mut Call<'c>, name: &str) -> Result<Option<Duration>, Error> {
        match self.number(call, name)? {
            None => Ok(None),
            Some(0.0) => Ok(Some(Duration::MAX)),
            Some(seconds) if seconds > 0.0 => {
                Ok(Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
            }
            Some(_) => Err(self.wrong(name, "must not be negative")),
        }
    }

    /// Returns a string, which may be as long as a name.
    pub fn text(&self, call: &mut Call<'c>, name: &str) -> Result<Option<&'c [u8]>, Error> {
        let string = self.converted(call, name, "string", LuaString::from_value)?;
        let checked = string.map(Name::check).transpose();
        Ok(checked.map_err(|text| self.wrong(name, &text))?.map(Name::bytes))
    }

    /// Returns a boolean.
    pub fn boolean(&self, call: &mut Call<'c>, name: &str) -> Result<Option<bool>, Error> {
        self.converted(call, name, "boolean", Value::as_boolean)
    }

    /// Returns a table.
    pub fn table(&self, call: &mut Call<'c>, name: &str) -> Result<Option<Table<'c>>, Error> {
        self.converted(call, name, "table", Table::from_value)
    }
}
