//! Generates programs that decode damaged documents of a format. A decoded value is encoded and
//! must be the same after decoding it again.

use crate::Random;

/// A format: its decoder, its encoder (if any), sample documents, and words to insert.
struct Format {
    decode: &'static str,
    encode: Option<&'static str>,
    documents: &'static [&'static str],
    words: &'static [&'static str],
}

const JSON: &[&str] = &[
    "{\"name\": \"test\", \"values\": [1, 2.5, -3e10, true, false, null], \
     \"deep\": {\"a\": {\"b\": [[], {}]}}}",
    r#"["\u00e9\ud83d\ude00\n\"", "", 0, -0, 1E+2, 123456789012345678901234567890, 0.1]"#,
    "// comment\n{\"a\": /* b */ [1, 2,], \"c\": {},}",
];
const JSON_WORDS: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"", "\\u", "\\ud83d", "null", "true", "1e999", "-", "//", "/*",
    "*/", "\u{feff}",
];

const FORMATS: &[Format] = &[
    Format {
        decode: "json.decode",
        encode: Some("json.encode"),
        documents: JSON,
        words: JSON_WORDS,
    },
    Format {
        decode: "jsonc.decode",
        encode: Some("jsonc.encode"),
        documents: JSON,
        words: JSON_WORDS,
    },
    Format {
        decode: "toml.decode",
        encode: Some("toml.encode"),
        documents: &[
            "title = \"x\"\ncount = 1_000\nratio = 6.5e-3\nnever = -inf\n\
             day = 1979-05-27T07:32:00-08:00\nlist = [1, [2, 'three'], {four = 4}]\na.b.c = 1\n\n\
             [owner]\nname = \"Tom\"\n\n[[points]]\nx = 1\n[[points]]\nx = 2\n\
             [points.more]\ny = {}\n",
            "text = \"\"\"\none \\\n  two\"\"\"\nraw = '''\nx'''\n\"odd key\" = 0xff\n\
             [\"a.b\".c]\nd = nan\n",
        ],
        words: &[
            "[", "]", "[[", "]]", "{", "}", "=", ".", "\"", "\"\"\"", "'", "'''", "#", "\n", "0x",
            "1e5", "inf", "\\u00e9", ",",
        ],
    },
    Format {
        decode: "yaml.decode",
        encode: Some("yaml.encode"),
        documents: &[
            "a: 1\nb:\n  - x\n  - y: [1, {z: 2}]\n    w: |\n      line\n       two\n  - >-\n\
             \x20   folded\n    text\n? key\n: 'it''s'\nc: \"\\u00e9\\n\"\n",
            "base: &base {x: 1, y: 2}\none: {<<: *base, y: 3}\ntwo: [*base, &s text, *s]\n\
             none: ~\n8080: .inf\ntrue: !!str 12\n",
            "%YAML 1.2\n---\n- !!binary aGVsbG8=\n- !local x\n- 0o17\n\
             -   - nested\n    - - more\n...\n",
        ],
        words: &[
            "- ", "? ", ": ", "&a ", "*a", "<<: ", "!!int ", "!", "|", ">", "|+2", "---\n",
            "...\n", "#", "'", "\"", "[", "]", "{", "}", ",", "\n", "  ", "\t", "~", "%TAG",
            "*base",
        ],
    },
    Format {
        decode: "yaml.decode_all",
        encode: None,
        documents: &["--- 1\n--- [2]\n...\n---\na: 3\n"],
        words: &["---", "...", "\n", "%", "&a", "*a"],
    },
    Format {
        decode: "csv.parse",
        encode: Some("csv.stringify"),
        documents: &["name,text\r\n\"a \"\"b\"\"\",\"two\nlines\"\r\n\r\n,\n\"\"\nx,y,z\r"],
        words: &["\"", "\"\"", ",", "\n", "\r", "\r\n", " ", ";"],
    },
    Format {
        decode: "function(text) return csv.parse(text, { header = true }) end",
        encode: None,
        documents: &["a,b\n1,2\n3\n4,5,6\n"],
        words: &["\"", ",", "\n"],
    },
    Format {
        decode: "ini.parse",
        encode: Some("ini.stringify"),
        documents: &["; comment\nname = test\n[owner]\nname: \" Tom \"\nempty=\n\
             [ two ]\nurl = http://x/?a=b\n"],
        words: &["[", "]", "=", ":", ";", "#", "\"", "\n", " ", "\r"],
    },
    Format {
        decode: "dotenv.parse",
        encode: None,
        documents: &["# c\nexport A=1\nB='x $A'\nC=\"a ${A}\\n\"\nD=$A$B # d\nE: $C$C$C\n"],
        words: &["$", "${", "}", "'", "\"", "\\", "=", "\n", "#", "$A", "export "],
    },
    // RFC 3339 has no years before 0.
    Format {
        decode: "function(text) local layout, rest = text:match('^([^|]*)|(.*)$') \
                 local ok, value = pcall(datetime.parse, rest or text, layout) \
                 return ok and value and value > -62e9 and value or nil end",
        encode: Some(
            "function(moment) return datetime.RFC3339Nano .. '|' \
                 .. datetime.format(moment, datetime.RFC3339Nano) end",
        ),
        documents: &[
            "2006-01-02T15:04:05.999Z07:00|2024-02-29T23:59:59.25+05:30",
            "Mon Jan _2 3:04PM MST 2006 002|Thu Feb 29 1:02AM UTC 2024 060",
            "%Y-%m-%d %H:%M:%S %z|2024-01-01 00:00:00 +0100",
        ],
        words: &["|", "%", "2006", "MST", "-07", "Z", ".000", "9999", "AM", "January", " "],
    },
    Format {
        decode: "crypto.base64_decode",
        encode: Some("crypto.base64_encode"),
        documents: &["aGVsbG8=", "Zm9vYmFy\n"],
        words: &["=", "==", "/", "+", "\n"],
    },
    Format {
        decode: "crypto.hex_decode",
        encode: Some("crypto.hex_encode"),
        documents: &["00fF61"],
        words: &["0", "g"],
    },
    Format {
        decode: "function(data) return crypto.aes_decrypt(data, ('k'):rep(16), ('i'):rep(16)) end",
        encode: Some(
            "function(data) return crypto.aes_encrypt(data, ('k'):rep(16), ('i'):rep(16)) end",
        ),
        documents: &["KQ8kBYRmIyMCoh9rwsq6YA=="],
        words: &["=", "A"],
    },
    Format {
        decode: "function(s) text.title(s) text.pad_left(s, 50, s .. 'x') text.trim(s) \
                 return text.split(s, s:sub(3, 4)) end",
        encode: None,
        documents: &["  Hello, wörld!\u{3000}  ", "aXbXc"],
        words: &["\u{a0}", " ", "é"],
    },
];

