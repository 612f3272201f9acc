//! `find`, `match` and `gmatch`: searches for one match.
//!
//! Most searches end within the budget and keep no state. Others continue as a state machine.

use super::PatternCache;
use super::pattern::MAX_CACHED;
use super::pattern::{self, Anchor, Capture, Matcher, Pattern, PatternError, Progress};
use super::{position, text_argument};
use smallvec::smallvec;
use solvm_runtime::host::Host;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Definition, Either, Start, Step, Steps, Unread, Values};
use solvm_vm::{Call, Error, Function, LuaString, Value};
use std::ops::Range;
use std::rc::Rc;

impl From<PatternError> for Error {
    fn from(error: PatternError) -> Error {
        Error::text(error.to_string())
    }
}

/// Compiled patterns up to this size are not accounted for.
const UNCOUNTED: usize = 1 << 14;

/// Returns the compiled form of a pattern.
pub(super) fn compiled<'c>(
    call: &mut Call<'c>,
    source: LuaString<'c>,
    anchor: Anchor,
) -> Result<Rc<Pattern>, Error> {
    /// Longer patterns are charged by the byte, each of which may become an item.
    const SHORT: usize = 256;
    if source.bytes().len() > SHORT {
        call.charge(source.bytes().len());
    }
    match call.host::<Host>() {
        Some(host) if source.bytes().len() <= MAX_CACHED => {
            Ok(host.state::<PatternCache>().get(source.bytes(), source.hash(), anchor))
        }
        _ => {
            let size = Pattern::max_bytes(source.bytes());
            let held = if size > UNCOUNTED { Some(call.hold(size)?) } else { None };
            Ok(Rc::new(Pattern::new(source.bytes(), anchor).holding(held)))
        }
    }
}

/// Continues a search within the budget.
pub(super) fn advance(
    call: &mut Call,
    matcher: &mut Matcher,
    subject: &[u8],
    start: usize,
) -> Result<Progress, PatternError> {
    let budget = u32::try_from(call.budget()).unwrap_or(u32::MAX).max(64);
    let mut steps = budget;
    let progress = matcher.find_at(subject, start, &mut steps);
    call.charge((budget - steps) as usize);
    progress
}

/// Returns the value of a capture.
pub(super) fn capture<'c>(
    call: &mut Call<'c>,
    matcher: &Matcher,
    subject: &[u8],
    index: usize,
) -> Result<Value<'c>, Error> {
    match matcher.capture(index)? {
        Capture::Span(span) => Ok(call.string(&subject[span])?.value()),
        Capture::Position(offset) => Ok(Value::number((offset + 1) as f64)),
    }
}

/// Returns all captures; the whole match if there are none.
pub(super) fn captures<'c>(
    call: &mut Call<'c>,
    matcher: &Matcher,
    subject: &[u8],
    results: &mut Values<'c>,
) -> Result<(), Error> {
    for index in 0..matcher.pattern().capture_count().max(1) {
        results.push(capture(call, matcher, subject, index)?);
    }
    Ok(())
}

/// The results of a finished search.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SearchKind {
    /// `find`: the bounds, then the captures.
    Bounds,
    /// `match`: the captures, or the whole match.
    Captures,
    /// `gmatch`: the same, and the next search continues after it.
    Next,
}

/// A search in progress.
pub(super) struct Search {
    matcher: Matcher,
    kind: SearchKind,
}

/// The bound values of `gmatch`'s iterator.
const SUBJECT: usize = 0;
const PATTERN: usize = 1;
const POSITION: usize = 2;

impl Search {
    /// Returns the results if the search is finished.
    fn results<'c>(
        &self,
        call: &mut Call<'c>,
        subject: &[u8],
        found: Option<Range<usize>>,
    ) -> Result<Either<Value<'c>, Values<'c>>, Error> {
        let Some(found) = found else {
            if self.kind != SearchKind::Next {
                return Ok(Either::Now(Value::NIL));
            }
            call.set_upvalue(POSITION, Value::number(subject.len() as f64 + 1.0));
            return Ok(Either::Later(Values::new()));
        };
        let mut results = Values::new();
        match self.kind {
            SearchKind::Bounds => {
                results.push(Value::number((found.start + 1) as f64));
                results.push(Value::number(found.end as f64));
                if self.matcher.pattern().capture_count() == 0 {
                    return Ok(Either::Later(results));
                }
            }
            SearchKind::Captures => {}
            SearchKind::Next => {
                let next = if found.is_empty() { found.end + 1 } else { found.end };
                call.set_upvalue(POSITION, Value::number(next as f64));
            }
        }
        if self.kind != SearchKind::Bounds && self.matcher.pattern().capture_count() <= 1 {
            return Ok(Either::Now(capture(call, &self.matcher, subject, 0)?));
        }
        captures(call, &self.matcher, subject, &mut results)?;
        Ok(Either::Later(results))
    }

    /// Returns the subject, which different functions store in different places.
    fn subject<'c>(&self, call: &mut Call<'c>) -> &'c [u8] {
        match self.kind {
            SearchKind::Next => {
                call.upvalue(SUBJECT).and_then(LuaString::from_value).map_or(&[], LuaString::bytes)
            }
            _ => text_argument(call, 0),
        }
    }
}

