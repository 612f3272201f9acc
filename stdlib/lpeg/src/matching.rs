//! `lpeg.match`: runs the machine, then evaluates the captures.
//!
//! A match starts as a plain native, and usually ends as one. It becomes a state machine when it
//! calls a function or has used up the budget.
//!
//! **Values.** The stack of values has first those that functions returned during the match, as
//! many as [`Machine::values`], and above them those of the evaluation in progress.

use crate::context::{Context, open_of};
use crate::evaluate::{Evaluation, Progress};
use crate::machine::{Capture, DEFAULT_LIMIT, Machine, OPEN, Stop};
use crate::operand::operand;
use crate::pattern::{keys_of, pattern_of, program_of};
use crate::program::Program;
use crate::tree::Kind;
use smallvec::SmallVec;
use solvm_runtime::Host;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Either, Rest, Start, StartWith, Step, Steps, Unread, Values, Wanted};
use solvm_vm::{Call, Error, Held, LuaString, Value};
use std::rc::Rc;

/// The most choices and calls of a match (`lpeg.setmaxstack`).
struct Limit(usize);

impl Default for Limit {
    fn default() -> Self {
        Limit(DEFAULT_LIMIT)
    }
}

/// `lpeg.setmaxstack(limit)`: sets the most choices and calls that a match may have open.
pub(crate) fn set_max_stack(call: &mut Call<'_>, Truncated(limit): Truncated) -> Result<(), Error> {
    if limit <= 0 {
        return Err(Error::argument(1, "out of range"));
    }
    if let Some(host) = call.host::<Host>() {
        *host.state() = Limit(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(())
}

/// The most values that a function may return during a match, as in LPeg.
const MAX_RESULTS: usize = i16::MAX as usize;

/// What a match is doing.
enum Phase {
    /// The machine runs.
    Matching,
    /// The captures are evaluated for a function that is called during the match.
    Preparing {
        /// The capture of the function.
        open: usize,
    },
    /// That function has been called.
    Deciding {
        /// As above.
        open: usize,
    },
    /// The captures of the whole match are evaluated.
    Evaluating,
}

/// What a match needs next.
enum Request {
    /// The values from there on are the result.
    Finished(usize),
    /// The match has failed.
    Failed,
    /// This value is to be called with those above it.
    Call(usize, Wanted),
    /// The budget is used up.
    Again,
}

/// A match in progress.
pub(crate) struct Match {
    program: Rc<Program>,
    machine: Machine,
    evaluation: Evaluation,
    phase: Phase,
    /// What the first step does.
    request: Option<Request>,
    /// The memory of the stack of values.
    held: Option<Held>,
}

/// The results of `match`, at once or later.
type Matched<'c> = Either<Values<'c>, StartWith<'c, Match>>;

/// `lpeg.match(pattern, subject[, init, ...])`: matches at a position.
pub(crate) fn match_pattern<'c>(
    call: &mut Call<'c>,
    pattern: Option<Value<'c>>,
    Unread(subject): Unread<'c>,
    init: Option<Truncated>,
    _extra: Rest,
) -> Result<Matched<'c>, Error> {
    let mut pattern = pattern.unwrap_or(Value::NIL);
    if pattern_of(pattern).is_none() {
        pattern = operand(call, 1)?.finish(call)?.value();
        call.set_argument(0, pattern);
    }
    call.set_argument(1, subject.value());
    let program = program_of(call, pattern)?;
    let limit = call.host::<Host>().map_or(DEFAULT_LIMIT, |host| host.state::<Limit>().0);
    let start = start(init.map_or(1, |Truncated(init)| init), subject.bytes().len());
    let mut state = Match {
        program,
        machine: Machine::new(start as u32, limit),
        evaluation: Evaluation::default(),
        phase: Phase::Matching,
        request: None,
        held: None,
    };
    let mut values = Vec::new();
    Ok(match state.advance(call, &mut values)? {
        Request::Finished(base) => {
            Either::Now(values.get(base..).unwrap_or_default().iter().copied().collect())
        }
        Request::Failed => Either::Now([Value::NIL].into_iter().collect()),
        request => {
            state.request = Some(request);
            Either::Later(Start::new(state).keep_all(values))
        }
    })
}

/// Where a match starts, counted from 0.
fn start(init: i64, length: usize) -> usize {
    let distance = usize::try_from(init.unsigned_abs()).unwrap_or(usize::MAX);
    if init > 0 { (distance - 1).min(length) } else { length.saturating_sub(distance) }
}

