//! From a region to the linear form.
//!
//! Each slot has a variable for each form in which it may be held. A block starts where ways meet;
//! the others convert their slots to the forms that are held there.
//!
//! **Invariant (AS BEFORE)**: whatever leaves within a node leaves with the slots as they were
//! before it, and the interpreter does the whole instruction. So a node checks everything first,
//! and writes variables and memory last.

mod arithmetic;
mod assumptions;
mod barrier;
mod call;
mod compare;
mod control;
mod entry;
mod iterate;
mod known;
mod metamethod;
mod recurse;
mod slots;
mod step;
mod table;

use crate::backend::linear::{
    Block, Builder, Class, ExitId, Origin, SlotValue, Value, Variable, Width, WordSource, WordWrite,
};
use crate::passes::effects::{Effects, Memory};
use crate::passes::representation::Representation;
use crate::passes::states::{State, States};
use crate::region::{Action, Node, Region, Target};
use assumptions::Relied;
use known::Known;
use recurse::OwnCalls;
use slots::Slots;
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{Assumptions, Helper, MachineLayout, NATIVE_ANSWERED, Receiver, Root};
use std::collections::HashMap;
use std::rc::Rc;

/// Makes the linear form of a region. Returns the objects whose addresses it contains, and what it
/// relies on.
pub(crate) fn emit(
    builder: &mut Builder,
    region: &Region,
    effects: &[Effects],
    states: &States,
) -> (Vec<Root>, Assumptions) {
    builder.clear(MachineLayout::FUEL);
    let budget = builder.variable(Class::Integer);
    let relied = assumptions::relied_on(region);
    let assumptions = Assumptions::new(&relied.facts);
    let calls = |(node, effects): (&Node, &Effects)| {
        effects.memory == Memory::All || step::has_slow_path(node)
    };
    let has_calls = region.is_function() || region.nodes.iter().zip(effects).any(calls);
    let mut emitter = Emitter {
        region,
        effects,
        states,
        budget,
        assumptions,
        relied,
        slots: Slots::new(region.slots),
        builder,
        blocks: vec![None; region.nodes.len()],
        pending: Vec::new(),
        edges: Vec::new(),
        exit: None,
        rank: 0,
        ranks: ranks(region),
        upvalues: HashMap::new(),
        functions: HashMap::new(),
        own_calls: None,
        has_calls,
        roots: Vec::new(),
        known: Known::default(),
    };
    emitter.enter();
    emitter.body();
    (emitter.roots, emitter.assumptions)
}

/// The order of the nodes: that of the bytecode, called functions at their calls.
fn ranks(region: &Region) -> Vec<u32> {
    let path = |&node: &usize| {
        let node = &region.nodes[node];
        let mut path = vec![node.at];
        let mut caller = region.frames[node.frame].caller;
        while let Some((frame, call)) = caller {
            path.push(region.nodes[call].at);
            caller = region.frames[frame].caller;
        }
        path.reverse();
        path
    };
    let mut sorted: Vec<usize> = (0..region.nodes.len()).collect();
    sorted.sort_by_cached_key(path);
    let mut ranks = vec![0; sorted.len()];
    for (rank, node) in (1..).zip(sorted) {
        ranks[node] = rank;
    }
    ranks
}

/// A way from a state to a node that holds its slots differently.
struct Edge {
    block: Block,
    rank: u32,
    state: Rc<State>,
    target: usize,
}

