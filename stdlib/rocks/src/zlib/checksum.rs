//! `zlib.crc32` and `zlib.adler32`: functions that compute a checksum of all their inputs.

use solvm_vm::native::{Definition, Either, FromLua, Rest, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Data, Error, Function, LuaString, Userdata, Value};
use std::cell::Cell;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Crc,
    Adler,
}

/// The bound value of a function: the checksum of the bytes so far, and their number.
struct Checksum {
    kind: Kind,
    sum: Cell<u32>,
    length: Cell<u64>,
}

impl Data for Checksum {
    fn external_size(&self) -> usize {
        0
    }
}

static UPDATE: Definition = Definition::new("checksum", update);

/// `zlib.crc32()`
pub(super) fn crc<'c>(call: &mut Call<'c>) -> Function<'c> {
    new(call, Kind::Crc, 0)
}

/// `zlib.adler32()`
pub(super) fn adler<'c>(call: &mut Call<'c>) -> Function<'c> {
    new(call, Kind::Adler, 1)
}

fn new<'c>(call: &mut Call<'c>, kind: Kind, sum: u32) -> Function<'c> {
    let checksum = Checksum { kind, sum: Cell::new(sum), length: Cell::new(0) };
    let checksum = call.userdata(checksum, None).value();
    call.function(&UPDATE, &[checksum])
}

/// The prime of Adler-32.
const PRIME: u32 = 65_521;
const WIDE_PRIME: u64 = 65_521;

fn adler_of(sum: u32, bytes: &[u8]) -> u32 {
    /// So many bytes cannot make a sum overflow.
    const BLOCK: usize = 5552;
    let (mut low, mut high) = (sum & 0xffff, sum >> 16);
    for block in bytes.chunks(BLOCK) {
        for &byte in block {
            low = low.wrapping_add(u32::from(byte));
            high = high.wrapping_add(low);
        }
        low %= PRIME;
        high %= PRIME;
    }
    high << 16 | low
}

/// The checksum of two parts, of which the second has this length.
fn adler_combined(first: u32, second: u32, length: u64) -> u32 {
    let prime = WIDE_PRIME;
    let rest = length % WIDE_PRIME;
    let (low, high) = (u64::from(first & 0xffff), u64::from(first >> 16));
    let (second_low, second_high) = (u64::from(second & 0xffff), u64::from(second >> 16));
    let sum_low = low.wrapping_add(second_low).wrapping_add(prime).wrapping_sub(1) % WIDE_PRIME;
    let sum_high = rest.wrapping_mul(low) % WIDE_PRIME;
    let sum_high = sum_high
        .wrapping_add(high)
        .wrapping_add(second_high)
        .wrapping_add(prime)
        .wrapping_sub(rest)
        % WIDE_PRIME;
    (sum_high << 16 | sum_low) as u32
}

fn bound<'c>(call: &mut Call<'c>) -> Result<&'c Checksum, Error> {
    let checksum = call.upvalue(0).and_then(Userdata::from_value);
    checksum
        .and_then(|checksum| checksum.get::<Checksum>())
        .ok_or_else(|| Error::text("checksum no longer exists"))
}

/// `checksum([input | checksum])`: adds bytes, or those that another such function has been given.
/// Without an argument it returns the number of bytes, too.
fn update<'c>(
    call: &mut Call<'c>,
    _arguments: Rest,
) -> Result<Either<Vec<Value<'c>>, Start<Combining>>, Error> {
    const BYTES_PER_UNIT: usize = 64;
    let checksum = bound(call)?;
    let Some(input) = call.argument(0) else {
        let sum = Value::number(f64::from(checksum.sum.get()));
        let length = Value::number(checksum.length.get() as f64);
        return Ok(Either::Now(vec![sum, length]));
    };
    if Function::from_value(input).is_some() {
        return Ok(Either::Later(Start::new(Combining { is_called: false })));
    }
    let Some(text) = LuaString::from_lua(call, input) else {
        let text = format!("string expected, got {}", input.type_name());
        return Err(Error::argument(1, text));
    };
    let bytes = text.bytes();
    call.charge(bytes.len() / BYTES_PER_UNIT);
    let sum = match checksum.kind {
        Kind::Adler => adler_of(checksum.sum.get(), bytes),
        Kind::Crc => {
            let mut hasher = crc32fast::Hasher::new_with_initial(checksum.sum.get());
            hasher.update(bytes);
            hasher.finalize()
        }
    };
    checksum.sum.set(sum);
    checksum.length.set(checksum.length.get().saturating_add(bytes.len() as u64));
    Ok(Either::Now(vec![Value::number(f64::from(sum))]))
}

/// A function has been called for its checksum.
struct Combining {
    is_called: bool,
}

impl Steps for Combining {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.is_called, true) {
            let function = call.argument(0).unwrap_or(Value::NIL);
            return call.call(function, &[], Wanted::All);
        }
        let (sum, length) = (call.returned(0).to_number(), call.returned(1).to_number());
        let (Some(sum), Some(length)) = (sum, length) else {
            return Err(Error::argument(1, "expected function to return two numbers"));
        };
        let (second, length) = (sum as u32, length.max(0.0) as u64);
        let checksum = bound(call)?;
        let sum = match checksum.kind {
            Kind::Adler => adler_combined(checksum.sum.get(), second, length),
            Kind::Crc => {
                let mut hasher = crc32fast::Hasher::new_with_initial(checksum.sum.get());
                hasher.combine(&crc32fast::Hasher::new_with_initial_len(second, length));
                hasher.finalize()
            }
        };
        checksum.sum.set(sum);
        checksum.length.set(checksum.length.get().saturating_add(length));
        call.finish((f64::from(sum), checksum.length.get() as f64))
    }
}
