//! Chooses versions: the newest of each package that satisfy the constraints of all that need it.
//!
//! The search tries the newest version first and goes back when two constraints contradict each
//! other. States of repositories (`scm`) are chosen only if a constraint names them or there is no
//! release.

use crate::builtin;
use crate::constraint::Dependency;
use crate::version::Version;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A dependency, and who has it.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// What is needed.
    pub(crate) dependency: Dependency,
    /// What needs it, such as `penlight 1.14.0-3`.
    pub(crate) by: String,
}

/// Where packages are looked up.
pub(crate) trait Catalogue {
    /// The versions of a package, in any order.
    ///
    /// # Errors
    /// The message that ends the search.
    fn versions(&self, name: &str) -> Result<Vec<Version>, String>;

    /// What a version of a package needs.
    ///
    /// # Errors
    /// The message that ends the search.
    fn dependencies(&self, name: &str, version: &Version) -> Result<Vec<Dependency>, String>;
}

/// The chosen packages.
pub(crate) type Chosen = BTreeMap<String, Choice>;

/// A chosen version.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// The version.
    pub(crate) version: Version,
    /// What it needs.
    pub(crate) dependencies: Vec<Dependency>,
    /// Whether it is built in.
    pub(crate) is_builtin: bool,
}

/// Maximum number of versions that are tried.
const MAX_TRIED: usize = 2_000;
/// Maximum number of packages.
const MAX_PACKAGES: usize = 500;

/// Why there is no solution.
enum Unsolved {
    /// These choices contradict each other; others may not.
    Conflict(String),
    /// The search cannot go on.
    Failed(String),
}

/// A search.
struct Search<'a> {
    catalogue: &'a dyn Catalogue,
    /// Versions that are tried first.
    preferred: &'a BTreeMap<String, Version>,
    /// All that is needed by the project and by what is chosen.
    needs: Vec<Need>,
    chosen: Chosen,
    tried: usize,
}

/// Chooses a version of everything that is needed, directly or not. Those in `preferred` are kept
/// if they satisfy the constraints.
///
/// # Errors
/// The message, which names both sides of a contradiction.
pub(crate) fn resolve(
    catalogue: &dyn Catalogue,
    needs: Vec<Need>,
    preferred: &BTreeMap<String, Version>,
) -> Result<Chosen, String> {
    let mut search =
        Search { catalogue, preferred, needs: Vec::new(), chosen: Chosen::new(), tried: 0 };
    for need in needs {
        search.add(need).map_err(|unsolved| match unsolved {
            Unsolved::Conflict(why) | Unsolved::Failed(why) => why,
        })?;
    }
    match search.solve() {
        Ok(()) => Ok(search.chosen),
        Err(Unsolved::Conflict(why) | Unsolved::Failed(why)) => Err(why),
    }
}

