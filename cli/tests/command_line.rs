//! The command `solvm`: its options and its standard input.
#![cfg(test)]

use std::io::Write;
use std::process::{Command, Stdio};

/// A run of the command.
#[derive(Default)]
struct Run<'r> {
    options: &'r [&'r str],
    input: &'r str,
    init: Option<&'r str>,
}

/// Its exit code and its outputs.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run<'_> {
    fn run(&self) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(self.options).env_remove("LUA_INIT").env_remove("LUA_PATH");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(init) = self.init {
            command.env("LUA_INIT", init);
        }
        let mut child = command.spawn().expect("the command starts");
        // It may end without reading everything.
        let _ = child.stdin.take().expect("it has an input").write_all(self.input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn run(options: &[&str]) -> Ended {
    Run { options, ..Run::default() }.run()
}

fn interact(input: &str) -> Ended {
    Run { options: &["-e", "_PROMPT='' _PROMPT2=''", "-i"], input, ..Run::default() }.run()
}

#[test]
fn standard_input_is_the_script_without_one() {
    let ended = Run { input: "print(arg[0], arg[-1] ~= nil, ...)", ..Run::default() }.run();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "-\ttrue\n"));
    let ended = Run { options: &["-", "a"], input: "print(..., arg[1])", ..Run::default() }.run();
    assert_eq!(ended.stdout, "a\ta\n");
    // With code to run, nothing is read.
    let ended = Run { options: &["-e", "print(arg)"], input: "print(1)", ..Run::default() }.run();
    assert_eq!(ended.stdout, "nil\n");
}

#[test]
fn initial_code_comes_first_and_its_failure_ends_the_program() {
    let ended = Run { options: &["-e", "print(x)"], init: Some("x = 5"), ..Run::default() }.run();
    assert_eq!(ended.stdout, "5\n");
    let ended =
        Run { options: &["-e", "print(x)"], init: Some("error('no')"), ..Run::default() }.run();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.starts_with("solvm: LUA_INIT:1: no\nstack traceback:"),
        "{}",
        ended.stderr
    );
    let file = std::env::temp_dir().join(format!("solvm-init-{}.lua", std::process::id()));
    std::fs::write(&file, "x = 'file'").expect("the file is written");
    let init = format!("@{}", file.display());
    let ended = Run { options: &["-e", "print(x)"], init: Some(&init), ..Run::default() }.run();
    std::fs::remove_file(&file).expect("the file is removed");
    assert_eq!(ended.stdout, "file\n");
    let ended = Run { init: Some(&init), ..Run::default() }.run();
    assert!(ended.stderr.starts_with("solvm: cannot open "), "{}", ended.stderr);
}

#[test]
fn modules_are_required_in_order() {
    let ended =
        run(&["-e", "package.preload.m = function() print('m') end", "-lm", "-e", "print('then')"]);
    assert_eq!(ended.stdout, "m\nthen\n");
    let ended = run(&["-l", "no.such.module", "-e", "print(1)"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("module 'no.such.module' not found"), "{}", ended.stderr);
}

#[test]
fn results_of_interactive_lines_are_printed() {
    let ended = interact("=1, nil\nx = {\n10}\n=x[1]\nlocal y = 1\n=y\nreturn 'a',\n'b'");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "1\tnil\n10\nnil\na\tb\n\n"));
}

#[test]
fn interactive_lines_go_on_after_errors() {
    let ended = interact("error('one')\nx = = 1\n=2\nx = (");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "2\n\n"));
    assert!(ended.stderr.starts_with("SolVM "), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nstdin:1: one\nstack traceback:\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nstdin:1: unexpected symbol near '='\n"), "{}", ended.stderr);
}

#[test]
fn interactive_prompts_are_globals() {
    let ended = Run { options: &["-i"], input: "_PROMPT = 7\nx =\n1", ..Run::default() }.run();
    assert_eq!(ended.stdout, "> 7>> 7\n");
}

#[test]
fn reads_of_interactive_code_take_the_lines_that_follow() {
    assert_eq!(interact("=io.read()\nthis\n=io.read('*n')\n5\n").stdout, "this\n5\n\n");
}

#[test]
fn goroutines_run_while_a_line_is_read() {
    let ended = interact("c = channel.make(1) go(function() send(c, 'sent') end)\n=receive(c)\n");
    assert_eq!(ended.stdout, "sent\n\n");
    let ended = interact("go(function() sleep(0.05) print('late') end)");
    assert!(ended.stdout.ends_with("late\n"), "{}", ended.stdout);
}

