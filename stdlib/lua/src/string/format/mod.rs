//! The directives of `string.format`: the output of C's `printf` for doubles, byte for byte.
//!
//! It differs from PUC Lua 5.1 in one respect, as later versions do: a zero byte in a `%s` or `%c`
//! argument is kept, where PUC Lua truncates the item.

mod float;

use float::FloatText;

/// A part of a format string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Literal text.
    Text(&'a [u8]),
    /// A directive with an argument. A missing argument takes precedence over an error in the
    /// directive.
    Directive(Result<Directive, FormatError>),
}

/// An iterator over the parts of a format string. It ends after an invalid directive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
}

impl<'a> Pieces<'a> {
    /// Creates an iterator over `format`.
    pub(super) fn new(format: &'a [u8]) -> Pieces<'a> {
        Pieces { rest: format }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        match *self.rest {
            [] => None,
            [b'%', b'%', ref rest @ ..] => {
                self.rest = rest;
                Some(Piece::Text(b"%"))
            }
            [b'%', ref rest @ ..] => {
                let (directive, rest) = match Directive::parse(rest) {
                    Ok((directive, rest)) => (Ok(directive), rest),
                    Err(error) => (Err(error), &[][..]),
                };
                self.rest = rest;
                Some(Piece::Directive(directive))
            }
            _ => {
                let (text, rest) =
                    self.rest.split_at(memchr::memchr(b'%', self.rest).unwrap_or(self.rest.len()));
                self.rest = rest;
                Some(Piece::Text(text))
            }
        }
    }
}

/// Errors in a format string, with PUC Lua 5.1's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatError {
    /// An invalid conversion; `None` at the end of the format.
    InvalidOption(Option<u8>),
    /// More than five flags.
    RepeatedFlags,
    /// A width or precision with more than two digits.
    TooLong,
}

impl FormatError {
    /// Returns the message as bytes: the invalid option is a byte of the script.
    pub(super) fn message(self) -> Vec<u8> {
        match self {
            FormatError::InvalidOption(option) => {
                let mut message = b"invalid option '%".to_vec();
                message.extend(option);
                message.extend(b"' to 'format'");
                message
            }
            FormatError::RepeatedFlags => b"invalid format (repeated flags)".to_vec(),
            FormatError::TooLong => b"invalid format (width or precision too long)".to_vec(),
        }
    }
}

/// A directive: `%`, flags, width, precision, conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: u8,
}

/// The type of a directive's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArgumentKind {
    /// For [`Directive::number`].
    Number,
    /// For [`Directive::string`].
    String,
    /// For [`quote`].
    Quoted,
}

impl Directive {
    /// Parses the text after a `%`; also returns the rest of the format.
    ///
    /// # Errors
    /// As in PUC Lua: too many flags, a width or precision that is too long, or an invalid
    /// conversion.
    pub(super) fn parse(text: &[u8]) -> Result<(Directive, &[u8]), FormatError> {
        let flags_end = text.iter().position(|byte| !b"-+ #0".contains(byte)).unwrap_or(text.len());
        let (flags, rest) = text.split_at(flags_end);
        if flags.len() > 5 {
            return Err(FormatError::RepeatedFlags);
        }
        let (width, mut rest) = two_digits(rest);
        let mut precision = None;
        if let Some(after) = rest.strip_prefix(b".") {
            let (digits, after) = two_digits(after);
            (precision, rest) = (Some(digits), after);
        }
        let Some((&conversion, rest)) = rest.split_first() else {
            return Err(FormatError::InvalidOption(None));
        };
        if conversion.is_ascii_digit() {
            return Err(FormatError::TooLong);
        }
        if !b"cdiuoxXeEfgGqs".contains(&conversion) {
            return Err(FormatError::InvalidOption(Some(conversion)));
        }
        let has = |flag| flags.contains(&flag);
        let directive = Directive {
            left: has(b'-'),
            plus: has(b'+'),
            space: has(b' '),
            alternate: has(b'#'),
            zero: has(b'0'),
            width,
            precision,
            conversion,
        };
        Ok((directive, rest))
    }

    /// Returns the type of its argument.
    pub(super) fn argument(&self) -> ArgumentKind {
        match self.conversion {
            b's' => ArgumentKind::String,
            b'q' => ArgumentKind::Quoted,
            _ => ArgumentKind::Number,
        }
    }

    /// Whether `%s` keeps the string unchanged.
    pub(super) fn is_bare(&self) -> bool {
        self.width == 0 && self.precision.is_none()
    }

    /// Appends a string: `%s`.
    pub(super) fn string(&self, text: &[u8], out: &mut Vec<u8>) {
        let length = self.precision.map_or(text.len(), |precision| precision.min(text.len()));
        self.pad(b"", &text[..length], false, out);
    }

