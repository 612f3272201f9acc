//! Accounts for values that templates compute.
//!
//! Functions that create strings or lists are replaced by ones that hold the maximum size of the
//! result first. They call the crate's own functions by templates, since these are private.
//! Rendering happens on one thread, so the state is local to the thread.

use gotmpl::{TemplateError, Value, html};
use solvm_vm::{Held, OutOfMemory};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// The functions that create strings or lists, apart from those for escaping.
const FUNCTIONS: &[&str] = &["html", "js", "print", "printf", "println", "slice", "urlquery"];
/// Maximum size of a number, and of what surrounds a value in a text.
const NUMBER: usize = 32;
/// Maximum size of a formatted number.
const FORMATTED: usize = 400;
/// Maximum width and precision in `printf`.
const MAX_WIDTH: usize = u16::MAX as usize;
/// Size of results between two searches for unused ones.
const LEAST: usize = 1 << 18;
/// Approximate memory of a value without its text.
const VALUE: usize = 48;

/// The state of a thread that renders.
struct Rendering {
    held: Held,
    /// Results that may be in use.
    results: Vec<Value>,
    /// Their size.
    size: usize,
    /// The size at which unused ones are removed.
    limit: usize,
    /// Maximum memory for escaping a value.
    escaping: usize,
    /// Whether the memory limit was reached.
    is_refused: bool,
    /// The templates that call a function with a number of arguments.
    calls: BTreeMap<(&'static str, usize), Arc<gotmpl::Template>>,
    /// The result of the last call.
    last: Value,
}

thread_local! {
    static RENDERING: RefCell<Option<Rendering>> = const { RefCell::new(None) };
}

fn refused() -> TemplateError {
    TemplateError::Exec(OutOfMemory.to_string())
}

/// Changes the state. Fails if nothing is being rendered.
fn with<R>(change: impl FnOnce(&mut Rendering) -> R) -> Result<R, TemplateError> {
    RENDERING.with_borrow_mut(|rendering| rendering.as_mut().map(change)).ok_or_else(refused)
}

/// Renders a template with a value whose escaping needs up to `escaping` bytes. The error is that
/// of the memory limit.
pub(super) fn render<R>(
    held: Held,
    escaping: usize,
    execute: impl FnOnce() -> R,
) -> Result<R, OutOfMemory> {
    let mut rendering = Rendering {
        held,
        results: Vec::new(),
        size: 0,
        limit: LEAST,
        escaping,
        is_refused: false,
        calls: BTreeMap::new(),
        last: Value::Nil,
    };
    rendering.hold(0).map_err(|_| OutOfMemory)?;
    RENDERING.set(Some(rendering));
    let result = execute();
    match RENDERING.take() {
        Some(rendering) if rendering.is_refused => Err(OutOfMemory),
        _ => Ok(result),
    }
}

/// Replaces functions of a template.
pub(super) fn with_functions(template: html::Template) -> html::Template {
    FUNCTIONS.iter().fold(template, |template, &name| {
        template.func(name, move |arguments| call(name, arguments))
    })
}

/// Calls one of the crate's functions.
fn call(name: &'static str, arguments: &[Value]) -> gotmpl::Result<Value> {
    let template = with(|rendering| {
        // The string grows, and is then copied.
        rendering.hold(maximum_size(name, arguments).saturating_mul(3))?;
        if let Some(template) = rendering.calls.get(&(name, arguments.len())) {
            return Ok(template.clone());
        }
        let template = Arc::new(calling(name, arguments.len())?);
        rendering.calls.insert((name, arguments.len()), template.clone());
        Ok::<_, TemplateError>(template)
    })??;
    let mut nothing = String::new();
    template.execute_fmt(&mut nothing, &Value::List(arguments.into()))?;
    with(|rendering| {
        let result = std::mem::replace(&mut rendering.last, Value::Nil);
        rendering.keep(&result);
        result
    })
}

/// Returns a template that calls a function with the items of a list, and leaves its result.
fn calling(name: &str, count: usize) -> gotmpl::Result<gotmpl::Template> {
    let mut code = format!("{{{{leave ({name}");
    for i in 0..count {
        write!(code, " (index . {i})")?;
    }
    code.push_str(")}}");
    let leave = |results: &[Value]| {
        with(|rendering| rendering.last = results.first().cloned().unwrap_or(Value::Nil))?;
        Ok(Value::String("".into()))
    };
    gotmpl::Template::new(name).func("leave", leave).parse(&code)
}

impl Rendering {
    /// Holds `more` bytes in addition to the results.
    fn hold(&mut self, more: usize) -> gotmpl::Result<()> {
        let needed = self.size.saturating_add(self.escaping).saturating_add(more);
        self.is_refused = self.held.grow_to(needed).is_err();
        if self.is_refused { Err(refused()) } else { Ok(()) }
    }

