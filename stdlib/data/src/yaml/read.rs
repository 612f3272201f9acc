//! The YAML reader. It turns events of the crate `saphyr-parser` into ours.
//!
//! An alias is the same value again, not a copy, so data never becomes larger than its text; a node
//! cannot contain itself.

use super::ahead::{Ahead, Scanned};
use super::scalar;
use crate::events::{Event, Events, ReadError};
use crate::{MAX_DEPTH, ParseError, SourcePosition};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hashbrown::{HashMap, HashSet};
use saphyr_parser::{Event as Parsed, Marker, Parser, ScalarStyle, Tag};
use std::rc::Rc;

/// Adds the events of a text with at most one document.
pub(crate) fn one_document(text: &str, events: &mut Events) -> Result<(), ReadError> {
    Reader::new(&Ahead::new(events)).read(text, false)
}

/// Adds the events of the list of all documents.
pub(crate) fn all_documents(text: &str, events: &mut Events) -> Result<(), ReadError> {
    Reader::new(&Ahead::new(events)).read(text, true)
}

/// Memory for an anchor and a key in their sets while these grow, without the bytes of the key. The
/// parser has a tree of anchors, too.
const ANCHOR_BYTES: usize = 3 * size_of::<(usize, Anchored)>() + 96;
const KEY_BYTES: usize = 3 * size_of::<Identity>() + 32;

/// Identifies a key.
type Identity = Rc<[u8]>;

/// The kind of a named node.
#[derive(Clone)]
enum Anchored {
    /// A node that has not ended yet.
    Open,
    /// A scalar; None if it cannot be a key.
    Scalar(Option<Identity>),
    List,
    Map,
}

/// A list or map that has started.
struct Open {
    /// The number of its anchor; 0 for none.
    anchor: usize,
    /// The keys of a map; None for a list.
    keys: Option<HashSet<Identity>>,
    /// Whether the next scalar is a key.
    expects_key: bool,
    /// Whether it is to be merged into the map that contains it.
    is_merged: bool,
}

const WRONG_KEY: &str = "a key must be a string, a number or a boolean";

struct Reader<'e> {
    events: &'e Ahead<'e>,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    /// Whether the value of a merge key is next.
    merges: bool,
}

fn parse_error(reason: impl Into<String>, marker: Marker) -> ReadError {
    let position = SourcePosition::Position(marker.line(), marker.col().saturating_add(1));
    ParseError { reason: reason.into(), position }.into()
}

