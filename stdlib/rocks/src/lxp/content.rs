//! Text and references. Entities are expanded a token at a time, and how much they may amplify the
//! input is limited.

use super::doctype::Entity;
use super::event::{Argument, Problem};
use super::parser::{Failed, Parser, Place, Source, Token};
use super::scan::{self, is_space};
use std::rc::Rc;

impl Parser {
    pub(super) fn content(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
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
    pub(super) fn text(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
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

    pub(super) fn cdata(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
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
    pub(super) fn reference(&mut self, name: &[u8], length: usize) -> Result<Token, Failed> {
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
    pub(super) fn expand(&mut self, bytes: usize) -> Result<(), Problem> {
        // A reference costs at least something.
        self.expanded = self.expanded.saturating_add(bytes.max(1));
        let all = self.expanded as f64;
        let most = self.amplification * self.received as f64;
        if all > self.threshold && all > most { Err(Problem::Amplification) } else { Ok(()) }
    }

    /// The value of an attribute: references replaced, white space as spaces.
    pub(super) fn value(&mut self, raw: &[u8], is_tokens: bool) -> Result<Vec<u8>, Problem> {
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