    /// Keeps a result in the account until nothing else uses it.
    fn keep(&mut self, result: &Value) {
        if self.size > self.limit {
            self.results.retain(is_used);
            self.size = self.results.iter().map(memory_of).fold(0, usize::saturating_add);
            self.limit = self.size.saturating_mul(2).max(LEAST);
            self.held.shrink_to(self.size.saturating_add(self.escaping));
        }
        self.size = self.size.saturating_add(memory_of(result));
        if let Value::String(text) = result {
            self.escaping = self.escaping.max(escaped_size(text.as_bytes()));
        }
        self.results.push(result.clone());
    }
}

/// Whether a result is used outside the list of results.
fn is_used(value: &Value) -> bool {
    match value {
        Value::String(text) | Value::Safe { s: text, .. } => Arc::strong_count(text) > 1,
        Value::List(items) => Arc::strong_count(items) > 1,
        _ => false,
    }
}

/// Returns the memory of a result.
fn memory_of(value: &Value) -> usize {
    let size = match value {
        Value::String(text) | Value::Safe { s: text, .. } => text.len(),
        Value::List(items) => items.len().saturating_mul(VALUE),
        _ => 0,
    };
    // In the list of results, too.
    size.saturating_add(2 * VALUE)
}

/// Returns the maximum memory for escaping a text.
pub(super) fn escaped_size(text: &[u8]) -> usize {
    /// Up to six bytes for each, of which most are escaped again; then they are copied.
    const SPECIAL: usize = 16;
    const ORDINARY: usize = 3;
    let special = text.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count();
    let ordinary = text.len().saturating_sub(special);
    special.saturating_mul(SPECIAL).saturating_add(ordinary.saturating_mul(ORDINARY))
}

/// Returns the maximum size of a value as a text. Data is not deeper than the walk over Lua values
/// allows.
fn text_size(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Safe { s: text, .. } => text.len(),
        Value::List(items) => {
            let size = |item| text_size(item).saturating_add(NUMBER);
            items.iter().map(size).fold(NUMBER, usize::saturating_add)
        }
        Value::Map(fields) => {
            let size = |(key, item): (&Arc<str>, &Value)| {
                text_size(item).saturating_add(key.len()).saturating_add(NUMBER)
            };
            fields.iter().map(size).fold(NUMBER, usize::saturating_add)
        }
        _ => NUMBER,
    }
}

/// Returns the maximum size of a function's result.
fn maximum_size(name: &str, arguments: &[Value]) -> usize {
    let size = |value| text_size(value).saturating_add(NUMBER);
    let all = arguments.iter().map(size).fold(NUMBER, usize::saturating_add);
    match (name, arguments) {
        ("print" | "println", _) => all,
        ("printf", [Value::String(format), arguments @ ..]) => {
            let longest = arguments.iter().map(size).max().unwrap_or(NUMBER);
            // Arguments that are not used are added.
            formatted_size(format, longest).saturating_add(all)
        }
        ("slice", [value, ..]) => memory_of(value),
        // Up to six bytes for each.
        _ => all.saturating_mul(6),
    }
}

/// Returns the maximum size of a formatted text without the format, if the longest argument has
/// `longest` bytes.
fn formatted_size(format: &str, longest: usize) -> usize {
    let mut size = 0_usize;
    for directive in format.split('%').skip(1) {
        let end = directive.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(directive.len());
        let (flags, verb) = directive.split_at(end);
        // Quoted, or as hexadecimal digits with a prefix.
        let is_escaped = verb.starts_with(['q', 'x', 'X']) || flags.contains(['#', '+', ' ']);
        let growth = if is_escaped { 5 } else { 1 };
        size = size
            .saturating_add(longest.saturating_mul(growth))
            .saturating_add(width_of(flags))
            .saturating_add(FORMATTED);
    }
    size
}

/// Returns the maximum width of a directive with these flags, its precision included. The index of
/// an argument counts, too.
fn width_of(flags: &str) -> usize {
    if flags.contains('*') {
        return 2 * MAX_WIDTH;
    }
    let numbers = flags.split(|c: char| !c.is_ascii_digit());
    let numbers = numbers.filter(|number| !number.is_empty());
    // What is too long is not a small number.
    let widths = numbers.map(|number| number.parse().unwrap_or(MAX_WIDTH).min(MAX_WIDTH));
    widths.fold(0, usize::saturating_add)
}
