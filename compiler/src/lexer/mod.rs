//! Source bytes to tokens: the parts of Lua's lexical grammar that need more than a regular
//! expression, with the messages and line numbers of PUC Lua 5.1.

pub(crate) mod token;

use crate::diagnostic::{BYTE_ORDER_MARK, Span};
use crate::error::{Fault, Near};
use crate::numeral;
use crate::utf8;
use logos::Logos;
use std::ops::Range;
use std::sync::Arc;
use token::{Name, Names, Token};

/// The lexer's state besides its position in the text.
pub(crate) struct State {
    /// The line at the current position.
    pub(crate) line: u32,
    /// Every identifier of the chunk.
    pub(crate) names: Names,
}

impl Default for State {
    fn default() -> Self {
        State { line: 1, names: Names::with_hasher(Default::default()) }
    }
}

pub(crate) type Lexer<'s> = logos::Lexer<'s, Token>;

/// A lexer at the first token of a chunk: after a byte order mark, and after a first line for the
/// OS's loader. In a string that is `#!`; in a file, as in PUC Lua, any first line that starts with
/// `#`.
pub(crate) fn lexer<'s>(text: &'s [u8], chunk_name: &[u8]) -> Lexer<'s> {
    let start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let first = text.get(start..).unwrap_or_default();
    let is_file = chunk_name.starts_with(b"@") || chunk_name == b"=stdin";
    let skipped = if first.starts_with(b"#!") || (is_file && first.starts_with(b"#")) {
        first.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(first.len())
    } else {
        0
    };
    let mut lexer = Token::lexer(text);
    lexer.bump(start + skipped);
    lexer
}

/// Skips what follows a line break and is not a token.
pub(crate) fn newline(lexer: &mut Lexer<'_>) -> Result<(), Fault> {
    lexer.extras.line = lexer.extras.line.saturating_add(1);
    skip_blank(lexer)
}

/// Skips a comment after its `--`, and what follows it and is not a token.
pub(crate) fn comment(lexer: &mut Lexer<'_>) -> Result<(), Fault> {
    skip_comment(lexer)?;
    skip_blank(lexer)
}

/// Skips white space, line breaks and comments. In one go: logos calls the next state for each
/// thing that it skips, and the compiler need not make that a jump.
fn skip_blank(lexer: &mut Lexer<'_>) -> Result<(), Fault> {
    loop {
        match lexer.remainder() {
            [b' ' | b'\t' | 0x0B | 0x0C, ..] => lexer.bump(1),
            [b'\n', b'\r', ..] | [b'\r', b'\n', ..] => {
                lexer.extras.line = lexer.extras.line.saturating_add(1);
                lexer.bump(2);
            }
            [b'\n' | b'\r', ..] => {
                lexer.extras.line = lexer.extras.line.saturating_add(1);
                lexer.bump(1);
            }
            [b'-', b'-', ..] => {
                lexer.bump(2);
                skip_comment(lexer)?;
            }
            _ => return Ok(()),
        }
    }
}

pub(crate) fn name(lexer: &mut Lexer<'_>) -> Result<Name, Fault> {
    std::str::from_utf8(lexer.slice())
        .ok()
        .and_then(|text| lexer.extras.names.try_get_or_intern(text).ok())
        .ok_or_else(|| Fault::new("not enough memory", Near::Nothing, lexer.extras.line))
}

pub(crate) fn number(lexer: &mut Lexer<'_>) -> Result<f64, Fault> {
    numeral::read(lexer.slice()).ok_or_else(|| {
        Fault::new("malformed number", Near::Text(lexer.slice().to_vec()), lexer.extras.line)
    })
}

/// Skips a comment after its `--`.
fn skip_comment(lexer: &mut Lexer<'_>) -> Result<(), Fault> {
    let start = lexer.span().end - 2;
    let rest = lexer.remainder();
    if let Some(level) = long_bracket_level(rest) {
        lexer.bump(level + 2);
        let opening = Span::from(start..lexer.span().end);
        long_text(lexer, level, "unfinished long comment").map_err(|fault| fault.at(opening))?;
    } else {
        let length =
            rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
        lexer.bump(length);
    }
    Ok(())
}

/// The number of equals signs if `text` starts with an opening long bracket.
fn long_bracket_level(text: &[u8]) -> Option<usize> {
    let after = text.strip_prefix(b"[")?;
    let level = after.iter().take_while(|&&byte| byte == b'=').count();
    (after.get(level) == Some(&b'[')).then_some(level)
}

