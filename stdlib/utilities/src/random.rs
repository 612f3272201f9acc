//! `random`: unpredictable numbers and strings from the OS's generator.

use rand::TryRng;
use rand::rngs::SysRng;
use solvm_runtime::integer::Integer;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, LuaString};

/// The library `random`.
pub static LIBRARY: Library = solvm_vm::library!("random" {
    "int" => integer,
    "number" => number,
    "string" => string,
});

/// Integers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// The default alphabet of random strings.
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Maximum length of a random string.
const MAX_LENGTH: usize = 1 << 20;

/// Fills a buffer from the system's generator.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    SysRng
        .try_fill_bytes(bytes)
        .map_err(|error| Error::text(format!("cannot read random bytes: {error}")))
}

fn random_u64() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Returns a number below `limit`, uniformly distributed.
fn below(limit: u64, mut next: impl FnMut() -> Result<u64, Error>) -> Result<u64, Error> {
    // Values above the largest multiple of `limit` would favour the first numbers.
    let usable = u64::MAX - (u64::MAX % limit + 1) % limit;
    loop {
        let x = next()?;
        if x <= usable {
            return Ok(x % limit);
        }
    }
}

/// `random.number()`: a number in [0, 1).
fn number(_: &mut Call) -> Result<f64, Error> {
    Ok((random_u64()? >> 11) as f64 / EXACT)
}

/// `random.int(min, max)`: an integer from `min` to `max`, inclusive.
fn integer(_: &mut Call, min: Integer, max: Integer) -> Result<f64, Error> {
    let (Integer(min), Integer(max)) = (min, max);
    for (index, bound) in [(1, min), (2, max)] {
        if bound.unsigned_abs() > EXACT as u64 {
            return Err(Error::argument(index, "integer between -2^53 and 2^53 expected"));
        }
    }
    if min > max {
        return Err(Error::argument(2, "interval is empty"));
    }
    let offset = below(max.abs_diff(min) + 1, random_u64)?;
    Ok(min.saturating_add_unsigned(offset) as f64)
}

/// `random.string(length[, alphabet])`: random letters and digits, or bytes of the alphabet.
fn string<'c>(
    call: &mut Call<'c>,
    length: Integer,
    alphabet: Option<LuaString<'c>>,
) -> Result<Vec<u8>, Error> {
    let Some(length) = length.size().filter(|&length| length <= MAX_LENGTH) else {
        return Err(Error::argument(1, format!("length must be between 0 and {MAX_LENGTH}")));
    };
    let alphabet = alphabet.map_or(ALPHANUMERIC, LuaString::bytes);
    if !(1..=256).contains(&alphabet.len()) {
        return Err(Error::argument(2, "alphabet must have 1 to 256 bytes"));
    }
    call.charge(length);
    // Many numbers are read at once. The bias of 32 bits each would be negligible, but avoiding it
    // is free.
    let mut bytes = Vec::new();
    let mut next = || {
        if bytes.is_empty() {
            bytes = vec![0; 4096.min(8 * length.max(1))];
            fill_random(&mut bytes)?;
        }
        let rest = bytes.split_off(bytes.len().saturating_sub(8));
        Ok(rest.try_into().map_or(0, u64::from_le_bytes))
    };
    (0..length)
        .map(|_| {
            let index = below(alphabet.len() as u64, &mut next)?;
            Ok(alphabet.get(index as usize).copied().unwrap_or_default())
        })
        .collect()
}
