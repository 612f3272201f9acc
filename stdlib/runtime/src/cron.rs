//! Schedules of `cron`: six fields, or names such as `@hourly`.
//!
//! The crate `croner` evaluates them. It does not report which field is invalid, so that is
//! determined here.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use std::time::SystemTime;

/// The names and ranges of the fields, in order.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 to 7 or SUN to SAT"),
];

/// Parses a schedule. The error is the reason why it is invalid.
pub(super) fn parse(text: &str) -> Result<Cron, String> {
    if text.starts_with('@') {
        let known =
            "@yearly, @annually, @monthly, @weekly, @daily, @hourly or @every with a duration";
        return parser(Seconds::Optional).parse(text).map_err(|_| format!("{known} expected"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let names = FIELDS.map(|(name, _)| name).join(", ");
        return Err(format!(
            "six fields expected ({names}) or a name such as @hourly, got {}",
            fields.len()
        ));
    }
    let wrong = (0..FIELDS.len()).find(|&place| !is_field(place, fields[place]));
    match (wrong, parser(Seconds::Required).parse(text)) {
        (None, Ok(cron)) => Ok(cron),
        (place, _) => {
            let place = place.unwrap_or_default();
            let (name, range) = FIELDS[place];
            let field = fields[place];
            Err(format!(
                "{name} '{field}': {range} expected, or *, a range (1-5), steps (*/5), \
                 or a list of these (1,3)"
            ))
        }
    }
}

fn parser(seconds: Seconds) -> CronParser {
    CronParser::builder().seconds(seconds).year(Year::Disallowed).dom_and_dow(false).build()
}

/// Whether a field is valid: whether a schedule is, in which the others match everything.
fn is_field(place: usize, field: &str) -> bool {
    let mut fields = ["*"; FIELDS.len()];
    fields[place] = field;
    // The crate ignores empty items of a list.
    field.split(',').all(|item| !item.is_empty())
        && parser(Seconds::Required).parse(&fields.join(" ")).is_ok()
}

/// Returns the time until the next match in local time. None if there is none.
pub(super) fn wait(cron: &Cron, now: SystemTime) -> Option<std::time::Duration> {
    let time = jiff::Timestamp::try_from(now).ok()?.to_zoned(jiff::tz::TimeZone::system());
    let next = cron.find_next_occurrence(&time, false).ok()?;
    next.timestamp().duration_since(time.timestamp()).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_fields_are_named() {
        for (text, expected) in [
            ("* * * * *", "six fields expected"),
            ("", "got 0"),
            ("61 * * * * *", "second '61': 0 to 59"),
            ("0 1,,2 * * * *", "minute '1,,2'"),
            ("0 0 ,1 * * *", "hour ',1'"),
            ("0 0 0 0 * *", "day of the month '0': 1 to 31"),
            ("0 0 0 * FOO *", "month 'FOO': 1 to 12 or JAN to DEC"),
            ("0 0 0 * * 8", "day of the week '8'"),
            ("0 0 5-1 * * *", "hour '5-1'"),
            ("*/0 * * * * *", "second '*/0'"),
            ("@sometimes", "@hourly"),
        ] {
            let reason = parse(text).map(|_| ()).unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        }
        for text in [
            "0 0 0 1,15 JAN-MAR MON,5",
            "*/5 1-9/2 * L * SUN#1",
            "@hourly",
            "@daily",
            "0 0 0 ? * 7",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn some_schedules_have_no_time() {
        for (text, comes) in
            [("0 0 0 30 2 *", false), ("0 0 0 31 2,4,6 *", false), ("0 0 0 29 2 *", true)]
        {
            let cron = parse(text).unwrap();
            assert_eq!(wait(&cron, SystemTime::now()).is_some(), comes, "{text}");
        }
    }
}