impl<'e> Reader<'e> {
    fn new(events: &'e Ahead<'e>) -> Reader<'e> {
        Reader { events, open: Vec::new(), anchors: HashMap::new(), merges: false }
    }

    fn read(mut self, text: &str, all: bool) -> Result<(), ReadError> {
        let mut documents = 0;
        if all {
            self.events.push(Event::Begin { is_map: false })?;
        }
        for parsed in Parser::new(Scanned::new(text, self.events)) {
            let reached = parsed.as_ref().map_or(0, |(_, span)| span.end.index());
            self.events.reached(reached)?;
            let (event, span) =
                parsed.map_err(|error| parse_error(error.info(), *error.marker()))?;
            let at = span.start;
            match event {
                Parsed::DocumentStart(_) => {
                    documents = usize::saturating_add(documents, 1);
                    if documents > 1 && !all {
                        return Err(parse_error(
                            "more than one document (use yaml.decode_all)",
                            at,
                        ));
                    }
                }
                Parsed::Scalar(text, style, anchor, tag) => {
                    self.scalar(&text, style, anchor, tag.as_deref(), at)?
                }
                Parsed::SequenceStart(anchor, _) => self.begin(anchor, false, at)?,
                Parsed::MappingStart(anchor, _) => self.begin(anchor, true, at)?,
                Parsed::SequenceEnd | Parsed::MappingEnd => self.end()?,
                Parsed::Alias(anchor) => self.alias(anchor, at)?,
                Parsed::Nothing | Parsed::StreamStart | Parsed::StreamEnd | Parsed::DocumentEnd => {
                }
            }
        }
        if all {
            self.events.push(Event::End)?;
        }
        self.events.release(0);
        Ok(())
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.expects_key)
    }

    /// Handles the end of a value.
    fn ended(&mut self, anchor: usize, what: Anchored) -> Result<(), ReadError> {
        if anchor > 0 {
            self.events.hold(ANCHOR_BYTES)?;
            self.anchors.insert(anchor, what);
            self.events.push(Event::Name(anchor))?;
        }
        if let Some(open) = self.open.last_mut()
            && open.keys.is_some()
        {
            open.expects_key = true;
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Marker,
    ) -> Result<(), ReadError> {
        let is_plain = style == ScalarStyle::Plain;
        if self.expects_key() && is_plain && tag.is_none() && text == "<<" {
            return self.merge_key(at);
        }
        let event = tagged(text, is_plain, tag).map_err(|reason| parse_error(reason, at))?;
        let identity = identity(&event);
        if !self.expects_key() {
            let node = Anchored::Scalar(identity.filter(|_| anchor > 0));
            self.check_merged(&node, at)?;
            self.events.push(event)?;
            return self.ended(anchor, node);
        }
        let Some(identity) = identity else { return Err(parse_error(WRONG_KEY, at)) };
        self.add_key(identity.clone(), text, at)?;
        self.events.push(Event::Key(Box::new(event)))?;
        if anchor > 0 {
            self.events.hold(ANCHOR_BYTES)?;
            self.anchors.insert(anchor, Anchored::Scalar(Some(identity)));
            self.events.push(Event::Name(anchor))?;
        }
        Ok(())
    }

    /// Adds a key to those of the innermost map. Fails for duplicates.
    fn add_key(&mut self, identity: Identity, text: &str, at: Marker) -> Result<(), ReadError> {
        self.events.hold(identity.len().saturating_add(KEY_BYTES))?;
        if let Some(open) = self.open.last_mut() {
            open.expects_key = false;
            if open.keys.as_mut().is_some_and(|keys| !keys.insert(identity)) {
                return Err(parse_error(format!("duplicate key '{text}'"), at));
            }
        }
        Ok(())
    }

    fn merge_key(&mut self, at: Marker) -> Result<(), ReadError> {
        self.add_key(Rc::from(&b"<<"[..]), "<<", at)?;
        self.events.push(Event::MergeKey)?;
        self.merges = true;
        Ok(())
    }

    /// Fails if a node to be merged is neither a map nor a list of maps.
    fn check_merged(&mut self, node: &Anchored, at: Marker) -> Result<bool, ReadError> {
        let is_source = std::mem::take(&mut self.merges);
        let in_source = self.open.last().is_some_and(|open| open.is_merged && open.keys.is_none());
        match node {
            Anchored::Map => {}
            Anchored::List if !in_source => {}
            _ if !is_source && !in_source => {}
            _ => return Err(parse_error("'<<' requires a map or a list of maps", at)),
        }
        Ok(is_source)
    }

    fn begin(&mut self, anchor: usize, is_map: bool, at: Marker) -> Result<(), ReadError> {
        if self.expects_key() {
            return Err(parse_error(WRONG_KEY, at));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(parse_error("nested too deeply", at));
        }
        let is_merged =
            self.check_merged(if is_map { &Anchored::Map } else { &Anchored::List }, at)?;
        if anchor > 0 {
            self.anchors.insert(anchor, Anchored::Open);
        }
        self.open.push(Open {
            anchor,
            keys: is_map.then(HashSet::new),
            expects_key: is_map,
            is_merged,
        });
        self.events.push(Event::Begin { is_map })?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.events.push(Event::End)?;
        self.ended(open.anchor, if open.keys.is_some() { Anchored::Map } else { Anchored::List })
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<(), ReadError> {
        let node = match self.anchors.get(&anchor) {
            None => return Err(parse_error("unknown anchor", at)),
            Some(Anchored::Open) => return Err(parse_error("a node cannot contain itself", at)),
            Some(node) => node.clone(),
        };
        if self.expects_key() {
            let Anchored::Scalar(Some(identity)) = node else {
                return Err(parse_error(WRONG_KEY, at));
            };
            self.add_key(identity, "*", at)?;
            self.events.push(Event::NamedKey(anchor))?;
            return Ok(());
        }
        self.check_merged(&node, at)?;
        self.events.push(Event::Named(anchor))?;
        self.ended(0, node)
    }
}

/// Returns the identity of a scalar. None if it cannot be a key.
fn identity(event: &Event) -> Option<Identity> {
    Some(match event {
        Event::Boolean(value) => Rc::from(&[b'b', u8::from(*value)][..]),
        // Zero is one key, whatever its sign.
        Event::Number(x) if !x.is_nan() => {
            [&b"n"[..], &(x + 0.0).to_bits().to_le_bytes()].concat().into()
        }
        Event::String(bytes) => [b"s", &bytes[..]].concat().into(),
        _ => return None,
    })
}

/// Returns the value of a scalar with a tag. Tags other than YAML's own are ignored, except that
/// they make it a string.
fn tagged(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Event, String> {
    let string = || Event::String(text.as_bytes().into());
    let Some(tag) = tag else { return Ok(if is_plain { scalar::resolve(text) } else { string() }) };
    if !tag.is_yaml_core_schema() {
        return Ok(string());
    }
    let value = scalar::resolve(text);
    match (tag.suffix.as_str(), &value) {
        ("null", Event::Null) | ("bool", Event::Boolean(_)) | ("float", Event::Number(_)) => {
            Ok(value)
        }
        ("int", Event::Number(x)) if x.fract() == 0.0 => Ok(value),
        ("binary", _) => {
            let digits: String = text.split_ascii_whitespace().collect();
            let bytes =
                STANDARD.decode(digits).map_err(|_| "invalid base64 in '!!binary'".to_string())?;
            Ok(Event::String(bytes.into()))
        }
        (name @ ("null" | "bool" | "float" | "int"), _) => {
            Err(format!("'{text}' is not a valid '!!{name}'"))
        }
        _ => Ok(string()),
    }
}
