//! A search with a pattern: backtracking with an explicit stack, counted in steps, resumable after
//! any of them.
//!
//! Invariants: between two steps all state is in the [`Matcher`] (never in a borrow or on the
//! host's stack); `choices` contains, from bottom to top, choices of ever later items, each at most
//! once; a capture's offsets need not be restored when matching backtracks, because any path to the
//! end passes the capture's items again if they are after the choice.

use super::PatternError;
use super::byte_set::ByteSet;
use super::compile::{CaptureState, FirstBytes, Item, Pattern, Single};
use smallvec::SmallVec;
use std::ops::Range;
use std::rc::Rc;

/// The number of bytes that a step may scan, beyond the first few.
const BYTES_PER_STEP: usize = 32;
/// Maximum number of bytes scanned between two checks of the remaining steps.
const LONGEST_RUN: usize = 16 * 1024;

/// The state of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The first match, as offsets into the subject.
    Match(Range<usize>),
    /// No match.
    NoMatch,
    /// The steps are used up; another call with the same subject continues.
    OutOfSteps,
}

/// The value of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// A range of the subject.
    Span(Range<usize>),
    /// The offset of a position capture; Lua's value is one greater.
    Position(usize),
}

/// A search in progress, and the captures of its last match.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    pattern: Rc<Pattern>,
    phase: Phase,
    /// The start of the current attempt, and of the match.
    start: u32,
    /// The next item to match, and where.
    item: u32,
    position: u32,
    /// The state of an interrupted item: the start of a greedy run, or the depth of `%b`.
    pending: Option<u32>,
    choices: SmallVec<[Choice; 4]>,
    captures: SmallVec<[(u32, u32); 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next call starts a new search.
    Ready,
    /// Searching for a possible start of a match.
    Searching,
    /// Matching the items.
    Matching,
}

/// A backtracking point; the meaning of the two offsets depends on the item.
#[derive(Clone, Copy, Debug)]
struct Choice {
    item: u32,
    /// Greedy: the end of the shortest run. Others: where to continue.
    from: u32,
    /// Greedy: the end of the current run.
    to: u32,
}

/// The result of an attempt at one position.
enum Attempt {
    Matched,
    Failed,
    OutOfSteps,
}

impl Matcher {
    /// Creates a matcher.
    pub(crate) fn new(pattern: Rc<Pattern>) -> Matcher {
        Matcher {
            captures: SmallVec::from_elem((0, 0), pattern.captures.len()),
            pattern,
            phase: Phase::Ready,
            start: 0,
            item: 0,
            position: 0,
            pending: None,
            choices: SmallVec::new(),
        }
    }

