//! How a region is made: from the loop's first instruction on, every instruction that can be
//! reached becomes a node, up to those that are left to the interpreter.

use super::guess::Guess;
use super::liveness::{observable, registers};
use super::{
    Action, CalleeSource, MAX_NODES, MAX_SLOTS, Node, Obstacle, Refusal, Region, RegionFrame,
    Target, body, jump_target, range,
};
use solvm_compiler::bytecode::{Flow, Instruction, OPEN, Opcode};
use solvm_vm::unit::{Code, Entry, Frame, Function, HelperFunctions, Receiver, Sample, Seen};
use std::collections::HashMap;

/// The maximum depth of calls.
const MAX_CALLS: usize = 5;
/// The maximum number of instructions of a called function.
const MAX_CALLED: usize = 150;
/// The maximum number of functions that a call may be of.
const MAX_KINDS: usize = 4;

/// The maximum number of instructions of a region that calls metamethods: what these make, mostly
/// objects, takes more time than is won.
const MAX_OPERATORS: usize = 100;
/// The maximum number of returns of a function times that of its calls of itself.
const MAX_WAYS_BACK: usize = 64;

/// Instructions, by the address of their code and their index, and how many units were freed since
/// they left there too often.
pub(crate) type Doubtful = HashMap<(u64, usize), u32>;

/// What is doubtful when a region is made.
pub(crate) struct Doubts<'d> {
    pub(crate) known: &'d Doubtful,
    /// Whether all accesses are: several units were made in vain.
    pub(crate) is_cautious: bool,
}

impl Doubts<'_> {
    fn of(&self, code: Code, at: usize, opcode: Opcode) -> u32 {
        let known = self.known.get(&(code.address(), at)).copied().unwrap_or(0);
        known.max(u32::from(self.is_cautious && is_access(opcode)))
    }
}

/// The region of a loop or of the function of a frame of the program.
pub(crate) fn build<'v>(
    sample: &Sample<'v>,
    frame: Frame<'v>,
    entry: Entry,
    doubts: &Doubts,
) -> Result<Region<'v>, Refusal> {
    let of_kinds = |kinds, has_metamethods| {
        build_for(Guess::new(sample, kinds), frame, entry, doubts, has_metamethods)
    };
    match of_kinds(MAX_KINDS, true) {
        Err(Refusal::Size) => of_kinds(1, false),
        Ok(region) if !region.metamethods.is_empty() && region.nodes.len() > MAX_OPERATORS => {
            of_kinds(MAX_KINDS, false)
        }
        result => result,
    }
}

fn build_for<'v>(
    guess: Guess<'_, 'v>,
    frame: Frame<'v>,
    entry: Entry,
    doubts: &Doubts,
    has_metamethods: bool,
) -> Result<Region<'v>, Refusal> {
    let function = frame.function();
    let code = function.code();
    let mut region = Region {
        entry,
        range: range(code, entry),
        frames: Vec::new(),
        nodes: Vec::new(),
        slots: code.frame_size(),
        running: frame,
        inherited: Vec::new(),
        metamethods: Vec::new(),
        classes: Vec::new(),
        callees: Vec::new(),
    };
    let first = region_frame(&region, function, 0, None, None);
    region.frames.push(first);
    let mut builder = Builder { region, guess, doubts, has_metamethods };
    builder.node(0, *builder.region.range.start())?;
    let mut next = 0;
    while next < builder.region.nodes.len() {
        builder.connect(next)?;
        next += 1;
    }
    let region = builder.region;
    let Entry::BackEdge(back_edge) = entry else { return recursive(region) };
    // The loop must be able to go round.
    if !region.nodes.iter().any(|node| node.frame == 0 && node.at == back_edge) {
        let is_left = |node: &&Node| matches!(node.action, Action::Leave(_));
        return Err(region.nodes.iter().find(is_left).map_or(Refusal::Size, |node| {
            let lines = &region.frames[node.frame].code.prototype().lines;
            let line = lines.get(node.at).copied().unwrap_or(0);
            match node.action {
                Action::Leave(obstacle) => Refusal::Instruction(node.opcode, obstacle, line),
                _ => Refusal::Size,
            }
        }));
    }
    Ok(region)
}

