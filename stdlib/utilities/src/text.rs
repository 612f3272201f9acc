//! `text`: common string operations. Unlike those of `string`, these functions support UTF-8;
//! invalid bytes are kept unchanged.
//!
//! All of them are also methods of strings, except those whose names `string` uses. So a program
//! may call a variable `text` and still write `text.trim(text)`.

use memchr::memmem;
use solvm_lua::string::text_argument;
use solvm_runtime::buffer::{AccountedBuffer, with_room};
use solvm_runtime::integer::Integer;
use solvm_vm::native::{Either, Library, Start, StartWith, Step, Steps, Unread};
use solvm_vm::number::NumberText;
use solvm_vm::{Call, Error, LuaString, Table, Value};

/// The library `text`.
pub static LIBRARY: Library = solvm_vm::library!("text" {
    "contains" => contains,
    "ends_with" => ends_with,
    "join" => join,
    "lower" => lower,
    "pad_left" => pad_left,
    "pad_right" => pad_right,
    "repeat" => repeat,
    "repeat_str" => same_as "repeat",
    "replace" => replace,
    "split" => split,
    "starts_with" => starts_with,
    "title" => title,
    "trim" => trim,
    "trim_left" => trim_left,
    "trim_right" => trim_right,
    "upper" => upper,
});

/// Makes the functions methods of strings where `string` has none of that name. `string` itself
/// stays as it is, so that programs which test for `string.split` before they define it find none.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    let key = call.string(LIBRARY.name.as_bytes())?;
    if let Some(library) = Table::from_value(call.globals().get(key)) {
        call.set_string_methods(library);
    }
    Ok(())
}

/// Bytes that are processed per unit of the budget.
const BYTES_PER_UNIT: usize = 2;

fn charge(call: &mut Call, text: LuaString) {
    call.charge(text.bytes().len() / BYTES_PER_UNIT);
}

/// Returns the lengths of the white space at the start and the end of a text.
fn space(text: &[u8]) -> (usize, usize) {
    // Invalid UTF-8 is not white space.
    let chunk = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let begin = chunk.len() - chunk.trim_start().len();
    let mut end = text.len();
    while end > begin {
        // A character has at most four bytes.
        let start = (end.saturating_sub(4)..end)
            .rev()
            .find(|&at| text.get(at).is_some_and(|&b| b & 0xc0 != 0x80));
        let last =
            start.and_then(|start| Some((start, std::str::from_utf8(text.get(start..end)?).ok()?)));
        match last {
            Some((start, last)) if last.chars().all(char::is_whitespace) => end = start,
            _ => break,
        }
    }
    (begin, text.len() - end)
}

fn trim<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<LuaString<'c>, Error> {
    let bytes = text.bytes();
    let (begin, end) = space(bytes);
    call.string(bytes.get(begin..bytes.len() - end).unwrap_or_default())
}

fn trim_left<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<LuaString<'c>, Error> {
    let (begin, _) = space(text.bytes());
    call.string(text.bytes().get(begin..).unwrap_or_default())
}

fn trim_right<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<LuaString<'c>, Error> {
    let bytes = text.bytes();
    let (_, end) = space(bytes);
    call.string(bytes.get(..bytes.len() - end).unwrap_or_default())
}

/// Converts a part of a text; the flag, which it may change, is set within a word.
type Change = fn(&str, &mut bool) -> String;

/// A conversion of a text's characters, part by part; invalid bytes are kept.
struct Mapping {
    change: Change,
    result: AccountedBuffer,
    /// The start of the rest.
    at: usize,
    in_word: bool,
}

/// Converts the characters of a text: at once, or in steps if it is long.
fn map<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    change: Change,
) -> Result<Either<AccountedBuffer, Start<Mapping>>, Error> {
    let bytes = text.bytes();
    let mut mapping = Mapping { change, result: AccountedBuffer::default(), at: 0, in_word: false };
    mapping.result.reserve(call, bytes.len())?;
    let is_finished = mapping.advance(call, bytes)?;
    Ok(if is_finished { Either::Now(mapping.result) } else { Either::Later(Start::new(mapping)) })
}

impl Mapping {
    /// Converts until the end or until the budget is used up. Returns true at the end.
    fn advance(&mut self, call: &mut Call, text: &[u8]) -> Result<bool, Error> {
        while self.at < text.len() {
            let piece = piece(text.get(self.at..).unwrap_or_default());
            for chunk in piece.utf8_chunks() {
                let changed = (self.change)(chunk.valid(), &mut self.in_word);
                self.result.push(call, changed.as_bytes())?;
                self.result.push(call, chunk.invalid())?;
            }
            self.at += piece.len();
            if !call.charge(piece.len() / BYTES_PER_UNIT) {
                break;
            }
        }
        Ok(self.at >= text.len())
    }
}

impl Steps for Mapping {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let text = text_argument(call, 0);
        if self.advance(call, text)? {
            let result = std::mem::take(&mut self.result);
            call.finish(result)
        } else {
            call.again()
        }
    }
}

