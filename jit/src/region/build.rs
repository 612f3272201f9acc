//! How a region is made: from the loop's first instruction on, every instruction that can be
//! reached becomes a node, up to those that are left to the interpreter.

use super::guess::Guess;
use super::liveness::observable;
use super::{
    Action, MAX_NODES, MAX_SLOTS, Node, Refusal, Region, RegionFrame, Target, header, jump_target,
};
use solvm_compiler::bytecode::{Flow, OPEN, Opcode};
use solvm_vm::unit::{Frame, Function, Sample};
use std::collections::HashMap;

/// The maximum depth of calls.
const MAX_CALLS: usize = 5;
/// The maximum number of instructions of a called function.
const MAX_CALLED: usize = 150;

/// The region of the loop that the back-edge at `back_edge` closes, in a frame of the program.
pub(crate) fn build<'v>(
    sample: &Sample<'v>,
    frame: Frame<'v>,
    back_edge: usize,
) -> Result<Region<'v>, Refusal> {
    let function = frame.function();
    let mut region = Region {
        frames: Vec::new(),
        nodes: Vec::new(),
        slots: function.code().frame_size(),
        running: frame,
        back_edge,
        header: header(function.code(), back_edge).unwrap_or(back_edge),
    };
    let first = region_frame(&region, function, 0, None, None);
    region.frames.push(first);
    let mut builder = Builder { region, guess: Guess { sample } };
    builder.node(0, builder.region.header)?;
    let mut next = 0;
    while next < builder.region.nodes.len() {
        builder.connect(next)?;
        next += 1;
    }
    let region = builder.region;
    // The loop must be able to go round.
    if !region.nodes.iter().any(|node| node.frame == 0 && node.at == back_edge) {
        let is_left = |node: &&Node| matches!(node.action, Action::Leave);
        return Err(region.nodes.iter().find(is_left).map_or(Refusal::Size, |node| {
            let lines = &region.frames[node.frame].code.prototype().lines;
            Refusal::Instruction(node.opcode, lines.get(node.at).copied().unwrap_or(0))
        }));
    }
    Ok(region)
}

fn region_frame<'v>(
    region: &Region<'v>,
    function: Function<'v>,
    first_slot: usize,
    caller: Option<(usize, usize)>,
    origin: Option<usize>,
) -> RegionFrame<'v> {
    let code = function.code();
    // The same function may have been called before.
    let same = region.frames.iter().find(|frame| frame.code.address() == code.address());
    let observable = match same {
        Some(frame) => frame.observable.clone(),
        None => observable(code.prototype()).into(),
    };
    RegionFrame { caller, origin, function, code, first_slot, observable, nodes: HashMap::new() }
}

struct Builder<'s, 'v> {
    region: Region<'v>,
    guess: Guess<'s, 'v>,
}

