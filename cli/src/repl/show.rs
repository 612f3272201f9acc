//! Values as the REPL shows them: tables with what is in them, to some depth and length.

use crate::colors::Style;
use solvm_compiler::highlight::{Class, parts};
use solvm_vm::{Call, LuaString, Table, Type, Value};

/// How deep tables are shown inside of each other.
const DEPTH: usize = 4;
/// How many entries of a table are shown.
const ENTRIES: usize = 40;
/// How many entries are shown in all.
const TOTAL: usize = 400;
/// Tables that are shorter than this are shown on one line.
const WIDTH: usize = 70;

/// Shows a value.
pub(super) fn show<'c>(call: &mut Call<'c>, value: Value<'c>, colored: bool) -> String {
    Shower { call, colored, left: TOTAL, path: Vec::new() }.value(value)
}

struct Shower<'a, 'c> {
    call: &'a mut Call<'c>,
    colored: bool,
    /// How many entries may still be shown.
    left: usize,
    /// The tables around the place at hand.
    path: Vec<Table<'c>>,
}

impl<'c> Shower<'_, 'c> {
    fn value(&mut self, value: Value<'c>) -> String {
        if let Some(text) = LuaString::from_value(value) {
            return Style::Green.paint(&quote(text.bytes()), self.colored);
        }
        if let Some(table) = Table::from_value(value) {
            return self.table(table);
        }
        if let Some(number) = value.as_number() {
            let text = self.call.number_string(number);
            let text = text.map_or(String::new(), |text| String::from_utf8_lossy(text.bytes()).into_owned());
            return Style::Yellow.paint(&text, self.colored);
        }
        match value.as_boolean() {
            Some(boolean) => Style::Magenta.paint(&boolean.to_string(), self.colored),
            None if value.is_nil() => Style::Dim.paint("nil", self.colored),
            None => Style::Cyan.paint(&format!("{}: {:#x}", name_of(value), value.address()), self.colored),
        }
    }

    fn table(&mut self, table: Table<'c>) -> String {
        if self.path.contains(&table) {
            return Style::Dim.paint("<cycle>", self.colored);
        }
        if self.path.len() >= DEPTH {
            return Style::Dim.paint("{...}", self.colored);
        }
        self.path.push(table);
        let mut parts = Vec::new();
        let length = table.length();
        for index in 1..=length.min(ENTRIES) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            parts.push(self.value(table.get(index)));
        }
        let mut fields: Vec<(Value<'c>, Value<'c>)> =
            table.pairs().filter(|(key, _)| !is_index(*key, length)).collect();
        let count = fields.len() + length;
        // What is shown does not depend on where the table keeps its keys.
        fields.sort_by_cached_key(|(key, _)| sort_key(*key));
        for (key, value) in fields.into_iter().take(ENTRIES) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let key = match LuaString::from_value(key) {
                Some(text) if is_name(text.bytes()) => String::from_utf8_lossy(text.bytes()).into_owned(),
                _ => format!("[{}]", self.value(key)),
            };
            parts.push(format!("{key} = {}", self.value(value)));
        }
        self.path.pop();
        if parts.len() < count {
            parts.push(Style::Dim.paint(&format!("... {} more", count - parts.len()), self.colored));
        }
        layout(&parts, self.path.len())
    }
}

/// The parts of a table on one line, or each on its own.
fn layout(parts: &[String], depth: usize) -> String {
    let line = parts.join(", ");
    if line.len() <= WIDTH && !line.contains('\n') {
        return if line.is_empty() { "{}".into() } else { format!("{{ {line} }}") };
    }
    let indent = "  ".repeat(depth + 1);
    let lines: String = parts.iter().map(|part| format!("{indent}{part},\n")).collect();
    format!("{{\n{lines}{}}}", "  ".repeat(depth))
}

/// Whether a key is one of the list's indices, which are shown without it.
fn is_index(key: Value<'_>, length: usize) -> bool {
    key.as_number().is_some_and(|index| index >= 1.0 && index <= length as f64 && index.fract() == 0.0)
}

/// Orders keys: numbers, strings, the rest.
fn sort_key(key: Value<'_>) -> (u8, u64, Vec<u8>) {
    if let Some(number) = key.as_number() {
        // The order of the bits is that of the numbers once negative ones are turned around.
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

/// Whether a text is a name, which reserved words are not: Lua 5.1 wants them in quotes.
fn is_name(text: &[u8]) -> bool {
    parts(text) == [(0..text.len(), Class::Name)]
}

/// A string as Lua would write it, cut off if it is long.
fn quote(text: &[u8]) -> String {
    const SHOWN: usize = 2000;
    let shown = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
    let mut quoted = String::from("\"");
    for letter in shown.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter if letter.is_control() => quoted.push_str(&format!("\\{:03}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    if text.len() > SHOWN {
        quoted.push_str(&format!(" ... {} bytes more", text.len() - SHOWN));
    }
    quoted
}
