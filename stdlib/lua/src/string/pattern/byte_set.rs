//! A set of bytes, 256 bits, and the character classes of the C locale.

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Whether the set contains `byte`.
    #[inline(always)]
    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    pub(super) const fn insert(&mut self, byte: u8) {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
    }

    pub(super) fn insert_range(&mut self, from: u8, to: u8) {
        for byte in from..=to {
            self.insert(byte);
        }
    }

    pub(super) fn insert_all(&mut self, other: &ByteSet) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    pub(super) const fn complement(&self) -> ByteSet {
        ByteSet([!self.0[0], !self.0[1], !self.0[2], !self.0[3]])
    }

    pub(super) fn is_disjoint(&self, other: &ByteSet) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| mine & theirs == 0)
    }

    /// Returns the set for `%letter`; `None` if the letter is not a class, so that `%letter`
    /// matches the byte itself.
    pub(super) fn class(letter: u8) -> Option<ByteSet> {
        let set = match letter.to_ascii_lowercase() {
            b'a' => &LETTERS,
            b'c' => &CONTROLS,
            b'd' => &DIGITS,
            b'l' => &LOWER_CASE,
            b'p' => &PUNCTUATION,
            b's' => &SPACES,
            b'u' => &UPPER_CASE,
            b'w' => &ALPHANUMERICS,
            b'x' => &HEXADECIMALS,
            b'z' => &ZERO,
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { set.complement() } else { *set })
    }
}

/// Builds the set of the bytes for which `$test` holds, at compile time.
macro_rules! set_of {
    ($byte:ident => $test:expr) => {{
        let mut set = ByteSet([0; 4]);
        let mut $byte = 0u8;
        loop {
            if $test {
                set.insert($byte);
            }
            if $byte == u8::MAX {
                break set;
            }
            $byte += 1;
        }
    }};
}

static LETTERS: ByteSet = set_of!(byte => byte.is_ascii_alphabetic());
static CONTROLS: ByteSet = set_of!(byte => byte.is_ascii_control());
static DIGITS: ByteSet = set_of!(byte => byte.is_ascii_digit());
static LOWER_CASE: ByteSet = set_of!(byte => byte.is_ascii_lowercase());
static PUNCTUATION: ByteSet = set_of!(byte => byte.is_ascii_punctuation());
// C's isspace has the vertical tab, which is_ascii_whitespace leaves out.
static SPACES: ByteSet = set_of!(byte => byte.is_ascii_whitespace() || byte == 0x0B);
static UPPER_CASE: ByteSet = set_of!(byte => byte.is_ascii_uppercase());
static ALPHANUMERICS: ByteSet = set_of!(byte => byte.is_ascii_alphanumeric());
static HEXADECIMALS: ByteSet = set_of!(byte => byte.is_ascii_hexdigit());
static ZERO: ByteSet = set_of!(byte => byte == 0);
