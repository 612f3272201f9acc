//! Dates of the Gregorian calendar, for any representable second.
//!
//! Invariant: the fields of a [`Date`] created from seconds are within their ranges. [`seconds_of`]
//! accepts any fields and normalizes those out of range, like `mktime`.

const DAY: i64 = 86_400;

/// A date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

/// Returns the number of days since 1970-01-01; months and days out of range are normalized.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    // In this calculation years start in March, so that the leap day is their last day, and repeat
    // after 400 years.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468 + day - 1
}

/// Returns the seconds since 1970 of a date; fields out of range are normalized. Their absolute
/// values must be less than 2^40.
pub(super) fn seconds_of(date: Date) -> i64 {
    day_number(date.year, date.month, date.day) * DAY
        + date.hour * 3600
        + date.minute * 60
        + date.second
}

impl Date {
    /// Returns the date of a second since 1970.
    pub(super) fn from_seconds(seconds: i64) -> Date {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let days = days + 719_468;
        let (era, days) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (days - days / 1460 + days / 36_524 - days / 146_096) / 365;
        let day_of_year = days - (365 * year + year / 4 - year / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        Date { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60 }
    }

    /// Returns the day of the year, from 0.
    pub(super) fn day_of_year(&self) -> i64 {
        day_number(self.year, self.month, self.day) - day_number(self.year, 1, 1)
    }

    /// Returns the day of the week, from Sunday = 0.
    pub(super) fn day_of_week(&self) -> i64 {
        (day_number(self.year, self.month, self.day) + 4).rem_euclid(7)
    }

    /// Returns the week of the year; weeks start on day `first` (Sunday = 0).
    pub(super) fn week_of_year(&self, first: i64) -> i64 {
        (self.day_of_year() + 7 - (self.day_of_week() - first).rem_euclid(7)) / 7
    }

    /// Returns the year and the week of ISO 8601: weeks start on Mondays, the first one contains
    /// the year's first Thursday.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = day_number(self.year, self.month, self.day) + 3
            - (self.day_of_week() + 6).rem_euclid(7);
        let thursday = Date::from_seconds(thursday * DAY);
        (thursday.year, thursday.day_of_year() / 7 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_seconds_are_inverse() {
        for seconds in (-200_000_000_000..200_000_000_000_i64).step_by(86_399 * 31) {
            assert_eq!(seconds_of(Date::from_seconds(seconds)), seconds);
        }
    }

    #[test]
    fn weeks_of_iso_8601_belong_to_the_year_of_their_thursday() {
        let week =
            |year, month, day| Date { year, month, day, hour: 0, minute: 0, second: 0 }.iso_week();
        assert_eq!(week(2005, 1, 1), (2004, 53));
        assert_eq!(week(2008, 12, 31), (2009, 1));
        assert_eq!(week(2010, 1, 3), (2009, 53));
        assert_eq!(week(2026, 6, 1), (2026, 23));
    }
}
