//! The line on a terminal that shows the progress of some work, below all other output.
//!
//! It is drawn anew at most ten times a second, when the work goes on, and only where a line
//! begins. Whoever writes to the terminal does so by [`Progress::beside`], which takes the line
//! away meanwhile, so nothing is mixed up. Of several works the one that began first is shown. Work
//! may go on on any thread.

mod line;

use line::Work;
use solvm_vm::Data;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// The least time between two drawings.
const INTERVAL: Duration = Duration::from_millis(100);
/// Libraries' work that takes no longer is not shown.
const SHOW_DELAY: Duration = Duration::from_millis(500);

/// The most bytes of a label or unit: no terminal shows more.
const LONGEST_LABEL: usize = 1000;
/// What a work takes at most.
const WORK_SIZE: usize = 2 * LONGEST_LABEL + 512;

/// What can be shown of a label.
fn shown(label: &str) -> String {
    label.get(..label.floor_char_boundary(LONGEST_LABEL)).unwrap_or_default().into()
}

/// A terminal that the line is drawn on.
pub trait Screen: Send + 'static {
    /// How many columns it has.
    fn columns(&self) -> usize;

    /// The time since some fixed moment.
    fn now(&self) -> Duration;

    /// Shows a text.
    fn write(&mut self, text: &str);
}

/// Where progress is shown: on a terminal, or nowhere.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Mutex<Display>>>);

struct Display {
    screen: Box<dyn Screen>,
    /// What is going on, in the order of its beginning, with the moment from which on it is shown.
    works: BTreeMap<u64, (Work, Duration)>,
    /// The number of the next work.
    next: u64,
    /// The line that is there now; empty if there is none.
    shown: String,
    /// When it was drawn last.
    drawn: Option<Duration>,
    /// Whether what others have written ends with a line.
    at_line_start: bool,
    /// Nothing is drawn for now.
    is_paused: bool,
    /// Nothing is drawn any more.
    is_closed: bool,
}

impl Progress {
    /// Progress on a terminal.
    pub fn on(screen: impl Screen) -> Progress {
        Progress(Some(Arc::new(Mutex::new(Display {
            screen: Box::new(screen),
            works: BTreeMap::new(),
            next: 0,
            shown: String::new(),
            drawn: None,
            at_line_start: true,
            is_paused: false,
            is_closed: false,
        }))))
    }

    /// Whether it is shown anywhere.
    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    fn display(&self) -> Option<MutexGuard<'_, Display>> {
        // A panic elsewhere leaves it as good as it was.
        self.0.as_ref().map(|display| display.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes something else to the terminal, which ends with `last`.
    pub fn beside<R>(&self, last: Option<u8>, write: impl FnOnce() -> R) -> R {
        let Some(mut display) = self.display() else { return write() };
        let shown = display.shown.clone();
        display.erase();
        let result = write();
        if let Some(last) = last {
            display.at_line_start = last == b'\n';
        }
        // It comes back as it was, so that it does not flicker.
        if !shown.is_empty() && display.at_line_start {
            display.replace(shown);
        }
        display.draw_if_due();
        result
    }

    /// Takes the line away until the work goes on: somebody else writes to the terminal.
    pub fn step_aside(&self) {
        if let Some(mut display) = self.display() {
            display.erase();
        }
    }

    /// Takes the line away, until it is to come back: the terminal's last line is somebody else's.
    pub fn pause(&self) {
        if let Some(mut display) = self.display() {
            display.erase();
            display.is_paused = true;
        }
    }

    /// Lets the line come back.
    pub fn resume(&self) {
        if let Some(mut display) = self.display() {
            display.is_paused = false;
            display.draw_if_due();
        }
    }

    /// Takes the line away, for good.
    pub fn close(&self) {
        if let Some(mut display) = self.display() {
            display.erase();
            display.is_closed = true;
        }
    }

    /// Begins some work, whose progress is shown from the start.
    pub(crate) fn begin(&self, label: &str, total: Option<f64>, unit: &str) -> Bar {
        self.begin_after(Duration::ZERO, label, total, unit)
    }

    /// Begins some work with bytes, whose progress is shown if it takes long.
    pub(crate) fn begin_transfer(&self, label: &str, total: Option<u64>) -> Arc<Bar> {
        Arc::new(self.begin_after(SHOW_DELAY, label, total.map(|total| total as f64), "bytes"))
    }

    fn begin_after(&self, patience: Duration, label: &str, total: Option<f64>, unit: &str) -> Bar {
        let Some(mut display) = self.display() else { return Bar::default() };
        let (number, start) = (display.next, display.screen.now());
        display.next += 1;
        let work = Work { label: shown(label), total, done: 0.0, unit: shown(unit), start };
        display.works.insert(number, (work, start + patience));
        display.draw_if_due();
        Bar { progress: self.clone(), number }
    }
}

impl Display {
    /// Takes away what is drawn.
    fn erase(&mut self) {
        if !self.shown.is_empty() {
            self.replace(String::new());
        }
    }

