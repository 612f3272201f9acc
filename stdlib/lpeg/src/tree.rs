//! The tree of a pattern, in postfix order: the operands of a node come directly before it.
//!
//! Patterns are combined by copying, as their users may go on to use the parts. The order lets
//! every pass be a loop: patterns may be nested to any depth, the host's stack may not.
//!
//! Lua values of a pattern (functions, tables, names) are in a table; nodes have their indices.

use crate::set::ByteSet;

/// The most nodes of a pattern. A dictionary of 100,000 words has 200,000.
pub(crate) const MAX_NODES: usize = 1 << 20;
/// The most rules of a grammar.
pub(crate) const MAX_RULES: usize = 1000;

/// What a capture makes of its match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The text.
    Simple,
    /// A value.
    Constant,
    /// The position.
    Position,
    /// An argument of `match`; its key is the number.
    Argument,
    /// The values of a group with that name.
    Back,
    /// All values as one; with a name (a key other than 0), they are left to others.
    Group,
    /// A table of the values.
    Table,
    /// What a function returns for them.
    Function,
    /// What a table has for the first one.
    Query,
    /// A string with parts replaced by them.
    Text,
    /// The one with this number, the key.
    Numbered,
    /// The text with values in the place of what they captured.
    Substitution,
    /// All values, combined by a function.
    Fold,
    /// The value before, combined with the values by a function.
    Accumulator,
    /// In a list of captures only: the end of one that contains others.
    Close,
    /// In a list only: the results of a function that was called during the match.
    Values,
    /// In a list only: where these are.
    Extent,
}

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The empty string.
    Empty,
    /// Nothing.
    Fail,
    /// Some of the tree's bytes.
    Bytes {
        /// The index of the first one.
        start: u32,
        /// Their number, at least 1.
        length: u32,
    },
    /// Any number of bytes, at least 1.
    Any(u32),
    /// A byte of a set.
    Set(u32),
    /// One operand, then the other.
    Sequence,
    /// One operand, or the other.
    Choice,
    /// The operand, any number of times.
    Repeat,
    /// The operand does not match.
    Not,
    /// The operand matches.
    And,
    /// The operand, which has this length, matches before the current position.
    Behind(u32),
    /// A rule whose name has this key; the grammar does not exist yet.
    OpenCall(u16),
    /// A rule of the enclosing grammar.
    Call(u16),
    /// The operand is the body of a rule.
    Rule,
    /// A grammar: the operands are its rules.
    Grammar(u16),
    /// A capture.
    Capture(Kind, u16),
    /// A capture whose function is called during the match.
    RunTime(u16),
}

/// What is known of all matches of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// It can succeed without consuming a byte.
    pub(crate) nullable: bool,
    /// It always succeeds.
    pub(crate) infallible: bool,
    /// It has captures.
    pub(crate) captures: bool,
    /// How many bytes it consumes, if that is always the same.
    pub(crate) length: Option<u32>,
}

impl Facts {
    /// A pattern of which nothing is known.
    pub(crate) const UNKNOWN: Facts =
        Facts { nullable: false, infallible: false, captures: false, length: None };

    fn fixed(length: u32) -> Facts {
        Facts { nullable: false, infallible: false, captures: false, length: Some(length) }
    }

    /// The facts of a node without operands.
    pub(crate) fn of_leaf(node: Node) -> Facts {
        match node {
            Node::Empty => Facts { nullable: true, infallible: true, ..Facts::fixed(0) },
            Node::Fail => Facts::fixed(0),
            Node::Bytes { length, .. } | Node::Any(length) => Facts::fixed(length),
            Node::Set(_) => Facts::fixed(1),
            _ => Facts::UNKNOWN,
        }
    }

    /// The facts of a node with one operand.
    pub(crate) fn of_unary(node: Node, operand: Facts) -> Facts {
        let predicate = Facts { nullable: true, length: Some(0), ..operand };
        match node {
            Node::Repeat => Facts { nullable: true, infallible: true, length: None, ..operand },
            Node::Not | Node::Behind(_) => Facts { infallible: false, ..predicate },
            Node::And => predicate,
            Node::Capture(..) => Facts { captures: true, ..operand },
            Node::RunTime(_) => {
                Facts { captures: true, infallible: false, length: None, ..operand }
            }
            _ => operand,
        }
    }

    /// One pattern, then the other.
    pub(crate) fn then(self, other: Facts) -> Facts {
        Facts {
            nullable: self.nullable && other.nullable,
            infallible: self.infallible && other.infallible,
            captures: self.captures || other.captures,
            length: self.length.zip(other.length).and_then(|(a, b)| a.checked_add(b)),
        }
    }

    /// One pattern or the other.
    pub(crate) fn or(self, other: Facts) -> Facts {
        Facts {
            nullable: self.nullable || other.nullable,
            infallible: self.infallible || other.infallible,
            captures: self.captures || other.captures,
            length: self.length.filter(|_| self.length == other.length),
        }
    }
}

/// A tree: its last node is the root.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The nodes, in postfix order.
    pub(crate) nodes: Vec<Node>,
    /// What [`Node::Bytes`] refers to.
    pub(crate) bytes: Vec<u8>,
    /// What [`Node::Set`] refers to.
    pub(crate) sets: Vec<ByteSet>,
    /// The facts of the root.
    pub(crate) facts: Facts,
}

/// The pattern would have too many nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

impl Tree {
    /// A tree of one node.
    pub(crate) fn leaf(node: Node) -> Tree {
        Tree { nodes: vec![node], bytes: Vec::new(), sets: Vec::new(), facts: Facts::of_leaf(node) }
    }

