//! The parser: from bytes in chunks to events, a token at a time, without recursion.
//!
//! Invariant: what is before `at` in a source has been reported. An entity that is expanded in
//! content is a source on top of the document, so that its tokens are read like others; how much
//! entities may amplify the input is limited, as in expat.
//!
//! Written here because it must accept chunks at any boundary, and have expat's messages.

use super::doctype::{self, Declarations, Entity};
use super::event::{Argument, Event, Position, Problem};
use super::scan::{self, is_space, skip_space};
use std::collections::VecDeque;
use std::rc::Rc;

/// Where the parser is in the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
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
struct Source {
    name: Vec<u8>,
    text: Rc<[u8]>,
    at: usize,
    /// The number of open elements at its start.
    depth: usize,
}

/// An open element.
struct Element {
    name: Vec<u8>,
    /// The name that is reported.
    shown: Vec<u8>,
    /// How many prefixes were bound before it.
    bindings: usize,
}

/// A parser without its callbacks.
pub(super) struct Parser {
    input: Vec<u8>,
    at: usize,
    pub(super) position: Position,
    place: Place,
    sources: Vec<Source>,
    elements: Vec<Element>,
    /// Prefixes and their URIs.
    bindings: Vec<(Vec<u8>, Vec<u8>)>,
    separator: Option<Vec<u8>>,
    pub(super) with_prefixes: bool,
    declarations: Declarations,
    has_doctype: bool,
    pub(super) base: Option<Vec<u8>>,
    /// Whether input is ISO-8859-1 or ASCII.
    is_latin: bool,
    has_encoding: bool,
    pub(super) is_final: bool,
    received: usize,
    expanded: usize,
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
        let elements = self.elements.iter().map(|element| {
            element.name.capacity().saturating_add(element.shown.capacity()).saturating_add(64)
        });
        let bindings =
            self.bindings.iter().map(|(prefix, uri)| prefix.len().saturating_add(uri.len()));
        let all = elements.chain(bindings).fold(0_usize, usize::saturating_add);
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

    fn event(&mut self, name: &'static str, arguments: Vec<Argument>) {
        self.events.push_back(Event { name, arguments, position: self.position });
    }

