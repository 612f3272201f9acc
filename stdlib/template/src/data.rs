//! The data of templates: converts Lua values to those of the crate.

use crate::computed::escaped_size;
use gotmpl::{SafeKind, Value};
pub(crate) use solvm_data::walker::{EncodeResult, Key, Writer};
use solvm_vm::{Data, Userdata};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A trusted string: it is not escaped in a matching context.
#[derive(Clone)]
pub(super) struct Trusted {
    pub(super) kind: SafeKind,
    pub(super) text: Arc<str>,
}

impl Data for Trusted {
    fn external_size(&self) -> usize {
        self.text.len()
    }
}

/// Integers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Approximate memory of a list item or a map field.
const ITEM_SIZE: usize = 48;
const FIELD_SIZE: usize = 96;

enum Open {
    List(Vec<Value>),
    Map(BTreeMap<Arc<str>, Value>, Arc<str>),
}

/// A value that is being built.
#[derive(Default)]
pub(super) struct ValueWriter {
    open: Vec<Open>,
    whole: Option<Value>,
    size: usize,
    /// Maximum memory for escaping the whole value.
    escaping: usize,
}

impl ValueWriter {
    /// Returns the value and the maximum memory for escaping it.
    pub(super) fn finish(self) -> (Value, usize) {
        (self.whole.unwrap_or(Value::Nil), self.escaping)
    }

    fn add(&mut self, value: Value) -> EncodeResult {
        self.escaping = self.escaping.saturating_add(ITEM_SIZE);
        match self.open.last_mut() {
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(fields, key)) => {
                self.size = self.size.saturating_add(FIELD_SIZE);
                fields.insert(key.clone(), value);
            }
            None => self.whole = Some(value),
        }
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> Result<Arc<str>, &'static str> {
        self.size = self.size.saturating_add(bytes.len());
        self.escaping = self.escaping.saturating_add(escaped_size(bytes));
        std::str::from_utf8(bytes)
            .map(Arc::from)
            .map_err(|_| "cannot render a string that is not valid UTF-8")
    }

    fn end(&mut self) {
        let value = match self.open.pop() {
            // An empty table may be a map as well: its fields are nil, and it has nothing to range
            // over.
            Some(Open::List(items)) if items.is_empty() => Value::Map(Arc::default()),
            Some(Open::List(items)) => Value::List(items.into()),
            Some(Open::Map(fields, _)) => Value::Map(Arc::new(fields)),
            None => return,
        };
        // It cannot fail.
        let _ = self.add(value);
    }
}

impl Writer for ValueWriter {
    const ANY_KEY: bool = true;

    fn null(&mut self) -> EncodeResult {
        self.add(Value::Nil)
    }

    fn boolean(&mut self, value: bool) -> EncodeResult {
        self.add(Value::Bool(value))
    }

    fn number(&mut self, value: f64) -> EncodeResult {
        let is_integer = value.fract() == 0.0 && value.abs() <= EXACT;
        self.add(if is_integer { Value::Int(value as i64) } else { Value::Float(value) })
    }

    fn string(&mut self, bytes: &[u8]) -> EncodeResult {
        let text = self.text(bytes)?;
        self.add(Value::String(text))
    }

    fn object(&mut self, object: Userdata<'_>) -> EncodeResult {
        match object.get::<Trusted>() {
            Some(Trusted { kind, text }) => {
                self.escaping = self.escaping.saturating_add(escaped_size(text.as_bytes()));
                self.add(Value::Safe { kind: *kind, s: text.clone() })
            }
            None => Err("cannot render a userdata"),
        }
    }

    fn begin_list(&mut self, length: usize, _: bool) -> EncodeResult {
        self.size = self.size.saturating_add(length.saturating_mul(ITEM_SIZE));
        self.open.push(Open::List(Vec::with_capacity(length)));
        Ok(())
    }

    fn item(&mut self) {}

    fn end_list(&mut self) {
        self.end();
    }

    fn begin_map(&mut self, _: usize) -> EncodeResult {
        self.open.push(Open::Map(BTreeMap::new(), "".into()));
        Ok(())
    }

    fn key(&mut self, key: Key<'_>) -> EncodeResult {
        let name = match key {
            Key::String(bytes) => self.text(bytes)?,
            Key::Number(x) => x.to_string().into(),
            Key::Boolean(value) => value.to_string().into(),
        };
        if let Some(Open::Map(_, key)) = self.open.last_mut() {
            *key = name;
        }
        Ok(())
    }

    fn end_map(&mut self) {
        self.end();
    }

    fn written(&self) -> usize {
        self.size
    }
}
