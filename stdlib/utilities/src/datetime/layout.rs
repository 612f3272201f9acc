//! Layouts in Go's format: the reference time `Mon Jan 2 15:04:05 MST 2006` in the desired form.

/// A part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Half,
    LowerHalf,
    ZoneName,
    /// An offset from UTC.
    Offset(OffsetForm),
    /// A fraction of a second: its separator and the number of digits. If `exact`, all digits are
    /// written; otherwise trailing zeros are omitted.
    Fraction {
        separator: char,
        digits: usize,
        exact: bool,
    },
}

/// The format of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetForm {
    /// Whether `Z` represents UTC.
    pub(super) z: bool,
    /// Whether colons separate the parts.
    pub(super) colons: bool,
    /// The number of two-digit parts: hours, minutes, seconds.
    pub(super) parts: usize,
}

/// The names and numbers of layouts, longer ones before their prefixes.
const WORDS: &[(&str, Element)] = &[
    ("January", Element::LongMonth),
    ("Jan", Element::Month),
    ("Monday", Element::LongWeekday),
    ("Mon", Element::Weekday),
    ("MST", Element::ZoneName),
    ("01", Element::ZeroMonth),
    ("002", Element::ZeroYearDay),
    ("02", Element::ZeroDay),
    ("03", Element::ZeroHour12),
    ("04", Element::ZeroMinute),
    ("05", Element::ZeroSecond),
    ("06", Element::Year),
    ("15", Element::Hour),
    ("1", Element::NumberMonth),
    ("2006", Element::LongYear),
    ("2", Element::Day),
    ("__2", Element::SpaceYearDay),
    ("_2", Element::SpaceDay),
    ("3", Element::Hour12),
    ("4", Element::Minute),
    ("5", Element::Second),
    ("PM", Element::Half),
    ("pm", Element::LowerHalf),
];

/// The digits of offsets, after `Z` or `-`.
const OFFSETS: &[(&str, bool, usize)] = &[
    ("07:00:00", true, 3),
    ("070000", false, 3),
    ("07:00", true, 2),
    ("0700", false, 2),
    ("07", false, 1),
];

/// Returns the text before the first element of a layout, the element, and the rest. None if there
/// is no element.
pub(super) fn next(layout: &str) -> Option<(&str, Element, &str)> {
    layout.char_indices().find_map(|(at, _)| {
        let (before, rest) = layout.split_at(at);
        element(rest)
            .map(|(element, length)| (before, element, rest.get(length..).unwrap_or_default()))
    })
}

/// Returns the element at the start of a text, and its length.
fn element(text: &str) -> Option<(Element, usize)> {
    if let Some(digits) = text.strip_prefix(['Z', '-']) {
        let &(form, colons, parts) = OFFSETS.iter().find(|(form, ..)| digits.starts_with(form))?;
        let form_of = OffsetForm { z: text.starts_with('Z'), colons, parts };
        return Some((Element::Offset(form_of), 1 + form.len()));
    }
    if let Some(digits) = text.strip_prefix(['.', ',']) {
        let digit = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let count = digits.len() - digits.trim_start_matches(digit).len();
        // Further digits make it an ordinary number.
        if digits[count..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let separator = text.chars().next().unwrap_or('.');
        return Some((
            Element::Fraction { separator, digits: count.min(9), exact: digit == '0' },
            1 + count,
        ));
    }
    // "_2006" is a year after an underscore.
    if text.starts_with("_2006") {
        return None;
    }
    let &(word, element) = WORDS.iter().find(|(word, _)| text.starts_with(word))?;
    let after = &text[word.len()..];
    match element {
        // A longer word that starts with a name is text.
        Element::Month | Element::Weekday
            if after.starts_with(|c: char| c.is_ascii_lowercase()) =>
        {
            None
        }
        _ => Some((element, word.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        assert_eq!(next("at 15h"), Some(("at ", Element::Hour, "h")));
        assert_eq!(next("_2006"), Some(("_", Element::LongYear, "")));
        assert_eq!(next("Month"), None);
        assert_eq!(next("Janet 2"), Some(("Janet ", Element::Day, "")));
        assert_eq!(
            next(".0000x").map(|found| found.1),
            Some(Element::Fraction { separator: '.', digits: 4, exact: true })
        );
        assert_eq!(
            next("Z07:00").map(|found| found.1),
            Some(Element::Offset(OffsetForm { z: true, colons: true, parts: 2 }))
        );
    }
}
