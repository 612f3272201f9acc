//! Versions of rocks, in LuaRocks' order: `1.10` is after `1.9`, `1.0rc1` before `1.0`, `scm` after
//! every number.
//!
//! A version is a list of numbers and, after the last `-`, the revision of the rockspec. Words have
//! numbers, so that two versions are compared number by number. The rules are LuaRocks' to the
//! letter, odd ones included: constraints were written for them.

use std::cmp::Ordering;
use std::fmt;

/// The words with a place of their own; the place of another word is that of its first letter.
const WORDS: &[(&str, f64)] = &[
    ("dev", 120_000_000.0),
    ("scm", 110_000_000.0),
    ("cvs", 100_000_000.0),
    ("rc", -1_000.0),
    ("pre", -10_000.0),
    ("beta", -100_000.0),
    ("alpha", -1_000_000.0),
];

/// A version.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    text: String,
    numbers: Vec<f64>,
    revision: Option<f64>,
}

impl Version {
    /// Reads a version. None if it has anything but letters, digits, `.`, `_` and `-`.
    pub(crate) fn parse(text: &str) -> Option<Version> {
        let text = text.trim();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || !text.chars().all(is_allowed) {
            return None;
        }
        let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let (main, revision) = match text.rsplit_once('-') {
            Some((main, revision)) if is_number(revision) => (main, revision.parse().ok()),
            _ => (text, None),
        };
        let numbers = numbers(main);
        Some(Version { text: text.into(), numbers, revision })
    }

    /// Whether it is the state of a repository, not a release.
    pub(crate) fn is_development(&self) -> bool {
        self.numbers.iter().any(|number| *number >= 100_000_000.0)
    }

    /// The version without the revision, as text.
    pub(crate) fn without_revision(&self) -> &str {
        match (self.revision, self.text.rsplit_once('-')) {
            (Some(_), Some((main, _))) => main,
            _ => &self.text,
        }
    }

    /// The order; versions without a revision are of any revision.
    pub(crate) fn order(&self, other: &Version) -> Ordering {
        let count = self.numbers.len().max(other.numbers.len());
        let number = |version: &Version, at: usize| version.numbers.get(at).copied();
        for at in 0..count {
            let (one, two) = (number(self, at), number(other, at));
            let order = one.unwrap_or_default().total_cmp(&two.unwrap_or_default());
            if order != Ordering::Equal {
                return order;
            }
        }
        match (self.revision, other.revision) {
            (Some(one), Some(two)) => one.total_cmp(&two),
            _ => Ordering::Equal,
        }
    }

    /// An order without ties, for lists. [`Version::order`] is not transitive where revisions are
    /// missing.
    pub(crate) fn rank(&self, other: &Version) -> Ordering {
        let revision = |version: &Version| version.revision.unwrap_or(-1.0);
        let whole = |version: &Version| Version { revision: None, ..version.clone() };
        whole(self)
            .order(&whole(other))
            .then(revision(self).total_cmp(&revision(other)))
            .then_with(|| self.text.cmp(&other.text))
    }

    /// Whether they are the same: here, unlike in the order, `1` and `1.0` differ.
    pub(crate) fn is_same(&self, other: &Version) -> bool {
        self.numbers.len() == other.numbers.len() && self.order(other) == Ordering::Equal
    }

    /// Whether it starts with the numbers of another, which has the same revision if it has one.
    pub(crate) fn starts_with(&self, other: &Version) -> bool {
        let mut numbers = self.numbers.iter().copied();
        let mut is_equal = |number: &f64| numbers.next().unwrap_or_default() == *number;
        other.numbers.iter().all(&mut is_equal)
            && (other.revision.is_none() || self.revision == other.revision)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The numbers of a version without its revision.
fn numbers(mut rest: &str) -> Vec<f64> {
    let mut numbers = Vec::new();
    // The number of a word whose successor, a number, is added to it.
    let mut word: Option<f64> = None;
    while let Some(first) = rest.chars().next() {
        let is_digits = first.is_ascii_digit();
        let is_same_kind = |c: char| match is_digits {
            true => c.is_ascii_digit(),
            false => c.is_ascii_alphabetic(),
        };
        let end = rest.find(|c| !is_same_kind(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        if token.is_empty() {
            // A separator in front of everything else, which LuaRocks does not read on from.
            word = Some(0.0);
            break;
        }
        rest = after.trim_start_matches(['.', '-', '_']);
        if is_digits {
            let number: f64 = token.parse().unwrap_or_default();
            numbers.push(word.take().map_or(number, |word| word + number / 100_000.0));
        } else {
            let of_letter = f64::from(u32::from(first)) / 1_000.0;
            let place = WORDS.iter().find(|(name, _)| *name == token);
            word = Some(place.map_or(of_letter, |(_, place)| *place));
        }
    }
    numbers.extend(word);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    /// What `luarocks.core.vers` of LuaRocks 3.8 says of these.
    #[test]
    fn order_is_that_of_luarocks() {
        for (one, order, two) in [
            ("1.0", Ordering::Less, "1.1"),
            ("1.9", Ordering::Less, "1.10"),
            ("1", Ordering::Equal, "1.0"),
            ("1.0-1", Ordering::Less, "1.0-2"),
            ("1.0-1", Ordering::Equal, "1.0"),
            ("1.0-9", Ordering::Less, "1.1-1"),
            ("1.0rc1", Ordering::Less, "1.0"),
            ("1.0rc1", Ordering::Less, "1.0rc2"),
            ("1.0beta", Ordering::Less, "1.0pre"),
            ("1.0alpha9", Ordering::Less, "1.0beta1"),
            ("1.0a", Ordering::Greater, "1.0"),
            ("1.0b", Ordering::Greater, "1.0a"),
            ("scm-1", Ordering::Greater, "99.0-1"),
            ("dev-1", Ordering::Greater, "scm-1"),
            ("cvs-1", Ordering::Less, "scm-1"),
            ("scm-1", Ordering::Less, "scm-2"),
            ("1.0.scm", Ordering::Greater, "1.0.9"),
            ("2.0_1", Ordering::Equal, "2.0.1"),
            ("2018.01.01-1", Ordering::Greater, "1.9"),
            ("1.0-rc-1", Ordering::Less, "1.0-1"),
        ] {
            assert_eq!(version(one).order(&version(two)), order, "{one} {two}");
            assert_eq!(version(two).order(&version(one)), order.reverse(), "{two} {one}");
        }
    }

    #[test]
    fn parts() {
        assert_eq!(version("1.14.0-3").without_revision(), "1.14.0");
        assert_eq!(version("1.14-rc").without_revision(), "1.14-rc");
        assert!(version("scm-1").is_development() && version("0.1.dev").is_development());
        assert!(!version("2018.1-1").is_development());
        assert!(version("1.2.3").starts_with(&version("1.2")));
        assert!(version("1").starts_with(&version("1.0.0")));
        assert!(!version("1.2.3-1").starts_with(&version("1.2-2")));
        assert!(!version("1").is_same(&version("1.0")));
        for text in ["", " ", "1 0", "1/2", "..\\x"] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
    }
}
