//! The format of the progress line:
//!
//! ```text
//! photos.tar  42% [############------------------] 4.2/10.0 MB 1.2 MB/s 0:05
//! lines 1200 240/s 0:05
//! ```

use std::fmt::Write;
use std::time::Duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Maximum width of the bar.
const MAX_BAR_WIDTH: usize = 30;
/// Minimum width of the bar.
const MIN_BAR_WIDTH: usize = 5;
/// Larger sizes are shown in the next unit.
const THOUSAND: f64 = 1000.0;

/// A task and its progress.
pub(super) struct Work {
    pub(super) label: String,
    /// The total amount, if it is known.
    pub(super) total: Option<f64>,
    pub(super) done: f64,
    /// The unit: `bytes` are formatted as sizes. It may be empty.
    pub(super) unit: String,
    /// The start time.
    pub(super) start: Duration,
}

impl Work {
    /// Formats the line for a point in time, with at most `columns` columns. It contains the
    /// remaining time, or the total time of a finished task.
    pub(super) fn line(&self, now: Duration, columns: usize) -> String {
        let elapsed = now.saturating_sub(self.start);
        let rate = if elapsed.is_zero() { 0.0 } else { self.done / elapsed.as_secs_f64() };
        let mut counts = self.counts();
        if rate > 0.0 {
            let _ = write!(counts, " {}/s", self.amount(rate));
        }
        let left = self
            .total
            .map(|total| (total - self.done).max(0.0))
            .filter(|left| *left > 0.0 && rate > 0.0);
        // Absurdly long times are omitted.
        let time = left.map_or(Some(elapsed), |left| Duration::try_from_secs_f64(left / rate).ok());
        if let Some(time) = time {
            let _ = write!(counts, " {}", clock(time));
        }
        let fraction = self
            .total
            .map(|total| if total > 0.0 { (self.done / total).clamp(0.0, 1.0) } else { 1.0 });
        let label = printable(&self.label);
        let mut line = match fraction {
            Some(fraction) => {
                let percent = format!("{:>3}%", (fraction * 100.0).floor());
                let others = [&label[..], &percent, &counts]
                    .iter()
                    .map(|part| part.width() + 1)
                    .sum::<usize>();
                let bar = columns.saturating_sub(others + "[]".len()).min(MAX_BAR_WIDTH);
                if bar < MIN_BAR_WIDTH {
                    format!("{label} {percent} {counts}")
                } else {
                    let full = (fraction * bar as f64) as usize;
                    format!(
                        "{label} {percent} [{}{}] {counts}",
                        "#".repeat(full),
                        "-".repeat(bar - full)
                    )
                }
            }
            None => format!("{label} {counts}"),
        };
        line = line.trim_start().into();
        cut(&mut line, columns);
        line
    }

    /// Formats the completed and the total amount.
    fn counts(&self) -> String {
        let Some(total) = self.total else { return self.amount(self.done) };
        let done = if self.unit == "bytes" {
            format!("{:.1}", self.done / scale(total).0)
        } else {
            plain(self.done)
        };
        format!("{done}/{}", self.amount(total))
    }

    /// Formats an amount.
    fn amount(&self, number: f64) -> String {
        match &self.unit[..] {
            "" => plain(number),
            "bytes" => {
                let (size, unit) = scale(number);
                format!("{:.1} {unit}", number / size)
            }
            unit => format!("{} {}", plain(number), printable(unit)),
        }
    }
}

/// Formats integers and large numbers without, others with one decimal.
fn plain(number: f64) -> String {
    if number.fract() == 0.0 || number.abs() >= THOUSAND {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

/// Returns the unit for a number of bytes, and its size.
fn scale(bytes: f64) -> (f64, &'static str) {
    let mut size = 1.0;
    for unit in ["B", "kB", "MB", "GB"] {
        if bytes < size * THOUSAND {
            return (size, unit);
        }
        size *= THOUSAND;
    }
    (size, "TB")
}

/// Formats a duration in minutes and seconds, with hours if there are any.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{:02}", seconds % 60)
    } else {
        format!("{minutes}:{:02}", seconds % 60)
    }
}

/// Removes control characters, which filenames may contain.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Truncates a line.
fn cut(line: &mut String, columns: usize) {
    let mut used = 0;
    let end = line.char_indices().find(|(_, letter)| {
        used += letter.width().unwrap_or(0);
        used > columns
    });
    if let Some((end, _)) = end {
        line.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(total: Option<f64>, done: f64, unit: &str) -> Work {
        Work {
            label: "label".into(),
            total,
            done,
            unit: unit.into(),
            start: Duration::from_secs(10),
        }
    }

    /// Returns the line ten seconds after the start.
    fn shown(work: &Work, columns: usize) -> String {
        work.line(Duration::from_secs(20), columns)
    }

    #[test]
    fn known_totals_have_a_bar_and_the_time_that_is_left() {
        let half = work(Some(40.0), 20.0, "");
        assert_eq!(shown(&half, 79), "label  50% [###############---------------] 20/40 2/s 0:10");
        assert_eq!(shown(&half, 40), "label  50% [######------] 20/40 2/s 0:10");
        assert_eq!(shown(&half, 30), "label  50% 20/40 2/s 0:10");
        assert_eq!(shown(&half, 8), "label  5");
        let whole = work(Some(40.0), 40.0, "files");
        assert_eq!(
            shown(&whole, 79),
            "label 100% [##############################] 40/40 files 4 files/s 0:10"
        );
    }

    #[test]
    fn unknown_totals_have_the_time_that_is_over() {
        assert_eq!(shown(&work(None, 25.0, "lines"), 79), "label 25 lines 2.5 lines/s 0:10");
        assert_eq!(shown(&work(None, 0.0, ""), 79), "label 0 0:10");
    }

    #[test]
    fn bytes_are_sizes() {
        assert_eq!(shown(&work(None, 1.5e6, "bytes"), 79), "label 1.5 MB 150.0 kB/s 0:10");
        assert_eq!(
            shown(&work(Some(2e6), 500.0, "bytes"), 60),
            "label   0% [------------------] 0.0/2.0 MB 50.0 B/s 11:06:30"
        );
        assert_eq!(scale(3e15).1, "TB");
    }

    #[test]
    fn strange_numbers_make_a_line() {
        assert_eq!(shown(&work(Some(0.0), 0.0, ""), 30), "label 100% [########] 0/0 0:10");
        assert_eq!(shown(&work(Some(10.0), 20.0, ""), 25), "label 100% 20/10 2/s 0:10");
        assert_eq!(shown(&work(Some(1e300), 1.0, ""), 6), "label ");
        assert!(!shown(&work(Some(f64::MAX), 1e-300, ""), 500).contains("inf"));
    }

    #[test]
    fn labels_do_not_move_the_cursor_and_may_be_wide() {
        let mut strange = work(None, 1.0, "\t");
        strange.label = "a\n\x1b[2Jb".into();
        assert_eq!(shown(&strange, 79), "a??[2Jb 1 ? 0.1 ?/s 0:10");
        strange.label = "表表表".into();
        assert_eq!(shown(&strange, 5), "表表");
        strange.label = String::new();
        assert_eq!(shown(&strange, 79), "1 ? 0.1 ?/s 0:10");
    }
}
