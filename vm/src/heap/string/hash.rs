//! The hash of strings and of the other keys: folded multiplication.
//!
//! Two 64-bit words are multiplied to 128 bits and the halves are combined, so that every bit of
//! the input reaches every bit of the result. The seed, random per process, keeps a script's input
//! from choosing keys that collide.

const KEY_0: u64 = 0x9E37_79B9_7F4A_7C15;
const KEY_1: u64 = 0xD6E8_FEB8_6659_FD93;

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

#[inline(always)]
fn word_at(bytes: &[u8], index: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[index..index + 8]);
    u64::from_le_bytes(word)
}

#[inline(always)]
fn half_word_at(bytes: &[u8], index: usize) -> u64 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[index..index + 4]);
    u32::from_le_bytes(word) as u64
}

/// The bytes of a string of at most 16, as two words: its first and its last ones, which may
/// overlap. Strings of one length are equal if their words are.
#[inline(always)]
pub(super) fn words_of_few(bytes: &[u8]) -> (u64, u64) {
    let length = bytes.len();
    if length >= 8 {
        (word_at(bytes, 0), word_at(bytes, length - 8))
    } else if length >= 4 {
        (half_word_at(bytes, 0), half_word_at(bytes, length - 4))
    } else if length > 0 {
        let [first, middle, last] = [bytes[0], bytes[length / 2], bytes[length - 1]].map(u64::from);
        (first << 16 | middle << 8 | last, 0)
    } else {
        (0, 0)
    }
}

/// The hash of a string.
#[inline(always)]
pub(super) fn hash(bytes: &[u8], seed: u64) -> u32 {
    let length = bytes.len();
    // No factor of any multiplication can be chosen without the seed.
    let second = seed.rotate_left(32) ^ (length as u64).wrapping_mul(KEY_1);
    let mut state = seed;
    let (a, b);
    if length > 16 {
        let mut index = 0;
        while index + 16 < length {
            state = fold(word_at(bytes, index) ^ second, word_at(bytes, index + 8) ^ state);
            index += 16;
        }
        (a, b) = (word_at(bytes, length - 16), word_at(bytes, length - 8));
    } else {
        (a, b) = words_of_few(bytes);
    }
    let mixed = fold(a ^ state, b ^ second);
    (mixed ^ mixed >> 32) as u32
}

/// The hash of the bits of any other key.
#[inline(always)]
pub(crate) fn hash_word(bits: u64) -> u32 {
    let mixed = fold(bits ^ KEY_1, KEY_0);
    (mixed ^ mixed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Words that would make a factor zero, were it not for the seed.
    #[test]
    fn texts_cannot_be_chosen_to_collide() {
        for first in [0, KEY_0, KEY_1, KEY_0 ^ KEY_1, u64::MAX] {
            for tail in [16, 24] {
                let text = |index: u64| {
                    [&first.to_le_bytes()[..], &index.to_le_bytes(), &vec![b'z'; tail]].concat()
                };
                let hashes: HashSet<u32> =
                    (0..1000).map(|index| hash(&text(index), 0x1234_5678_9ABC_DEF1)).collect();
                assert!(hashes.len() > 990, "{} hashes of 1000 texts", hashes.len());
            }
        }
    }
}
