//! `string` (manual, section 5.4).

mod format;
pub mod pack;
mod pattern;
mod search;
mod substitute;

pub(crate) use pattern::PatternCache;

use format::{ArgumentKind, Piece, Pieces, quote};
use smallvec::SmallVec;
use solvm_runtime::buffer::with_room;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Each, Either, Library, Param, Rest, Unread};
use solvm_vm::{Call, Dialect, Error, Function, LuaString, Value, messages};

/// The library `string`.
pub static LIBRARY: Library = solvm_vm::library!("string" {
    "byte" => byte,
    "char" => char,
    "dump" => dump,
    "find" => search::find,
    "format" => format,
    "gfind" => same_as "gmatch",
    "gmatch" => search::global_match,
    "gsub" => substitute::global_substitute,
    "len" => len,
    "lower" => lower,
    "match" => search::match_pattern,
    "pack" => pack::pack,
    "packsize" => pack::pack_size,
    "rep" => rep,
    "reverse" => reverse,
    "sub" => sub,
    "unpack" => pack::unpack,
    "upper" => upper,
});

/// Adds what the table of functions cannot express: it is the `__index` of strings.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    let key = call.string(LIBRARY.name.as_bytes())?;
    let library = call.globals().get(key);
    let metatable = call.table(0, 1)?;
    metatable.set_field(call, "__index", library)?;
    let any_string = key.value();
    call.set_metatable(any_string, Some(metatable));
    Ok(())
}

/// Returns an argument that was checked before, in the later steps of a native.
pub fn text_argument<'c>(call: &mut Call<'c>, index: usize) -> &'c [u8] {
    let Some(value) = call.argument(index) else { return &[] };
    let text = LuaString::from_value(value).or_else(|| call.number_string(value.as_number()?));
    text.map_or(&[], LuaString::bytes)
}

/// Converts a position for `sub` and others: negative ones count from the end.
fn position(at: i64, length: usize) -> i64 {
    if at < 0 { at + length as i64 + 1 } else { at }
}

/// Returns the range from `first` to `last`, both counted from 1, or from the end if negative.
fn range(length: usize, first: i64, last: i64) -> std::ops::Range<usize> {
    let first = position(first, length).max(1);
    let last = position(last, length).min(length as i64);
    if first > last { 0..0 } else { first as usize - 1..last as usize }
}

fn sub<'c>(
    call: &mut Call<'c>,
    Unread(text): Unread<'c>,
    Truncated(first): Truncated,
    last: Option<Truncated>,
) -> Result<LuaString<'c>, Error> {
    let bytes = text.bytes();
    let range = range(bytes.len(), first, last.map_or(-1, i64::from));
    call.string(&bytes[range])
}

fn byte<'c>(
    _: &mut Call<'c>,
    Unread(text): Unread<'c>,
    first: Option<Truncated>,
    last: Option<Truncated>,
) -> Result<Either<f64, Each<impl ExactSizeIterator<Item = Value<'c>> + use<'c>>>, Error> {
    let bytes = text.bytes();
    let first = first.map_or(1, i64::from);
    let range = range(bytes.len(), first, last.map_or(first, i64::from));
    match &bytes[range] {
        [one] => Ok(Either::Now(f64::from(*one))),
        many if many.len() > 60_000 => Err(Error::text("string slice too long")),
        many => Ok(Either::Later(Each(many.iter().map(|&byte| Value::number(f64::from(byte)))))),
    }
}

fn char<'c>(call: &mut Call<'c>, codes: Rest) -> Result<LuaString<'c>, Error> {
    let mut text = SmallVec::<[u8; 16]>::new();
    for (i, value) in codes.values(call).enumerate() {
        let Some(code) = value.to_number() else {
            return Err(Error::argument(
                i + 1,
                format!("number expected, got {}", value.type_name()),
            ));
        };
        text.push(u8::try_from(code as i64).map_err(|_| Error::argument(i + 1, "invalid value"))?);
    }
    call.string(&text)
}

/// The additional argument of later versions of Lua is ignored: debug information is stripped with
/// the source.
fn dump(call: &mut Call, _arguments: Rest) -> Result<Vec<u8>, Error> {
    if call.dialect() == Dialect::GopherLua {
        return Err(Error::text(messages::NO_DUMP));
    }
    let function = Function::take(call, &mut 0)?;
    call.dump(function)?.ok_or_else(|| Error::text("unable to dump given function"))
}

fn len<'c>(_: &mut Call<'c>, Unread(text): Unread<'c>) -> usize {
    text.bytes().len()
}

fn lower<'c>(_: &mut Call<'c>, text: LuaString<'c>) -> Vec<u8> {
    text.bytes().to_ascii_lowercase()
}

fn upper<'c>(_: &mut Call<'c>, text: LuaString<'c>) -> Vec<u8> {
    text.bytes().to_ascii_uppercase()
}

fn reverse<'c>(_: &mut Call<'c>, text: LuaString<'c>) -> Vec<u8> {
    text.bytes().iter().rev().copied().collect()
}

fn rep<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    Truncated(count): Truncated,
    separator: Option<LuaString<'c>>,
) -> Result<LuaString<'c>, Error> {
    let separator = separator.map_or(&b""[..], LuaString::bytes);
    let count = u64::try_from(count).unwrap_or(0);
    let text = text.bytes();
    // A saturated product is too long as well.
    let texts = count.saturating_mul(text.len() as u64);
    let length =
        texts.saturating_add(count.saturating_sub(1).saturating_mul(separator.len() as u64));
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if separator.is_empty() {
        return call.repeated_string(text, length);
    }
    call.repeated_string(&[text, separator].concat(), length)
}

/// `format`: C's `printf` for Lua values.
fn format<'c>(
    call: &mut Call<'c>,
    template: LuaString<'c>,
    _values: Rest,
) -> Result<Vec<u8>, Error> {
    let mut text = with_room(call, template.bytes().len() + 32)?;
    let mut index = 0;
    for piece in Pieces::new(template.bytes()) {
        let directive = match piece {
            Piece::Text(bytes) => {
                text.extend_from_slice(bytes);
                continue;
            }
            Piece::Directive(directive) => directive,
        };
        index += 1;
        let value = call.argument(index);
        if value.is_none() {
            return Err(Error::argument(index + 1, "no value"));
        }
        let directive = directive.map_err(|error| Error::text(error.message()))?;
        match directive.argument() {
            ArgumentKind::Number => {
                let mut next = index;
                let x = f64::take(call, &mut next)?;
                directive.number(x, &mut text);
            }
            kind => {
                let mut next = index;
                let string = LuaString::take(call, &mut next)?.bytes();
                match kind {
                    ArgumentKind::Quoted => quote(string, &mut text),
                    _ if directive.is_bare() => text.extend_from_slice(string),
                    _ => directive.string(string, &mut text),
                }
                call.check_memory(text.len())?;
            }
        }
    }
    Ok(text)
}
