//! `dotenv`: environment variables and files that define them.

use super::{ParseError, failure};
use solvm_files::file_system;
use solvm_runtime::host::{host, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::results::failure as io_failure;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Library, Results, asynchronous};
use solvm_vm::{Call, Error, LuaString, Table, Value};

/// The library `dotenv`.
pub static LIBRARY: Library = solvm_vm::library!("dotenv" {
    "get" => get,
    "load" => load,
    "parse" => parse,
    "set" => set,
});

/// Maximum size of a file and of the values.
const MAX_SIZE: usize = 1 << 20;

/// Names and values in order.
type Variables = Vec<(Vec<u8>, Vec<u8>)>;

/// Parses `NAME=value` lines. `known` returns the values of variables that are not defined in the
/// text.
fn read(
    text: &[u8],
    mut known: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Result<Variables, ParseError> {
    let mut reader =
        Reader { text, at: if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }, size: 0 };
    let mut variables: Variables = Vec::new();
    loop {
        reader.pass(|byte| byte.is_ascii_whitespace());
        match reader.peek() {
            None => return Ok(variables),
            Some(b'#') => reader.pass(|byte| byte != b'\n'),
            Some(_) => {
                let name = reader.name()?;
                let earlier = &variables;
                let value = reader.value(&mut |name| {
                    let earlier = earlier.iter().rev().find(|(earlier, _)| earlier == name);
                    earlier.map(|(_, value)| value.clone()).or_else(|| known(name))
                })?;
                variables.push((name, value));
            }
        }
    }
}

/// Returns the value of a variable that the text refers to.
type Lookup<'a> = &'a mut dyn FnMut(&[u8]) -> Option<Vec<u8>>;

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// The total size of the values.
    size: usize,
}

fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Skips bytes.
    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn pass(&mut self, fits: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.advance(rest.iter().take_while(|&&byte| fits(byte)).count());
    }

    fn pass_space(&mut self) {
        self.pass(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn word(&mut self) -> &'t [u8] {
        let start = self.at;
        self.pass(is_in_name);
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Parses the name of a variable and the equals sign.
    fn name(&mut self) -> Result<Vec<u8>, ParseError> {
        let mut name = self.word();
        self.pass_space();
        // Shell syntax.
        if name == b"export" && self.peek() != Some(b'=') {
            name = self.word();
            self.pass_space();
        }
        if name.is_empty() {
            return Err(ParseError::new("variable name expected", self.at));
        }
        match self.peek() {
            Some(b'=' | b':') => self.advance(1),
            _ => return Err(ParseError::new("'=' expected", self.at)),
        }
        self.pass_space();
        Ok(name.to_vec())
    }

    fn value(&mut self, lookup: Lookup<'_>) -> Result<Vec<u8>, ParseError> {
        let value = match self.peek() {
            Some(b'\'') => self.literal()?,
            Some(b'"') => self.quoted(lookup)?,
            _ => return self.plain(lookup),
        };
        // A quoted value may be followed by a comment.
        self.pass_space();
        match self.peek() {
            None | Some(b'\r' | b'\n') => Ok(value),
            Some(b'#') => {
                self.pass(|byte| byte != b'\n');
                Ok(value)
            }
            Some(_) => Err(ParseError::new("text after a quoted value", self.at)),
        }
    }

    fn literal(&mut self) -> Result<Vec<u8>, ParseError> {
        let start = self.at;
        self.advance(1);
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\'', rest) else {
            return Err(ParseError::new("unterminated value", start));
        };
        self.advance(length.saturating_add(1));
        Ok(rest.get(..length).unwrap_or_default().to_vec())
    }

    fn quoted(&mut self, lookup: Lookup<'_>) -> Result<Vec<u8>, ParseError> {
        let start = self.at;
        self.advance(1);
        let mut value = Vec::new();
        loop {
            let byte = self.peek().ok_or_else(|| ParseError::new("unterminated value", start))?;
            self.advance(1);
            match byte {
                b'"' => return Ok(value),
                b'\\' => {
                    let escaped =
                        self.peek().ok_or_else(|| ParseError::new("unterminated value", start))?;
                    self.advance(1);
                    match escaped {
                        b'n' => value.push(b'\n'),
                        b'r' => value.push(b'\r'),
                        b't' => value.push(b'\t'),
                        b'"' | b'\\' | b'$' => value.push(escaped),
                        _ => value.extend([b'\\', escaped]),
                    }
                }
                b'$' => self.variable(&mut value, lookup)?,
                byte => value.push(byte),
            }
        }
    }

    fn plain(&mut self, lookup: Lookup<'_>) -> Result<Vec<u8>, ParseError> {
        let mut value = Vec::new();
        while let Some(byte) = self.peek() {
            let is_comment =
                byte == b'#' && value.last().is_none_or(|last: &u8| last.is_ascii_whitespace());
            match byte {
                b'\r' | b'\n' => break,
                _ if is_comment => {
                    self.pass(|byte| byte != b'\n');
                    break;
                }
                b'$' => {
                    self.advance(1);
                    self.variable(&mut value, lookup)?;
                }
                byte => {
                    self.advance(1);
                    value.push(byte);
                }
            }
        }
        value.truncate(value.trim_ascii_end().len());
        Ok(value)
    }

    /// Adds the value of `NAME` or `{NAME}` after a dollar sign. A dollar sign without a name is
    /// literal.
    fn variable(&mut self, value: &mut Vec<u8>, lookup: Lookup<'_>) -> Result<(), ParseError> {
        let start = self.at;
        let in_braces = self.peek() == Some(b'{');
        self.advance(usize::from(in_braces));
        let begin = self.at;
        self.pass(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let name = self.text.get(begin..self.at).unwrap_or_default();
        if in_braces {
            if self.peek() != Some(b'}') {
                return Err(ParseError::new("'}' expected", self.at));
            }
            self.advance(1);
        }
        if name.is_empty() {
            self.at = start;
            value.push(b'$');
            return Ok(());
        }
        let found = lookup(name).unwrap_or_default();
        self.size = self.size.saturating_add(found.len());
        if self.size > MAX_SIZE {
            return Err(ParseError::new("the values are too long", start));
        }
        value.extend_from_slice(&found);
        Ok(())
    }
}

fn variable(call: &mut Call, name: &[u8]) -> Option<Vec<u8>> {
    host(call).ok()?.world.variable(name)
}

fn table<'c>(call: &mut Call<'c>, variables: &Variables) -> Result<Table<'c>, Error> {
    let table = call.table(0, variables.len())?;
    for (name, value) in variables {
        let (name, value) = (call.string(name)?, call.string(value)?);
        table.set(call, name.value(), value.value())?;
    }
    Ok(table)
}

