use super::{
    Anchor, Capture, Matcher, Pattern, PatternCache, PatternError, Progress, find_plain, is_plain,
};
use std::rc::Rc;

/// Runs a search, `steps` at a time.
fn find(
    subject: &[u8],
    pattern: &[u8],
    start: usize,
    steps: u32,
) -> (Matcher, Result<Progress, PatternError>) {
    let mut matcher = Matcher::new(Rc::new(Pattern::new(pattern, Anchor::Honoured)));
    loop {
        match matcher.find_at(subject, start, &mut { steps }) {
            Ok(Progress::OutOfSteps) => {}
            result => return (matcher, result),
        }
    }
}

/// Returns the results of `string.find`, or its error, as text: `2 3 (l) (@4)`.
fn describe(subject: &[u8], pattern: &[u8], start: usize, steps: u32) -> String {
    let (matcher, result) = find(subject, pattern, start, steps);
    let range = match result {
        Ok(Progress::Match(range)) => range,
        Ok(_) => return "nil".to_string(),
        Err(error) => return error.to_string(),
    };
    let mut text = format!("{} {}", range.start + 1, range.end);
    for index in 0..matcher.pattern().capture_count() {
        match matcher.capture(index) {
            Ok(Capture::Span(span)) => text += &format!(" ({})", subject[span].escape_ascii()),
            Ok(Capture::Position(at)) => text += &format!(" (@{})", at + 1),
            Err(error) => return error.to_string(),
        }
    }
    text
}

/// Subject, pattern, and the result of lua5.1.
const CASES: &[(&str, &str, &str)] = &[
    ("hello", "l", "3 3"),
    ("hello", "l+", "3 4"),
    ("hello", "", "1 0"),
    ("hello", "^h", "1 1"),
    ("hello", "^e", "nil"),
    ("hello", "a^", "nil"),
    ("a^b", "a^b", "1 3"),
    ("hello", "o$", "5 5"),
    ("hello", "l$", "nil"),
    ("a$b", "a$b", "1 3"),
    ("hello", "(h)(.)(%l+)", "1 5 (h) (e) (llo)"),
    ("hello", "()ll()", "3 4 (@3) (@5)"),
    ("hello", ".-(l+)(.*)$", "1 5 (ll) (o)"),
    ("  trim  ", "^%s*(.-)%s*$", "1 8 (trim)"),
    ("key = value", "^(%w+)%s*=%s*(%w+)$", "1 11 (key) (value)"),
    ("aaa", "a-", "1 0"),
    ("aaab", "a-b", "1 4"),
    ("aaab", "^a-(a?)b", "1 4 (a)"),
    ("aaa", "a*a", "1 3"),
    ("aaa", "a?a?a?a?a", "1 3"),
    ("THE (quick) fox", "%((%a+)%)", "5 11 (quick)"),
    ("f(a(b)c)d)", "%b()", "2 8"),
    ("f(a(b", "%b()", "nil"),
    ("'x''y'", "%b''", "1 3"),
    ("THE (quick) fox", "%f[%a]%a+%f[%A]", "1 3"),
    ("the end", "%f[%z]", "8 7"),
    ("\"it's\"", "([\"'])(.-)%1", "1 6 (\\\") (it\\'s)"),
    ("abab", "(ab)%1", "1 4 (ab)"),
    ("abc", "()%1", "nil"),
    ("a]b", "[]]", "2 2"),
    ("a]b", "[^]]+", "1 1"),
    ("a-b", "[a%-]+", "1 2"),
    ("a-b", "[b-]+", "2 3"),
    ("x%y", "[%%]", "2 2"),
    ("x]y", "[a-%%]", "2 2"),
    ("[x]", "%[(.-)%]", "1 3 (x)"),
    ("0x1F", "0[xX](%x+)", "1 4 (1F)"),
    ("a.b", "%.", "2 2"),
    ("abc", "(a(b)(c))", "1 3 (abc) (b) (c)"),
    ("abc", "((a)(b)(c)", "unfinished capture"),
    ("abc", "(a", "unfinished capture"),
    ("abc", "a.)", "invalid pattern capture"),
    ("abc", "x.)", "nil"),
    ("abc", "a%", "malformed pattern (ends with '%')"),
    ("abc", "[a", "malformed pattern (missing ']')"),
    ("abc", "x[a", "nil"),
    ("abc", "[]", "malformed pattern (missing ']')"),
    ("abc", "[^]", "malformed pattern (missing ']')"),
    ("abc", "[a%]", "malformed pattern (missing ']')"),
    ("abc", "[%", "malformed pattern (missing ']')"),
    ("abc", "%f", "missing '[' after '%f' in pattern"),
    ("abc", "%b", "unbalanced pattern"),
    ("abc", "%bx", "unbalanced pattern"),
    ("abc", "%0", "invalid capture index"),
    ("abc", "%1", "invalid capture index"),
    ("abc", "(%1)", "invalid capture index"),
    ("a\0b", "a%zb", "1 3"),
    ("abc", "a.\0[", "1 2"),
    ("*a", "*a", "1 2"),
];

#[test]
fn matches_as_the_reference_implementation_does() {
    for &(subject, pattern, expected) in CASES {
        for steps in [1, 2, 3, 7, u32::MAX] {
            let found = describe(subject.as_bytes(), pattern.as_bytes(), 0, steps);
            assert_eq!(found, expected, "{subject:?} {pattern:?}, {steps} steps at a time");
        }
    }
}

