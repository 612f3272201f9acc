//! `datetime`: timestamps, their formats, and date arithmetic.
//!
//! A timestamp is a number: seconds since the start of 1970 in UTC, as in `os.time`, with
//! microseconds as its fraction. Zones only matter for formatting, parsing, and adding days and
//! months.

mod layout;
mod read;
mod write;

use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Zoned};
use solvm_lua::os::local_zone;
use solvm_runtime::duration;
use solvm_runtime::host::host;
use solvm_runtime::name::Name;
use solvm_runtime::timer::seconds;
use solvm_vm::messages::shorten;
use solvm_vm::native::{FromLua, Library};
use solvm_vm::scheduler::Parked;
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::time::UNIX_EPOCH;

/// The library `datetime`.
pub static LIBRARY: Library = solvm_vm::library!("datetime" {
    "ANSIC" => text "Mon Jan _2 15:04:05 2006",
    "DateOnly" => text "2006-01-02",
    "DateTime" => text "2006-01-02 15:04:05",
    "Kitchen" => text "3:04PM",
    "RFC1123" => text "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z" => text "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339" => text "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano" => text "2006-01-02T15:04:05.999999999Z07:00",
    "RFC822" => text "02 Jan 06 15:04 MST",
    "RFC850" => text "Monday, 02-Jan-06 15:04:05 MST",
    "TimeOnly" => text "15:04:05",
    "UnixDate" => text "Mon Jan _2 15:04:05 MST 2006",
    "add" => add,
    "diff" => difference,
    "format" => format,
    "now" => now,
    "parse" => parse,
    "sleep" => sleep,
});

/// The default layout.
const DEFAULT_LAYOUT: &str = "2006-01-02T15:04:05.999999Z07:00";

/// `datetime.now()`: returns the current time.
fn now(call: &mut Call) -> Result<f64, Error> {
    let now = host(call)?.world.wall_clock();
    let seconds = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    };
    Ok((seconds * 1e6).round() / 1e6)
}

/// A timestamp as an argument.
struct TimeArgument(Timestamp);

impl FromLua for TimeArgument {
    type Item<'c> = TimeArgument;
    const EXPECTED: &'static str = "time in the years -9999 to 9999";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<TimeArgument> {
        let moment = value.to_number()?;
        // Digits beyond microseconds are rounding errors.
        Some(TimeArgument(Timestamp::from_microsecond(to_integer((moment * 1e6).round())?).ok()?))
    }
}

/// Converts a number without a fraction to an integer.
fn to_integer(x: f64) -> Option<i64> {
    (x.fract() == 0.0 && x.abs() <= 9e18).then_some(x as i64)
}

fn to_seconds(moment: Timestamp) -> f64 {
    moment.as_microsecond() as f64 / 1e6
}

/// A zone as an argument: a name ("Europe/Berlin", "UTC", "Local") or an offset ("+02:00").
struct Zone<'c>(&'c str);

impl FromLua for Zone<'_> {
    type Item<'c> = Zone<'c>;
    const EXPECTED: &'static str = "name of a time zone";

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Zone<'c>> {
        let name = Name::check(LuaString::from_value(value)?).ok()?;
        call.charge_for_string(value);
        std::str::from_utf8(name.bytes()).ok().map(Zone)
    }
}

/// Returns the zone that argument `index` names; the program's zone if it is missing.
fn zone_of<'c>(
    call: &mut Call<'c>,
    index: usize,
    zone: Option<Zone<'c>>,
) -> Result<TimeZone, Error> {
    let Some(Zone(name)) = zone.filter(|zone| zone.0 != "Local") else {
        return Ok(local_zone(&mut *host(call)?.world));
    };
    if let Some(offset) = parse_offset(name) {
        return Ok(offset.to_time_zone());
    }
    TimeZone::get(name).map_err(|_| Error::argument(index, format!("unknown time zone '{name}'")))
}

/// Parses `+hh:mm` or `-hh:mm`.
fn parse_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |digits: &str, most| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i32>().ok().filter(|number| is_number && *number <= most)
    };
    Offset::from_seconds(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60)).ok()
}

/// Longer layouts are rejected: each of their bytes may be a field.
const LONGEST_LAYOUT: usize = 64 << 10;
/// Units charged per byte of a layout.
const UNITS_PER_BYTE_OF_LAYOUT: usize = 8;

/// A layout as an argument: in Go's format, or in strftime's if it contains `%`.
struct Layout<'c>(&'c str);

