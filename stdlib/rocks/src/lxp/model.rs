//! Content models of elements: `(a, (b | c)*, d?)`.

use super::scan::{self, skip_space};

/// A content model, or a part of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// EMPTY, ANY, MIXED, NAME, CHOICE or SEQUENCE.
    pub(super) kind: &'static str,
    /// `?`, `*`, `+` or nothing.
    pub(super) quantifier: Option<&'static str>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) children: Vec<Model>,
}

/// The deepest nesting of groups, so that reading and converting one may recurse.
const DEEPEST: usize = 64;

impl Model {
    /// Reads a whole model. None if it is invalid.
    pub(super) fn read(text: &[u8]) -> Option<Model> {
        match text {
            b"EMPTY" => return Some(Model { kind: "EMPTY", ..Model::default() }),
            b"ANY" => return Some(Model { kind: "ANY", ..Model::default() }),
            _ => {}
        }
        let (model, rest) = Model::part(text, 0)?;
        skip_space(rest).is_empty().then_some(model)
    }

    /// The memory that it takes, about.
    pub(super) fn size(&self) -> usize {
        let own = self.name.as_ref().map_or(0, Vec::len).saturating_add(size_of::<Model>());
        self.children.iter().map(Model::size).fold(own, usize::saturating_add)
    }

    fn part(text: &[u8], depth: usize) -> Option<(Model, &[u8])> {
        let (mut model, rest) = match text.strip_prefix(b"(") {
            Some(rest) => Model::group(rest, depth.saturating_add(1))?,
            None => {
                let (name, rest) = scan::name(text)?;
                (Model { kind: "NAME", name: Some(name.to_vec()), ..Model::default() }, rest)
            }
        };
        model.quantifier = match rest.first() {
            Some(b'?') => Some("?"),
            Some(b'*') => Some("*"),
            Some(b'+') => Some("+"),
            _ => return Some((model, rest)),
        };
        Some((model, rest.get(1..)?))
    }

    fn group(text: &[u8], depth: usize) -> Option<(Model, &[u8])> {
        if depth > DEEPEST {
            return None;
        }
        let mut model = Model { kind: "SEQUENCE", ..Model::default() };
        let mut rest = skip_space(text);
        if let Some(after) = rest.strip_prefix(b"#PCDATA") {
            model.kind = "MIXED";
            rest = skip_space(after);
            if let Some(after) = rest.strip_prefix(b")") {
                return Some((model, after));
            }
            rest = skip_space(rest.strip_prefix(b"|")?);
        }
        let mut separator = (model.kind == "MIXED").then_some(b'|');
        loop {
            let (child, after) = Model::part(rest, depth)?;
            model.children.push(child);
            let after = skip_space(after);
            let &next = after.first()?;
            let after = after.get(1..)?;
            if next == b')' {
                return Some((model, after));
            }
            if !matches!(next, b'|' | b',') || separator.is_some_and(|known| known != next) {
                return None;
            }
            if separator.is_none() && next == b'|' {
                model.kind = "CHOICE";
            }
            separator = Some(next);
            rest = skip_space(after);
        }
    }
}
