//! The compiler of patterns: from bytes to items.
//!
//! The result behaves exactly like PUC Lua's interpretation of the bytes, oddities included: a zero
//! byte ends the pattern, `%f` and classes are parsed as leniently as in PUC Lua, and errors become
//! items ([`Item::Fail`]).

use super::byte_set::ByteSet;
use super::{MAX_CAPTURES, PatternError};
use solvm_vm::Held;

/// The meaning of a leading `^`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The match must start where the search does (`find`, `match`, `gsub`).
    Honoured,
    /// A literal character (`gmatch` in Lua 5.1).
    Literal,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(super) items: Box<[Item]>,
    pub(super) sets: Box<[ByteSet]>,
    pub(super) anchored: bool,
    /// The possible first bytes of a match.
    pub(super) first: FirstBytes,
    pub(super) captures: Box<[CaptureState]>,
    /// The share of the account for a long pattern.
    _held: Option<Held>,
}

/// A step of matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// One byte.
    One(Single),
    /// `?`.
    Optional(Single),
    /// `*`, and the second part of `+`.
    Greedy(Single, FirstBytes),
    /// `-`.
    Lazy(Single, FirstBytes),
    /// `(`, the number of the capture.
    Open(u8),
    /// `()`.
    Position(u8),
    /// `)`.
    Close(u8),
    /// `%1`.
    BackReference(u8),
    /// `%bxy`.
    Balance(u8, u8),
    /// `%f[set]`, the index of the set.
    Frontier(u32),
    /// `$` at the end.
    SubjectEnd,
    /// Never matches: a reference to a position capture.
    Never,
    /// The end of the pattern.
    Match,
    /// Raises an error when matching reaches it.
    Fail(PatternError),
}

/// A test for a single byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Single {
    Any,
    Byte(u8),
    /// The index of the set.
    Set(u32),
}

/// The possible first bytes of the items from some item on. It saves attempts, and does not affect
/// results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstBytes {
    Anything,
    Byte(u8),
    /// The index of the set.
    Set(u32),
    /// The index of the set, or the end of the subject.
    SetOrEnd(u32),
    /// The end of the subject.
    End,
    /// Only for the items after a greedy repetition: no byte that the repetition matches can start
    /// the rest, so it never backtracks.
    Outside,
}

/// The state of a capture at the end of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaptureState {
    Open,
    Closed,
    Position,
}

impl Pattern {
    /// Returns the maximum size of a compiled pattern in bytes.
    pub(crate) fn max_bytes(source: &[u8]) -> usize {
        source.len() * (size_of::<Item>() + size_of::<ByteSet>())
    }

    /// Attaches the share of the account for the pattern's memory.
    pub(crate) fn holding(self, held: Option<Held>) -> Pattern {
        Pattern { _held: held, ..self }
    }

    /// Compiles a pattern. Errors in it are raised by matching.
    pub(crate) fn new(source: &[u8], anchor: Anchor) -> Pattern {
        let source = memchr::memchr(0, source).map_or(source, |end| &source[..end]);
        let (anchored, source) = match source.strip_prefix(b"^") {
            Some(rest) if anchor == Anchor::Honoured => (true, rest),
            _ => (false, source),
        };
        let mut compiler = Compiler {
            rest: source,
            items: Vec::with_capacity(source.len() + 1),
            sets: Vec::new(),
            captures: Vec::new(),
        };
        let last = match compiler.run() {
            Ok(()) => Item::Match,
            Err(error) => Item::Fail(error),
        };
        compiler.items.push(last);
        let first = compiler.add_first_bytes();
        let Compiler { items, sets, captures, .. } = compiler;
        Pattern {
            items: items.into(),
            sets: sets.into(),
            anchored,
            first,
            captures: captures.into(),
            _held: None,
        }
    }

    /// Returns the number of captures, without the whole match.
    pub(crate) fn capture_count(&self) -> usize {
        self.captures.len()
    }

    /// Whether the pattern is anchored by a leading `^`: `gsub` stops after the first match.
    pub(crate) fn is_anchored(&self) -> bool {
        self.anchored
    }
}

struct Compiler<'a> {
    rest: &'a [u8],
    items: Vec<Item>,
    sets: Vec<ByteSet>,
    captures: Vec<CaptureState>,
}

