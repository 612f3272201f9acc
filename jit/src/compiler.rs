//! The compiler that a VM is given: which loops it compiles, and what became of them.

#![allow(unsafe_code, reason = "units keep the VM's invariants")]

use crate::backend::linear::Builder;
use crate::backend::{self, Arena, Refused, Settings, Unit};
use crate::clock::processor_time;
use crate::emit::emit;
use crate::listing::{self, Listing};
use crate::passes::effects::effects;
use crate::passes::kinds::Kinds;
use crate::passes::states::States;
use crate::region::{self, Doubtful, Doubts};
use solvm_compiler::bytecode::{Flow, Opcode};
use solvm_vm::unit::{
    Assumptions, Code, Compiler, Entry, Frame, NewUnit, Place, Position, Root, Sample,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Gets a text for the user.
pub type Print = fn(&str);

/// How code is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A loop is compiled when the budget has run out in it so often.
    pub threshold: u32,
    /// The bytes of memory for machine code.
    pub memory: usize,
    /// Compiling takes at most this share of the thread's processor time since the start, and
    /// [`FREE_TIME`]. None: any.
    pub max_share: Option<f64>,
    /// Gets a line for each loop: whether it was compiled, or why not.
    pub log: Option<Print>,
    /// Gets this of each unit that is compiled.
    pub listing: Option<(Listing, Print)>,
    /// Gets a line if the operating system refuses executable memory: nothing is compiled from then
    /// on, and the program is interpreted.
    pub report: Option<Print>,
    /// For tests of the back-end.
    pub settings: Settings,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threshold: 2,
            memory: 64 << 20,
            max_share: Some(0.025),
            log: None,
            listing: None,
            report: None,
            settings: Settings::default(),
        }
    }
}

/// What compiling may take at the start of a program.
pub const FREE_TIME: Duration = Duration::from_millis(3);
/// How often the time for a unit that was of no use counts.
const USELESS_WEIGHT: f64 = 4.0;
/// The number of samples that are ignored when compiling has taken too long.
const SAMPLES_SKIPPED: u32 = 50;
/// How many frames of calls are looked at.
const MAX_FRAMES: usize = 4;
/// Loops of more instructions are not compiled.
const MAX_LENGTH: usize = 1000;
/// How many callers a function is looked for in that may call itself.
const MAX_CALLERS: usize = 16;

/// The maximum number of instructions that are remembered as doubtful.
const MAX_DOUBTFUL: usize = 10_000;

/// Compiles hot loops.
pub struct Jit {
    options: Options,
    arena: Rc<RefCell<Arena>>,
    builder: Builder,
    /// Whether units may be run.
    can_run: bool,
    /// Whether the operating system has refused memory.
    is_refused: bool,
    /// The processor time of the thread when the compiler was made.
    started: Duration,
    /// The processor time that compiling has taken.
    taken: Duration,
    /// How many units were made, and how many of these were freed since they were of no use.
    made: u32,
    useless: u32,
    /// The number of samples to ignore.
    skipped: u32,
    /// Where units have left too often.
    doubtful: Doubtful,
}

/// The number that the VM keeps for a loop: how often the budget has run out in it since it was
/// compiled or refused last, how often that was, and whether it is not to be compiled again.
#[derive(Clone, Copy)]
struct Count(u32);

impl Count {
    const DONE: u32 = 1 << 31;
    const TRIES: u32 = 1 << 24;
    /// The maximum number of times that a loop is compiled.
    const MAX_TRIES: u32 = 6;
    /// From this try on, nothing is expected of where fields are.
    const CAUTIOUS: u32 = 3;

    /// How often it was compiled or refused.
    fn tries(self) -> u32 {
        (self.0 & !Self::DONE) / Self::TRIES
    }

    fn is_done(self) -> bool {
        self.0 & Self::DONE != 0
    }

    fn samples(self) -> u32 {
        self.0 % Self::TRIES
    }

    /// It was compiled or refused.
    fn done(self) -> Count {
        Count((self.0 - self.samples() + Self::TRIES) | Self::DONE)
    }

    /// It may be compiled again, unless it was too often.
    fn reopened(self) -> Count {
        let tries = self.tries();
        let may_be_compiled = self.is_done() && tries < Self::MAX_TRIES;
        if may_be_compiled { Count(tries * Self::TRIES) } else { self }
    }
}

impl Jit {
    /// None if this machine cannot run the code.
    pub fn new(options: Options) -> Option<Jit> {
        backend::is_supported().then(|| Jit {
            options,
            arena: Rc::new(RefCell::new(Arena::new(options.memory))),
            builder: Builder::new(0),
            can_run: true,
            is_refused: false,
            started: processor_time(),
            taken: Duration::ZERO,
            made: 0,
            useless: 0,
            skipped: 0,
            doubtful: Doubtful::new(),
        })
    }

