//! `bit32`, as in Lua 5.2 (its manual, section 6.7): results are not negative.

use super::{Bits, fold};
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Library, Rest};
use solvm_vm::{Call, Error};

/// The library `bit32`.
pub static LIBRARY: Library = solvm_vm::library!("bit32" {
    "arshift" => shift_right_signed,
    "band" => and,
    "bnot" => not,
    "bor" => or,
    "btest" => test,
    "bxor" => exclusive_or,
    "extract" => extract,
    "lrotate" => rotate_left,
    "lshift" => shift_left,
    "replace" => replace,
    "rrotate" => rotate_right,
    "rshift" => shift_right,
});

fn and(call: &mut Call, numbers: Rest) -> Result<u32, Error> {
    fold(call, numbers, u32::MAX, super::and)
}

fn test(call: &mut Call, numbers: Rest) -> Result<bool, Error> {
    Ok(and(call, numbers)? != 0)
}

fn or(call: &mut Call, numbers: Rest) -> Result<u32, Error> {
    fold(call, numbers, 0, super::or)
}

fn exclusive_or(call: &mut Call, numbers: Rest) -> Result<u32, Error> {
    fold(call, numbers, 0, super::exclusive_or)
}

fn not(_: &mut Call, x: Bits) -> u32 {
    !x.0
}

/// Shifts left, or right if the distance is negative. Bits shifted out are lost.
fn shift(x: u32, distance: i64) -> u32 {
    let far = u32::try_from(distance.unsigned_abs()).unwrap_or(u32::MAX);
    let shifted = if distance >= 0 { x.checked_shl(far) } else { x.checked_shr(far) };
    shifted.unwrap_or(0)
}

fn shift_left(_: &mut Call, x: Bits, Truncated(distance): Truncated) -> u32 {
    shift(x.0, distance)
}

fn shift_right(_: &mut Call, x: Bits, Truncated(distance): Truncated) -> u32 {
    shift(x.0, distance.saturating_neg())
}

fn shift_right_signed(_: &mut Call, x: Bits, Truncated(distance): Truncated) -> u32 {
    if distance < 0 {
        return shift(x.0, distance.saturating_neg());
    }
    ((x.0 as i32) >> distance.min(31)) as u32
}

fn rotate_left(_: &mut Call, x: Bits, Truncated(distance): Truncated) -> u32 {
    x.0.rotate_left(distance.rem_euclid(32) as u32)
}

fn rotate_right(_: &mut Call, x: Bits, Truncated(distance): Truncated) -> u32 {
    x.0.rotate_right(distance.rem_euclid(32) as u32)
}

/// Returns the start of a bit field and a mask of its width. `index` is that of the argument
/// `field`.
fn field_of(
    index: usize,
    Truncated(field): Truncated,
    width: Option<Truncated>,
) -> Result<(u32, u32), Error> {
    let width = width.map_or(1, i64::from);
    if field < 0 {
        return Err(Error::argument(index, "field cannot be negative"));
    }
    if width <= 0 {
        return Err(Error::argument(index + 1, "width must be positive"));
    }
    if field.saturating_add(width) > 32 {
        return Err(Error::text("trying to access non-existent bits"));
    }
    Ok((field as u32, u32::MAX >> (32 - width)))
}

fn extract(
    _: &mut Call,
    x: Bits,
    field: Truncated,
    width: Option<Truncated>,
) -> Result<u32, Error> {
    let (start, mask) = field_of(2, field, width)?;
    Ok(x.0 >> start & mask)
}

fn replace(
    _: &mut Call,
    x: Bits,
    value: Bits,
    field: Truncated,
    width: Option<Truncated>,
) -> Result<u32, Error> {
    let (start, mask) = field_of(3, field, width)?;
    Ok(x.0 & !(mask << start) | (value.0 & mask) << start)
}