/// Generates a damaged document and the program that decodes it.
pub fn decoder(random: &mut Random) -> String {
    let format = &FORMATS[random.below(FORMATS.len())];
    let document = damaged(random, format.documents, format.words);
    let text: String = document.iter().map(|byte| format!("\\{byte:03}")).collect();
    let encode = format.encode.unwrap_or("nil");
    format!("{CHECK}check({}, {encode}, \"{text}\")", format.decode)
}

/// Generates a damaged template.
pub fn template(random: &mut Random) -> String {
    const DOCUMENTS: &[&str] = &[
        "<a href=\"/x?q={{.q}}\" onclick='f({{.a.b}}, \"{{.q}}\")' \
         style=\"width: {{.n}}\">{{.q | html | len}}</a>",
        "{{range $i, $e := .list}}{{if eq $i 1}}{{continue}}\
         {{else if gt $i 5}}{{break}}{{end}}{{$e}}{{else}}none{{end}}",
        "{{define \"x\"}}[{{template \"y\" .}}]{{end}}\
         {{define \"y\"}}{{with .q}}{{.}}{{end}}{{end}}{{template \"x\" .}}\
         <script>var x = {{.list}}; `${ {{.q}} }`</script>",
        "{{- printf \"%5.2f %q %v %x %T\" .n .q .a 3 .list -}} {{index .list 1}} \
         {{slice .q 1 2}} {{block \"b\" .a}}<!-- {{.b}} -->{{end}}\
         <style>p { color: {{.q}} }</style>",
    ];
    const WORDS: &[&str] = &[
        "{{",
        "}}",
        "{{end}}",
        "{{if .q}}",
        "{{else}}",
        "{{range .list}}",
        "(",
        ")",
        "|",
        "$",
        "$x := ",
        "\"",
        "'",
        "`",
        "<",
        ">",
        "</script>",
        "<script>",
        "<style>",
        "/",
        "{{template \"x\" .}}",
        "{{define \"x\"}}",
        "-}}",
        "printf \"%99d\" 1",
        "index .list 9",
        "nil",
        "not",
        "call",
        "/*",
        "*/",
        "<!--",
        "href=",
        "srcset=",
        "onx=",
    ];
    String::from_utf8_lossy(&damaged(random, DOCUMENTS, WORDS)).into_owned()
}

