//! From a list of captures to values.
//!
//! Captures that contain others are frames of a stack, and their values are on another one, which
//! the native keeps while it waits: a function of a capture may be called at any point. When a
//! capture has ended, its values go to the one that it is directly in ([`Evaluation::hand_over`]).

use crate::context::Context;
use crate::frame::{Frame, Pending, Role};
use crate::machine::{Capture, OPEN};
use crate::template::Piece;
use crate::tree::Kind;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_vm::native::{Indexed, Wanted};
use solvm_vm::{Error, Table, Value};

/// As in LPeg.
const MAX_DEPTH: usize = 200;

/// Why the evaluation has stopped.
pub(crate) enum Progress {
    /// The values are there.
    Done,
    /// This value of the stack is to be called with those above it. The results replace them.
    Call(usize, Wanted),
    /// The budget is used up.
    OutOfBudget,
}

/// The evaluation of a list of captures.
#[derive(Default)]
pub(crate) struct Evaluation {
    /// The next capture.
    next: usize,
    frames: Vec<Frame>,
    /// The output of all substitutions in progress, the innermost last.
    text: AccountedBuffer,
    /// The pieces of all strings in progress.
    pieces: Vec<Piece>,
    pending: Option<Pending>,
    /// The first value that an accumulator may change.
    first: usize,
    /// Where the values of the result start.
    base: usize,
}

impl Evaluation {
    /// An evaluation from a capture up to the `Close` that does not belong to one after it. The
    /// values start at `base`; accumulators change those from `first` on.
    pub(crate) fn new(next: usize, start: u32, base: usize, first: usize) -> Evaluation {
        let root = Frame { role: Role::Root, key: 0, start, base, mark: 0, resume: (0, 0) };
        Evaluation { next, frames: vec![root], base, first, ..Evaluation::default() }
    }

    /// Where the values of the result start.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// The bytes outside the account.
    pub(crate) fn external_size(&self) -> usize {
        self.frames.capacity() * size_of::<Frame>() + self.pieces.capacity() * size_of::<Piece>()
    }