struct Emitter<'e, 'v> {
    region: &'e Region<'v>,
    effects: &'e [Effects],
    states: &'e States,
    builder: &'e mut Builder,
    /// What is left of the budget.
    budget: Variable,
    /// What the code relies on.
    assumptions: Assumptions,
    relied: Relied,
    slots: Slots,
    /// The blocks of nodes that start one, and those of them that are still empty.
    blocks: Vec<Option<Block>>,
    pending: Vec<usize>,
    edges: Vec<Edge>,
    /// The exit before the current node.
    exit: Option<Escape>,
    /// The place of the blocks that are filled now.
    rank: u32,
    ranks: Vec<u32>,
    /// The addresses of upvalues and of their values, by frame and index.
    upvalues: HashMap<(usize, usize), [Address; 2]>,
    /// The addresses of functions of which only the code is known, by frame.
    functions: HashMap<usize, Variable>,
    /// Of a function: how it calls itself.
    own_calls: Option<OwnCalls>,
    /// Whether it calls natives, slow paths or itself, so that the VM's state has another frame.
    has_calls: bool,
    roots: Vec<Root>,
    /// What is known of the tables in slots.
    known: Known,
}

/// An address that is known, or found when the unit is entered.
#[derive(Clone, Copy)]
enum Address {
    Constant(u64),
    Variable(Variable),
}

/// Where control goes if a check fails.
#[derive(Clone, Copy)]
enum Escape {
    /// The unit leaves.
    Exit(ExitId),
    /// Another way to do the node's instruction.
    Block(Block),
}

/// What a node has led to.
enum After {
    /// The first target, in the state after the node.
    Continues,
    /// Everything has been emitted.
    Branched,
}

