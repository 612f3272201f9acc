//! Allowed and denied items of one area.

use super::Side;

/// A set of items: none, those of some rules, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope<T> {
    Rules(Vec<T>),
    Everything,
}

impl<T> Scope<T> {
    fn contains(&self, is_match: impl FnMut(&T) -> bool) -> bool {
        match self {
            Scope::Rules(rules) => rules.iter().any(is_match),
            Scope::Everything => true,
        }
    }

    /// Adds the items of a rule; all of them if None.
    fn add(&mut self, rule: Option<T>) {
        match (self, rule) {
            (Scope::Rules(rules), Some(rule)) => rules.push(rule),
            (Scope::Everything, Some(_)) => {}
            (scope, None) => *scope = Scope::Everything,
        }
    }
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Verdict {
    Allowed,
    /// No rule allows it.
    NotAllowed,
    /// A rule denies it.
    Denied,
}

/// The allowed items, except the denied ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant<T> {
    allow: Scope<T>,
    deny: Scope<T>,
}

impl<T> Grant<T> {
    /// Creates a grant of everything or nothing.
    pub(super) fn new(everything: bool) -> Grant<T> {
        let allow = if everything { Scope::Everything } else { Scope::Rules(Vec::new()) };
        Grant { allow, deny: Scope::Rules(Vec::new()) }
    }

    pub(super) fn change(&mut self, side: Side, rule: Option<T>) {
        match side {
            Side::Allow => self.allow.add(rule),
            Side::Deny => self.deny.add(rule),
        }
    }

    pub(super) fn is_allowed(&self, is_match: impl FnMut(&T) -> bool) -> bool {
        self.allow.contains(is_match)
    }

    pub(super) fn is_denied(&self, is_match: impl FnMut(&T) -> bool) -> bool {
        self.deny.contains(is_match)
    }

    pub(super) fn is_everything(&self) -> bool {
        matches!(self.allow, Scope::Everything)
            && matches!(&self.deny, Scope::Rules(rules) if rules.is_empty())
    }

    pub(super) fn judge(&self, is_match: impl Fn(&T) -> bool) -> Verdict {
        if self.is_denied(&is_match) {
            Verdict::Denied
        } else if self.is_allowed(&is_match) {
            Verdict::Allowed
        } else {
            Verdict::NotAllowed
        }
    }
}
