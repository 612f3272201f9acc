//! A region: a loop of a function, or a whole function that calls itself, and all that runs inside
//! it, the called Lua functions that are known included, as a graph of instructions.
//!
//! A **slot** is a register counted from the first one of the region's own frame. The frames of
//! called functions are above it, where the interpreter would have them, so that arguments are
//! already where the callee expects them. A **node** is one instruction in one frame.
//!
//! **Invariant (SAME FRAMES)**: at every node, the slots are the registers that the interpreter's
//! frames would have at that instruction. So a unit can leave anywhere: it writes the slots that it
//! holds elsewhere, and the links of the frames.
//!
//! What code probably does, which function it calls, where a field is, is read off the objects as
//! they are when the region is made. The machine code checks it.

mod build;
mod guess;
mod liveness;
mod metamethod;

pub(crate) use build::{Doubtful, Doubts, build};
pub(crate) use metamethod::{Argument, MetamethodCall};

use solvm_compiler::bytecode::{Instruction, OPEN, Opcode, RegisterSet};
use solvm_vm::unit::{Code, Entry, Frame, Function, NumberFunction, Receiver, Seen, Table};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// The maximum number of slots: a register set has them all.
pub(crate) const MAX_SLOTS: usize = 240;
/// The maximum number of nodes: compiling takes about a millisecond.
pub(crate) const MAX_NODES: usize = 250;

/// A loop or a function and all that runs inside it.
pub(crate) struct Region<'v> {
    /// Where the unit is entered.
    pub(crate) entry: Entry,
    /// The instructions of the first frame that belong to it: those of the loop, or all.
    pub(crate) range: RangeInclusive<usize>,
    pub(crate) frames: Vec<RegionFrame<'v>>,
    /// The first one is the first instruction of the range.
    pub(crate) nodes: Vec<Node<'v>>,
    pub(crate) slots: usize,
    /// A frame of the first function as it is now.
    pub(crate) running: Frame<'v>,
    /// What [`Action::Inherited`] refers to.
    pub(crate) inherited: Vec<Inherited<'v>>,
    /// What [`Action::Metamethod`] refers to.
    pub(crate) metamethods: Vec<MetamethodCall<'v>>,
    /// Functions that the loop calls and does not change, and where it gets them. Of those in
    /// registers only the code matters.
    pub(crate) callees: Vec<(CalleeSource, Function<'v>)>,
    /// Registers of the first frame that the loop does not change, with objects whose fields it
    /// reads, and their metatables.
    pub(crate) classes: Vec<(u8, Table<'v>)>,
}

/// Where a loop gets a function that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CalleeSource {
    /// A register of the first frame.
    Register(u8),
    /// An upvalue of its function.
    Upvalue(u16),
}

/// A frame of the loop's function or of a function that is called inside.
pub(crate) struct RegionFrame<'v> {
    /// The caller's frame and the node of the call.
    pub(crate) caller: Option<(usize, usize)>,
    /// The frame with the call: not the caller's if that was a tail call.
    origin: Option<usize>,
    /// Of a metamethod: what receives its result. The caller's node is the instruction that it was
    /// called for, and four slots before the first belong to the frame.
    pub(crate) receiver: Option<Receiver>,
    pub(crate) function: Function<'v>,
    /// Whether it may be of any function with the same code, not only of that one.
    pub(crate) is_of_any: bool,
    pub(crate) code: Code<'v>,
    pub(crate) first_slot: usize,
    /// The registers that are read later, or that can be seen otherwise, before each instruction;
    /// nothing if all are.
    observable: Rc<[RegisterSet]>,
    /// The first instruction that belongs to the region.
    start: usize,
    /// The registers that it and those after it write.
    written: Rc<[RegisterSet]>,
    /// The nodes of these instructions.
    nodes: Vec<Option<usize>>,
}

impl RegionFrame<'_> {
    /// The last instruction before another, in the order of the code, that writes a register.
    fn definition(&self, at: usize, register: u8) -> Option<usize> {
        let before = self.written.get(..at.checked_sub(self.start)?)?;
        Some(self.start + before.iter().rposition(|set| set.contains(register))?)
    }
}

/// Where control goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Node(usize),
    /// The interpreter continues at this instruction of the node's frame.
    Exit(usize),
}

