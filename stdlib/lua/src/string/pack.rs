//! `string.pack`, `string.packsize` and `string.unpack` (Lua 5.3, section 6.4.2).
//!
//! Numbers are doubles, so integers beyond 2^53 are rounded when they are read. Sizes are those of
//! 64-bit C, whatever the host, so that data can be exchanged. Messages are Lua's; `compat53` has
//! the same functions, with the messages of its version.

use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::name::Name;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Param, Rest, Unread};
use solvm_vm::{Call, Error, LuaString, Value};

/// The size of Lua's integers in bytes.
const INTEGER: usize = 8;
/// The largest integer and alignment.
const MAX_INTEGER: usize = 16;
/// The largest size of a format's result.
const MAX_SIZE: usize = i32::MAX as usize;
/// Options are charged in groups of this size.
const OPTIONS_PER_UNIT: usize = 4;

/// An option of a format.
#[derive(Clone, Copy)]
enum Item {
    Signed,
    Unsigned,
    Float,
    Double,
    /// A string of a fixed size.
    Characters,
    /// A string after its length.
    Counted,
    Terminated,
    Padding,
    Align,
    /// It sets a mode only.
    Nothing,
}

/// A format that is being read, with the modes that its options have set.
struct Format<'c> {
    text: &'c [u8],
    at: usize,
    is_little: bool,
    max_alignment: usize,
    /// Options since the budget was charged.
    options: usize,
}

/// An option, the size of its value, and how many bytes of padding precede it.
struct Next {
    item: Item,
    size: usize,
    padding: usize,
}

impl<'c> Format<'c> {
    fn new(text: &'c [u8]) -> Self {
        Format {
            text,
            at: 0,
            is_little: cfg!(target_endian = "little"),
            max_alignment: 1,
            options: 0,
        }
    }

