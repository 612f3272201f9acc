//! What a parser reports, and its errors.

use super::model::Model;

/// A value of a callback's arguments.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Nil,
    Boolean(bool),
    Text(Vec<u8>),
    /// Names with values; the flag is false for values that a declaration gives by default.
    Attributes(Vec<(Vec<u8>, Vec<u8>, bool)>),
    /// The type, the quantifier and the children of a content model: three values.
    Model(Model),
}

impl From<&[u8]> for Argument {
    fn from(text: &[u8]) -> Argument {
        Argument::Text(text.to_vec())
    }
}

impl From<Option<&[u8]>> for Argument {
    fn from(text: Option<&[u8]>) -> Argument {
        text.map_or(Argument::Nil, Argument::from)
    }
}

/// A callback that is to be called.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The callback's name.
    pub(super) name: &'static str,
    pub(super) arguments: Vec<Argument>,
    /// Where it is in the document.
    pub(super) position: Position,
}

/// A position in the document; line and column are counted from 1 and 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) byte: usize,
}

impl Position {
    pub(super) const START: Position = Position { line: 1, column: 0, byte: 0 };

    /// Moves over a part of the document.
    pub(super) fn advance(&mut self, text: &[u8]) {
        self.byte = self.byte.saturating_add(text.len());
        let lines = memchr::memchr_iter(b'\n', text).count();
        let last = match memchr::memrchr(b'\n', text) {
            Some(newline) => {
                self.line = self.line.saturating_add(lines);
                self.column = 0;
                text.get(newline.saturating_add(1)..).unwrap_or_default()
            }
            None => text,
        };
        let characters = last.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        self.column = self.column.saturating_add(characters);
    }
}

/// Why a document is invalid, with expat's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Syntax,
    NoElement,
    InvalidToken,
    UnclosedToken,
    MismatchedTag,
    DuplicateAttribute,
    JunkAfterDocument,
    UndefinedEntity,
    RecursiveEntity,
    AsyncEntity,
    BadCharacterReference,
    BinaryEntity,
    ExternalEntityInAttribute,
    MisplacedDeclaration,
    UnknownEncoding,
    UnclosedCdata,
    UnboundPrefix,
    UndeclaringPrefix,
    Aborted,
    Finished,
    Amplification,
}

impl Problem {
    pub(super) fn message(self) -> &'static str {
        match self {
            Problem::Syntax => "syntax error",
            Problem::NoElement => "no element found",
            Problem::InvalidToken => "not well-formed (invalid token)",
            Problem::UnclosedToken => "unclosed token",
            Problem::MismatchedTag => "mismatched tag",
            Problem::DuplicateAttribute => "duplicate attribute",
            Problem::JunkAfterDocument => "junk after document element",
            Problem::UndefinedEntity => "undefined entity",
            Problem::RecursiveEntity => "recursive entity reference",
            Problem::AsyncEntity => "asynchronous entity",
            Problem::BadCharacterReference => "reference to invalid character number",
            Problem::BinaryEntity => "reference to binary entity",
            Problem::ExternalEntityInAttribute => "reference to external entity in attribute",
            Problem::MisplacedDeclaration => "XML or text declaration not at start of entity",
            Problem::UnknownEncoding => "unknown encoding",
            Problem::UnclosedCdata => "unclosed CDATA section",
            Problem::UnboundPrefix => "unbound prefix",
            Problem::UndeclaringPrefix => "must not undeclare prefix",
            Problem::Aborted => "parsing aborted",
            Problem::Finished => "parsing finished",
            Problem::Amplification => {
                "limit on input amplification factor (from DTD and entities) breached"
            }
        }
    }
}