    /// The pattern.
    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Searches for the first match that starts at `start` or later (only there, if the pattern is
    /// anchored).
    ///
    /// Subtracts its work from `steps`. When none are left it returns [`Progress::OutOfSteps`], and
    /// the next call continues the same search: it needs the same subject, and ignores `start`.
    /// With at least one step it always makes progress. The subject has at most 2^32-1 bytes (as
    /// any string of SolVM).
    ///
    /// # Errors
    /// The error in the pattern, if matching reaches it.
    pub(crate) fn find_at(
        &mut self,
        subject: &[u8],
        start: usize,
        steps: &mut u32,
    ) -> Result<Progress, PatternError> {
        let pattern = Rc::clone(&self.pattern);
        let subject = &subject[..subject.len().min(u32::MAX as usize)];
        if self.phase == Phase::Ready {
            let Some(start) =
                u32::try_from(start).ok().filter(|&start| start as usize <= subject.len())
            else {
                return Ok(Progress::NoMatch);
            };
            self.start = start;
            self.phase = Phase::Searching;
        }
        let result = self.search(&pattern, subject, steps);
        if result != Ok(Progress::OutOfSteps) {
            self.phase = Phase::Ready;
            self.choices.clear();
            self.pending = None;
        }
        result
    }

    /// Returns a capture of the last match; capture 0 of a pattern without captures is the whole
    /// match.
    ///
    /// # Errors
    /// The capture does not exist, or was not closed.
    pub(crate) fn capture(&self, index: usize) -> Result<Capture, PatternError> {
        match self.pattern.captures.get(index) {
            None if index == 0 => Ok(Capture::Span(self.start as usize..self.position as usize)),
            None => Err(PatternError::InvalidCaptureIndex),
            Some(CaptureState::Open) => Err(PatternError::UnfinishedCapture),
            Some(CaptureState::Closed) => Ok(Capture::Span(self.captured(index as u8))),
            Some(CaptureState::Position) => Ok(Capture::Position(self.captures[index].0 as usize)),
        }
    }

    fn captured(&self, index: u8) -> Range<usize> {
        let (start, end) = self.captures[usize::from(index)];
        start as usize..end as usize
    }

    fn search(
        &mut self,
        pattern: &Pattern,
        subject: &[u8],
        steps: &mut u32,
    ) -> Result<Progress, PatternError> {
        loop {
            if self.phase == Phase::Searching {
                if !pattern.anchored {
                    match self.find_first_byte(pattern, subject, steps) {
                        Attempt::Matched => {}
                        Attempt::Failed => return Ok(Progress::NoMatch),
                        Attempt::OutOfSteps => return Ok(Progress::OutOfSteps),
                    }
                }
                self.item = 0;
                self.position = self.start;
                self.phase = Phase::Matching;
            }
            match self.attempt(pattern, subject, steps)? {
                Attempt::Matched => {
                    return Ok(Progress::Match(self.start as usize..self.position as usize));
                }
                Attempt::OutOfSteps => return Ok(Progress::OutOfSteps),
                Attempt::Failed if pattern.anchored || self.start as usize >= subject.len() => {
                    return Ok(Progress::NoMatch);
                }
                Attempt::Failed => {
                    self.start += 1;
                    self.phase = Phase::Searching;
                }
            }
        }
    }

    /// Moves `start` to the next position where a match can start.
    fn find_first_byte(&mut self, pattern: &Pattern, subject: &[u8], steps: &mut u32) -> Attempt {
        if pattern.first == FirstBytes::Anything {
            return Attempt::Matched;
        }
        loop {
            if *steps == 0 {
                return Attempt::OutOfSteps;
            }
            let window = window(subject, self.start);
            let found = pattern.first.position(window, &pattern.sets);
            let passed = found.unwrap_or(window.len());
            charge(steps, passed);
            self.start += passed as u32;
            if found.is_some() {
                return Attempt::Matched;
            }
            if self.start as usize >= subject.len() {
                let can_begin = pattern.first.can_begin_with(None, &pattern.sets);
                return if can_begin { Attempt::Matched } else { Attempt::Failed };
            }
        }
    }

    /// Matches the items from the current one on, and backtracks if one fails.
    fn attempt(
        &mut self,
        pattern: &Pattern,
        subject: &[u8],
        steps: &mut u32,
    ) -> Result<Attempt, PatternError> {
        let sets = &*pattern.sets;
        let (mut item, mut position) = (self.item, self.position);
        let outcome = loop {
            if *steps == 0 {
                break Attempt::OutOfSteps;
            }
            *steps -= 1;
            let next = subject.get(position as usize).copied();
            let matched = match pattern.items[item as usize] {
                Item::One(single) => {
                    let matched = next.is_some_and(|byte| single.matches(byte, sets));
                    position += u32::from(matched);
                    matched
                }
                Item::Optional(single) => {
                    if next.is_some_and(|byte| single.matches(byte, sets)) {
                        self.choices.push(Choice { item, from: position, to: position });
                        position += 1;
                    }
                    true
                }
                Item::Greedy(single, following) => {
                    let from = self.pending.take().unwrap_or(position);
                    let window = single.window(subject, position);
                    let run = single.run_length(window, sets);
                    charge(steps, run);
                    position += run as u32;
                    if run == window.len() && (position as usize) < subject.len() {
                        self.pending = Some(from);
                        continue;
                    }
                    if position > from && following != FirstBytes::Outside {
                        self.choices.push(Choice { item, from, to: position });
                    }
                    true
                }
                Item::Lazy(single, following) => {
                    let window = window(subject, position);
                    let skipped = single.length_before(window, following, sets);
                    charge(steps, skipped);
                    position += skipped as u32;
                    if skipped == LONGEST_RUN {
                        continue;
                    }
                    let can_go_on = following.can_begin_with(window.get(skipped).copied(), sets);
                    if can_go_on {
                        self.choices.push(Choice { item, from: position, to: position });
                    }
                    can_go_on
                }
                Item::Open(index) | Item::Position(index) => {
                    self.captures[usize::from(index)].0 = position;
                    true
                }
                Item::Close(index) => {
                    self.captures[usize::from(index)].1 = position;
                    true
                }
                Item::BackReference(index) => {
                    let text = subject.get(self.captured(index)).unwrap_or_default();
                    let matched = subject[position as usize..].starts_with(text);
                    charge(steps, text.len());
                    if matched {
                        position += text.len() as u32;
                    }
                    matched
                }
                Item::Balance(open, close) => {
                    let mut depth = match self.pending.take() {
                        Some(depth) => depth,
                        None if next == Some(open) => {
                            position += 1;
                            1
                        }
                        None => 0,
                    };
                    let window = window(subject, position);
                    let length = if depth == 0 {
                        None
                    } else {
                        balanced_length(window, open, close, &mut depth)
                    };
                    if depth > 0 {
                        charge(steps, window.len());
                        position += window.len() as u32;
                        if (position as usize) < subject.len() {
                            self.pending = Some(depth);
                            continue;
                        }
                    }
                    let length_taken = length.unwrap_or(0);
                    charge(steps, length_taken);
                    position += length_taken as u32;
                    length.is_some()
                }
                Item::Frontier(set) => {
                    let set = &sets[set as usize];
                    let previous =
                        (position as usize).checked_sub(1).and_then(|before| subject.get(before));
                    !set.contains(previous.copied().unwrap_or(0)) && set.contains(next.unwrap_or(0))
                }
                Item::SubjectEnd => next.is_none(),
                Item::Never => false,
                Item::Match => break Attempt::Matched,
                Item::Fail(error) => return Err(error),
            };
            if matched {
                item += 1;
                continue;
            }
            match self.go_back(pattern, subject, steps) {
                Some(place) => (item, position) = place,
                None => break Attempt::Failed,
            }
        };
        (self.item, self.position) = (item, position);
        Ok(outcome)
    }

    /// Backtracks to the latest choice: sets the next item and position.
    fn go_back(
        &mut self,
        pattern: &Pattern,
        subject: &[u8],
        steps: &mut u32,
    ) -> Option<(u32, u32)> {
        let sets = &*pattern.sets;
        while let Some(choice) = self.choices.last_mut() {
            let Choice { item, from, to } = *choice;
            match pattern.items[item as usize] {
                Item::Greedy(_, following) => {
                    let taken = &subject[from as usize..to as usize];
                    let shorter = match following {
                        FirstBytes::Byte(byte) => memchr::memrchr(byte, taken),
                        FirstBytes::Set(set) | FirstBytes::SetOrEnd(set) => {
                            taken.iter().rposition(|&byte| sets[set as usize].contains(byte))
                        }
                        FirstBytes::Anything => taken.len().checked_sub(1),
                        FirstBytes::End | FirstBytes::Outside => None,
                    };
                    charge(steps, taken.len() - shorter.unwrap_or(0));
                    let Some(shorter) = shorter else {
                        self.choices.pop();
                        continue;
                    };
                    choice.to = from + shorter as u32;
                    let position = choice.to;
                    if shorter == 0 {
                        self.choices.pop();
                    }
                    return Some((item + 1, position));
                }
                Item::Lazy(single, _) => {
                    self.choices.pop();
                    if subject.get(from as usize).is_some_and(|&byte| single.matches(byte, sets)) {
                        return Some((item, from + 1));
                    }
                }
                // Optional: without it.
                _ => {
                    self.choices.pop();
                    return Some((item + 1, from));
                }
            }
        }
        None
    }
}

impl Single {
    #[inline(always)]
    fn matches(self, byte: u8, sets: &[ByteSet]) -> bool {
        match self {
            Single::Any => true,
            Single::Byte(expected) => byte == expected,
            Single::Set(set) => sets[set as usize].contains(byte),
        }
    }