    /// The number at the current position; a larger one than any size saturates.
    fn number(&mut self) -> Option<usize> {
        let mut number: Option<usize> = None;
        while let Some(digit) = self.text.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let before = number.unwrap_or(0);
            if before > (MAX_SIZE - 9) / 10 {
                break;
            }
            number = Some(before * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    fn integer_size(&mut self, default: usize) -> Result<usize, Error> {
        match self.number().unwrap_or(default) {
            size @ 1..=MAX_INTEGER => Ok(size),
            size => {
                Err(Error::text(format!("integral size ({size}) out of limits [1,{MAX_INTEGER}]")))
            }
        }
    }

    /// The next option and the size of its value.
    fn option(&mut self, option: u8) -> Result<(Item, usize), Error> {
        Ok(match option {
            b'b' => (Item::Signed, 1),
            b'B' => (Item::Unsigned, 1),
            b'h' => (Item::Signed, 2),
            b'H' => (Item::Unsigned, 2),
            b'l' | b'j' => (Item::Signed, INTEGER),
            b'L' | b'J' | b'T' => (Item::Unsigned, INTEGER),
            b'i' => (Item::Signed, self.integer_size(4)?),
            b'I' => (Item::Unsigned, self.integer_size(4)?),
            b's' => (Item::Counted, self.integer_size(8)?),
            b'f' => (Item::Float, 4),
            b'd' | b'n' => (Item::Double, 8),
            b'c' => match self.number() {
                Some(size) => (Item::Characters, size),
                None => return Err(Error::text("missing size for format option 'c'")),
            },
            b'z' => (Item::Terminated, 0),
            b'x' => (Item::Padding, 1),
            b'X' => (Item::Align, 0),
            b' ' => (Item::Nothing, 0),
            b'<' => {
                self.is_little = true;
                (Item::Nothing, 0)
            }
            b'>' => {
                self.is_little = false;
                (Item::Nothing, 0)
            }
            b'=' => {
                self.is_little = cfg!(target_endian = "little");
                (Item::Nothing, 0)
            }
            b'!' => {
                self.max_alignment = self.integer_size(8)?;
                (Item::Nothing, 0)
            }
            other => {
                return Err(Error::text([b"invalid format option '", &[other][..], b"'"].concat()));
            }
        })
    }

    /// The next option, for a value at offset `total`. None at the end of the format.
    fn next(&mut self, call: &mut Call, total: usize) -> Result<Option<Next>, Error> {
        let Some(&option) = self.text.get(self.at) else { return Ok(None) };
        self.at += 1;
        self.options += 1;
        if self.options.is_multiple_of(OPTIONS_PER_UNIT) {
            call.charge(1);
        }
        let (item, size) = self.option(option)?;
        let mut alignment = size;
        if let Item::Align = item {
            let aligned = match self.text.get(self.at) {
                Some(&next) => {
                    self.at += 1;
                    self.option(next)?
                }
                None => (Item::Characters, 0),
            };
            alignment = aligned.1;
            if matches!(aligned.0, Item::Characters) || alignment == 0 {
                return Err(Error::argument(1, "invalid next option for option 'X'"));
            }
        }
        let is_aligned = matches!(
            item,
            Item::Signed
                | Item::Unsigned
                | Item::Float
                | Item::Double
                | Item::Counted
                | Item::Align
        );
        let alignment = alignment.min(self.max_alignment);
        let padding = if alignment <= 1 || !is_aligned {
            0
        } else if !alignment.is_power_of_two() {
            return Err(Error::argument(1, "format asks for alignment not power of 2"));
        } else {
            total.next_multiple_of(alignment) - total
        };
        Ok(Some(Next { item, size, padding }))
    }
}

/// The bytes of an integer of that size.
fn integer_bytes(value: i64, size: usize, is_little: bool) -> ([u8; MAX_INTEGER], usize) {
    let mut bytes = i128::from(value).to_le_bytes();
    if !is_little && let Some(used) = bytes.get_mut(..size) {
        used.reverse();
    }
    (bytes, size)
}

/// `string.pack(format, ...)`: the values as bytes.
pub fn pack<'c>(
    call: &mut Call<'c>,
    format: Name<'c>,
    _values: Rest,
) -> Result<AccountedBuffer, Error> {
    let mut result = AccountedBuffer::default();
    let mut format = Format::new(format.bytes());
    let mut index = 1;
    while let Some(next) = format.next(call, result.len())? {
        fill(call, &mut result, next.padding)?;
        match next.item {
            Item::Signed | Item::Unsigned => {
                let Truncated(value) = Truncated::take(call, &mut index)?;
                let limit = 1_i128 << (next.size * 8).min(120);
                let is_signed = matches!(next.item, Item::Signed);
                if next.size < INTEGER {
                    let value = i128::from(value);
                    if is_signed && !(-limit / 2..limit / 2).contains(&value) {
                        return Err(Error::argument(index, "integer overflow"));
                    }
                    if !is_signed && !(0..limit).contains(&value) {
                        return Err(Error::argument(index, "unsigned overflow"));
                    }
                }
                let (bytes, size) = integer_bytes(value, next.size, format.is_little);
                result.push(call, bytes.get(..size).unwrap_or(&bytes))?;
            }
            Item::Float => {
                let value = f64::take(call, &mut index)? as f32;
                let little = format.is_little;
                let bytes = if little { value.to_le_bytes() } else { value.to_be_bytes() };
                result.push(call, &bytes)?;
            }
            Item::Double => {
                let value = f64::take(call, &mut index)?;
                let little = format.is_little;
                let bytes = if little { value.to_le_bytes() } else { value.to_be_bytes() };
                result.push(call, &bytes)?;
            }
            Item::Characters => {
                let text = LuaString::take(call, &mut index)?.bytes();
                let Some(missing) = next.size.checked_sub(text.len()) else {
                    return Err(Error::argument(index, "string longer than given size"));
                };
                result.push(call, text)?;
                fill(call, &mut result, missing)?;
            }
            Item::Counted => {
                let text = LuaString::take(call, &mut index)?.bytes();
                let length = text.len() as i64;
                if next.size < INTEGER && length >= 1 << (next.size * 8) {
                    let text = "string length does not fit in given size";
                    return Err(Error::argument(index, text));
                }
                let (bytes, size) = integer_bytes(length, next.size, format.is_little);
                result.push(call, bytes.get(..size).unwrap_or(&bytes))?;
                result.push(call, text)?;
            }
            Item::Terminated => {
                let text = LuaString::take(call, &mut index)?.bytes();
                if memchr::memchr(0, text).is_some() {
                    return Err(Error::argument(index, "string contains zeros"));
                }
                result.push(call, text)?;
                result.push(call, &[0])?;
            }
            Item::Padding => result.push(call, &[0])?,
            Item::Align | Item::Nothing => {}
        }
    }
    Ok(result)
}

/// Appends zeros.
fn fill(call: &mut Call, buffer: &mut AccountedBuffer, mut count: usize) -> Result<(), Error> {
    const ZEROS: [u8; 256] = [0; 256];
    buffer.reserve(call, count)?;
    call.charge_bytes(count);
    while count > 0 {
        let part = count.min(ZEROS.len());
        buffer.push(call, ZEROS.get(..part).unwrap_or(&ZEROS))?;
        count -= part;
    }
    Ok(())
}

/// `string.packsize(format)`: the length of what `pack` gives.
pub fn pack_size<'c>(call: &mut Call<'c>, format: Name<'c>) -> Result<usize, Error> {
    let mut format = Format::new(format.bytes());
    let mut total = 0_usize;
    while let Some(next) = format.next(call, total)? {
        if matches!(next.item, Item::Counted | Item::Terminated) {
            return Err(Error::argument(1, "variable-length format"));
        }
        let size = next.size.saturating_add(next.padding);
        total = total.saturating_add(size);
        if total > MAX_SIZE {
            return Err(Error::argument(1, "format result too large"));
        }
    }
    Ok(total)
}

