//! `cjson.decode`: the reader, which is not recursive and stops when the budget is used up.
//!
//! It accepts what lua-cjson accepts, which is more than JSON: control characters and invalid UTF-8
//! in strings, anything after a zero byte, and numbers in the way of C.

use super::number;
use super::settings::{self, Settings};
use super::{Failure, Special, check_argument};
use solvm_lua::string::text_argument;
use solvm_vm::native::{Either, Rest, Start, StartWith, Step, Steps};
use solvm_vm::{Call, Error, LuaString, Table, Value};

/// Values between two checks of the budget.
const VALUES_PER_CHECK: usize = 64;
/// Bytes of text that are read per unit of the budget.
const BYTES_PER_UNIT: usize = 8;
/// The deepest nesting, whatever the settings: lua-cjson is limited by the stack.
const DEEPEST: usize = 16_000;

/// What is expected next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    /// A value, or the end of an array.
    FirstItem,
    /// A key, or the end of an object.
    FirstKey,
    Key,
    /// A comma, or the end of what is open.
    Comma,
    End,
}

/// A token that is not a value.
enum Token<'c> {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(LuaString<'c>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

impl Token<'_> {
    /// Its name in messages.
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::String(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Error(text) => text,
        }
    }
}

/// A decoding in progress. The kept values are a table for each open array or object, and for an
/// object its current key.
pub(super) struct Decoding {
    at: usize,
    /// Where the last token started, or its error is.
    token_at: usize,
    expected: Expected,
    /// For each open array, the number of its items; None for an object.
    open: Vec<Option<usize>>,
    settings: Settings,
    scratch: Vec<u8>,
}

/// The result, or the remaining work.
type Decoded<'c> = Either<Vec<Value<'c>>, StartWith<'c, Decoding>>;

/// `cjson.decode(text)`
pub(super) fn decode<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Decoded<'c>, Error> {
    let value = check_argument(call)?;
    let settings = settings::current(call);
    let Some(text) = call.coerced_string(value) else {
        let text = format!("string expected, got {}", value.type_name());
        if settings.is_safe {
            // lua-cjson's safe module catches this error, too, in a function without a name.
            let failure = Failure::Data(format!("bad argument #1 to '?' ({text})"));
            return failure.results(call, true).map(Either::Now);
        }
        return Err(Error::argument(1, text));
    };
    let text = text.bytes();
    if let [first, second, ..] = text
        && (*first == 0 || *second == 0)
    {
        let failure = Failure::new("JSON parser does not support UTF-16 or UTF-32");
        return failure.results(call, settings.is_safe).map(Either::Now);
    }
    // This is about the minimum memory for the values. A collection that is needed happens now.
    call.check_memory(text.len())?;
    let mut decoding = Decoding {
        at: 0,
        token_at: 0,
        expected: Expected::Value,
        open: Vec::new(),
        settings,
        scratch: Vec::new(),
    };
    let mut stack = Vec::new();
    match decoding.read(call, text, &mut stack) {
        Ok(true) => Ok(Either::Now(stack)),
        Ok(false) => Ok(Either::Later(Start::new(decoding).keep_all(stack))),
        Err(failure) => failure.results(call, settings.is_safe).map(Either::Now),
    }
}

impl Steps for Decoding {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let text = text_argument(call, 0);
        let mut stack = call.all_kept().to_vec();
        match self.read(call, text, &mut stack) {
            Ok(true) => call.finish(stack),
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
        let open = self.open.capacity().saturating_mul(size_of::<Option<usize>>());
        open.saturating_add(self.scratch.capacity())
    }
}

