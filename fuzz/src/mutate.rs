//! Inputs without cargo-fuzz: a seeded generator, and mutations of existing scripts.

use std::path::Path;

/// Xorshift: a generator with a seed.
pub struct Random(u64);

impl Random {
    /// Creates a generator.
    pub fn new(seed: u64) -> Self {
        // The state must not be zero; neighbouring seeds are spread.
        Random((seed.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit.max(1) as u64) as usize
    }

    /// Returns random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }

    fn pick<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        items.get(self.below(items.len()))
    }
}

/// Words that mutations insert: edge cases of the language.
const WORDS: &[&str] = &[
    "nil",
    "true",
    "{}",
    "...",
    "0",
    "-1",
    "1e308",
    "0/0",
    "2^53",
    "255",
    "256",
    "''",
    "'x'",
    "end",
    "do",
    "return",
    "function() end",
    "#",
    "-",
    "not",
    "..",
    "(",
    ")",
    "=",
    ",",
    "goto a",
    "::a::",
    "break",
    "and",
    "or",
    "==",
    "<",
    "coroutine.yield()",
    "coroutine.wrap",
    "pcall",
    "setmetatable",
    "collectgarbage()",
    "error",
    "_G",
    "self",
];

/// Scripts to mutate, as tokens.
pub struct Corpus {
    scripts: Vec<Vec<String>>,
}

impl Corpus {
    /// Reads every Lua file below these directories; missing directories count as empty.
    pub fn read(directories: &[&Path]) -> Self {
        let mut scripts = Vec::new();
        let mut left: Vec<_> =
            directories.iter().map(|directory| directory.to_path_buf()).collect();
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(
                    path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()),
                );
            } else if path.extension().is_some_and(|extension| extension == "lua") {
                // Huge scripts would take all the time.
                scripts.extend(
                    std::fs::read_to_string(path)
                        .ok()
                        .filter(|text| text.len() < 20_000)
                        .map(|text| tokens(&text)),
                );
            }
        }
        scripts.sort();
        Corpus { scripts }
    }

    /// Returns the number of scripts.
    pub fn len(&self) -> usize {
        self.scripts.len()
    }

    /// Whether there are no scripts.
    pub fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }

    /// Returns one of the scripts with a few mutations.
    pub fn mutated(&self, random: &mut Random) -> String {
        let Some(script) = random.pick(&self.scripts) else { return String::new() };
        let mut script = script.clone();
        for _ in 0..1 + random.below(6) {
            let at = random.below(script.len());
            let count = 1 + random.below(4);
            let end = (at + count).min(script.len());
            match random.below(7) {
                0 => drop(script.drain(at..end)),
                1 => {
                    let copied = script[at..end].to_vec();
                    let to = random.below(script.len());
                    script.splice(to..to, copied);
                }
                2 | 3 => {
                    let word = random.pick(WORDS).map_or("", |word| word);
                    script.splice(at..at, [format!(" {word} ")]);
                }
                4 => {
                    let word = random.pick(WORDS).map_or("", |word| word);
                    script.splice(at..(at + 1).min(script.len()), [format!(" {word} ")]);
                }
                5 => {
                    let other = random.below(script.len());
                    if at < script.len() {
                        script.swap(at, other);
                    }
                }
                _ => {
                    let other = random.pick(&self.scripts).map_or(&[][..], |other| other);
                    let from = random.below(other.len());
                    let to = (from + random.below(60)).min(other.len());
                    script.splice(at..at, other[from..to].iter().cloned());
                }
            }
        }
        script.concat()
    }
}

/// Splits a text into words, spaces and other characters.
fn tokens(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        _ if c.is_alphanumeric() || c == '_' => 1,
        _ if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut last = 0;
    for c in text.chars() {
        match tokens.last_mut() {
            Some(token) if kind(c) != 0 && kind(c) == last => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        last = kind(c);
    }
    tokens
}