    /// Appends a number: any conversion except `%s` and `%q`.
    pub(super) fn number(&self, x: f64, out: &mut Vec<u8>) {
        match self.conversion {
            b'c' => self.pad(b"", &[to_int(x) as u8], false, out),
            b'd' | b'i' => {
                let x = to_long(x);
                self.integer(self.sign(x < 0), x.unsigned_abs(), 10, out);
            }
            b'u' => self.integer(b"", to_unsigned_long(x), 10, out),
            b'o' => self.integer(b"", to_unsigned_long(x), 8, out),
            b'x' => {
                self.integer(if self.alternate { b"0x" } else { b"" }, to_unsigned_long(x), 16, out)
            }
            b'X' => {
                self.integer(if self.alternate { b"0X" } else { b"" }, to_unsigned_long(x), 16, out)
            }
            _ => self.float(x, out),
        }
    }

    fn sign(&self, negative: bool) -> &'static [u8] {
        match self {
            _ if negative => b"-",
            Directive { plus: true, .. } => b"+",
            Directive { space: true, .. } => b" ",
            _ => b"",
        }
    }

    /// Appends `prefix` and `body`, padded to the width with spaces, or with zeros between the two.
    fn pad(&self, prefix: &[u8], body: &[u8], with_zeros: bool, out: &mut Vec<u8>) {
        let padding = self.width.saturating_sub(prefix.len() + body.len());
        let (before, zeros, after) = match (self.left, with_zeros) {
            (true, _) => (0, 0, padding),
            (false, true) => (0, padding, 0),
            (false, false) => (padding, 0, 0),
        };
        out.resize(out.len() + before, b' ');
        out.extend_from_slice(prefix);
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(body);
        out.resize(out.len() + after, b' ');
    }

    fn integer(&self, prefix: &[u8], x: u64, radix: u64, out: &mut Vec<u8>) {
        let letters =
            if self.conversion == b'X' { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        // 99 digits of precision are more than the 22 digits of the number in base 8.
        let mut digits = [b'0'; 100];
        let mut start = digits.len();
        let mut rest = x;
        while rest > 0 {
            start -= 1;
            digits[start] = letters[(rest % radix) as usize];
            rest /= radix;
        }
        start = start.min(digits.len() - self.precision.unwrap_or(1));
        if radix == 8 && self.alternate && digits.get(start) != Some(&b'0') {
            start -= 1;
        }
        let prefix = if radix == 16 && x == 0 { b"" } else { prefix };
        self.pad(prefix, &digits[start..], self.zero && self.precision.is_none(), out);
    }

    fn float(&self, x: f64, out: &mut Vec<u8>) {
        let sign = self.sign(x.is_sign_negative());
        let x = x.abs();
        if !x.is_finite() {
            let name = match (x.is_nan(), self.conversion.is_ascii_uppercase()) {
                (true, true) => b"NAN",
                (true, false) => b"nan",
                (false, true) => b"INF",
                (false, false) => b"inf",
            };
            return self.pad(sign, name, false, out);
        }
        let precision = self.precision.unwrap_or(6);
        let mut text = FloatText::new();
        match self.conversion {
            b'f' => text.fixed(x, precision, self.alternate),
            b'e' | b'E' => text.scientific(x, precision, self.alternate),
            _ => text.general(x, precision.max(1), self.alternate),
        }
        if self.conversion.is_ascii_uppercase() {
            text.as_mut_slice().make_ascii_uppercase();
        }
        self.pad(sign, text.as_mut_slice(), self.zero, out);
    }
}

/// Appends a string as a literal that Lua reads back: `%q`.
pub(super) fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' | b'\n' => out.extend([b'\\', byte]),
            b'\r' => out.extend(b"\\r"),
            0 => out.extend(b"\\000"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Parses a number of at most two digits.
fn two_digits(text: &[u8]) -> (usize, &[u8]) {
    let length = text.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    (digits.iter().fold(0, |sum, &digit| sum * 10 + usize::from(digit - b'0')), rest)
}

/// C's conversion to `int` on x86-64: numbers out of range become the smallest `int`.
fn to_int(x: f64) -> i32 {
    let in_range = x > -2_147_483_649.0 && x < 2_147_483_648.0;
    if in_range { x as i32 } else { i32::MIN }
}

/// C's conversion to `long` on x86-64.
fn to_long(x: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) { x as i64 } else { i64::MIN }
}

/// C's conversion to `unsigned long` on x86-64: negative numbers wrap.
fn to_unsigned_long(x: f64) -> u64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if x >= LIMIT { to_long(x - LIMIT) as u64 ^ (1 << 63) } else { to_long(x) as u64 }
}

#[cfg(test)]
mod tests;