/// What a node does.
#[derive(Clone, Copy)]
pub(crate) enum Action<'v> {
    /// Its instruction is left to the interpreter.
    Leave(Obstacle),
    /// Its instruction.
    Plain,
    /// A call of one of the functions whose frames these are, or a tail call.
    Call { first: usize, count: usize },
    /// A call of the region's own function: in another frame, which the region runs in then; or, if
    /// it is a tail call, in the same one.
    Recurse,
    /// It probably calls this metamethod. If that is not certain, the second target is where it
    /// continues without.
    Metamethod(usize),
    /// A call of a native from a number to a number, given its word.
    NumberFunction(NumberFunction, u64),
    /// A call of another native: that one, or any.
    Native(Option<Seen<'v>>),
    /// Its instruction, by the interpreter's slow path.
    Step,
    /// A step of a generic `for` over `next` or the iterator of `ipairs`.
    Advance,
    /// A field that is probably in that place, also as a method.
    Field(FieldPlace),
    /// A field or method that is probably found in one of these ways.
    Inherited { first: usize, count: usize },
    /// A method of a string that is probably found in that way.
    StringMethod(usize),
    /// The length of a string.
    StringLength,
    /// An access to a table by a key that is probably not a number.
    AnyKey,
}

/// Where a field is in a table's hash part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldPlace {
    /// The table's shift.
    pub(crate) shift: u8,
    /// The distance of the node from the first one.
    pub(crate) offset: i32,
}

/// A field that an object's metatable leads to.
#[derive(Clone)]
pub(crate) struct Inherited<'v> {
    /// The key `__index`.
    pub(crate) index_name: Seen<'v>,
    /// The tables that are asked one after the other; the last one has the field.
    pub(crate) levels: Vec<Level<'v>>,
    /// Where the field is there.
    pub(crate) field: i32,
}

/// A table that a metatable leads to.
#[derive(Clone, Copy)]
pub(crate) struct Level<'v> {
    /// The metatable of the object, or of the table of the level before.
    pub(crate) metatable: Table<'v>,
    /// Where `__index` is there.
    pub(crate) index: i32,
    /// The table that it refers to.
    pub(crate) fields: Table<'v>,
}

impl<'v> Inherited<'v> {
    /// The metatable of the object.
    pub(crate) fn metatable(&self) -> Option<Table<'v>> {
        self.levels.first().map(|level| level.metatable)
    }
}

/// One instruction in one frame.
pub(crate) struct Node<'v> {
    pub(crate) frame: usize,
    /// Its index in the function's code.
    pub(crate) at: usize,
    pub(crate) word: Instruction,
    pub(crate) opcode: Opcode,
    pub(crate) action: Action<'v>,
    /// How many units were freed since they left here too often: nothing is expected of the values.
    pub(crate) doubts: u32,
    /// Where control goes: of a branch or comparison first where it jumps to. Empty if it leaves.
    pub(crate) next: Vec<Target>,
}

/// Why an instruction is left to the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// There is no code for it.
    Instruction,
    /// It calls a native that runs Lua code, or something that is not a function.
    UnknownFunction,
    /// It calls a function that is being called.
    Recursion,
    /// It calls a function with a variable number of arguments.
    Vararg,
    /// It calls a function that is too large, or nested too deeply.
    Size,
    /// It returns another number of values than is expected.
    Results,
}

/// Why a loop or a function has no region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has too many instructions or registers.
    Size,
    /// The function cannot be run up to where it calls itself.
    Recursion,
    /// An instruction that is not compiled is on every way through the loop; the line of the first.
    Instruction(Opcode, Obstacle, u32),
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Obstacle::Instruction => "is not supported",
            Obstacle::UnknownFunction => "calls what cannot be called from here",
            Obstacle::Recursion => "is recursive",
            Obstacle::Vararg => "calls a vararg function",
            Obstacle::Size => "calls a function that is too large",
            Obstacle::Results => "does not return one value",
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Size => formatter.write_str("too large"),
            Refusal::Recursion => formatter.write_str("its calls of itself are not reached"),
            Refusal::Instruction(opcode, obstacle, line) => {
                write!(formatter, "{} in line {line} {obstacle}", opcode.name())
            }
        }
    }
}

