//! The tokens of a template, in the order in which they are read.
//!
//! Invariant: the position is at the start of a token, except while one is read. After an error
//! nothing more is read.

use super::literal::quoted;
use std::ops::Range;

/// The kind of a token. Keywords include the dot and `nil`, as in Go's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text outside actions.
    Text,
    /// The delimiters of an action.
    Left,
    Right,
    Space,
    Pipe,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    LeftParenthesis,
    RightParenthesis,
    /// Any other character.
    Character,
    Boolean,
    CharacterConstant,
    Number,
    Complex,
    Field,
    Identifier,
    Variable,
    String,
    Keyword,
    End,
    /// What cannot be read.
    Fault,
}

/// A token: its text, and the line where it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) line: usize,
}

impl Token<'_> {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Keyword && self.text == keyword
    }

    /// The token in a message.
    pub(super) fn described(&self) -> String {
        match self.kind {
            Kind::End => "EOF".to_string(),
            Kind::Keyword => format!("<{}>", self.text),
            _ => match self.text.char_indices().nth(10) {
                Some((end, _)) if self.text.len() > 10 => {
                    format!("{}...", quoted(self.text.get(..end).unwrap_or_default()))
                }
                _ => quoted(self.text),
            },
        }
    }
}

/// What is wrong, and in which line.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) line: usize,
}

const KEYWORDS: &[&str] = &[
    ".", "block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template",
    "with",
];

