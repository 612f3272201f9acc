//! What is known of each node of a tree: computed from the leaves up, and for rules that call each
//! other repeated until nothing changes.
//!
//! Recursive rules start as patterns that never match. Every step adds possibilities, so that the
//! result is the least that is true of all matches.

use crate::set::{ByteSet, First};
use crate::tree::{Facts, Node, TooLarge, Tree};

/// How many nodes may be visited per node. Rules are visited after those that they call, so that
/// only recursive ones need more than two passes.
const VISITS_PER_NODE: usize = 16;
/// So many visits are always allowed.
const FREE_VISITS: usize = 1 << 22;

/// Information about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    /// What is known of its matches.
    pub(crate) facts: Facts,
    /// What it can start with.
    pub(crate) first: First,
    /// It fails at its first byte or not at all, so that a test of that byte is enough.
    pub(crate) is_decided_by_first: bool,
}

impl Info {
    const UNKNOWN: Info =
        Info { facts: Facts::UNKNOWN, first: First::NONE, is_decided_by_first: false };
}

/// Information about all nodes of a tree.
pub(crate) struct Analysis {
    /// Where the subtree of each node starts.
    starts: Vec<u32>,
    /// For each call, the node of its rule.
    targets: Vec<u32>,
    infos: Vec<Info>,
}

impl Analysis {
    /// Analyses a tree.
    pub(crate) fn new(tree: &Tree) -> Result<Analysis, TooLarge> {
        let count = tree.nodes.len();
        let mut analysis = Analysis {
            starts: Vec::with_capacity(count),
            targets: vec![0; count],
            infos: vec![Info::UNKNOWN; count],
        };
        let has_calls = analysis.link(tree);
        let order = if has_calls { analysis.order(tree) } else { vec![(0, count)] };
        let mut visits = 0;
        while analysis.pass(tree, &order) && has_calls {
            visits += count;
            if visits > FREE_VISITS && visits / VISITS_PER_NODE > count {
                return Err(TooLarge);
            }
        }
        Ok(analysis)
    }

    /// The bytes that the analysis of this number of nodes needs.
    pub(crate) fn size(nodes: usize) -> usize {
        nodes * (2 * size_of::<u32>() + size_of::<Info>())
    }

    /// Information about a node.
    pub(crate) fn info(&self, node: usize) -> &Info {
        self.infos.get(node).unwrap_or(&Info::UNKNOWN)
    }

    /// The node of the rule that a call calls.
    pub(crate) fn target(&self, call: usize) -> usize {
        self.targets.get(call).map_or(0, |&target| target as usize)
    }

    /// Where the subtree of a node starts.
    pub(crate) fn start(&self, node: usize) -> usize {
        self.starts.get(node).map_or(0, |&start| start as usize)
    }

    /// The node's last operand.
    pub(crate) fn last_operand(&self, node: usize) -> usize {
        node.saturating_sub(1)
    }

    /// The operand before another one of the same node.
    pub(crate) fn operand_before(&self, operand: usize) -> usize {
        self.starts.get(operand).map_or(0, |&start| (start as usize).saturating_sub(1))
    }

    /// The operands of a node with two.
    pub(crate) fn both(&self, node: usize) -> (usize, usize) {
        let right = self.last_operand(node);
        (self.operand_before(right), right)
    }

    /// The rules of a grammar, in order.
    pub(crate) fn rules(&self, grammar: usize, count: usize) -> Vec<usize> {
        let mut rules = Vec::with_capacity(count);
        let mut rule = self.last_operand(grammar);
        for _ in 0..count {
            rules.push(rule);
            rule = self.operand_before(rule);
        }
        rules.reverse();
        rules
    }

    /// Finds where subtrees start and which rules are called. Returns whether there are calls.
    fn link(&mut self, tree: &Tree) -> bool {
        let mut has_calls = false;
        // Calls whose grammar has not been reached: the nearest one that encloses them.
        let mut open: Vec<(usize, u16)> = Vec::new();
        for (index, &node) in tree.nodes.iter().enumerate() {
            let mut start = index;
            for _ in 0..node.operands() {
                start = self.operand_start(start);
            }
            self.starts.push(start as u32);
            match node {
                Node::Call(rule) => open.push((index, rule)),
                Node::Grammar(count) => {
                    let rules = self.rules(index, usize::from(count));
                    while let Some(&(call, rule)) = open.last()
                        && call >= start
                    {
                        has_calls = true;
                        open.pop();
                        if let (Some(slot), Some(&target)) =
                            (self.targets.get_mut(call), rules.get(usize::from(rule)))
                        {
                            *slot = target as u32;
                        }
                    }
                }
                _ => {}
            }
        }
        has_calls
    }

    /// Where the operand starts that ends before `end`.
    fn operand_start(&self, end: usize) -> usize {
        let last = end.saturating_sub(1);
        self.starts.get(last).map_or(0, |&start| start as usize)
    }

