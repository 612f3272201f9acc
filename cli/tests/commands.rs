//! The commands besides `solvm script.lua`.
#![cfg(test)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn solvm(directory: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(words).current_dir(directory).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_finds_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("good.lua"), "shared = 1\nprint(shared)\n").unwrap();
    fs::write(path.join("typo.lua"), "local unused = 1\npritn(shared)\ndo return end\nprint(1)\n")
        .unwrap();
    fs::write(path.join("broken.lua"), "print(1\n").unwrap();
    assert!(solvm(path, &["check", "good.lua"]).status.success());
    let output = solvm(path, &["check", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "./broken.lua:1:8: ')' expected (to close '(' at line 1) near '<eof>'\n\
         ./typo.lua:1:7: local 'unused' is never read\n\
         ./typo.lua:2:1: undefined global 'pritn'; did you mean 'print'?\n\
         ./typo.lua:4:1: unreachable code\n"
    );
    let output = solvm(path, &["check", "--json", "--global", "pritn", "typo.lua", "good.lua"]);
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(findings[0]["kind"], "unused-local");
    assert_eq!(findings[1]["line"], 4);
    assert_eq!((&findings[0]["column"], &findings[0]["end_column"]), (&7.into(), &13.into()));
    assert_eq!(findings.as_array().unwrap().len(), 2);
    // A missing file has another exit code than a finding.
    let output = solvm(path, &["check", "none.lua"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "solvm: none.lua: No such file or directory\n");
    // A file that hides a module of SolVM's, only if the program misses a function.
    fs::write(path.join("toml.lua"), "return { decode = print }\n").unwrap();
    fs::write(path.join("main.lua"), "local t = require('toml')\nt.decode(t.encode({}))\n")
        .unwrap();
    let output = solvm(path, &["check", "main.lua", "toml.lua"]);
    assert_eq!(
        text(&output.stdout),
        "main.lua:2:12: 'encode' is in SolVM's module 'toml', not in toml.lua\n"
    );
    let output = solvm(path, &["check", "--error-format=long", "main.lua"]);
    assert!(text(&output.stdout).contains("use require \"solvm.toml\""));
    fs::remove_file(path.join("main.lua")).unwrap();
    fs::remove_file(path.join("toml.lua")).unwrap();
    // Tests have their own globals.
    fs::write(path.join("a_test.lua"), "test('one', function() check.ok(true) end)\n").unwrap();
    fs::write(path.join("b.lua"), "check.ok(true)\n").unwrap();
    let output = solvm(path, &["check", "a_test.lua", "b.lua"]);
    assert_eq!(text(&output.stdout), "b.lua:1:1: undefined global 'check'\n");
}

#[test]
fn check_reads_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command
        .args(["check", "-"])
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().unwrap().write_all(b"local x = 1\npritn(2)\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "stdin:1:7: local 'x' is never read\n\
         stdin:2:1: undefined global 'pritn'; did you mean 'print'?\n"
    );
}

#[cfg(unix)]
#[test]
fn check_goes_through_links_once() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::create_dir_all(path.join("src/deep")).unwrap();
    fs::write(path.join("src/deep/typo.lua"), "pritn(1)\n").unwrap();
    symlink("..", path.join("src/deep/up")).unwrap();
    symlink("loop", path.join("src/loop")).unwrap();
    symlink("missing", path.join("src/nowhere.lua")).unwrap();
    symlink("missing", path.join("src/nowhere.txt")).unwrap();
    let output = solvm(path, &["check", "src"]);
    assert_eq!(
        text(&output.stdout),
        "src/deep/typo.lua:1:1: undefined global 'pritn'; did you mean 'print'?\n\
         src/nowhere.lua: No such file or directory\n"
    );
}

#[test]
fn files_are_complained_of_by_name_and_plain_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("file"), "").unwrap();
    fs::write(path.join("a_test.lua"), "test('passes', function() end)").unwrap();
    for (words, message) in [
        (&["test", "none"][..], "solvm: none: No such file or directory\n"),
        (
            &["test", "--junit", "no/results.xml"],
            "solvm: no/results.xml: No such file or directory\n",
        ),
        (&["init", "file"], "solvm: file: not a directory\n"),
        (&["init", "file/project"], "solvm: file/project/modules: Not a directory\n"),
        (&["doc", "--book", "file/book"], "solvm: file/book: Not a directory\n"),
    ] {
        let output = solvm(path, words);
        assert_eq!(
            (output.status.code(), text(&output.stderr).as_str()),
            (Some(1), message),
            "{words:?}"
        );
    }
}