/// Reads the tokens.
pub(super) struct Tokens<'t> {
    text: &'t str,
    left: &'t str,
    right: &'t str,
    /// Where the token that is read next starts, and the line.
    start: usize,
    line: usize,
    is_in_action: bool,
    /// How many parentheses are open.
    parentheses: usize,
    /// Whether the space before the next text belongs to the action.
    trims: bool,
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// Whether a `-` with a space trims the text before an action.
fn has_left_marker(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space))
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str, left: &'t str, right: &'t str) -> Self {
        Tokens {
            text,
            left,
            right,
            start: 0,
            line: 1,
            is_in_action: false,
            parentheses: 0,
            trims: false,
        }
    }

    fn from(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or_default()
    }

    fn rest(&self) -> &'t str {
        self.from(self.start)
    }

    /// Moves behind `length` bytes.
    fn skip(&mut self, length: usize) -> &'t str {
        let range: Range<usize> = self.start..self.start.saturating_add(length);
        let skipped = self.text.get(range.clone()).unwrap_or_default();
        self.line =
            self.line.saturating_add(memchr::memchr_iter(b'\n', skipped.as_bytes()).count());
        self.start = range.end;
        skipped
    }

    fn token(&mut self, kind: Kind, length: usize) -> Result<Token<'t>, Fault> {
        let line = self.line;
        Ok(Token { kind, text: self.skip(length), line })
    }

    fn fault<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { message: message.into(), line: self.line })
    }

    /// Reads a token; at the end of the text, always [`Kind::End`].
    pub(super) fn next(&mut self) -> Result<Token<'t>, Fault> {
        if self.is_in_action { self.in_action() } else { self.outside() }
    }

    /// Text and comments, and then an action or the end.
    fn outside(&mut self) -> Result<Token<'t>, Fault> {
        loop {
            if std::mem::take(&mut self.trims) {
                let text = self.rest();
                self.skip(text.len().saturating_sub(text.trim_start_matches(is_space).len()));
            }
            let text = self.rest();
            let Some(length) = memchr::memmem::find(text.as_bytes(), self.left.as_bytes()) else {
                let kind = if text.is_empty() { Kind::End } else { Kind::Text };
                return self.token(kind, text.len());
            };
            let after = text.get(length.saturating_add(self.left.len())..).unwrap_or_default();
            let marker = if has_left_marker(after) { 2 } else { 0 };
            if length > 0 {
                let before = text.get(..length).unwrap_or_default();
                let kept =
                    if marker > 0 { before.trim_end_matches(is_space).len() } else { length };
                if kept > 0 {
                    return self.token(Kind::Text, kept);
                }
                self.skip(length);
            }
            let comment = after.get(marker..).unwrap_or_default();
            if comment.starts_with("/*") {
                self.comment(self.left.len().saturating_add(marker))?;
                continue;
            }
            let token = self.token(Kind::Left, self.left.len());
            self.skip(marker);
            (self.is_in_action, self.parentheses) = (true, 0);
            return token;
        }
    }

    /// A comment that starts after `before` bytes.
    fn comment(&mut self, before: usize) -> Result<(), Fault> {
        let inside = self.from(self.start.saturating_add(before).saturating_add(2));
        let Some(length) = inside.find("*/") else { return self.fault("unclosed comment") };
        let after = inside.get(length.saturating_add(2)..).unwrap_or_default();
        let Some(marker) = self.right_marker(after) else {
            return self.fault("comment ends before closing delimiter");
        };
        self.trims = marker > 0;
        let whole = before.saturating_add(length).saturating_add(4);
        self.skip(whole.saturating_add(marker).saturating_add(self.right.len()));
        Ok(())
    }

    /// The length of what is between a position and the right delimiter that follows: a space with
    /// a `-`, or nothing. None if another text follows.
    fn right_marker(&self, text: &str) -> Option<usize> {
        let marked = text.strip_prefix(is_space).and_then(|text| text.strip_prefix('-'));
        if marked.is_some_and(|text| text.starts_with(self.right)) {
            return Some(2);
        }
        text.starts_with(self.right).then_some(0)
    }

    fn in_action(&mut self) -> Result<Token<'t>, Fault> {
        let text = self.rest();
        if let Some(marker) = self.right_marker(text) {
            if self.parentheses > 0 {
                return self.fault("unclosed left paren");
            }
            self.skip(marker);
            (self.is_in_action, self.trims) = (false, marker > 0);
            return self.token(Kind::Right, self.right.len());
        }
        let mut rest = text.chars();
        let Some(first) = rest.next() else { return self.fault("unclosed action") };
        let second = rest.next();
        match first {
            _ if is_space(first) => self.space(),
            '=' => self.token(Kind::Assign, 1),
            ':' if second == Some('=') => self.token(Kind::Declare, 2),
            ':' => self.fault("expected :="),
            '|' => self.token(Kind::Pipe, 1),
            '"' => self.quoted(Kind::String, '"', "unterminated quoted string"),
            '\'' => self.quoted(Kind::CharacterConstant, '\'', "unterminated character constant"),
            '`' => match text.get(1..).unwrap_or_default().find('`') {
                Some(length) => self.token(Kind::String, length.saturating_add(2)),
                None => self.fault("unterminated raw quoted string"),
            },
            '$' => self.word(Kind::Variable, 1),
            '.' if second.is_some_and(|second| !second.is_ascii_digit()) => {
                self.word(Kind::Field, 1)
            }
            '.' | '+' | '-' | '0'..='9' => self.number(),
            _ if is_word(first) => self.word(Kind::Identifier, 0),
            '(' => {
                self.parentheses = self.parentheses.saturating_add(1);
                self.token(Kind::LeftParenthesis, 1)
            }
            ')' => match self.parentheses.checked_sub(1) {
                Some(open) => {
                    self.parentheses = open;
                    self.token(Kind::RightParenthesis, 1)
                }
                None => self.fault("unexpected right paren"),
            },
            '!'..='~' => self.token(Kind::Character, 1),
            _ => self.fault(format!("unrecognized character in action: {}", described(first))),
        }
    }

    /// Spaces; the last one may belong to the right delimiter.
    fn space(&mut self) -> Result<Token<'t>, Fault> {
        let text = self.rest();
        let mut length = text.len().saturating_sub(text.trim_start_matches(is_space).len());
        let before_last = length.saturating_sub(1);
        if self.right_marker(text.get(before_last..).unwrap_or_default()) == Some(2) {
            length = before_last;
        }
        self.token(Kind::Space, length)
    }

    fn quoted(&mut self, kind: Kind, quote: char, unfinished: &str) -> Result<Token<'t>, Fault> {
        let text = self.rest();
        let mut characters = text.char_indices().skip(1);
        loop {
            match characters.next() {
                Some((_, '\\')) => match characters.next() {
                    None | Some((_, '\n')) => return self.fault(unfinished),
                    Some(_) => {}
                },
                None | Some((_, '\n')) => return self.fault(unfinished),
                Some((at, last)) if last == quote => {
                    return self.token(kind, at.saturating_add(1));
                }
                Some(_) => {}
            }
        }
    }

    /// A word after `prefix` bytes; without one, `.` and `$` alone.
    fn word(&mut self, kind: Kind, prefix: usize) -> Result<Token<'t>, Fault> {
        let text = self.rest();
        let letters = text.get(prefix..).unwrap_or_default();
        let length = letters.find(|letter| !is_word(letter)).unwrap_or(letters.len());
        let after = letters.get(length..).unwrap_or_default();
        let next = after.chars().next();
        let is_whole = next.is_none_or(|next| is_space(next) || ".,|:()".contains(next))
            || after.starts_with(self.right);
        if let Some(next) = next.filter(|_| !is_whole) {
            return self.fault(format!("bad character {}", described(next)));
        }
        let whole = prefix.saturating_add(length);
        let word = text.get(..whole).unwrap_or_default();
        let kind = match word {
            _ if kind == Kind::Variable => kind,
            word if KEYWORDS.contains(&word) => Kind::Keyword,
            "true" | "false" => Kind::Boolean,
            _ => kind,
        };
        self.token(kind, whole)
    }

    /// A number, or the sum of two of which the second is imaginary.
    fn number(&mut self) -> Result<Token<'t>, Fault> {
        let text = self.rest();
        let (mut length, mut is_number) = number_length(text);
        let mut kind = Kind::Number;
        let second = text.get(length..).unwrap_or_default();
        if is_number && second.starts_with(['+', '-']) {
            let (more, is_second) = number_length(second);
            length = length.saturating_add(more);
            kind = Kind::Complex;
            is_number = is_second && text.get(..length).is_some_and(|text| text.ends_with('i'));
        }
        if !is_number {
            let number = quoted(text.get(..length).unwrap_or_default());
            return self.fault(format!("bad number syntax: {number}"));
        }
        self.token(kind, length)
    }
}

