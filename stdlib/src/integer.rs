//! Whole numbers as arguments: counts, sizes and numbers of things.
//!
//! Lua's own functions cut fractions off, as C does, and take NaN for some number. SolVM's
//! functions refuse both: whoever asks for half a byte has made a mistake.

use solvm_vm::native::FromLua;
use solvm_vm::number::NumberText;
use solvm_vm::{Call, Value};

/// A whole number. Those out of range become the nearest one.
#[derive(Clone, Copy)]
pub(crate) struct Integer(pub(crate) i64);

impl Integer {
    /// The whole number that a number is.
    pub(crate) fn of(number: f64) -> Option<Integer> {
        (number.fract() == 0.0).then_some(Integer(number as i64))
    }

    /// The number, if it is a size.
    pub(crate) fn size(self) -> Option<usize> {
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

/// A number as it is written, of anything else its type: what was got instead of a whole number.
pub(crate) fn describe(value: Value<'_>) -> String {
    // Which sign a NaN has is of no interest.
    let number = value
        .as_number()
        .map(|number| NumberText::new(if number.is_nan() { f64::NAN } else { number }));
    number.map_or_else(
        || value.type_name().into(),
        |text| String::from_utf8_lossy(&text).into_owned(),
    )
}