impl Region<'_> {
    /// Whether it is a whole function.
    pub(crate) fn is_function(&self) -> bool {
        self.entry == Entry::Start
    }

    /// Whether a frame is of one function only.
    pub(crate) fn is_known(&self, frame: usize) -> bool {
        frame != 0 && !self.frames[frame].is_of_any
    }

    /// Whether the interpreter that continues at an instruction of a frame may need a slot.
    pub(crate) fn is_observable(&self, mut frame: usize, mut at: usize, slot: usize) -> bool {
        loop {
            let this = &self.frames[frame];
            if slot >= this.first_slot {
                let register = slot - this.first_slot;
                return match this.observable.get(at) {
                    Some(set) => u8::try_from(register).is_ok_and(|number| set.contains(number)),
                    None => register < this.code.frame_size(),
                };
            }
            // The function of the frame.
            if slot + 2 == this.first_slot {
                return true;
            }
            let Some((caller, call)) = this.caller else { return false };
            let call = self.nodes[call].at;
            // An instruction with a metamethod is not complete.
            (frame, at) = if this.receiver.is_some() { (caller, call) } else { (caller, call + 1) };
        }
    }

    /// The slot of a node's operand that is a register.
    pub(crate) fn slot(&self, node: &Node, register: u8) -> usize {
        self.frames[node.frame].first_slot + usize::from(register)
    }

    /// The number of results that a call expects. A called function that returns an open list with
    /// one value is compiled, others leave.
    pub(crate) fn expected(&self, node: &Node) -> usize {
        match node.word.b() {
            OPEN => 1,
            results => usize::from(results).saturating_sub(1),
        }
    }

    /// The number of values that a return gives.
    pub(crate) fn returned(&self, node: &Node) -> usize {
        match node.opcode {
            Opcode::Return0 => 0,
            Opcode::Return1 => 1,
            Opcode::ReturnOpen => {
                let end = self.open_list_end(node.frame, node.at).unwrap_or(0);
                end.saturating_sub(usize::from(node.word.a()))
            }
            _ => node.word.d().into(),
        }
    }

    /// The number of arguments of a call.
    pub(crate) fn arguments(&self, node: &Node) -> usize {
        match node.opcode {
            Opcode::CallOpen | Opcode::TailCallOpen => {
                let end = self.open_list_end(node.frame, node.at).unwrap_or(0);
                end.saturating_sub(usize::from(node.word.a()) + 2)
            }
            _ => usize::from(node.word.c()),
        }
    }

    /// The register after the open list that an instruction takes, if it takes one: a call in front
    /// of it has given one value.
    pub(crate) fn open_list_end(&self, frame: usize, at: usize) -> Option<usize> {
        let code = self.frames[frame].code;
        let word = code.word(at)?;
        let takes_list = match word.opcode()? {
            Opcode::CallOpen | Opcode::TailCallOpen | Opcode::ReturnOpen => true,
            Opcode::SetList => word.d() == u16::MAX,
            _ => false,
        };
        let producer = code.word(at.checked_sub(1)?)?;
        (takes_list && producer.opcode()?.is_call() && producer.b() == OPEN)
            .then(|| usize::from(producer.a()) + 1)
    }
}

/// The instructions of a function that a unit is for, without those of functions that they call.
pub(crate) fn range(code: Code, entry: Entry) -> RangeInclusive<usize> {
    match entry {
        Entry::Start => 0..=code.prototype().code.len().saturating_sub(1),
        Entry::BackEdge(at) => header(code, at).unwrap_or(at)..=at,
    }
}

/// Where a back-edge of a function leads to, given its index.
pub(crate) fn header(code: Code, back_edge: usize) -> Option<usize> {
    let word = code.word(back_edge)?;
    word.as_entry()?;
    match word.opcode()? {
        Opcode::ForEachCall => body(code, back_edge),
        _ => Some(jump_target(back_edge, word.jump_distance()?)),
    }
}

/// Where the body of a generic `for` starts, given the index of its `ForEachCall`.
pub(crate) fn body(code: Code, call: usize) -> Option<usize> {
    Some(jump_target(call + 1, code.word(call + 1)?.jump_distance()?))
}

/// The target of a jump, from its own index.
pub(crate) fn jump_target(at: usize, distance: i32) -> usize {
    (at as i64 + 1 + i64::from(distance)).max(0) as usize
}
