//! From a tree to a program, as in Ierusalimschy's paper "A Text Pattern-Matching Tool based on
//! Parsing Expression Grammars": a choice whose alternatives start differently, or fail at their
//! first byte only, needs no way back.
//!
//! The work that is left is a stack, so that a tree may have any depth.

use crate::analysis::{Analysis, Info};
use crate::program::{Instruction, Program, Sets, Targets, resolve};
use crate::set::{ByteSet, First, Next};
use crate::tree::{Kind, Node, TooLarge, Tree};
use std::rc::Rc;

/// A choice of at least this number of alternatives has a table.
const FEW: usize = 4;
/// The most tables of a program; each has a kilobyte.
const MAX_TABLES: usize = 256;

/// The label of an instruction that fails.
const FAIL: u32 = 0;

/// Work to be done.
enum Task {
    Node(NodeTask),
    Emit(Instruction),
    /// The label is before the next instruction.
    Place(u32),
    /// An alternative of a choice, and those after it.
    Alternative {
        choice: Rc<Choice>,
        index: usize,
        known: Next,
    },
}

/// A choice: its alternatives in order, however they were nested.
struct Choice {
    task: NodeTask,
    nodes: Vec<usize>,
    /// What each alternative and those after it can start with.
    rest: Vec<First>,
    /// Where each alternative starts, after the test of the next byte.
    labels: Vec<u32>,
    /// Where the code continues.
    end: u32,
}

impl Choice {
    fn new(generator: &mut Generator<'_>, task: NodeTask) -> Choice {
        let mut nodes = Vec::new();
        let mut left = vec![task.node];
        while let Some(node) = left.pop() {
            if generator.tree.nodes.get(node) == Some(&Node::Choice) {
                let (one, other) = generator.analysis.both(node);
                left.extend([other, one]);
            } else {
                nodes.push(node);
            }
        }
        let mut all = First::NONE;
        let rest = nodes.iter().rev().map(|&node| {
            all = generator.info(node).first.or(all);
            all
        });
        let mut rest: Vec<First> = rest.collect();
        rest.reverse();
        let labels = nodes.iter().map(|_| generator.label()).collect();
        Choice { task, nodes, rest, labels, end: generator.label() }
    }
}

/// A node whose code is to be generated.
#[derive(Clone, Copy)]
struct NodeTask {
    node: usize,
    /// The code is the whole of an optional pattern: the last choice continues after it.
    is_optional: bool,
    /// What comes next in the subject, as far as it was tested.
    known: Next,
    /// With what the code that follows can succeed.
    follow: Next,
}

impl NodeTask {
    /// The code for a node at a place of which nothing is known.
    fn at(node: usize) -> NodeTask {
        NodeTask { node, is_optional: false, known: Next::ANY, follow: Next::ANY }
    }

    /// The code for an operand in the place of the node.
    fn of(self, node: usize) -> NodeTask {
        NodeTask { node, ..self }
    }
}

struct Generator<'a> {
    tree: &'a Tree,
    analysis: Analysis,
    program: Program,
    sets: Sets,
    /// Where each label is.
    labels: Vec<u32>,
    /// The label of each rule by its node, 0 if it has none.
    rules: Vec<u32>,
    /// What is left to do, the next last.
    tasks: Vec<Task>,
    is_too_large: bool,
}

/// Generates the program of a tree without open calls.
pub(crate) fn generate(tree: &Tree) -> Result<Program, TooLarge> {
    let mut generator = Generator {
        analysis: Analysis::new(tree)?,
        tree,
        program: Program { bytes: tree.bytes.clone(), ..Program::default() },
        sets: Sets::default(),
        labels: vec![0],
        rules: vec![0; tree.nodes.len()],
        tasks: Vec::new(),
        is_too_large: false,
    };
    let root = tree.nodes.len().saturating_sub(1);
    generator.then([
        Task::Node(NodeTask::at(root)),
        Task::Emit(Instruction::End),
        Task::Place(FAIL),
        Task::Emit(Instruction::Fail),
    ]);
    while let Some(task) = generator.tasks.pop() {
        match task {
            Task::Node(task) => generator.node(task),
            Task::Emit(instruction) => generator.emit(instruction),
            Task::Place(label) => generator.place(label),
            Task::Alternative { choice, index, known } => {
                generator.alternative(choice, index, known);
            }
        }
    }
    if generator.is_too_large {
        return Err(TooLarge);
    }
    let Generator { mut program, sets, labels, .. } = generator;
    program.sets = sets.list;
    resolve(&mut program, &labels);
    Ok(program)
}

