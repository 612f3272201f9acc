//! Runs the scripts: see README.md.

use libtest_mimic::{Arguments, Failed, Trial};
use solvm_lua_tests::{command, find_binary};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};

/// How each script is run, as environment variables: as it is, interpreted and suspended at every
/// call and back-edge, and with everything that loops as machine code.
const MODES: &[(&str, &[(&str, &str)])] = &[
    ("", &[]),
    ("budget-1/", &[("SOLVM_JIT", "0"), ("SOLVM_BUDGET", "1")]),
    ("native-code/", &[("SOLVM_JIT", "1"), ("SOLVM_BUDGET", "13")]),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut scripts = Vec::new();
    find_scripts(&folder, &mut scripts);
    scripts.sort();
    let solvm = match find_binary(env!("CARGO_MANIFEST_DIR")) {
        Ok(path) => path,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for script in scripts {
        let name = script
            .strip_prefix(&folder)
            .unwrap_or(&script)
            .with_extension("")
            .display()
            .to_string();
        let expected = Expected::read(&script);
        for (prefix, variables) in MODES {
            if !variables.is_empty() && expected.whole_slices {
                continue;
            }
            let (solvm, script, expected) = (solvm.clone(), script.clone(), expected.clone());
            trials.push(Trial::test(format!("{prefix}{name}"), move || {
                expected.check(&run(&solvm, &script, &expected, variables)?)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn find_scripts(folder: &Path, scripts: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_scripts(&path, scripts);
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            scripts.push(path);
        }
    }
}

fn run(
    solvm: &Path,
    script: &Path,
    expected: &Expected,
    variables: &[(&str, &str)],
) -> Result<Output, Failed> {
    let mut command = command(solvm);
    command.args(&expected.options).arg(script);
    Ok(command.envs(variables.iter().copied()).output()?)
}

/// The expectations at the start of a script.
#[derive(Clone, Default)]
struct Expected {
    exit: i32,
    stdout: Vec<String>,
    stderr: Vec<String>,
    options: Vec<String>,
    whole_slices: bool,
}

impl Expected {
    fn read(script: &Path) -> Expected {
        // Sanitizers and valgrind need more time.
        let timeout = std::env::var("SOLVM_TEST_TIMEOUT").unwrap_or("60s".into());
        let mut expected =
            Expected { options: vec!["-timeout".into(), timeout], ..Expected::default() };
        let text = fs::read(script).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for line in text.lines().take_while(|line| line.starts_with("--")) {
            let Some((key, value)) = line.trim_start_matches('-').trim().split_once(": ") else {
                continue;
            };
            match key {
                "exit" => expected.exit = value.parse().unwrap_or(-1),
                "stdout" => expected.stdout.push(value.to_string()),
                "stderr" => expected.stderr.push(value.to_string()),
                "options" => {
                    expected.options = value.split_whitespace().map(String::from).collect()
                }
                "whole slices" => expected.whole_slices = true,
                _ => {}
            }
        }
        expected
    }

    fn check(&self, output: &Output) -> Result<(), Failed> {
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut wrong = Vec::new();
        if output.status.code() != Some(self.exit) {
            wrong.push(format!("{}, expected exit code {}", output.status, self.exit));
        }
        wrong.extend(
            self.stdout
                .iter()
                .filter(|text| !stdout.contains(*text))
                .map(|text| format!("no {text:?} in stdout")),
        );
        wrong.extend(
            self.stderr
                .iter()
                .filter(|text| !stderr.contains(*text))
                .map(|text| format!("no {text:?} in stderr")),
        );
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", wrong.join("\n")).into())
    }
}