    /// Returns the bytes that a greedy repetition may scan at once.
    #[inline(always)]
    fn window(self, subject: &[u8], position: u32) -> &[u8] {
        match self {
            Single::Any => subject.get(position as usize..).unwrap_or_default(),
            _ => window(subject, position),
        }
    }

    /// Returns the number of leading bytes that match.
    #[inline(always)]
    fn run_length(self, bytes: &[u8], sets: &[ByteSet]) -> usize {
        let end = match self {
            Single::Any => None,
            Single::Byte(expected) => bytes.iter().position(|&byte| byte != expected),
            Single::Set(set) => {
                let set = &sets[set as usize];
                bytes.iter().position(|&byte| !set.contains(byte))
            }
        };
        end.unwrap_or(bytes.len())
    }

    /// Returns the number of bytes up to one with which `following` can start, or that does not
    /// match.
    #[inline(always)]
    fn length_before(self, bytes: &[u8], following: FirstBytes, sets: &[ByteSet]) -> usize {
        let stop = match following {
            _ if self == Single::Any => following.position(bytes, sets),
            FirstBytes::Anything | FirstBytes::Outside => return 0,
            FirstBytes::End => bytes.iter().position(|&byte| !self.matches(byte, sets)),
            FirstBytes::Byte(expected) => {
                bytes.iter().position(|&byte| byte == expected || !self.matches(byte, sets))
            }
            FirstBytes::Set(expected) | FirstBytes::SetOrEnd(expected) => {
                let expected = &sets[expected as usize];
                bytes.iter().position(|&byte| expected.contains(byte) || !self.matches(byte, sets))
            }
        };
        stop.unwrap_or(bytes.len())
    }
}

impl FirstBytes {
    /// Whether the items can match if `next` is the next byte, or the subject ends.
    #[inline(always)]
    fn can_begin_with(self, next: Option<u8>, sets: &[ByteSet]) -> bool {
        match (self, next) {
            (FirstBytes::Anything | FirstBytes::Outside, _) => true,
            (FirstBytes::End | FirstBytes::SetOrEnd(_), None) => true,
            (FirstBytes::Byte(expected), Some(byte)) => byte == expected,
            (FirstBytes::Set(set) | FirstBytes::SetOrEnd(set), Some(byte)) => {
                sets[set as usize].contains(byte)
            }
            (FirstBytes::End, Some(_)) | (FirstBytes::Byte(_) | FirstBytes::Set(_), None) => false,
        }
    }

