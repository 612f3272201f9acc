//! Hashes and HMACs, as hexadecimal digits.

use super::{compute, to_hexadecimal};
use ::hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use solvm_runtime::name::Name;
use solvm_vm::native::Results;
use solvm_vm::{Call, Error, LuaString};

/// `crypto.md5(data)`
pub(super) fn md5<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, data, |data| Ok(to_hexadecimal(&Md5::digest(data))))
}

/// `crypto.sha1(data)`
pub(super) fn sha1<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, data, |data| Ok(to_hexadecimal(&Sha1::digest(data))))
}

/// `crypto.sha256(data)`
pub(super) fn sha256<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, data, |data| Ok(to_hexadecimal(&Sha256::digest(data))))
}

/// `crypto.sha512(data)`
pub(super) fn sha512<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    compute(call, data, |data| Ok(to_hexadecimal(&Sha512::digest(data))))
}

/// Computes the HMAC of data under a key.
type Code = fn(key: &[u8], data: &[u8]) -> Option<Vec<u8>>;

/// Computes an HMAC with a given hash. Keys may have any length.
fn code<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut code = <M as KeyInit>::new_from_slice(key).ok()?;
    code.update(data);
    Some(to_hexadecimal(&code.finalize().into_bytes()))
}

/// `crypto.hmac(hash, data, key)`: the HMAC of data (RFC 2104).
pub(super) fn hmac<'c>(
    call: &mut Call<'c>,
    hash: Name<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let code: Code = match hash.bytes() {
        b"md5" => code::<Hmac<Md5>>,
        b"sha1" => code::<Hmac<Sha1>>,
        b"sha256" => code::<Hmac<Sha256>>,
        b"sha512" => code::<Hmac<Sha512>>,
        _ => return Err(Error::argument(1, "hash must be 'md5', 'sha1', 'sha256' or 'sha512'")),
    };
    let key = key.bytes().to_vec();
    compute(call, data, move |data| code(&key, data).ok_or("invalid key"))
}
