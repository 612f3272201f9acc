//! Checksums, in hexadecimal digits.

use sha2::Digest;

/// The SHA-256 of bytes, which the lock file has.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// The MD5 of bytes, which rockspecs have. It finds damaged files, not forged ones.
pub(crate) fn md5(bytes: &[u8]) -> String {
    hex(&md5::Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
