//! Document type declarations: entities and the defaults of attributes are remembered, everything
//! is reported. Files that a declaration refers to are never read.

use super::event::{Argument, Problem};
use super::model::Model;
use super::scan::{self, is_space, skip_space};
use std::collections::HashMap;
use std::rc::Rc;

/// A general entity.
#[derive(Clone)]
pub(super) enum Entity {
    /// Its text, with character references replaced.
    Internal(Rc<[u8]>),
    /// In a file, which is not read.
    External,
    /// Not XML.
    Unparsed,
}

/// Attributes with default values, by element.
type Defaults = HashMap<Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>>;

/// What declarations have defined.
#[derive(Default)]
pub(super) struct Declarations {
    pub(super) entities: HashMap<Vec<u8>, Entity>,
    /// By element: attributes with default values.
    pub(super) defaults: Defaults,
    /// Attributes whose value is a list of tokens, by element and attribute.
    pub(super) tokens: HashMap<(Vec<u8>, Vec<u8>), ()>,
    /// About the memory that they take.
    pub(super) size: usize,
    /// Whether there are declarations that are not read.
    pub(super) is_incomplete: bool,
}

/// A callback, as (name, arguments).
pub(super) type Declared = (&'static str, Vec<Argument>);

/// Splits white space and a literal off the start of a text.
fn spaced_literal(text: &[u8]) -> Option<(&[u8], &[u8])> {
    is_space(*text.first()?).then(|| scan::literal(skip_space(text)))?
}

/// The identifiers of an external entity: public and system.
type Identifiers<'t> = (Option<&'t [u8]>, Option<&'t [u8]>);

/// Reads `SYSTEM "..."` or `PUBLIC "..." "..."`. The system identifier of a notation is optional.
fn identifiers(text: &[u8], is_notation: bool) -> Option<(Identifiers<'_>, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"SYSTEM") {
        let (system, rest) = spaced_literal(rest)?;
        return Some(((None, Some(system)), rest));
    }
    let (public, rest) = spaced_literal(text.strip_prefix(b"PUBLIC")?)?;
    match spaced_literal(rest) {
        Some((system, rest)) => Some(((Some(public), Some(system)), rest)),
        None if is_notation => Some(((Some(public), None), rest)),
        None => None,
    }
}

/// Reads the start of a document type: up to `[` or `>`. Returns its callback's arguments.
pub(super) fn start(text: &[u8], has_subset: bool) -> Option<Vec<Argument>> {
    let rest = text
        .strip_prefix(b"<!DOCTYPE")
        .filter(|rest| rest.first().is_some_and(|&b| is_space(b)))?;
    let (name, rest) = scan::name(skip_space(rest))?;
    let rest = skip_space(rest);
    let ((public, system), rest) = match rest.first() {
        None => ((None, None), rest),
        Some(_) => identifiers(rest, false)?,
    };
    skip_space(rest)
        .is_empty()
        .then(|| vec![name.into(), system.into(), public.into(), Argument::Boolean(has_subset)])
}

impl Declarations {
    /// Reads a declaration of an internal subset, from `<!` to `>`.
    pub(super) fn declare(
        &mut self,
        text: &[u8],
        base: Option<&[u8]>,
    ) -> Result<Vec<Declared>, Problem> {
        let content = text.strip_prefix(b"<!").and_then(|text| text.strip_suffix(b">"));
        let content = content.ok_or(Problem::InvalidToken)?;
        let (kind, rest) = scan::name(content).ok_or(Problem::InvalidToken)?;
        if !rest.first().is_some_and(|&byte| is_space(byte)) {
            return Err(Problem::Syntax);
        }
        let rest = skip_space(rest);
        match kind {
            b"ENTITY" => self.entity(rest, base).ok_or(Problem::Syntax)?,
            b"NOTATION" => {
                let read = || {
                    let (name, rest) = scan::name(rest)?;
                    let ((public, system), _) = identifiers(skip_space(rest), true)?;
                    Some(vec![name.into(), base.into(), system.into(), public.into()])
                };
                Ok(vec![("NotationDecl", read().ok_or(Problem::Syntax)?)])
            }
            b"ATTLIST" => self.attributes(rest),
            b"ELEMENT" => {
                let (name, rest) = scan::name(rest).ok_or(Problem::Syntax)?;
                let model = skip_space(rest);
                if model.is_empty() {
                    return Err(Problem::Syntax);
                }
                let model = model.trim_ascii_end();
                let model = Model::read(model).ok_or(Problem::Syntax)?;
                Ok(vec![("ElementDecl", vec![name.into(), Argument::Model(model)])])
            }
            _ => Err(Problem::Syntax),
        }
    }