impl Compiler<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        while let &[byte, ref rest @ ..] = self.rest {
            match (byte, rest) {
                (b'(', [b')', ..]) => {
                    self.rest = &rest[1..];
                    let index = self.open_capture(CaptureState::Position)?;
                    self.items.push(Item::Position(index));
                }
                (b'(', _) => {
                    self.rest = rest;
                    let index = self.open_capture(CaptureState::Open)?;
                    self.items.push(Item::Open(index));
                }
                (b')', _) => {
                    self.rest = rest;
                    let open = self.captures.iter().rposition(|&state| state == CaptureState::Open);
                    let index = open.ok_or(PatternError::InvalidPatternCapture)?;
                    self.captures[index] = CaptureState::Closed;
                    self.items.push(Item::Close(index as u8));
                }
                (b'%', [b'b', rest @ ..]) => {
                    let &[open, close, ref rest @ ..] = rest else {
                        return Err(PatternError::Unbalanced);
                    };
                    self.rest = rest;
                    self.items.push(Item::Balance(open, close));
                }
                (b'%', [b'f', rest @ ..]) => {
                    if rest.first() != Some(&b'[') {
                        return Err(PatternError::MissingFrontierSet);
                    }
                    self.rest = rest;
                    let set = self.set()?;
                    self.items.push(Item::Frontier(set));
                }
                (b'%', [digit @ b'0'..=b'9', rest @ ..]) => {
                    self.rest = rest;
                    let item = self.back_reference(*digit)?;
                    self.items.push(item);
                }
                (b'$', []) => {
                    self.rest = rest;
                    self.items.push(Item::SubjectEnd);
                }
                _ => self.repeated_single()?,
            }
        }
        Ok(())
    }

    fn open_capture(&mut self, state: CaptureState) -> Result<u8, PatternError> {
        if self.captures.len() == MAX_CAPTURES {
            return Err(PatternError::TooManyCaptures);
        }
        self.captures.push(state);
        Ok(self.captures.len() as u8 - 1)
    }

    fn back_reference(&self, digit: u8) -> Result<Item, PatternError> {
        let state = digit
            .checked_sub(b'1')
            .and_then(|index| Some((index, *self.captures.get(usize::from(index))?)));
        match state {
            Some((index, CaptureState::Closed)) => Ok(Item::BackReference(index)),
            Some((_, CaptureState::Position)) => Ok(Item::Never),
            Some((_, CaptureState::Open)) | None => Err(PatternError::InvalidCaptureIndex),
        }
    }

    fn repeated_single(&mut self) -> Result<(), PatternError> {
        let single = self.single()?;
        let item = match self.rest.first() {
            Some(b'?') => Item::Optional(single),
            Some(b'*') => Item::Greedy(single, FirstBytes::Anything),
            Some(b'+') => {
                self.items.push(Item::One(single));
                Item::Greedy(single, FirstBytes::Anything)
            }
            Some(b'-') => Item::Lazy(single, FirstBytes::Anything),
            _ => {
                self.items.push(Item::One(single));
                return Ok(());
            }
        };
        self.items.push(item);
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn single(&mut self) -> Result<Single, PatternError> {
        match *self.rest {
            [b'.', ref rest @ ..] => {
                self.rest = rest;
                Ok(Single::Any)
            }
            [b'%', letter, ref rest @ ..] => {
                self.rest = rest;
                Ok(match ByteSet::class(letter) {
                    Some(set) => Single::Set(self.add_set(set)),
                    None => Single::Byte(letter),
                })
            }
            [b'%'] => Err(PatternError::EndsWithEscape),
            [b'[', ..] => Ok(Single::Set(self.set()?)),
            [byte, ref rest @ ..] => {
                self.rest = rest;
                Ok(Single::Byte(byte))
            }
            [] => Err(PatternError::EndsWithEscape),
        }
    }

    /// Parses `[...]`, which `rest` starts with.
    fn set(&mut self) -> Result<u32, PatternError> {
        let inner = &self.rest[1..];
        let (negated, inner) = match inner.strip_prefix(b"^") {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let (members, rest) = split_set(inner).ok_or(PatternError::MissingBracket)?;
        self.rest = rest;
        let mut set = ByteSet::default();
        let mut members = members;
        while let Some((&byte, after)) = members.split_first() {
            members = match (byte, after) {
                (b'%', [letter, after @ ..]) => {
                    match ByteSet::class(*letter) {
                        Some(class) => set.insert_all(&class),
                        None => set.insert(*letter),
                    }
                    after
                }
                // The end of a range was the `%` of the preceding pair: as in PUC Lua, it escapes
                // the bracket.
                (b'%', []) => {
                    set.insert(b']');
                    &[]
                }
                (from, [b'-', to, after @ ..]) => {
                    set.insert_range(from, *to);
                    after
                }
                (byte, after) => {
                    set.insert(byte);
                    after
                }
            };
        }
        Ok(self.add_set(if negated { set.complement() } else { set }))
    }

    fn add_set(&mut self, set: ByteSet) -> u32 {
        self.sets.push(set);
        self.sets.len() as u32 - 1
    }

    /// Sets the possible first bytes after each repetition, and returns those of the whole pattern.
    fn add_first_bytes(&mut self) -> FirstBytes {
        let mut following = FirstBytes::Anything;
        for index in (0..self.items.len()).rev() {
            let item = &mut self.items[index];
            match item {
                Item::Greedy(single, next) if excludes(*single, following, &self.sets) => {
                    *next = FirstBytes::Outside
                }
                Item::Greedy(_, next) | Item::Lazy(_, next) => *next = following,
                _ => {}
            }
            following = match *item {
                Item::Open(_) | Item::Position(_) | Item::Close(_) => following,
                Item::One(Single::Byte(byte)) => FirstBytes::Byte(byte),
                Item::One(Single::Set(set)) => FirstBytes::Set(set),
                Item::Optional(single) | Item::Greedy(single, _) | Item::Lazy(single, _) => {
                    self.either(single, following)
                }
                // The end of the subject counts as a zero byte.
                Item::Frontier(set) if self.sets[set as usize].contains(0) => {
                    FirstBytes::SetOrEnd(set)
                }
                Item::Frontier(set) => FirstBytes::Set(set),
                Item::Balance(open, _) => FirstBytes::Byte(open),
                Item::SubjectEnd => FirstBytes::End,
                Item::One(Single::Any)
                | Item::BackReference(_)
                | Item::Never
                | Item::Match
                | Item::Fail(_) => FirstBytes::Anything,
            };
        }
        following
    }

    /// Returns the possible first bytes of a repetition of `single` followed by `following`.
    fn either(&mut self, single: Single, following: FirstBytes) -> FirstBytes {
        let mut set = ByteSet::default();
        match single {
            Single::Any => return FirstBytes::Anything,
            Single::Byte(byte) => set.insert(byte),
            Single::Set(index) => set = self.sets[index as usize],
        }
        match following {
            FirstBytes::Anything | FirstBytes::Outside => return FirstBytes::Anything,
            FirstBytes::Byte(byte) => set.insert(byte),
            FirstBytes::Set(index) | FirstBytes::SetOrEnd(index) => {
                set.insert_all(&self.sets[index as usize])
            }
            FirstBytes::End => {}
        }
        let index = self.add_set(set);
        if matches!(following, FirstBytes::End | FirstBytes::SetOrEnd(_)) {
            FirstBytes::SetOrEnd(index)
        } else {
            FirstBytes::Set(index)
        }
    }
}

/// Splits at the `]` that ends a set; the first byte never does.
fn split_set(inner: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = 0;
    loop {
        end += if *inner.get(end)? == b'%' && end + 1 < inner.len() { 2 } else { 1 };
        if *inner.get(end)? == b']' {
            return Some((&inner[..end], &inner[end + 1..]));
        }
    }
}

/// Whether no match of `single` can start `following`.
fn excludes(single: Single, following: FirstBytes, sets: &[ByteSet]) -> bool {
    match (single, following) {
        (_, FirstBytes::End) => true,
        (Single::Byte(mine), FirstBytes::Byte(next)) => mine != next,
        (Single::Byte(byte), FirstBytes::Set(set) | FirstBytes::SetOrEnd(set))
        | (Single::Set(set), FirstBytes::Byte(byte)) => !sets[set as usize].contains(byte),
        (Single::Set(mine), FirstBytes::Set(next) | FirstBytes::SetOrEnd(next)) => {
            sets[mine as usize].is_disjoint(&sets[next as usize])
        }
        _ => false,
    }
}