    /// Continues after a call.
    pub(crate) fn resume<'c>(&mut self, context: &mut Context<'_, 'c>) -> Result<Progress, Error> {
        let progress = match self.pending.take().unwrap_or(Pending::Nothing) {
            Pending::Nothing => None,
            Pending::Values { end } => {
                let base = context.values.len();
                for index in 0..context.call.returned_count() {
                    let value = context.call.returned(index);
                    context.push(value)?;
                }
                self.hand_over(context, base, end)?
            }
            Pending::Query { end } => {
                let (base, value) = (context.values.len(), context.call.returned(0));
                if !value.is_nil() {
                    context.push(value)?;
                }
                self.hand_over(context, base, end)?
            }
            Pending::Fold => {
                if let Some(frame) = self.frames.last().copied() {
                    let function = context.key(frame.key);
                    context.push(function)?;
                    let value = context.call.returned(0);
                    context.push(value)?;
                }
                None
            }
            Pending::Accumulator { end } => {
                let value = context.call.returned(0);
                context.push(value)?;
                self.hand_over(context, context.values.len(), end)?
            }
        };
        match progress {
            Some(progress) => Ok(progress),
            None => self.run(context),
        }
    }

    /// Evaluates until the end, or until something else is to be done first.
    pub(crate) fn run<'c>(&mut self, context: &mut Context<'_, 'c>) -> Result<Progress, Error> {
        loop {
            if !context.call.charge(1) {
                return Ok(Progress::OutOfBudget);
            }
            let Some(capture) = context.captures.get(self.next).copied() else {
                return Ok(Progress::Done);
            };
            let progress = if capture.kind == Kind::Close {
                self.next += 1;
                self.leave(context, capture.start)?
            } else {
                self.enter(context, capture)?
            };
            if let Some(progress) = progress {
                return Ok(progress);
            }
        }
    }

    fn push_frame(
        &mut self,
        context: &Context<'_, '_>,
        capture: Capture,
        role: Role,
    ) -> Result<Option<Progress>, Error> {
        if self.frames.len() > MAX_DEPTH {
            return Err(Error::text("subcapture nesting too deep"));
        }
        self.frames.push(Frame {
            role,
            key: capture.key,
            start: capture.start,
            base: context.values.len(),
            mark: self.text.len(),
            resume: (0, 0),
        });
        Ok(None)
    }

    /// Evaluates the next capture, or starts to if there are others in it.
    fn enter<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        capture: Capture,
    ) -> Result<Option<Progress>, Error> {
        let Some(parent) = self.frames.last_mut() else { return Ok(Some(Progress::Done)) };
        let is_full = capture.end != OPEN;
        match &mut parent.role {
            Role::Table(_) if capture.kind == Kind::Group && capture.key != 0 => {
                self.next += 1;
                self.push_frame(context, capture, Role::Field)?;
                return if is_full { self.leave(context, capture.end) } else { Ok(None) };
            }
            Role::Substitution(copied) => {
                let text = context.text(*copied, capture.start);
                *copied = capture.start;
                context.call.charge_bytes(text.len());
                self.text.push(context.call, text)?;
                if is_full && capture.kind == Kind::Simple {
                    self.next += 1;
                    return Ok(None);
                }
                if capture.kind == Kind::Accumulator {
                    return Err(invalid_accumulator());
                }
            }
            &mut (Role::Text(used) | Role::Part(_, used)) => {
                let mark = parent.mark;
                if let Some(done) = self.enter_part(context, capture, mark, used)? {
                    return Ok(done);
                }
            }
            _ => {}
        }
        let base = context.values.len();
        self.next += 1;
        match capture.kind {
            Kind::Position => context.push(Value::number(f64::from(capture.start) + 1.0))?,
            Kind::Constant => {
                let value = context.key(capture.key);
                context.push(value)?;
            }
            Kind::Argument => {
                let number = usize::from(capture.key);
                let value = context.call.argument(number + 2).ok_or_else(|| {
                    Error::text(format!("reference to absent extra argument #{number}"))
                })?;
                context.push(value)?;
            }
            Kind::Values => {
                let extent = context.captures.get(self.next).copied();
                self.next += 1;
                if let Some(extent) = extent.filter(|extent| extent.kind == Kind::Extent) {
                    for index in extent.start..extent.end {
                        let value = context.values.get(index as usize).copied();
                        context.push(value.unwrap_or(Value::NIL))?;
                    }
                }
            }
            Kind::Back => return self.enter_reference(context, capture),
            Kind::Group if capture.key != 0 => {
                self.next -= 1;
                self.skip(context);
            }
            Kind::Simple if is_full => context.push_text(capture.start, capture.end)?,
            Kind::Group if is_full => context.push_text(capture.start, capture.end)?,
            Kind::Numbered if capture.key == 0 => {
                self.next -= 1;
                self.skip(context);
            }
            Kind::Close | Kind::Extent => {}
            _ => {
                let role = self.start(context, capture)?;
                self.push_frame(context, capture, role)?;
                if let Some(frame) = self.frames.last_mut() {
                    match frame.role {
                        // What belongs to the capture is already on the stack.
                        Role::Table(_) | Role::Function | Role::Fold(_) => frame.base = base,
                        Role::Text(_) => frame.mark = self.pieces.len() - 1,
                        _ => {}
                    }
                }
                return if is_full { self.leave(context, capture.end) } else { Ok(None) };
            }
        }
        self.hand_over(context, base, capture.end)
    }

    /// Prepares the stack for a capture that is a frame, and gives its role.
    fn start<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        capture: Capture,
    ) -> Result<Role, Error> {
        Ok(match capture.kind {
            Kind::Simple => Role::Simple,
            Kind::Table => {
                let table = context.call.table(0, 0)?;
                context.push(table.value())?;
                Role::Table(0)
            }
            Kind::Function | Kind::Fold => {
                let function = context.key(capture.key);
                context.push(function)?;
                if capture.kind == Kind::Fold { Role::Fold(false) } else { Role::Function }
            }
            Kind::Query => Role::Query,
            Kind::Numbered => Role::Numbered,
            Kind::Text => {
                self.pieces.push(Piece::Text(capture.start, capture.start));
                Role::Text(context.numbers(capture.key))
            }
            Kind::Substitution => Role::Substitution(capture.start),
            Kind::Accumulator => {
                if context.values.len() <= self.first {
                    return Err(Error::text("no previous value for accumulator capture"));
                }
                let function = context.key(capture.key);
                if let Some(last) = context.values.pop() {
                    context.push(function)?;
                    context.push(last)?;
                }
                Role::Accumulator
            }
            _ => Role::Group,
        })
    }

    /// Passes over a capture.
    fn skip(&mut self, context: &mut Context<'_, '_>) {
        self.next = context.after(self.next);
    }

    /// A capture in one whose text refers to it by number. None if it is to be evaluated.
    fn enter_part<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        capture: Capture,
        mark: usize,
        used: u16,
    ) -> Result<Option<Option<Progress>>, Error> {
        let index = self.pieces.len().saturating_sub(mark);
        if index > 9 {
            self.skip(context);
            return Ok(Some(None));
        }
        if capture.kind == Kind::Simple {
            self.pieces.push(Piece::Text(capture.start, capture.end));
            self.next += 1;
            if capture.end == OPEN {
                self.push_frame(context, capture, Role::Part(mark + index, used))?;
                if let Some(frame) = self.frames.last_mut() {
                    frame.mark = mark;
                }
            }
            return Ok(Some(None));
        }
        if capture.kind == Kind::Accumulator {
            return Err(invalid_accumulator());
        }
        self.pieces.push(Piece::Nothing);
        if used >> index & 1 == 0 {
            self.skip(context);
            return Ok(Some(None));
        }
        Ok(None)
    }

    /// The values of the last group with a name.
    fn enter_reference<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        capture: Capture,
    ) -> Result<Option<Progress>, Error> {
        let Some(found) = context.find_group(self.next - 1, capture.key) else {
            let name = context.name_of(capture.key);
            return Err(Error::text(
                [b"back reference '", name.as_slice(), b"' not found"].concat(),
            ));
        };
        let Some(group) = context.captures.get(found).copied() else { return Ok(None) };
        let base = context.values.len();
        if group.end != OPEN {
            context.push_text(group.start, group.end)?;
            return self.hand_over(context, base, capture.end);
        }
        self.push_frame(context, group, Role::Group)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.resume = (self.next, capture.end);
        }
        self.next = found + 1;
        Ok(None)
    }

    /// A capture has ended: its values are complete.
    fn leave<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        end: u32,
    ) -> Result<Option<Progress>, Error> {
        let Some(frame) = self.frames.pop() else { return Ok(Some(Progress::Done)) };
        let Frame { role, key, start, base, mark, resume } = frame;
        let count = context.values.len().saturating_sub(base);
        match role {
            Role::Root => {
                if start != OPEN && count == 0 {
                    context.push_text(start, end)?;
                }
                return Ok(Some(Progress::Done));
            }
            Role::Group => {
                if count == 0 {
                    context.push_text(start, end)?;
                }
                if resume.0 != 0 {
                    self.next = resume.0;
                    return self.hand_over(context, base, resume.1);
                }
            }
            Role::Simple => {
                context.push_text(start, end)?;
                if count > 0
                    && let Some(values) = context.values.get_mut(base..)
                {
                    values.rotate_right(1);
                    context.call.charge(count / 16);
                }
            }
            Role::Table(_) => {}
            Role::Field => {
                if count == 0 {
                    context.push_text(start, end)?;
                }
                let name = context.key(key);
                let value = context.values.get(base).copied().unwrap_or(Value::NIL);
                context.values.truncate(base);
                if let Some(table) = context.values.last().copied().and_then(Table::from_value) {
                    table.set(context.call, name, value)?;
                }
                return Ok(None);
            }
            Role::Function => {
                if count == 1 {
                    context.push_text(start, end)?;
                }
                self.pending = Some(Pending::Values { end });
                return Ok(Some(Progress::Call(base, Wanted::All)));
            }
            Role::Query => return self.query(context, frame, end),
            Role::Numbered => {
                if count == 0 {
                    context.push_text(start, end)?;
                }
                let index = usize::from(key) - 1;
                let Some(value) = context.values.get(base + index).copied() else {
                    return Err(Error::text(format!("no capture '{key}'")));
                };
                context.values.truncate(base);
                context.push(value)?;
            }
            Role::Part(piece, _) => {
                if let Some(piece) = self.pieces.get_mut(piece) {
                    *piece = Piece::Text(start, end);
                }
                return Ok(None);
            }
            Role::Text(_) => {
                if let Some(piece) = self.pieces.get_mut(mark) {
                    *piece = Piece::Text(start, end);
                }
                let text = self.text.len();
                let pieces = self.pieces.get(mark..).unwrap_or_default();
                context.fill(key, pieces, &mut self.text)?;
                self.pieces.truncate(mark);
                context.values.truncate(base);
                return self.hand_over_text(context, text, end);
            }
            Role::Substitution(copied) => {
                let rest = context.text(copied, end);
                context.call.charge_bytes(rest.len());
                self.text.push(context.call, rest)?;
                return self.hand_over_text(context, mark, end);
            }
            Role::Fold(has_first) => {
                if !has_first {
                    return Err(Error::text("no initial value for fold capture"));
                }
                if base < context.values.len() {
                    context.values.remove(base);
                }
            }
            Role::Accumulator => {
                if count == 0 {
                    context.push_text(start, end)?;
                }
                self.pending = Some(Pending::Accumulator { end });
                return Ok(Some(Progress::Call(base.saturating_sub(2), Wanted::One)));
            }
        }
        self.hand_over(context, base, end)
    }

    /// What a table has for the first value.
    fn query<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        frame: Frame,
        end: u32,
    ) -> Result<Option<Progress>, Error> {
        if context.values.len() == frame.base {
            context.push_text(frame.start, end)?;
        }
        let name = context.values.get(frame.base).copied().unwrap_or(Value::NIL);
        context.values.truncate(frame.base);
        let table = context.key(frame.key);
        match context.call.index(table, name)? {
            Indexed::Value(value) => {
                if !value.is_nil() {
                    context.push(value)?;
                }
                self.hand_over(context, frame.base, end)
            }
            Indexed::Call(method, object) => {
                for value in [method, object, name] {
                    context.push(value)?;
                }
                self.pending = Some(Pending::Query { end });
                Ok(Some(Progress::Call(frame.base, Wanted::One)))
            }
        }
    }

    /// The output from `mark` on is the value of a capture. In a substitution it stays where it is.
    fn hand_over_text<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        mark: usize,
        end: u32,
    ) -> Result<Option<Progress>, Error> {
        if let Some(Frame { role: Role::Substitution(copied), .. }) = self.frames.last_mut() {
            *copied = end;
            return Ok(None);
        }
        let string = context.call.string(self.text.get(mark..).unwrap_or_default())?;
        self.text.truncate(mark);
        let base = context.values.len();
        context.push(string.value())?;
        self.hand_over(context, base, end)
    }

    /// The values from `base` on are those of a capture that has ended: the capture around it takes
    /// them.
    fn hand_over<'c>(
        &mut self,
        context: &mut Context<'_, 'c>,
        base: usize,
        end: u32,
    ) -> Result<Option<Progress>, Error> {
        let Some(parent) = self.frames.last_mut() else { return Ok(None) };
        let count = context.values.len().saturating_sub(base);
        match &mut parent.role {
            Role::Table(length) if count > 0 => {
                let table = context.values.get(parent.base).copied();
                if let Some(table) = table.and_then(Table::from_value) {
                    for offset in 0..count {
                        let value = context.values.get(base + offset).copied();
                        *length += 1;
                        table.set_index(context.call, *length, value.unwrap_or(Value::NIL))?;
                    }
                }
                context.values.truncate(base);
            }
            Role::Substitution(copied) if count > 0 => {
                let value = context.values.get(base).copied().unwrap_or(Value::NIL);
                context.values.truncate(base);
                context.add_value(value, "replacement", &mut self.text)?;
                *copied = end;
            }
            Role::Text(_) | Role::Part(..) => {
                context.values.truncate(base + 1);
                if count > 0
                    && let Some(piece) = self.pieces.last_mut()
                {
                    *piece = Piece::Value(base);
                }
            }
            Role::Fold(has_first) => {
                if *has_first {
                    let base = parent.base;
                    self.pending = Some(Pending::Fold);
                    return Ok(Some(Progress::Call(base, Wanted::One)));
                }
                if count == 0 {
                    return Err(Error::text("no initial value for fold capture"));
                }
                context.values.truncate(base + 1);
                *has_first = true;
            }
            _ => {}
        }
        Ok(None)
    }
}

fn invalid_accumulator() -> Error {
    Error::text("invalid context for an accumulator capture")
}