impl Decoding {
    /// Reads until the end (true), when the stack has the value, or until the budget is used up.
    fn read<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        stack: &mut Vec<Value<'c>>,
    ) -> Result<bool, Failure> {
        let special = Special::of(call)?;
        loop {
            let began = self.at;
            let is_over = self.read_some(call, text, stack, special);
            // Also if it failed.
            let is_in_budget = call.charge(self.at.saturating_sub(began) / BYTES_PER_UNIT);
            if is_over? {
                return Ok(true);
            }
            if !is_in_budget {
                return Ok(false);
            }
        }
    }

    /// Reads some values. True at the end.
    fn read_some<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        stack: &mut Vec<Value<'c>>,
        special: Special<'c>,
    ) -> Result<bool, Failure> {
        for _ in 0..VALUES_PER_CHECK {
            let token = self.token(call, text)?;
            if self.expected == Expected::End {
                return match token {
                    Token::End => Ok(true),
                    _ => Err(self.unexpected("the end", &token)),
                };
            }
            self.accept(call, text, stack, token, special)?;
        }
        Ok(false)
    }

    fn unexpected(&self, expected: &str, token: &Token) -> Failure {
        let position = self.token_at.saturating_add(1);
        Failure::Data(format!(
            "Expected {expected} but found {} at character {position}",
            token.name()
        ))
    }

    fn accept<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        stack: &mut Vec<Value<'c>>,
        token: Token<'c>,
        special: Special<'c>,
    ) -> Result<(), Failure> {
        let in_object = matches!(self.open.last(), Some(None));
        match (self.expected, token) {
            (Expected::FirstKey | Expected::Comma, Token::ObjectEnd) if in_object => {
                self.close(call, stack, special)
            }
            (Expected::FirstItem | Expected::Comma, Token::ArrayEnd) if !in_object => {
                self.close(call, stack, special)
            }
            (Expected::FirstKey | Expected::Key, Token::String(key)) => {
                let token = self.token(call, text)?;
                if !matches!(token, Token::Colon) {
                    return Err(self.unexpected("colon", &token));
                }
                if let Some(last) = stack.last_mut() {
                    *last = key.value();
                }
                self.expected = Expected::Value;
                Ok(())
            }
            (Expected::FirstKey | Expected::Key, token) => {
                Err(self.unexpected("object key string", &token))
            }
            (Expected::Comma, Token::Comma) => {
                self.expected = if in_object { Expected::Key } else { Expected::Value };
                Ok(())
            }
            (Expected::Comma, token) if in_object => {
                Err(self.unexpected("comma or object end", &token))
            }
            (Expected::Comma, token) => Err(self.unexpected("comma or array end", &token)),
            (_, token) => self.value(call, stack, token, special),
        }
    }

    fn value<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        token: Token<'c>,
        special: Special<'c>,
    ) -> Result<(), Failure> {
        let value = match token {
            Token::String(text) => text.value(),
            Token::Number(x) => Value::number(x),
            Token::Boolean(value) => Value::boolean(value),
            Token::Null => special.null,
            Token::ObjectBegin | Token::ArrayBegin => {
                let depth = self.open.len().saturating_add(1);
                let most = usize::try_from(self.settings.decode_depth).unwrap_or(0).min(DEEPEST);
                if depth > most {
                    return Err(Failure::Data(format!(
                        "Found too many nested data structures ({depth}) at character {}",
                        self.at
                    )));
                }
                let is_object = matches!(token, Token::ObjectBegin);
                stack.push(call.table(0, 0)?.value());
                if is_object {
                    stack.push(Value::NIL);
                }
                self.open.push(if is_object { None } else { Some(0) });
                self.expected = if is_object { Expected::FirstKey } else { Expected::FirstItem };
                return Ok(());
            }
            token => return Err(self.unexpected("value", &token)),
        };
        self.add(call, stack, value)
    }

    /// Adds a complete value to what is open.
    fn add<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        value: Value<'c>,
    ) -> Result<(), Failure> {
        match (self.open.last_mut(), stack.as_slice()) {
            (None, _) => {
                stack.push(value);
                self.expected = Expected::End;
                return Ok(());
            }
            (Some(Some(count)), [.., list]) => {
                *count = count.saturating_add(1);
                if let Some(list) = Table::from_value(*list) {
                    list.set_index(call, *count, value)?;
                }
            }
            (Some(None), [.., object, key]) => {
                if let Some(object) = Table::from_value(*object) {
                    object.set(call, *key, value)?;
                }
            }
            _ => {}
        }
        self.expected = Expected::Comma;
        Ok(())
    }

    fn close<'c>(
        &mut self,
        call: &mut Call<'c>,
        stack: &mut Vec<Value<'c>>,
        special: Special<'c>,
    ) -> Result<(), Failure> {
        let is_array = matches!(self.open.pop(), Some(Some(_)));
        if !is_array {
            stack.pop();
        }
        let table = stack.pop().unwrap_or(Value::NIL);
        if is_array && self.settings.array_metatables {
            call.set_metatable(table, Table::from_value(special.array_metatable));
        }
        self.add(call, stack, table)
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Reads a token. A zero byte ends the text.
    fn token<'c>(&mut self, call: &mut Call<'c>, text: &[u8]) -> Result<Token<'c>, Error> {
        let rest = text.get(self.at..).unwrap_or_default();
        let blanks =
            rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.advance(blanks);
        self.token_at = self.at;
        let rest = text.get(self.at..).unwrap_or_default();
        let token = match rest.first() {
            None | Some(0) => return Ok(Token::End),
            Some(b'{') => Token::ObjectBegin,
            Some(b'}') => Token::ObjectEnd,
            Some(b'[') => Token::ArrayBegin,
            Some(b']') => Token::ArrayEnd,
            Some(b':') => Token::Colon,
            Some(b',') => Token::Comma,
            Some(b'"') => return self.string(call, text),
            Some(b'-' | b'0'..=b'9') => {
                if !self.settings.decode_invalid && is_invalid_number(rest) {
                    return Ok(Token::Error("invalid number"));
                }
                return Ok(self.number(rest));
            }
            Some(b't') if rest.starts_with(b"true") => {
                self.advance(3);
                Token::Boolean(true)
            }
            Some(b'f') if rest.starts_with(b"false") => {
                self.advance(4);
                Token::Boolean(false)
            }
            Some(b'n') if rest.starts_with(b"null") => {
                self.advance(3);
                Token::Null
            }
            Some(b'+' | b'i' | b'I' | b'n' | b'N')
                if self.settings.decode_invalid && is_invalid_number(rest) =>
            {
                return Ok(self.number(rest));
            }
            Some(_) => return Ok(Token::Error("invalid token")),
        };
        self.advance(1);
        Ok(token)
    }

    fn number<'c>(&mut self, rest: &[u8]) -> Token<'c> {
        match number::read(rest) {
            Some((x, length)) => {
                self.advance(length);
                Token::Number(x)
            }
            None => Token::Error("invalid number"),
        }
    }

    /// Reads a string, whose opening quote is next.
    fn string<'c>(&mut self, call: &mut Call<'c>, text: &[u8]) -> Result<Token<'c>, Error> {
        self.advance(1);
        let start = self.at;
        self.scratch.clear();
        let mut is_plain = true;
        loop {
            let rest = text.get(self.at..).unwrap_or_default();
            let plain = memchr::memchr3(b'"', b'\\', 0, rest).unwrap_or(rest.len());
            if !is_plain {
                self.scratch.extend_from_slice(rest.get(..plain).unwrap_or(rest));
            }
            self.advance(plain);
            match rest.get(plain) {
                Some(b'"') if is_plain => {
                    let string = call.string(text.get(start..self.at).unwrap_or_default())?;
                    self.advance(1);
                    return Ok(Token::String(string));
                }
                Some(b'"') => {
                    self.advance(1);
                    return Ok(Token::String(call.string(&self.scratch)?));
                }
                Some(b'\\') => {
                    if is_plain {
                        let before = text.get(start..self.at).unwrap_or_default();
                        self.scratch.extend_from_slice(before);
                        is_plain = false;
                    }
                    if let Err(why) = self.escape(rest.get(plain..).unwrap_or_default()) {
                        self.token_at = self.at;
                        return Ok(Token::Error(why));
                    }
                }
                _ => {
                    self.token_at = self.at;
                    return Ok(Token::Error("unexpected end of string"));
                }
            }
        }
    }

    /// Reads an escape, which is at the start of `rest`.
    fn escape(&mut self, rest: &[u8]) -> Result<(), &'static str> {
        const INVALID: &str = "invalid unicode escape code";
        let byte = match rest.get(1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 8,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'f') => 12,
            Some(b'r') => b'\r',
            Some(b'u') => {
                let unit = |at: usize| {
                    let digits = rest.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
                    digits.iter().try_fold(0_u32, |unit, &digit| {
                        Some(unit << 4 | char::from(digit).to_digit(16)?)
                    })
                };
                let first = unit(0).ok_or(INVALID)?;
                let (code, length) = match first {
                    0xd800..0xdc00 => {
                        let second = unit(6).filter(|unit| (0xdc00..0xe000).contains(unit));
                        let second = second.ok_or(INVALID)?;
                        let code = (first & 0x3ff) << 10 | second & 0x3ff;
                        (code.saturating_add(0x1_0000), 12)
                    }
                    _ => (first, 6),
                };
                let character = char::from_u32(code).ok_or(INVALID)?;
                self.scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                self.advance(length);
                return Ok(());
            }
            _ => return Err("invalid escape code"),
        };
        self.scratch.push(byte);
        self.advance(2);
        Ok(())
    }
}

/// Whether a number is not one of JSON: leading plus or zeros, hexadecimal, infinity, NaN.
fn is_invalid_number(text: &[u8]) -> bool {
    let rest = match text.first() {
        Some(b'+') => return true,
        Some(b'-') => text.get(1..).unwrap_or_default(),
        _ => text,
    };
    match rest {
        [b'0', second, ..] => matches!(second, b'x' | b'X' | b'0'..=b'9'),
        [b'0'..=b'9', ..] => false,
        _ => number::starts_with(rest, b"inf") || number::starts_with(rest, b"nan"),
    }
}