/// The length of what looks like a number, and whether no letter follows: that would be read, too.
fn number_length(text: &str) -> (usize, bool) {
    fn accept<'t>(text: &'t str, set: &[char]) -> &'t str {
        text.strip_prefix(set).unwrap_or(text)
    }
    fn run(text: &str, base: u32) -> &str {
        text.trim_start_matches(|digit: char| digit == '_' || digit.is_digit(base))
    }
    let mut rest = accept(text, &['+', '-']);
    let mut base = 10;
    if let Some(after) = rest.strip_prefix('0') {
        rest = after;
        for (letters, of_letters) in [(['x', 'X'], 16), (['o', 'O'], 8), (['b', 'B'], 2)] {
            if let Some(after) = rest.strip_prefix(letters) {
                (rest, base) = (after, of_letters);
                break;
            }
        }
    }
    rest = run(rest, base);
    if let Some(after) = rest.strip_prefix('.') {
        rest = run(after, base);
    }
    let exponent = match base {
        10 => rest.strip_prefix(['e', 'E']),
        16 => rest.strip_prefix(['p', 'P']),
        _ => None,
    };
    if let Some(after) = exponent {
        rest = run(accept(after, &['+', '-']), 10);
    }
    rest = accept(rest, &['i']);
    let length = text.len().saturating_sub(rest.len());
    match rest.chars().next().filter(|next| is_word(*next)) {
        Some(next) => (length.saturating_add(next.len_utf8()), false),
        None => (length, true),
    }
}

/// A character as in Go's messages.
fn described(character: char) -> String {
    let code = format!("U+{:04X}", u32::from(character));
    if character.is_control() { code } else { format!("{code} '{character}'") }
}
