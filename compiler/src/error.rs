//! Compile errors, with PUC Lua 5.1's messages; and the names of chunks in messages.

use crate::bytecode::Source;
use crate::diagnostic::{Diagnostic, Note, Span};

/// The room that PUC Lua keeps for a chunk's name in run-time messages (`LUA_IDSIZE`).
const RUNTIME_ID_SIZE: usize = 60;
/// The room that its lexer keeps for a chunk's name in syntax errors (`MAXSRC`).
const SYNTAX_ID_SIZE: usize = 80;

/// Why a chunk could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The whole text: `chunk:line: message near 'token'`.
    pub message: Vec<u8>,
    /// The line that it names.
    pub line: u32,
    /// Whether the chunk was valid up to its end, so that a REPL may read more.
    pub at_end_of_input: bool,
    /// Whether the options' interrupt hook stopped the compilation.
    pub interrupted: bool,
    /// The same for programs that show it in its source.
    pub diagnostic: Box<Diagnostic>,
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for Error {}

/// The text of a message after "near".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Near {
    #[default]
    Nothing,
    Text(Vec<u8>),
    EndOfInput,
}

/// An error whose chunk is not named yet. Boxed, because it travels through every frame of the
/// parser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault(Box<Details>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Details {
    text: String,
    near: Near,
    line: u32,
    interrupted: bool,
    /// None for the place that the lexer or the parser has reached.
    span: Option<Span>,
    notes: Vec<Note>,
}

impl Fault {
    pub(crate) fn new(text: impl Into<String>, near: Near, line: u32) -> Self {
        Fault(Box::new(Details { text: text.into(), near, line, ..Details::default() }))
    }

    /// The same error, for these bytes if its place is not known yet.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    /// The same error, with a note.
    pub(crate) fn note(mut self, message: String, span: Span) -> Self {
        self.0.notes.push(Note { message, span });
        self
    }

    pub(crate) fn interrupted(line: u32) -> Self {
        Fault(Box::new(Details {
            text: "compilation interrupted".into(),
            line,
            interrupted: true,
            ..Details::default()
        }))
    }

    /// The finished error, for a chunk.
    pub(crate) fn in_chunk(self, source: &Source) -> Error {
        let Details { text, near, line, interrupted, span, notes } = *self.0;
        let mut message = limited_chunk_id(&source.name, SYNTAX_ID_SIZE);
        message.extend_from_slice(format!(":{line}: ").as_bytes());
        let start = message.len();
        message.extend_from_slice(text.as_bytes());
        let near_text: Option<&[u8]> = match &near {
            Near::Nothing => None,
            // PUC Lua formats the token as a C string.
            Near::Text(token) => token.split(|&byte| byte == 0).next(),
            Near::EndOfInput => Some(b"<eof>"),
        };
        if let Some(token) = near_text {
            message.extend_from_slice(b" near '");
            message.extend_from_slice(token);
            message.push(b'\'');
        }
        let mut span = span.unwrap_or_default();
        let mut described =
            String::from_utf8_lossy(message.get(start..).unwrap_or_default()).into_owned();
        // PUC Lua names the first byte of a character that is not a token.
        if let Some(character) = character_at(&source.text, span) {
            described = format!("{text} near '{character}'");
            span.end = span.start.saturating_add(character.len_utf8() as u32);
        }
        let diagnostic = Box::new(Diagnostic { code: "syntax", message: described, span, notes });
        Error { message, line, at_end_of_input: near == Near::EndOfInput, interrupted, diagnostic }
    }
}

/// The character that starts a span, if it is not ASCII.
fn character_at(text: &[u8], span: Span) -> Option<char> {
    let rest = text.get(span.start as usize..)?;
    let character = rest.utf8_chunks().next()?.valid().chars().next()?;
    (!character.is_ascii() && span.start < span.end).then_some(character)
}

/// How messages name the chunk called `name`: the file of `@file`, the name of `=name`, or `[string
/// "..."]` with the first line of the source itself (`luaO_chunkid`).
pub fn chunk_id(name: &[u8]) -> Vec<u8> {
    limited_chunk_id(name, RUNTIME_ID_SIZE)
}

/// `size` counts a C string's final zero and, in the two longer forms, the quotes and dots of its
/// templates. The result mostly has room for the rest of a message.
fn limited_chunk_id(name: &[u8], size: usize) -> Vec<u8> {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut id = Vec::with_capacity(2 * size);
    match name {
        [b'=', rest @ ..] => id.extend(rest.iter().take(size - 1)),
        [b'@', file @ ..] => {
            let room = size - " '...' ".len() - 1;
            match file.len().checked_sub(room) {
                None | Some(0) => id.extend_from_slice(file),
                Some(excess) => {
                    id.extend_from_slice(b"...");
                    id.extend_from_slice(file.get(excess..).unwrap_or_default());
                }
            }
        }
        text => {
            let room = size - " [string \"...\"] ".len() - 1;
            let first_line =
                text.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default();
            let shown = first_line.get(..room).unwrap_or(first_line);
            let dots: &[u8] = if shown.len() < text.len() { b"..." } else { b"" };
            for part in [b"[string \"", shown, dots, b"\"]"] {
                id.extend_from_slice(part);
            }
        }
    }
    id
}