#[test]
fn help_lists_the_commands() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("help"), "print('the file')").unwrap();
    let help = text(&solvm(path, &["--help"]).stdout);
    for line in [
        "Usage: solvm [OPTIONS] [SCRIPT | -] [ARGS]...",
        "Commands:",
        "  check ",
        "  help ",
        "Options:",
    ] {
        assert!(help.contains(line), "{line}: {help}");
    }
    assert_eq!(text(&solvm(path, &["help"]).stdout), help);
    assert_eq!(text(&solvm(path, &["./help"]).stdout), "the file\n");
    let of_check = text(&solvm(path, &["check", "--help"]).stdout);
    assert!(of_check.contains("Usage: solvm check"), "{of_check}");
    assert_eq!(text(&solvm(path, &["help", "check"]).stdout), of_check);
    assert_eq!(solvm(path, &["help", "chekc"]).status.code(), Some(2));
    let message = text(&solvm(path, &["chekc", "a.lua"]).stderr);
    assert_eq!(
        message,
        "solvm: cannot open chekc: No such file or directory; did you mean the command 'check'?\n"
    );
}

#[test]
fn a_command_wins_over_a_file_of_its_name() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("doc"), "print('the file')").unwrap();
    assert_ne!(text(&solvm(directory.path(), &["doc"]).stdout), "the file\n");
    assert_eq!(text(&solvm(directory.path(), &["./doc"]).stdout), "the file\n");
}

#[test]
fn test_runs_tests() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(
        path.join("a_test.lua"),
        "local function inner() error('boom') end\n\
         test('adds', function() check.equal(1 + 1, 2) check.near(0.1 + 0.2, 0.3) end)\n\
         test('waits', function() sleep(0.01) check.same({ 1, { x = 2 } }, { 1, { x = 2 } }) end)\n\
         test('differs', function() check.same({ 1, 2 }, { 1, 3 }) end)\n\
         test('fails', function() inner() end)\n\
         test('contains', function() check.contains('a.b', '.b') \
             check.contains('a.b', 'a+') end)\n",
    )
    .unwrap();
    fs::create_dir(path.join("deep")).unwrap();
    fs::write(
        path.join("deep/b_test.lua"),
        "test('is <found>', function() check.equal(arg[0], 'deep/b_test.lua') \
             check.contains(arg[-1], 'solvm') end)",
    )
    .unwrap();
    let output = solvm(path, &["test", "--junit", "results.xml"]);
    let (stdout, junit) =
        (text(&output.stdout), fs::read_to_string(path.join("results.xml")).unwrap());
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("3 passed, 3 failed"), "{stdout}");
    assert!(stdout.contains("a_test.lua:6: \"a.b\" does not contain \"a+\""), "{stdout}");
    assert!(
        stdout.contains("a_test.lua:4: expected {[1] = 1, [2] = 3}, got {[1] = 1, [2] = 2}"),
        "{stdout}"
    );
    assert!(
        stdout.contains("a_test.lua:1: boom") && stdout.contains("in function 'inner'"),
        "{stdout}"
    );
    assert!(
        junit.contains("tests=\"6\" failures=\"3\"") && junit.contains("is &lt;found&gt;"),
        "{junit}"
    );
    let output = solvm(path, &["test", "--filter", "adds"]);
    assert!(output.status.success() && text(&output.stdout).contains("1 passed, 0 failed"));
    assert_eq!(solvm(path, &["test", "--filter", "nothing is called so"]).status.code(), Some(1));
    fs::write(path.join("c_test.lua"), "test('spins', function() while true do end end)").unwrap();
    let output = solvm(path, &["test", "c_test.lua", "--timeout", "50ms"]);
    assert!(
        text(&output.stdout).contains("timed out after 50ms (--timeout)")
            && output.status.code() == Some(1)
    );
    fs::write(path.join("d_test.lua"), "test('waits', function() sleep(0.1) end)").unwrap();
    assert!(solvm(path, &["test", "d_test.lua", "--timeout", "0"]).status.success());
}

#[test]
fn a_test_that_calls_exit_fails_and_the_others_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(
        path.join("a_test.lua"),
        "test('fails', function() check.equal(1, 2) end)\n\
         test('exits', function() pcall(os.exit, 0) os.exit(1) end)\n\
         test('exits elsewhere', function()\n\
             go(function() os.exit(true) end)\n\
             sleep(10)\n\
         end)\n\
         test('refuses', function() check.fails(function() os.exit({}) end, \
             'number expected, got table') end)\n",
    )
    .unwrap();
    fs::write(path.join("b_test.lua"), "os.exit(3)").unwrap();
    fs::write(path.join("c_test.lua"), "test('passes', function() end)").unwrap();
    let output = solvm(path, &["test", "--junit", "results.xml"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("\n2 passed, 4 failed"), "{stdout}");
    for failure in [
        "os.exit(0) was called",
        "a_test.lua:4: os.exit(0) was called",
        "b_test.lua:1: os.exit(3) was called",
    ] {
        assert!(stdout.contains(&format!("     {failure}\n")), "{failure}: {stdout}");
    }
    assert!(
        fs::read_to_string(path.join("results.xml"))
            .unwrap()
            .contains("tests=\"6\" failures=\"4\"")
    );
}

