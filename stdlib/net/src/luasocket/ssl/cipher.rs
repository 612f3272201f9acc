//! Cipher suites and curves by OpenSSL's names.

use rustls::{CipherSuite, NamedGroup};

/// A cipher suite as OpenSSL describes it.
pub(super) struct Cipher {
    pub(super) suite: CipherSuite,
    pub(super) name: &'static str,
    pub(super) protocol: &'static str,
    pub(super) key_exchange: &'static str,
    pub(super) authentication: &'static str,
    pub(super) encryption: &'static str,
    pub(super) bits: f64,
}

const fn cipher(
    suite: CipherSuite,
    name: &'static str,
    exchange: [&'static str; 3],
    encryption: &'static str,
    bits: f64,
) -> Cipher {
    let [protocol, key_exchange, authentication] = exchange;
    Cipher { suite, name, protocol, key_exchange, authentication, encryption, bits }
}

const V13: [&str; 3] = ["TLSv1.3", "any", "any"];
const ECDSA: [&str; 3] = ["TLSv1.2", "ECDH", "ECDSA"];
const RSA: [&str; 3] = ["TLSv1.2", "ECDH", "RSA"];
const AES_128: &str = "AESGCM(128)";
const AES_256: &str = "AESGCM(256)";
const CHACHA: &str = "CHACHA20/POLY1305(256)";

static CIPHERS: &[Cipher] = &[
    cipher(CipherSuite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", V13, AES_256, 256.0),
    cipher(CipherSuite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", V13, AES_128, 128.0),
    cipher(
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        "TLS_CHACHA20_POLY1305_SHA256",
        V13,
        CHACHA,
        256.0,
    ),
    cipher(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        ECDSA,
        AES_256,
        256.0,
    ),
    cipher(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        ECDSA,
        AES_128,
        128.0,
    ),
    cipher(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        ECDSA,
        CHACHA,
        256.0,
    ),
    cipher(
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES256-GCM-SHA384",
        RSA,
        AES_256,
        256.0,
    ),
    cipher(
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256",
        RSA,
        AES_128,
        128.0,
    ),
    cipher(
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305",
        RSA,
        CHACHA,
        256.0,
    ),
];

/// The description of a suite.
pub(super) fn describe(suite: CipherSuite) -> Option<&'static Cipher> {
    CIPHERS.iter().find(|cipher| cipher.suite == suite)
}

fn is_v13(cipher: &Cipher) -> bool {
    cipher.protocol == "TLSv1.3"
}

/// The suites of TLS 1.2 that a list in OpenSSL's syntax selects. Suites that do not exist are
/// skipped, and exclusions concern only those.
pub(super) fn selected(list: &str) -> Vec<CipherSuite> {
    let words = || list.split([':', ',', ' ']);
    let is_all = |word: &str| {
        word.split('+').any(|part| {
            matches!(part, "ALL" | "DEFAULT" | "HIGH" | "AESGCM" | "ECDHE" | "EECDH" | "kEECDH")
        })
    };
    let wants = |cipher: &&Cipher| words().any(|word| word == cipher.name || is_all(word));
    let excluded = |cipher: &&Cipher| {
        words().any(|word| word.strip_prefix(['!', '-']).is_some_and(|word| word == cipher.name))
    };
    let old = CIPHERS.iter().filter(|cipher| !is_v13(cipher));
    old.filter(wants).filter(|cipher| !excluded(cipher)).map(|cipher| cipher.suite).collect()
}

/// The suites of TLS 1.3 in a list. None if one of them does not exist.
pub(super) fn selected_v13(list: &str) -> Option<Vec<CipherSuite>> {
    let find = |name: &str| {
        let mut known = CIPHERS.iter().filter(|cipher| is_v13(cipher));
        known.find(|cipher| cipher.name == name).map(|cipher| cipher.suite)
    };
    list.split(':').map(find).collect()
}

/// The suites of TLS 1.3, or of 1.2.
pub(super) fn all(v13: bool) -> impl Iterator<Item = CipherSuite> {
    CIPHERS.iter().filter(move |cipher| is_v13(cipher) == v13).map(|cipher| cipher.suite)
}

/// A curve by its name.
pub(super) fn curve(name: &str) -> Option<NamedGroup> {
    match name {
        "X25519" => Some(NamedGroup::X25519),
        "P-256" | "prime256v1" | "secp256r1" => Some(NamedGroup::secp256r1),
        "P-384" | "secp384r1" => Some(NamedGroup::secp384r1),
        _ => None,
    }
}