    /// The tree in parts, as ranges of nodes, in the order in which they are to be visited: the
    /// rules of the outermost grammars, each after those that it calls, and what is around them.
    fn order(&self, tree: &Tree) -> Vec<(usize, usize)> {
        let mut rules = Vec::new();
        let mut others = Vec::new();
        let mut end = tree.nodes.len();
        while let Some(last) = end.checked_sub(1) {
            let start = if tree.nodes.get(last) == Some(&Node::Rule) {
                rules.push((self.start(last), end));
                self.start(last)
            } else {
                others.push((last, end));
                last
            };
            end = start;
        }
        rules.reverse();
        others.reverse();
        // Rules that have been reached, and the path to the current one, with where its calls are
        // still to be followed.
        let mut is_reached = vec![false; rules.len()];
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut order = Vec::with_capacity(rules.len() + others.len());
        for first in 0..rules.len() {
            let mut next = Some(first);
            loop {
                if let Some(rule) = next.take()
                    && let Some(is_reached) = is_reached.get_mut(rule)
                    && !std::mem::replace(is_reached, true)
                {
                    path.push((rule, rules.get(rule).map_or(0, |&(start, _)| start)));
                }
                let Some((rule, from)) = path.last_mut() else { break };
                let range = rules.get(*rule).copied().unwrap_or_default();
                let nodes = tree.nodes.get(*from..range.1).unwrap_or_default();
                match nodes.iter().position(|node| matches!(node, Node::Call(_))) {
                    Some(offset) => {
                        let target = self.target(*from + offset);
                        *from += offset + 1;
                        next = Some(rules.partition_point(|&(_, end)| end <= target));
                    }
                    None => {
                        order.push(range);
                        path.pop();
                    }
                }
            }
        }
        order.extend(others);
        order
    }

    /// Computes every node from its operands. Returns whether something has changed.
    fn pass(&mut self, tree: &Tree, order: &[(usize, usize)]) -> bool {
        let mut has_changed = false;
        for index in order.iter().flat_map(|&(start, end)| start..end) {
            let Some(&node) = tree.nodes.get(index) else { continue };
            let info = self.compute(tree, index, node);
            if let Some(slot) = self.infos.get_mut(index)
                && *slot != info
            {
                *slot = info;
                has_changed = true;
            }
        }
        has_changed
    }

    fn compute(&self, tree: &Tree, index: usize, node: Node) -> Info {
        let leaf = |set: ByteSet, is_decided_by_first: bool| Info {
            facts: Facts::of_leaf(node),
            first: First::bytes(set),
            is_decided_by_first,
        };
        let operand = || self.info(self.last_operand(index));
        match node {
            Node::Empty => Info { first: First::EMPTY, ..leaf(ByteSet::EMPTY, false) },
            Node::Fail => leaf(ByteSet::EMPTY, true),
            Node::Bytes { start, length } => {
                let byte = tree.bytes.get(start as usize).copied().unwrap_or_default();
                leaf(ByteSet::of(byte), length == 1)
            }
            Node::Any(count) => leaf(ByteSet::FULL, count == 1),
            Node::Set(set) => leaf(tree.sets.get(set as usize).copied().unwrap_or_default(), true),
            Node::OpenCall(_) => Info::UNKNOWN,
            Node::Call(_) => *self.info(self.target(index)),
            Node::Grammar(count) => {
                let mut rule = self.last_operand(index);
                for _ in 1..count {
                    rule = self.operand_before(rule);
                }
                *self.info(rule)
            }
            Node::Sequence => {
                let (left, right) = self.both(index);
                let (left, right) = (self.info(left), self.info(right));
                Info {
                    facts: left.facts.then(right.facts),
                    first: left.first.then(right.first),
                    is_decided_by_first: left.is_decided_by_first && right.facts.infallible,
                }
            }
            Node::Choice => {
                let (left, right) = self.both(index);
                let (left, right) = (self.info(left), self.info(right));
                Info {
                    facts: left.facts.or(right.facts),
                    first: left.first.or(right.first),
                    is_decided_by_first: left.is_decided_by_first && right.is_decided_by_first,
                }
            }
            Node::Rule | Node::Capture(..) => {
                let info = operand();
                Info { facts: Facts::of_unary(node, info.facts), ..*info }
            }
            Node::And => {
                let info = operand();
                Info {
                    facts: Facts::of_unary(node, info.facts),
                    first: info.first.ahead(),
                    is_decided_by_first: info.is_decided_by_first,
                }
            }
            Node::Repeat | Node::Not | Node::Behind(_) | Node::RunTime(_) => {
                let info = operand();
                let first = match node {
                    Node::Repeat => info.first.repeated(),
                    Node::Not => self.first_of_not(info),
                    Node::Behind(_) => First::EMPTY,
                    // The function decides what is consumed.
                    _ => First { own: info.first.any(), ..First::NONE },
                };
                Info { facts: Facts::of_unary(node, info.facts), first, is_decided_by_first: false }
            }
        }
    }

    /// A negation of a set of bytes leaves the others. Everything else may fail later, so that
    /// nothing is known of what follows. The set of a recursive rule may still grow.
    fn first_of_not(&self, info: &Info) -> First {
        let mut first = First::EMPTY;
        if info.first.own.end {
            return First::CALLS;
        }
        if info.is_decided_by_first && info.facts.length == Some(1) && !info.facts.captures {
            first.pass.bytes = info.first.own.bytes.complement();
        }
        first
    }
}