#[test]
fn classes_are_those_of_the_c_locale() {
    let count = |pattern: &str| {
        (0..=255u8).filter(|&byte| describe(&[byte], pattern.as_bytes(), 0, 100) == "1 1").count()
    };
    let sizes = [
        ("%a", 52),
        ("%c", 33),
        ("%d", 10),
        ("%l", 26),
        ("%p", 32),
        ("%s", 6),
        ("%u", 26),
        ("%w", 62),
        ("%x", 22),
    ];
    for (class, size) in sizes {
        assert_eq!(count(class), size, "{class}");
        assert_eq!(count(&class.to_uppercase()), 256 - size, "{}", class.to_uppercase());
        assert_eq!(count(&format!("[^{class}]")), 256 - size, "[^{class}]");
    }
    assert_eq!(count("."), 256);
}

#[test]
fn a_search_begins_at_its_start() {
    assert_eq!(describe(b"abcabc", b"b", 2, 9), "5 5");
    assert_eq!(describe(b"abcabc", b"^b", 1, 9), "2 2");
    assert_eq!(describe(b"abc", b"", 3, 9), "4 3");
    assert_eq!(describe(b"abc", b"", 4, 9), "nil");
}

#[test]
fn a_leading_anchor_can_be_taken_literally() {
    let mut matcher = Matcher::new(Rc::new(Pattern::new(b"^a", Anchor::Literal)));
    assert_eq!(matcher.find_at(b"a^a", 0, &mut 100), Ok(Progress::Match(1..3)));
}

#[test]
fn at_most_32_captures() {
    assert!(describe(b"abc", "()".repeat(32).as_bytes(), 0, 9).starts_with("1 0 (@1)"));
    assert_eq!(describe(b"abc", "()".repeat(33).as_bytes(), 0, 9), "too many captures");
}

#[test]
fn capture_indices_are_checked() {
    let (matcher, _) = find(b"abc", b"b", 0, 100);
    assert_eq!(matcher.capture(0), Ok(Capture::Span(1..2)));
    assert_eq!(matcher.capture(1), Err(PatternError::InvalidCaptureIndex));
    let (matcher, _) = find(b"abc", b"(b)", 0, 100);
    assert_eq!(matcher.capture(1), Err(PatternError::InvalidCaptureIndex));
}

#[test]
fn long_runs_are_interrupted_and_resumed() {
    let mut subject = vec![b'a'; 100_000];
    subject.extend(b"(b)");
    subject.extend([b'c'; 50_000]);
    for (pattern, expected) in [
        ("%a+%(", 0..100_001),
        ("a-%(", 0..100_001),
        ("%a-[(]", 0..100_001),
        (".-%)", 0..100_003),
        ("(%l*)%((.)%)", 0..100_003),
        ("[^a]", 100_000..100_001),
        ("%bac", 50_000..150_003),
        ("c*$", 100_003..150_003),
        ("c+$", 100_003..150_003),
    ] {
        let mut matcher = Matcher::new(Rc::new(Pattern::new(pattern.as_bytes(), Anchor::Honoured)));
        // A search for unbalanced text takes quadratic time, so it starts late.
        let start = if pattern == "%bac" { 49_990 } else { 0 };
        let mut interruptions = 0;
        let found = loop {
            match matcher.find_at(&subject, start, &mut 100) {
                Ok(Progress::OutOfSteps) => interruptions += 1,
                other => break other,
            }
        };
        assert_eq!(found, Ok(Progress::Match(expected)), "{pattern}");
        assert!(interruptions > 5, "{pattern}: interrupted {interruptions} times");
    }
}

#[test]
fn a_pathological_pattern_stops_when_its_steps_are_used_up() {
    let subject = vec![b'a'; 1000];
    let pattern = "a*".repeat(20) + "b";
    let mut matcher = Matcher::new(Rc::new(Pattern::new(pattern.as_bytes(), Anchor::Honoured)));
    for _ in 0..100 {
        assert_eq!(matcher.find_at(&subject, 0, &mut 1000), Ok(Progress::OutOfSteps));
    }
}

#[test]
fn depth_is_bounded_by_the_pattern_alone() {
    let subject = vec![b'a'; 1_000_000];
    assert_eq!(describe(&subject, b".-b", 999_000, u32::MAX), "nil");
    assert_eq!(describe(&subject, b"(.-)%s*$", 999_990, u32::MAX), "999991 1000000 (aaaaaaaaaa)");
    let pattern = "a?".repeat(100_000);
    assert_eq!(describe(&subject, pattern.as_bytes(), 0, u32::MAX), "1 100000");
}

#[test]
fn plain_searches() {
    assert!(is_plain(b"a b)") && is_plain(b"a\0.") && !is_plain(b"a.\0") && !is_plain(b"a-b"));
    let subject = b"abababababac\0d";
    for (needle, start, expected) in [
        ("", 3, Some(3)),
        ("ac", 0, Some(10)),
        ("ab", 1, Some(2)),
        ("c\0d", 0, Some(11)),
        ("x", 0, None),
        ("a", 14, None),
    ] {
        assert_eq!(find_plain(subject, needle.as_bytes(), start), expected, "{needle:?}");
    }
    assert_eq!(find_plain(subject, b"", 14), Some(14));
    assert_eq!(find_plain(subject, b"", 15), None);
}

#[test]
fn the_cache_tells_anchors_apart() {
    let mut cache = PatternCache::default();
    assert!(cache.get(b"^a", 1, Anchor::Honoured).is_anchored());
    assert!(!cache.get(b"^a", 1, Anchor::Literal).is_anchored());
    assert!(Rc::ptr_eq(
        &cache.get(b"%d+", 2, Anchor::Honoured),
        &cache.get(b"%d+", 2, Anchor::Honoured)
    ));
}
