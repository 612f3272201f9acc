//! Programs that call one part of the library with random arguments: patterns, formats, numerals.
//! Each line is a separate call, and prints its result.

use crate::Random;
use std::fmt::Write;

/// The number of calls in a program.
const CALLS: usize = 20;

/// Generates a string of at most `limit` pieces.
fn text(random: &mut Random, pieces: &[&str], limit: usize) -> String {
    let count = random.below(limit + 1);
    (0..count).map(|_| pieces[random.below(pieces.len())]).collect()
}

/// Returns a Lua literal for a string.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        let _ = match byte {
            b'"' | b'\\' => write!(literal, "\\{}", char::from(byte)),
            b' '..=b'~' => write!(literal, "{}", char::from(byte)),
            _ => write!(literal, "\\{byte:03}"),
        };
    }
    literal.push('"');
    literal
}

/// Parts of patterns, valid and invalid.
const PATTERN: &[&str] = &[
    "a", "b", "1", " ", "x", ".", "%a", "%d", "%s", "%w", "%W", "%p", "%l", "%u", "%x", "%c", "%z",
    "%%", "%.", "%1", "%2", "%b()", "%bab", "%f[a]", "%f[%w]", "[ab]", "[^a]", "[a-c]", "[%d%s]",
    "[]]", "[^]]", "[a-", "[", "]", "(", ")", "()", "(a", "*", "+", "-", "?", "^", "$", "%", "%f",
    "%b", "[%", "[a-%a]",
];
/// Parts of subjects.
const SUBJECT: &[&str] = &[
    "a", "b", "c", "A", "1", "2", " ", "\t", "x", "(", ")", "]", "^", "-", "%", "aa", "ab",
    "((a)b)", "\u{1}",
];
/// Replacements for `gsub`.
const REPLACEMENT: &[&str] = &["%0", "%1", "%2", "%%", "x", "<", ">", "%", "%a"];

/// Searches.
pub fn patterns(number: u64) -> String {
    let mut random = Random::new(number);
    let mut program = String::new();
    for _ in 0..CALLS {
        let (subject, pattern) =
            (quoted(&text(&mut random, SUBJECT, 12)), quoted(&text(&mut random, PATTERN, 7)));
        let start = ["", ", 2", ", -3", ", 100", ", -100"][random.below(5)];
        let replacement = match random.below(4) {
            0 => "function(...) return select('#', ...) end".into(),
            1 => "{a = 1, b = false, ab = 'AB', [''] = '_'}".into(),
            _ => quoted(&text(&mut random, REPLACEMENT, 4)),
        };
        let _ = match random.below(5) {
            0 => writeln!(program, "print(pcall(string.find, {subject}, {pattern}{start}))"),
            1 => writeln!(program, "print(pcall(string.match, {subject}, {pattern}{start}))"),
            2 => writeln!(
                program,
                "print(pcall(function() for a, b, c in string.gmatch({subject}, {pattern}) do \
                 print(a, b, c) end end))"
            ),
            3 => {
                let count = ["", ", 1", ", 0", ", -1", ", 3"][random.below(5)];
                writeln!(
                    program,
                    "print(pcall(string.gsub, {subject}, {pattern}, {replacement}{count}))"
                )
            }
            _ => {
                writeln!(program, "print(pcall(string.gsub, {subject}, {pattern}, {replacement}))")
            }
        };
    }
    program
}

const FORMAT: &[&str] = &[
    "%", "d", "i", "u", "x", "X", "o", "e", "E", "f", "g", "G", "q", "s", "%d", "%s", "%q", "%g",
    "%5", "%-", "%+", "% ", "%#", "%0", ".3", ".", "10", "99", "100", "text", "%%", "%5.1f",
    "%-10s|", "%.20s", "%+.3e", "%#o", "%#X", "%05d", "%.0f", "%.14g", "%a",
];
const ARGUMENT: &[&str] = &[
    "0",
    "1",
    "-1",
    "42",
    "255",
    "65",
    "-7.5",
    "3.14159265358979",
    "1e15",
    "123456789012",
    "1e-10",
    "0.1",
    "2^53",
    "1e300",
    "-1e-300",
    "'text'",
    "'10'",
    "'0x10'",
    "'a\\nb'",
    "'quo\"te\\\\'",
    "'\\r\\1z'",
    "''",
    "nil",
    "true",
    "{}",
    "1/0",
    "-1/0",
    "string.rep('x', 120)",
];

/// Calls of `string.format`, except `%c`, which may produce a zero byte, where C's strings end.
pub fn formats(number: u64) -> String {
    let mut random = Random::new(number);
    let mut program = String::new();
    for _ in 0..CALLS {
        let format = text(&mut random, FORMAT, 5);
        let count = random.below(4);
        let arguments: String =
            (0..count).map(|_| format!(", {}", ARGUMENT[random.below(ARGUMENT.len())])).collect();
        let _ = writeln!(program, "print(pcall(string.format, {}{arguments}))", quoted(&format));
    }
    program
}

const NUMERAL: &[&str] = &[
    "0",
    "1",
    "2",
    "9",
    "5",
    "00",
    "123",
    "999999999",
    "12345678901234567890",
    "0x",
    "0X",
    "a",
    "F",
    "e",
    "E",
    "e+",
    "e-",
    "E10",
    "e308",
    "e-308",
    "e-324",
    ".",
    "..",
    "+",
    "-",
    " ",
    "\t",
    "\n",
    "p",
    "p4",
    "inf",
    "nan",
    "x",
    "_",
    "0b",
    "1e",
    "z",
];

/// Numerals in source, in strings, and as arguments of `tonumber`.
pub fn numerals(number: u64) -> String {
    let mut random = Random::new(number);
    let mut program = String::new();
    for _ in 0..CALLS {
        let text = text(&mut random, NUMERAL, 5);
        let numeral = quoted(&text);
        let base = [2, 8, 10, 16, 36][random.below(5)];
        // In other bases, PUC Lua is limited to C's `unsigned long`.
        let fits = text.len() <= 10 && !text.contains('-');
        let _ = match random.below(4) {
            0 => {
                writeln!(program, "print(pcall(loadstring('return ' .. {numeral}, '=n') or type))")
            }
            1 => writeln!(
                program,
                "print(pcall(function() return string.format('%.17g', {numeral} + 0) end))"
            ),
            2 if fits => writeln!(program, "print(tonumber({numeral}, {base}))"),
            _ => writeln!(program, "print(string.format('%.17g', tonumber({numeral}) or -1))"),
        };
    }
    program
}
