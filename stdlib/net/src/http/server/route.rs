//! Routing: `/literal`, `/:name` for any segment, `/*` at the end for the rest.
//!
//! Paths are compared segment by segment, each percent-decoded, so that no spelling of a path
//! bypasses a pattern that another spelling matches.

use hashbrown::{HashMap, HashSet};
use percent_encoding::percent_decode;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A parsed pattern: its text, from which the segments are split when it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern {
    /// The segments that are compared, each after a slash.
    text: Box<[u8]>,
    /// The number of these segments.
    length: usize,
    /// Whether there are parameters among them.
    has_names: bool,
    /// Whether it ends with `*`.
    has_rest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'p> {
    Literal(&'p [u8]),
    Parameter(&'p [u8]),
}

impl Segment<'_> {
    fn of(text: &[u8]) -> Segment<'_> {
        text.strip_prefix(b":").map_or(Segment::Literal(text), Segment::Parameter)
    }
}

/// The decoded segments of a path.
pub(super) type Path<'p> = SmallVec<[Cow<'p, [u8]>; 8]>;

/// Splits a path.
pub(super) fn segments(path: &str) -> Path<'_> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').map(|segment| percent_decode(segment.as_bytes()).into()).collect()
}

impl Pattern {
    /// Parses a pattern. The error is the reason why it is invalid.
    pub(super) fn parse(text: &[u8]) -> Result<Pattern, &'static str> {
        let text = if text == b"*" { b"/*" } else { text };
        let Some(rest) = text.strip_prefix(b"/") else { return Err("pattern must start with '/'") };
        let (mut length, mut has_rest) = (0_usize, false);
        let mut names = HashSet::new();
        for segment in rest.split(|&byte| byte == b'/') {
            if has_rest {
                return Err("'*' must be the last segment");
            }
            match segment {
                b"*" => {
                    has_rest = true;
                    continue;
                }
                [b':'] | [b':', b'*'] => return Err("':' must be followed by a name"),
                [b':', name @ ..] if !names.insert(name) => {
                    return Err("duplicate parameter name");
                }
                literal if literal.ends_with(b"*") => {
                    return Err("'*' must be a whole segment");
                }
                _ => {}
            }
            length = length.saturating_add(1);
        }
        let text = if has_rest { text.strip_suffix(b"/*").unwrap_or_default() } else { text };
        Ok(Pattern { text: text.into(), length, has_names: !names.is_empty(), has_rest })
    }

    fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.text.split(|&byte| byte == b'/').skip(1).map(Segment::of)
    }

    /// Whether the pattern matches a path.
    pub(super) fn matches(&self, path: &Path<'_>) -> bool {
        let is_long_enough =
            if self.has_rest { path.len() >= self.length } else { path.len() == self.length };
        is_long_enough
            && self.segments().zip(path).all(|(segment, found)| match segment {
                Segment::Literal(literal) => literal == &found[..],
                // An empty segment is not a value.
                Segment::Parameter(_) => !found.is_empty(),
            })
    }

    /// Returns the names and values of the parameters in a path that the pattern matches; the rest
    /// is named `*`.
    pub(super) fn parameters<'p>(&'p self, path: &'p Path<'_>) -> Vec<(&'p [u8], Cow<'p, [u8]>)> {
        let mut parameters = Vec::new();
        for (segment, found) in self.segments().zip(path) {
            if let Segment::Parameter(name) = segment {
                parameters.push((name, Cow::Borrowed(&found[..])));
            }
        }
        if self.has_rest {
            let rest = path.get(self.length..).unwrap_or_default();
            parameters.push((b"*", rest.join(&b'/').into()));
        }
        parameters
    }

    /// The approximate number of segments that are compared with a path.
    pub(super) fn work(&self, path: &Path<'_>) -> usize {
        self.length.min(path.len()).saturating_add(1)
    }

    /// Whether there are parameters.
    pub(super) fn has_parameters(&self) -> bool {
        self.has_rest || self.has_names
    }

    /// Returns the only path that matches, in its usual spelling. None if there are parameters.
    fn literal(&self) -> Option<&[u8]> {
        (!self.has_parameters()).then_some(&self.text)
    }

    /// Orders patterns that match the same path: the more specific one is less.
    fn rank(&self) -> Rank {
        let segments = self.segments().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Parameter(_) => 1,
        });
        segments.chain(self.has_rest.then_some(2)).collect()
    }
}

