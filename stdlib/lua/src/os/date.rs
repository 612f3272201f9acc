//! `os.date` and `os.time`.

use super::calendar::Date;
use super::zone::{Offset, Zone};
use solvm_runtime::host::host;
use solvm_runtime::name::Name;
use solvm_vm::native::Indexed;
use solvm_vm::{Call, Error, Table, Value};
use std::time::UNIX_EPOCH;

/// Years that `struct tm` can represent.
const YEARS: std::ops::RangeInclusive<i64> = i32::MIN as i64 + 1900..=i32::MAX as i64 + 1900;
/// A time beyond all years.
const MAX_SECONDS: f64 = 1e17;

fn seconds_now(call: &mut Call) -> Result<i64, Error> {
    let now = host(call)?.world.wall_clock();
    Ok(match now.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    })
}

/// `os.date([format[, time]])`
pub(super) fn date<'c>(
    call: &mut Call<'c>,
    format: Option<Name<'c>>,
    time: Option<f64>,
) -> Result<Option<Value<'c>>, Error> {
    let format = format.map_or(&b"%c"[..], Name::bytes);
    let seconds = match time {
        Some(time) if time.abs() <= MAX_SECONDS => time as i64,
        Some(_) => return Ok(None),
        None => seconds_now(call)?,
    };
    let (format, offset) = match format.strip_prefix(b"!") {
        Some(rest) => (rest, Offset { seconds: 0, is_summer: false, name: "GMT".into() }),
        None => (format, Zone::local(&mut *host(call)?.world).offset(seconds)),
    };
    let zoned = ZonedDate { date: Date::from_seconds(seconds + offset.seconds), offset, seconds };
    if !YEARS.contains(&zoned.date.year) {
        return Ok(None);
    }
    if format.starts_with(b"*t") {
        return Ok(Some(zoned.table(call)?.value()));
    }
    let mut text = Vec::new();
    let mut rest = format.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'%' if !rest.as_slice().is_empty() => {
                let specifier = rest.next().copied().unwrap_or(b'%');
                zoned.write(&mut text, specifier);
            }
            _ => text.push(byte),
        }
    }
    Ok(Some(call.string(&text)?.value()))
}

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date and time in a zone.
struct ZonedDate {
    date: Date,
    offset: Offset,
    /// Since 1970.
    seconds: i64,
}