    fn entity(
        &mut self,
        rest: &[u8],
        base: Option<&[u8]>,
    ) -> Option<Result<Vec<Declared>, Problem>> {
        let (is_parameter, rest) = match rest.strip_prefix(b"%") {
            Some(after) => (true, skip_space(after)),
            None => (false, rest),
        };
        let (name, rest) = scan::name(rest)?;
        let rest = skip_space(rest);
        let mut arguments = vec![name.into(), Argument::Boolean(is_parameter)];
        let mut more = Vec::new();
        let entity = if let Some((value, _)) = scan::literal(rest) {
            let value = match with_characters(value) {
                Ok(value) => value,
                Err(problem) => return Some(Err(problem)),
            };
            arguments.extend([Argument::Text(value.clone()), base.into()]);
            arguments.extend([Argument::Nil, Argument::Nil, Argument::Nil]);
            Entity::Internal(value.into())
        } else {
            let ((public, system), rest) = identifiers(rest, false)?;
            let rest = skip_space(rest);
            let notation = rest.strip_prefix(b"NDATA").map(skip_space).and_then(scan::name);
            arguments.extend([Argument::Nil, base.into(), system.into(), public.into()]);
            match notation {
                Some((notation, _)) => {
                    arguments.push(notation.into());
                    let unparsed = vec![
                        name.into(),
                        base.into(),
                        system.into(),
                        public.into(),
                        notation.into(),
                    ];
                    more.push(("UnparsedEntityDecl", unparsed));
                    Entity::Unparsed
                }
                None => {
                    arguments.push(Argument::Nil);
                    Entity::External
                }
            }
        };
        if !is_parameter && !self.entities.contains_key(name) {
            let size = match &entity {
                Entity::Internal(text) => text.len(),
                _ => 64,
            };
            self.size =
                self.size.saturating_add(size).saturating_add(name.len()).saturating_add(128);
            self.entities.insert(name.to_vec(), entity);
        }
        let mut declared = vec![("EntityDecl", arguments)];
        declared.append(&mut more);
        Some(Ok(declared))
    }

    fn attributes(&mut self, rest: &[u8]) -> Result<Vec<Declared>, Problem> {
        let (element, mut rest) = scan::name(rest).ok_or(Problem::Syntax)?;
        let mut declared = Vec::new();
        loop {
            rest = skip_space(rest);
            if rest.is_empty() {
                return Ok(declared);
            }
            let (name, after) = scan::name(rest).ok_or(Problem::Syntax)?;
            let after = skip_space(after);
            let (kind, after) = kind(after).ok_or(Problem::Syntax)?;
            let after = skip_space(after);
            let mut is_required = false;
            let (value, after) = if let Some(after) = after.strip_prefix(b"#REQUIRED") {
                is_required = true;
                (None, after)
            } else if let Some(after) = after.strip_prefix(b"#IMPLIED") {
                (None, after)
            } else {
                let literal = match after.strip_prefix(b"#FIXED") {
                    Some(after) => {
                        is_required = true;
                        skip_space(after)
                    }
                    None => after,
                };
                let (value, after) = scan::literal(literal).ok_or(Problem::Syntax)?;
                (Some(value), after)
            };
            let is_new = !declared_before(&self.defaults, element, name);
            self.size = self.size.saturating_add(element.len()).saturating_add(name.len());
            self.size = self.size.saturating_add(value.map_or(0, <[u8]>::len)).saturating_add(256);
            if let Some(value) = value
                && is_new
            {
                let defaults = self.defaults.entry(element.to_vec()).or_default();
                defaults.push((name.to_vec(), value.to_vec()));
            }
            if kind != b"CDATA" {
                self.tokens.insert((element.to_vec(), name.to_vec()), ());
            }
            declared.push((
                "AttlistDecl",
                vec![
                    element.into(),
                    name.into(),
                    Argument::Text(kind),
                    value.into(),
                    Argument::Boolean(is_required),
                ],
            ));
            rest = after;
        }
    }
}

fn declared_before(defaults: &Defaults, element: &[u8], name: &[u8]) -> bool {
    defaults.get(element).is_some_and(|list| list.iter().any(|(known, _)| known == name))
}

/// Reads the type of an attribute, without the white space in a list.
fn kind(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut kind, rest) = match text.first()? {
        b'(' => (Vec::new(), text),
        _ => {
            let (word, rest) = scan::name(text)?;
            (word.to_vec(), rest)
        }
    };
    let list = if kind.is_empty() || kind == b"NOTATION" { skip_space(rest) } else { b"" };
    if list.first() != Some(&b'(') {
        return (!kind.is_empty()).then_some((kind, rest));
    }
    let end = memchr::memchr(b')', list)?.saturating_add(1);
    kind.extend(list.get(..end)?.iter().filter(|&&byte| !is_space(byte)));
    Some((kind, list.get(end..)?))
}

/// Replaces the character references of an entity's value, and line ends.
fn with_characters(value: &[u8]) -> Result<Vec<u8>, Problem> {
    let value = scan::normalized(value);
    let mut result = Vec::with_capacity(value.len());
    let mut rest = &value[..];
    while let Some(at) = memchr::memmem::find(rest, b"&#") {
        result.extend_from_slice(rest.get(..at).unwrap_or_default());
        let after = rest.get(at.saturating_add(2)..).unwrap_or_default();
        let end = memchr::memchr(b';', after).ok_or(Problem::InvalidToken)?;
        let character = scan::character(after.get(..end).unwrap_or_default())?;
        result.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = after.get(end.saturating_add(1)..).unwrap_or_default();
    }
    result.extend_from_slice(rest);
    Ok(result)
}