impl FromLua for Layout<'_> {
    type Item<'c> = Layout<'c>;
    const EXPECTED: &'static str = "layout";

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Layout<'c>> {
        let text = LuaString::from_value(value)?.bytes();
        call.charge(text.len() * UNITS_PER_BYTE_OF_LAYOUT);
        std::str::from_utf8(text).ok().map(Layout)
    }
}

impl Layout<'_> {
    fn is_strftime(&self) -> bool {
        self.0.contains('%')
    }

    /// Formats a timestamp. Fails if the layout is invalid.
    fn write(&self, moment: &Zoned) -> Result<String, Error> {
        if self.0.len() > LONGEST_LAYOUT {
            let text = format!("the layout is longer than {LONGEST_LAYOUT} bytes");
            return Err(Error::argument(2, text));
        }
        if !self.is_strftime() {
            return Ok(write::write(moment, self.0));
        }
        let unknown = |_| Error::argument(2, format!("layout '{}': invalid conversion", self.0));
        strtime::format(self.0, moment).map_err(unknown)
    }
}

/// `datetime.format(moment[, layout[, zone]])`: formats a timestamp.
fn format<'c>(
    call: &mut Call<'c>,
    moment: TimeArgument,
    layout: Option<Layout<'c>>,
    zone: Option<Zone<'c>>,
) -> Result<String, Error> {
    let zone = zone_of(call, 3, zone)?;
    layout.unwrap_or(Layout(DEFAULT_LAYOUT)).write(&moment.0.to_zoned(zone))
}

/// `datetime.parse(text[, layout[, zone]])`: parses a timestamp; nil and a message if the text does
/// not match.
fn parse<'c>(
    call: &mut Call<'c>,
    text: Name<'c>,
    layout: Option<Layout<'c>>,
    zone: Option<Zone<'c>>,
) -> Result<(Option<f64>, Option<String>), Error> {
    let zone = zone_of(call, 3, zone)?;
    if let Some(layout) = &layout {
        // A layout that cannot be written is invalid for any text.
        layout.write(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))?;
    }
    let shown = String::from_utf8_lossy(text.bytes());
    let found = match &layout {
        None => {
            parse_standard(&shown, zone).ok_or_else(|| "not an ISO 8601 date or time".to_string())
        }
        Some(layout) if layout.is_strftime() => parse_strftime(&shown, layout.0, zone),
        Some(layout) => read::read(&shown, layout.0, &zone),
    };
    Ok(match found {
        Ok(moment) => (Some(to_seconds(moment)), None),
        Err(reason) => {
            let shown = shorten(text.bytes());
            let shown = String::from_utf8_lossy(&shown);
            (None, Some(format!("cannot parse '{shown}': {reason}")))
        }
    })
}

/// Parses a date, or a date and time, as in ISO 8601 and RFC 3339, with or without an offset.
fn parse_standard(text: &str, zone: TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let date = text.parse::<civil::DateTime>().ok()?;
    date.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

fn parse_strftime(text: &str, layout: &str, zone: TimeZone) -> Result<Timestamp, String> {
    let parts =
        strtime::parse(layout, text).map_err(|_| format!("does not match layout '{layout}'"))?;
    if let Ok(moment) = parts.to_timestamp() {
        return Ok(moment);
    }
    let date = match (parts.to_datetime(), parts.to_date()) {
        (Ok(date), _) => date,
        (Err(_), Ok(date)) => date.into(),
        (Err(_), Err(_)) => return Err(format!("not a valid date for layout '{layout}'")),
    };
    date.to_zoned(zone).map(|zoned| zoned.timestamp()).map_err(|_| "out of range".into())
}

/// The fields of a duration table: their names, and their months, days and seconds.
const PARTS: [(&str, [f64; 3]); 7] = [
    ("years", [12.0, 0.0, 0.0]),
    ("months", [1.0, 0.0, 0.0]),
    ("weeks", [0.0, 7.0, 0.0]),
    ("days", [0.0, 1.0, 0.0]),
    ("hours", [0.0, 0.0, 3600.0]),
    ("minutes", [0.0, 0.0, 60.0]),
    ("seconds", [0.0, 0.0, 1.0]),
];

/// `datetime.add(moment, duration[, zone])`: adds a duration to a timestamp.
fn add<'c>(
    call: &mut Call<'c>,
    moment: TimeArgument,
    duration: Value<'c>,
    zone: Option<Zone<'c>>,
) -> Result<f64, Error> {
    let out_of_range = || Error::argument(2, "resulting time is out of range");
    let zone = zone_of(call, 3, zone)?;
    let [months, days, seconds] = match Table::from_value(duration) {
        Some(parts) => sum(parts)?,
        None => [0.0, 0.0, duration_seconds(call, duration)?],
    };
    let moved = later(&moment.0.to_zoned(zone), months, days).ok_or_else(out_of_range)?.timestamp();
    let micros = to_integer((seconds * 1e6).round()).ok_or_else(out_of_range)?;
    let micros = moved.as_microsecond().checked_add(micros).ok_or_else(out_of_range)?;
    Ok(to_seconds(Timestamp::from_microsecond(micros).map_err(|_| out_of_range())?))
}

