//! The parser: from bytes in chunks to events, a token at a time, without recursion.
//!
//! Invariant: what is before `at` in a source has been reported. An entity that is expanded in
//! content is a source on top of the document, so that its tokens are read like others; how much
//! entities may amplify the input is limited, as in expat.
//!
//! Written here because it must accept chunks at any boundary, and have expat's messages.

use super::doctype::Declarations;
use super::event::{Argument, Event, Position, Problem};
use std::collections::VecDeque;
use std::rc::Rc;

/// Where the parser is in the document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before everything.
    Start,
    /// Before the root element.
    Prolog,
    /// In the internal subset of a document type.
    Subset,
    Content,
    Cdata,
    /// After the root element.
    Epilog,
}

/// What a step has come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Advance {
    /// A token was read.
    Token,
    /// More input is needed.
    Hungry,
}

/// An entity that is being expanded.
pub(super) struct Source {
    pub(super) name: Vec<u8>,
    pub(super) text: Rc<[u8]>,
    pub(super) at: usize,
    /// The number of open elements at its start.
    pub(super) depth: usize,
}

/// An open element.
pub(super) struct Element {
    pub(super) name: Vec<u8>,
    /// The name that is reported.
    pub(super) shown: Vec<u8>,
    /// How many prefixes were bound before it.
    pub(super) bindings: usize,
}

/// A parser without its callbacks.
pub(super) struct Parser {
    pub(super) input: Vec<u8>,
    pub(super) at: usize,
    pub(super) position: Position,
    pub(super) place: Place,
    pub(super) sources: Vec<Source>,
    pub(super) elements: Vec<Element>,
    /// Prefixes and their URIs.
    pub(super) bindings: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) separator: Option<Vec<u8>>,
    pub(super) with_prefixes: bool,
    pub(super) declarations: Declarations,
    pub(super) has_doctype: bool,
    pub(super) base: Option<Vec<u8>>,
    /// Whether input is ISO-8859-1 or ASCII.
    pub(super) is_latin: bool,
    pub(super) has_encoding: bool,
    pub(super) is_final: bool,
    pub(super) received: usize,
    pub(super) expanded: usize,
    pub(super) amplification: f64,
    pub(super) threshold: f64,
    pub(super) events: VecDeque<Event>,
    pub(super) handled: Handled,
    /// The length of the last token.
    pub(super) token_length: usize,
    /// The last token as it is written, for the default callback.
    pub(super) raw: Vec<u8>,
}

/// Which callbacks that change what is reported exist.
#[derive(Clone, Copy, Default)]
pub(super) struct Handled {
    /// A default callback that keeps entities as they are.
    pub(super) keeps_entities: bool,
    pub(super) has_default: bool,
}

impl Parser {
    pub(super) fn new(separator: Option<Vec<u8>>) -> Parser {
        Parser {
            input: Vec::new(),
            at: 0,
            position: Position::START,
            place: Place::Start,
            sources: Vec::new(),
            elements: Vec::new(),
            bindings: vec![(b"xml".to_vec(), b"http://www.w3.org/XML/1998/namespace".to_vec())],
            separator,
            with_prefixes: false,
            declarations: Declarations::default(),
            has_doctype: false,
            base: None,
            is_latin: false,
            has_encoding: false,
            is_final: false,
            received: 0,
            expanded: 0,
            amplification: 100.0,
            threshold: (8 << 20) as f64,
            events: VecDeque::new(),
            handled: Handled::default(),
            token_length: 0,
            raw: Vec::new(),
        }
    }

    /// The memory that it takes.
    pub(super) fn size(&self) -> usize {
        /// What the lists take when they are empty.
        const FIXED: usize = 512;
        let elements = self.elements.iter().map(|element| {
            element.name.capacity().saturating_add(element.shown.capacity()).saturating_add(64)
        });
        let bindings =
            self.bindings.iter().map(|(prefix, uri)| prefix.len().saturating_add(uri.len()));
        let all = elements.chain(bindings).fold(FIXED, usize::saturating_add);
        all.saturating_add(self.input.capacity()).saturating_add(self.declarations.size)
    }

    /// Selects an encoding before the first input.
    pub(super) fn set_encoding(&mut self, name: &[u8]) -> bool {
        match is_latin(name) {
            Some(is_latin) => {
                self.is_latin = is_latin;
                self.has_encoding = true;
                true
            }
            None => false,
        }
    }

    /// Whether nothing has been parsed yet.
    pub(super) fn is_new(&self) -> bool {
        self.received == 0
    }