#[test]
fn tests_find_the_modules_of_their_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let write = |name: &str, text: &str| {
        fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
        fs::write(path.join(name), text).unwrap();
    };
    write("spec/shapes.lua", "return 'of the directory'");
    write("spec/deep/init.lua", "return 'of its init'");
    write("spec/inner/near.lua", "return 'next to the test'");
    write("spec/inner/shapes.lua", "return 'not this one'");
    write("shapes.lua", "return 'not that one'");
    let test = "test('requires', function()\n\
        check.equal(require('shapes'), 'of the directory')\n\
        check.equal(require('deep'), 'of its init')\n\
        end)\n";
    write("spec/a_test.lua", test);
    write(
        "spec/inner/b_test.lua",
        &format!("{test}check.equal(require 'near', 'next to the test')"),
    );
    for arguments in [&["test", "spec"][..], &["test", "spec/"], &["test", "spec/a_test.lua"]] {
        let output = solvm(path, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stdout));
    }
    let output = solvm(&path.join("spec"), &["test"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
}

#[test]
fn output_of_tests_comes_before_their_results() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(
        path.join("a_test.lua"),
        "print('loads')\n\
         test('first', function() print('of the first') end)\n\
         test('second', function() io.write('of the second\\n') go(print, 'of a goroutine') end)\n",
    )
    .unwrap();
    let stdout = text(&solvm(path, &["test"]).stdout);
    let words: Vec<_> = stdout.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(
        words[..6],
        [
            "loads",
            "of the first",
            "ok   a_test.lua: first",
            "of the second",
            "of a goroutine",
            "ok   a_test.lua: second"
        ],
        "{stdout}"
    );
}

#[test]
fn an_error_in_a_goroutine_fails_the_test_that_started_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(
        path.join("a_test.lua"),
        "go(function() sleep(0.1) error('of the file') end)\n\
         test('meanwhile', function() go(function() error('meanwhile', 0) end) sleep(0.01) end)\n\
         test('at once', function() go(function() error('at once', 0) end) end)\n\
         test('late', function() go(function() sleep(0.01) error('late', 0) end) end)\n\
         test('passes', function() sleep(0.05) end)\n\
         test('during', function() sleep(0.1) end)\n\
         test('catches', function()\n\
             local caught\n\
             on_error(function(problem) caught = problem end)\n\
             go(function() error('caught', 0) end)\n\
             sleep(0.01)\n\
             check.equal(caught, 'caught')\n\
         end)\n",
    )
    .unwrap();
    let output = solvm(path, &["test"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stderr.as_str()), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("\n2 passed, 4 failed"), "{stdout}");
    let failures: Vec<_> =
        stdout.split("FAIL ").skip(1).map(|failure| failure.lines().collect::<Vec<_>>()).collect();
    for (failure, (test, message)) in failures.iter().zip([
        ("a_test.lua: meanwhile (", "     meanwhile"),
        ("a_test.lua: at once (", "     at once"),
        ("a_test.lua: late (after it finished)", "     late"),
        ("a_test.lua: during (", "     a_test.lua:1: of the file"),
    ]) {
        assert!(failure[0].starts_with(test) && failure[1] == message, "{stdout}");
    }
}

