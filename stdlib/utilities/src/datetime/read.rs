//! Parses timestamps by Go's layouts.

use super::layout::{Element, OffsetForm, next};
use super::write::{MONTHS, WEEKDAYS};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// The parsed fields; missing ones are those of the start of 1970.
struct Fields {
    year: i16,
    month: i8,
    day: i8,
    day_of_year: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    /// Whether the hour is after noon.
    afternoon: Option<bool>,
    offset: Option<Offset>,
    /// The name of a zone in summer or in winter.
    zone_name: Option<String>,
}

/// Parses a text by a layout, in a zone unless the text contains one. The error is the reason.
pub(super) fn read(text: &str, layout: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let mut fields = Fields {
        year: 1970,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        afternoon: None,
        offset: None,
        zone_name: None,
    };
    let mut reader = Reader { rest: text };
    let mut layout = layout;
    while let Some((before, element, after)) = next(layout) {
        reader.text(before)?;
        reader.element(element, after, &mut fields)?;
        layout = after;
    }
    reader.text(layout)?;
    if !reader.rest.is_empty() {
        return Err(format!("unexpected text '{}'", reader.rest));
    }
    fields.moment(zone)
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn expected(&self, what: &str) -> String {
        if self.rest.is_empty() {
            format!("{what} expected at the end")
        } else {
            format!("{what} expected at '{}'", self.rest)
        }
    }

    /// Skips literal text of the layout. Spaces match any number of spaces.
    fn text(&mut self, text: &str) -> Result<(), String> {
        let mut literal = text;
        while !literal.is_empty() {
            if literal.starts_with(' ') {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return Err(self.expected("space"));
                }
                (literal, self.rest) =
                    (literal.trim_start_matches(' '), self.rest.trim_start_matches(' '));
                continue;
            }
            let end = literal.find(' ').unwrap_or(literal.len());
            let (word, after) = literal.split_at(end);
            self.rest =
                self.rest.strip_prefix(word).ok_or_else(|| self.expected(&format!("'{word}'")))?;
            literal = after;
        }
        Ok(())
    }

    /// Parses `least` to `most` digits.
    fn digits(&mut self, least: usize, most: usize, what: &str) -> Result<&'t str, String> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return Err(self.expected(what));
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(digits)
    }

    fn number<T: std::str::FromStr + PartialOrd>(
        &mut self,
        least: usize,
        most: usize,
        range: std::ops::RangeInclusive<T>,
        what: &str,
    ) -> Result<T, String> {
        let digits = self.digits(least, most, what)?;
        let number = digits.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("{what} out of range: {digits}"))
    }

    /// Parses one of `names`, or its abbreviation, in any case, and returns its index.
    fn name(&mut self, names: &[&str], is_short: bool, what: &str) -> Result<usize, String> {
        for (i, name) in names.iter().enumerate() {
            let name = if is_short { &name[..3] } else { name };
            if let Some(start) = self.rest.get(..name.len())
                && start.eq_ignore_ascii_case(name)
            {
                self.rest = &self.rest[name.len()..];
                return Ok(i);
            }
        }
        Err(self.expected(what))
    }

    /// Parses an element; `after` is the layout that follows it.
    fn element(
        &mut self,
        element: Element,
        after: &str,
        fields: &mut Fields,
    ) -> Result<(), String> {
        match element {
            Element::LongMonth => fields.month = 1 + self.name(&MONTHS, false, "month")? as i8,
            Element::Month => fields.month = 1 + self.name(&MONTHS, true, "month")? as i8,
            Element::NumberMonth => fields.month = self.number(1, 2, 1..=12, "month")?,
            Element::ZeroMonth => fields.month = self.number(2, 2, 1..=12, "month")?,
            // A weekday is implied by the date.
            Element::LongWeekday => drop(self.name(&WEEKDAYS, false, "weekday")?),
            Element::Weekday => drop(self.name(&WEEKDAYS, true, "weekday")?),
            Element::Day => fields.day = self.number(1, 2, 1..=31, "day")?,
            Element::ZeroDay => fields.day = self.number(2, 2, 1..=31, "day")?,
            Element::SpaceDay => {
                self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                fields.day = self.number(1, 2, 1..=31, "day")?;
            }
            Element::ZeroYearDay => {
                fields.day_of_year = Some(self.number(3, 3, 1..=366, "day of the year")?)
            }
            Element::SpaceYearDay => {
                self.rest = self.rest.trim_start_matches(' ');
                fields.day_of_year = Some(self.number(1, 3, 1..=366, "day of the year")?);
            }
            Element::Hour => fields.hour = self.number(2, 2, 0..=23, "hour")?,
            Element::Hour12 => fields.hour = self.number(1, 2, 0..=12, "hour")?,
            Element::ZeroHour12 => fields.hour = self.number(2, 2, 0..=12, "hour")?,
            Element::Minute => fields.minute = self.number(1, 2, 0..=59, "minute")?,
            Element::ZeroMinute => fields.minute = self.number(2, 2, 0..=59, "minute")?,
            Element::Second | Element::ZeroSecond => {
                let least = if element == Element::Second { 1 } else { 2 };
                fields.second = self.number(least, 2, 0..=59, "second")?;
                // As in Go, seconds may have a fraction that is not in the layout.
                let has_element = matches!(next(after), Some(("", Element::Fraction { .. }, _)));
                let has_fraction = self
                    .rest
                    .strip_prefix(['.', ','])
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                if !has_element && has_fraction {
                    self.fraction(1, 9, fields)?;
                }
            }
            Element::LongYear => fields.year = self.number(4, 4, 0..=9999, "year")?,
            Element::Year => {
                let year: i16 = self.number(2, 2, 0..=99, "year")?;
                fields.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Element::Half | Element::LowerHalf => {
                let names = if element == Element::Half { ["AM", "PM"] } else { ["am", "pm"] };
                fields.afternoon = Some(self.name(&names, false, "AM or PM")? == 1);
            }
            Element::ZoneName => {
                let end = self.rest.find(|c: char| {
                    !c.is_ascii_uppercase() && !c.is_ascii_digit() && !"+-".contains(c)
                });
                let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                if name.is_empty() {
                    return Err(self.expected("name of a zone"));
                }
                (fields.zone_name, self.rest) = (Some(name.to_string()), rest);
            }
            Element::Offset(form) => fields.offset = Some(self.offset(form)?),
            Element::Fraction { digits, exact: true, .. } => {
                self.fraction(digits, digits, fields)?
            }
            Element::Fraction { separator, .. } => {
                if self.rest.starts_with(separator) {
                    self.fraction(1, 9, fields)?;
                }
            }
        }
        Ok(())
    }

    /// Parses a separator and digits.
    fn fraction(&mut self, least: usize, most: usize, fields: &mut Fields) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(['.', ','])
            .ok_or_else(|| self.expected("fraction of a second"))?;
        let digits = self.digits(least, most, "fraction of a second")?;
        fields.nanosecond = format!("{digits:0<9}").parse().unwrap_or(0);
        // Digits beyond nanoseconds are skipped.
        if most == 9 {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        Ok(())
    }

    fn offset(&mut self, form: OffsetForm) -> Result<Offset, String> {
        if form.z
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            return Ok(Offset::UTC);
        }
        let sign = match self.rest.chars().next() {
            Some('+') => 1,
            Some('-') => -1,
            _ => return Err(self.expected("offset")),
        };
        self.rest = &self.rest[1..];
        let mut seconds = 0;
        for (i, unit) in [3600, 60, 1].into_iter().take(form.parts).enumerate() {
            if i > 0 && form.colons {
                self.text(":")?;
            }
            let most = if i == 0 { 24 } else { 59 };
            seconds += unit * self.number(2, 2, 0..=most, "offset")?;
        }
        Offset::from_seconds(sign * seconds).map_err(|_| "offset out of range".to_string())
    }
}