    /// Returns the first of these bytes at which the items can match.
    #[inline(always)]
    fn position(self, bytes: &[u8], sets: &[ByteSet]) -> Option<usize> {
        match self {
            FirstBytes::Anything | FirstBytes::Outside => Some(0),
            FirstBytes::Byte(expected) => memchr::memchr(expected, bytes),
            FirstBytes::Set(set) | FirstBytes::SetOrEnd(set) => {
                let set = &sets[set as usize];
                bytes.iter().position(|&byte| set.contains(byte))
            }
            FirstBytes::End => None,
        }
    }
}

/// Returns the bytes from `position` on, as many as may be scanned at once.
#[inline(always)]
fn window(subject: &[u8], position: u32) -> &[u8] {
    let rest = subject.get(position as usize..).unwrap_or_default();
    &rest[..rest.len().min(LONGEST_RUN)]
}

/// Returns the number of bytes after which `depth` is zero, or `None` with the depth at the end of
/// `bytes`.
fn balanced_length(bytes: &[u8], open: u8, close: u8, depth: &mut u32) -> Option<usize> {
    for at in memchr::memchr2_iter(open, close, bytes) {
        if bytes[at] == close {
            *depth -= 1;
            if *depth == 0 {
                return Some(at + 1);
            }
        } else {
            *depth += 1;
        }
    }
    None
}

/// Charges for scanning `bytes` bytes.
#[inline(always)]
fn charge(steps: &mut u32, bytes: usize) {
    *steps = steps.saturating_sub((bytes / BYTES_PER_STEP) as u32);
}