impl Search<'_> {
    /// Adds a need, if it does not contradict what is chosen.
    fn add(&mut self, need: Need) -> Result<(), Unsolved> {
        let dependency = &need.dependency;
        let name = &dependency.name;
        if let Some(version) = builtin::version_of(name) {
            if !dependency.constraints.allow(&version) {
                return Err(Unsolved::Conflict(format!(
                    "{} needs {dependency}, but SolVM has {name} {version}",
                    need.by
                )));
            }
            let choice = Choice { version, dependencies: Vec::new(), is_builtin: true };
            self.chosen.insert(name.clone(), choice);
        } else if let Some(chosen) = self.chosen.get(name)
            && !dependency.constraints.allow(&chosen.version)
        {
            let of_name = |other: &&Need| other.dependency.name == *name;
            let other = self.needs.iter().find(of_name);
            let other = other.map_or_else(String::new, |other| {
                format!(", but {} needs {}", other.by, other.dependency)
            });
            return Err(Unsolved::Conflict(format!("{} needs {dependency}{other}", need.by)));
        }
        self.needs.push(need);
        Ok(())
    }

    /// Chooses a version of the first package that has none, then of the others.
    fn solve(&mut self) -> Result<(), Unsolved> {
        let open = |need: &&Need| !self.chosen.contains_key(&need.dependency.name);
        let Some(need) = self.needs.iter().find(open) else { return Ok(()) };
        let name = need.dependency.name.clone();
        if self.chosen.len() >= MAX_PACKAGES {
            let text = format!("more than {MAX_PACKAGES} packages are needed");
            return Err(Unsolved::Failed(text));
        }
        let mut conflict = None;
        // The servers are asked only if what is preferred does not do.
        if let Some(version) = self.preferred.get(&name).filter(|version| self.fits(&name, version))
        {
            match self.try_version(&name, version.clone()) {
                Err(Unsolved::Conflict(why)) => conflict = Some(why),
                other => return other,
            }
        }
        for version in self.candidates(&name)? {
            if self.tried >= MAX_TRIED {
                break;
            }
            match self.try_version(&name, version) {
                // The first is about the newest versions.
                Err(Unsolved::Conflict(why)) => {
                    conflict.get_or_insert(why);
                }
                other => return other,
            }
        }
        let why = conflict.unwrap_or_else(|| format!("no version of {name} was found in time"));
        Err(Unsolved::Conflict(why))
    }

    /// Tries a version; if it contradicts what is chosen, nothing has changed.
    fn try_version(&mut self, name: &str, version: Version) -> Result<(), Unsolved> {
        self.tried = self.tried.saturating_add(1);
        let dependencies = self.catalogue.dependencies(name, &version).map_err(Unsolved::Failed)?;
        let (needs, chosen) = (self.needs.len(), self.chosen.clone());
        let solved = self.choose(name, version, dependencies);
        if let Err(Unsolved::Conflict(_)) = solved {
            self.needs.truncate(needs);
            self.chosen = chosen;
        }
        solved
    }

    /// Whether a version satisfies all that is known.
    fn fits(&self, name: &str, version: &Version) -> bool {
        let mut needs = self.needs.iter().filter(|need| need.dependency.name == name);
        needs.all(|need| need.dependency.constraints.allow(version))
    }

    fn choose(
        &mut self,
        name: &str,
        version: Version,
        dependencies: Vec<Dependency>,
    ) -> Result<(), Unsolved> {
        let by = format!("{name} {version}");
        let choice = Choice { version, dependencies: dependencies.clone(), is_builtin: false };
        self.chosen.insert(name.into(), choice);
        for dependency in dependencies {
            self.add(Need { dependency, by: by.clone() })?;
        }
        self.solve()
    }

    /// The versions that satisfy what is known, the best first. There is at least one.
    fn candidates(&self, name: &str) -> Result<Vec<Version>, Unsolved> {
        let mut versions = self.catalogue.versions(name).map_err(Unsolved::Failed)?;
        versions.sort_by(|one, two| {
            let rank = |version: &Version| Reverse(version.is_development());
            rank(one).cmp(&rank(two)).then_with(|| one.rank(two)).reverse()
        });
        versions.dedup_by_key(|version| version.to_string());
        let needs: Vec<&Need> =
            self.needs.iter().filter(|need| need.dependency.name == name).collect();
        let fits = |version: &&Version| self.fits(name, version);
        let mut fitting: Vec<Version> = versions.iter().filter(fits).cloned().collect();
        if fitting.is_empty() {
            return Err(Unsolved::Conflict(nothing_fits(name, &versions, &needs)));
        }
        if needs.iter().any(|need| need.dependency.constraints.name_development()) {
            fitting.sort_by(|one, two| two.rank(one));
        }
        Ok(fitting)
    }
}

