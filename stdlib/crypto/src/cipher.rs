//! Ciphers. Encrypted data is base64. A key or an initialization vector of an invalid length is an
//! argument error; data that cannot be decrypted gives nil and a message.

use super::{Outcome, compute, from_base64, to_base64};
use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit,
    KeyInit,
};
use des::Des;
use rc4::{Rc4, StreamCipher};
use solvm_vm::native::Results;
use solvm_vm::{Call, Error, LuaString};

/// Encrypts or decrypts data with a key and an initialization vector of valid lengths.
type Work = fn(data: &[u8], key: &[u8], iv: &[u8]) -> Outcome;

/// Cannot occur for checked keys.
const WRONG_LENGTH: &str = "invalid key or IV length";
const WRONG_DATA: &str = "decryption failed: invalid padding";

fn encrypt<C: BlockCipherEncrypt + KeyInit>(data: &[u8], key: &[u8], iv: &[u8]) -> Outcome {
    let cipher = C::new_from_slice(key).map_err(|_| WRONG_LENGTH)?;
    let mode = cbc::Encryptor::inner_iv_slice_init(cipher, iv).map_err(|_| WRONG_LENGTH)?;
    Ok(to_base64(&mode.encrypt_padded_vec::<Pkcs7>(data)))
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(data: &[u8], key: &[u8], iv: &[u8]) -> Outcome {
    let cipher = C::new_from_slice(key).map_err(|_| WRONG_LENGTH)?;
    let mode = cbc::Decryptor::inner_iv_slice_init(cipher, iv).map_err(|_| WRONG_LENGTH)?;
    let data = from_base64(data)?;
    mode.decrypt_padded_vec::<Pkcs7>(&data).map_err(|_| WRONG_DATA)
}

/// Applies AES in CBC mode; the key length selects the variant.
fn aes<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
    works: [Work; 3],
) -> Result<impl Results<'c> + use<'c>, Error> {
    let [with_128, with_192, with_256] = works;
    let work = match key.bytes().len() {
        16 => with_128,
        24 => with_192,
        32 => with_256,
        length => {
            return Err(Error::argument(
                2,
                format!("invalid key length {length} (expected 16, 24 or 32)"),
            ));
        }
    };
    chained(call, data, key, iv, 16, work)
}

/// Applies DES in CBC mode.
fn des<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
    work: Work,
) -> Result<impl Results<'c> + use<'c>, Error> {
    if key.bytes().len() != 8 {
        return Err(Error::argument(
            2,
            format!("invalid key length {} (expected 8)", key.bytes().len()),
        ));
    }
    chained(call, data, key, iv, 8, work)
}

/// Applies a cipher in CBC mode, with an initialization vector of one block.
fn chained<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
    block: usize,
    work: Work,
) -> Result<impl Results<'c> + use<'c>, Error> {
    if iv.bytes().len() != block {
        return Err(Error::argument(
            3,
            format!("invalid IV length {} (expected {block})", iv.bytes().len()),
        ));
    }
    let (key, iv) = (key.bytes().to_vec(), iv.bytes().to_vec());
    compute(call, data, move |data| work(data, &key, &iv))
}

/// `crypto.aes_encrypt(data, key, iv)`: encrypts with AES-CBC and PKCS#7 padding, to base64.
pub(super) fn aes_encrypt<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    aes(call, data, key, iv, [encrypt::<Aes128>, encrypt::<Aes192>, encrypt::<Aes256>])
}

/// `crypto.aes_decrypt(encrypted, key, iv)`: returns the data; nil and a message if it cannot be
/// decrypted.
pub(super) fn aes_decrypt<'c>(
    call: &mut Call<'c>,
    encrypted: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    aes(call, encrypted, key, iv, [decrypt::<Aes128>, decrypt::<Aes192>, decrypt::<Aes256>])
}

/// `crypto.des_encrypt(data, key, iv)`: encrypts with DES-CBC and PKCS#7 padding, to base64.
pub(super) fn des_encrypt<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    des(call, data, key, iv, encrypt::<Des>)
}

/// `crypto.des_decrypt(encrypted, key, iv)`: returns the data; nil and a message if it cannot be
/// decrypted.
pub(super) fn des_decrypt<'c>(
    call: &mut Call<'c>,
    encrypted: LuaString<'c>,
    key: LuaString<'c>,
    iv: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    des(call, encrypted, key, iv, decrypt::<Des>)
}

/// Checks a key of RC4.
fn rc4_key(key: LuaString) -> Result<Vec<u8>, Error> {
    match key.bytes() {
        key if (1..=256).contains(&key.len()) => Ok(key.to_vec()),
        key => {
            Err(Error::argument(2, format!("invalid key length {} (expected 1 to 256)", key.len())))
        }
    }
}

/// Encryption and decryption are the same.
fn rc4(mut data: Vec<u8>, key: &[u8]) -> Outcome {
    let mut cipher = Rc4::new_from_slice(key).map_err(|_| WRONG_LENGTH)?;
    cipher.apply_keystream(&mut data);
    Ok(data)
}

/// `crypto.rc4_encrypt(data, key)`: encrypts with RC4, to base64.
pub(super) fn rc4_encrypt<'c>(
    call: &mut Call<'c>,
    data: LuaString<'c>,
    key: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let key = rc4_key(key)?;
    compute(call, data, move |data| Ok(to_base64(&rc4(data.to_vec(), &key)?)))
}

/// `crypto.rc4_decrypt(encrypted, key)`: returns the data; nil and a message if the input is not
/// base64.
pub(super) fn rc4_decrypt<'c>(
    call: &mut Call<'c>,
    encrypted: LuaString<'c>,
    key: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let key = rc4_key(key)?;
    compute(call, encrypted, move |data| rc4(from_base64(data)?, &key))
}
