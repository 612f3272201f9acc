//! The parsing machine: runs a program over a subject and lists the captures.
//!
//! Its stacks are its own, held in the program's account, so that a match can stop at any
//! instruction, for other goroutines or for a function that it calls, and goes on later.
//!
//! Invariant: subjects are shorter than 2^32 bytes, as all strings, so that positions are `u32`.

use crate::program::{Instruction, Program};
use crate::tree::Kind;
use solvm_vm::{Call, Error, Held};

/// The `end` of a capture that contains others and is still open, or is followed by a
/// [`Kind::Close`].
pub(crate) const OPEN: u32 = u32::MAX;

/// A capture in the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capture {
    /// Where it starts; of a `Close`, where the capture ends.
    pub(crate) start: u32,
    /// Where it ends.
    pub(crate) end: u32,
    /// The key of its value.
    pub(crate) key: u16,
    /// What it is.
    pub(crate) kind: Kind,
}

/// A choice, or a call, whose `position` is [`CALL`].
#[derive(Clone, Copy)]
struct Entry {
    /// Where the program continues.
    next: u32,
    position: u32,
    /// The number of captures.
    captures: u32,
}

const CALL: u32 = u32::MAX;
/// The stack has room for this number of entries, whatever its limit.
const FIRST_ENTRIES: usize = 400;
/// The limit of the stack unless the program sets another one.
pub(crate) const DEFAULT_LIMIT: usize = 400;
/// Memory up to this size is not accounted for.
const FREE: usize = 4096;

/// Why the machine has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The match ends at the current position.
    Matched,
    /// There is none.
    Failed,
    /// The budget is used up.
    OutOfBudget,
    /// The last open capture is complete, and its function, with this key, is to be called.
    RunTime(u16),
}

/// A match in progress.
#[derive(Default)]
pub(crate) struct Machine {
    next: u32,
    /// The current position.
    pub(crate) position: u32,
    stack: Vec<Entry>,
    /// The captures up to here.
    pub(crate) captures: Vec<Capture>,
    /// How many values of functions that were called during the match are kept.
    pub(crate) values: usize,
    held: Option<Held>,
    /// The most entries of the stack.
    limit: usize,
}

impl Machine {
    /// A match that starts at a position, with a limit for its stack.
    pub(crate) fn new(position: u32, limit: usize) -> Machine {
        Machine { position, limit, ..Machine::default() }
    }

    /// The bytes that its stacks need.
    fn size(&self) -> usize {
        self.stack.capacity() * size_of::<Entry>() + self.captures.capacity() * size_of::<Capture>()
    }

    /// Bytes that are not held in the account.
    pub(crate) fn external_size(&self) -> usize {
        if self.held.is_some() { 0 } else { self.size() }
    }

    #[cold]
    #[inline(never)]
    fn grow_stack(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let length = self.stack.len();
        // LPeg counts an entry for the match itself.
        if length + 1 >= self.limit.max(FIRST_ENTRIES) {
            let limit = self.limit;
            return Err(Error::text(format!(
                "backtrack stack overflow (current limit is {limit})"
            )));
        }
        if length < self.stack.capacity() {
            return Ok(());
        }
        let more = length.max(16);
        self.hold(call, more.saturating_mul(size_of::<Entry>()))?;
        self.stack.try_reserve_exact(more).map_err(|_| Error::out_of_memory())
    }

    #[cold]
    #[inline(never)]
    fn grow_captures(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let more = self.captures.len().max(16);
        self.hold(call, more.saturating_mul(size_of::<Capture>()))?;
        self.captures.try_reserve_exact(more).map_err(|_| Error::out_of_memory())
    }