impl Generator<'_> {
    /// These tasks are next.
    fn then<const N: usize>(&mut self, tasks: [Task; N]) {
        self.tasks.extend(tasks.into_iter().rev());
    }

    fn emit(&mut self, instruction: Instruction) {
        self.program.code.push(instruction);
    }

    fn label(&mut self) -> u32 {
        self.labels.push(0);
        (self.labels.len() - 1) as u32
    }

    fn place(&mut self, label: u32) {
        if let Some(place) = self.labels.get_mut(label as usize) {
            *place = self.program.code.len() as u32;
        }
    }

    fn set_index(&mut self, set: ByteSet) -> u16 {
        let index = self.sets.index(set);
        self.is_too_large |= index.is_none();
        index.unwrap_or_default()
    }

    fn info(&self, node: usize) -> Info {
        *self.analysis.info(node)
    }

    /// Consumes a byte of a set.
    fn emit_set(&mut self, set: ByteSet, known: Next) {
        let instruction = if !known.end && known.bytes.difference(set) == ByteSet::EMPTY {
            Instruction::Skip
        } else if let (1, Some(byte)) = (set.count(), set.bytes().next()) {
            Instruction::Byte(byte)
        } else {
            Instruction::Set(self.set_index(set))
        };
        self.emit(instruction);
    }

    /// A test of the next byte that leads to `label` if nothing of `next` comes. Nothing if that
    /// would not be known, or is.
    fn emit_test(&mut self, next: Next, known: Next, label: u32) {
        let is_certain = !known.end && known.bytes.difference(next.bytes) == ByteSet::EMPTY;
        if next.end || is_certain {
            return;
        }
        let instruction = if next.bytes == ByteSet::FULL {
            Instruction::TestAny(label)
        } else if let (1, Some(byte)) = (next.bytes.count(), next.bytes.bytes().next()) {
            Instruction::TestByte(byte, label)
        } else {
            Instruction::TestSet(self.set_index(next.bytes), label)
        };
        self.emit(instruction);
    }

    fn node(&mut self, task: NodeTask) {
        let node = self.tree.nodes.get(task.node).copied().unwrap_or(Node::Fail);
        let operand = self.analysis.last_operand(task.node);
        match node {
            Node::Empty => {}
            Node::Fail | Node::OpenCall(_) => self.emit(Instruction::Fail),
            Node::Any(1) => self.emit_set(ByteSet::FULL, task.known),
            Node::Any(count) => self.emit(Instruction::Any(count)),
            Node::Set(index) => {
                let set = self.tree.sets.get(index as usize).copied().unwrap_or_default();
                self.emit_set(set, task.known);
            }
            Node::Bytes { start, length } => self.literal(start, length, task.known),
            Node::Sequence => self.sequence(task),
            Node::Choice => self.choice(task),
            Node::Repeat => self.repeat(task, operand),
            Node::Not => self.not(task, operand),
            Node::And => self.and(task, operand),
            Node::Behind(length) => {
                self.emit(Instruction::Back(length));
                self.then([Task::Node(NodeTask::at(operand))]);
            }
            Node::Capture(kind, key) => self.capture(task, operand, kind, key),
            Node::RunTime(key) => {
                self.emit(Instruction::Open(Kind::Group, 0));
                self.then([
                    Task::Node(NodeTask {
                        is_optional: false,
                        follow: Next::ANY,
                        ..task.of(operand)
                    }),
                    Task::Emit(Instruction::CloseRunTime(key)),
                ]);
            }
            Node::Call(_) => {
                let target = self.analysis.target(task.node);
                let label = self.rule_label(target);
                self.emit(Instruction::Call(label));
            }
            Node::Rule => self.then([Task::Node(task.of(operand))]),
            Node::Grammar(count) => self.grammar(task.node, usize::from(count)),
        }
    }

    fn rule_label(&mut self, rule: usize) -> u32 {
        match self.rules.get(rule) {
            Some(0) => {
                let label = self.label();
                if let Some(slot) = self.rules.get_mut(rule) {
                    *slot = label;
                }
                label
            }
            Some(&label) => label,
            None => 0,
        }
    }

    fn grammar(&mut self, node: usize, count: usize) {
        let rules = self.analysis.rules(node, count);
        let end = self.label();
        let first = rules.first().map_or(0, |&rule| self.rule_label(rule));
        self.emit(Instruction::Call(first));
        self.emit(Instruction::Jump(end));
        self.tasks.push(Task::Place(end));
        for &rule in rules.iter().rev() {
            let label = self.rule_label(rule);
            self.then([
                Task::Place(label),
                Task::Node(NodeTask::at(rule)),
                Task::Emit(Instruction::Return),
            ]);
        }
    }

    fn literal(&mut self, start: u32, length: u32, known: Next) {
        let first = self.tree.bytes.get(start as usize).copied().unwrap_or_default();
        if length == 1 {
            return self.emit_set(ByteSet::of(first), known);
        }
        let (mut start, mut left) = (start, length);
        if !known.end && known.bytes == ByteSet::of(first) {
            self.emit(Instruction::Skip);
            (start, left) = (start + 1, left - 1);
        }
        while left > 0 {
            let length = u16::try_from(left).unwrap_or(u16::MAX);
            self.emit(Instruction::Bytes { start, length });
            (start, left) = (start + u32::from(length), left - u32::from(length));
        }
    }

    fn sequence(&mut self, task: NodeTask) {
        let (left, right) = self.analysis.both(task.node);
        let follow = self.info(right).first.followed_by(task.follow);
        let known = match self.info(left).facts.length {
            Some(0) => task.known,
            _ => Next::ANY,
        };
        self.then([
            Task::Node(NodeTask { is_optional: false, follow, ..task.of(left) }),
            Task::Node(NodeTask { known, ..task.of(right) }),
        ]);
    }

    fn choice(&mut self, task: NodeTask) {
        let choice = Choice::new(self, task);
        if choice.nodes.len() >= FEW {
            self.dispatch(&choice);
        }
        let end = choice.end;
        let known = task.known;
        let choice = Rc::new(choice);
        self.then([Task::Alternative { choice, index: 0, known }, Task::Place(end)]);
    }

    /// A jump to the first alternative that the next byte allows.
    fn dispatch(&mut self, choice: &Choice) {
        let Ok(table) = u16::try_from(self.program.tables.len()) else { return };
        if usize::from(table) >= MAX_TABLES {
            return;
        }
        let mut left = Next::ANY;
        let mut targets: Targets = [FAIL; 257];
        for (index, &node) in choice.nodes.iter().enumerate() {
            let is_last = index + 1 == choice.nodes.len();
            let follow = if is_last { choice.task.follow } else { Next::ANY };
            let next = self.info(node).first.followed_by(follow).intersection(left);
            let Some(&label) = choice.labels.get(index) else { return };
            for byte in next.bytes.bytes() {
                if let Some(target) = targets.get_mut(usize::from(byte)) {
                    *target = label;
                }
            }
            if next.end {
                targets[256] = label;
            }
            left.bytes = left.bytes.difference(next.bytes);
            left.end &= !next.end;
            if index == 0 && left == Next::NONE {
                return;
            }
        }
        self.emit(Instruction::Dispatch(table));
        self.program.tables.push(targets);
    }

    /// The alternatives of a choice from one of them on.
    fn alternative(&mut self, choice: Rc<Choice>, index: usize, known: Next) {
        let (Some(&node), Some(&direct)) = (choice.nodes.get(index), choice.labels.get(index))
        else {
            return;
        };
        let (task, end) = (choice.task, choice.end);
        let Some(rest) = choice.rest.get(index + 1) else {
            self.place(direct);
            return self.then([Task::Node(NodeTask { known, ..task.of(node) })]);
        };
        let info = self.info(node);
        let first = info.first.any();
        let is_before_empty = index + 2 == choice.nodes.len()
            && choice.nodes.last().and_then(|&last| self.tree.nodes.get(last))
                == Some(&Node::Empty);
        let tested = if first.end { known } else { known.intersection(first) };
        let inner = NodeTask { is_optional: false, known: tested, ..task.of(node) };
        let otherwise = self.label();
        let index = index + 1;
        if !first.end
            && (info.is_decided_by_first || first.is_disjoint(rest.followed_by(task.follow)))
        {
            self.emit_test(first, known, if is_before_empty { end } else { otherwise });
            self.place(direct);
            if is_before_empty {
                // The label of the last alternative: for the table.
                let last = choice.labels.get(index).copied().unwrap_or_default();
                return self.then([Task::Node(inner), Task::Place(last)]);
            }
            let known = Next { bytes: known.bytes.difference(first.bytes), end: known.end };
            return self.then([
                Task::Node(inner),
                Task::Emit(Instruction::Jump(end)),
                Task::Place(otherwise),
                Task::Alternative { choice, index, known },
            ]);
        }
        if task.is_optional && is_before_empty {
            self.place(direct);
            self.emit(Instruction::PartialCommit(otherwise));
            self.place(otherwise);
            let last = choice.labels.get(index).copied().unwrap_or_default();
            let inner = NodeTask { is_optional: true, known, follow: Next::ANY, ..inner };
            return self.then([Task::Node(inner), Task::Place(last)]);
        }
        self.emit_test(first, known, otherwise);
        self.place(direct);
        self.emit(Instruction::Choice(otherwise));
        self.then([
            // If it fails, something else is tried, whatever follows.
            Task::Node(NodeTask { is_optional: is_before_empty, follow: Next::ANY, ..inner }),
            Task::Emit(Instruction::Commit(end)),
            Task::Place(otherwise),
            Task::Alternative { choice, index, known },
        ]);
    }

    fn repeat(&mut self, task: NodeTask, body: usize) {
        let set = match self.tree.nodes.get(body) {
            Some(&Node::Set(index)) => self.tree.sets.get(index as usize).copied(),
            Some(&Node::Any(1)) => Some(ByteSet::FULL),
            Some(&Node::Bytes { start, length: 1 }) => {
                self.tree.bytes.get(start as usize).map(|&byte| ByteSet::of(byte))
            }
            _ => None,
        };
        if let Some(set) = set {
            let index = self.set_index(set);
            return self.emit(Instruction::Span(index));
        }
        let info = self.info(body);
        let first = info.first.any();
        let (again, end) = (self.label(), self.label());
        let follow = info.first.repeated().followed_by(task.follow);
        let inner = |known| NodeTask { known, follow, ..NodeTask::at(body) };
        if !first.end && (info.is_decided_by_first || first.is_disjoint(task.follow)) {
            self.place(again);
            self.emit_test(first, Next::ANY, end);
            self.then([
                Task::Node(inner(first)),
                Task::Emit(Instruction::Jump(again)),
                Task::Place(end),
            ]);
            return;
        }
        self.emit_test(first, task.known, end);
        if task.is_optional {
            self.emit(Instruction::PartialCommit(again));
        } else {
            self.emit(Instruction::Choice(end));
        }
        self.place(again);
        self.then([
            Task::Node(NodeTask::at(body)),
            Task::Emit(Instruction::PartialCommit(again)),
            Task::Place(end),
        ]);
    }

    fn not(&mut self, task: NodeTask, operand: usize) {
        let info = self.info(operand);
        let first = info.first.any();
        let end = self.label();
        self.emit_test(first, task.known, end);
        if info.is_decided_by_first && !first.end {
            self.emit(Instruction::Fail);
            return self.place(end);
        }
        self.emit(Instruction::Choice(end));
        let inner = NodeTask { known: task.known, ..NodeTask::at(operand) };
        self.then([Task::Node(inner), Task::Emit(Instruction::FailTwice), Task::Place(end)]);
    }

    fn and(&mut self, task: NodeTask, operand: usize) {
        let facts = self.info(operand).facts;
        let inner = Task::Node(NodeTask { known: task.known, ..NodeTask::at(operand) });
        if let Some(length) = facts.length
            && !facts.captures
        {
            self.then([inner]);
            if length > 0 {
                let index = self.tasks.len() - 1;
                self.tasks.insert(index, Task::Emit(Instruction::Back(length)));
            }
            return;
        }
        let (otherwise, end) = (self.label(), self.label());
        self.emit(Instruction::Choice(otherwise));
        self.then([
            inner,
            Task::Emit(Instruction::BackCommit(end)),
            Task::Place(otherwise),
            Task::Emit(Instruction::Fail),
            Task::Place(end),
        ]);
    }

    fn capture(&mut self, task: NodeTask, operand: usize, kind: Kind, key: u16) {
        let facts = self.info(operand).facts;
        let inner = Task::Node(NodeTask { is_optional: false, ..task.of(operand) });
        match facts.length.filter(|_| !facts.captures) {
            Some(length) => {
                self.then([inner, Task::Emit(Instruction::Full { kind, key, length })]);
            }
            None => {
                self.emit(Instruction::Open(kind, key));
                self.then([inner, Task::Emit(Instruction::Close)]);
            }
        }
    }
}

/// The bytes that are needed to generate the program of a tree.
pub(crate) fn size(tree: &Tree) -> usize {
    Analysis::size(tree.nodes.len())
        + tree.nodes.len() * (2 * size_of::<Task>() + size_of::<Instruction>())
}
