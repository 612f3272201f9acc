//! Runs suites of other Lua implementations where they are installed: see README.md.
//!
//! A suite runs unedited, in a copy, one trial per file. Where a file cannot pass because SolVM
//! deliberately differs, [`EXCEPTIONS`] has the place and the reason: the file must fail exactly
//! there, and with that place blanked continue to the next, until it passes.

use libtest_mimic::{Arguments, Failed, Trial};
use solvm_lua_tests::{command, find_binary};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};

/// Where the Debian package golang-github-yuin-gopher-lua-dev installs gopher-lua of 2017.
const INSTALLED: &str = "/usr/share/gocode/src/github.com/yuin/gopher-lua";
/// The environment variable with the directory of a current version.
const CURRENT: &str = "GOPHER_LUA";

/// The gopher-lua that contains a suite.
enum Edition {
    Installed,
    Current,
}

impl Edition {
    fn root(&self) -> Option<PathBuf> {
        match self {
            Edition::Installed => Some(INSTALLED.into()),
            Edition::Current => std::env::var_os(CURRENT).map(PathBuf::from),
        }
    }
}

/// A directory with Lua files, each a test.
struct Suite {
    name: &'static str,
    edition: Edition,
    folder: &'static str,
    files: &'static [&'static str],
    options: &'static [&'static str],
}

const SUITES: &[Suite] = &[
    // The official one of Lua 5.1.
    Suite {
        name: "lua-5.1",
        edition: Edition::Installed,
        folder: "_lua5.1-tests",
        files: &[
            "attrib",
            "big",
            "calls",
            "checktable",
            "closure",
            "constructs",
            "db",
            "errors",
            "events",
            "files",
            "gc",
            "literals",
            "locals",
            "main",
            "math",
            "nextvar",
            "pm",
            "sort",
            "strings",
            "vararg",
            "verybig",
        ],
        options: &[],
    },
    // gopher-lua's own, and the part of the official one that it runs.
    Suite {
        name: "gopher-lua",
        edition: Edition::Installed,
        folder: "_glua-tests",
        files: &["base", "coroutine", "db", "issues", "math", "os", "strings", "table", "vm"],
        options: &["-compat", "gopher-lua"],
    },
    Suite {
        name: "gopher-lua-current",
        edition: Edition::Current,
        folder: "_glua-tests",
        files: &[
            "base",
            "coroutine",
            "db",
            "goto",
            "issues",
            "math",
            "os",
            "strings",
            "table",
            "vm",
        ],
        options: &["-compat", "gopher-lua"],
    },
    Suite {
        name: "lua-5.1-as-gopher-lua",
        edition: Edition::Installed,
        folder: "_lua5.1-tests",
        files: &[
            "attrib",
            "calls",
            "closure",
            "constructs",
            "events",
            "files",
            "literals",
            "locals",
            "math",
            "pm",
            "sort",
            "strings",
            "vararg",
        ],
        options: &["-compat", "gopher-lua"],
    },
];

/// A position where a file fails because SolVM deliberately differs.
struct Exception {
    suite: &'static str,
    file: &'static str,
    /// The line in the error's message.
    line: usize,
    /// The first and the last line to blank so that the rest runs.
    blanked: (usize, usize),
    reason: &'static str,
}

const EMPTY_STATEMENT: &str = "the empty statement is part of the language";
const BRACKET: &str =
    "']' alone is an ordinary character in patterns, as in Lua and later editions of gopher-lua";
const TAIL_CALLS: &str = "levels lost in tail calls are not shown";

const fn at(
    suite: &'static str,
    file: &'static str,
    line: usize,
    reason: &'static str,
) -> Exception {
    Exception { suite, file, line, blanked: (line, line), reason }
}