#[test]
fn doc_tells_of_functions_and_modules() {
    let directory = tempfile::tempdir().unwrap();
    let output = solvm(directory.path(), &["doc", "json_encode"]);
    assert!(output.status.success() && text(&output.stdout).starts_with("json_encode("));
    let overview = text(&solvm(directory.path(), &["doc"]).stdout);
    assert!(overview.contains("\nio           Files (Lua 5.1, section 5.7)\n"), "{overview}");
    // The introduction of a module that is not a table comes before its functions.
    let goroutines = text(&solvm(directory.path(), &["doc", "goroutines"]).stdout);
    assert!(
        goroutines.starts_with("Goroutines: ") && goroutines.contains("\ngo(f, ...)\n"),
        "{goroutines}"
    );
    let output = solvm(directory.path(), &["doc", "json_encod"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("json_encode"));
}

#[test]
fn init_makes_a_project_that_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let output = solvm(path, &["init", "project"]);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stdout),
        "Created a project in project.\nGo there with: cd project\n\
         Run it with:  solvm main.lua\nTest it with: solvm test\n"
    );
    let project = path.join("project");
    let output = solvm(&project, &["main.lua", "you"]);
    assert_eq!(
        text(&output.stdout).lines().next(),
        Some("Hello, you!"),
        "{}",
        text(&output.stderr)
    );
    let output = solvm(&project, &["test"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    let output = solvm(&project, &["check", "."]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert!(project.join(".solvm/library/json.lua").is_file());
    // Existing files are kept.
    fs::write(project.join("main.lua"), "print('mine')").unwrap();
    fs::remove_file(project.join("greeting_test.lua")).unwrap();
    let output = solvm(&project, &["init"]);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stdout),
        "Created a project in this directory. \
         Kept existing files: main.lua, modules/greeting.lua, .luarc.json.\n\
         Run it with:  solvm main.lua\nTest it with: solvm test\n"
    );
    assert_eq!(fs::read_to_string(project.join("main.lua")).unwrap(), "print('mine')");
}

#[test]
fn completions_and_the_manual_know_the_options() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = solvm(directory.path(), &["completions", shell]);
        assert!(
            output.status.success() && text(&output.stdout).contains("memory-limit"),
            "{shell}"
        );
    }
    let script = text(&solvm(directory.path(), &["completions", "bash"]).stdout);
    for part in [
        " --timeout -timeout ",
        " --help -help ",
        " --dump|-dump)",
        "\"--filter --timeout --junit\"",
    ] {
        assert!(script.contains(part), "{part}: {script}");
    }
    let manual = text(&solvm(directory.path(), &["man"]).stdout);
    assert!(manual.starts_with(".ie") || manual.contains(".TH solvm"), "{manual}");
    assert_eq!(solvm(directory.path(), &["completions", "tcsh"]).status.code(), Some(2));
}

/// A script that is run again whenever it changes.
struct Watched {
    process: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Watched {
    fn start(directory: &Path) -> Watched {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(["run", "--watch", "-timeout", "60s", "main.lua"]).current_dir(directory);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let (sender, lines) = std::sync::mpsc::channel();
        let errors = process.stderr.take().unwrap();
        let output = process.stdout.take().unwrap();
        for lines in [
            Box::new(BufReader::new(output)) as Box<dyn BufRead + Send>,
            Box::new(BufReader::new(errors)),
        ] {
            let sender = sender.clone();
            // The listener is closed when the test has ended.
            std::thread::spawn(move || {
                lines.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        Watched { process, lines }
    }

    /// It prints these lines, in any order.
    fn says(&self, expected: &[&str]) {
        let line =
            || self.lines.recv_timeout(std::time::Duration::from_secs(20)).unwrap_or_default();
        let mut lines: Vec<String> = expected.iter().map(|_| line()).collect();
        let mut expected = expected.to_vec();
        lines.sort();
        expected.sort();
        assert_eq!(lines, expected);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const WAITS: &str = "solvm: waiting for file changes";

#[test]
fn run_watches_what_the_script_uses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::create_dir(path.join("modules")).unwrap();
    fs::write(path.join("modules/word.lua"), "return { text = 'first' }").unwrap();
    fs::write(path.join("main.lua"), "print(import('word').text, ...)").unwrap();
    assert_eq!(text(&solvm(path, &["run", "main.lua", "-x"]).stdout), "first\t-x\n");
    assert_eq!(solvm(path, &["run", "--watch", "-"]).status.code(), Some(1));
    let watched = Watched::start(path);
    watched.says(&["first"]);
    fs::write(path.join("modules/word.lua"), "return { text = 'second' }").unwrap();
    watched.says(&["second"]);
}

#[test]
fn run_waits_for_a_change_after_errors_and_exits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    // A script with an error at the start, too.
    fs::write(path.join("main.lua"), "error('broken', 0)").unwrap();
    let watched = Watched::start(path);
    watched.says(&[
        "solvm: broken",
        "stack traceback:",
        "\t[C]: in function 'error'",
        "\tmain.lua:1: in main chunk",
        "\t[C]: ?",
        WAITS,
    ]);
    fs::write(path.join("main.lua"), "io.write('exits\\n') pcall(os.exit, 3) print('never')")
        .unwrap();
    watched.says(&["exits", "solvm: os.exit(3) was called", WAITS]);
    fs::write(path.join("main.lua"), "go(function() os.exit() end) sleep(30)").unwrap();
    watched.says(&["solvm: main.lua:1: os.exit(0) was called", WAITS]);
    fs::write(path.join("main.lua"), "print('mended')").unwrap();
    watched.says(&["mended"]);
}
