//! `reload_script`: scripts that run themselves again, in any state.
#![cfg(test)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// Watches itself.
const WATCHES: &str =
    "watch_file('script.lua', function() print('changed') reload_script() print('never') end) ";

struct Program {
    directory: TempDir,
    process: Child,
    lines: Receiver<String>,
    errors: BufReader<std::process::ChildStderr>,
}

fn read_lines(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

impl Program {
    fn start(code: &str, options: &[&str]) -> Program {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("script.lua"), code).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(options).arg("script.lua").current_dir(directory.path());
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(process.stdout.take().unwrap());
        let errors = BufReader::new(process.stderr.take().unwrap());
        Program { directory, process, lines, errors }
    }

    /// Expects these lines of output next.
    fn says(&self, expected: &[&str]) {
        for expected in expected {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).unwrap_or_default();
            assert_eq!(&line, expected);
        }
    }

    /// Replaces the script as editors do.
    fn replace(&self, code: &str) {
        let new = self.directory.path().join("new");
        fs::write(&new, code).unwrap();
        fs::rename(new, self.script()).unwrap();
    }

    fn script(&self) -> std::path::PathBuf {
        Path::new(self.directory.path()).join("script.lua")
    }

    fn next_error(&mut self) -> String {
        let mut line = String::new();
        self.errors.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    /// Waits for its end and returns its exit code and the rest of standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).unwrap();
        (self.process.wait().unwrap().code(), errors)
    }
}

#[test]
fn everything_begins_anew() {
    let first = "seen = (seen or 0) + 1 string.extra = 1 os.setenv('SOLVM_TEST_RELOAD', 'x')
        set_interval(function() ticks = (ticks or 0) + 1 end, 0.001)
        go(function() receive(chan('c')) end)
        go(function() sleep(100) end) getmetatable(newproxy(true)).__gc = nil
        local p = newproxy(true) getmetatable(p).__gc = function() print('finalized') end keep = p
        print('first', seen)";
    let program = Program::start(&format!("{WATCHES}{first}"), &[]);
    program.says(&["first\t1"]);
    program.replace(
        "print('second', seen, ticks, string.extra, os.getenv('SOLVM_TEST_RELOAD'), \
             check_memory().goroutines, arg[0])",
    );
    program.says(&["changed", "finalized", "second\tnil\tnil\tnil\tnil\t1\tscript.lua"]);
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn again_and_again() {
    let program = Program::start(&format!("{WATCHES} print(0)"), &[]);
    program.says(&["0"]);
    for i in 1..5 {
        // In place, too: a write in two steps is noticed when it is complete.
        let code = format!("{WATCHES} print({i})");
        if i % 2 == 0 {
            program.replace(&code)
        } else {
            fs::write(program.script(), code).unwrap()
        }
        program.says(&["changed", &i.to_string()]);
    }
    program.replace("print('done')");
    program.says(&["changed", "done"]);
    assert_eq!(program.end().0, Some(0));
}

#[test]
fn a_version_that_does_not_run_is_waited_for() {
    let mut program = Program::start(&format!("{WATCHES} print('good')"), &[]);
    program.says(&["good"]);
    program.replace("print('bad'");
    program.says(&["changed"]);
    assert_eq!(program.next_error(), "solvm: script.lua:1: ')' expected near '<eof>'");
    assert_eq!(program.next_error(), "solvm: waiting for file changes");
    program.replace(&format!("{WATCHES} print('better') error('still bad', 0)"));
    program.says(&["better"]);
    assert_eq!(program.next_error(), "solvm: still bad");
    while program.next_error() != "solvm: waiting for file changes" {}
    program.replace("print('right')");
    program.says(&["right"]);
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn a_first_version_that_does_not_run_ends_the_program() {
    let program = Program::start(&format!("{WATCHES} error('bad', 0)"), &[]);
    let (code, errors) = program.end();
    assert_eq!(code, Some(1));
    assert!(errors.starts_with("solvm: bad"), "{errors}");
}

#[test]
fn reloading_needs_no_watcher() {
    let code = "local n = tonumber(read_file('count') or 0) print(n) write_file('count', n + 1)
        if n < 3 then pcall(reload_script) print('never') end while n < 3 do end";
    let program = Program::start(code, &[]);
    program.says(&["0", "1", "2", "3"]);
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn a_given_timeout_holds_for_all_runs_together() {
    let program = Program::start("sleep(0.1) reload_script()", &["-timeout", "1s"]);
    assert_eq!(program.end(), (Some(124), "solvm: timed out after 1s (-timeout)\n".into()));
    let mut program = Program::start(&format!("{WATCHES} print('ready')"), &["-timeout", "3s"]);
    program.says(&["ready"]);
    program.replace("error('bad', 0)");
    program.says(&["changed"]);
    assert_eq!(program.next_error(), "solvm: bad");
    let (code, errors) = program.end();
    assert_eq!(code, Some(124));
    assert!(errors.ends_with("file changes\nsolvm: timed out after 3s (-timeout)\n"), "{errors}");
}

#[test]
fn what_is_no_file_cannot_be_reloaded() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_solvm")).args(["-e", "reload_script()"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("no script to reload: the program was not started from a file"),
        "{errors}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_server_gives_its_port_free() {
    let serve = "create_server('s', tonumber(read_file('port') or 0), { host = '127.0.0.1' })
        handle_http('s', '/', function() return 'hello' end)
        local port = start_server('s') write_file('port', port)
        local listener = tcp_listen(tonumber(read_file('other') or 0), { host = '127.0.0.1' })
        write_file('other', listener.port) ";
    let code = |number: u32| {
        format!(
            "{WATCHES} {serve} print({number}, http_get('http://127.0.0.1:' .. port .. '/').body, \
                 check_memory().goroutines < 10)"
        )
    };
    let program = Program::start(&code(0), &[]);
    program.says(&["0\thello\ttrue"]);
    for number in 1..4 {
        program.replace(&code(number));
        program.says(&["changed", &format!("{number}\thello\ttrue")]);
    }
    program.replace("print('done')");
    program.says(&["changed", "done"]);
    assert_eq!(program.end(), (Some(0), String::new()));
}
