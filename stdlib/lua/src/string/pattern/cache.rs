//! A cache of compiled patterns.
//!
//! Scripts use few patterns, each many times, and compiling takes as long as a short match. Each
//! pattern has one slot, and replaces the one before, so the cache is bounded and needs no
//! maintenance.

use super::{Anchor, Pattern};
use std::rc::Rc;

const ENTRIES: usize = 64;
/// Longer patterns are rare, and would make the size of the cache depend on the script.
pub(crate) const MAX_CACHED: usize = 128;

/// Compiled patterns by their source.
pub(crate) struct PatternCache {
    entries: [Option<Entry>; ENTRIES],
}

struct Entry {
    source: Box<[u8]>,
    anchor: Anchor,
    pattern: Rc<Pattern>,
}

impl Default for PatternCache {
    fn default() -> PatternCache {
        PatternCache { entries: [const { None }; ENTRIES] }
    }
}

impl PatternCache {
    /// Returns the compiled form of `source`, whose hash is `hash`.
    pub(crate) fn get(&mut self, source: &[u8], hash: u32, anchor: Anchor) -> Rc<Pattern> {
        debug_assert!(source.len() <= MAX_CACHED);
        let place = hash as usize % ENTRIES;
        match &mut self.entries[place] {
            Some(entry) if entry.anchor == anchor && *entry.source == *source => {
                Rc::clone(&entry.pattern)
            }
            entry => {
                let pattern = Rc::new(Pattern::new(source, anchor));
                *entry =
                    Some(Entry { source: source.into(), anchor, pattern: Rc::clone(&pattern) });
                pattern
            }
        }
    }
}