impl<'v> Builder<'_, 'v> {
    /// The node of an instruction of a frame.
    fn node(&mut self, frame: usize, at: usize) -> Result<usize, Refusal> {
        if let Some(&node) = self.region.frames[frame].nodes.get(&at) {
            return Ok(node);
        }
        let word = self.region.frames[frame].code.word(at);
        let Some((word, opcode)) = word.and_then(|word| Some((word, word.opcode()?))) else {
            return Err(Refusal::Size);
        };
        let node = self.region.nodes.len();
        if node == MAX_NODES {
            return Err(Refusal::Size);
        }
        let action = Action::Leave;
        self.region.nodes.push(Node { frame, at, word, opcode, action, next: Vec::new() });
        self.region.frames[frame].nodes.insert(at, node);
        Ok(node)
    }

    /// Where an instruction leads to; outside of the loop, the interpreter continues.
    fn target(&mut self, frame: usize, at: usize) -> Result<Target, Refusal> {
        if frame == 0 && !(self.region.header..=self.region.back_edge).contains(&at) {
            return Ok(Target::Exit(at));
        }
        Ok(Target::Node(self.node(frame, at)?))
    }

    /// Decides what a node does, and where it leads to.
    fn connect(&mut self, index: usize) -> Result<(), Refusal> {
        let node = &self.region.nodes[index];
        let (frame, at, word, opcode) = (node.frame, node.at, node.word, node.opcode);
        let action = self.action(index);
        self.region.nodes[index].action = action;
        let next = match action {
            Action::Leave => Vec::new(),
            Action::Call { frame: inner } => vec![self.target(inner, 0)?],
            _ => match opcode.flow() {
                Flow::Next | Flow::Call => {
                    vec![self.target(frame, at + 1 + usize::from(opcode.has_data_word()))?]
                }
                Flow::Jump => {
                    vec![self.target(frame, jump_target(at, word.jump_distance().unwrap_or(0)))?]
                }
                Flow::Branch => {
                    let taken = jump_target(at, word.jump_distance().unwrap_or(0));
                    vec![self.target(frame, taken)?, self.target(frame, at + 1)?]
                }
                Flow::Compare => {
                    let jump =
                        self.region.frames[frame].code.word(at + 1).map_or(0, |word| word.j());
                    let taken = jump_target(at + 1, jump);
                    vec![self.target(frame, taken)?, self.target(frame, at + 2)?]
                }
                // Of a called function.
                Flow::Return => match self.region.frames[frame].caller {
                    Some((caller, call)) => {
                        let after = self.region.nodes[call].at + 1;
                        vec![self.target(caller, after)?]
                    }
                    None => Vec::new(),
                },
                Flow::TailCall => Vec::new(),
            },
        };
        self.region.nodes[index].next = next;
        Ok(())
    }

    /// What a node does: [`Action::Leave`] for what is not compiled.
    fn action(&mut self, index: usize) -> Action<'v> {
        use Opcode::*;
        let node = &self.region.nodes[index];
        let code = &self.region.frames[node.frame].code;
        match node.opcode {
            Move | LoadConstant | LoadPrimitive | LoadNil | GetUpvalue | SetUpvalue | GetGlobal
            | NewTable | DuplicateTable | GetInteger | SetInteger | GetIndex | SetIndex | AddVV
            | AddVK | AddKV | SubtractVV | SubtractVK | SubtractKV | MultiplyVV | MultiplyVK
            | MultiplyKV | DivideVV | DivideVK | DivideKV | ModuloVV | ModuloVK | IsLess
            | IsLessEqual | Negate | Not | Length | Jump | Loop | JumpIfTrue | JumpIfFalse
            | ForPrepare | ForPrepareStep | ForLoop | ForLoopStep => Action::Plain,
            // Strings are equal to others by their bytes, and are compared by them.
            EqualVK | NotEqualVK => {
                let constant = code.constant(node.word.d().into());
                let is_simple = |constant: solvm_vm::unit::Seen| {
                    constant.as_number().is_some() || constant.is_short_string()
                };
                if constant.is_some_and(is_simple) { Action::Plain } else { Action::Leave }
            }
            opcode if opcode.is_comparison() => Action::Plain,
            PowerVK => {
                let constant = code.constant(node.word.c().into());
                let is_square = constant.and_then(|constant| constant.as_number()) == Some(2.0);
                if is_square { Action::Plain } else { Action::Leave }
            }
            GetField | SetField => match self.guess.field_place(&self.region, node) {
                Some(place) => Action::Field(place),
                None => Action::Plain,
            },
            SelfField => match self.guess.method(&self.region, node) {
                Some(method) => Action::Method(method),
                None => Action::Leave,
            },
            Call => self.call(index),
            CallOpen if self.region.open_list_end(node.frame, node.at).is_some() => {
                self.call(index)
            }
            TailCall if node.frame != 0 => self.call(index),
            TailCallOpen
                if node.frame != 0 && self.region.open_list_end(node.frame, node.at).is_some() =>
            {
                self.call(index)
            }
            SetList if node.word.d() != u16::MAX => Action::Plain,
            Return0 | Return1 | Return => self.returns(node),
            _ => Action::Leave,
        }
    }

    /// A return of a called function. All of its results are expected only if there is one.
    fn returns(&self, node: &Node) -> Action<'v> {
        let Some((_, call)) = self.region.frames[node.frame].caller else { return Action::Leave };
        let given = match node.opcode {
            Opcode::Return0 => 0,
            Opcode::Return1 => 1,
            _ => node.word.d(),
        };
        let is_open = self.region.nodes[call].word.b() == OPEN;
        if is_open && given != 1 { Action::Leave } else { Action::Plain }
    }

    /// A call of a function that is known.
    fn call(&mut self, index: usize) -> Action<'v> {
        let node = &self.region.nodes[index];
        let (frame, at, word) = (node.frame, node.at, node.word);
        let is_tail_call = node.opcode.is_tail_call();
        let arguments = self.region.arguments(node);
        let Some(callee) = self.guess.register(&self.region, frame, at, word.a()) else {
            return Action::Leave;
        };
        if let Some(function) = callee.as_number_function() {
            let is_simple = matches!(word.b(), 2 | OPEN) && arguments == 1 && !is_tail_call;
            return match is_simple {
                true => Action::NumberFunction(function, callee.word()),
                false => Action::Leave,
            };
        }
        let Some(function) = callee.as_function() else { return Action::Leave };
        let prototype = function.code().prototype();
        let mut depth = 0;
        let mut outer = Some(frame);
        while let Some(index) = outer {
            let this = &self.region.frames[index];
            if this.code.address() == function.code().address() {
                return Action::Leave;
            }
            depth += 1;
            outer = this.origin;
        }
        let this = &self.region.frames[frame];
        let (first_slot, caller) = match is_tail_call {
            true => (this.first_slot, this.caller),
            false => (this.first_slot + usize::from(word.a()) + 2, Some((frame, index))),
        };
        let slots = first_slot + function.code().frame_size();
        if prototype.is_vararg
            || depth >= MAX_CALLS
            || prototype.code.len() > MAX_CALLED
            || slots > MAX_SLOTS
        {
            return Action::Leave;
        }
        self.region.slots = self.region.slots.max(slots);
        let inner = region_frame(&self.region, function, first_slot, caller, Some(frame));
        self.region.frames.push(inner);
        Action::Call { frame: self.region.frames.len() - 1 }
    }
}
