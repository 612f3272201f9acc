//! `cjson.encode`: the writer, which is not recursive and stops when the budget is used up.
//!
//! Tables are read without metamethods. Lua code that runs in the meantime may change them: a key
//! that vanished ends the encoding with an error.

use super::number;
use super::settings::{self, Invalid, Settings};
use super::{Failure, Special, check_argument};
use solvm_data::tags;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_vm::native::{Either, Rest, Start, StartWith, Step, Steps};
use solvm_vm::{Call, Error, LuaString, Table, Value};

/// Values between two checks of the budget.
const VALUES_PER_CHECK: usize = 64;
/// Bytes of text that are written per unit of the budget.
const BYTES_PER_UNIT: usize = 16;
/// The deepest nesting, whatever the settings: lua-cjson is limited by the stack.
const DEEPEST: usize = 16_000;

/// A table that is being written.
enum Open {
    /// The next index, and the last one.
    Array { next: usize, length: usize },
    /// Whether nothing has been written yet.
    Object { is_first: bool },
}

/// An encoding in progress. The kept values are each open table, with its current key.
pub(super) struct Encoding {
    text: AccountedBuffer,
    open: Vec<Open>,
    settings: Settings,
    has_begun: bool,
    /// The text of a number, or of a string with escapes.
    scratch: Vec<u8>,
}

/// The result, or the remaining work.
type Encoded<'c> = Either<Vec<Value<'c>>, StartWith<'c, Encoding>>;

/// `cjson.encode(value)`
pub(super) fn encode<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Encoded<'c>, Error> {
    check_argument(call)?;
    let settings = settings::current(call);
    let mut encoding = Encoding {
        text: AccountedBuffer::default(),
        open: Vec::new(),
        settings,
        has_begun: false,
        scratch: Vec::new(),
    };
    let mut stack = Vec::new();
    match encoding.write(call, &mut stack) {
        Ok(true) => Ok(Either::Now(vec![call.string(&encoding.text)?.value()])),
        Ok(false) => Ok(Either::Later(Start::new(encoding).keep_all(stack))),
        Err(failure) => failure.results(call, settings.is_safe).map(Either::Now),
    }
}

impl Steps for Encoding {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let mut stack = call.all_kept().to_vec();
        match self.write(call, &mut stack) {
            Ok(true) => {
                let text = call.string(&self.text)?;
                call.finish(text)
            }
            Ok(false) => {
                call.keep_only(stack);
                call.again()
            }
            Err(failure) => {
                let results = failure.results(call, self.settings.is_safe)?;
                call.finish(results)
            }
        }
    }

    fn external_size(&self) -> usize {
        let open = self.open.capacity().saturating_mul(size_of::<Open>());
        open.saturating_add(self.scratch.capacity())
    }
}

fn unsupported(value: Value, reason: &str) -> Failure {
    Failure::Data(format!("Cannot serialise {}: {reason}", value.type_name()))
}

