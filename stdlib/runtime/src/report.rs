//! An uncaught error, as data: the program that shows it decides on its form.

use crate::uncaught;
pub use solvm_compiler::bytecode::Source;
use solvm_vm::{Call, LuaString, Table, Traceback};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An uncaught error.
pub struct Report {
    /// The message, with the position if it has one.
    pub message: Vec<u8>,
    /// Whether the error value is not a string: then the message has no position.
    pub is_object: bool,
    /// The traceback.
    pub traceback: Traceback,
    /// What the goroutine was doing for a service, as a handler of requests.
    pub subject: Option<String>,
    /// The chunk, if the error is that it does not compile.
    pub source: Option<Arc<Source>>,
    /// The number of the goroutine that it ended, if that is not the main chunk's.
    pub goroutine: Option<u64>,
}

impl Report {
    /// An error with that message and nothing else.
    pub fn new(message: &[u8]) -> Report {
        Report {
            message: message.to_vec(),
            is_object: false,
            traceback: Traceback::default(),
            subject: None,
            source: None,
            goroutine: None,
        }
    }

    /// As `lua` prints it.
    pub(super) fn as_text(&self) -> Vec<u8> {
        let calls = self.calls();
        let head: &[u8] = if calls.is_empty() { b"" } else { b"\nstack traceback:" };
        [&self.message, head, &calls].concat()
    }

    /// The traceback, what the goroutine was doing and where it was started: lines that each start
    /// with a line break. Empty if there is no information.
    pub fn calls(&self) -> Vec<u8> {
        let mut text = uncaught::calls(&self.traceback);
        if let Some(subject) = &self.subject {
            text.extend_from_slice(format!("\n\tin {subject}").as_bytes());
        }
        if let (Some(number), Some(origin)) = (self.goroutine, &self.traceback.origin) {
            let source = String::from_utf8_lossy(&origin.source);
            let line = origin.line.map_or(String::new(), |line| format!(":{line}"));
            let place = format!("\n\tin goroutine {number}, started at {source}{line}");
            text.extend_from_slice(place.as_bytes());
        }
        text
    }
}

/// Formats a report for people, given the names that the program knows.
pub type Reporter = fn(&Report, &Names) -> String;

/// The names that a program has defined, for hints about misspelt ones.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Its globals.
    pub globals: Vec<String>,
    /// The names of the fields of globals that are tables, libraries among them.
    pub fields: BTreeMap<String, Vec<String>>,
}

/// The number of names that are read, of globals and of all fields.
const MAX_NAMES: usize = 10_000;
/// The number of fields of a table that are read.
const MAX_FIELDS: usize = 1000;
/// Longer names are left out.
const LONGEST_NAME: usize = 64;

impl Names {
    pub(super) fn of(call: &mut Call) -> Names {
        let mut names = Names::default();
        let text = |key| {
            let name = LuaString::from_value(key)?.bytes();
            (name.len() <= LONGEST_NAME).then(|| String::from_utf8_lossy(name).into_owned())
        };
        let mut room = MAX_NAMES;
        for (key, value) in call.globals().pairs().take(MAX_NAMES) {
            let Some(name) = text(key) else { continue };
            if let Some(table) = Table::from_value(value).filter(|_| name != "_G") {
                let fields = table.pairs().take(MAX_FIELDS.min(room));
                let fields: Vec<_> = fields.filter_map(|(key, _)| text(key)).collect();
                room -= fields.len();
                names.fields.insert(name.clone(), fields);
            }
            names.globals.push(name);
        }
        names
    }
}
