//! The local time zone, as `TZ` or the system names it.

use super::calendar::{Date, seconds_of};
use crate::host::World;
use crate::name::MAX_NAME;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone.
pub(super) struct Zone(TimeZone);

/// What a zone's clocks are at some moment.
pub(super) struct Offset {
    /// How far they are ahead of universal time, in seconds.
    pub(super) seconds: i64,
    /// Whether that is summer time.
    pub(super) is_summer: bool,
    /// The zone's name at that time.
    pub(super) name: String,
}

/// The zone of the program: the environment variable `TZ`, if it has one, as the C library reads
/// it.
pub(crate) fn local_zone(world: &mut dyn World) -> TimeZone {
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
    /// That of the program.
    pub(super) fn local(world: &mut dyn World) -> Zone {
        Zone(local_zone(world))
    }

    /// The offset at a time in seconds since 1970. Far away it is that of the first or the last
    /// year known.
    pub(super) fn offset(&self, seconds: i64) -> Offset {
        let info = self.0.to_offset_info(timestamp(seconds));
        Offset {
            seconds: i64::from(info.offset().seconds()),
            is_summer: info.dst().is_dst(),
            name: info.abbreviation().to_string(),
        }
    }

    /// The seconds since 1970 at which clocks show this. Where they do so twice, or never,
    /// `is_summer` decides, as for `mktime`; without it, winter time is preferred.
    pub(super) fn seconds(&self, date: Date, is_summer: Option<bool>) -> i64 {
        let local = seconds_of(date);
        // Clocks change by less than a day, and not twice within one.
        let before = self.offset(local - 86_400);
        let after = self.offset(local + 86_400);
        let shown = |offset: &Offset| self.offset(local - offset.seconds).seconds == offset.seconds;
        let fitting = [&before, &after].into_iter().filter(|offset| shown(offset));
        let offset = match is_summer {
            None => fitting
                .min_by_key(|offset| offset.is_summer)
                .map_or(before.seconds, |offset| offset.seconds),
            Some(wanted) => {
                let current =
                    fitting.min_by_key(|offset| offset.is_summer != wanted).unwrap_or(&before);
                if current.is_summer == wanted {
                    current.seconds
                } else {
                    self.nearest(local, wanted).unwrap_or(current.seconds)
                }
            }
        };
        local - offset
    }

    /// The offset of the summer time, or winter time, that is nearest to this time; None if the
    /// zone has none.
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
