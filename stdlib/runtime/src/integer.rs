//! Integers as arguments: counts, sizes and identifiers.
//!
//! Lua's own functions truncate fractions, as C does, and convert NaN to some number. SolVM's
//! functions reject both: half a byte is a mistake of the caller.

use solvm_vm::native::FromLua;
use solvm_vm::number::NumberText;
use solvm_vm::{Call, Value};

/// An integer. Numbers out of range become the nearest one.
#[derive(Clone, Copy)]
pub struct Integer(pub i64);

impl Integer {
    /// Converts a number. None if it has a fraction.
    pub fn of(number: f64) -> Option<Integer> {
        (number.fract() == 0.0).then_some(Integer(number as i64))
    }

    /// Returns the number as a size. None if it is negative.
    pub fn size(self) -> Option<usize> {
        usize::try_from(self.0).ok()
    }
}

impl FromLua for Integer {
    type Item<'c> = Integer;
    const EXPECTED: &'static str = "integer";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<Integer> {
        Integer::of(value.to_number()?)
    }

    fn got(value: Value<'_>) -> String {
        describe(value)
    }
}

/// Describes a value in an error message: a number by its digits, anything else by its type.
pub fn describe(value: Value<'_>) -> String {
    // The sign of NaN varies between platforms.
    let number = value
        .as_number()
        .map(|number| NumberText::new(if number.is_nan() { f64::NAN } else { number }));
    number.map_or_else(
        || value.type_name().into(),
        |text| String::from_utf8_lossy(&text).into_owned(),
    )
}