    /// Holds memory for this number of bytes more.
    fn hold(&mut self, call: &mut Call<'_>, more: usize) -> Result<(), Error> {
        let size = self.size().saturating_add(more);
        if size > FREE {
            call.check_memory(more)?;
            let held = self.held.get_or_insert_with(|| call.account().hold_nothing());
            held.grow_to(size)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, call: &mut Call<'_>, entry: Entry, room: usize) -> Result<(), Error> {
        if self.stack.len() >= self.stack.capacity().min(room) {
            self.grow_stack(call)?;
        }
        self.stack.push(entry);
        Ok(())
    }

    /// Adds a capture to the list.
    #[inline(always)]
    pub(crate) fn add(&mut self, call: &mut Call<'_>, capture: Capture) -> Result<(), Error> {
        if self.captures.len() == self.captures.capacity() {
            self.grow_captures(call)?;
        }
        self.captures.push(capture);
        Ok(())
    }

    /// Removes captures from `length` on, and forgets the values of functions among them.
    fn truncate(&mut self, length: usize) {
        if self.values > 0 {
            let removed = self.captures.get(length..).unwrap_or_default();
            if let Some(extent) = removed.iter().find(|capture| capture.kind == Kind::Extent) {
                self.values = self.values.min(extent.start as usize);
            }
        }
        self.captures.truncate(length);
    }

    /// Continues where the last choice says. False if there is none.
    #[inline(always)]
    fn backtrack(&mut self, next: &mut usize, position: &mut usize) -> bool {
        while let Some(entry) = self.stack.pop() {
            if entry.position != CALL {
                *next = entry.next as usize;
                *position = entry.position as usize;
                if self.captures.len() > entry.captures as usize {
                    self.truncate(entry.captures as usize);
                }
                return true;
            }
        }
        false
    }

    /// Lets the match fail after a function said so.
    pub(crate) fn fail(&mut self) -> bool {
        let (mut next, mut position) = (0, 0);
        let is_found = self.backtrack(&mut next, &mut position);
        (self.next, self.position) = (next as u32, position as u32);
        is_found
    }

    /// Runs until it stops, and charges for the work.
    pub(crate) fn run(
        &mut self,
        call: &mut Call<'_>,
        program: &Program,
        subject: &[u8],
    ) -> Result<Stop, Error> {
        /// A unit of the budget pays for this number of instructions.
        const INSTRUCTIONS_PER_UNIT: usize = 4;
        let budget = call.budget().min(1 << 24) * INSTRUCTIONS_PER_UNIT;
        if budget == 0 {
            return Ok(Stop::OutOfBudget);
        }
        let mut left = budget;
        let stop = self.steps(call, program, subject, &mut left);
        call.charge((budget - left.min(budget)) / INSTRUCTIONS_PER_UNIT);
        stop
    }

    fn steps(
        &mut self,
        call: &mut Call<'_>,
        program: &Program,
        subject: &[u8],
        budget: &mut usize,
    ) -> Result<Stop, Error> {
        let room = self.limit.max(FIRST_ENTRIES) - 1;
        let code = program.code.as_slice();
        let mut next = self.next as usize;
        let mut position = self.position as usize;
        let mut left = *budget;
        macro_rules! stop {
            ($stop:expr) => {{
                self.next = next as u32;
                self.position = position as u32;
                *budget = left;
                return Ok($stop);
            }};
        }
        macro_rules! fail {
            () => {
                if !self.backtrack(&mut next, &mut position) {
                    stop!(Stop::Failed);
                }
            };
        }
        macro_rules! set {
            ($index:expr) => {
                match program.sets.get(usize::from($index)) {
                    Some(set) => set,
                    None => stop!(Stop::Failed),
                }
            };
        }
        loop {
            let Some(&instruction) = code.get(next) else { stop!(Stop::Failed) };
            if left == 0 {
                stop!(Stop::OutOfBudget);
            }
            left -= 1;
            next += 1;
            match instruction {
                Instruction::Skip => position += 1,
                Instruction::Byte(byte) => {
                    if subject.get(position) == Some(&byte) {
                        position += 1;
                    } else {
                        fail!();
                    }
                }
                Instruction::Set(index) => match subject.get(position) {
                    Some(&byte) if set!(index).contains(byte) => position += 1,
                    _ => fail!(),
                },
                Instruction::Any(count) => {
                    if subject.len() - position.min(subject.len()) >= count as usize {
                        position += count as usize;
                    } else {
                        fail!();
                    }
                }
                Instruction::Bytes { length, start } => {
                    let length = usize::from(length);
                    let rest = subject.get(position..).unwrap_or_default();
                    let bytes = program.bytes.get(start as usize..).unwrap_or_default();
                    let bytes = bytes.get(..length).unwrap_or_default();
                    if rest.starts_with(bytes) {
                        position += length;
                        left = left.saturating_sub(length / 64);
                    } else {
                        fail!();
                    }
                }
                Instruction::TestAny(target) => {
                    if position >= subject.len() {
                        next = target as usize;
                    }
                }
                Instruction::TestByte(byte, target) => {
                    if subject.get(position) != Some(&byte) {
                        next = target as usize;
                    }
                }
                Instruction::TestSet(index, target) => match subject.get(position) {
                    Some(&byte) if set!(index).contains(byte) => {}
                    _ => next = target as usize,
                },
                Instruction::Dispatch(table) => {
                    let symbol = subject.get(position).map_or(256, |&byte| usize::from(byte));
                    let target = program.tables.get(usize::from(table));
                    next = target.and_then(|table| table.get(symbol)).map_or(0, |&t| t as usize);
                }
                Instruction::Span(index) => {
                    let set = set!(index);
                    let rest = subject.get(position..).unwrap_or_default();
                    let length =
                        rest.iter().position(|&byte| !set.contains(byte)).unwrap_or(rest.len());
                    position += length;
                    left = left.saturating_sub(length / 4);
                }
                Instruction::Back(count) => match position.checked_sub(count as usize) {
                    Some(before) => position = before,
                    None => fail!(),
                },
                Instruction::Jump(target) => next = target as usize,
                Instruction::Call(target) => {
                    let entry = Entry { next: next as u32, position: CALL, captures: 0 };
                    self.push(call, entry, room)?;
                    next = target as usize;
                }
                Instruction::Return => match self.stack.pop() {
                    Some(entry) => next = entry.next as usize,
                    None => stop!(Stop::Failed),
                },
                Instruction::Choice(target) => {
                    let entry = Entry {
                        next: target,
                        position: position as u32,
                        captures: self.captures.len() as u32,
                    };
                    self.push(call, entry, room)?;
                }
                Instruction::Commit(target) => {
                    self.stack.pop();
                    next = target as usize;
                }
                Instruction::PartialCommit(target) => {
                    if let Some(entry) = self.stack.last_mut() {
                        entry.position = position as u32;
                        entry.captures = self.captures.len() as u32;
                    }
                    next = target as usize;
                }
                Instruction::BackCommit(target) => {
                    if let Some(entry) = self.stack.pop() {
                        position = entry.position as usize;
                        self.truncate(entry.captures as usize);
                    }
                    next = target as usize;
                }
                Instruction::FailTwice => {
                    self.stack.pop();
                    fail!();
                }
                Instruction::Fail => fail!(),
                Instruction::Full { kind, key, length } => {
                    let end = position as u32;
                    let start = end.saturating_sub(length);
                    self.add(call, Capture { start, end, key, kind })?;
                }
                Instruction::Open(kind, key) => {
                    let start = position as u32;
                    self.add(call, Capture { start, end: OPEN, key, kind })?;
                }
                Instruction::Close => {
                    let end = position as u32;
                    match self.captures.last_mut() {
                        // Nothing is inside.
                        Some(capture) if capture.end == OPEN => {
                            capture.end = end;
                        }
                        _ => {
                            let close = Capture { start: end, end, key: 0, kind: Kind::Close };
                            self.add(call, close)?;
                        }
                    }
                }
                Instruction::CloseRunTime(key) => stop!(Stop::RunTime(key)),
                Instruction::End => stop!(Stop::Matched),
            }
        }
    }
}