/// Returns the part of a text that is converted at once: complete words if they are not too long,
/// since the conversion of a letter may depend on its neighbours; never a part of a character.
fn piece(text: &[u8]) -> &[u8] {
    const MAX_PART: usize = 16 << 10;
    let Some(piece) = text.get(..MAX_PART).filter(|piece| piece.len() < text.len()) else {
        return text;
    };
    let is_continuation = |byte: &&u8| **byte & 0xc0 == 0x80;
    let space = piece.iter().rposition(u8::is_ascii_whitespace);
    let end = space.map_or_else(
        // The byte after the part is the first one that may belong to a character in it.
        || {
            MAX_PART
                - text
                    .get(MAX_PART - 3..=MAX_PART)
                    .map_or(0, |last| last.iter().rev().take_while(is_continuation).count().min(3))
        },
        |space| space + 1,
    );
    piece.get(..end).unwrap_or(piece)
}

fn lower<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<Either<AccountedBuffer, Start<Mapping>>, Error> {
    map(call, text, |text, _| text.to_lowercase())
}

fn upper<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<Either<AccountedBuffer, Start<Mapping>>, Error> {
    map(call, text, |text, _| text.to_uppercase())
}

/// `text.title(s)`: converts the first letter of each word to upper case.
fn title<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<Either<AccountedBuffer, Start<Mapping>>, Error> {
    map(call, text, |text, in_word| {
        let mut result = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_alphabetic() && !*in_word {
                result.extend(c.to_uppercase());
            } else {
                result.push(c);
            }
            *in_word = c.is_alphanumeric() || c == '_' || c == '\'';
        }
        result
    })
}

/// `text.split(s[, separator])`: returns the parts between the separators; without a separator, the
/// words.
fn split<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    separator: Option<LuaString<'c>>,
) -> Result<Either<Table<'c>, StartWith<'c, Splitting>>, Error> {
    let table = call.table(0, 0)?;
    let mut splitting = Splitting { rest: Some(0), count: 0 };
    if splitting.advance(call, text.bytes(), separator.map(LuaString::bytes), table)? {
        return Ok(Either::Now(table));
    }
    Ok(Either::Later(Start::new(splitting).keep(table.value())))
}

/// A split in progress. Its kept value is the list.
struct Splitting {
    /// The start of the rest; None at the end.
    rest: Option<usize>,
    count: usize,
}

impl Splitting {
    /// Splits until the end or until the budget is used up. Returns true at the end.
    fn advance<'c>(
        &mut self,
        call: &mut Call<'c>,
        text: &[u8],
        separator: Option<&[u8]>,
        list: Table<'c>,
    ) -> Result<bool, Error> {
        const PARTS_PER_CHECK: usize = 64;
        const UNITS_PER_PART: usize = 8;
        let finder = separator.filter(|separator| !separator.is_empty()).map(|separator| {
            charge_search(call, separator);
            memmem::Finder::new(separator)
        });
        loop {
            let began = self.rest.unwrap_or(text.len());
            for _ in 0..PARTS_PER_CHECK {
                let Some(part) = self.next(text, separator, finder.as_ref()) else {
                    return Ok(true);
                };
                let part = call.string(part)?;
                self.count += 1;
                list.set_index(call, self.count, part.value())?;
            }
            let passed = self.rest.unwrap_or(text.len()) - began;
            if !call.charge(PARTS_PER_CHECK * UNITS_PER_PART + passed / 64) {
                return Ok(false);
            }
        }
    }

    /// Returns the next part. The finder belongs to a separator that is not empty.
    fn next<'t>(
        &mut self,
        text: &'t [u8],
        separator: Option<&[u8]>,
        finder: Option<&memmem::Finder>,
    ) -> Option<&'t [u8]> {
        let start = self.rest?;
        let rest = text.get(start..)?;
        let (part, after) = match (separator, finder) {
            (Some(separator), Some(finder)) => match finder.find(rest) {
                Some(end) => (rest.get(..end)?, Some(start + end + separator.len())),
                None => (rest, None),
            },
            (None, _) => {
                let word = rest.trim_ascii_start();
                let end = word.iter().position(u8::is_ascii_whitespace).unwrap_or(word.len());
                (word.get(..end)?, Some(start + (rest.len() - word.len()) + end))
            }
            (Some(_), None) => {
                // A character has at most four bytes; invalid bytes are taken one at a time.
                let chunk = rest.get(..4).unwrap_or(rest).utf8_chunks().next();
                let length =
                    chunk.and_then(|chunk| chunk.valid().chars().next()).map_or(1, char::len_utf8);
                (rest.get(..length.min(rest.len()))?, Some(start + length))
            }
        };
        // Words and characters are never empty; parts between separators may be.
        if part.is_empty() && separator.is_none_or(<[u8]>::is_empty) {
            self.rest = None;
            return None;
        }
        self.rest = after;
        Some(part)
    }
}

impl Steps for Splitting {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let text = text_argument(call, 0);
        let separator = match call.argument(1) {
            Some(value) if !value.is_nil() => Some(text_argument(call, 1)),
            _ => None,
        };
        let list = call.kept(0);
        match Table::from_value(list) {
            Some(table) if !self.advance(call, text, separator, table)? => call.again(),
            _ => call.finish(list),
        }
    }
}

