//! `lua-utf8`: the functions of `string` for characters of UTF-8, with the interface of luautf8.
//!
//! It is in Lua, over `utf8` and natives for the properties of characters, so that long strings and
//! slow patterns are interrupted like any other Lua code.

use solvm_lua::modules::{Opening, open_in_lua, table};
use solvm_lua::utf8;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Definition, Library, StartWith};
use solvm_vm::{Call, Error, LuaString};
use unicode_width::UnicodeWidthChar;

/// The library `lua-utf8`, whose functions are in Lua.
pub static LIBRARY: Library = solvm_vm::library!(lazy "lua-utf8" {});

/// The module.
pub static OPENERS: &[Definition] = &[Definition::new("lua-utf8", open)];

static NATIVES: Library = solvm_vm::library!(lazy "" {
    "has_class" => has_class,
    "map" => map,
    "map_code" => map_code,
    "width" => width,
});

fn open<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    let natives = table(call, &NATIVES)?;
    let library = table(call, &utf8::LIBRARY)?;
    library.set_field(call, "charpattern", utf8::PATTERN)?;
    natives.set_field(call, "utf8", library)?;
    let text = concat!(
        include_str!("characters.lua"),
        include_str!("pattern.lua"),
        include_str!("search.lua"),
    );
    open_in_lua(call, "lua-utf8", text, Some(natives))
}

/// Converts a character by a mapping to one character.
fn mapped(character: char, kind: u8) -> char {
    let single = |mut all: std::iter::Take<std::vec::IntoIter<char>>| match (all.next(), all.next())
    {
        (Some(only), None) => only,
        _ => character,
    };
    let all: Vec<char> = match kind {
        b'l' | b'f' => character.to_lowercase().collect(),
        _ => character.to_uppercase().collect(),
    };
    single(all.into_iter().take(2))
}

/// The first letter of a kind of mapping: lower, upper, title, fold.
fn kind_of(kind: LuaString) -> u8 {
    kind.bytes().first().copied().unwrap_or(b'l')
}

/// The longest text that is mapped at once: nothing interrupts that.
const MAX_MAPPED: usize = 8 << 10;

/// `map(kind, text)`: another case. What is not UTF-8 stays.
fn map<'c>(
    call: &mut Call<'c>,
    kind: LuaString<'c>,
    text: LuaString<'c>,
) -> Result<Vec<u8>, Error> {
    const BYTES_PER_UNIT: usize = 4;
    let kind = kind_of(kind);
    if text.bytes().len() > MAX_MAPPED {
        return Err(Error::argument(2, "text too long"));
    }
    call.charge(text.bytes().len() / BYTES_PER_UNIT);
    let mut result = Vec::with_capacity(text.bytes().len());
    for chunk in text.bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            let mapped = mapped(character, kind);
            result.extend_from_slice(mapped.encode_utf8(&mut [0; 4]).as_bytes());
        }
        result.extend_from_slice(chunk.invalid());
    }
    Ok(result)
}

fn character(code: i64) -> Option<char> {
    u32::try_from(code).ok().and_then(char::from_u32)
}

/// `map_code(kind, code)`: the same for a code point.
fn map_code<'c>(_: &mut Call<'c>, kind: LuaString<'c>, Truncated(code): Truncated) -> f64 {
    let kind = kind_of(kind);
    character(code).map_or(code as f64, |character| f64::from(u32::from(mapped(character, kind))))
}

/// `width(code)`: its columns on a terminal; nil for control characters.
fn width(_: &mut Call, Truncated(code): Truncated) -> Option<usize> {
    character(code).and_then(UnicodeWidthChar::width)
}

/// `has_class(code, letter)`: whether a character belongs to the class of a pattern; nil if the
/// letter is not one of a class.
fn has_class<'c>(
    _: &mut Call<'c>,
    Truncated(code): Truncated,
    letter: LuaString<'c>,
) -> Option<bool> {
    let letter = letter.bytes().first().copied().unwrap_or(0);
    let Some(c) = character(code) else { return letter.is_ascii_alphabetic().then_some(false) };
    let is_printed = !c.is_control() && !c.is_whitespace() && c.width().is_some();
    let is_punctuation = if c.is_ascii() {
        c.is_ascii_punctuation()
    } else {
        is_printed && !c.is_alphanumeric() && c.width() != Some(0)
    };
    let found = match letter.to_ascii_lowercase() {
        b'a' => c.is_alphabetic(),
        b'c' => c.is_control(),
        b'd' => c.is_numeric(),
        b'g' => is_printed,
        b'l' => c.is_lowercase(),
        b'p' => is_punctuation,
        b's' => c.is_whitespace(),
        b'u' => c.is_uppercase(),
        b'w' => c.is_alphanumeric(),
        b'x' => c.is_ascii_hexdigit(),
        b'z' => c == '\0',
        _ => return None,
    };
    Some(found != letter.is_ascii_uppercase())
}
