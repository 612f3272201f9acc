//! Runs every example in the documentation of the libraries and in the book: see README.md.

use libtest_mimic::{Arguments, Failed, Trial};
use solvm_lua_tests::{command, find_binary};
use solvm_stdlib::{LIBRARIES, documentation};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The prefix of expected output in a comment, after a statement or on its own line.
const OUTPUT: &str = "--> ";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let solvm = match find_binary(env!("CARGO_MANIFEST_DIR")) {
        Ok(path) => path,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut examples = examples_of_libraries();
    match examples_of_the_book() {
        Ok(of_the_book) => examples.extend(of_the_book),
        Err(error) => {
            eprintln!("the book cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    }
    let trials = examples.into_iter().map(|(name, example)| {
        let solvm = solvm.clone();
        Trial::test(name, move || run(&solvm, &example))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// An example's name, and its text.
type Example = (String, String);

fn numbered(name: &str, examples: Vec<String>) -> impl Iterator<Item = Example> {
    examples
        .into_iter()
        .enumerate()
        .map(move |(index, example)| (format!("{name}#{}", index + 1), example))
}

fn examples_of_libraries() -> Vec<Example> {
    let entries = LIBRARIES.iter().flat_map(|module| documentation::entries(module.documentation));
    entries.flat_map(|entry| numbered(entry.name, entry.examples()).collect::<Vec<_>>()).collect()
}

/// The examples in the hand-written pages; those of the modules are generated from the libraries'
/// documentation.
fn examples_of_the_book() -> io::Result<Vec<Example>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    pages.retain(|path: &PathBuf| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut examples = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page)?;
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        examples.extend(numbered(&name, documentation::examples(text.lines())));
    }
    Ok(examples)
}

fn run(solvm: &Path, example: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("example.lua"), example)?;
    let output = command(solvm)
        .args(["-timeout", "30s", "example.lua"])
        .current_dir(folder.path())
        .output()?;
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let stated: Vec<&str> =
        example.lines().filter_map(|line| line.split_once(OUTPUT)).map(|(_, text)| text).collect();
    let printed: Vec<&str> = stdout.lines().collect();
    if output.status.success() && stderr.is_empty() && (stated.is_empty() || stated == printed) {
        return Ok(());
    }
    Err(format!("{}\n{example}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", output.status).into())
}
