//! Formats timestamps by Go's layouts.

use super::layout::{Element, OffsetForm, next};
use jiff::Zoned;
use std::fmt::Write;

pub(super) const MONTHS: [&str; 12] = [
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
pub(super) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Formats a timestamp.
pub(super) fn write(moment: &Zoned, layout: &str) -> String {
    let mut text = String::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while let Some((before, element, after)) = next(rest) {
        text.push_str(before);
        // Writing to a string does not fail.
        let _ = write_element(moment, element, &mut text);
        rest = after;
    }
    text.push_str(rest);
    text
}

fn write_element(moment: &Zoned, element: Element, text: &mut String) -> std::fmt::Result {
    let month = || MONTHS[(usize::from(moment.month().unsigned_abs()) + 11) % 12];
    let weekday = || WEEKDAYS[moment.weekday().to_monday_zero_offset() as usize % 7];
    let hour12 = || (moment.hour() + 11) % 12 + 1;
    match element {
        Element::LongMonth => text.write_str(month()),
        Element::Month => text.write_str(&month()[..3]),
        Element::NumberMonth => write!(text, "{}", moment.month()),
        Element::ZeroMonth => write!(text, "{:02}", moment.month()),
        Element::LongWeekday => text.write_str(weekday()),
        Element::Weekday => text.write_str(&weekday()[..3]),
        Element::Day => write!(text, "{}", moment.day()),
        Element::SpaceDay => write!(text, "{:2}", moment.day()),
        Element::ZeroDay => write!(text, "{:02}", moment.day()),
        Element::SpaceYearDay => write!(text, "{:3}", moment.day_of_year()),
        Element::ZeroYearDay => write!(text, "{:03}", moment.day_of_year()),
        Element::Hour => write!(text, "{:02}", moment.hour()),
        Element::Hour12 => write!(text, "{}", hour12()),
        Element::ZeroHour12 => write!(text, "{:02}", hour12()),
        Element::Minute => write!(text, "{}", moment.minute()),
        Element::ZeroMinute => write!(text, "{:02}", moment.minute()),
        Element::Second => write!(text, "{}", moment.second()),
        Element::ZeroSecond => write!(text, "{:02}", moment.second()),
        Element::LongYear => {
            let sign = if moment.year() < 0 { "-" } else { "" };
            write!(text, "{sign}{:04}", moment.year().unsigned_abs())
        }
        Element::Year => write!(text, "{:02}", moment.year().max(0) % 100),
        Element::Half => text.write_str(if moment.hour() < 12 { "AM" } else { "PM" }),
        Element::LowerHalf => text.write_str(if moment.hour() < 12 { "am" } else { "pm" }),
        Element::ZoneName => {
            text.write_str(moment.time_zone().to_offset_info(moment.timestamp()).abbreviation())
        }
        Element::Offset(form) => write_offset(moment.offset().seconds(), form, text),
        Element::Fraction { separator, digits, exact } => {
            let fraction = format!("{:09}", moment.subsec_nanosecond());
            let fraction = &fraction[..digits];
            let fraction = if exact { fraction } else { fraction.trim_end_matches('0') };
            if fraction.is_empty() { Ok(()) } else { write!(text, "{separator}{fraction}") }
        }
    }
}

fn write_offset(seconds: i32, form: OffsetForm, text: &mut String) -> std::fmt::Result {
    if form.z && seconds == 0 {
        return text.write_str("Z");
    }
    text.push(if seconds < 0 { '-' } else { '+' });
    let seconds = seconds.unsigned_abs();
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    for (i, part) in parts.into_iter().take(form.parts).enumerate() {
        if i > 0 && form.colons {
            text.push(':');
        }
        write!(text, "{part:02}")?;
    }
    Ok(())
}
