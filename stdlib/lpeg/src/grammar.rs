//! Grammars: tables of rules become one tree, in which open references are calls of rules.

use crate::analysis::Analysis;
use crate::context::shown;
use crate::pattern::{Draft, Made, draft_of};
use crate::tree::{MAX_RULES, Node, Tree};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::borrow::Cow;

/// Converts a grammar.
pub(crate) fn close<'c>(call: &mut Call<'c>, table: Table<'c>) -> Made<'c> {
    let names = names(call, table)?;
    let mut draft = Draft::leaf(Node::Empty);
    let mut tree = Tree::leaf(Node::Empty);
    tree.nodes.clear();
    let positions = call.table(0, names.len())?;
    for (position, &(name, pattern)) in names.iter().enumerate() {
        let Some(rule) = draft_of(call, pattern) else { continue };
        call.charge(rule.tree.size() / 32);
        call.check_memory(rule.tree.size().saturating_add(tree.size()))?;
        let moved = draft.merge(call, &rule)?;
        tree.append(&rule.tree, moved)?;
        tree.push(Node::Rule)?;
        positions.set(call, name, Value::number(position as f64))?;
    }
    tree.push(Node::Grammar(names.len() as u16))?;
    // The first rule is used, wherever it is called.
    let mut is_used = vec![false; names.len()];
    is_used[0] = true;
    for node in &mut tree.nodes {
        let Node::OpenCall(key) = *node else { continue };
        let name = draft.table.map_or(Value::NIL, |keys| keys.get(usize::from(key)));
        let Some(position) = positions.get(name).as_number() else {
            return Err(about(name, "' undefined in given grammar"));
        };
        if let Some(is_used) = is_used.get_mut(position as usize) {
            *is_used = true;
        }
        *node = Node::Call(position as u16);
    }
    let _held = call.hold(Analysis::size(tree.nodes.len()))?;
    call.charge(tree.nodes.len() * 4);
    let analysis = Analysis::new(&tree)?;
    let checks = Checks { tree: &tree, analysis: &analysis, names: &names, is_used: &is_used };
    checks.left_recursion()?;
    checks.empty_loops()?;
    tree.facts = analysis.info(tree.nodes.len() - 1).facts;
    Ok(Draft { tree: Cow::Owned(tree), ..draft })
}

fn about(name: Value<'_>, problem: &str) -> Error {
    Error::text([b"rule '", shown(name).as_slice(), problem.as_bytes()].concat())
}

/// The names of the rules with their patterns, the first one first.
fn names<'c>(call: &mut Call<'c>, table: Table<'c>) -> Result<Vec<(Value<'c>, Value<'c>)>, Error> {
    let entry = table.get(1_usize);
    let is_name = LuaString::from_value(entry).is_some() || entry.as_number().is_some();
    let first = if is_name { entry } else { Value::number(1.0) };
    let start = table.get(first);
    if draft_of(call, start).is_none() {
        return Err(if start.is_nil() {
            Error::text("grammar has no initial rule")
        } else {
            let name = shown(first);
            Error::text([b"initial rule '", name.as_slice(), b"' is not a pattern"].concat())
        });
    }
    let mut names = vec![(first, start)];
    for (name, pattern) in table.pairs() {
        call.charge(1);
        if name.raw_equal(first) || name.as_number() == Some(1.0) {
            continue;
        }
        if draft_of(call, pattern).is_none() {
            return Err(about(name, "' is not a pattern"));
        }
        if names.len() >= MAX_RULES {
            return Err(Error::text("grammar has too many rules"));
        }
        names.push((name, pattern));
    }
    Ok(names)
}

/// What LPeg refuses in a grammar. Rules that no rule calls are not checked.
struct Checks<'a, 'c> {
    tree: &'a Tree,
    analysis: &'a Analysis,
    names: &'a [(Value<'c>, Value<'c>)],
    is_used: &'a [bool],
}