    /// The innermost function that calls itself, or loop around the sampled instruction, that is
    /// not compiled yet, if it has been sampled often enough.
    fn hot_place<'v>(&mut self, sample: &Sample<'v>) -> Option<(Frame<'v>, Entry, Place)> {
        let frames: Vec<Frame> = sample.frames().take(MAX_CALLERS).collect();
        for (frame, callers) in
            (1..).zip(&frames).map(|(next, frame)| (*frame, &frames[next..])).take(MAX_FRAMES)
        {
            let code = frame.function().code();
            let is_same = |caller: &Frame| caller.function().code().address() == code.address();
            let is_recursive = callers.iter().any(is_same) && !code.prototype().is_vararg;
            if is_recursive && code.is_compiled(Entry::Start) {
                continue;
            }
            let start = is_recursive.then_some(Entry::Start);
            let loops = loops_around(&frame).into_iter().map(Entry::BackEdge);
            for entry in start.into_iter().chain(loops) {
                let Some(place) = code.place(entry) else { continue };
                let Some(cell) = code.count(place) else { continue };
                let count = Count(cell.get());
                if count.is_done() {
                    continue;
                }
                if count.samples() + 1 < self.options.threshold {
                    cell.set(count.0 + 1);
                    return None;
                }
                if !self.has_time() {
                    self.skipped = SAMPLES_SKIPPED;
                    return None;
                }
                cell.set(count.done().0);
                return Some((frame, entry, place));
            }
        }
        None
    }

    /// Whether compiling has not taken too long yet. The time for units that were of no use counts
    /// [`USELESS_WEIGHT`] times: some programs gain nothing.
    fn has_time(&self) -> bool {
        self.options.max_share.is_none_or(|share| {
            let time = processor_time().saturating_sub(self.started);
            let useless = f64::from(self.useless) / f64::from(self.made.max(1));
            let taken = self.taken.mul_f64(1.0 + (USELESS_WEIGHT - 1.0) * useless);
            taken <= FREE_TIME + time.mul_f64(share)
        })
    }

    /// Expects nothing of the values at an instruction any more. Returns whether that is new and
    /// may help: not where another function is called, the loop ends or returns, or the budget has
    /// run out.
    fn doubts(&mut self, unit: Code, entry: Entry, left: Position) -> bool {
        let is_own = left.code.address() == unit.address();
        if is_own && !region::range(unit, entry).contains(&left.at) {
            return false;
        }
        let opcode = left.code.word(left.at).and_then(|word| word.opcode());
        let is_about_values = opcode.is_some_and(|opcode| match opcode.flow() {
            Flow::Call | Flow::TailCall => false,
            Flow::Return => !is_own,
            _ => opcode.entry().is_none(),
        });
        if !is_about_values {
            return false;
        }
        if self.doubtful.len() > MAX_DOUBTFUL {
            self.doubtful.clear();
        }
        let address = left.code.address();
        let doubts = self.doubtful.entry((address, left.at)).or_insert(0);
        *doubts += 1;
        *doubts <= 2
    }

    /// Draws the conclusions of a refusal, and says why.
    fn refused(&mut self, error: Refused) -> String {
        self.can_run &= error != Refused::Lost;
        if matches!(error, Refused::System | Refused::Lost)
            && !std::mem::replace(&mut self.is_refused, true)
            && let Some(report) = self.options.report
        {
            report(&format!("native code is off: {error}"));
        }
        error.to_string()
    }

    fn compile(&mut self, sample: &Sample, frame: Frame, entry: Entry) -> Result<Made, String> {
        let code = frame.function().code();
        let count = code.place(entry).and_then(|place| code.count(place));
        let is_cautious = count.is_some_and(|count| Count(count.get()).tries() >= Count::CAUTIOUS);
        let doubts = Doubts { known: &self.doubtful, is_cautious };
        let region =
            region::build(sample, frame, entry, &doubts).map_err(|error| error.to_string())?;
        let effects = effects(&region);
        let kinds = Kinds::of(&region, &effects);
        let states = States::of(&region, &effects, &kinds);
        if let Some((Listing::Region, print)) = self.options.listing {
            print(&listing::region(&name(code, entry), &region, &states));
        }
        let (mut roots, assumptions) = emit(&mut self.builder, &region, &effects, &states);
        roots.extend(region.frames.iter().map(|frame| frame.code.root()));
        let function = self.builder.finish();
        let has_lines = matches!(self.options.listing, Some((Listing::Machine, _)));
        let settings = Settings { has_lines, ..self.options.settings };
        let machine = backend::compile(function, &settings).map_err(|error| error.to_string())?;
        if let Some((Listing::Machine, print)) = self.options.listing {
            print(&listing::machine(&name(code, entry), self.made, &machine));
        }
        let size = machine.bytes.len();
        let installed = self.arena.borrow_mut().install(&machine);
        let unit = installed.map_err(|error| self.refused(error))?;
        let unit = Installed { arena: self.arena.clone(), unit: Some(unit) };
        Ok(Made { unit, size, roots, assumptions, nodes: region.nodes.len() })
    }
}

