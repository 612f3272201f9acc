//! Cases: a native, its arguments, and the way to call it. Each value of a parameter occurs once,
//! with plain values for the others; then combinations are drawn.

use super::subjects::{Parameter, Subject};
use std::fmt;

/// A call of a native.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The native's name.
    pub(crate) subject: String,
    /// An expression for the function.
    pub(crate) function: String,
    /// The name of a way in `driver.lua`.
    pub(crate) way: &'static str,
    /// The names of values in `driver.lua`.
    pub(crate) values: Vec<String>,
    /// It may block.
    pub(crate) waits: bool,
    /// Its arguments were drawn at random.
    drawn: bool,
}

impl Case {
    /// A call of a function without arguments.
    pub(crate) fn new(subject: String, function: String) -> Case {
        Case { subject, function, way: "flat", values: Vec::new(), waits: false, drawn: false }
    }

    /// Whether its arguments were drawn, and it is called in the plain way.
    pub(crate) fn is_drawn(&self) -> bool {
        self.drawn && self.way == "flat" && !self.waits
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}), {}", self.subject, self.values.join(", "), self.way)
    }
}

const STRINGS: &[&str] = &["empty", "byte", "blanks", "digits", "letters", "random"];
const NUMBERS: &[&str] = &[
    "zero",
    "minus_one",
    "half",
    "billion",
    "two_31",
    "two_53",
    "minus_two_53",
    "huge_finite",
    "infinity",
    "nan",
    "base",
];
const TABLES: &[&str] = &["none", "many", "holes", "single", "fields"];
const FUNCTIONS: &[&str] = &["nothing", "raises"];
const BOOLEANS: &[&str] = &["yes", "no"];
const ANYTHING: &[&str] =
    &["blanks", "letters", "random", "two_53", "minus_two_53", "many", "holes", "nothing", "nil"];
/// Values that take long to process.
const LARGE: &[&str] =
    &["blanks", "digits", "letters", "random", "billion", "many", "holes", "two_53"];
/// Levels of calls, for natives that use the depth of the stack.
const LEVELS: &[&str] = &["one", "level", "level_bottom"];

/// A valid argument for a parameter of that name.
const PLAIN: &[(&str, &str)] = &[
    ("path", "path"),
    ("file", "path"),
    ("from", "path"),
    ("archive", "varied"),
    ("directory", "directory"),
    ("source", "path"),
    ("url", "url"),
    ("host", "host"),
    ("pattern", "pattern"),
    ("prefix", "pattern"),
    ("format", "format"),
    ("schedule", "schedule"),
    ("base", "base"),
    ("port", "zero"),
    ("seconds", "zero"),
    ("timeout", "zero"),
    ("duration", "zero"),
];

/// The libraries whose servers are identified by name.
const OF_SERVERS: &[&str] =
    &["handle_http", "handle_ws", "use_middleware", "serve_static", "start_server", "stop_server"];

/// Returns all values for a parameter.
fn values(parameter: &Parameter) -> Vec<String> {
    let kind = &parameter.kind[..];
    let mut values: Vec<&str> = Vec::new();
    let bare = kind.split('{').next().unwrap_or_default();
    for (word, some) in [
        ("string", STRINGS),
        ("number", NUMBERS),
        ("integer", NUMBERS),
        ("boolean", BOOLEANS),
        ("function", FUNCTIONS),
        ("fun(", FUNCTIONS),
    ] {
        if bare.contains(word) {
            values.extend(some);
        }
    }
    if kind.contains("table") || kind.contains("[]") || kind.contains('{') {
        values.extend(TABLES);
    }
    if kind.contains("thread") {
        values.push("coroutine");
    }
    if kind.to_lowercase().contains("file") {
        values.push("File");
    }
    if kind.contains("userdata") {
        values.push("Channel");
    }
    if kind.contains('"') {
        values.extend(STRINGS);
    }
    if values.is_empty() {
        values.extend(ANYTHING);
    }
    let mut values: Vec<String> = values.into_iter().map(str::to_string).collect();
    // Options: each field with some of its values.
    if let Some((_, fields)) = kind.split_once('{') {
        for field in fields.trim_end_matches('}').split(", ") {
            if let Some((name, kind)) = field.split_once(": ") {
                let name = name.trim().trim_end_matches('?');
                let some: &[&str] = match kind {
                    kind if kind.contains("[]") || kind.contains("table") => &["many"],
                    kind if kind.contains("number") || kind.contains("integer") => &["two_53"],
                    kind if kind.contains("boolean") => &["yes"],
                    _ => &["letters"],
                };
                values.extend(some.iter().map(|value| format!("{name}={value}")));
            }
        }
    }
    values
}