impl ZonedDate {
    fn table<'c>(&self, call: &mut Call<'c>) -> Result<Table<'c>, Error> {
        let date = &self.date;
        let table = call.table(0, 9)?;
        let fields = [
            ("sec", date.second),
            ("min", date.minute),
            ("hour", date.hour),
            ("day", date.day),
            ("month", date.month),
            ("year", date.year),
            ("wday", date.day_of_week() + 1),
            ("yday", date.day_of_year() + 1),
        ];
        for (name, value) in fields {
            table.set_field(call, name, value as f64)?;
        }
        table.set_field(call, "isdst", self.offset.is_summer)?;
        Ok(table)
    }

    fn hour_of_twelve(&self) -> i64 {
        (self.date.hour + 11) % 12 + 1
    }

    /// Formats a string with several specifiers.
    fn write_all(&self, text: &mut Vec<u8>, format: &str) {
        for byte in format.bytes() {
            if byte.is_ascii_alphabetic() { self.write(text, byte) } else { text.push(byte) }
        }
    }

    /// Formats a specifier like `strftime` in the locale "C"; an unknown one is written unchanged.
    fn write(&self, text: &mut Vec<u8>, specifier: u8) {
        let date = &self.date;
        let day =
            usize::try_from(date.day_of_week()).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"?");
        let month = usize::try_from(date.month - 1)
            .ok()
            .and_then(|month| MONTHS.get(month))
            .unwrap_or(&"?");
        let short = |name: &str| name.get(..3).unwrap_or("?").to_string();
        let is_morning = date.hour < 12;
        let written = match specifier {
            b'a' => short(day),
            b'A' => day.to_string(),
            b'b' | b'h' => short(month),
            b'B' => month.to_string(),
            b'c' => return self.write_all(text, "a b e T Y"),
            b'C' => format!("{:02}", date.year.div_euclid(100)),
            b'd' => format!("{:02}", date.day),
            b'D' | b'x' => return self.write_all(text, "m/d/y"),
            b'e' => format!("{:2}", date.day),
            b'F' => return self.write_all(text, "Y-m-d"),
            b'g' => format!("{:02}", date.iso_week().0.rem_euclid(100)),
            b'G' => date.iso_week().0.to_string(),
            b'H' => format!("{:02}", date.hour),
            b'I' => format!("{:02}", self.hour_of_twelve()),
            b'j' => format!("{:03}", date.day_of_year() + 1),
            b'k' => format!("{:2}", date.hour),
            b'l' => format!("{:2}", self.hour_of_twelve()),
            b'm' => format!("{:02}", date.month),
            b'M' => format!("{:02}", date.minute),
            b'n' => "\n".into(),
            b'p' => if is_morning { "AM" } else { "PM" }.into(),
            b'P' => if is_morning { "am" } else { "pm" }.into(),
            b'r' => return self.write_all(text, "I:M:S p"),
            b'R' => return self.write_all(text, "H:M"),
            b's' => self.seconds.to_string(),
            b'S' => format!("{:02}", date.second),
            b't' => "\t".into(),
            b'T' | b'X' => return self.write_all(text, "H:M:S"),
            b'u' => ((date.day_of_week() + 6) % 7 + 1).to_string(),
            b'U' => format!("{:02}", date.week_of_year(0)),
            b'V' => format!("{:02}", date.iso_week().1),
            b'w' => date.day_of_week().to_string(),
            b'W' => format!("{:02}", date.week_of_year(1)),
            b'y' => format!("{:02}", date.year.rem_euclid(100)),
            b'Y' => date.year.to_string(),
            b'z' => {
                let minutes = self.offset.seconds.abs() / 60;
                let sign = if self.offset.seconds < 0 { '-' } else { '+' };
                format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
            b'Z' => self.offset.name.clone(),
            b'%' => "%".into(),
            _ => return text.extend_from_slice(&[b'%', specifier]),
        };
        text.extend_from_slice(written.as_bytes());
    }
}

/// `os.time([table])`: returns the seconds since 1970 of the current time, or of a local date.
pub(super) fn time<'c>(
    call: &mut Call<'c>,
    table: Option<Table<'c>>,
) -> Result<Option<f64>, Error> {
    let Some(table) = table else { return Ok(Some(seconds_now(call)? as f64)) };
    let date = Date {
        second: field(call, table, "sec", Some(0))?,
        minute: field(call, table, "min", Some(0))?,
        hour: field(call, table, "hour", Some(12))?,
        day: field(call, table, "day", None)?,
        month: field(call, table, "month", None)?,
        year: field(call, table, "year", None)?,
    };
    let is_summer = lookup(call, table, "isdst")?;
    let is_summer = (!is_summer.is_nil()).then(|| is_summer.is_truthy());
    let seconds = Zone::local(&mut *host(call)?.world).seconds(date, is_summer);
    Ok(YEARS.contains(&Date::from_seconds(seconds).year).then_some(seconds as f64))
}

fn lookup<'c>(call: &mut Call<'c>, table: Table<'c>, name: &str) -> Result<Value<'c>, Error> {
    let key = call.string(name.as_bytes())?.value();
    match call.index(table.value(), key)? {
        Indexed::Value(value) => Ok(value),
        Indexed::Call(..) => Ok(table.get(key)),
    }
}

/// Returns a number in a date's table. Numbers out of the range of `struct tm` are clamped.
fn field<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    name: &str,
    default: Option<i64>,
) -> Result<i64, Error> {
    let value = lookup(call, table, name)?;
    match (value.to_number(), default) {
        (Some(number), _) => Ok((number as i64).clamp(i64::from(i32::MIN), i64::from(i32::MAX))),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Error::text(format!("field '{name}' missing in date table"))),
    }
}