/// A unit and what it needs.
struct Made {
    unit: Installed,
    size: usize,
    roots: Vec<Root>,
    assumptions: Assumptions,
    nodes: usize,
}

/// A unit that frees its memory.
struct Installed {
    arena: Rc<RefCell<Arena>>,
    unit: Option<Unit>,
}

impl Installed {
    fn address(&self) -> u64 {
        self.unit.as_ref().map_or(0, Unit::address)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if let Some(unit) = self.unit.take() {
            self.arena.borrow_mut().free(unit);
        }
    }
}

/// Runs a unit: see [`NewUnit::run`].
unsafe extern "C" fn run(base: *mut u64, state: *mut (), code: *const ()) -> *const u32 {
    // SAFETY: the VM runs units that it was given and has not dropped, which are installed, with
    // what they were made for, and none once the compiler says that they cannot run.
    unsafe { backend::run(base, state.cast(), code as u64) as *const u32 }
}

/// The back-edges of the loops around a frame's instruction, the innermost first.
fn loops_around(frame: &Frame) -> Vec<usize> {
    let code = frame.function().code();
    let end = code.prototype().code.len().min(frame.at() + MAX_LENGTH);
    let mut loops: Vec<(usize, usize)> = (frame.at()..end)
        .filter_map(|back_edge| Some((region::header(code, back_edge)?, back_edge)))
        .filter(|&(header, _)| header <= frame.at())
        .collect();
    loops.sort_by_key(|(header, back_edge)| back_edge - header);
    loops.into_iter().map(|(_, back_edge)| back_edge).collect()
}

// SAFETY: what `emit` makes keeps the invariants: exits have the state before an instruction (AS
// BEFORE in `emit`), back-edges and calls are charged first, and roots are collected where
// addresses become constants.
unsafe impl Compiler for Jit {
    fn sampled(&mut self, sample: &Sample<'_>) -> Option<NewUnit> {
        if self.is_refused || self.skipped > 0 {
            self.skipped = self.skipped.saturating_sub(1);
            return None;
        }
        let (frame, entry, place) = self.hot_place(sample)?;
        let began = processor_time();
        let made = self.compile(sample, frame, entry);
        let time = processor_time().saturating_sub(began);
        self.taken += time;
        if let Some(log) = self.options.log {
            let what = match &made {
                Ok(Made { nodes, size, .. }) => {
                    let time = time.as_micros();
                    format!("compiled: {nodes} instructions, {size} bytes, {time} \u{b5}s")
                }
                Err(reason) => format!("not compiled: {reason}"),
            };
            log(&format!("jit: {}: {what}", name(frame.function().code(), entry)));
        }
        let Made { unit, size, roots, assumptions, .. } = made.ok()?;
        let code = unit.address() as *const ();
        self.made += 1;
        Some(NewUnit { place, run, code, roots, assumptions, memory: Box::new(unit), size })
    }

    fn can_run(&self) -> bool {
        self.can_run
    }

    fn declined(&mut self, code: Code<'_>, entry: Entry) -> bool {
        let is_reopened = reopen(code, entry);
        self.useless += u32::from(!is_reopened);
        if !is_reopened && let Some(log) = self.options.log {
            log(&format!("jit: {}: freed: it declines", name(code, entry)));
        }
        is_reopened
    }

    fn freed(&mut self, code: Code<'_>, entry: Entry, left: Option<Position<'_>>) {
        self.useless += 1;
        if let Some(left) = left
            && self.doubts(code, entry, left)
        {
            reopen(code, entry);
        }
        let Some(log) = self.options.log else { return };
        let reason = left.map_or("in a call".to_string(), |left| {
            let opcode = left.code.word(left.at).and_then(|word| word.opcode());
            format!("before {} in line {}", opcode.map_or("?", Opcode::name), line(left))
        });
        log(&format!("jit: {}: freed: it leaves {reason}", name(code, entry)));
    }
}

/// Lets a loop or function be compiled again, unless it was too often. Returns whether it may.
fn reopen(code: Code, entry: Entry) -> bool {
    let place = code.place(entry);
    let Some(cell) = place.and_then(|place| code.count(place)) else { return false };
    let count = Count(cell.get()).reopened();
    cell.set(count.0);
    !count.is_done()
}

/// The chunk and line of a loop or function.
fn name(code: Code, entry: Entry) -> String {
    let chunk = solvm_compiler::chunk_id(&code.prototype().source.name);
    let line = line(Position { code, at: entry.at() });
    let what = if entry == Entry::Start { " (function)" } else { "" };
    format!("{}:{line}{what}", String::from_utf8_lossy(&chunk))
}

/// The line of an instruction.
fn line(position: Position) -> u32 {
    position.code.prototype().lines.get(position.at).copied().unwrap_or(0)
}