/// The state of a rule in the search for cycles.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    /// The rule is in the path.
    Open,
    Done,
}

impl Checks<'_, '_> {
    fn rules(&self) -> Vec<usize> {
        self.analysis.rules(self.tree.nodes.len() - 1, self.names.len())
    }

    /// The rules that a rule calls before it has consumed anything, in order.
    fn first_calls(&self, rule: usize) -> Vec<usize> {
        let mut calls = Vec::new();
        let mut nodes = vec![self.analysis.last_operand(rule)];
        while let Some(index) = nodes.pop() {
            let node = self.tree.nodes.get(index).copied().unwrap_or(Node::Fail);
            match node {
                Node::Sequence => {
                    let (left, right) = self.analysis.both(index);
                    if self.analysis.info(left).facts.nullable {
                        nodes.push(right);
                    }
                    nodes.push(left);
                }
                Node::Choice => {
                    let (left, right) = self.analysis.both(index);
                    nodes.extend([right, left]);
                }
                Node::Call(position) => calls.push(usize::from(position)),
                // Grammars inside have been checked; nothing can be called before the start.
                Node::Grammar(_) | Node::Behind(_) => {}
                node if node.operands() == 1 => nodes.push(self.analysis.last_operand(index)),
                _ => {}
            }
        }
        calls
    }

    /// Fails if a rule calls itself before it has consumed anything.
    fn left_recursion(&self) -> Result<(), Error> {
        let rules = self.rules();
        let mut visits = vec![Visit::New; rules.len()];
        for start in 0..rules.len() {
            if self.is_used.get(start) != Some(&true) {
                continue;
            }
            // The rules of the path, with the calls that are left.
            let mut path: Vec<(usize, std::vec::IntoIter<usize>)> = Vec::new();
            let mut next = Some(start);
            loop {
                if let Some(rule) = next.take() {
                    match visits.get(rule) {
                        Some(Visit::Open) => return Err(self.cycle(&path, rule)),
                        Some(Visit::New) => {
                            visits[rule] = Visit::Open;
                            let node = rules.get(rule).copied().unwrap_or_default();
                            path.push((rule, self.first_calls(node).into_iter()));
                        }
                        _ => {}
                    }
                }
                let Some((rule, calls)) = path.last_mut() else { break };
                next = calls.next();
                if next.is_none() {
                    visits[*rule] = Visit::Done;
                    path.pop();
                }
            }
        }
        Ok(())
    }

    /// LPeg follows the calls until it has passed the most rules that a grammar may have, and
    /// blames the last one.
    fn cycle(&self, path: &[(usize, std::vec::IntoIter<usize>)], rule: usize) -> Error {
        let before = path.iter().position(|&(passed, _)| passed == rule).unwrap_or_default();
        let cycle = path.get(before..).unwrap_or_default();
        let last = (MAX_RULES - 1).saturating_sub(before) % cycle.len().max(1);
        let blamed = cycle.get(last).and_then(|&(rule, _)| self.names.get(rule));
        about(blamed.map_or(Value::NIL, |&(name, _)| name), "' may be left recursive")
    }

    /// Fails if something is repeated that may consume nothing.
    fn empty_loops(&self) -> Result<(), Error> {
        for (position, &rule) in self.rules().iter().enumerate() {
            if self.is_used.get(position) != Some(&true) {
                continue;
            }
            let start = self.analysis.start(rule);
            let nodes = self.tree.nodes.get(start..rule).unwrap_or_default();
            for (offset, node) in nodes.iter().enumerate() {
                let body = self.analysis.last_operand(start + offset);
                if *node == Node::Repeat && self.analysis.info(body).facts.nullable {
                    let name = self.names.get(position).map_or(Value::NIL, |&(name, _)| name);
                    let name = shown(name);
                    return Err(Error::text(
                        [b"empty loop in rule '", name.as_slice(), b"'"].concat(),
                    ));
                }
            }
        }
        Ok(())
    }
}