/// `string.unpack(format, data[, position])`: the values, and the position after them.
pub fn unpack<'c>(
    call: &mut Call<'c>,
    format: Name<'c>,
    Unread(data): Unread<'c>,
    position: Option<Truncated>,
) -> Result<Vec<Value<'c>>, Error> {
    const MAX_RESULTS: usize = 60_000;
    let data = data.bytes();
    let position = super::position(position.map_or(1, i64::from), data.len());
    let mut at = usize::try_from(position)
        .ok()
        .and_then(|position| position.checked_sub(1))
        .filter(|&at| at <= data.len())
        .ok_or_else(|| Error::argument(3, "initial position out of string"))?;
    let mut format = Format::new(format.bytes());
    let mut values = Vec::new();
    let too_short = || Error::argument(2, "data string too short");
    while let Some(next) = format.next(call, at)? {
        at = at.checked_add(next.padding).ok_or_else(too_short)?;
        let end = at.checked_add(next.size).ok_or_else(too_short)?;
        let bytes = data.get(at..end).ok_or_else(too_short)?;
        at = end;
        let value = match next.item {
            Item::Signed | Item::Unsigned => {
                let is_signed = matches!(next.item, Item::Signed);
                Value::number(read_integer(bytes, format.is_little, is_signed)? as f64)
            }
            Item::Float => {
                let mut array: [u8; 4] = bytes.try_into().map_err(|_| too_short())?;
                if !format.is_little {
                    array.reverse();
                }
                Value::number(f64::from(f32::from_le_bytes(array)))
            }
            Item::Double => {
                let mut array: [u8; 8] = bytes.try_into().map_err(|_| too_short())?;
                if !format.is_little {
                    array.reverse();
                }
                Value::number(f64::from_le_bytes(array))
            }
            Item::Characters => call.string(bytes)?.value(),
            Item::Counted => {
                let length = read_integer(bytes, format.is_little, false)?;
                let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
                let text = end.and_then(|end| data.get(at..end)).ok_or_else(too_short)?;
                at += text.len();
                call.string(text)?.value()
            }
            Item::Terminated => {
                let rest = data.get(at..).ok_or_else(too_short)?;
                let Some(length) = memchr::memchr(0, rest) else {
                    call.charge_for_reading(rest.len());
                    return Err(Error::argument(2, "unfinished string for format 'z'"));
                };
                at += length + 1;
                call.charge_for_reading(length);
                call.string(rest.get(..length).unwrap_or(rest))?.value()
            }
            Item::Padding | Item::Align | Item::Nothing => continue,
        };
        if values.len() == MAX_RESULTS {
            return Err(Error::argument(2, "too many results"));
        }
        values.push(value);
    }
    values.push(Value::number(at as f64 + 1.0));
    Ok(values)
}

/// The integer in these bytes, as the 64 bits of Lua's integers: an unsigned one of eight bytes
/// may be negative, as in Lua.
fn read_integer(bytes: &[u8], is_little: bool, is_signed: bool) -> Result<i64, Error> {
    let mut result = 0_u64;
    let digits = bytes.len().min(INTEGER);
    let at = |index: usize| {
        let index = if is_little { index } else { bytes.len() - 1 - index };
        bytes.get(index).copied().unwrap_or(0)
    };
    for index in (0..digits).rev() {
        result = result << 8 | u64::from(at(index));
    }
    if bytes.len() < INTEGER {
        if is_signed {
            let sign = 1_u64 << (bytes.len() * 8 - 1);
            result = (result ^ sign).wrapping_sub(sign);
        }
    } else {
        let extension = if is_signed && (result as i64) < 0 { 0xFF } else { 0 };
        if (INTEGER..bytes.len()).any(|index| at(index) != extension) {
            return Err(Error::text(format!(
                "{}-byte integer does not fit into Lua Integer",
                bytes.len()
            )));
        }
    }
    Ok(result as i64)
}
