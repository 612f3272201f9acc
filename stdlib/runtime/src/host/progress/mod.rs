//! The progress line on a terminal, below all other output.
//!
//! It is redrawn at most ten times a second, when progress is made, and only at the start of a
//! line. All other terminal output goes through [`Progress::suspend`], which removes the line in
//! the meantime, so nothing is mixed up. If several tasks run, the one that started first is shown.
//! Any thread may report progress.

mod line;

use line::Work;
use solvm_vm::Data;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Minimum time between two redraws.
const INTERVAL: Duration = Duration::from_millis(100);
/// Tasks of libraries are shown after this time.
const SHOW_DELAY: Duration = Duration::from_millis(500);

/// Maximum length of a label or unit in bytes: no terminal shows more.
const MAX_LABEL: usize = 1000;
/// Maximum memory of a task.
const WORK_SIZE: usize = 2 * MAX_LABEL + 512;

/// Returns the part of a label that can be shown.
fn shown(label: &str) -> String {
    label.get(..label.floor_char_boundary(MAX_LABEL)).unwrap_or_default().into()
}

/// A terminal that shows the line.
pub trait Screen: Send + 'static {
    /// Returns the number of columns.
    fn columns(&self) -> usize;

    /// Returns the time since an arbitrary fixed point.
    fn now(&self) -> Duration;

    /// Writes a text.
    fn write(&mut self, text: &str);
}

/// The progress display: a terminal, or nothing.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Mutex<Display>>>);

struct Display {
    screen: Box<dyn Screen>,
    /// The running tasks in the order of their start, with the time at which they become visible.
    works: BTreeMap<u64, (Work, Duration)>,
    /// The number of the next task.
    next: u64,
    /// The line on the terminal; empty if there is none.
    shown: String,
    /// The time of the last redraw.
    drawn: Option<Duration>,
    /// Whether other output ends with a newline.
    at_line_start: bool,
    /// Whether drawing is paused.
    is_paused: bool,
    /// Whether drawing has ended.
    is_closed: bool,
}

impl Progress {
    /// Creates a display on a terminal.
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

    /// Whether progress is visible.
    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    fn display(&self) -> Option<MutexGuard<'_, Display>> {
        // A panic of another thread leaves a valid state.
        self.0.as_ref().map(|display| display.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `write`, which writes other output to the terminal that ends with the byte `last`.
    pub fn suspend<R>(&self, last: Option<u8>, write: impl FnOnce() -> R) -> R {
        let Some(mut display) = self.display() else { return write() };
        let shown = display.shown.clone();
        display.erase();
        let result = write();
        if let Some(last) = last {
            display.at_line_start = last == b'\n';
        }
        // The line is restored unchanged, so that it does not flicker.
        if !shown.is_empty() && display.at_line_start {
            display.replace(shown);
        }
        display.draw_if_due();
        result
    }

    /// Removes the line until the next progress, for other output.
    pub fn clear_line(&self) {
        if let Some(mut display) = self.display() {
            display.erase();
        }
    }

    /// Removes the line until [`Progress::resume`], for input and output in the terminal's last
    /// line.
    pub fn pause(&self) {
        if let Some(mut display) = self.display() {
            display.erase();
            display.is_paused = true;
        }
    }

    /// Shows the line again.
    pub fn resume(&self) {
        if let Some(mut display) = self.display() {
            display.is_paused = false;
            display.draw_if_due();
        }
    }

    /// Removes the line for good.
    pub fn close(&self) {
        if let Some(mut display) = self.display() {
            display.erase();
            display.is_closed = true;
        }
    }

    /// Starts a task that is visible at once.
    pub(crate) fn begin(&self, label: &str, total: Option<f64>, unit: &str) -> Bar {
        self.begin_after(Duration::ZERO, label, total, unit)
    }

    /// Starts a task with bytes that becomes visible if it takes long.
    pub fn begin_transfer(&self, label: &str, total: Option<u64>) -> Arc<Bar> {
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
    /// Removes the line.
    fn erase(&mut self) {
        if !self.shown.is_empty() {
            self.replace(String::new());
        }
    }

    /// Replaces the line.
    fn replace(&mut self, line: String) {
        let rest = self.shown.width().saturating_sub(line.width());
        let mut text = format!("\r{line}{}", " ".repeat(rest));
        if line.is_empty() {
            text.push('\r');
        }
        self.screen.write(&text);
        self.shown = line;
    }

    /// Draws the first task, unless the last redraw was too recent.
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
        // Some terminals start a new line after the last column.
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

/// A running task. It is no longer shown when this is dropped.
#[derive(Default)]
pub struct Bar {
    progress: Progress,
    number: u64,
}

impl Data for Bar {
    fn external_size(&self) -> usize {
        WORK_SIZE
    }
}

impl Bar {
    /// Changes the task if it is still running.
    fn change(&self, change: impl FnOnce(&mut Work)) {
        let Some(mut display) = self.progress.display() else { return };
        if let Some((work, _)) = display.works.get_mut(&self.number) {
            change(work);
            display.draw_if_due();
        }
    }

    /// Adds to the completed amount.
    pub fn advance(&self, amount: f64) {
        self.change(|work| work.done += amount);
    }

    /// Sets the completed amount.
    pub(crate) fn set(&self, done: f64) {
        self.change(|work| work.done = done);
    }

    /// Changes the label.
    pub(crate) fn set_label(&self, label: &str) {
        self.change(|work| work.label = shown(label));
    }

    /// Ends the task; a line with its result stays.
    pub(crate) fn finish(&self) {
        let Some(mut display) = self.progress.display() else { return };
        if let Some((work, _)) = display.works.remove(&self.number) {
            display.leave(&work);
            display.draw_if_due();
        }
    }

    /// Ends the task without a trace.
    pub(crate) fn clear(&self) {
        let Some(mut display) = self.progress.display() else { return };
        if display.works.remove(&self.number).is_some() {
            // The line may belong to another task, whose line is then restored.
            display.erase();
            display.draw_if_due();
        }
    }

    /// Counts the bytes that are read from a source as progress.
    pub fn count<R: Read>(self: &Arc<Self>, source: R) -> Counted<R> {
        Counted { source, bar: self.clone() }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// See [`Bar::count`].
pub struct Counted<R> {
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

    /// A terminal of 40 columns that records everything, with a fixed clock.
    #[derive(Clone, Default)]
    struct Recording(Arc<Mutex<(String, Duration)>>);

    impl Screen for Recording {
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

    impl Recording {
        fn wait(&self, milliseconds: u64) {
            self.0.lock().unwrap().1 += Duration::from_millis(milliseconds);
        }

        fn print(&self, progress: &Progress, text: &str) {
            progress.suspend(text.bytes().last(), || self.clone().write(text));
        }

        /// Returns the output since the last call.
        fn written(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap().0)
        }

        /// Returns the lines as they appear: a carriage return moves to the start of the line.
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

    fn shown() -> (Recording, Progress) {
        let paper = Recording::default();
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
        progress.clear_line();
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
        // A display that is not visible does nothing.
        let silent = Progress::default();
        silent.begin("work", None, "").finish();
        assert_eq!(silent.suspend(None, || 42), 42);
    }
}
