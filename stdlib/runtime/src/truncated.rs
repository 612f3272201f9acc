//! Integers as the functions of Lua 5.1 take them.
//!
//! A plain integer type as a parameter refuses numbers that it cannot represent. Lua's own
//! functions cut fractions off instead, as C's casts do: `("x"):rep(2.9)` is `"xx"`.

use solvm_vm::native::FromLua;
use solvm_vm::{Call, Value};

/// A number truncated towards zero. Those out of range become the nearest one, NaN becomes 0.
#[derive(Clone, Copy)]
pub struct Truncated(pub i64);

impl FromLua for Truncated {
    type Item<'c> = Truncated;
    const EXPECTED: &'static str = "number";

    #[inline(always)]
    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Truncated> {
        f64::from_lua(call, value).map(|number| Truncated(number as i64))
    }
}

impl From<Truncated> for i64 {
    #[inline(always)]
    fn from(number: Truncated) -> i64 {
        number.0
    }
}
