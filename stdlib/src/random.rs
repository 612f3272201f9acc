//! `random`: numbers and strings from the system's generator, which nobody can foresee.

use crate::whole::Whole;
use rand::TryRng;
use rand::rngs::SysRng;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, LuaString};

pub(crate) static LIBRARY: Library = solvm_vm::library!("random" {
    "int" => integer,
    "number" => number,
    "string" => string,
});

/// Up to here every integer has a value of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// What random strings are made of.
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Random strings are no longer than this.
const MAX_LENGTH: usize = 1 << 20;

/// Fills a buffer from the system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    SysRng
        .try_fill_bytes(bytes)
        .map_err(|error| Error::text(format!("cannot read random bytes: {error}")))
}

fn random_u64() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// A number below `limit`, each with the same probability.
fn below(limit: u64, mut next: impl FnMut() -> Result<u64, Error>) -> Result<u64, Error> {
    // What is left when the numbers are cut into pieces of that length would favour the first ones.
    let usable = u64::MAX - (u64::MAX % limit + 1) % limit;
    loop {
        let x = next()?;
        if x <= usable {
            return Ok(x % limit);
        }
    }
}

/// `random.number()`: a number from 0 up to but without 1.
fn number(_: &mut Call) -> Result<f64, Error> {
    Ok((random_u64()? >> 11) as f64 / EXACT)
}

/// `random.int(min, max)`: an integer; both are possible.
fn integer(_: &mut Call, min: Whole, max: Whole) -> Result<f64, Error> {
    let (Whole(min), Whole(max)) = (min, max);
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

/// `random.string(length[, alphabet])`: letters and digits, or bytes of the alphabet.
fn string<'c>(
    call: &mut Call<'c>,
    length: Whole,
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
    // One request for many numbers: 32 bits each leave nothing to favour worth a thought, but it
    // costs nothing to be exact.
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
