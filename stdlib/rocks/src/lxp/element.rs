//! Tags: attributes, namespaces, the stack of open elements.

use super::event::{Argument, Problem};
use super::parser::{Element, Failed, Parser, Place, Token};
use super::scan::{self, skip_space};

/// Attributes with their values; the flag is false for default values.
type Attributes = Vec<(Vec<u8>, Vec<u8>, bool)>;

impl Parser {
    /// A start tag, or the tag of an empty element.
    pub(super) fn tag(&mut self, text: &[u8]) -> Result<Token, Failed> {
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
        let mut attributes: Attributes = Vec::with_capacity(raw.len());
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

    pub(super) fn end_tag(&mut self, text: &[u8]) -> Result<Token, Failed> {
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

    pub(super) fn close_element(&mut self) {
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
    pub(super) fn bind(&mut self, attributes: Attributes) -> Result<Attributes, Problem> {
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
    pub(super) fn qualified(&self, name: &[u8], is_element: bool) -> Result<Vec<u8>, Problem> {
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