pub(crate) fn long_string(lexer: &mut Lexer<'_>) -> Result<Arc<[u8]>, Fault> {
    let level = lexer.slice().len() - 2;
    long_text(lexer, level, "unfinished long string").map(Arc::from)
}

pub(crate) fn unfinished_long_bracket(lexer: &mut Lexer<'_>) -> Result<Arc<[u8]>, Fault> {
    Err(Fault::new(
        "invalid long string delimiter",
        Near::Text(lexer.slice().to_vec()),
        lexer.extras.line,
    ))
}

/// Reads up to and including the closing long bracket of that level. Every line break becomes `\n`;
/// one right after the opening bracket is dropped.
fn long_text(lexer: &mut Lexer<'_>, level: usize, unfinished: &str) -> Result<Vec<u8>, Fault> {
    let mut cursor = Cursor::new(lexer);
    cursor.skip_line_break();
    let mut text = Vec::new();
    loop {
        match cursor.peek() {
            None => return Err(Fault::new(unfinished, Near::EndOfInput, cursor.line)),
            Some(b']') if closes_long_bracket(cursor.rest(), level) => {
                cursor.position += level + 2;
                cursor.finish(lexer);
                return Ok(text);
            }
            // A rule of Lua 5.0's successor: there, such brackets used to nest.
            Some(b'[') if level == 0 && cursor.rest().starts_with(b"[[") => {
                let near = Near::Text(b"[".to_vec());
                let bracket = cursor.position..cursor.position + 2;
                return Err(Fault::new("nesting of [[...]] is deprecated", near, cursor.line)
                    .at(bracket.into()));
            }
            Some(b'\n' | b'\r') => {
                cursor.skip_line_break();
                text.push(b'\n');
            }
            Some(byte) => {
                cursor.position += 1;
                text.push(byte);
            }
        }
    }
}

fn closes_long_bracket(text: &[u8], level: usize) -> bool {
    let after = text.get(1..).unwrap_or_default();
    after.iter().take_while(|&&byte| byte == b'=').count() == level
        && after.get(level) == Some(&b']')
}

pub(crate) fn quoted_string(lexer: &mut Lexer<'_>) -> Result<Arc<[u8]>, Fault> {
    let quote = lexer.slice().first().copied().unwrap_or_default();
    let mut cursor = Cursor::new(lexer);
    let mut text = Vec::new();
    loop {
        let plain = cursor
            .rest()
            .iter()
            .take_while(|&&byte| !matches!(byte, b'\\' | b'\n' | b'\r') && byte != quote);
        let plain = cursor.rest().get(..plain.count()).unwrap_or_default();
        cursor.position += plain.len();
        if text.is_empty() && cursor.peek() == Some(quote) {
            // Most strings are written as they are.
            cursor.position += 1;
            cursor.finish(lexer);
            return Ok(plain.into());
        }
        text.extend_from_slice(plain);
        match cursor.peek() {
            None => {
                let fault = Fault::new("unfinished string", Near::EndOfInput, cursor.line);
                return Err(fault.at(cursor.span_from(cursor.start)));
            }
            Some(b'\n' | b'\r') => {
                let fault = bad_string("unfinished string", quote, &text, cursor.line);
                return Err(fault.at(cursor.span_from(cursor.start)));
            }
            Some(b'\\') => {
                cursor.position += 1;
                escape(&mut cursor, quote, &mut text)?;
            }
            Some(_) => {
                cursor.position += 1;
                cursor.finish(lexer);
                return Ok(text.into());
            }
        }
    }
}

/// An error in a quoted string, near what has been read of it.
fn bad_string(message: &str, quote: u8, text: &[u8], line: u32) -> Fault {
    Fault::new(message, Near::Text([&[quote], text].concat()), line)
}

