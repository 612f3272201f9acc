//! What is outside the root element: the XML declaration, comments, processing instructions, the
//! document type.

use super::doctype;
use super::event::{Argument, Problem};
use super::parser::{Failed, Parser, Place, Token, is_latin};
use super::scan::{self, is_space, skip_space};

impl Parser {
    pub(super) fn start(&mut self, text: &[u8], is_whole: bool) -> Result<Token, Failed> {
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
    pub(super) fn miscellaneous(&mut self, text: &[u8]) -> Result<Option<Token>, Failed> {
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
    pub(super) fn outside(&mut self, text: &[u8]) -> Result<Token, Failed> {
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

    pub(super) fn doctype(&mut self, text: &[u8]) -> Result<Token, Failed> {
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

    pub(super) fn subset(&mut self, text: &[u8]) -> Result<Token, Failed> {
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
}