/// A value with which the call is likely to succeed.
fn plain(subject: &Subject, parameter: &Parameter) -> String {
    let name = &parameter.name[..];
    let kind = &parameter.kind[..];
    if name == "name" && OF_SERVERS.contains(&&subject.name[..]) {
        return "server".to_string();
    }
    let is_scalar = ["string", "number", "integer"].iter().any(|scalar| kind.contains(scalar));
    if let Some((_, value)) = PLAIN.iter().find(|(known, _)| *known == name)
        && (is_scalar || kind.is_empty())
        && !kind.starts_with("fun")
    {
        return value.to_string();
    }
    let value = match kind {
        kind if kind.starts_with("string") => "byte",
        kind if kind.starts_with("number") || kind.starts_with("integer") => "one",
        kind if kind.starts_with("fun") => "nothing",
        kind if kind.starts_with("boolean") => "yes",
        kind if kind.starts_with("thread") => "coroutine",
        kind if kind.contains("table") || kind.contains("[]") || kind.contains('{') => "single",
        kind if kind.contains('"') => "byte",
        _ => "byte",
    };
    value.to_string()
}

/// A generator with a fixed seed.
struct Random(u64);

impl Random {
    fn of(name: &str) -> Random {
        Random(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        }))
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n.max(1)
    }
}

/// The parameters that are names, by their documentation.
const NAMES: &[&str] = &[
    "archive",
    "category",
    "file",
    "directory",
    "from",
    "host",
    "locale",
    "method",
    "mode",
    "name",
    "option",
    "path",
    "prefix",
    "reason",
    "schedule",
    "source",
    "to",
    "url",
];

/// Returns the cases in which a name exceeds the maximum length.
pub(crate) fn of_long_names(subject: &Subject) -> Vec<Case> {
    let plain: Vec<String> = subject.parameters.iter().map(|p| plain(subject, p)).collect();
    let is_name = |parameter: &Parameter| {
        let is_string = parameter.kind.starts_with("string");
        is_string && NAMES.contains(&&parameter.name[..])
    };
    let names = subject.parameters.iter().enumerate().filter(|(_, parameter)| is_name(parameter));
    names
        .map(|(i, _)| {
            let mut arguments = plain.clone();
            arguments[i] = "long_name".to_string();
            Case {
                subject: subject.name.clone(),
                function: subject.function.clone(),
                way: "flat",
                values: subject.object.iter().cloned().chain(arguments).collect(),
                waits: false,
                drawn: false,
            }
        })
        .collect()
}

/// The cases of a native, with this number of random ones for each way to call it.
pub(crate) fn of(subject: &Subject, drawn: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |way: &'static str, drawn: bool, arguments: Vec<String>| {
        let values = subject.object.iter().cloned().chain(arguments).collect();
        cases.push(Case {
            subject: subject.name.clone(),
            function: subject.function.clone(),
            way,
            values,
            waits: subject.waits(),
            drawn,
        });
    };
    // The first parameter, a thread, may be omitted, so that the others move to its place.
    let parameters = match &subject.parameters[..] {
        [first, rest @ ..] if first.is_optional && first.kind.contains("thread") => rest,
        all => all,
    };
    // Optional parameters may precede required ones.
    let last = parameters.iter().rposition(|parameter| !parameter.is_optional);
    let needed = last.map_or(0, |last| last + 1);
    let plain: Vec<String> = parameters.iter().map(|parameter| plain(subject, parameter)).collect();
    add("flat", false, plain[..needed].to_vec());
    add("flat", false, plain.clone());
    add("deep", false, plain.clone());
    for (i, parameter) in parameters.iter().enumerate() {
        let given = needed.max(i + 1);
        let with = |value: &str, given: usize| {
            let mut arguments = plain[..given].to_vec();
            arguments[i] = value.to_string();
            arguments
        };
        for value in values(parameter) {
            add("flat", false, with(&value, given));
            // The use of an argument may depend on the optional ones.
            if given < plain.len() && LARGE.contains(&&value[..]) {
                add("flat", false, with(&value, plain.len()));
            }
        }
        if parameter.kind.contains("number") || parameter.kind.is_empty() {
            for level in LEVELS {
                add("deep", false, with(level, given));
            }
            add("often", false, with("counted", given));
        }
        if parameter.kind.contains("string") || parameter.kind.is_empty() {
            add("often", false, with("varied", given));
        }
    }
    add("often", false, plain.clone());
    let mut random = Random::of(&subject.name);
    let pools: Vec<Vec<String>> = parameters.iter().map(values).collect();
    for way in ["flat", "deep"] {
        let count = if way == "flat" { drawn * parameters.len().min(3) } else { drawn / 2 };
        for _ in 0..count {
            let count = needed + random.below(parameters.len() - needed + 1);
            let pools = pools.iter().take(count);
            add(way, true, pools.map(|pool| pool[random.below(pool.len())].clone()).collect());
        }
    }
    cases
}