    /// The tree that matches these bytes.
    pub(crate) fn literal(bytes: &[u8]) -> Tree {
        match u32::try_from(bytes.len()) {
            Ok(0) | Err(_) => Tree::leaf(Node::Empty),
            Ok(length) => {
                let node = Node::Bytes { start: 0, length };
                Tree { bytes: bytes.to_vec(), ..Tree::leaf(node) }
            }
        }
    }

    /// The tree that matches a byte of a set.
    pub(crate) fn set(set: ByteSet) -> Tree {
        if set == ByteSet::FULL {
            Tree::leaf(Node::Any(1))
        } else if set == ByteSet::EMPTY {
            Tree::leaf(Node::Fail)
        } else {
            Tree { sets: vec![set], ..Tree::leaf(Node::Set(0)) }
        }
    }

    /// The root.
    pub(crate) fn root(&self) -> Node {
        self.nodes.last().copied().unwrap_or(Node::Fail)
    }

    /// The set of the bytes that it matches, if it always matches one byte.
    pub(crate) fn as_set(&self) -> Option<ByteSet> {
        match *self.nodes.as_slice() {
            [Node::Any(1)] => Some(ByteSet::FULL),
            [Node::Fail] => Some(ByteSet::EMPTY),
            [Node::Set(index)] => self.sets.get(index as usize).copied(),
            [Node::Bytes { length: 1, .. }] => self.bytes.first().map(|&byte| ByteSet::of(byte)),
            _ => None,
        }
    }

    /// The bytes that it needs.
    pub(crate) fn size(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.bytes.capacity()
            + self.sets.capacity() * size_of::<ByteSet>()
    }

    /// A copy with room for this number of nodes more, and for what they refer to in `other`.
    pub(crate) fn extended(&self, nodes: usize, other: Option<&Tree>) -> Tree {
        fn copy<T: Copy>(from: &[T], more: usize) -> Vec<T> {
            let mut list = Vec::with_capacity(from.len() + more);
            list.extend_from_slice(from);
            list
        }
        let more = |count: fn(&Tree) -> usize| other.map_or(0, count);
        Tree {
            nodes: copy(&self.nodes, nodes + more(|tree| tree.nodes.len())),
            bytes: copy(&self.bytes, more(|tree| tree.bytes.len())),
            sets: copy(&self.sets, more(|tree| tree.sets.len())),
            facts: self.facts,
        }
    }

    /// Appends the nodes of another tree, whose keys are moved by `keys`.
    pub(crate) fn append(&mut self, other: &Tree, keys: u16) -> Result<(), TooLarge> {
        if self.nodes.len() + other.nodes.len() > MAX_NODES {
            return Err(TooLarge);
        }
        let (first_byte, first_set) = (self.bytes.len() as u32, self.sets.len() as u32);
        if u32::try_from(self.bytes.len() + other.bytes.len()).is_err() {
            return Err(TooLarge);
        }
        self.bytes.extend_from_slice(&other.bytes);
        self.sets.extend_from_slice(&other.sets);
        self.nodes.extend(other.nodes.iter().map(|&node| match node {
            Node::Bytes { start, length } => Node::Bytes { start: start + first_byte, length },
            Node::Set(index) => Node::Set(index + first_set),
            node => node.with_keys_moved(keys),
        }));
        Ok(())
    }

    /// Adds an operator with one operand, the tree up to here.
    pub(crate) fn push_unary(&mut self, node: Node) -> Result<(), TooLarge> {
        self.push(node)?;
        self.facts = Facts::of_unary(node, self.facts);
        Ok(())
    }

    /// Adds a node without changing the facts.
    pub(crate) fn push(&mut self, node: Node) -> Result<(), TooLarge> {
        if self.nodes.len() >= MAX_NODES {
            return Err(TooLarge);
        }
        self.nodes.push(node);
        Ok(())
    }

    /// Adds another tree and the operator that joins the two.
    pub(crate) fn join(&mut self, node: Node, other: &Tree, keys: u16) -> Result<(), TooLarge> {
        self.append(other, keys)?;
        self.push(node)?;
        self.facts = match node {
            Node::Sequence => self.facts.then(other.facts),
            _ => self.facts.or(other.facts),
        };
        Ok(())
    }
}

impl Node {
    /// The number of its operands.
    pub(crate) fn operands(self) -> usize {
        match self {
            Node::Sequence | Node::Choice => 2,
            Node::Grammar(rules) => usize::from(rules),
            Node::Repeat
            | Node::Not
            | Node::And
            | Node::Behind(_)
            | Node::Rule
            | Node::Capture(..)
            | Node::RunTime(_) => 1,
            _ => 0,
        }
    }

    /// The key of its Lua value; 0 if it has none.
    pub(crate) fn key(self) -> u16 {
        match self {
            Node::Capture(Kind::Argument | Kind::Numbered, _) => 0,
            Node::OpenCall(key) | Node::Capture(_, key) | Node::RunTime(key) => key,
            _ => 0,
        }
    }

    fn with_keys_moved(self, by: u16) -> Node {
        if self.key() == 0 {
            return self;
        }
        match self {
            Node::OpenCall(key) => Node::OpenCall(key.saturating_add(by)),
            Node::Capture(kind, key) => Node::Capture(kind, key.saturating_add(by)),
            Node::RunTime(key) => Node::RunTime(key.saturating_add(by)),
            node => node,
        }
    }
}
