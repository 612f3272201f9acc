//! Gives every parser documents of repeated fragments of its syntax, valid or not, and measures the
//! peak of the process. A document of 1 MiB at a limit of 16 MiB shows 70 bytes for each of its
//! bytes that are not accounted for; a long run has the other limit, too.

use super::generated::{long_run, problems_of};
use super::natives::cases::Case;
use std::fmt::Write;
use std::path::Path;

const DOCUMENTS: &str = include_str!("documents.lua");

/// A parser: the expression that parses the string `text`, what documents start with, and their
/// fragments, in the syntax of Lua's strings.
struct Parser {
    parses: &'static str,
    starts: &'static [&'static str],
    fragments: &'static [&'static str],
}

const JSON: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    "1,",
    "[],",
    "{},",
    r#"\"a\""#,
    r#"\"a\":"#,
    r#"\"\\u00e9\""#,
    "//\\n",
];

const PARSERS: &[Parser] = &[
    Parser {
        parses: "yaml.decode(text)",
        starts: &["", "[", "{", "- [", "a: {"],
        fragments: &[
            "a",
            ": ",
            ",",
            "[",
            "]",
            "{",
            "}",
            "[],",
            r#"\"a\""#,
            "'a'",
            "&a ",
            "*a ",
            "!t ",
            "- ",
            "? ",
            "#\\n",
            "\\n",
            "|\\n a\\n",
            "---\\n",
            "%a b c\\n",
            "a: ",
        ],
    },
    Parser {
        parses: "toml.decode(text)",
        starts: &["", "a=[", "a={", "a.b="],
        fragments: &[
            "a",
            ".",
            "a.",
            "=",
            "a=1",
            "1,",
            ",",
            "[",
            "]",
            "{",
            "}",
            "{},",
            "[],",
            "[1],",
            "{a=1},",
            "{a.a.a.a.a.a.a.a=1},",
            "[a]\\n",
            "[[a]]\\n",
            r#"\"a\""#,
            "'''",
            "#\\n",
            "\\n",
            "1979-05-27,",
        ],
    },
    Parser { parses: "json.decode(text)", starts: &["", "[", "{"], fragments: JSON },
    Parser { parses: "jsonc.decode(text)", starts: &["", "[", "{"], fragments: JSON },
    Parser {
        parses: "csv.parse(text)",
        starts: &["", "a,b\\n"],
        fragments: &["a", ",", "a,", "\\n", r#"\"\""#, r#"\"a\","#, "a\\n"],
    },
    Parser {
        parses: "csv.parse(text, { header = true })",
        starts: &["", "a,b\\n"],
        fragments: &["a", ",", "a,", "\\n", r#"\"\""#, "a\\n"],
    },
    Parser {
        parses: "ini.parse(text)",
        starts: &["", "[a]\\n"],
        fragments: &["a", "=", "a=1\\n", "[a]\\n", ";\\n", "\\n"],
    },
    Parser {
        parses: "dotenv.parse(text)",
        starts: &["", "A=1\\n"],
        fragments: &["A", "=", "A=1\\n", "${A}", "$A", r#"\""#, "'", "#\\n", "\\n"],
    },
    Parser {
        parses: "template.parse(text):execute({ a = { 1, 2 } })",
        starts: &["", "{{$v := 1}}", r#"{{$v := \"xxxxxxxxxx\"}}"#, "<a b="],
        fragments: &[
            "a",
            "{{",
            "}}",
            "{{.}}",
            "{{.a}}",
            "{{$v}}",
            "{{$v := print $v $v}}",
            r#"{{$v = printf \"%[1]q%[1]q\" $v}}"#,
            "{{$v = html (js (urlquery $v))}}",
            "{{len (print $v $v)}}",
            "{{range .a}}",
            "{{if 1}}",
            "{{end}}",
            "{{/* a */}}",
            "(",
            "|",
            "<",
            "'",
            "{{$v = slice (print $v $v) 1}}",
        ],
    },
    Parser {
        parses: "template.parse('{{' .. text .. '}}')",
        starts: &["", "print "],
        fragments: &["a", ".", "(", ")", "|", " 1", "$v", r#"\"a\""#, "print ", " := "],
    },
    Parser {
        parses: "glob(text)",
        starts: &["", "{"],
        fragments: &["a", "*", "?", "[a]", "[", "{", "}", "{a,b}", ",", "/", "**/", "\\\\"],
    },
    Parser {
        parses: "('a'):find(text)",
        starts: &["", "["],
        fragments: &["a", "%a", ".", "*", "-", "[a]", "[", "(", ")", "(a)", "%1", "%b()", "%f[a]"],
    },
    Parser {
        parses: "cron(text, print)",
        starts: &[""],
        fragments: &["*", "1", ",", "-", "/", " "],
    },
    Parser {
        parses: "datetime.format(0, text)",
        starts: &[""],
        fragments: &["%", "Y", "%Y", "%c", "a", "2006", "Jan"],
    },
    Parser {
        parses: "datetime.parse(text, text)",
        starts: &[""],
        fragments: &["%", "Y", "%Y", "1", "a", "2006", "Jan"],
    },
    Parser {
        parses: "os.date(text)",
        starts: &["", "*t", "!"],
        fragments: &["%", "Y", "%Y", "%c"],
    },
    Parser {
        parses: "string.format(text, 1, 2)",
        starts: &["", "%s"],
        fragments: &["%", "%%", "d", "%1$s", "%99d", "a"],
    },
    Parser {
        parses: "load(text)",
        starts: &["", "return ", "x = {"],
        fragments: &[
            "a",
            "=",
            "(",
            ")",
            "{",
            "}",
            "{},",
            "1,",
            "..",
            "-",
            " not ",
            "a=",
            "a.",
            "a,",
            "'a'",
            "::a::",
            "do ",
            "end ",
            "if a then ",
            "function() ",
            "[[a]]",
            ";",
            "--\\n",
        ],
    },
];

/// Documents that a long run has found: the parser, the start, what is repeated, and the size at a
/// limit of 64 MiB.
const FOUND: &[(&str, &str, &str, usize)] = &[
    ("yaml.decode(text)", "[", "a\\n---\\n", 4 << 20),
    ("yaml.decode(text)", "{", "a\\n...\\n---\\n", 4 << 20),
    ("toml.decode(text)", "a=[", "}}}", 768_000),
    ("toml.decode(text)", "a=[", "a}}", 768_000),
    ("load(text)", "", "aend 'a'", 4 << 20),
    ("load(text)", "", "a'a''a'", 4 << 20),
    ("load(text)", "", "a[[a]]--\\n", 4 << 20),
];

/// Sizes of documents in bytes at a limit in MiB. A parser that checks an estimate first refuses
/// the large ones.
fn sizes_at(limit: usize) -> [usize; 3] {
    [limit << 16, limit * 12_000, limit << 6]
}

/// The documents of a parser: each fragment, repeated after each start, and all pairs, after one of
/// the starts; in a long run all triples after each start.
fn cases_of(parser: &Parser, limit: usize) -> Vec<Case> {
    let is_long = long_run().is_some();
    let mut bodies: Vec<String> = vec![String::new()];
    for _ in 0..if is_long { 3 } else { 2 } {
        let longer = |body: &String| {
            let body = body.clone();
            parser.fragments.iter().map(move |fragment| format!("{body}{fragment}"))
        };
        bodies = bodies.iter().flat_map(longer).collect();
    }
    let mut cases = Vec::new();
    for (number, body) in bodies.iter().enumerate() {
        let count = parser.fragments.len();
        // The number of fragments and that of starts may have a common divisor.
        let chosen = (number + number / count) % parser.starts.len();
        let is_single = number % count == number / count;
        for (place, start) in parser.starts.iter().enumerate() {
            if !is_long && !is_single && place != chosen {
                continue;
            }
            for size in sizes_at(limit) {
                cases.push(case_of(parser.parses, start, body, size));
            }
        }
    }
    cases
}

fn case_of(parses: &str, start: &str, body: &str, size: usize) -> Case {
    let text = format!("\"{start}\" .. (\"{body}\"):rep({size} / #\"{body}\")");
    let function = format!("function() local text = {text} return {parses} end");
    Case::new(format!("{parses} of {start} {body} {size}"), function)
}

/// The script for some cases.
fn script(cases: &[Case], _: usize, pipe: &Path) -> String {
    let mut text = format!("local ANSWERS = {pipe:?}\n{DOCUMENTS}\n");
    for (number, case) in cases.iter().enumerate() {
        let _ = writeln!(text, "measured({number}, {})", case.function);
    }
    text + "ready('finished') os.exit(0)\n"
}

#[test]
fn whatever_parsers_build_is_bounded() {
    let chosen = std::env::var("SOLVM_NATIVE").unwrap_or_default();
    let parsers = PARSERS.iter().filter(|parser| parser.parses.contains(&chosen));
    let parsers: Vec<&Parser> = parsers.collect();
    problems_of(script, |limit| match limit {
        64 if long_run().is_none() => {
            let found = FOUND.iter().filter(|(parses, ..)| parses.contains(&chosen));
            found.map(|&(parses, start, body, size)| case_of(parses, start, body, size)).collect()
        }
        _ => parsers.iter().flat_map(|parser| cases_of(parser, limit)).collect(),
    });
}