impl Match {
    /// Continues until something else is to be done first.
    fn advance<'c>(
        &mut self,
        call: &mut Call<'c>,
        values: &mut Vec<Value<'c>>,
    ) -> Result<Request, Error> {
        let subject = call.argument(1).and_then(LuaString::from_value);
        let Some(subject) = subject else { return Err(Error::argument(2, "string expected")) };
        let pattern = call.argument(0).unwrap_or(Value::NIL);
        let keys = keys_of(call, pattern);
        loop {
            match self.phase {
                Phase::Matching => match self.machine.run(call, &self.program, subject.bytes())? {
                    Stop::Failed => return Ok(Request::Failed),
                    Stop::OutOfBudget => return Ok(Request::Again),
                    Stop::Matched => {
                        values.truncate(self.machine.values);
                        let base = values.len();
                        if self.machine.captures.is_empty() {
                            values.push(position(self.machine.position));
                            return Ok(Request::Finished(base));
                        }
                        self.machine.add(call, close(self.machine.position))?;
                        self.evaluation = Evaluation::new(0, OPEN, base, base);
                        self.phase = Phase::Evaluating;
                    }
                    Stop::RunTime(key) => {
                        values.truncate(self.machine.values);
                        self.machine.add(call, close(self.machine.position))?;
                        let captures = &self.machine.captures;
                        let Some(open) = open_of(captures, captures.len() - 1) else {
                            return Ok(Request::Failed);
                        };
                        call.charge((captures.len() - open) / 16);
                        let start = captures.get(open).map_or(0, |capture| capture.start);
                        let mut context =
                            Context { call, captures, subject, keys, values, held: &mut self.held };
                        let function = context.key(key);
                        let at = position(self.machine.position);
                        for value in [function, subject.value(), at] {
                            context.push(value)?;
                        }
                        let base = context.values.len();
                        self.evaluation = Evaluation::new(open + 1, start, base, base);
                        self.phase = Phase::Preparing { open };
                    }
                },
                Phase::Preparing { .. } | Phase::Evaluating => {
                    let captures = &self.machine.captures;
                    let held = &mut self.held;
                    let mut context = Context { call, captures, subject, keys, values, held };
                    match self.evaluation.resume(&mut context)? {
                        Progress::OutOfBudget => return Ok(Request::Again),
                        Progress::Call(from, wanted) => return Ok(Request::Call(from, wanted)),
                        Progress::Done => {}
                    }
                    let base = self.evaluation.base();
                    match self.phase {
                        Phase::Preparing { open } => {
                            self.phase = Phase::Deciding { open };
                            return Ok(Request::Call(self.machine.values, Wanted::All));
                        }
                        _ => {
                            if values.len() <= base {
                                values.push(position(self.machine.position));
                            }
                            return Ok(Request::Finished(base));
                        }
                    }
                }
                Phase::Deciding { open } => {
                    self.phase = Phase::Matching;
                    if !self.decide(call, values, open, subject.bytes().len())? {
                        return Ok(Request::Failed);
                    }
                }
            }
        }
    }

    /// The function of a capture has returned whether it matches, and values. False if the whole
    /// match has failed.
    fn decide<'c>(
        &mut self,
        call: &mut Call<'c>,
        values: &mut Vec<Value<'c>>,
        open: usize,
        length: usize,
    ) -> Result<bool, Error> {
        let inside = self.machine.captures.get(open..).unwrap_or_default();
        let start = inside.first().map_or(0, |capture| capture.start);
        let used = inside.iter().find(|capture| capture.kind == Kind::Extent);
        let base = used.map_or(values.len(), |extent| extent.start as usize).min(values.len());
        call.charge(inside.len() / 16);
        self.machine.captures.truncate(open);
        self.machine.values = base;
        values.truncate(base);
        let answer = call.returned(0);
        if !answer.is_truthy() {
            return Ok(self.machine.fail());
        }
        if answer.as_boolean().is_none() {
            let current = f64::from(self.machine.position);
            let next = answer.to_number().map_or(-1.0, |number| number.trunc() - 1.0);
            if !(current..=length as f64).contains(&next) {
                return Err(Error::text("invalid position returned by match-time capture"));
            }
            self.machine.position = next as u32;
        }
        let count = call.returned_count().saturating_sub(1);
        if count == 0 {
            return Ok(true);
        }
        if count > MAX_RESULTS {
            return Err(Error::text("too many results in match-time capture"));
        }
        let captures = &self.machine.captures;
        let subject = call.argument(1).and_then(LuaString::from_value);
        let Some(subject) = subject else { return Ok(false) };
        let held = &mut self.held;
        let mut context = Context { call, captures, subject, keys: None, values, held };
        for index in 1..=count {
            let value = context.call.returned(index);
            context.push(value)?;
        }
        let end = self.machine.position;
        self.machine.values = base + count;
        let (first, last) = (base as u32, (base + count) as u32);
        self.machine.add(call, Capture { start, end, key: 0, kind: Kind::Values })?;
        self.machine.add(call, Capture { start: first, end: last, key: 0, kind: Kind::Extent })?;
        Ok(true)
    }
}

/// A position as a value.
fn position<'c>(position: u32) -> Value<'c> {
    Value::number(f64::from(position) + 1.0)
}

fn close(at: u32) -> Capture {
    Capture { start: at, end: at, key: 0, kind: Kind::Close }
}

impl Steps for Match {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let mut values = call.take_kept();
        let request = match self.request.take() {
            Some(request) => request,
            None => self.advance(call, &mut values)?,
        };
        match request {
            Request::Finished(base) => {
                let results: Values<'c> =
                    values.get(base..).unwrap_or_default().iter().copied().collect();
                call.finish(results)
            }
            Request::Failed => call.finish(Value::NIL),
            Request::Again => {
                call.keep_only(values);
                call.again()
            }
            Request::Call(from, wanted) => {
                let called: SmallVec<[Value<'c>; 8]> =
                    values.get(from..).unwrap_or_default().iter().copied().collect();
                values.truncate(from);
                call.keep_only(values);
                let (function, arguments) = match called.split_first() {
                    Some((&function, arguments)) => (function, arguments),
                    None => (Value::NIL, &[][..]),
                };
                call.call(function, arguments, wanted)
            }
        }
    }

    fn external_size(&self) -> usize {
        self.machine.external_size() + self.evaluation.external_size()
    }
}