impl Fields {
    fn moment(self, zone: &TimeZone) -> Result<Timestamp, String> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let out_of_range =
            |_| format!("invalid date {:04}-{:02}-{:02}", self.year, self.month, self.day);
        let date = match self.day_of_year {
            None => DateTime::new(
                self.year,
                self.month,
                self.day,
                hour,
                self.minute,
                self.second,
                self.nanosecond,
            )
            .map_err(out_of_range)?,
            Some(day) => {
                DateTime::new(self.year, 1, 1, hour, self.minute, self.second, self.nanosecond)
                    .and_then(|date| date.with().day_of_year(day).build())
                    .map_err(|_| "day of the year out of range".to_string())?
            }
        };
        let zone = match (self.offset, self.zone_name) {
            (Some(offset), _) => offset.to_time_zone(),
            (None, Some(name)) => return named_zone(date, &name, zone),
            (None, None) => zone.clone(),
        };
        moment(date, zone)
    }
}

fn moment(date: DateTime, zone: TimeZone) -> Result<Timestamp, String> {
    date.to_zoned(zone).map(|zoned| zoned.timestamp()).map_err(|_| "time out of range".to_string())
}

/// Returns the time in the zone that has this name at that time: UTC or the given zone.
fn named_zone(date: DateTime, name: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if matches!(name, "UTC" | "GMT" | "Z") {
        return moment(date, TimeZone::UTC);
    }
    // A time that occurs twice has two candidates.
    let candidates = zone.to_ambiguous_zoned(date);
    let fitting = [candidates.clone().earlier(), candidates.later()].into_iter().flatten();
    let fits = |zoned: &Zoned| zone.to_offset_info(zoned.timestamp()).abbreviation() == name;
    match fitting.map(|zoned| (fits(&zoned), zoned.timestamp())).find(|(fits, _)| *fits) {
        Some((_, timestamp)) => Ok(timestamp),
        None => Err(format!("unknown zone '{name}' (use an offset or a name of the given zone)")),
    }
}
