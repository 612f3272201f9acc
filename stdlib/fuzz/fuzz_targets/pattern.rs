//! A search gives the same result whether it is interrupted or not, and never panics.
#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use solvm_stdlib::string::pattern::{Anchor, Matcher, Pattern, PatternError, Progress};

/// Enough for any input that is worth the time.
const STEPS: u32 = 100_000;

fn find(pattern: &Rc<Pattern>, subject: &[u8], slice: u32) -> (Result<Progress, PatternError>, Matcher) {
    let mut matcher = Matcher::new(Rc::clone(pattern));
    for _ in 0..STEPS / slice {
        match matcher.find_at(subject, 0, &mut { slice }) {
            Ok(Progress::OutOfSteps) => {}
            result => return (result, matcher),
        }
    }
    (Ok(Progress::OutOfSteps), matcher)
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (pattern, subject) = input;
    for anchor in [Anchor::Honoured, Anchor::Literal] {
        let pattern = Rc::new(Pattern::new(pattern, anchor));
        let (whole, matcher) = find(&pattern, subject, STEPS);
        let (interrupted, _) = find(&pattern, subject, 1);
        if whole != Ok(Progress::OutOfSteps) && interrupted != Ok(Progress::OutOfSteps) {
            assert_eq!(whole, interrupted);
        }
        if let Ok(Progress::Match(range)) = whole {
            assert!(range.start <= range.end && range.end <= subject.len());
            for index in 0..=pattern.capture_count() {
                let _ = matcher.capture(index);
            }
        }
    }
});