/// A map from patterns to targets.
#[derive(Clone)]
pub(super) struct Router<T> {
    /// The patterns without parameters, by path.
    literal: HashMap<Box<[u8]>, (Arc<Pattern>, T)>,
    /// The patterns with parameters, the most specific ones first. Those of the same rank are in
    /// the order of their numbers, in which they were added.
    routes: BTreeMap<(Rank, usize), (Arc<Pattern>, T)>,
    /// The keys of those.
    places: HashMap<Arc<Pattern>, (Rank, usize)>,
}

/// A number for each segment.
type Rank = Box<[u8]>;

impl<T> Default for Router<T> {
    fn default() -> Self {
        Router { literal: HashMap::new(), routes: BTreeMap::new(), places: HashMap::new() }
    }
}

impl<T> Router<T> {
    /// Adds a pattern, which replaces an equal one.
    pub(super) fn add(&mut self, pattern: Pattern, target: T) {
        let pattern = Arc::new(pattern);
        if let Some(path) = pattern.literal() {
            self.literal.insert(path.into(), (pattern, target));
            return;
        }
        let number = self.places.len();
        let place = self.places.entry(pattern.clone());
        let place = place.or_insert_with(|| (pattern.rank(), number));
        self.routes.insert(place.clone(), (pattern, target));
    }

    /// Returns the most specific pattern that matches a path. Adds the number of compared segments
    /// to `work`.
    pub(super) fn find(&self, path: &str, work: &mut usize) -> Option<&(Arc<Pattern>, T)> {
        if let Some(found) = self.literal.get(path.as_bytes()) {
            return Some(found);
        }
        let is_encoded = path.contains('%');
        if self.routes.is_empty() && !is_encoded {
            return None;
        }
        let path = segments(path);
        *work = work.saturating_add(path.len());
        if is_encoded {
            let decoded: Vec<u8> =
                path.iter().flat_map(|segment| [&b"/"[..], segment]).flatten().copied().collect();
            // An encoded slash does not separate segments.
            let found =
                self.literal.get(&decoded[..]).filter(|(pattern, _)| pattern.matches(&path));
            if found.is_some() {
                return found;
            }
        }
        self.routes.values().find(|(pattern, _)| {
            *work = work.saturating_add(pattern.work(&path));
            pattern.matches(&path)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(router: &Router<&'static str>, path: &str) -> Option<&'static str> {
        router.find(path, &mut 0).map(|(_, target)| *target)
    }

    fn router(patterns: &[&'static str]) -> Router<&'static str> {
        let mut router = Router::default();
        for pattern in patterns {
            router.add(Pattern::parse(pattern.as_bytes()).unwrap(), *pattern);
        }
        router
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let router = router(&["/*", "/a/*", "/a/:x", "/a/b", "/a/:x/c", "/:y/b/c", "/a"]);
        for (path, pattern) in [
            ("/", "/*"),
            ("/a", "/a"),
            ("/a/b", "/a/b"),
            ("/a/%62", "/a/b"),
            ("/a/z", "/a/:x"),
            ("/a/", "/a/*"),
            ("/a/b/c", "/a/:x/c"),
            ("/z/b/c", "/:y/b/c"),
            ("/a/b/d", "/a/*"),
            ("/z", "/*"),
        ] {
            assert_eq!(found(&router, path), Some(pattern), "{path}");
        }
    }

    #[test]
    fn paths_without_a_pattern_are_not_found() {
        let router = router(&["/a", "/a/b/"]);
        for path in ["/", "/A", "/a/", "/a/b", "/a%2F", "//a"] {
            assert_eq!(found(&router, path), None, "{path}");
        }
        assert_eq!(found(&router, "/%61"), Some("/a"));
    }

    #[test]
    fn parameters_have_names_and_values() {
        let pattern = Pattern::parse(b"/user/:id/file/*").unwrap();
        let path = segments("/user/a%2Fb/file/x/y%20z");
        assert!(pattern.matches(&path));
        let parameters = pattern.parameters(&path);
        assert_eq!(parameters, [(&b"id"[..], b"a/b"[..].into()), (&b"*"[..], b"x/y z"[..].into())]);
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for pattern in ["", "a", "/*/a", "/a*", "/:", "/:*", "/a/:/b", "/:a/:a", "/:a/b/:a"] {
            assert!(Pattern::parse(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }
}