    /// Moves over a token that has been read.
    fn pass(&mut self, length: usize) {
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
    fn invalid_at(&mut self, offset: usize) -> Problem {
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

    fn settle(&mut self, result: Result<Token, Failed>) -> Result<Advance, Problem> {
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
    fn end_problem(&self) -> Problem {
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
    fn token(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
        match self.place {
            Place::Start => self.start(text, is_whole),
            Place::Prolog | Place::Epilog => self.outside(text),
            Place::Subset => self.subset(text),
            Place::Content => self.content(text, is_whole),
            Place::Cdata => self.cdata(text, is_whole),
        }
    }

    fn start(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
        const DECLARATION: &[u8] = b"<?xml";
        if text.starts_with(b"\xFE\xFF") || text.starts_with(b"\xFF\xFE") {
            return Err(Failed::Problem(Problem::UnknownEncoding));
        }
        if !is_whole && text.len() < 6 && (DECLARATION.starts_with(text) || text.len() < 3) {
            return Ok(Token::Incomplete);
        }
        self.place = Place::Prolog;
        if let Some(rest) = text.strip_prefix(b"\xEF\xBB\xBF") {
            let _ = rest;
            self.place = Place::Start;
            return Ok(Token::Passed(3));
        }
        if !text.starts_with(DECLARATION) || !text.get(5).is_some_and(|&byte| is_space(byte)) {
            return Ok(Token::Passed(0));
        }
        let Some(length) = scan::length_until(text, 5, b"?>") else {
            self.place = Place::Start;
            return Ok(Token::Incomplete);
        };
        let content = text.get(5..length.saturating_sub(2)).unwrap_or_default();
        let attributes =
            scan::attributes(content).map_err(|at| Failed::At(at.saturating_add(5)))?;
        let value = |name: &[u8]| {
            attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        let (version, encoding) = (value(b"version"), value(b"encoding"));
        let standalone = match value(b"standalone") {
            None => Argument::Nil,
            Some(b"yes") => Argument::Boolean(true),
            Some(b"no") => Argument::Boolean(false),
            Some(_) => return Err(Failed::Problem(Problem::Syntax)),
        };
        if version.is_none() {
            return Err(Failed::Problem(Problem::Syntax));
        }
        self.event("XmlDecl", vec![version.into(), encoding.into(), standalone]);
        match encoding.filter(|_| !self.has_encoding).map(is_latin) {
            Some(None) => Err(Failed::Problem(Problem::UnknownEncoding)),
            Some(Some(true)) => Ok(Token::Latin(length)),
            _ => Ok(Token::Passed(length)),
        }
    }

    /// A comment or a processing instruction. None if there is neither.
    fn miscellaneous(&mut self, text: &[u8]) -> Result<Option<Token>, Failed> {
        if text.starts_with(b"<!--") {
            let Some(length) = scan::length_until(text, 4, b"--") else {
                return Ok(Some(Token::Incomplete));
            };
            match text.get(length) {
                None => return Ok(Some(Token::Incomplete)),
                Some(b'>') => {}
                Some(_) => return Err(Failed::At(length)),
            }
            let comment = text.get(4..length.saturating_sub(2)).unwrap_or_default();
            scan::check_characters(comment).map_err(|at| Failed::At(at.saturating_add(4)))?;
            self.event("Comment", vec![Argument::Text(scan::normalized(comment))]);
            return Ok(Some(Token::Passed(length.saturating_add(1))));
        }
        if !text.starts_with(b"<?") {
            return Ok(None);
        }
        let Some(length) = scan::length_until(text, 2, b"?>") else {
            return Ok(Some(Token::Incomplete));
        };
        let content = text.get(2..length.saturating_sub(2)).unwrap_or_default();
        scan::check_characters(content).map_err(|at| Failed::At(at.saturating_add(2)))?;
        let (target, rest) = scan::name(content).ok_or(Failed::At(2))?;
        if target.eq_ignore_ascii_case(b"xml") {
            return Err(Failed::Problem(Problem::MisplacedDeclaration));
        }
        if rest.first().is_some_and(|&byte| !is_space(byte)) {
            return Err(Failed::At(target.len().saturating_add(2)));
        }
        let data = scan::normalized(skip_space(rest));
        self.event("ProcessingInstruction", vec![target.into(), Argument::Text(data)]);
        Ok(Some(Token::Passed(length)))
    }

    /// Before or after the root element.
    fn outside(&mut self, text: &[u8]) -> Result<Token, Failed> {
        let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
        if spaces > 0 {
            return Ok(Token::Passed(spaces));
        }
        let is_epilog = self.place == Place::Epilog;
        let junk = if is_epilog { Problem::JunkAfterDocument } else { Problem::Syntax };
        match text {
            [] | [b'<'] | [b'<', b'!'] => return Ok(Token::Incomplete),
            [b'<', ..] => {}
            _ if is_epilog => return Err(Failed::Problem(junk)),
            _ => {
                return Err(match text.first() {
                    Some(b'&') | Some(b']') => Failed::Problem(Problem::InvalidToken),
                    _ => Failed::Problem(Problem::Syntax),
                });
            }
        }
        if b"<!--".starts_with(text) || b"<!DOCTYPE".starts_with(text) {
            return Ok(Token::Incomplete);
        }
        if let Some(token) = self.miscellaneous(text)? {
            return Ok(token);
        }
        if is_epilog {
            return Err(Failed::Problem(junk));
        }
        if text.starts_with(b"<!") {
            return self.doctype(text);
        }
        if text.get(1) == Some(&b'/') {
            return Err(Failed::At(1));
        }
        self.tag(text)
    }

    fn doctype(&mut self, text: &[u8]) -> Result<Token, Failed> {
        if !text.starts_with(b"<!DOCTYPE") {
            return Err(Failed::At(2));
        }
        if self.has_doctype {
            return Err(Failed::Problem(Problem::Syntax));
        }
        // Up to `[` or `>`, outside literals.
        let mut at = 2_usize;
        let end = loop {
            let Some(&byte) = text.get(at) else { return Ok(Token::Incomplete) };
            match byte {
                b'[' | b'>' => break at,
                b'"' | b'\'' => {
                    let after = text.get(at.saturating_add(1)..).unwrap_or_default();
                    let Some(found) = memchr::memchr(byte, after) else {
                        return Ok(Token::Incomplete);
                    };
                    at = at.saturating_add(found).saturating_add(1);
                }
                _ => {}
            }
            at = at.saturating_add(1);
        };
        let has_subset = text.get(end) == Some(&b'[');
        let head = text.get(..end).unwrap_or_default();
        scan::check_characters(head).map_err(Failed::At)?;
        let arguments = doctype::start(head, has_subset).ok_or(Problem::Syntax)?;
        self.has_doctype = true;
        self.declarations.is_incomplete = !matches!(arguments.get(1), Some(Argument::Nil));
        self.event("StartDoctypeDecl", arguments);
        if has_subset {
            self.place = Place::Subset;
        } else {
            self.event("EndDoctypeDecl", Vec::new());
        }
        Ok(Token::Passed(end.saturating_add(1)))
    }

    fn subset(&mut self, text: &[u8]) -> Result<Token, Failed> {
        let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
        if spaces > 0 {
            return Ok(Token::Passed(spaces));
        }
        match text {
            [] | [b'<'] | [b'<', b'!'] => Ok(Token::Incomplete),
            [b']', rest @ ..] => {
                let after = skip_space(rest);
                let spaces = rest.len().saturating_sub(after.len());
                match after.first() {
                    None => Ok(Token::Incomplete),
                    Some(b'>') => {
                        self.place = Place::Prolog;
                        self.event("EndDoctypeDecl", Vec::new());
                        Ok(Token::Passed(spaces.saturating_add(2)))
                    }
                    Some(_) => Err(Failed::At(spaces.saturating_add(1))),
                }
            }
            [b'%', rest @ ..] => {
                // Parameter entities are not expanded.
                let Some(end) = memchr::memchr(b';', rest) else { return Ok(Token::Incomplete) };
                let name = rest.get(..end).unwrap_or_default();
                self.declarations.is_incomplete = true;
                self.event("SkippedEntity", vec![name.into(), Argument::Boolean(true)]);
                Ok(Token::Passed(end.saturating_add(2)))
            }
            [b'<', ..] => {
                if b"<!--".starts_with(text) {
                    return Ok(Token::Incomplete);
                }
                if let Some(token) = self.miscellaneous(text)? {
                    return Ok(token);
                }
                let Some(length) = scan::tag_length(text) else { return Ok(Token::Incomplete) };
                let declaration = text.get(..length).unwrap_or_default();
                scan::check_characters(declaration).map_err(Failed::At)?;
                let base = self.base.clone();
                let declared = self.declarations.declare(declaration, base.as_deref())?;
                for (name, arguments) in declared {
                    self.event(name, arguments);
                }
                Ok(Token::Passed(length))
            }
            _ => Err(Failed::Problem(Problem::Syntax)),
        }
    }

    fn content(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
        match text {
            [] => Ok(Token::Incomplete),
            [b'<', b'/', ..] => self.end_tag(text),
            [b'<', b'!', ..] | [b'<', b'?', ..] => {
                if let Some(token) = self.miscellaneous(text)? {
                    return Ok(token);
                }
                const CDATA: &[u8] = b"<![CDATA[";
                if text.starts_with(CDATA) {
                    self.place = Place::Cdata;
                    self.event("StartCdataSection", Vec::new());
                    return Ok(Token::Passed(CDATA.len()));
                }
                if CDATA.starts_with(text) || b"<!--".starts_with(text) {
                    return Ok(Token::Incomplete);
                }
                Err(Failed::At(2))
            }
            [b'<'] => Ok(Token::Incomplete),
            [b'<', ..] => self.tag(text),
            [b'&', rest @ ..] => {
                let Some(end) = memchr::memchr(b';', rest) else {
                    let is_name = rest.iter().all(|&byte| !is_space(byte) && byte != b'<');
                    return if is_name { Ok(Token::Incomplete) } else { Err(Failed::At(1)) };
                };
                self.reference(rest.get(..end).unwrap_or_default(), end.saturating_add(2))
            }
            _ => self.text(text, is_whole),
        }
    }

    /// Text up to markup or a reference.
    fn text(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
        let end = memchr::memchr2(b'<', b'&', text);
        let mut part = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        if end.is_none() && !is_whole {
            // Parts of a character, of a line end or of `]]>` may follow.
            let mut keep = part.len();
            let tail = part.iter().rev().take_while(|&&byte| byte == b']').count().min(2);
            keep = keep.saturating_sub(tail);
            if part.last() == Some(&b'\r') {
                keep = keep.saturating_sub(1);
            }
            if let Err(error) = std::str::from_utf8(part)
                && error.error_len().is_none()
            {
                keep = keep.min(error.valid_up_to());
            }
            part = part.get(..keep).unwrap_or_default();
            if part.is_empty() {
                return Ok(Token::Incomplete);
            }
        }
        if let Some(at) = memchr::memmem::find(part, b"]]>") {
            return Err(Failed::At(at.saturating_add(2)));
        }
        scan::check_characters(part).map_err(Failed::At)?;
        self.event("CharacterData", vec![Argument::Text(scan::normalized(part))]);
        Ok(Token::Passed(part.len()))
    }

    fn cdata(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
        let end = memchr::memmem::find(text, b"]]>");
        if end == Some(0) {
            self.place = Place::Content;
            self.event("EndCdataSection", Vec::new());
            return Ok(Token::Passed(3));
        }
        let mut part = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        if end.is_none() {
            if is_whole {
                return Err(Failed::Problem(Problem::UnclosedCdata));
            }
            let mut keep = part.len().saturating_sub(2);
            if let Err(error) = std::str::from_utf8(part) {
                keep = keep.min(error.valid_up_to());
            }
            if keep > 0 && part.get(keep.saturating_sub(1)) == Some(&b'\r') {
                keep = keep.saturating_sub(1);
            }
            part = part.get(..keep).unwrap_or_default();
            while std::str::from_utf8(part).is_err() && !part.is_empty() {
                part = part.get(..part.len().saturating_sub(1)).unwrap_or_default();
            }
        }
        if part.is_empty() {
            return Ok(Token::Incomplete);
        }
        scan::check_characters(part).map_err(Failed::At)?;
        self.event("CharacterData", vec![Argument::Text(scan::normalized(part))]);
        Ok(Token::Passed(part.len()))
    }

    /// A reference in content, by what is between `&` and `;`.
    fn reference(&mut self, name: &[u8], length: usize) -> Result<Token, Failed> {
        if let Some(digits) = name.strip_prefix(b"#") {
            let character = scan::character(digits)?;
            let text = character.encode_utf8(&mut [0; 4]).as_bytes().to_vec();
            self.event("CharacterData", vec![Argument::Text(text)]);
            return Ok(Token::Passed(length));
        }
        if scan::name(name).is_none_or(|(_, rest)| !rest.is_empty()) {
            return Err(Failed::At(1));
        }
        if let Some(byte) = predefined(name) {
            self.event("CharacterData", vec![Argument::Text(vec![byte])]);
            return Ok(Token::Passed(length));
        }
        match self.declarations.entities.get(name) {
            None if self.declarations.is_incomplete => {
                self.event("SkippedEntity", vec![name.into(), Argument::Boolean(false)]);
                Ok(Token::Passed(length))
            }
            None => Err(Failed::Problem(Problem::UndefinedEntity)),
            Some(Entity::Unparsed) => Err(Failed::Problem(Problem::BinaryEntity)),
            Some(Entity::External) => {
                self.event("SkippedEntity", vec![name.into(), Argument::Boolean(false)]);
                Ok(Token::Passed(length))
            }
            Some(Entity::Internal(_)) if self.handled.keeps_entities => {
                // Without a callback for it, the default callback gets it.
                self.event("SkippedEntity", vec![name.into(), Argument::Boolean(false)]);
                Ok(Token::Passed(length))
            }
            Some(Entity::Internal(text)) => {
                let text = Rc::clone(text);
                if self.sources.iter().any(|source| source.name == name) {
                    return Err(Failed::Problem(Problem::RecursiveEntity));
                }
                self.expand(text.len())?;
                let source =
                    Source { name: name.to_vec(), text, at: 0, depth: self.elements.len() };
                Ok(Token::Expanded(length, source))
            }
        }
    }

    /// Counts the text of an entity.
    fn expand(&mut self, bytes: usize) -> Result<(), Problem> {
        // A reference costs at least something.
        self.expanded = self.expanded.saturating_add(bytes.max(1));
        let all = self.expanded as f64;
        let most = self.amplification * self.received as f64;
        if all > self.threshold && all > most { Err(Problem::Amplification) } else { Ok(()) }
    }

    /// The value of an attribute: references replaced, white space as spaces.
    fn value(&mut self, raw: &[u8], is_tokens: bool) -> Result<Vec<u8>, Problem> {
        let mut value = Vec::new();
        // Entities that are expanded: name, text, position.
        let mut open: Vec<(Vec<u8>, Rc<[u8]>, usize)> =
            vec![(Vec::new(), Rc::from(scan::normalized(raw)), 0)];
        while let Some((_, text, at)) = open.last_mut() {
            let text = Rc::clone(text);
            let rest = text.get(*at..).unwrap_or_default();
            let Some(&byte) = rest.first() else {
                open.pop();
                continue;
            };
            if byte == b'<' {
                return Err(Problem::InvalidToken);
            }
            if byte != b'&' {
                *at = at.saturating_add(1);
                value.push(if is_space(byte) { b' ' } else { byte });
                continue;
            }
            let rest = rest.get(1..).unwrap_or_default();
            let end = memchr::memchr(b';', rest).ok_or(Problem::InvalidToken)?;
            *at = at.saturating_add(end).saturating_add(2);
            let name = rest.get(..end).unwrap_or_default();
            if let Some(digits) = name.strip_prefix(b"#") {
                let character = scan::character(digits)?;
                value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            } else if let Some(byte) = predefined(name) {
                value.push(byte);
            } else {
                match self.declarations.entities.get(name) {
                    None if self.declarations.is_incomplete => {}
                    None => return Err(Problem::UndefinedEntity),
                    Some(Entity::Unparsed) => return Err(Problem::BinaryEntity),
                    Some(Entity::External) => {
                        return Err(Problem::ExternalEntityInAttribute);
                    }
                    Some(Entity::Internal(text)) => {
                        let text = Rc::clone(text);
                        if open.iter().any(|(known, ..)| known == name) {
                            return Err(Problem::RecursiveEntity);
                        }
                        self.expand(text.len())?;
                        open.push((name.to_vec(), text, 0));
                    }
                }
            }
        }
        if is_tokens {
            let words: Vec<&[u8]> =
                value.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect();
            return Ok(words.join(&b' '));
        }
        Ok(value)
    }

    /// A start tag, or the tag of an empty element.
    fn tag(&mut self, text: &[u8]) -> Result<Token, Failed> {
        let Some(length) = scan::tag_length(text) else {
            // A name that cannot start is an error at once.
            let is_bad = text
                .get(1)
                .is_some_and(|_| scan::name(text.get(1..).unwrap_or_default()).is_none());
            return if is_bad { Err(Failed::At(1)) } else { Ok(Token::Incomplete) };
        };
        let content = text.get(1..length.saturating_sub(1)).unwrap_or_default();
        scan::check_characters(content).map_err(|at| Failed::At(at.saturating_add(1)))?;
        let (name, rest) = scan::name(content).ok_or(Failed::At(1))?;
        let (rest, is_empty) = match rest.strip_suffix(b"/") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let before = name.len().saturating_add(1);
        let raw = scan::attributes(rest).map_err(|at| Failed::At(at.saturating_add(before)))?;
        let mut attributes: Vec<(Vec<u8>, Vec<u8>, bool)> = Vec::with_capacity(raw.len());
        for (attribute, value) in &raw {
            let key = (name.to_vec(), attribute.to_vec());
            let is_tokens = self.declarations.tokens.contains_key(&key);
            attributes.push((attribute.to_vec(), self.value(value, is_tokens)?, true));
        }
        let mut names: Vec<&[u8]> = raw.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Failed::Problem(Problem::DuplicateAttribute));
        }
        if let Some(defaults) = self.declarations.defaults.get(name).cloned() {
            for (attribute, value) in defaults {
                if !attributes.iter().any(|(known, ..)| *known == attribute) {
                    let value = self.value(&value, false)?;
                    attributes.push((attribute, value, false));
                }
            }
        }
        let bindings = self.bindings.len();
        let mut shown = name.to_vec();
        if self.separator.is_some() {
            attributes = self.bind(attributes)?;
            shown = self.qualified(name, true)?;
            for (attribute, ..) in &mut attributes {
                *attribute = self.qualified(attribute, false)?;
            }
        }
        self.place = Place::Content;
        self.event(
            "StartElement",
            vec![Argument::Text(shown.clone()), Argument::Attributes(attributes)],
        );
        self.elements.push(Element { name: name.to_vec(), shown, bindings });
        if is_empty {
            self.close_element();
        }
        Ok(Token::Passed(length))
    }

    fn end_tag(&mut self, text: &[u8]) -> Result<Token, Failed> {
        let Some(length) = memchr::memchr(b'>', text) else { return Ok(Token::Incomplete) };
        let content = text.get(2..length).unwrap_or_default();
        let (name, rest) = scan::name(content).ok_or(Failed::At(2))?;
        if !skip_space(rest).is_empty() {
            return Err(Failed::At(name.len().saturating_add(2)));
        }
        let floor = self.sources.last().map_or(0, |source| source.depth);
        if self.elements.len() <= floor {
            return Err(Failed::Problem(Problem::AsyncEntity));
        }
        if self.elements.last().is_none_or(|element| element.name != name) {
            if self.sources.is_empty() {
                self.position.advance(b"</");
            }
            return Err(Failed::Problem(Problem::MismatchedTag));
        }
        self.close_element();
        Ok(Token::Passed(length.saturating_add(1)))
    }

    fn close_element(&mut self) {
        let Some(element) = self.elements.pop() else { return };
        self.event("EndElement", vec![Argument::Text(element.shown)]);
        for (prefix, _) in
            self.bindings.split_off(element.bindings.min(self.bindings.len())).into_iter().rev()
        {
            let prefix = if prefix.is_empty() { Argument::Nil } else { Argument::Text(prefix) };
            self.event("EndNamespaceDecl", vec![prefix]);
        }
        if self.elements.is_empty() {
            self.place = Place::Epilog;
        }
    }

    /// Binds the prefixes that attributes declare, and returns the other attributes.
    fn bind(
        &mut self,
        attributes: Vec<(Vec<u8>, Vec<u8>, bool)>,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>, bool)>, Problem> {
        let mut others = Vec::with_capacity(attributes.len());
        for (name, value, is_given) in attributes {
            let prefix = match name.strip_prefix(b"xmlns") {
                Some([]) => b"".to_vec(),
                Some([b':', prefix @ ..]) => prefix.to_vec(),
                _ => {
                    others.push((name, value, is_given));
                    continue;
                }
            };
            if value.is_empty() && !prefix.is_empty() {
                return Err(Problem::UndeclaringPrefix);
            }
            let shown =
                if prefix.is_empty() { Argument::Nil } else { Argument::Text(prefix.clone()) };
            let uri = if value.is_empty() { Argument::Nil } else { Argument::Text(value.clone()) };
            self.event("StartNamespaceDecl", vec![shown, uri]);
            self.bindings.push((prefix, value));
        }
        Ok(others)
    }

    /// A name with the URI of its prefix.
    fn qualified(&self, name: &[u8], is_element: bool) -> Result<Vec<u8>, Problem> {
        let Some(separator) = &self.separator else { return Ok(name.to_vec()) };
        let (prefix, local) = match memchr::memchr(b':', name) {
            Some(at) => (
                name.get(..at).unwrap_or_default(),
                name.get(at.saturating_add(1)..).unwrap_or_default(),
            ),
            None => (&b""[..], name),
        };
        if prefix.is_empty() && !is_element {
            return Ok(name.to_vec());
        }
        let bound = self.bindings.iter().rev().find(|(known, _)| known == prefix);
        match bound {
            None if prefix.is_empty() => Ok(name.to_vec()),
            None => Err(Problem::UnboundPrefix),
            Some((_, uri)) if uri.is_empty() => Ok(name.to_vec()),
            Some((_, uri)) => {
                let mut shown = [&uri[..], separator, local].concat();
                if self.with_prefixes && !prefix.is_empty() {
                    shown.extend_from_slice(separator);
                    shown.extend_from_slice(prefix);
                }
                Ok(shown)
            }
        }
    }
}

/// A token that was read.
enum Token {
    /// Its length.
    Passed(usize),
    /// A reference to an entity, whose text is read next.
    Expanded(usize, Source),
    /// A declaration of a one-byte encoding.
    Latin(usize),
    Incomplete,
}

/// Why a token is invalid.
enum Failed {
    /// The character at an offset is.
    At(usize),
    Problem(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Failed {
        Failed::Problem(problem)
    }
}

/// The character of an entity that is always defined.
fn predefined(name: &[u8]) -> Option<u8> {
    match name {
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        b"apos" => Some(b'\''),
        _ => None,
    }
}

/// Whether an encoding has one byte for a character (true) or is UTF-8. None if it is unknown.
fn is_latin(name: &[u8]) -> Option<bool> {
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