/// `dotenv.parse(text)`: returns the variables of a text without setting them; nil and a message if
/// the text is invalid.
fn parse<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<Vec<Value<'c>>, Error> {
    if text.bytes().len() > MAX_SIZE {
        return failure(call, "input is larger than 1 MiB");
    }
    call.charge(text.bytes().len() / 8);
    match read(text.bytes(), |name| variable(call, name)) {
        Ok(variables) => Ok(vec![table(call, &variables)?.value()]),
        Err(parse_error) => failure(call, &parse_error.message(text.bytes())),
    }
}

/// `dotenv.load([path[, override]])`: sets the variables of a file, except those that are already
/// set. Returns all variables of the file, or nil and a message.
fn load<'c>(
    call: &mut Call<'c>,
    path: Option<Name<'c>>,
    overrides: Option<bool>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = path.map_or(&b".env"[..], Name::bytes).to_vec();
    let files = file_system(call)?;
    let overrides = overrides.unwrap_or(false);
    Ok(asynchronous::run(move |lua| async move {
        let text = match solvm_files::read(&lua, files, path_of(&name), MAX_SIZE as u64).await? {
            Ok(text) => text,
            Err(error) => return lua.finish_with(|call| io_failure(call, &error, Some(&name))),
        };
        lua.finish_with(|call| {
            let variables = match read(&text, |name| variable(call, name)) {
                Ok(variables) => variables,
                Err(parse_error) => {
                    let message = format!(
                        "{}: {}",
                        String::from_utf8_lossy(&name),
                        parse_error.message(&text)
                    );
                    return failure(call, &message);
                }
            };
            // Existing variables are determined first, since a file may define one twice.
            let mut to_set = Vec::new();
            for (name, value) in &variables {
                if overrides || variable(call, name).is_none() {
                    to_set.push((name, value));
                }
            }
            for (name, value) in to_set {
                let account = call.account().clone();
                if let Err(error) = host(call)?.set_variable(&account, name, value)? {
                    return failure(
                        call,
                        &format!("{}: {}", String::from_utf8_lossy(name), reason(&error)),
                    );
                }
            }
            Ok(vec![table(call, &variables)?.value()])
        })
    }))
}

/// `dotenv.get(name[, default])`: returns an environment variable, or the default if it is not set.
fn get<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    default: Option<Value<'c>>,
) -> Result<Value<'c>, Error> {
    match variable(call, name.bytes()) {
        Some(value) => Ok(call.string(&value)?.value()),
        None => Ok(default.unwrap_or(Value::NIL)),
    }
}

/// `dotenv.set(name, value)`: sets an environment variable for this program and its child
/// processes.
fn set<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    value: LuaString<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let account = call.account().clone();
    match host(call)?.set_variable(&account, name.bytes(), value.bytes())? {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => failure(call, &reason(&error)),
    }
}