/// Reads an escape sequence after its backslash.
fn escape(cursor: &mut Cursor<'_>, quote: u8, text: &mut Vec<u8>) -> Result<(), Fault> {
    let Some(byte) = cursor.peek() else {
        return Ok(()); // The string's own loop reports the end of the input.
    };
    let start = cursor.position;
    if byte == b'\n' || byte == b'\r' {
        cursor.skip_line_break();
        text.push(b'\n');
        return Ok(());
    }
    if byte.is_ascii_digit() {
        let mut code = 0;
        while let Some(digit @ b'0'..=b'9') = cursor.peek()
            && cursor.position < start + 3
        {
            code = code * 10 + u32::from(digit - b'0');
            cursor.position += 1;
        }
        let byte = u8::try_from(code).map_err(|_| {
            bad_string("escape sequence too large", quote, text, cursor.line)
                .at(cursor.span_from(start - 1))
        })?;
        text.push(byte);
        return Ok(());
    }
    cursor.position += 1;
    match byte {
        b'a' => text.push(7),
        b'b' => text.push(8),
        b'f' => text.push(12),
        b'n' => text.push(b'\n'),
        b'r' => text.push(b'\r'),
        b't' => text.push(b'\t'),
        b'v' => text.push(11),
        b'z' => {
            while let Some(space @ (b' ' | b'\t'..=b'\r')) = cursor.peek() {
                if matches!(space, b'\n' | b'\r') {
                    cursor.skip_line_break();
                } else {
                    cursor.position += 1;
                }
            }
        }
        b'x' => {
            let mut code = 0;
            for _ in 0..2 {
                code = code << 4 | hexadecimal_digit(cursor, start, quote, text)?;
            }
            text.push(code as u8);
        }
        b'u' => {
            let code = braced_code_point(cursor, start, quote, text)?;
            utf8::push(text, code);
        }
        other => text.push(other),
    }
    Ok(())
}

/// An error in the escape sequence whose letter is at `start`, near the string up to the invalid
/// byte.
fn bad_escape(message: &str, cursor: &Cursor<'_>, start: usize, quote: u8, text: &[u8]) -> Fault {
    let read = cursor
        .text
        .get(start - 1..=cursor.position)
        .or(cursor.text.get(start - 1..))
        .unwrap_or_default();
    let span = Span::from(start - 1..(cursor.position + 1).min(cursor.text.len()));
    bad_string(message, quote, &[text, read].concat(), cursor.line).at(span)
}

fn hexadecimal_digit(
    cursor: &mut Cursor<'_>,
    start: usize,
    quote: u8,
    text: &[u8],
) -> Result<u32, Fault> {
    let digit = cursor.peek().and_then(|byte| char::from(byte).to_digit(16));
    let digit = digit
        .ok_or_else(|| bad_escape("hexadecimal digit expected", cursor, start, quote, text))?;
    cursor.position += 1;
    Ok(digit)
}

/// The code point of `\u{XXX}` after the `u`: as in Lua 5.4, anything below 2^31.
fn braced_code_point(
    cursor: &mut Cursor<'_>,
    start: usize,
    quote: u8,
    text: &[u8],
) -> Result<u32, Fault> {
    if cursor.peek() != Some(b'{') {
        return Err(bad_escape("missing '{'", cursor, start, quote, text));
    }
    cursor.position += 1;
    let mut code = hexadecimal_digit(cursor, start, quote, text)?;
    while cursor.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
        if code >= 1 << 27 {
            return Err(bad_escape("UTF-8 value too large", cursor, start, quote, text));
        }
        code = code << 4 | hexadecimal_digit(cursor, start, quote, text)?;
    }
    if cursor.peek() != Some(b'}') {
        return Err(bad_escape("missing '}'", cursor, start, quote, text));
    }
    cursor.position += 1;
    Ok(code)
}

/// A position after the token's opening; `finish` moves the lexer there.
struct Cursor<'s> {
    text: &'s [u8],
    /// Where the token starts.
    start: usize,
    position: usize,
    line: u32,
}

impl<'s> Cursor<'s> {
    fn new(lexer: &Lexer<'s>) -> Self {
        let Range { start, end } = lexer.span();
        Cursor { text: lexer.source(), start, position: end, line: lexer.extras.line }
    }

    /// The bytes from `start` up to here.
    fn span_from(&self, start: usize) -> Span {
        (start..self.position).into()
    }

    fn finish(self, lexer: &mut Lexer<'s>) {
        lexer.bump(self.position - lexer.span().end);
        lexer.extras.line = self.line;
    }

    fn rest(&self) -> &'s [u8] {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    /// Skips `\n`, `\r`, `\n\r` or `\r\n`, which is one line break.
    fn skip_line_break(&mut self) {
        match self.rest() {
            [b'\n', b'\r', ..] | [b'\r', b'\n', ..] => self.position += 2,
            [b'\n' | b'\r', ..] => self.position += 1,
            _ => return,
        }
        self.line = self.line.saturating_add(1);
    }
}