impl<'v> Emitter<'_, 'v> {
    // The graph.

    fn body(&mut self) {
        let region = self.region;
        let mut ways = vec![0; region.nodes.len()];
        for node in &region.nodes {
            for target in &node.next {
                if let Target::Node(next) = *target {
                    // A branch needs a block.
                    ways[next] += if node.next.len() == 1 { 1 } else { 2 };
                }
            }
        }
        let header = self.block_of(0);
        self.builder.jump(header);
        self.fill_start();
        let mut is_done = vec![false; region.nodes.len()];
        while let Some(start) = self.pending.pop() {
            if std::mem::replace(&mut is_done[start], true) {
                continue;
            }
            let block = self.block_of(start);
            self.rank = self.ranks[start];
            self.builder.start(block, self.rank, false);
            self.known.clear();
            let mut node = start;
            loop {
                self.rank = self.ranks[node];
                self.exit = None;
                let (After::Continues, Some(after)) = (self.node(node), self.after(node)) else {
                    break;
                };
                match region.nodes[node].next.first() {
                    Some(&Target::Node(next)) if ways[next] == 1 && next != 0 => {
                        is_done[next] = true;
                        node = next;
                    }
                    Some(&target) => {
                        self.go_on(&after, target);
                        break;
                    }
                    None => break,
                }
            }
            while let Some(edge) = self.edges.pop() {
                self.convert(edge);
            }
        }
    }

    fn block_of(&mut self, node: usize) -> Block {
        if let Some(block) = self.blocks[node] {
            return block;
        }
        let block = self.builder.block();
        self.blocks[node] = Some(block);
        self.pending.push(node);
        block
    }

    /// The block that leads to a node from a state.
    fn edge(&mut self, state: Rc<State>, target: usize) -> Block {
        let is_same = self.before(target).is_some_and(|wanted| wanted.held == state.held);
        if is_same {
            return self.block_of(target);
        }
        let block = self.builder.block();
        self.edges.push(Edge { block, rank: self.rank, state, target });
        block
    }

    /// Brings slots into the forms that the target wants. If that fails, the interpreter continues
    /// there.
    fn convert(&mut self, edge: Edge) {
        let Some(wanted) = self.before(edge.target) else { return };
        self.rank = edge.rank;
        self.builder.start(edge.block, edge.rank, false);
        let node = &self.region.nodes[edge.target];
        let mut exit = None;
        let mut writes = Vec::new();
        for slot in 0..self.region.slots {
            let (from, to) = (edge.state.held[slot], wanted.held[slot]);
            let is_same =
                matches!((from, to), (Representation::Integer(..), Representation::Integer(..)));
            // What is not needed any more may not have been written at all.
            if from == to || is_same || !self.region.is_observable(node.frame, node.at, slot) {
                continue;
            }
            if to == Representation::Word || to == Representation::Double && from.is_number() {
                writes.push((slot, from, to));
                continue;
            }
            let exit = match exit {
                Some(exit) => exit,
                None => *exit.insert(self.new_exit(node.frame, node.at, &edge.state, 0)),
            };
            let word = self.word(slot, from);
            self.define_word(slot, to, word, exit);
        }
        for (slot, from, to) in writes {
            match to {
                Representation::Word => {
                    let word = self.word(slot, from);
                    self.write_word(slot, word);
                }
                _ => {
                    let double = self.double(slot, from);
                    self.write_double(slot, double);
                }
            }
        }
        let target = self.block_of(edge.target);
        self.builder.jump(target);
    }

    /// Continues in one of a node's two targets.
    fn branch(&mut self, node: usize, condition: Value) -> After {
        let region = self.region;
        let Some(after) = self.after(node) else { return After::Branched };
        let [taken, passed] = region.nodes[node].next[..] else { return After::Branched };
        match (taken, passed) {
            (Target::Exit(at), passed) => {
                let exit = self.new_exit(0, at, &after, 0);
                self.escape_if(condition, exit);
                self.go_on(&after, passed);
            }
            (taken, Target::Exit(at)) => {
                let exit = self.new_exit(0, at, &after, 0);
                self.escape_unless(condition, exit);
                self.go_on(&after, taken);
            }
            (Target::Node(taken), Target::Node(passed)) => {
                let (taken, passed) = (self.edge(after.clone(), taken), self.edge(after, passed));
                self.builder.branch(condition, taken, passed);
            }
        }
        After::Branched
    }

    fn go_on(&mut self, state: &Rc<State>, target: Target) {
        match target {
            Target::Node(next) => {
                let block = self.edge(state.clone(), next);
                self.builder.jump(block);
            }
            Target::Exit(at) => {
                let exit = self.new_exit(0, at, state, 0);
                self.escape(exit);
            }
        }
    }

    // States.

    fn before(&self, node: usize) -> Option<Rc<State>> {
        self.states.before[node].clone()
    }

    fn after(&self, node: usize) -> Option<Rc<State>> {
        self.states.after[node].clone()
    }

    // Exits.

    /// The slots that the interpreter may need at an instruction of a frame and that are not in
    /// memory.
    fn unsaved(&self, frame: usize, at: usize, state: &State) -> Vec<usize> {
        let dirty = state.dirty.iter().map(usize::from);
        dirty.filter(|&slot| self.region.is_observable(frame, at, slot)).collect()
    }

    /// The interpreter continues at an instruction of a frame.
    fn new_exit(&mut self, frame: usize, at: usize, state: &State, refund: i32) -> Escape {
        let mut values = Vec::new();
        for slot in self.unsaved(frame, at, state) {
            let (form, variable) = self.held_in(slot, state.held[slot]);
            let register = variable.register();
            values.push(SlotValue { offset: offset(slot), form, register });
        }
        let this = &self.region.frames[frame];
        let mut words = Vec::new();
        // Calls in other frames have changed them.
        if frame != 0 || self.has_calls {
            let base = WordSource::BaseAddress(offset(this.first_slot));
            let context = |offset, source| WordWrite { origin: Origin::Context, offset, source };
            let constants = WordSource::Constant(this.code.constants());
            words.push(context(MachineLayout::BASE, base));
            words.push(context(MachineLayout::CONSTANTS, constants));
        }
        if let Some(end) = self.region.open_list_end(frame, at) {
            words.push(WordWrite {
                origin: Origin::Context,
                offset: MachineLayout::TOP,
                source: WordSource::BaseAddress(offset(this.first_slot + end)),
            });
        }
        words.extend(self.links(frame).into_iter().map(|(slot, source)| WordWrite {
            origin: Origin::Base,
            offset: offset(slot),
            source,
        }));
        let result = instruction_address(this.code, at);
        Escape::Exit(self.builder.exit(&values, self.budget, refund, &words, result))
    }

    /// The links of a frame and of those that have called it, and their slots.
    fn links(&self, frame: usize) -> Vec<(usize, WordSource)> {
        let mut links = Vec::new();
        let mut inner = &self.region.frames[frame];
        while let Some((caller, call)) = inner.caller {
            let outer = &self.region.frames[caller];
            let next = instruction_address(outer.code, self.region.nodes[call].at + 1);
            let Some(receiver) = inner.receiver else {
                links.push((inner.first_slot - 1, WordSource::Constant(next)));
                inner = outer;
                continue;
            };
            // The frame's function may be another one with the same code.
            let function = match caller == 0 || outer.is_of_any {
                true => WordSource::Slot(offset(outer.first_slot) - 16),
                false => WordSource::Constant(outer.function.word()),
            };
            let interrupted = Receiver::link_to_instruction(outer.code.frame_size(), next);
            links.push((inner.first_slot - 4, function));
            links.push((inner.first_slot - 3, WordSource::Constant(interrupted)));
            links.push((inner.first_slot - 1, WordSource::Constant(receiver.link())));
            inner = outer;
        }
        links
    }

    /// Leaves with nothing to write and a mark in place of an address.
    fn bare_exit(&mut self, mark: u64) -> Escape {
        Escape::Exit(self.builder.exit(&[], self.budget, 0, &[], mark))
    }

    /// Escapes if the value is not 0.
    fn escape_if(&mut self, condition: Value, escape: Escape) {
        match escape {
            Escape::Exit(exit) => self.builder.leave_if(condition, exit),
            Escape::Block(block) => {
                let next = self.builder.block();
                self.builder.branch(condition, block, next);
                self.builder.start(next, self.rank, false);
            }
        }
    }

    /// Escapes if the value is 0.
    fn escape_unless(&mut self, condition: Value, escape: Escape) {
        let negated = self.builder.not(condition);
        self.escape_if(negated, escape);
    }

    /// Escapes.
    fn escape(&mut self, escape: Escape) {
        match escape {
            Escape::Exit(exit) => self.builder.leave(exit),
            Escape::Block(block) => self.builder.jump(block),
        }
    }

    /// The exit of a node: the interpreter does its instruction.
    fn exit_before(&mut self, node: usize) -> Escape {
        match self.exit {
            Some(exit) => exit,
            None => self.make_exit(node, 0),
        }
    }

    fn make_exit(&mut self, index: usize, refund: i32) -> Escape {
        let node = &self.region.nodes[index];
        let state = self.before(index);
        let exit = match state {
            Some(state) => self.new_exit(node.frame, node.at, &state, refund),
            // It is never reached.
            None => self.bare_exit(NATIVE_ANSWERED),
        };
        self.exit = Some(exit);
        exit
    }

    /// Charges the budget for a node, which leaves if it is used up; its exits give it back.
    fn charge(&mut self, node: usize) {
        debug_assert!(self.exit.is_none(), "the first exit of a node is that of its charge");
        if let Escape::Exit(exit) = self.make_exit(node, 1) {
            self.builder.charge(self.budget, exit);
        }
    }

    /// Calls a simple function of the VM. The budget is in a register: it is in memory for one that
    /// charges.
    fn help(&mut self, helper: Helper, arguments: &[Value]) -> Value {
        if helper.charges {
            let budget = self.builder.read(self.budget);
            self.builder.store(Width::Word, budget, Value::CONTEXT, MachineLayout::FUEL);
        }
        let result = self.builder.call(helper.address as u64, arguments);
        if helper.charges {
            let budget = self.builder.load(Width::Word, Value::CONTEXT, MachineLayout::FUEL);
            self.builder.write(self.budget, budget);
        }
        result
    }

    // Nodes.

    fn node(&mut self, index: usize) -> After {
        use Opcode::*;
        let region = self.region;
        let node = &region.nodes[index];
        let Some(before) = self.before(index) else { return After::Branched };
        if let Some(copy) = self.effects[index].copy {
            self.copy(index, copy.target, copy.source, &before);
            return After::Continues;
        }
        match (node.action, node.opcode) {
            (Action::Leave(_), _) => {
                let exit = self.exit_before(index);
                self.escape(exit);
                return After::Branched;
            }
            (Action::Call { first, count }, _) => {
                return self.call(index, first..first + count, &before);
            }
            (Action::Recurse, _) => return self.recurse(index, &before),
            (Action::Metamethod(call), _) => {
                return self.metamethod(index, &region.metamethods[call], &before);
            }
            (Action::NumberFunction(function, word), _) => {
                self.number_function(index, function, word, &before);
            }
            (Action::Native(callee), _) => self.native(index, callee, &before),
            (Action::Step, _) => self.step(index, &before),
            (Action::Advance, _) => return self.advance_loop(index, &before),
            (_, ForEachPrepare) => self.prepare_loop(index, &before),
            (Action::Inherited { first, count }, _) => {
                self.inherited(index, &region.inherited[first..first + count], &before);
            }
            (Action::StringMethod(way), _) => {
                self.string_method(index, &region.inherited[way], &before);
            }
            (Action::StringLength, _) => self.string_length(index, &before),
            (_, LoadConstant | LoadPrimitive | LoadNil) => self.constant(index),
            (_, GetUpvalue) => self.get_upvalue(index),
            (_, SetUpvalue) => self.set_upvalue(index, &before),
            (_, GetGlobal) => return self.get_global(index),
            (_, NewTable | DuplicateTable) => self.new_table(index),
            (_, GetIndex | GetInteger) => return self.get_element(index, &before),
            (_, SetIndex | SetInteger) => self.set_element(index, &before),
            (_, GetField | SelfField) => self.get_field(index, &before),
            (_, SetField) => self.set_field(index, &before),
            (_, Length) => self.length(index, &before),
            (
                _,
                AddVV | AddVK | AddKV | SubtractVV | SubtractVK | SubtractKV | MultiplyVV
                | MultiplyVK | MultiplyKV | DivideVV | DivideVK | DivideKV | ModuloVV | ModuloVK
                | PowerVV | PowerVK,
            ) => self.arithmetic(index, &before),
            (_, Negate) => self.negate(index, &before),
            (_, Not) => self.not(index, &before),
            (_, IsLess | IsLessEqual) => self.is_less(index, &before),
            (_, Jump) => {}
            (_, Loop) => self.charge(index),
            (_, JumpIfTrue | JumpIfFalse) => return self.jump_if(index, &before),
            (_, ForPrepare | ForPrepareStep | ForLoop | ForLoopStep) => {
                return self.numeric_loop(index, &before);
            }
            (_, Return0 | Return1 | Return | ReturnOpen) if node.frame == 0 => {
                return self.return_to_caller(index, &before);
            }
            (_, Return0 | Return1 | Return | ReturnOpen)
                if region.frames[node.frame].receiver == Some(Receiver::Condition) =>
            {
                return self.decide(index, &before);
            }
            (_, Return0 | Return1 | Return | ReturnOpen) => self.pass_values(index, &before),
            (_, SetList) => self.set_list(index, &before),
            (_, opcode) if opcode.is_comparison() => return self.comparison(index, &before),
            _ => {
                debug_assert!(false, "{:?} is not compiled", node.opcode);
                let exit = self.exit_before(index);
                self.escape(exit);
                return After::Branched;
            }
        }
        After::Continues
    }
}

/// The offset of a slot from the first one, in bytes.
fn offset(slot: usize) -> i32 {
    8 * slot as i32
}

/// The address of an instruction, as frames refer to it.
fn instruction_address(code: solvm_vm::unit::Code, at: usize) -> u64 {
    code.first_word() + 4 * at as u64
}

/// The bits of nil, of false and of true.
const NIL: i64 = -1;
const FALSE: i64 = -2;
const TRUE: i64 = -3;
