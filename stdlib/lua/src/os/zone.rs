//! The local time zone from `TZ` or the OS.

use super::calendar::{Date, seconds_of};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use solvm_runtime::host::World;
use solvm_runtime::name::MAX_NAME;

/// A time zone.
pub(super) struct Zone(TimeZone);

/// The offset of a zone at a certain time.
pub(super) struct Offset {
    /// Seconds ahead of UTC.
    pub(super) seconds: i64,
    /// Whether it is summer time.
    pub(super) is_summer: bool,
    /// The zone's abbreviation at that time.
    pub(super) name: String,
}

/// Returns the zone of the program: the environment variable `TZ`, parsed like the C library does,
/// or the OS's zone.
pub fn local_zone(world: &mut dyn World) -> TimeZone {
    let Some(name) = world.variable(b"TZ") else { return TimeZone::system() };
    if name.len() > MAX_NAME {
        return TimeZone::UTC;
    }
    let name = String::from_utf8_lossy(&name).into_owned();
    let name = name.strip_prefix(':').unwrap_or(&name);
    let found = if name.is_empty() {
        Ok(TimeZone::UTC)
    } else {
        TimeZone::get(name).or_else(|_| TimeZone::posix(name))
    };
    found.unwrap_or(TimeZone::UTC)
}

impl Zone {
    /// Returns the zone of the program.
    pub(super) fn local(world: &mut dyn World) -> Zone {
        Zone(local_zone(world))
    }

    /// Returns the offset at a time in seconds since 1970. Outside the supported range it is that
    /// of the first or the last year.
    pub(super) fn offset(&self, seconds: i64) -> Offset {
        let info = self.0.to_offset_info(timestamp(seconds));
        Offset {
            seconds: i64::from(info.offset().seconds()),
            is_summer: info.dst().is_dst(),
            name: info.abbreviation().to_string(),
        }
    }

    /// Returns the seconds since 1970 of a local time. If it occurs twice or never, `is_summer`
    /// decides, as for `mktime`; without it, winter time is preferred.
    pub(super) fn seconds(&self, date: Date, is_summer: Option<bool>) -> i64 {
        let local = seconds_of(date);
        // Clocks change by less than a day, and at most once within a day.
        let before = self.offset(local - 86_400);
        let after = self.offset(local + 86_400);
        let shown = |offset: &Offset| self.offset(local - offset.seconds).seconds == offset.seconds;
        let fitting = [&before, &after].into_iter().filter(|offset| shown(offset));
        let offset = match is_summer {
            None => fitting
                .min_by_key(|offset| offset.is_summer)
                .map_or(before.seconds, |offset| offset.seconds),
            Some(expected) => {
                let current =
                    fitting.min_by_key(|offset| offset.is_summer != expected).unwrap_or(&before);
                if current.is_summer == expected {
                    current.seconds
                } else {
                    self.nearest(local, expected).unwrap_or(current.seconds)
                }
            }
        };
        local - offset
    }

    /// Returns the offset of the nearest summer time, or winter time; None if the zone has none.
    fn nearest(&self, seconds: i64, is_summer: bool) -> Option<i64> {
        const FEW: usize = 8;
        let near = timestamp(seconds);
        let before =
            self.0.preceding(near).take(FEW).map(|change| change.timestamp().as_second() - 1);
        let after = self.0.following(near).take(FEW).map(|change| change.timestamp().as_second());
        let fitting =
            before.chain(after).filter(|&moment| self.offset(moment).is_summer == is_summer);
        fitting
            .min_by_key(|moment| moment.abs_diff(seconds))
            .map(|moment| self.offset(moment).seconds)
    }
}

fn timestamp(seconds: i64) -> Timestamp {
    let seconds = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
