//! Programs at a terminal. Input: the time that a user needs to type counts towards an explicit
//! limit, but not towards the default; the REPL continues after any input. Output: the progress
//! line is not mixed up with other output.
#![cfg(test)]
#![cfg(unix)]

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A terminal, with its keyboard and screen.
fn terminal() -> (OwnedFd, File) {
    let other_end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&other_end).unwrap();
    unlockpt(&other_end).unwrap();
    let name = ptsname(&other_end, Vec::new()).unwrap();
    (open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap(), other_end.into())
}

/// A program with a terminal as its standard input, and the keyboard.
fn start(options: &[&str], code: &str) -> (Child, File) {
    let (terminal, keyboard) = terminal();
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(options).args(["-e", code]).stdin(Stdio::from(terminal)).stdout(Stdio::null());
    (command.spawn().unwrap(), keyboard)
}

/// Returns everything that a program writes to a terminal of 60 columns.
fn written(variables: &[(&str, &str)], code: &str) -> String {
    let (terminal, mut screen) = terminal();
    tcsetwinsize(&screen, Winsize { ws_col: 60, ws_row: 24, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command
        .args(["-e", code])
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command.stdout(terminal.try_clone().unwrap()).stderr(terminal);
    let mut program = command.spawn().unwrap();
    // The program's terminal is closed here, so that reading ends with the program.
    drop(command);
    let mut bytes = Vec::new();
    // The end of a terminal is reported as an error.
    let _ = screen.read_to_end(&mut bytes);
    program.wait().unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The visible output: a carriage return goes back to the start of the line.
fn seen(written: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut seen: Vec<char> = Vec::new();
        for part in line.split('\r') {
            let part: Vec<char> = part.chars().collect();
            seen.splice(..part.len().min(seen.len()), part);
        }
        seen.into_iter().collect::<String>().trim_end().to_string()
    };
    written.lines().map(line).collect()
}

/// A REPL session.
struct Session {
    program: Child,
    other_end: File,
    home: tempfile::TempDir,
}

impl Session {
    /// Starts a session in which missing output causes an error instead of a hanging test.
    fn start() -> Session {
        Session::start_with(&["-timeout", "20s"])
    }

    fn start_with(options: &[&str]) -> Session {
        let (terminal, other_end) = terminal();
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command
            .args(options)
            .current_dir(home.path())
            .env("HOME", home.path())
            .env("TERM", "xterm")
            .env("NO_COLOR", "1");
        command
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal);
        Session { program: command.spawn().unwrap(), other_end, home }
    }

    /// Sends keys.
    fn keys(&mut self, keys: &[u8]) {
        self.other_end.write_all(keys).unwrap();
    }

    /// Reads the output up to a text.
    fn until(&mut self, text: &str) {
        let mut screen = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&screen).ends_with(text) {
            let count = self.other_end.read(&mut byte).unwrap_or(0);
            assert_eq!(count, 1, "{text:?} does not come: {:?}", String::from_utf8_lossy(&screen));
            screen.push(byte[0]);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn lines_are_read_plainly_if_the_output_is_no_terminal() {
    for ends_by_signal in [false, true] {
        let (terminal, mut keyboard) = terminal();
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command
            .env_remove("LUA_INIT")
            .stdin(Stdio::from(terminal))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut program = command.spawn().unwrap();
        let mut output = program.stdout.take().unwrap();
        let mut until = |text: &str| {
            let (mut written, mut byte) = (Vec::new(), [0]);
            while !written.ends_with(text.as_bytes()) {
                assert_eq!(output.read(&mut byte).unwrap(), 1, "{text:?} does not come");
                written.push(byte[0]);
            }
        };
        until("> ");
        keyboard.write_all(b"= 6 * 7\n").unwrap();
        until("42\n> ");
        if ends_by_signal {
            kill_process(Pid::from_child(&program), Signal::INT).unwrap();
        } else {
            keyboard.write_all(b"\x04").unwrap();
        }
        assert_eq!(program.wait().unwrap().code(), Some(if ends_by_signal { 130 } else { 0 }));
    }
}

#[test]
fn bytes_that_are_no_text_do_not_end_a_session() {
    let mut session = Session::start();
    session.until("> ");
    session.keys(b"print('a\xff");
    session.until("invalid UTF-8; line discarded");
    session.until("> ");
    session.keys(b"6 * 7\r");
    session.until("42");
    session.until("> ");
    session.keys(b"exit\r");
    assert_eq!(session.program.wait().unwrap().code(), Some(0));
}

#[test]
fn a_session_helps() {
    let mut session = Session::start();
    session.until("> ");
    for (typed, shown) in [
        ("help", ".load FILE    run a file\r\n"),
        ("help json.object", "json.object(table)\r\n"),
        ("help nobody", "no documentation for 'nobody'\r\n"),
        ("x = = 1", "error: unexpected symbol near '='\r\n"),
        (".lo\t typo", "cannot open typo: No such file or directory\r\n"),
        ("y = 1", "\r\n"),
        (".save", "usage: .save FILE\r\n"),
        ("y + 1", "2\r\n"),
        ("= 'a', 1 -- two", "\"a\"\r\n1\r\n"),
        (".time z = y", "s\r\n"),
        ("return z", "1\r\n"),
        ("(print)(5)", "5\r\n"),
        ("\"unfinished", "error: unfinished string near '<eof>'\r\n"),
        ("{ ['end'] = 1, begin = 2 }", "{ begin = 2, [\"end\"] = 1 }\r\n"),
        (".save saved.lua", "\r\n"),
        (".load saved.lua", "2\r\na\t1\r\n1\r\n5\r\ntable: 0x"),
    ] {
        session.keys(typed.as_bytes());
        session.keys(b"\r");
        session.until(shown);
        session.until("> ");
    }
    assert_eq!(
        std::fs::read_to_string(session.home.path().join("saved.lua")).unwrap(),
        "y = 1\nprint(y + 1)\nprint( 'a', 1 -- two\n)\nz = y\n\
         print((function(...) return z\nend)(...))\n;(print)(5)\n\
         print({ ['end'] = 1, begin = 2 })\n"
    );
    session.keys(b"exit()\r");
    assert_eq!(session.program.wait().unwrap().code(), Some(0));
}

#[test]
fn a_session_ends_with_the_time_that_was_given() {
    for typed in ["", "while true do pcall(error) end\r"] {
        let mut session = Session::start_with(&["-timeout", "500ms"]);
        session.until("> ");
        session.keys(typed.as_bytes());
        session.until("solvm: timed out after 500ms (-timeout)\r\n");
        assert_eq!(session.program.wait().unwrap().code(), Some(124));
        // The terminal is restored: it buffers lines and echoes.
        let modes = tcgetattr(&session.other_end).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
    }
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let mut session = Session::start();
    session.until("> ");
    session.keys(b"sleep(0.3)\r");
    session.until("\r\n");
    session.keys(b"print(20 + 1)\rprint(20 + 2)\rprint(20 + 3)\r");
    for shown in ["\n21\r\n", "\n22\r\n", "\n23\r\n"] {
        session.until(shown);
    }
}

#[test]
fn what_goroutines_print_appears_above_the_prompt() {
    let mut session = Session::start();
    session.until("> ");
    session.keys(b"go(function() sleep(0.3) print('tick') io.write('tuck') end)\r");
    session.until("\r\n");
    session.until("> ");
    session.keys(b"6 * ");
    session.until("6 * ");
    // The line is removed, the text printed, and the line redrawn.
    for text in ["tick\r\n", "> 6 * ", "tuck\r\n", "> 6 * "] {
        session.until(text);
    }
    session.keys(b"7\r");
    session.until("42\r\n");
    session.until("> ");
    session.keys(b"do io.write('no line') end\r");
    session.until("no line\r\n");
    session.until("> ");
}

#[test]
fn files_are_loaded_and_complained_of() {
    let mut session = Session::start();
    // Invalid UTF-8 may occur in Lua's output, too.
    std::fs::write(
        session.home.path().join("latin.lua"),
        b"#!solvm\nprint(#'\xe4\xe4\xe4' .. ' bytes')",
    )
    .unwrap();
    session.until("> ");
    session.keys(b".load latin.lua\r");
    session.until("3 bytes");
    session.until("> ");
    session.keys(b".load none.lua\r");
    session.until("cannot open none.lua: No such file or directory\r\n");
    session.until("> ");
    session.keys(b".save none/none.lua\r");
    session.until("none/none.lua: No such file or directory\r\n");
}

#[test]
fn the_default_limit_stands_still_while_a_terminal_is_read() {
    let (mut program, mut keyboard) = start(&[], "assert(io.read() == 'typed') os.exit(7)");
    sleep(Duration::from_millis(5500));
    assert_eq!(program.try_wait().unwrap(), None);
    keyboard.write_all(b"typed\n").unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(7));
}

#[test]
fn a_limit_that_was_given_holds() {
    let start_time = Instant::now();
    let (mut program, _keyboard) = start(&["-timeout", "300ms"], "io.read()");
    assert_eq!(program.wait().unwrap().code(), Some(124));
    assert!(start_time.elapsed() < Duration::from_secs(60), "{:?}", start_time.elapsed());
}

#[test]
fn what_is_computed_afterwards_counts() {
    let (mut program, mut keyboard) = start(&[], "io.read() while true do end");
    keyboard.write_all(b"typed\n").unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(124));
}

#[test]
fn progress_is_mixed_up_with_nothing() {
    let written = written(
        &[],
        "local bar = progress(2, 'work')
        bar:advance()
        print('printed')
        sleep(0.15)
        bar:advance()
        io.stderr:write('told\\n')
        io.write('beginning, ')
        sleep(0.15)
        bar:set(2)
        print('end')
        bar:finish()
        print('below')",
    );
    let lines = seen(&written);
    assert_eq!(lines[..3], ["printed", "told", "beginning, end"], "{written:?}");
    assert!(
        lines[3].starts_with("work 100% [#########") && lines[3].contains("] 2/2 "),
        "{written:?}"
    );
    assert_eq!(lines[4..], ["below"], "{written:?}");
    assert!(lines[3].len() < 60, "{lines:?}");
}

/// Returns the error output of a program without colours.
fn told(code: &str) -> Vec<String> {
    seen(&written(&[("NO_COLOR", "1")], code))
}

#[test]
fn an_error_in_a_module_shows_the_line_of_the_module() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let path = directory.path().display().to_string();
    std::fs::write(directory.path().join("bad.lua"), "local x = 1\nlocal y = = 2\n").unwrap();
    std::fs::write(directory.path().join("outer.lua"), format!("\nimport('{path}/bad.lua')\n"))
        .unwrap();
    let place = format!("  --> {path}/bad.lua:2:11");
    for code in [
        format!("import('{path}/bad.lua')"),
        format!("import('{path}/outer.lua')"),
        format!("package.path = '{path}/?.lua' require('bad')"),
    ] {
        let lines = told(&code);
        let at = lines
            .iter()
            .position(|line| *line == place)
            .unwrap_or_else(|| panic!("{code}: {lines:#?}"));
        assert_eq!(lines[at + 2..at + 4], [" 2 | local y = = 2", "   |           ^"], "{lines:#?}");
    }
}

