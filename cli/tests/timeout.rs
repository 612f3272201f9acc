//! `-timeout` ends any program, in time and with exit code 124.
#![cfg(test)]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(1);
/// So many megabytes that no program runs out of memory before its timeout.
const MEMORY: &str = "16000";
/// The maximum delay where other programs keep the machine busy. `SOLVM_LATENESS` is another one,
/// in milliseconds.
const LATENESS: Duration = Duration::from_secs(30);

const COMPUTING: &[&str] = &[
    // Tight loops.
    "while true do end",
    "repeat local x = 1 until false",
    // Patterns that backtrack.
    "(('a'):rep(40)):find(('a*'):rep(30) .. 'b')",
    "pcall(string.gsub, ('a'):rep(1e5), '.-.-.-b', '')",
    // Large strings.
    "while true do local s = ('x'):rep(1e8) end",
    "while true do pcall(string.rep, 'x', 3e7, 'yz') end",
    // Slow comparators.
    "local t = {} for i = 1, 1e5 do t[i] = i end
        table.sort(t, function(a, b) for i = 1, 1e6 do end return a < b end)",
    "local t = {} for i = 1, 1e4 do t[i] = ('x'):rep(1e4) .. i end while true do table.sort(t) end",
    // Other computations.
    "go(function() while true do end end) wait()",
    "io.popen('while :; do echo x; done'):read('*a')",
    // A program that catches all errors.
    "local function f() while true do pcall(f) end end f()",
    "while true do pcall(function() while true do pcall(error) end end) end",
    "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "setmetatable(_G, { __index = function() while true do end end }) \
     while true do pcall(function() return x end) end",
    "coroutine.wrap(function() \
         while true do pcall(coroutine.wrap(function() while true do end end)) end \
     end)()",
    // Much to free at the end.
    "create_server('s', 0) for i = 1, 1e9 do handle_http('s', '/' .. i, print) end",
    "for i = 1, 1e9 do set_timeout(print, 100) end",
    // The compiler.
    "load(('x = x + 1 '):rep(3e6))",
    "load('return {' .. ('1,'):rep(1e7) .. '}')",
    "load('return ' .. ('1 + '):rep(1e7) .. '1')",
    "load(function() return 'x = 1 ' end)",
];

const WAITING: &[&str] = &[
    "set_timeout(print, 100) receive(chan())",
    "receive(chan(), 100)",
    "sleep(100)",
    "os.execute('sleep 100')",
    "io.popen('sleep 100'):read()",
    "io.popen('sleep 100'):close()",
    "io.popen('sleep 100', 'w'):write(('x'):rep(1e7))",
    "io.read()",
    "io.read('*a')",
    "for line in io.lines() do end",
    "crypto.rsa_generate(8192)",
    "for i = 1, 1000 do go(crypto.rsa_generate, 8192) end wait()",
];

/// Starts a program whose standard input stays silent. Its child processes are in its process
/// group.
fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().unwrap()
}

/// The exit code of a program, and how long it took. Its child processes end, too.
fn end(mut program: Child) -> (Option<i32>, Duration) {
    let start = Instant::now();
    // Its standard input stays open in the meantime.
    let input = program.stdin.take();
    let code = program.wait().unwrap().code();
    let took = start.elapsed();
    drop(input);
    #[cfg(unix)]
    {
        // The process may not exist.
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&program),
            rustix::process::Signal::KILL,
        );
    }
    (code, took)
}

fn check(program: Child, what: &str) {
    let (exit_code, took) = end(program);
    assert_eq!(exit_code, Some(124), "{what}");
    let lateness = std::env::var("SOLVM_LATENESS")
        .map_or(LATENESS, |milliseconds| Duration::from_millis(milliseconds.parse().unwrap()));
    assert!(took <= TIMEOUT + lateness, "{took:?}: {what}");
}

#[test]
fn whatever_a_program_does_ends_in_time() {
    for code in COMPUTING {
        check(start(&["-timeout", "1s", "-memory-limit", MEMORY, "-e", code]), code);
    }
    // These yield to each other.
    let programs: Vec<Child> =
        WAITING.iter().map(|code| start(&["-timeout", "1s", "-e", code])).collect();
    for (program, code) in programs.into_iter().zip(WAITING) {
        check(program, code);
    }
}

#[test]
fn the_compilation_of_a_huge_script_ends_in_time() {
    for piece in ["x = x + 1\n", "f{1, 2, 3, a = function() return b.c[d] end}\n"] {
        let mut script = tempfile::NamedTempFile::new().unwrap();
        script.write_all(piece.repeat((60 << 20) / piece.len()).as_bytes()).unwrap();
        check(
            start(&["-timeout", "1s", "-memory-limit", MEMORY, &script.path().to_string_lossy()]),
            piece,
        );
    }
}

#[test]
fn a_program_that_ends_by_itself_ends_with_0() {
    let code =
        "local t = {} for i = 1, 1e4 do t[i] = -i end table.sort(t); ('x'):rep(1e3):find('x*y')
        go(function() pcall(error) end) wait() os.execute('true') load('x = 1')()";
    let (exit_code, _) = end(start(&["-timeout", "60s", "-e", code]));
    assert_eq!(exit_code, Some(0));
}

/// Child processes of a program end with it at its timeout, and the child processes of a shell, if
/// the OS reports them.
#[cfg(unix)]
#[test]
fn child_processes_end_with_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let program = |start: &str, name: &str| {
        let shell = format!("sleep 5; touch {}", directory.path().join(name).display());
        // Brackets make the shell start another one, which would survive.
        let shell = if cfg!(target_os = "linux") { format!("({shell}); true") } else { shell };
        let code = format!("{start}('{shell}') sleep(60)");
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command
            .args(["-timeout", "500ms", "-e", &code])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut programs = [program("os.execute", "executed"), program("io.popen", "opened")];
    for program in &mut programs {
        assert_eq!(program.wait().unwrap().code(), Some(124));
    }
    std::thread::sleep(Duration::from_millis(5500));
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "a child process has gone on"
    );
}

/// A stalled reader of the output delays neither the time limit nor a signal.
#[cfg(unix)]
#[test]
fn an_output_that_nobody_reads_ends_in_time() {
    use std::process::{Command, Stdio};
    let start = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(options).args(["-e", "while true do pcall(print, ('x'):rep(1000)) end"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut limited = start(&["-timeout", "500ms"]);
    // The pipe stays open.
    let _reader = limited.stdout.take();
    assert_eq!(limited.wait().unwrap().code(), Some(124));

    let mut stopped = start(&["-timeout", "0"]);
    let _reader = stopped.stdout.take();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let number = stopped.id().to_string();
    assert!(Command::new("kill").arg(number).status().unwrap().success());
    assert_eq!(stopped.wait().unwrap().code(), Some(143));
}