/// A region of a function, if it calls itself, and its returns do not have to look for too many
/// callers.
fn recursive(region: Region) -> Result<Region, Refusal> {
    let is_call = |node: &&Node| matches!(node.action, Action::Recurse);
    let is_return = |node: &&Node| node.frame == 0 && node.opcode.flow() == Flow::Return;
    let [calls, returns] = [
        region.nodes.iter().filter(is_call).count(),
        region.nodes.iter().filter(is_return).count(),
    ];
    match calls * returns {
        _ if calls == 0 => Err(Refusal::Recursion),
        MAX_WAYS_BACK.. => Err(Refusal::Size),
        _ => Ok(region),
    }
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
    let prototype = code.prototype();
    let range = if caller.is_none() { region.range.clone() } else { 0..=prototype.code.len() - 1 };
    let count = range.clone().count();
    let (observable, written) = match same {
        Some(frame) => (frame.observable.clone(), frame.written.clone()),
        None => {
            let registers = registers(&prototype.code[range.clone()]);
            let written = registers.into_iter().map(|registers| registers.written);
            (observable(prototype).into(), written.collect())
        }
    };
    RegionFrame {
        caller,
        origin,
        receiver: None,
        function,
        is_of_any: false,
        code,
        first_slot,
        observable,
        start: *range.start(),
        written,
        nodes: vec![None; count],
    }
}

pub(super) struct Builder<'s, 'v> {
    pub(super) region: Region<'v>,
    pub(super) guess: Guess<'s, 'v>,
    doubts: &'s Doubts<'s>,
    /// Whether metamethods are called inside.
    has_metamethods: bool,
}