    /// Puts another line in the place of the one that is there.
    fn replace(&mut self, line: String) {
        let rest = self.shown.width().saturating_sub(line.width());
        let mut text = format!("\r{line}{}", " ".repeat(rest));
        if line.is_empty() {
            text.push('\r');
        }
        self.screen.write(&text);
        self.shown = line;
    }

    /// Draws the first of the works, unless it was drawn just now.
    fn draw_if_due(&mut self) {
        let now = self.screen.now();
        if self.drawn.is_none_or(|drawn| now >= drawn + INTERVAL) {
            self.draw(now);
        }
    }

    fn draw(&mut self, now: Duration) {
        if self.is_closed || self.is_paused || !self.at_line_start {
            return;
        }
        // In the last column some terminals begin a new line.
        let columns = self.screen.columns().saturating_sub(1);
        let work = self.works.values().find(|(_, from)| now >= *from);
        let Some(line) = work.map(|(work, _)| work.line(now, columns)) else { return self.erase() };
        self.drawn = Some(now);
        self.replace(line);
    }

    /// Writes a line that stays.
    fn leave(&mut self, work: &Work) {
        if self.is_closed {
            return;
        }
        self.erase();
        let line = work.line(self.screen.now(), self.screen.columns().saturating_sub(1));
        let begin = if self.at_line_start { "" } else { "\n" };
        self.screen.write(&format!("{begin}{line}\n"));
        self.at_line_start = true;
    }
}

/// Some work whose progress is shown. It is no longer shown when this is dropped.
#[derive(Default)]
pub(crate) struct Bar {
    progress: Progress,
    number: u64,
}

impl Data for Bar {
    fn external_size(&self) -> usize {
        WORK_SIZE
    }
}

impl Bar {
    /// Changes the work, if it is still going on.
    fn change(&self, change: impl FnOnce(&mut Work)) {
        let Some(mut display) = self.progress.display() else { return };
        if let Some((work, _)) = display.works.get_mut(&self.number) {
            change(work);
            display.draw_if_due();
        }
    }

    /// So much more is done.
    pub(crate) fn advance(&self, amount: f64) {
        self.change(|work| work.done += amount);
    }

    /// So much is done.
    pub(crate) fn set(&self, done: f64) {
        self.change(|work| work.done = done);
    }

    /// Something else is being done.
    pub(crate) fn set_label(&self, label: &str) {
        self.change(|work| work.label = shown(label));
    }

    /// The work is over: a line that says what was done stays.
    pub(crate) fn finish(&self) {
        let Some(mut display) = self.progress.display() else { return };
        if let Some((work, _)) = display.works.remove(&self.number) {
            display.leave(&work);
            display.draw_if_due();
        }
    }

    /// The work is over: nothing stays.
    pub(crate) fn clear(&self) {
        let Some(mut display) = self.progress.display() else { return };
        if display.works.remove(&self.number).is_some() {
            // What is there may have been another's, which then comes back.
            display.erase();
            display.draw_if_due();
        }
    }

