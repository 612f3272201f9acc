//! What a package needs of another: its name and constraints on its version, in LuaRocks' notation,
//! such as `penlight >= 1.0, < 2`.

use crate::version::Version;
use std::cmp::Ordering;
use std::fmt;

/// How a version is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// The version starts with the given one.
    Within,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("", Operator::Equal),
    ("=", Operator::Equal),
    ("~=", Operator::NotEqual),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("~>", Operator::Within),
];

/// Constraints on a version, all of which must hold; none means any version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraints {
    text: String,
    all: Vec<(Operator, Version)>,
}

impl Constraints {
    /// Parses constraints; the empty text and `*` mean any version.
    ///
    /// # Errors
    /// The message, if they are invalid.
    pub(crate) fn parse(text: &str) -> Result<Constraints, String> {
        let text = text.trim();
        let mut all = Vec::new();
        let mut rest = if text == "*" { "" } else { text };
        while !rest.is_empty() {
            // LuaRocks' mark for versions that must not be upgraded.
            let after = rest.strip_prefix('@').unwrap_or(rest);
            let end = after.find(|c| !"<>=~!".contains(c)).unwrap_or(after.len());
            let (operator, after) = after.split_at(end);
            let after = after.trim_start();
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
            let (version, after) = after.split_at(end);
            let known = OPERATORS.iter().find(|(name, _)| *name == operator);
            let known = known.map(|(_, operator)| *operator).zip(Version::parse(version));
            let Some(constraint) = known else {
                return Err(format!(
                    "invalid constraint '{text}' (expected e.g. >= 1.0, < 2 or ~> 1.2)"
                ));
            };
            all.push(constraint);
            rest = after.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        }
        Ok(Constraints { text: if all.is_empty() { "*".into() } else { text.into() }, all })
    }

    /// Whether a version satisfies all of them.
    pub(crate) fn allow(&self, version: &Version) -> bool {
        self.all.iter().all(|(operator, given)| {
            let order = version.order(given);
            match operator {
                Operator::Equal => version.is_same(given),
                Operator::NotEqual => !version.is_same(given),
                Operator::Less => order == Ordering::Less,
                Operator::LessOrEqual => order != Ordering::Greater,
                Operator::Greater => order == Ordering::Greater,
                Operator::GreaterOrEqual => order != Ordering::Less,
                Operator::Within => version.starts_with(given),
            }
        })
    }

    /// Whether any version satisfies them.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether they name the state of a repository.
    pub(crate) fn name_development(&self) -> bool {
        self.all.iter().any(|(_, version)| version.is_development())
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A needed package.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// Its name.
    pub(crate) name: String,
    /// The versions that will do.
    pub(crate) constraints: Constraints,
}

impl Dependency {
    /// Parses a name with constraints, as in a rockspec; a namespace in front of the name is left
    /// out, and the name is in lower case, as servers have it.
    ///
    /// # Errors
    /// The message, if it is invalid.
    pub(crate) fn parse(text: &str) -> Result<Dependency, String> {
        let text = text.trim();
        let is_end = |c: char| !(is_name_character(c) || c == '/');
        let (name, constraints) = text.split_at(text.find(is_end).unwrap_or(text.len()));
        let (namespace, name) = name.split_once('/').map_or((name, name), |parts| parts);
        let checked = check_name(namespace).and_then(|_| check_name(name));
        let name = checked.map_err(|_| format!("invalid dependency '{}'", text.escape_debug()))?;
        Ok(Dependency {
            name: name.to_ascii_lowercase(),
            constraints: Constraints::parse(constraints)?,
        })
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.constraints.is_empty() {
            true => f.write_str(&self.name),
            false => write!(f, "{} {}", self.name, self.constraints),
        }
    }
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Checks the name of a package: it becomes a part of paths and addresses.
///
/// # Errors
/// The message, if it is invalid.
pub(crate) fn check_name(name: &str) -> Result<&str, String> {
    const MAX: usize = 100;
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= MAX
        && name.chars().all(is_name_character);
    match is_plain {
        true => Ok(name),
        false => Err(format!(
            "invalid package name '{}' (expected letters, digits, '.', '_' and '-')",
            name.chars().take(MAX).filter(|c| !c.is_control()).collect::<String>()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `luarocks.core.vers` of LuaRocks 3.8 says of these.
    #[test]
    fn constraints_are_those_of_luarocks() {
        for (constraints, version, expected) in [
            ("", "1.0-1", true),
            ("*", "scm-1", true),
            ("1.0", "1.0-1", true),
            ("1.0", "1.0.1-1", false),
            ("= 1.0-2", "1.0-1", false),
            ("== 1", "1.0-1", false),
            (">= 1", "1.0-1", true),
            (">= 1.0, < 2", "1.9-1", true),
            (">= 1.0, < 2", "2.0-1", false),
            (">= 1.0 < 2", "2.0-1", false),
            (">= 1.0-2", "1.0-1", false),
            ("~> 1.2", "1.2.9-1", true),
            ("~> 1.2", "1.3-1", false),
            ("~> 1.2-1", "1.2.9-2", false),
            ("~= 1.0", "1.0-1", false),
            ("!= 1.0", "1.1-1", true),
            ("> 1.0", "1.0-1", false),
            ("> 1.0", "1.0.1-1", true),
            ("< 1.0", "1.0rc1-1", true),
            ("@1.0", "1.0-1", true),
            ("scm", "scm-1", true),
            ("<= 1.0-1", "1.0-2", false),
        ] {
            let (parsed, version) = (Constraints::parse(constraints), Version::parse(version));
            let (parsed, version) = (parsed.unwrap(), version.unwrap());
            assert_eq!(parsed.allow(&version), expected, "{constraints} {version}");
        }
        for text in ["=> 1", ">=", ">= 1 |", "1.0;", "<> 2"] {
            assert!(Constraints::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dependencies() {
        let parsed = |text| Dependency::parse(text).map(|dependency| dependency.to_string());
        assert_eq!(parsed("lua >= 5.1, < 5.5").unwrap(), "lua >= 5.1, < 5.5");
        assert_eq!(parsed("  penlight").unwrap(), "penlight");
        assert_eq!(parsed("someone/penlight ~> 1").unwrap(), "penlight ~> 1");
        assert_eq!(parsed("a.b_c-d>=1").unwrap(), "a.b_c-d >=1");
        for text in ["", "../x", ".hidden", "a/../b", "-x"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