/// The message for a package of which no version satisfies all constraints.
fn nothing_fits(name: &str, versions: &[Version], needs: &[&Need]) -> String {
    const SHOWN: usize = 5;
    let first = needs
        .first()
        .map_or_else(String::new, |need| format!("{} needs {}", need.by, need.dependency));
    if versions.is_empty() {
        return format!("{first}, but no server has a package '{name}'");
    }
    let is_possible =
        |need: &&&Need| versions.iter().any(|version| need.dependency.constraints.allow(version));
    if let Some(impossible) = needs.iter().find(|need| !is_possible(need)) {
        let mut shown: Vec<String> =
            versions.iter().take(SHOWN).map(|version| version.to_string()).collect();
        if versions.len() > SHOWN {
            shown.push("older ones".into());
        }
        let Need { by, dependency } = impossible;
        return format!("{by} needs {dependency}, but the servers have {}", shown.join(", "));
    }
    let others = needs.iter().skip(1).map(|need| format!("{} needs {}", need.by, need.dependency));
    format!("{first}, but {}", others.collect::<Vec<_>>().join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages as `name version: dependency, dependency`.
    struct Listed(&'static [(&'static str, &'static str, &'static [&'static str])]);

    impl Catalogue for Listed {
        fn versions(&self, name: &str) -> Result<Vec<Version>, String> {
            let own = self.0.iter().filter(|(own, ..)| *own == name);
            Ok(own.map(|(_, version, _)| Version::parse(version).unwrap()).collect())
        }

        fn dependencies(&self, name: &str, version: &Version) -> Result<Vec<Dependency>, String> {
            let is_it =
                |(own, text, _): &&(&str, &str, _)| *own == name && *text == version.to_string();
            let (_, _, texts) = self.0.iter().find(is_it).unwrap();
            texts.iter().map(|text| Dependency::parse(text)).collect()
        }
    }

    fn resolved(
        packages: &'static [(&'static str, &'static str, &'static [&'static str])],
        needs: &[&str],
        preferred: &[(&str, &str)],
    ) -> Result<String, String> {
        let needs = needs.iter().map(|text| Need {
            dependency: Dependency::parse(text).unwrap(),
            by: "solvm.toml".into(),
        });
        let preferred = preferred
            .iter()
            .map(|(name, version)| (name.to_string(), Version::parse(version).unwrap()));
        let chosen = resolve(&Listed(packages), needs.collect(), &preferred.collect())?;
        let chosen = chosen.into_iter().map(|(name, choice)| format!("{name} {}", choice.version));
        Ok(chosen.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn the_newest_that_fit() {
        const PACKAGES: &[(&str, &str, &[&str])] = &[
            ("a", "1.0-1", &["b >= 1"]),
            ("a", "2.0-1", &["b >= 1", "lua >= 5.1", "lpeg"]),
            ("a", "scm-1", &[]),
            ("b", "1.9-1", &[]),
            ("b", "1.10-1", &["a"]),
            ("d", "scm-1", &[]),
        ];
        let lpeg = builtin::version_of("lpeg").unwrap();
        let all = format!("a 2.0-1, b 1.10-1, lpeg {lpeg}, lua 5.1");
        assert_eq!(resolved(PACKAGES, &["a"], &[]), Ok(all));
        assert_eq!(resolved(PACKAGES, &["a scm"], &[]).unwrap(), "a scm-1");
        assert_eq!(resolved(PACKAGES, &["d"], &[]).unwrap(), "d scm-1");
        assert_eq!(resolved(PACKAGES, &["a < 2"], &[("b", "1.9-1")]).unwrap(), "a 1.0-1, b 1.9-1");
        assert_eq!(
            resolved(PACKAGES, &["b > 1.9"], &[("b", "1.9-1"), ("a", "1.0-1")]).unwrap(),
            "a 1.0-1, b 1.10-1"
        );
    }

    #[test]
    fn the_search_goes_back() {
        const PACKAGES: &[(&str, &str, &[&str])] = &[
            ("a", "1.0-1", &["c < 2"]),
            ("a", "2.0-1", &["c >= 2"]),
            ("b", "1.0-1", &["c < 2"]),
            ("c", "1.0-1", &[]),
            ("c", "2.0-1", &[]),
            ("e", "1.0-1", &[]),
            ("e", "2.0-1", &["lua >= 5.3"]),
        ];
        assert_eq!(resolved(PACKAGES, &["a", "b"], &[]).unwrap(), "a 1.0-1, b 1.0-1, c 1.0-1");
        assert_eq!(resolved(PACKAGES, &["e"], &[]).unwrap(), "e 1.0-1");
        assert_eq!(
            resolved(PACKAGES, &["a >= 2", "b"], &[]).unwrap_err(),
            "a 2.0-1 needs c >= 2, but b 1.0-1 needs c < 2"
        );
        assert_eq!(
            resolved(PACKAGES, &["c < 2", "a >= 2"], &[]).unwrap_err(),
            "a 2.0-1 needs c >= 2, but solvm.toml needs c < 2"
        );
        assert_eq!(
            resolved(PACKAGES, &["e >= 2"], &[]).unwrap_err(),
            "e 2.0-1 needs lua >= 5.3, but SolVM has lua 5.1"
        );
        assert_eq!(
            resolved(PACKAGES, &["c >= 3"], &[]).unwrap_err(),
            "solvm.toml needs c >= 3, but the servers have 2.0-1, 1.0-1"
        );
        assert_eq!(
            resolved(PACKAGES, &["x"], &[]).unwrap_err(),
            "solvm.toml needs x, but no server has a package 'x'"
        );
        assert_eq!(
            resolved(PACKAGES, &["lpeg < 0.1"], &[]).unwrap_err(),
            format!(
                "solvm.toml needs lpeg < 0.1, but SolVM has lpeg {}",
                builtin::version_of("lpeg").unwrap()
            )
        );
    }
}