#[test]
fn version_and_help() {
    let ended = run(&["-v"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert!(ended.stderr.starts_with("SolVM "), "{}", ended.stderr);
    assert!(run(&["-version"]).stdout.contains("(Lua 5.1)"));
    assert!(run(&["-help"]).stdout.contains("--timeout <DURATION>"));
}

/// The options with their defaults, as the help has them.
fn options_of_the_help() -> Vec<(String, Option<String>)> {
    let help = run(&["-help"]).stdout;
    let lines = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    let option = |line: &str| {
        let name = line.split([' ', '[', '=']).next().unwrap_or_default();
        let default = line.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
        (name.to_string(), default.map(|(default, _)| default.to_string()))
    };
    lines.map(option).collect()
}

#[test]
fn the_readme_and_the_manual_have_every_option_with_its_default() {
    let readme = include_str!("../../README.md");
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `-")).collect();
    let manual = run(&["man"]).stdout.replace("\\-", "-");
    let options = options_of_the_help();
    assert!(options.len() > 20, "{options:?}");
    for (name, default) in options {
        let mentions = |row: &&&str| {
            let cell = row.split(" | ").next().unwrap_or_default();
            // `--allow-read` and its kind share a row.
            let group = ["allow-", "deny-"].into_iter().find(|group| name.starts_with(group));
            row.contains(&format!("`--{}", group.unwrap_or("no group")))
                || cell.contains(&format!("-{name}`"))
                || cell.contains(&format!("-{name} "))
                || cell.contains(&format!("-{name}="))
        };
        let row = rows.iter().find(mentions).unwrap_or_else(|| panic!("no row for {name}"));
        assert!(manual.contains(&format!("--{name}")), "{name} is not in the manual");
        if let Some(default) = default {
            let row = row.replace([',', '`'], "");
            let is_there = row.contains(&format!("default {default}"))
                || row.contains(&format!("default: {default}"))
                // The row is about the other value.
                || name == "compat";
            assert!(is_there, "{name}: {default} is not in {row}");
            let default = format!("default: {default}");
            assert!(manual.contains(&default), "{name}: {default} is not in the manual");
        }
    }
}

#[test]
fn exit_codes() {
    assert_eq!(run(&["-e", "error()"]).code, Some(1));
    assert_eq!(run(&["-e", "x ="]).code, Some(1));
    assert_eq!(run(&["no such file"]).code, Some(1));
    assert_eq!(run(&["-timeout", "50ms", "-e", "while true do end"]).code, Some(124));
    for options in [&["-h"][..], &["-e"], &["-l"], &["-f"], &["-timeout", "soon", "-e", ""]] {
        let ended = run(options);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{options:?}");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

#[test]
fn values_that_make_no_sense_are_refused_with_the_reason() {
    for (options, reason) in [
        (
            ["-timeout", "-5s"],
            "invalid value '-5s' for '--timeout <DURATION>': must not be negative\n",
        ),
        (
            ["--run-limit", "-1m"],
            "invalid value '-1m' for '--run-limit <DURATION>': must not be negative\n",
        ),
        (
            ["--max-goroutines", "0"],
            "invalid value '0' for '--max-goroutines <N>': must be at least 1\n",
        ),
        (
            ["-memory-limit", "-1"],
            "invalid value '-1' for '--memory-limit <MIB>': expected a whole number\n",
        ),
    ] {
        let ended = run(&[options[0], options[1], "-e", ""]);
        assert_eq!(ended.code, Some(2), "{options:?}");
        assert!(ended.stderr.starts_with(&format!("error: {reason}")), "{}", ended.stderr);
    }
}

#[test]
fn unknown_options_are_named_as_they_were_typed() {
    for (typed, named) in [
        ("-tmeout", "'-tmeout'"),
        ("--tmeout", "'--tmeout'"),
        ("-tmeout=5s", "'-tmeout'"),
        ("-f", "'-f'"),
    ] {
        let ended = run(&[typed, "5s"]);
        assert_eq!(ended.code, Some(2), "{typed}");
        assert!(
            ended.stderr.starts_with(&format!("error: unexpected argument {named} found\n")),
            "{}",
            ended.stderr
        );
    }
    assert!(run(&["-tmeout", "5s"]).stderr.contains("'--timeout'"));
}

#[test]
fn the_end_of_the_time_tells_which_limit_it_was() {
    let ended = run(&["-timeout", "50ms", "-e", "while true do end"]);
    assert_eq!(ended.stderr, "solvm: timed out after 50ms (-timeout)\n");
    let ended = run(&["-e", "while true do end"]);
    assert_eq!(
        ended.stderr,
        "solvm: timed out after 5s (default limit; use -timeout 0 to disable it)\n"
    );
}

#[test]
fn the_line_for_the_shell_may_stand_before_a_binary_chunk() {
    let file = std::env::temp_dir().join(format!("solvm-chunk-{}", std::process::id()));
    let write = "local f = io.open(arg[1], 'wb') \
        f:write('#!solvm\\n', string.dump(function() print 'ran' end)) f:close()";
    let path = file.display().to_string();
    assert_eq!(Run { options: &["-", &path], input: write, ..Run::default() }.run().code, Some(0));
    assert_eq!(run(&[&path]).stdout, "ran\n");
    std::fs::remove_file(&file).expect("the file is removed");
}