/// Returns a duration in seconds: a number of them, or a string in Go's format ("1h30m", "-5s").
fn duration_seconds<'c>(call: &mut Call<'c>, duration: Value<'c>) -> Result<f64, Error> {
    call.charge_for_string(duration);
    if let Some(seconds) = duration.as_number() {
        return Ok(seconds);
    }
    let text = LuaString::from_value(duration).and_then(|text| Name::check(text).ok());
    let text = text.and_then(|text| std::str::from_utf8(text.bytes()).ok());
    let Some(text) = text else {
        let expected = "number of seconds, duration or table of fields expected, got";
        return Err(Error::argument(2, format!("{expected} {}", duration.type_name())));
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match duration::parse(digits) {
        Some(duration) => Ok(sign * duration.as_secs_f64()),
        None => Err(Error::argument(
            2,
            format!("invalid duration '{text}' (expected e.g. 300ms, 10s, 1h30m)"),
        )),
    }
}

/// Returns the months, days and seconds of a duration table.
fn sum(parts: Table<'_>) -> Result<[f64; 3], Error> {
    let mut sum = [0.0; 3];
    for (key, value) in parts.pairs() {
        let name = LuaString::from_value(key).map_or(&b"?"[..], LuaString::bytes);
        let Some((part, factors)) = PARTS.into_iter().find(|(part, _)| part.as_bytes() == name)
        else {
            let known = PARTS.map(|(part, _)| part).join(", ");
            let reason = format!(
                "unknown field '{}' (expected one of {known})",
                String::from_utf8_lossy(&shorten(name))
            );
            return Err(Error::argument(2, reason));
        };
        let Some(count) = value.to_number() else {
            return Err(Error::argument(
                2,
                format!("field '{part}': number expected, got {}", value.type_name()),
            ));
        };
        if factors[2] == 0.0 && to_integer(count).is_none() {
            return Err(Error::argument(2, format!("'{part}' must be a whole number")));
        }
        for (total, factor) in sum.iter_mut().zip(factors) {
            *total += factor * count;
        }
    }
    Ok(sum)
}

/// Adds months and days in the calendar of the zone. In a month without that day the result is its
/// last day.
fn later(moment: &Zoned, months: f64, days: f64) -> Option<Zoned> {
    let months = Span::new().try_months(to_integer(months)?).ok()?;
    let days = Span::new().try_days(to_integer(days)?).ok()?;
    moment.checked_add(months).ok()?.checked_add(days).ok()
}

/// `datetime.diff(a, b)`: returns `a - b` in seconds.
fn difference(_: &mut Call, a: TimeArgument, b: TimeArgument) -> f64 {
    (a.0.as_microsecond() - b.0.as_microsecond()) as f64 / 1e6
}

/// `datetime.sleep(duration)`: suspends the goroutine for a number of seconds, or a duration such
/// as "1m30s".
fn sleep<'c>(call: &mut Call<'c>, duration: Value<'c>) -> Result<Parked, Error> {
    call.charge_for_string(duration);
    let time = match (duration.as_number(), LuaString::from_value(duration)) {
        (Some(time), _) => seconds(1, time)?,
        (None, Some(text)) => {
            let text = Name::argument(text, 1)?;
            let text = String::from_utf8_lossy(text.bytes());
            let reason = || {
                Error::argument(
                    1,
                    format!("invalid duration '{text}' (expected e.g. 300ms, 10s, 1m30s)"),
                )
            };
            duration::parse(&text).ok_or_else(reason)?
        }
        _ => {
            let expected = "number of seconds or duration expected, got";
            return Err(Error::argument(1, format!("{expected} {}", duration.type_name())));
        }
    };
    call.sleep(time)
}
