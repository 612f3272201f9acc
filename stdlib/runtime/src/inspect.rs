//! Formats values for people, in the REPL and in errors: tables with their contents, up to a limit
//! of depth and length. No Lua code runs.

use solvm_compiler::highlight::{Class, parts};
use solvm_vm::{Call, LuaString, Table, Type, Value};

/// How much of a value is shown.
pub struct InspectLimits {
    /// Maximum depth of nested tables.
    depth: usize,
    /// Maximum number of entries of a table.
    entries: usize,
    /// Maximum number of entries in total.
    total: usize,
    /// Maximum number of bytes of a string.
    text: usize,
}

impl InspectLimits {
    /// The limits for a value that the user has requested.
    pub const FULL: InspectLimits = InspectLimits { depth: 4, entries: 40, total: 400, text: 2000 };
    /// The limits for a value that is part of a message.
    pub const BRIEF: InspectLimits = InspectLimits { depth: 2, entries: 10, total: 20, text: 200 };
}

/// The kind of a part of the output, by which it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A string.
    Text,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// Nil, or a placeholder for something omitted.
    Faint,
    /// A function, a coroutine, a userdata.
    Reference,
}

/// Shorter tables are shown on one line.
const WIDTH: usize = 70;

/// Formats a value; `paint` formats each part.
pub fn inspect<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    limits: &InspectLimits,
    paint: &dyn Fn(Part, &str) -> String,
) -> String {
    Inspector { call, limits, paint, left: limits.total, path: Vec::new() }.value(value)
}

struct Inspector<'a, 'c> {
    call: &'a mut Call<'c>,
    limits: &'a InspectLimits,
    paint: &'a dyn Fn(Part, &str) -> String,
    /// How many more entries may be shown.
    left: usize,
    /// The tables that contain the current one.
    path: Vec<Table<'c>>,
}

impl<'c> Inspector<'_, 'c> {
    fn value(&mut self, value: Value<'c>) -> String {
        if let Some(text) = LuaString::from_value(value) {
            return (self.paint)(Part::Text, &quote(text.bytes(), self.limits.text));
        }
        if let Some(table) = Table::from_value(value) {
            return self.table(table);
        }
        if let Some(number) = value.as_number() {
            let text = self.call.number_string(number);
            let text = text
                .map_or(String::new(), |text| String::from_utf8_lossy(text.bytes()).into_owned());
            return (self.paint)(Part::Number, &text);
        }
        match value.as_boolean() {
            Some(boolean) => (self.paint)(Part::Boolean, &boolean.to_string()),
            None if value.is_nil() => (self.paint)(Part::Faint, "nil"),
            None => (self.paint)(
                Part::Reference,
                &format!("{}: {:#x}", name_of(value), value.address()),
            ),
        }
    }

    fn table(&mut self, table: Table<'c>) -> String {
        if self.path.contains(&table) {
            return (self.paint)(Part::Faint, "<cycle>");
        }
        if self.path.len() >= self.limits.depth {
            return (self.paint)(Part::Faint, "{...}");
        }
        self.path.push(table);
        let mut parts = Vec::new();
        let length = table.length();
        for index in 1..=length.min(self.limits.entries) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            parts.push(self.value(table.get(index)));
        }
        let mut fields: Vec<(Value<'c>, Value<'c>)> =
            table.pairs().filter(|(key, _)| !is_index(*key, length)).collect();
        let count = fields.len() + length;
        // The output must not depend on the order in which the table stores its keys.
        fields.sort_by_cached_key(|(key, _)| sort_key(*key));
        for (key, value) in fields.into_iter().take(self.limits.entries) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let key = match LuaString::from_value(key) {
                Some(text) if is_name(text.bytes()) => {
                    String::from_utf8_lossy(text.bytes()).into_owned()
                }
                _ => format!("[{}]", self.value(key)),
            };
            parts.push(format!("{key} = {}", self.value(value)));
        }
        self.path.pop();
        if parts.len() < count {
            parts.push((self.paint)(Part::Faint, &format!("... {} more", count - parts.len())));
        }
        layout(&parts, self.path.len())
    }
}

/// Puts the parts of a table on one line, or each on its own line.
fn layout(parts: &[String], depth: usize) -> String {
    let line = parts.join(", ");
    if line.len() <= WIDTH && !line.contains('\n') {
        return if line.is_empty() { "{}".into() } else { format!("{{ {line} }}") };
    }
    let indent = "  ".repeat(depth + 1);
    let lines: String = parts.iter().map(|part| format!("{indent}{part},\n")).collect();
    format!("{{\n{lines}{}}}", "  ".repeat(depth))
}

/// Whether a key is one of the list's indices, which are omitted.
fn is_index(key: Value<'_>, length: usize) -> bool {
    key.as_number()
        .is_some_and(|index| index >= 1.0 && index <= length as f64 && index.fract() == 0.0)
}

/// Orders keys: numbers, strings, the rest.
fn sort_key(key: Value<'_>) -> (u8, u64, Vec<u8>) {
    if let Some(number) = key.as_number() {
        // The bits of floating-point numbers sort like the numbers after negative ones are
        // inverted.
        let bits = number.to_bits();
        return (0, if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }, Vec::new());
    }
    match LuaString::from_value(key) {
        Some(text) => (1, 0, text.bytes().to_vec()),
        None => (2, key.address() as u64, Vec::new()),
    }
}

fn name_of(value: Value<'_>) -> &'static str {
    match value.kind() {
        Type::Function => "function",
        _ => value.type_name(),
    }
}

/// Whether a string is a name. Reserved words are not: Lua 5.1 requires quotes for them.
fn is_name(text: &[u8]) -> bool {
    parts(text) == [(0..text.len(), Class::Name)]
}

/// Quotes a string as in Lua source, truncated if it is long.
fn quote(text: &[u8], length: usize) -> String {
    let shown = String::from_utf8_lossy(text.get(..length).unwrap_or(text));
    let mut quoted = String::from("\"");
    for letter in shown.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\{:03}", u32::from(letter)))
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    if text.len() > length {
        quoted.push_str(&format!(" ... {} bytes more", text.len() - length));
    }
    quoted
}