impl Steps for Search {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let subject = self.subject(call);
        let found = match advance(call, &mut self.matcher, subject, 0)? {
            Progress::Match(found) => Some(found),
            Progress::NoMatch => None,
            Progress::OutOfSteps => return call.again(),
        };
        let results = self.results(call, subject, found)?;
        call.finish(results)
    }
}

/// The result of a search: usually one value.
type Found<'c> = Either<Either<Value<'c>, Values<'c>>, Start<Search>>;

fn search<'c>(
    call: &mut Call<'c>,
    subject: &[u8],
    pattern: Rc<Pattern>,
    start: usize,
    kind: SearchKind,
) -> Result<Found<'c>, Error> {
    let mut search = Search { matcher: Matcher::new(pattern), kind };
    let found = match advance(call, &mut search.matcher, subject, start)? {
        Progress::Match(found) => Some(found),
        Progress::NoMatch => None,
        Progress::OutOfSteps => return Ok(Either::Later(Start::new(search))),
    };
    Ok(Either::Now(search.results(call, subject, found)?))
}

/// Returns the offset at which a search starts: `init` counts from 1, or from the end if it is
/// negative.
fn start_offset(init: Option<Truncated>, length: usize) -> usize {
    let init = position(init.map_or(1, i64::from), length).max(1);
    ((init - 1) as usize).min(length)
}

pub(super) fn find<'c>(
    call: &mut Call<'c>,
    Unread(subject): Unread<'c>,
    pattern: LuaString<'c>,
    init: Option<Truncated>,
    plain: Option<bool>,
) -> Result<Found<'c>, Error> {
    let (subject, needle) = (subject.bytes(), pattern.bytes());
    let start = start_offset(init, subject.len());
    call.charge(needle.len() / 4);
    if plain == Some(true) || pattern::is_plain(needle) {
        call.charge(subject.len() / 256);
        return Ok(Either::Now(match pattern::find_plain(subject, needle, start) {
            Some(at) => Either::Later(smallvec![
                Value::number((at + 1) as f64),
                Value::number((at + needle.len()) as f64)
            ]),
            None => Either::Now(Value::NIL),
        }));
    }
    let pattern = compiled(call, pattern, Anchor::Honoured)?;
    search(call, subject, pattern, start, SearchKind::Bounds)
}

pub(super) fn match_pattern<'c>(
    call: &mut Call<'c>,
    Unread(subject): Unread<'c>,
    pattern: LuaString<'c>,
    init: Option<Truncated>,
) -> Result<Found<'c>, Error> {
    let subject = subject.bytes();
    let start = start_offset(init, subject.len());
    let pattern = compiled(call, pattern, Anchor::Honoured)?;
    search(call, subject, pattern, start, SearchKind::Captures)
}

static ITERATOR: Definition = Definition::new("gmatch", next_match);

pub(super) fn global_match<'c>(
    call: &mut Call<'c>,
    Unread(subject): Unread<'c>,
    Unread(pattern): Unread<'c>,
) -> Function<'c> {
    call.function(&ITERATOR, &[subject.value(), pattern.value(), Value::number(0.0)])
}

/// The iterator of `gmatch`.
fn next_match<'c>(call: &mut Call<'c>) -> Result<Found<'c>, Error> {
    let text = |value: Option<Value<'c>>| value.and_then(LuaString::from_value);
    let (Some(subject), Some(pattern)) = (text(call.upvalue(SUBJECT)), text(call.upvalue(PATTERN)))
    else {
        return Ok(Either::Now(Either::Later(Values::new())));
    };
    let start = call.upvalue(POSITION).and_then(Value::as_number).unwrap_or(0.0) as usize;
    let pattern = compiled(call, pattern, Anchor::Literal)?;
    search(call, subject.bytes(), pattern, start, SearchKind::Next)
}