/// `text.join(list[, separator])`: joins the strings and numbers of a list.
fn join<'c>(
    call: &mut Call<'c>,
    list: Table<'c>,
    separator: Option<LuaString<'c>>,
) -> Result<AccountedBuffer, Error> {
    let separator = separator.map_or(&b""[..], LuaString::bytes);
    let length = list.length();
    call.charge(length);
    let mut text = AccountedBuffer::default();
    for i in 1..=length {
        let value = list.get(i);
        match (LuaString::from_value(value), value.as_number()) {
            (Some(part), _) => text.push(call, part.bytes())?,
            (None, Some(x)) => text.push(call, &NumberText::new(x))?,
            _ => {
                let reason =
                    format!("item {i}: string or number expected, got {}", value.type_name());
                return Err(Error::argument(1, reason));
            }
        }
        if i < length {
            text.push(call, separator)?;
        }
    }
    Ok(text)
}

/// `text.replace(s, old, new[, count])`: replaces each `old`, or the first `count` of them. `old`
/// is not a pattern.
fn replace<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    old: LuaString<'c>,
    new: LuaString<'c>,
    count: Option<Integer>,
) -> Result<LuaString<'c>, Error> {
    charge(call, text);
    let (bytes, old, new) = (text.bytes(), old.bytes(), new.bytes());
    charge_search(call, old);
    if old.is_empty() {
        return Err(Error::argument(2, "search string is empty"));
    }
    let count = count.map_or(usize::MAX, |count| count.size().unwrap_or(0));
    let found = memmem::find_iter(bytes, old).take(count).count();
    let length = (bytes.len() - found * old.len()).saturating_add(found.saturating_mul(new.len()));
    let mut result = with_room(call, length)?;
    call.charge(length / 64);
    let mut rest = 0;
    for at in memmem::find_iter(bytes, old).take(found) {
        result.extend_from_slice(bytes.get(rest..at).unwrap_or_default());
        result.extend_from_slice(new);
        rest = at + old.len();
    }
    if rest == 0 {
        return Ok(text);
    }
    result.extend_from_slice(bytes.get(rest..).unwrap_or_default());
    call.string(&result)
}

fn contains<'c>(call: &mut Call<'c>, text: LuaString<'c>, part: LuaString<'c>) -> bool {
    charge_search(call, part.bytes());
    memmem::find(text.bytes(), part.bytes()).is_some()
}

/// Charges for the preparation of a search.
fn charge_search(call: &mut Call, part: &[u8]) {
    call.charge(part.len() / 2);
}

fn starts_with<'c>(_: &mut Call<'c>, Unread(text): Unread<'c>, part: LuaString<'c>) -> bool {
    text.bytes().starts_with(part.bytes())
}

fn ends_with<'c>(_: &mut Call<'c>, Unread(text): Unread<'c>, part: LuaString<'c>) -> bool {
    text.bytes().ends_with(part.bytes())
}

/// Returns the number of characters; each invalid byte counts as one.
fn width(text: &[u8]) -> usize {
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// Returns the padding up to a number of characters.
fn padding<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    wanted: Integer,
    pad: Option<LuaString<'c>>,
) -> Result<Vec<u8>, Error> {
    charge(call, text);
    let pad = pad.map_or(&b" "[..], LuaString::bytes);
    call.charge(pad.len() / BYTES_PER_UNIT);
    if pad.is_empty() {
        return Err(Error::argument(3, "pad string is empty"));
    }
    let missing = wanted.size().unwrap_or(0).saturating_sub(width(text.bytes()));
    let widest = pad
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars())
        .map(char::len_utf8)
        .max()
        .unwrap_or(1);
    // The padding, and twice the result: the buffer and the string.
    let length = missing.saturating_mul(widest);
    call.check_memory(
        length.saturating_mul(3).saturating_add(text.bytes().len().saturating_mul(2)),
    )?;
    call.charge(missing / BYTES_PER_UNIT);
    match std::str::from_utf8(pad) {
        Ok(pad) => Ok(pad.chars().cycle().take(missing).collect::<String>().into_bytes()),
        Err(_) => Ok(pad.iter().copied().cycle().take(missing).collect()),
    }
}

/// `text.pad_left(s, width[, pad])`: pads at the start to `width` characters.
fn pad_left<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    width: Integer,
    pad: Option<LuaString<'c>>,
) -> Result<Vec<u8>, Error> {
    Ok([&padding(call, text, width, pad)?, text.bytes()].concat())
}

/// `text.pad_right(s, width[, pad])`: pads at the end to `width` characters.
fn pad_right<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    width: Integer,
    pad: Option<LuaString<'c>>,
) -> Result<Vec<u8>, Error> {
    Ok([text.bytes(), &padding(call, text, width, pad)?].concat())
}

/// `text.repeat(s, count)`: repeats a text.
fn repeat<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    count: Integer,
) -> Result<Value<'c>, Error> {
    let count = count.size().unwrap_or(0);
    let length = text.bytes().len().saturating_mul(count);
    Ok(call.repeated_string(text.bytes(), length)?.value())
}
