//! Runs the scripts: see README.md.

use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

/// Scripts run with a host stack of so many KiB.
const STACK: usize = 256;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut scripts = Vec::new();
    find_scripts(&folder, &mut scripts);
    scripts.sort();
    let solvm = match find_binary() {
        Ok(path) => path,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for script in scripts {
        let name = script.strip_prefix(&folder).unwrap_or(&script).with_extension("").display().to_string();
        let expected = Expected::read(&script);
        for budget in [None, Some("1")] {
            if budget.is_some() && expected.whole_slices {
                continue;
            }
            let name = if budget.is_some() { format!("budget-1/{name}") } else { name.clone() };
            let (solvm, script, expected) = (solvm.clone(), script.clone(), expected.clone());
            trials.push(Trial::test(name, move || expected.check(&run(&solvm, &script, &expected, budget)?)));
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

/// The binary under test: the one that `SOLVM` names, or that of this build, brought up to date.
fn find_binary() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("SOLVM") {
        return Ok(path.into());
    }
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = this.parent().and_then(Path::parent).ok_or("the test runs from an unknown place")?;
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "solvm", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    if let Some(target) = folder.parent() {
        build.arg("--target-dir").arg(target);
    }
    if folder.file_name().is_some_and(|profile| profile == "release") {
        build.arg("--release");
    }
    match build.status() {
        Ok(status) if status.success() => Ok(folder.join(format!("solvm{}", std::env::consts::EXE_SUFFIX))),
        Ok(status) => Err(format!("building solvm: {status}")),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}

fn run(solvm: &Path, script: &Path, expected: &Expected, budget: Option<&str>) -> Result<Output, Failed> {
    let mut command = if cfg!(unix) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -s {STACK} && exec \"$@\"")).arg("sh").arg(solvm);
        command
    } else {
        Command::new(solvm)
    };
    command.args(&expected.options).arg(script);
    if let Some(budget) = budget {
        command.env("SOLVM_BUDGET", budget);
    }
    Ok(command.output()?)
}

/// What a script's head states.
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
        let mut expected = Expected { options: vec!["-timeout".into(), "60s".into()], ..Expected::default() };
        let text = fs::read(script).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for line in text.lines().take_while(|line| line.starts_with("--")) {
            let Some((key, value)) = line.trim_start_matches('-').trim().split_once(": ") else { continue };
            match key {
                "exit" => expected.exit = value.parse().unwrap_or(-1),
                "stdout" => expected.stdout.push(value.to_string()),
                "stderr" => expected.stderr.push(value.to_string()),
                "options" => expected.options = value.split_whitespace().map(String::from).collect(),
                "whole slices" => expected.whole_slices = true,
                _ => {}
            }
        }
        expected
    }

    fn check(&self, output: &Output) -> Result<(), Failed> {
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut wrong = Vec::new();
        if output.status.code() != Some(self.exit) {
            wrong.push(format!("{}, wanted exit code {}", output.status, self.exit));
        }
        wrong.extend(
            self.stdout.iter().filter(|text| !stdout.contains(*text)).map(|text| format!("no {text:?} in stdout")),
        );
        wrong.extend(
            self.stderr.iter().filter(|text| !stderr.contains(*text)).map(|text| format!("no {text:?} in stderr")),
        );
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", wrong.join("\n")).into())
    }
}