impl<'v> Builder<'_, 'v> {
    /// The node of an instruction of a frame.
    fn node(&mut self, frame: usize, at: usize) -> Result<usize, Refusal> {
        let this = &self.region.frames[frame];
        let place = at - this.start;
        if let Some(&Some(node)) = this.nodes.get(place) {
            return Ok(node);
        }
        let word = this.code.word(at);
        let Some((word, opcode)) = word.and_then(|word| Some((word, word.opcode()?))) else {
            return Err(Refusal::Size);
        };
        let node = self.region.nodes.len();
        if node == MAX_NODES {
            return Err(Refusal::Size);
        }
        let action = Action::Leave(Obstacle::Instruction);
        let code = self.region.frames[frame].code;
        let doubts = self.doubts.of(code, at, opcode);
        let next = Vec::new();
        self.region.nodes.push(Node { frame, at, word, opcode, action, doubts, next });
        self.region.frames[frame].nodes[place] = Some(node);
        Ok(node)
    }

    /// Where an instruction leads to; outside of the loop, the interpreter continues.
    fn target(&mut self, frame: usize, at: usize) -> Result<Target, Refusal> {
        if frame == 0 && !self.region.range.contains(&at) {
            return Ok(Target::Exit(at));
        }
        Ok(Target::Node(self.node(frame, at)?))
    }

    /// Where a comparison leads to: first where it jumps to.
    fn ways(&mut self, frame: usize, at: usize) -> Result<[Target; 2], Refusal> {
        let jump = self.region.frames[frame].code.word(at + 1).map_or(0, |word| word.j());
        Ok([self.target(frame, jump_target(at + 1, jump))?, self.target(frame, at + 2)?])
    }

    /// Decides what a node does, and where it leads to.
    fn connect(&mut self, index: usize) -> Result<(), Refusal> {
        let node = &self.region.nodes[index];
        let (frame, at, word, opcode) = (node.frame, node.at, node.word, node.opcode);
        let action = self.action(index);
        self.region.nodes[index].action = action;
        let next = match action {
            Action::Leave(_) => Vec::new(),
            Action::Call { first, count } => (first..first + count)
                .map(|inner| self.target(inner, 0))
                .collect::<Result<_, _>>()?,
            Action::Advance => {
                let body = body(self.region.frames[frame].code, at).unwrap_or(at + 1);
                vec![self.target(frame, body)?, self.target(frame, at + 2)?]
            }
            Action::Native(_) => vec![self.target(frame, at + 1)?],
            Action::Metamethod(call) => {
                let mut next = vec![self.target(self.region.metamethods[call].frame, 0)?];
                match opcode {
                    Opcode::GetIndex | Opcode::GetInteger => next.push(self.target(frame, at + 1)?),
                    // If they are the same object.
                    Opcode::EqualVV => next.push(self.ways(frame, at)?[0]),
                    Opcode::NotEqualVV => next.push(self.ways(frame, at)?[1]),
                    _ => {}
                }
                next
            }
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
                Flow::Compare => self.ways(frame, at)?.to_vec(),
                // Of a called function.
                Flow::Return => match self.region.frames[frame].caller {
                    Some((caller, call)) => {
                        let call = self.region.nodes[call].at;
                        match self.region.frames[frame].receiver {
                            Some(Receiver::Condition) => self.ways(caller, call)?.to_vec(),
                            _ => vec![self.target(caller, call + 1)?],
                        }
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
        if self.has_metamethods
            && self.region.nodes[index].doubts == 0
            && let Some(action) = self.metamethod(index)
        {
            return action;
        }
        let node = &self.region.nodes[index];
        let code = &self.region.frames[node.frame].code;
        let has_step = HelperFunctions::step(node.opcode).is_some() && !node.opcode.has_data_word();
        match node.opcode {
            // The first time, the kind of what is loaded, or the place, may have been wrong.
            _ if has_step && node.doubts > u32::from(is_access(node.opcode)) => Action::Step,
            Move | LoadConstant | LoadPrimitive | LoadNil | GetUpvalue | SetUpvalue | GetGlobal
            | NewTable | DuplicateTable | GetInteger | SetInteger | AddVV | AddVK | AddKV
            | SubtractVV | SubtractVK | SubtractKV | MultiplyVV | MultiplyVK | MultiplyKV
            | DivideVV | DivideVK | DivideKV | ModuloVV | ModuloVK | PowerVV | PowerVK | IsLess
            | IsLessEqual | Negate | Not | Jump | Loop | JumpIfTrue | JumpIfFalse | ForPrepare
            | ForPrepareStep | ForLoop | ForLoopStep => Action::Plain,
            // Strings are equal to others by their bytes, and are compared by them.
            EqualVK | NotEqualVK => {
                let constant = code.constant(node.word.d().into());
                let is_simple =
                    |constant: Seen| constant.as_number().is_some() || constant.is_short_string();
                match constant.is_some_and(is_simple) {
                    true => Action::Plain,
                    false => Action::Leave(Obstacle::Instruction),
                }
            }
            opcode if opcode.is_comparison() => Action::Plain,
            GetField | SetField | SelfField => self.field(index),
            GetIndex | SetIndex => match self.guess.register(&self.region, node, node.word.c()) {
                Some(key) if key.as_number().is_none() => Action::AnyKey,
                _ => Action::Plain,
            },
            Length => match self.guess.register(&self.region, node, node.word.d() as u8) {
                Some(value) if value.is_string() => Action::StringLength,
                _ => Action::Plain,
            },
            ForEachPrepare => Action::Plain,
            ForEachCall => Action::Advance,
            Call => self.call(index),
            CallOpen if self.region.open_list_end(node.frame, node.at).is_some() => {
                self.call(index)
            }
            TailCall if node.frame != 0 || self.region.is_function() => self.call(index),
            TailCallOpen
                if (node.frame != 0 || self.region.is_function())
                    && self.region.open_list_end(node.frame, node.at).is_some() =>
            {
                self.call(index)
            }
            SetList if node.word.d() != u16::MAX => Action::Plain,
            Return0 | Return1 | Return => self.returns(node),
            ReturnOpen if self.region.open_list_end(node.frame, node.at).is_some() => {
                self.returns(node)
            }
            _ if has_step => Action::Step,
            _ => Action::Leave(Obstacle::Instruction),
        }
    }

    /// An access to a field.
    fn field(&mut self, index: usize) -> Action<'v> {
        let node = &self.region.nodes[index];
        let opcode = node.opcode;
        let objects = self.guess.registers(&self.region, node, node.word.b());
        let Some(&object) = objects.first() else {
            return if opcode == Opcode::SelfField { Action::Step } else { Action::Plain };
        };
        if let Some(place) = self.guess.field_place(&self.region, node, object) {
            return Action::Field(place);
        }
        let inherited: Vec<_> = match opcode {
            Opcode::SetField => Vec::new(),
            _ => objects
                .iter()
                .filter(|other| other.is_string() == object.is_string())
                .filter_map(|&object| self.guess.inherited(&self.region, node, object))
                .collect(),
        };
        let first = self.region.inherited.len();
        match (inherited.first(), object.as_table(), opcode) {
            (Some(class), Some(_), _) => {
                if let ([_], Some(metatable), Some(register)) = (
                    &inherited[..],
                    class.metatable(),
                    self.unchanged_register(index, self.region.nodes[index].word.b()),
                ) {
                    self.region.classes.push((register, metatable));
                }
                let count = inherited.len();
                self.region.inherited.extend(inherited);
                Action::Inherited { first, count }
            }
            (Some(_), None, Opcode::SelfField) => {
                self.region.inherited.extend(inherited);
                Action::StringMethod(first)
            }
            (None, Some(_), Opcode::GetField | Opcode::SetField) => Action::Plain,
            _ => Action::Step,
        }
    }

    /// A return. Of a called function, all results are expected only if there is one.
    fn returns(&self, node: &Node) -> Action<'v> {
        let Some((_, call)) = self.region.frames[node.frame].caller else {
            return match self.region.is_function() {
                true => Action::Plain,
                false => Action::Leave(Obstacle::Instruction),
            };
        };
        let given = self.region.returned(node);
        let is_metamethod = self.region.frames[node.frame].receiver.is_some();
        let is_open = self.region.nodes[call].word.b() == OPEN;
        match is_open && given != 1 && !is_metamethod {
            true => Action::Leave(Obstacle::Results),
            false => Action::Plain,
        }
    }

    /// A call of functions that are known.
    fn call(&mut self, index: usize) -> Action<'v> {
        let node = &self.region.nodes[index];
        let callees = self.guess.registers(&self.region, node, node.word.a());
        let Some(&callee) = callees.first() else { return Action::Native(None) };
        let is_tail_call = node.opcode.is_tail_call();
        if let Some(function) = callee.as_number_function()
            && matches!(node.word.b(), 2 | OPEN)
            && self.region.arguments(node) == 1
            && !is_tail_call
        {
            return Action::NumberFunction(function, callee.word());
        }
        if callee.is_ordinary_native() {
            return Action::Native(Some(callee));
        }
        let is_own = callee.word() == self.region.frames[0].function.word();
        if self.region.is_function() && is_own && (node.frame == 0 || !is_tail_call) {
            return Action::Recurse;
        }
        if is_tail_call && node.frame == 0 {
            return Action::Leave(Obstacle::UnknownFunction);
        }
        let first = self.region.frames.len();
        let mut obstacle = Obstacle::UnknownFunction;
        let at_most = if is_tail_call { 1 } else { callees.len() };
        for function in callees.iter().filter_map(Seen::as_function).take(at_most) {
            let has_same_code =
                |frame: &&mut RegionFrame| frame.code.address() == function.code().address();
            if let Some(frame) = self.region.frames[first..].iter_mut().find(has_same_code) {
                frame.is_of_any = true;
                continue;
            }
            match self.callee_frame(index, function) {
                Ok(frame) => self.region.frames.push(frame),
                Err(other) => obstacle = other,
            }
        }
        let inner = &self.region.frames[first..];
        let Some(slots) =
            inner.iter().map(|frame| frame.first_slot + frame.code.frame_size()).max()
        else {
            return Action::Leave(obstacle);
        };
        if let ([only], Some(source)) = (inner, self.callee_source(index))
            && !only.is_of_any
        {
            self.region.callees.push((source, only.function));
            self.region.frames[first].is_of_any =
                matches!(source, CalleeSource::Register(_)) && !is_tail_call;
        }
        self.region.slots = self.region.slots.max(slots);
        Action::Call { first, count: self.region.frames.len() - first }
    }

    /// The frame of a function that a node calls.
    fn callee_frame(
        &self,
        index: usize,
        function: Function<'v>,
    ) -> Result<RegionFrame<'v>, Obstacle> {
        let node = &self.region.nodes[index];
        let this = &self.region.frames[node.frame];
        let call = Some((node.frame, index));
        match node.opcode.is_tail_call() {
            true => {
                let frame = self.inner_frame(node.frame, function, this.first_slot, this.caller)?;
                Ok(RegionFrame { receiver: this.receiver, ..frame })
            }
            false => {
                let first_slot = this.first_slot + usize::from(node.word.a()) + 2;
                self.inner_frame(node.frame, function, first_slot, call)
            }
        }
    }

    /// The frame of a metamethod that a node calls.
    pub(super) fn metamethod_frame(
        &self,
        index: usize,
        function: Function<'v>,
        receiver: Receiver,
    ) -> Result<RegionFrame<'v>, Obstacle> {
        let caller = self.region.nodes[index].frame;
        let this = &self.region.frames[caller];
        let first_slot = this.first_slot + this.code.frame_size() + 4;
        let frame = self.inner_frame(caller, function, first_slot, Some((caller, index)))?;
        Ok(RegionFrame { receiver: Some(receiver), ..frame })
    }

    fn inner_frame(
        &self,
        origin: usize,
        function: Function<'v>,
        first_slot: usize,
        caller: Option<(usize, usize)>,
    ) -> Result<RegionFrame<'v>, Obstacle> {
        let prototype = function.code().prototype();
        let mut depth = 0;
        let mut outer = Some(origin);
        while let Some(index) = outer {
            let this = &self.region.frames[index];
            if this.code.address() == function.code().address() {
                return Err(Obstacle::Recursion);
            }
            depth += 1;
            outer = this.origin;
        }
        if prototype.is_vararg {
            return Err(Obstacle::Vararg);
        }
        let slots = first_slot + function.code().frame_size();
        if depth >= MAX_CALLS || prototype.code.len() > MAX_CALLED || slots > MAX_SLOTS {
            return Err(Obstacle::Size);
        }
        Ok(region_frame(&self.region, function, first_slot, caller, Some(origin)))
    }

    /// The register of the first frame that a node's register has its value from, through moves and
    /// arguments, if the loop does not change it. A function has other values in each frame.
    fn unchanged_register(&self, index: usize, register: u8) -> Option<u8> {
        if self.region.is_function() {
            return None;
        }
        let (mut frame, mut at) = (self.region.nodes[index].frame, self.region.nodes[index].at);
        let mut register = register;
        loop {
            let this = &self.region.frames[frame];
            match (this.definition(at, register), this.caller) {
                (Some(definition), _) => {
                    let word = this.code.word(definition)?;
                    register = match word.opcode()? {
                        Opcode::Move => word.d() as u8,
                        Opcode::SelfField if register == word.a() + 2 => word.b(),
                        _ => return None,
                    };
                    at = definition;
                }
                (None, Some((caller, call))) => {
                    let slot = this.first_slot + usize::from(register);
                    register = u8::try_from(slot - self.region.frames[caller].first_slot).ok()?;
                    (frame, at) = (caller, self.region.nodes[call].at);
                }
                (None, None) => break,
            }
        }
        self.is_unchanged(register).then_some(register)
    }

    /// Whether the loop does not write a register of its frame.
    fn is_unchanged(&self, register: u8) -> bool {
        !self.region.frames[0].written.iter().any(|written| written.contains(register))
    }

    /// Where a call in the first frame gets its function, if the loop does not change that.
    fn callee_source(&self, index: usize) -> Option<CalleeSource> {
        let node = Some(&self.region.nodes[index])
            .filter(|node| node.frame == 0 && !self.region.is_function())?;
        let this = &self.region.frames[0];
        let definition = this.code.word(this.definition(node.at, node.word.a())?)?;
        match definition.opcode()? {
            Opcode::Move => {
                let register = definition.d() as u8;
                self.is_unchanged(register).then_some(CalleeSource::Register(register))
            }
            Opcode::GetUpvalue => {
                let mut loop_words = self.region.range.clone().filter_map(|at| this.code.word(at));
                let sets = |word: Instruction| {
                    word.opcode() == Some(Opcode::SetUpvalue) && word.d() == definition.d()
                };
                (!loop_words.any(sets)).then_some(CalleeSource::Upvalue(definition.d()))
            }
            _ => None,
        }
    }
}

/// Whether an instruction reads or writes a variable or a value of a table.
fn is_access(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(
        opcode,
        GetField
            | GetGlobal
            | GetIndex
            | GetInteger
            | GetUpvalue
            | SetField
            | SetIndex
            | SetInteger
    )
}