    /// What is read from a source is what is done.
    pub(crate) fn count<R: Read>(self: &Arc<Self>, source: R) -> Counted<R> {
        Counted { source, bar: self.clone() }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// See [`Bar::count`].
pub(crate) struct Counted<R> {
    source: R,
    bar: Arc<Bar>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.bar.advance(count as f64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal of 40 columns that remembers everything, and whose clock stands still.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<(String, Duration)>>);

    impl Screen for Paper {
        fn columns(&self) -> usize {
            40
        }

        fn now(&self) -> Duration {
            self.0.lock().unwrap().1
        }

        fn write(&mut self, text: &str) {
            self.0.lock().unwrap().0.push_str(text);
        }
    }

    impl Paper {
        fn wait(&self, milliseconds: u64) {
            self.0.lock().unwrap().1 += Duration::from_millis(milliseconds);
        }

        fn print(&self, progress: &Progress, text: &str) {
            progress.beside(text.bytes().last(), || self.clone().write(text));
        }

        /// Everything that was written since the last time.
        fn written(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap().0)
        }

        /// What somebody sees of what was written: a carriage return goes back to the line's
        /// beginning.
        fn seen(&self) -> Vec<String> {
            let line = |line: &str| {
                let mut seen: Vec<char> = Vec::new();
                for part in line.split('\r') {
                    let part: Vec<char> = part.chars().collect();
                    seen.splice(..part.len().min(seen.len()), part);
                }
                seen.into_iter().collect::<String>().trim_end().to_string()
            };
            self.written().split('\n').map(line).collect()
        }
    }

    fn shown() -> (Paper, Progress) {
        let paper = Paper::default();
        (paper.clone(), Progress::on(paper))
    }

    #[test]
    fn it_is_drawn_ten_times_a_second() {
        let (paper, progress) = shown();
        let bar = progress.begin("work", Some(1000.0), "");
        for _ in 0..1000 {
            paper.wait(1);
            bar.advance(1.0);
        }
        let drawn = paper.written();
        assert_eq!(drawn.matches("work").count(), 11, "{drawn}");
        assert!(drawn.starts_with("\rwork   0% ["), "{drawn}");
        assert!(drawn.ends_with("1000/1000 1000/s 0:01"), "{drawn}");
    }

    #[test]
    fn what_is_printed_stands_above_it() {
        let (paper, progress) = shown();
        let bar = progress.begin("work", None, "");
        paper.print(&progress, "first\n");
        paper.wait(100);
        bar.advance(1.0);
        paper.print(&progress, "second\n");
        paper.wait(100);
        paper.print(&progress, "third\n");
        assert_eq!(paper.seen(), ["first", "second", "third", "work 1 5/s 0:00"]);
        progress.step_aside();
        paper.clone().write("somebody else's\n");
        assert_eq!(paper.seen(), ["somebody else's", ""]);
        paper.wait(100);
        bar.advance(1.0);
        assert_eq!(paper.seen(), ["work 2 6.7/s 0:00"]);
    }

    #[test]
    fn it_waits_for_the_end_of_a_line() {
        let (paper, progress) = shown();
        paper.print(&progress, "beginning");
        let bar = progress.begin("work", None, "");
        paper.wait(1000);
        bar.advance(1.0);
        assert_eq!(paper.written(), "beginning");
        paper.print(&progress, ", end\n");
        assert_eq!(paper.seen(), [", end", "work 1 1/s 0:01"]);
        paper.print(&progress, "again");
        bar.finish();
        assert_eq!(paper.seen(), ["again", "work 1 1/s 0:01", ""]);
    }

    #[test]
    fn a_finished_bar_stays_and_a_cleared_one_does_not() {
        let (paper, progress) = shown();
        let bar = progress.begin("one", Some(2.0), "");
        paper.wait(1000);
        bar.set(2.0);
        bar.finish();
        bar.advance(1.0);
        bar.finish();
        drop(bar);
        let bar = progress.begin("two", Some(2.0), "");
        bar.set_label("other");
        bar.clear();
        drop(progress.begin("three", None, ""));
        assert_eq!(paper.seen(), ["one 100% [###############] 2/2 2/s 0:01", ""]);
    }

    #[test]
    fn the_first_of_several_is_shown() {
        let (paper, progress) = shown();
        let (first, second) =
            (progress.begin("first", None, ""), progress.begin("second", None, ""));
        paper.wait(100);
        second.advance(5.0);
        assert_eq!(paper.seen(), ["first 0 0:00"]);
        paper.wait(100);
        first.clear();
        assert_eq!(paper.seen(), ["second 5 25/s 0:00"]);
    }

    #[test]
    fn short_work_of_libraries_is_not_shown() {
        let (paper, progress) = shown();
        let bar = progress.begin_transfer("file", Some(4000));
        paper.wait(499);
        bar.advance(1000.0);
        assert_eq!(paper.written(), "");
        paper.wait(1);
        let mut rest = bar.count(&[0; 1000][..]);
        io::copy(&mut rest, &mut io::sink()).unwrap();
        assert_eq!(paper.seen(), ["file  50% 2.0/4.0 kB 4.0 kB/s 0:00"]);
    }

    #[test]
    fn a_pause_leaves_the_line_to_others() {
        let (paper, progress) = shown();
        let bar = progress.begin("work", None, "");
        progress.pause();
        assert_eq!(paper.seen(), [""]);
        paper.wait(1000);
        bar.advance(1.0);
        paper.print(&progress, "printed\n");
        assert_eq!(paper.written(), "printed\n");
        progress.resume();
        assert_eq!(paper.seen(), ["work 1 1/s 0:01"]);
    }

    #[test]
    fn nothing_is_drawn_after_the_end() {
        let (paper, progress) = shown();
        let bar = progress.begin("work", None, "");
        progress.close();
        paper.wait(1000);
        bar.advance(1.0);
        bar.finish();
        assert_eq!(paper.seen(), [""]);
        // Where nothing is shown, nothing happens.
        let silent = Progress::default();
        silent.begin("work", None, "").finish();
        assert_eq!(silent.beside(None, || 42), 42);
    }
}
