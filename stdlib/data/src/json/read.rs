//! The reader of JSON (RFC 8259) and of JSON with comments. It passes events to the builder and is
//! not recursive, so it can stop between two values and continue later.

use crate::builder::{Builder, DecodeError};
use crate::{BYTES_PER_UNIT, ParseError, Progress};
use solvm_vm::{Call, Error, Value};

/// Values between two checks of the budget.
const VALUES_PER_CHECK: usize = 64;

/// The tokens that may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// A value.
    Value,
    /// The first item of a list, or its end.
    FirstItem,
    /// The first key of a map, or its end.
    FirstKey,
    /// A comma, or the end of the list or map.
    Comma,
    /// Only white space.
    End,
}

/// The state of a reader between two steps.
pub(super) struct Reader {
    at: usize,
    expected: Expected,
    /// Whether comments and trailing commas are allowed.
    relaxed: bool,
    /// A string with its escapes replaced.
    scratch: Vec<u8>,
}

impl Reader {
    /// Creates a reader at the start of a text; `relaxed` for JSON with comments.
    pub(super) fn new(text: &[u8], relaxed: bool) -> Reader {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Reader { at, expected: Expected::Value, relaxed, scratch: Vec::new() }
    }

    /// Reads until the end, or until the budget is used up.
    pub(super) fn read<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        builder: &mut Builder<'c>,
    ) -> Result<Progress, DecodeError> {
        loop {
            let began = self.at;
            for _ in 0..VALUES_PER_CHECK {
                self.space(text).map_err(DecodeError::Document)?;
                if self.expected == Expected::End {
                    return match text.get(self.at) {
                        None => Ok(Progress::Finished),
                        Some(_) => Err(DecodeError::Document(self.unexpected(text))),
                    };
                }
                self.event(call, text, builder)?;
            }
            if !call.charge(self.at.saturating_sub(began) / BYTES_PER_UNIT) {
                return Ok(Progress::Paused);
            }
        }
    }

    /// Skips bytes.
    #[inline]
    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Reads what is expected.
    fn event<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        builder: &mut Builder<'c>,
    ) -> Result<(), DecodeError> {
        let byte = text.get(self.at).copied();
        match (self.expected, byte) {
            (Expected::Comma, Some(b',')) => {
                self.advance(1);
                self.space(text).map_err(DecodeError::Document)?;
                let in_map = builder.in_map() == Some(true);
                let ends = text.get(self.at) == Some(if in_map { &b'}' } else { &b']' });
                if self.relaxed && ends {
                    return Ok(());
                }
                self.expected = Expected::Value;
                if in_map { self.key(call, text, builder) } else { self.value(call, text, builder) }
            }
            (Expected::FirstKey | Expected::Comma, Some(b'}'))
                if builder.in_map() == Some(true) =>
            {
                self.end(call, builder)
            }
            (Expected::FirstItem | Expected::Comma, Some(b']'))
                if builder.in_map() == Some(false) =>
            {
                self.end(call, builder)
            }
            (Expected::FirstKey, _) => self.key(call, text, builder),
            (Expected::FirstItem | Expected::Value, _) => self.value(call, text, builder),
            (Expected::Comma | Expected::End, _) => {
                Err(DecodeError::Document(self.unexpected(text)))
            }
        }
    }

    fn end<'c>(
        &mut self,
        call: &mut Call<'c>,
        builder: &mut Builder<'c>,
    ) -> Result<(), DecodeError> {
        self.advance(1);
        builder.end(call).map_err(|refusal| refusal.at(self.at))?;
        self.after_value(builder);
        Ok(())
    }

    fn after_value(&mut self, builder: &Builder<'_>) {
        self.expected = if builder.in_map().is_some() { Expected::Comma } else { Expected::End };
    }

    /// Reads a key and its colon.
    fn key<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        builder: &mut Builder<'c>,
    ) -> Result<(), DecodeError> {
        if text.get(self.at) != Some(&b'"') {
            return Err(DecodeError::Document(self.unexpected(text)));
        }
        let key = self.string(text).map_err(DecodeError::Document)?;
        let key = call.string(key).map_err(DecodeError::Vm)?;
        builder.key(key.value());
        self.space(text).map_err(DecodeError::Document)?;
        if text.get(self.at) != Some(&b':') {
            return Err(DecodeError::Document(self.unexpected(text)));
        }
        self.advance(1);
        self.expected = Expected::Value;
        Ok(())
    }

    fn value<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        builder: &mut Builder<'c>,
    ) -> Result<(), DecodeError> {
        let added = match text.get(self.at) {
            Some(b'"') => {
                let string = self.string(text).map_err(DecodeError::Document)?;
                builder.string(call, string)
            }
            Some(open @ (b'[' | b'{')) => {
                let is_map = *open == b'{';
                builder.begin(is_map).map_err(|refusal| refusal.at(self.at))?;
                self.advance(1);
                self.expected = if is_map { Expected::FirstKey } else { Expected::FirstItem };
                return Ok(());
            }
            Some(b'-' | b'0'..=b'9') => {
                let x = self.number(text).map_err(DecodeError::Document)?;
                builder.value(call, Value::number(x))
            }
            _ => self.word(call, text, builder)?,
        };
        added.map_err(DecodeError::Vm)?;
        self.after_value(builder);
        Ok(())
    }

    fn word<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        builder: &mut Builder<'c>,
    ) -> Result<Result<(), Error>, DecodeError> {
        let rest = text.get(self.at..).unwrap_or_default();
        let (length, value) = if rest.starts_with(b"true") {
            (4, Some(true))
        } else if rest.starts_with(b"false") {
            (5, Some(false))
        } else if rest.starts_with(b"null") {
            (4, None)
        } else {
            return Err(DecodeError::Document(self.unexpected(text)));
        };
        self.advance(length);
        Ok(match value {
            Some(value) => builder.value(call, Value::boolean(value)),
            None => builder.null(call),
        })
    }

    /// Reads a number by JSON's grammar.
    fn number(&mut self, text: &[u8]) -> Result<f64, ParseError> {
        /// Integers with this many digits are exact.
        const EXACT_DIGITS: usize = 15;
        /// Maximum length of a number: its conversion cannot be interrupted.
        const LONGEST_NUMBER: usize = 64 << 10;
        let start = self.at;
        let is_negative = text.get(start) == Some(&b'-');
        self.advance(usize::from(is_negative));
        let rest = text.get(self.at..).unwrap_or_default();
        let mut whole: u64 = 0;
        let digits = rest
            .iter()
            .take_while(|&&byte| {
                let digit = byte.wrapping_sub(b'0');
                if digit < 10 {
                    whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
                }
                digit < 10
            })
            .count();
        if digits == 0 || digits > 1 && rest.first() == Some(&b'0') {
            self.advance(digits.min(1));
            return Err(self.unexpected(text));
        }
        self.advance(digits);
        if !matches!(text.get(self.at), Some(b'.' | b'e' | b'E')) && digits <= EXACT_DIGITS {
            let x = whole as f64;
            return Ok(if is_negative { -x } else { x });
        }
        if text.get(self.at) == Some(&b'.') {
            self.advance(1);
            self.digits(text)?;
        }
        if let Some(b'e' | b'E') = text.get(self.at) {
            self.advance(1);
            self.advance(usize::from(matches!(text.get(self.at), Some(b'+' | b'-'))));
            self.digits(text)?;
        }
        if self.at.saturating_sub(start) > LONGEST_NUMBER {
            return Err(ParseError::new("number too long", start));
        }
        let digits = text
            .get(start..self.at)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .unwrap_or_default();
        match digits.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ => Err(ParseError::new("number out of range", start)),
        }
    }

    /// Reads one or more digits.
    fn digits(&mut self, text: &[u8]) -> Result<(), ParseError> {
        let rest = text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.advance(count);
        if count == 0 { Err(self.unexpected(text)) } else { Ok(()) }
    }

    /// Reads a string, whose opening quote is next.
    fn string<'t>(&'t mut self, text: &'t [u8]) -> Result<&'t [u8], ParseError> {
        self.advance(1);
        let plain = self.plain(text)?;
        if text.get(self.at) == Some(&b'"') {
            self.advance(1);
            return Ok(plain);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(plain);
        while text.get(self.at) == Some(&b'\\') {
            self.escape(text)?;
            let plain = self.plain(text)?;
            self.scratch.extend_from_slice(plain);
        }
        self.advance(1);
        Ok(&self.scratch)
    }

    /// Reads the characters up to a quote or an escape.
    #[inline]
    fn plain<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], ParseError> {
        let rest = text.get(self.at..).unwrap_or_default();
        let mut all = 0;
        let length = rest.iter().position(|&byte| {
            all |= byte;
            matches!(byte, b'"' | b'\\' | 0..0x20)
        });
        let Some((plain, [end, ..])) = length.and_then(|length| rest.split_at_checked(length))
        else {
            return Err(ParseError::new("unterminated string", text.len()));
        };
        let start = self.at;
        self.advance(plain.len());
        if *end < 0x20 {
            return Err(ParseError::new("control character in a string", self.at));
        }
        if all >= 0x80
            && let Err(error) = std::str::from_utf8(plain)
        {
            return Err(ParseError::new(
                "invalid UTF-8",
                start.saturating_add(error.valid_up_to()),
            ));
        }
        Ok(plain)
    }

    /// Reads an escape, whose backslash is next.
    fn escape(&mut self, text: &[u8]) -> Result<(), ParseError> {
        let start = self.at;
        let byte = match text.get(start..).and_then(|rest| rest.get(1)) {
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'u') => return self.unicode_escape(text),
            Some(_) => return Err(ParseError::new("unknown escape", start)),
            None => return Err(ParseError::new("unterminated string", text.len())),
        };
        self.scratch.push(byte);
        self.advance(2);
        Ok(())
    }

    /// Reads `\uXXXX`, or a surrogate pair.
    fn unicode_escape(&mut self, text: &[u8]) -> Result<(), ParseError> {
        let start = self.at;
        let unit = |at: usize| {
            let digits = text.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
            digits
                .iter()
                .try_fold(0, |unit: u32, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
        };
        let Some(first) = unit(start) else {
            return Err(ParseError::new(
                "four hexadecimal digits expected",
                start.saturating_add(2),
            ));
        };
        self.advance(6);
        let code = match first {
            0xd800..0xdc00 => {
                let second = unit(self.at).filter(|second| (0xdc00..0xe000).contains(second));
                self.advance(6);
                // Ten bits of each surrogate.
                second
                    .map(|second| ((first & 0x3ff) << 10 | second & 0x3ff).saturating_add(0x10000))
            }
            code => Some(code),
        };
        let Some(character) = code.and_then(char::from_u32) else {
            return Err(ParseError::new("unpaired surrogate", start));
        };
        self.scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// Skips white space, and comments if they are allowed.
    #[inline]
    fn space(&mut self, text: &[u8]) -> Result<(), ParseError> {
        loop {
            match text.get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.advance(1),
                Some(b'/') if self.relaxed => self.comment(text)?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self, text: &[u8]) -> Result<(), ParseError> {
        let rest = text.get(self.at..).unwrap_or_default();
        let length = match rest.get(1) {
            Some(b'/') => memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
            Some(b'*') => match memchr::memmem::find(rest.get(2..).unwrap_or_default(), b"*/") {
                Some(end) => end.saturating_add(4),
                None => return Err(ParseError::new("unterminated comment", self.at)),
            },
            _ => return Err(self.unexpected(text)),
        };
        self.advance(length);
        Ok(())
    }

    /// Returns the error for an unexpected character.
    #[cold]
    fn unexpected(&self, text: &[u8]) -> ParseError {
        let rest = text.get(self.at..).unwrap_or_default();
        let reason = match rest.first() {
            None => "unexpected end of input".to_string(),
            Some(byte @ 0x20..0x7f) => format!("unexpected '{}'", char::from(*byte)),
            Some(byte) => format!("unexpected byte {byte:#04x}"),
        };
        ParseError::new(reason, self.at)
    }
}