    /// Adds input.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        self.received = self.received.saturating_add(chunk.len());
        if self.at > 0 {
            self.input.drain(..self.at);
            self.at = 0;
        }
        if self.is_latin {
            extend_latin(&mut self.input, chunk);
        } else {
            self.input.extend_from_slice(chunk);
        }
    }

    /// How much input is waiting.
    pub(super) fn waiting(&self) -> usize {
        self.input.len().saturating_sub(self.at)
    }

    pub(super) fn event(&mut self, name: &'static str, arguments: Vec<Argument>) {
        self.events.push_back(Event { name, arguments, position: self.position });
    }

    /// Moves over a token that has been read.
    pub(super) fn pass(&mut self, length: usize) {
        self.token_length = length;
        self.raw.clear();
        match self.sources.last_mut() {
            Some(source) => {
                let end = source.at.saturating_add(length);
                if self.handled.has_default {
                    self.raw.extend_from_slice(source.text.get(source.at..end).unwrap_or_default());
                }
                source.at = end;
            }
            None => {
                let end = self.at.saturating_add(length).min(self.input.len());
                let text = self.input.get(self.at..end).unwrap_or_default();
                if self.handled.has_default {
                    self.raw.extend_from_slice(text);
                }
                self.position.advance(text);
                self.at = end;
            }
        }
    }

    /// An invalid character of the current token.
    pub(super) fn invalid_at(&mut self, offset: usize) -> Problem {
        if self.sources.is_empty() {
            let end = self.at.saturating_add(offset).min(self.input.len());
            let text = self.input.get(self.at..end).unwrap_or_default();
            self.position.advance(text);
        }
        Problem::InvalidToken
    }

    /// Reads the next token.
    pub(super) fn advance(&mut self) -> Result<Advance, Problem> {
        if let Some(source) = self.sources.last()
            && source.at >= source.text.len()
        {
            if source.depth != self.elements.len() {
                return Err(Problem::AsyncEntity);
            }
            self.sources.pop();
            return Ok(Advance::Token);
        }
        // A copy of the reference to the text lets the parser change.
        let (text, is_whole): (Rc<[u8]>, bool) = match self.sources.last() {
            Some(source) => (Rc::clone(&source.text), true),
            None => (Rc::from(&[][..]), self.is_final),
        };
        let owned;
        let rest: &[u8] = match self.sources.last() {
            Some(source) => text.get(source.at..).unwrap_or_default(),
            None => {
                owned = std::mem::take(&mut self.input);
                let result = self.token(owned.get(self.at..).unwrap_or_default(), is_whole);
                // `pass` and `invalid_at` need the input: what they did is done here.
                self.input = owned;
                return self.settle(result);
            }
        };
        let result = self.token(rest, is_whole);
        self.settle(result)
    }

    pub(super) fn settle(&mut self, result: Result<Token, Failed>) -> Result<Advance, Problem> {
        match result {
            Ok(Token::Passed(length)) => {
                self.pass(length);
                Ok(Advance::Token)
            }
            Ok(Token::Expanded(length, source)) => {
                self.pass(length);
                self.raw.clear();
                self.sources.push(source);
                Ok(Advance::Token)
            }
            Ok(Token::Latin(length)) => {
                self.pass(length);
                let rest = self.input.split_off(self.at);
                self.is_latin = true;
                extend_latin(&mut self.input, &rest);
                Ok(Advance::Token)
            }
            Ok(Token::Incomplete) if !self.is_final || !self.sources.is_empty() => {
                if self.sources.is_empty() {
                    Ok(Advance::Hungry)
                } else {
                    Err(Problem::UnclosedToken)
                }
            }
            Ok(Token::Incomplete) => Err(self.end_problem()),
            Err(Failed::At(offset)) => Err(self.invalid_at(offset)),
            Err(Failed::Problem(problem)) => Err(problem),
        }
    }

    /// The problem of a document that ends here; there may be none.
    pub(super) fn end_problem(&self) -> Problem {
        match self.place {
            Place::Epilog if self.waiting() == 0 => Problem::Finished,
            Place::Cdata => Problem::UnclosedCdata,
            _ if self.waiting() > 0 => Problem::UnclosedToken,
            _ => Problem::NoElement,
        }
    }

    /// Whether the document may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.place == Place::Epilog && self.waiting() == 0 && self.sources.is_empty()
    }

    /// Reads a token from the start of a text; `is_whole` if no more follows.
    pub(super) fn token(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
        match self.place {
            Place::Start => self.start(text, is_whole),
            Place::Prolog | Place::Epilog => self.outside(text),
            Place::Subset => self.subset(text),
            Place::Content => self.content(text, is_whole),
            Place::Cdata => self.cdata(text, is_whole),
        }
    }
}

/// A token that was read.
pub(super) enum Token {
    /// Its length.
    Passed(usize),
    /// A reference to an entity, whose text is read next.
    Expanded(usize, Source),
    /// A declaration of a one-byte encoding.
    Latin(usize),
    Incomplete,
}

/// Why a token is invalid.
pub(super) enum Failed {
    /// The character at an offset is.
    At(usize),
    Problem(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Failed {
        Failed::Problem(problem)
    }
}

/// Whether an encoding has one byte for a character (true) or is UTF-8. None if it is unknown.
pub(super) fn is_latin(name: &[u8]) -> Option<bool> {
    match name.to_ascii_uppercase().as_slice() {
        b"UTF-8" => Some(false),
        b"ISO-8859-1" | b"US-ASCII" => Some(true),
        _ => None,
    }
}

fn extend_latin(input: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            0..0x80 => input.push(byte),
            _ => input.extend([0xC0 | byte >> 6, 0x80 | byte & 0x3F]),
        }
    }
}