impl Encoding {
    /// Writes until the end (true), or until the budget is used up.
    fn write<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
    ) -> Result<bool, Failure> {
        let special = Special::of(call)?;
        loop {
            let began = self.text.len();
            for _ in 0..VALUES_PER_CHECK {
                if !self.has_begun {
                    self.has_begun = true;
                    let value = call.argument(0).unwrap_or(Value::NIL);
                    self.value(call, stack, value, special)?;
                } else if self.open.is_empty() {
                    return Ok(true);
                } else {
                    self.next(call, stack, special)?;
                }
            }
            let written = self.text.len().saturating_sub(began);
            if !call.charge((written / BYTES_PER_UNIT).max(VALUES_PER_CHECK / 8)) {
                return Ok(false);
            }
        }
    }

    /// Writes the next item of the innermost table.
    fn next<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        special: Special<'c>,
    ) -> Result<(), Failure> {
        let [.., table, key] = stack.as_mut_slice() else { return Ok(()) };
        let Some(table) = Table::from_value(*table) else { return Ok(()) };
        match self.open.last_mut() {
            Some(Open::Array { next, length }) if *next <= *length => {
                let index = *next;
                *next = index.saturating_add(1);
                if index > 1 {
                    self.text.push(call, b",")?;
                }
                self.value(call, stack, table.get(index), special)
            }
            Some(Open::Array { .. }) => self.end(call, stack, b"]"),
            Some(Open::Object { is_first }) => {
                let Some((name, value)) = table.next(call, *key)? else {
                    return self.end(call, stack, b"}");
                };
                *key = name;
                if self.settings.skip_unsupported && !is_supported(value, special) {
                    return Ok(());
                }
                if !std::mem::replace(is_first, false) {
                    self.text.push(call, b",")?;
                }
                if let Some(number) = name.as_number() {
                    self.text.push(call, b"\"")?;
                    self.number(call, number)?;
                    self.text.push(call, b"\"")?;
                } else if let Some(name) = LuaString::from_value(name) {
                    self.string(call, name.bytes())?;
                } else {
                    return Err(unsupported(name, "table key must be a number or string"));
                }
                self.text.push(call, b":")?;
                self.value(call, stack, value, special)
            }
            None => Ok(()),
        }
    }

    fn end<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        bracket: &[u8],
    ) -> Result<(), Failure> {
        self.open.pop();
        stack.truncate(stack.len().saturating_sub(2));
        Ok(self.text.push(call, bracket)?)
    }

    fn value<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        value: Value<'c>,
        special: Special<'c>,
    ) -> Result<(), Failure> {
        if let Some(text) = LuaString::from_value(value) {
            self.string(call, text.bytes())?;
        } else if let Some(x) = value.as_number() {
            self.number(call, x)?;
        } else if let Some(value) = value.as_boolean() {
            self.text.push(call, if value { b"true" } else { b"false" })?;
        } else if value.is_nil() || tags::is_null(value) {
            self.text.push(call, b"null")?;
        } else if let Some(table) = Table::from_value(value) {
            self.table(call, stack, table, special)?;
        } else if value.raw_equal(special.empty_array) {
            self.text.push(call, b"[]")?;
        } else if !self.settings.skip_unsupported {
            return Err(unsupported(value, "type not supported"));
        } else if !matches!(self.open.last(), Some(Open::Object { .. })) {
            // There is always an item of an array, whose separator is already written.
            self.text.push(call, b"null")?;
        }
        Ok(())
    }

    fn table<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        table: Table<'c>,
        special: Special<'c>,
    ) -> Result<(), Failure> {
        let depth = self.open.len().saturating_add(1);
        let most = usize::try_from(self.settings.encode_depth).unwrap_or(0).min(DEEPEST);
        if depth > most {
            return Err(Failure::Data(format!("Cannot serialise, excessive nesting ({depth})")));
        }
        let metatable = table.metatable().map_or(Value::NIL, Table::value);
        let length = if metatable.raw_equal(special.array_metatable) {
            Some(table.length())
        } else {
            let length = self.array_length(call, table)?;
            match length {
                Some(0) if !self.settings.empty_as_object => Some(0),
                Some(0) | None if metatable.raw_equal(special.empty_array_metatable) => {
                    Some(table.length())
                }
                Some(0) => None,
                length => length,
            }
        };
        self.text.push(call, if length.is_some() { b"[" } else { b"{" })?;
        self.open.push(match length {
            Some(length) => Open::Array { next: 1, length },
            None => Open::Object { is_first: true },
        });
        stack.extend([table.value(), Value::NIL]);
        Ok(())
    }

    /// The length of a table as an array, with its holes. None if it is not an array.
    fn array_length<'c>(
        &self,
        call: &mut Call<'c>,
        table: Table<'c>,
    ) -> Result<Option<usize>, Failure> {
        let mut most = 0.0_f64;
        let mut items = 0_usize;
        for (key, _) in table.pairs() {
            items = items.saturating_add(1);
            match key.as_number() {
                Some(index) if index >= 1.0 && index.fract() == 0.0 => most = most.max(index),
                _ => {
                    call.charge(items / 4);
                    return Ok(None);
                }
            }
        }
        call.charge(items / 4);
        let settings = &self.settings;
        let is_sparse = settings.sparse_ratio > 0
            && most > items as f64 * f64::from(settings.sparse_ratio)
            && most > f64::from(settings.sparse_safe);
        if is_sparse && !settings.sparse_convert {
            return Err(unsupported(table.value(), "excessively sparse array"));
        }
        // C converts it to an integer.
        Ok((!is_sparse && most <= f64::from(i32::MAX)).then_some(most as usize))
    }

    fn number(&mut self, call: &mut Call, x: f64) -> Result<(), Failure> {
        if !x.is_finite() {
            match self.settings.encode_invalid {
                Invalid::Refused => {
                    let reason = "must not be NaN or Inf";
                    return Err(unsupported(Value::number(x), reason));
                }
                Invalid::Null => return Ok(self.text.push(call, b"null")?),
                Invalid::Written => {}
            }
        }
        self.scratch.clear();
        let precision = usize::try_from(self.settings.precision).unwrap_or(14);
        number::write(x, precision, &mut self.scratch);
        Ok(self.text.push(call, &self.scratch)?)
    }

    fn string(&mut self, call: &mut Call, bytes: &[u8]) -> Result<(), Failure> {
        self.text.push(call, b"\"")?;
        let escapes_slash = self.settings.escape_slash;
        let is_escaped = |byte: u8| {
            matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f) || byte == b'/' && escapes_slash
        };
        let mut rest = bytes;
        while let Some((plain, [byte, after @ ..])) =
            rest.iter().position(|&byte| is_escaped(byte)).and_then(|at| rest.split_at_checked(at))
        {
            self.text.push(call, plain)?;
            match byte {
                b'"' | b'\\' | b'/' => self.text.push(call, &[b'\\', *byte])?,
                8 => self.text.push(call, b"\\b")?,
                9 => self.text.push(call, b"\\t")?,
                10 => self.text.push(call, b"\\n")?,
                12 => self.text.push(call, b"\\f")?,
                13 => self.text.push(call, b"\\r")?,
                _ => {
                    let digit = |value: u8| {
                        *b"0123456789abcdef".get(usize::from(value & 15)).unwrap_or(&b'0')
                    };
                    let escape = [b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(*byte)];
                    self.text.push(call, &escape)?;
                }
            }
            rest = after;
        }
        self.text.push(call, rest)?;
        Ok(self.text.push(call, b"\"")?)
    }
}

/// Whether a value can be encoded.
fn is_supported<'c>(value: Value<'c>, special: Special<'c>) -> bool {
    let is_special = tags::is_null(value) || value.raw_equal(special.empty_array);
    is_special
        || value.is_nil()
        || value.as_boolean().is_some()
        || value.as_number().is_some()
        || LuaString::from_value(value).is_some()
        || Table::from_value(value).is_some()
}
