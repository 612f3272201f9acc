//! `crypto`: hashes, base64, ciphers, keys and random bytes.
//!
//! The ciphers and hashes are those of the RustCrypto project. DES, RC4, MD5 and SHA-1 are broken
//! and exist for compatibility. Long computations run on the blocking pool.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod cipher;
mod hash;
pub mod uuid;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::SysRng;
use rsa::PrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use solvm_runtime::buffer::copied;
use solvm_runtime::integer::Integer;
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::later;
use solvm_utilities::random::fill_random;
use solvm_vm::native::{Either, Library, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// The library `crypto`.
pub static LIBRARY: Library = solvm_vm::library!("crypto" {
    "aes_decrypt" => cipher::aes_decrypt,
    "aes_encrypt" => cipher::aes_encrypt,
    "base64_decode" => base64_decode,
    "base64_encode" => base64_encode,
    "des_decrypt" => cipher::des_decrypt,
    "des_encrypt" => cipher::des_encrypt,
    "hex_decode" => hex_decode,
    "hex_encode" => hex_encode,
    "hmac" => hash::hmac,
    "md5" => hash::md5,
    "random_bytes" => random_bytes,
    "rc4_decrypt" => cipher::rc4_decrypt,
    "rc4_encrypt" => cipher::rc4_encrypt,
    "rsa_generate" => rsa_generate,
    "sha1" => hash::sha1,
    "sha256" => hash::sha256,
    "sha512" => hash::sha512,
});

/// Up to this many bytes are processed at once, in less than a millisecond.
const SHORT: usize = 16 << 10;
/// Bytes that are processed per unit of the budget.
const BYTES_PER_UNIT: usize = 16;
/// The size of base64 per byte, rounded up.
const MAX_GROWTH: usize = 2;

/// The resulting bytes, or why the input is invalid.
type Outcome = Result<Vec<u8>, &'static str>;

/// Processes bytes: at once, or on the blocking pool if there are many. The results are the
/// outcome, or nil and a message.
fn compute<'c, W>(
    call: &mut Call<'c>,
    input: LuaString<'c>,
    work: W,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, W>>, Error>
where
    W: FnOnce(&[u8]) -> Outcome + Send + 'static,
{
    let bytes = input.bytes();
    call.check_memory(bytes.len().saturating_mul(1 + MAX_GROWTH))?;
    if bytes.len() <= SHORT {
        call.charge(bytes.len() / BYTES_PER_UNIT);
        let outcome = work(bytes);
        return Ok(Either::Now(results(call, outcome)?));
    }
    let held = call.hold(bytes.len().saturating_mul(MAX_GROWTH))?;
    let input = copied(call, input)?;
    let future = in_pool(move || (work(&input), held));
    Ok(Either::Later(later(future, |call, outcome| match outcome {
        Ok((outcome, _held)) => results(call, outcome),
        Err(error) => Err(Error::text(error.to_string())),
    })))
}

fn results<'c>(call: &mut Call<'c>, outcome: Outcome) -> Result<Vec<Value<'c>>, Error> {
    match outcome {
        Ok(bytes) => Ok(vec![call.string(&bytes)?.value()]),
        Err(reason) => Ok(vec![Value::NIL, call.string(reason.as_bytes())?.value()]),
    }
}

/// Encodes base64 (RFC 4648), with padding.
fn to_base64(bytes: &[u8]) -> Vec<u8> {
    STANDARD.encode(bytes).into_bytes()
}

fn from_base64(text: &[u8]) -> Outcome {
    // Mail programs and openssl insert line breaks.
    let digits: Vec<u8> =
        text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    STANDARD.decode(digits).map_err(|_| "invalid base64")
}

/// `crypto.base64_encode(data)`: base64 with padding, in one line.
fn base64_encode<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, data, |data| Ok(to_base64(data)))
}

/// `crypto.base64_decode(text)`: decodes base64; nil and a message if the input is invalid.
fn base64_decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, text, from_base64)
}

/// Encodes bytes as two digits each.
fn to_hexadecimal(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS[usize::from(half & 15)];
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// `crypto.hex_encode(data)`: two hexadecimal digits for each byte.
fn hex_encode<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, data, |data| Ok(to_hexadecimal(data)))
}

/// `crypto.hex_decode(text)`: decodes two digits per byte; nil and a message if the input is
/// invalid.
fn hex_decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, text, |text| {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (pairs, rest) = text.as_chunks::<2>();
        let bytes = pairs
            .iter()
            .map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8))
            .collect();
        if rest.is_empty() { bytes } else { None }.ok_or("invalid hexadecimal")
    })
}

/// `crypto.random_bytes(length)`: bytes from the OS's generator.
fn random_bytes(call: &mut Call, length: Integer) -> Result<Vec<u8>, Error> {
    /// A megabyte needs a few milliseconds.
    const MAX_LENGTH: usize = 1 << 20;
    let Some(length) = length.size().filter(|&length| length <= MAX_LENGTH) else {
        return Err(Error::argument(1, format!("length must be between 0 and {MAX_LENGTH}")));
    };
    call.charge(length / BYTES_PER_UNIT);
    let mut bytes = vec![0; length];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// Limits the number of concurrent key generations, so that programs which request many keys leave
/// some processors free.
static GENERATIONS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors.div_ceil(2)))
});

/// `crypto.rsa_generate([bits])`: generates a key pair.
fn rsa_generate<'c>(
    _: &mut Call<'c>,
    bits: Option<Integer>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    /// Smaller keys are easily broken; larger ones need minutes.
    const BITS: std::ops::RangeInclusive<i64> = 1024..=8192;
    let Integer(bits) = bits.unwrap_or(Integer(2048));
    if !BITS.contains(&bits) {
        return Err(Error::argument(1, format!("bits must be {} to {}", BITS.start(), BITS.end())));
    }
    let keys = async move {
        // The permit is held until the key exists, even if the caller stops waiting.
        let permit = GENERATIONS.clone().acquire_owned().await;
        in_pool(move || {
            let keys = generate(bits as usize);
            drop(permit);
            keys
        })
        .await
    };
    Ok(later(keys, |call, keys| {
        let (private, public) = match keys {
            Ok(Ok(keys)) => keys,
            Ok(Err(message)) => return Err(Error::text(message)),
            Err(error) => return Err(Error::text(error.to_string())),
        };
        let table = call.table(0, 2)?;
        table.set_field(call, "private", private.as_str())?;
        table.set_field(call, "public", public.as_str())?;
        Ok(vec![table.value()])
    }))
}

/// Returns a private and a public key as PEM.
fn generate(bits: usize) -> Result<(String, String), String> {
    let key = PrivateKey::new(&mut SysRng, bits).map_err(|error| error.to_string())?;
    let private = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
    let public =
        key.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|error| error.to_string())?;
    Ok((private.to_string(), public))
}
