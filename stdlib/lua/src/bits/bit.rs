//! `bit`, as in LuaJIT: results are signed.

use super::{Bits, fold};
use solvm_vm::native::{Library, Rest};
use solvm_vm::{Call, Error};

/// The library `bit`.
pub static LIBRARY: Library = solvm_vm::library!("bit" {
    "arshift" => shift_right_signed,
    "band" => and,
    "bnot" => not,
    "bor" => or,
    "bswap" => swap_bytes,
    "bxor" => exclusive_or,
    "lshift" => shift_left,
    "rol" => rotate_left,
    "ror" => rotate_right,
    "rshift" => shift_right,
    "tobit" => to_bits,
    "tohex" => to_hexadecimal,
});

fn signed(bits: u32) -> f64 {
    f64::from(bits as i32)
}

fn to_bits(_: &mut Call, x: Bits) -> f64 {
    signed(x.0)
}

fn not(_: &mut Call, x: Bits) -> f64 {
    signed(!x.0)
}

fn and(call: &mut Call, x: Bits, others: Rest) -> Result<f64, Error> {
    fold(call, others, x.0, super::and).map(signed)
}

fn or(call: &mut Call, x: Bits, others: Rest) -> Result<f64, Error> {
    fold(call, others, x.0, super::or).map(signed)
}

fn exclusive_or(call: &mut Call, x: Bits, others: Rest) -> Result<f64, Error> {
    fold(call, others, x.0, super::exclusive_or).map(signed)
}

fn shift_left(_: &mut Call, x: Bits, distance: Bits) -> f64 {
    signed(x.0.wrapping_shl(distance.0))
}

fn shift_right(_: &mut Call, x: Bits, distance: Bits) -> f64 {
    signed(x.0.wrapping_shr(distance.0))
}

fn shift_right_signed(_: &mut Call, x: Bits, distance: Bits) -> f64 {
    f64::from((x.0 as i32).wrapping_shr(distance.0))
}

fn rotate_left(_: &mut Call, x: Bits, distance: Bits) -> f64 {
    signed(x.0.rotate_left(distance.0 & 31))
}

fn rotate_right(_: &mut Call, x: Bits, distance: Bits) -> f64 {
    signed(x.0.rotate_right(distance.0 & 31))
}

fn swap_bytes(_: &mut Call, x: Bits) -> f64 {
    signed(x.0.swap_bytes())
}

/// `bit.tohex(x[, digits])`: the lowest digits, in upper case if their number is negative.
fn to_hexadecimal(_: &mut Call, x: Bits, digits: Option<Bits>) -> String {
    const MAX_DIGITS: u32 = 254;
    let digits = digits.map_or(8, |digits| digits.0 as i32);
    let count = digits.unsigned_abs().min(MAX_DIGITS) as usize;
    let text = if digits < 0 { format!("{:0count$X}", x.0) } else { format!("{:0count$x}", x.0) };
    text.get(text.len().saturating_sub(count)..).unwrap_or_default().to_string()
}