/// In the order in which they are reached. COMPATIBILITY.md has the same list.
const EXCEPTIONS: &[Exception] = &[
    Exception { blanked: (336, 338), ..at("lua-5.1", "db", 336, TAIL_CALLS) },
    at("lua-5.1", "db", 339, TAIL_CALLS),
    at("lua-5.1", "db", 341, TAIL_CALLS),
    at("lua-5.1", "db", 342, TAIL_CALLS),
    at("lua-5.1", "db", 343, TAIL_CALLS),
    at("lua-5.1", "db", 344, TAIL_CALLS),
    at("lua-5.1", "db", 372, TAIL_CALLS),
    at("lua-5.1", "db", 373, TAIL_CALLS),
    // The assertion is in a function.
    Exception { blanked: (414, 414), ..at("lua-5.1", "db", 403, TAIL_CALLS) },
    at("lua-5.1", "errors", 39, EMPTY_STATEMENT),
    at("lua-5.1", "errors", 40, EMPTY_STATEMENT),
    Exception { blanked: (8, 11), ..at("gopher-lua", "strings", 11, BRACKET) },
    Exception { blanked: (13, 16), ..at("gopher-lua", "strings", 16, BRACKET) },
    Exception { blanked: (18, 21), ..at("gopher-lua", "strings", 21, BRACKET) },
    Exception { blanked: (23, 26), ..at("gopher-lua", "strings", 26, BRACKET) },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let solvm = match find_binary(env!("CARGO_MANIFEST_DIR")) {
        Ok(path) => path,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for suite in SUITES {
        let Some(root) = suite.edition.root() else {
            println!("skipped: the suite {}, since {CURRENT} is not set", suite.name);
            continue;
        };
        let folder = root.join(suite.folder);
        if !folder.is_dir() {
            println!("skipped: the suite {}, since {} is missing", suite.name, folder.display());
            continue;
        }
        for &file in suite.files {
            let (solvm, folder) = (solvm.clone(), folder.clone());
            trials.push(Trial::test(format!("{}/{file}", suite.name), move || {
                check(&solvm, suite, &folder, file)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs a file; if it has exceptions, once more for each.
fn check(solvm: &Path, suite: &Suite, folder: &Path, file: &str) -> Result<(), Failed> {
    let exceptions: Vec<&Exception> =
        EXCEPTIONS.iter().filter(|e| e.suite == suite.name && e.file == file).collect();
    for (index, exception) in exceptions.iter().enumerate() {
        let output = run(solvm, suite, folder, file, &exceptions[..index])?;
        let place = format!("solvm: {file}.lua:{}: ", exception.line);
        if output.status.code() != Some(1)
            || !String::from_utf8_lossy(&output.stderr).contains(&place)
        {
            let reason = exception.reason;
            return Err(report(
                &output,
                &format!("should fail in line {} ({reason})", exception.line),
            ));
        }
    }
    let output = run(solvm, suite, folder, file, &exceptions)?;
    if output.status.success() { Ok(()) } else { Err(report(&output, &output.status.to_string())) }
}

fn report(output: &Output, what: &str) -> Failed {
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Some files print a lot.
    let tail: Vec<&str> = stdout.lines().rev().take(20).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    format!("{what}\n--- stdout\n{}\n--- stderr\n{stderr}", tail.join("\n")).into()
}

/// Runs a file in a copy of its directory, with the lines of these exceptions blanked.
fn run(
    solvm: &Path,
    suite: &Suite,
    folder: &Path,
    file: &str,
    exceptions: &[&Exception],
) -> Result<Output, Failed> {
    let copy = tempfile::tempdir()?;
    copy_folder(folder, copy.path())?;
    // attrib.lua needs an empty directory there, which packages of the suite omit.
    fs::create_dir_all(copy.path().join("libs/P1"))?;
    let path = copy.path().join(file).with_extension("lua");
    blank(&path, exceptions)?;
    let mut command = command(solvm);
    command.args(["-timeout", "300s"]).args(suite.options);
    match file {
        // It yields, as its driver in all.lua expects.
        "big" => command.args([
            "-e",
            "local f = coroutine.wrap(loadfile('big.lua')) assert(f() == 'b' and f() == 'a')",
        ]),
        _ => command.arg(PathBuf::from(file).with_extension("lua")),
    };
    // main.lua requires files by their whole paths.
    command.current_dir(copy.path()).env("LUA_PATH", "?;./?.lua").env_remove("LUA_INIT");
    Ok(command.stdin(std::process::Stdio::null()).output()?)
}

fn blank(path: &Path, exceptions: &[&Exception]) -> io::Result<()> {
    let text = fs::read(path)?;
    let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    for exception in exceptions {
        let (first, last) = exception.blanked;
        if let Some(lines) = lines.get_mut(first - 1..last) {
            lines.fill(b"");
        }
    }
    fs::write(path, lines.join(&b'\n'))
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}
