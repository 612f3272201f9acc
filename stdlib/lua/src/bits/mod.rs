//! Operations on the bits of numbers modulo 2^32: `bit`, as in LuaJIT, and `bit32`, as in Lua 5.2.
//!
//! They differ in the sign of results and in shifts: `bit` uses only the lowest five bits of the
//! distance.

mod bit;
mod bit32;

pub use bit::LIBRARY as BIT;
pub use bit32::LIBRARY as BIT32;

use solvm_vm::native::{FromLua, Param, Rest};
use solvm_vm::{Call, Error, Value};

/// An argument as 32 bits: rounded to the nearest integer, modulo 2^32.
#[derive(Clone, Copy)]
struct Bits(u32);

impl FromLua for Bits {
    type Item<'c> = Bits;
    const EXPECTED: &'static str = "number";

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Bits> {
        const MODULUS: f64 = 4_294_967_296.0;
        // Infinities and NaN become 0.
        f64::from_lua(call, value).map(|x| Bits(x.round_ties_even().rem_euclid(MODULUS) as u32))
    }
}

/// Combines all arguments.
fn fold(
    call: &mut Call,
    arguments: Rest,
    start: u32,
    operation: fn(u32, u32) -> u32,
) -> Result<u32, Error> {
    let mut index = arguments.first;
    let mut result = start;
    while index < call.argument_count() {
        result = operation(result, Bits::take(call, &mut index)?.0);
    }
    Ok(result)
}

fn and(a: u32, b: u32) -> u32 {
    a & b
}

fn or(a: u32, b: u32) -> u32 {
    a | b
}

fn exclusive_or(a: u32, b: u32) -> u32 {
    a ^ b
}