/// Parses a template and renders it, if possible.
pub fn fill(template: &str) {
    use gotmpl::{html::Template, tmap};
    // SolVM rejects templates with deeper nesting of ranges, whose escaping takes exponential time,
    // and templates with deep or endless recursion.
    let may_recurse = template.contains('`') && template.contains("{{template");
    if may_recurse
        || template.matches("{{range").count() > 12
        || template.matches("{{if").count() > 100
    {
        return;
    }
    let data = tmap! {
        "q" => "O'Reilly <b>",
        "n" => 1.5,
        "list" => vec![1i64, 2, 3],
        "a" => tmap! { "b" => "c" }
    };
    if let Ok(template) = Template::new("fuzz").max_range_iters(10_000).parse(template) {
        // Rendering may fail.
        let _ = template.execute_to_string(&data);
    }
}

fn damaged(random: &mut Random, documents: &[&str], words: &[&str]) -> Vec<u8> {
    let mut document = documents[random.below(documents.len())].as_bytes().to_vec();
    for _ in 0..random.below(8) {
        let at = random.below(document.len() + 1);
        let end = (at + random.below(6)).min(document.len());
        match random.below(7) {
            0 => drop(document.drain(at..end)),
            1 => {
                let byte = random.below(256) as u8;
                document.insert(at, byte);
            }
            2 => {
                let copied = document[at..].to_vec();
                document.splice(at..at, copied);
            }
            3 => {
                // A repeated word, for deep nesting.
                let word = words[random.below(words.len())].repeat(1 + random.below(300));
                document.splice(at..at, word.into_bytes());
            }
            4 => {
                let other = documents[random.below(documents.len())].as_bytes();
                let from = random.below(other.len());
                document.splice(at..at, other[from..].iter().copied());
            }
            _ => {
                let word = words[random.below(words.len())];
                document.splice(at..end, word.bytes());
            }
        }
        document.truncate(12_000);
    }
    document
}

/// Decodes the document; a result is encoded and must be the same after decoding it again. An error
/// is a failure of the fuzzer.
const CHECK: &str = "
local function same(a, b)
    if type(a) ~= 'table' or type(b) ~= 'table' then
        return a == b or a ~= a and b ~= b
    end
    for k, v in pairs(a) do
        if not same(v, b[k]) then return false end
    end
    for k in pairs(b) do
        if a[k] == nil then return false end
    end
    return true
end
local function check(decode, encode, text)
    local value, message = decode(text)
    assert(message == nil or value == nil and type(message) == 'string' and #message > 0)
    if value == nil or not encode then return end
    local ok, again = pcall(encode, value)
    if not ok then
        assert(type(again) == 'string')
        return
    end
    local copy, message = decode(again)
    if not same(value, copy) then
        error('decoded, encoded and decoded again it is another value: ' .. again .. ' '
            .. tostring(message))
    end
end
";