#[test]
fn an_error_that_is_a_table_shows_where_it_was_raised() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let path = directory.path().join("raises.lua").display().to_string();
    std::fs::write(&path, "local t = { text = 'a.lua:3: boom' }\nerror(t)\n").unwrap();
    let lines = told(&format!("dofile('{path}')"));
    let expected = [
        "error: (error object is a table value): { text = \"a.lua:3: boom\" }".into(),
        format!("  --> {path}:2:1"),
    ];
    assert_eq!(lines[..2], expected, "{lines:#?}");
    assert_eq!(lines[3..6], [" 2 | error(t)", "   | ^^^^^^^^", "stack traceback:"], "{lines:#?}");
}

#[test]
fn progress_ends_with_the_program() {
    let written = written(&[], "local bar = progress(2, 'work') bar:advance() error('boom')");
    assert!(written.contains("work   0%"), "{written:?}");
    let lines = seen(&written);
    assert!(lines[0].starts_with("error: boom") || lines[0].contains("boom"), "{written:?}");
    assert!(!lines.iter().any(|line| line.contains("work   0%")), "{written:?}");
}

#[test]
fn a_terminal_that_cannot_rewrite_a_line_shows_no_progress() {
    let written = written(
        &[("TERM", "dumb")],
        "local bar = progress(2, 'work') bar:advance() bar:finish() print('end')",
    );
    assert_eq!(seen(&written), ["end"]);
}

#[test]
fn long_transfers_show_progress_unless_they_are_told_not_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file").display().to_string();
    let code = |options: &str| {
        format!(
            "local listener = tcp_listen(0, {{ host = '127.0.0.1' }})
            go(function()
                local connection = listener.accept()
                connection.read()
                connection.write('HTTP/1.1 200 OK\\r\\nContent-Length: 4000\\r\\n'
                    .. 'Connection: close\\r\\n\\r\\n')
                sleep(0.7)
                connection.write(('x'):rep(1000))
                sleep(0.2)
                connection.write(('x'):rep(3000))
                connection.close()
            end)
            assert(ft.download('http://127.0.0.1:' .. listener.port, '{path}', {options}))
            listener.close()
            print('end')"
        )
    };
    let shown = written(&[], &code("{}"));
    assert!(shown.contains("/4.0 kB"), "{shown:?}");
    assert_eq!(seen(&shown), ["end"], "nothing stays");
    assert_eq!(written(&[], &code("{ progress = false }")), "end\r\n");
}
