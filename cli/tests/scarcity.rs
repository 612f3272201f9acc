//! Programs on a system that is short of a resource: threads, descriptors, file sizes, disk space,
//! stack, standard streams. Whatever is missing, in any combination, is a Lua error or a message:
//! the program neither panics nor hangs.
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SOLVM: &str = env!("CARGO_BIN_EXE_solvm");
/// The time limit of a program, for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Uses everything that needs a thread, a descriptor, or memory.
const PROGRAM: &str = r#"
local directory = ...
local function try(f, ...) pcall(f, ...) end
try(read_file, "/etc/hostname")
try(write_file, directory .. "/a", ("x"):rep(100000))
try(append_file, directory .. "/b", ("x"):rep(100000))
try(list_dir, directory)
try(glob, directory .. "/*")
try(resolve_dns, "localhost")
try(http_get, "http://localhost:1/", {timeout = 1})
try(http_get, "https://localhost:1/", {timeout = 1})
try(tcp_connect, "localhost", 1)
try(ws_connect, "ws://localhost:1/", {timeout = 1})
try(watch_file, directory .. "/a", print)
try(unwatch_file, directory .. "/a")
try(os.execute, "true")
try(function() local f = io.popen("echo x") f:read("*a") f:close() end)
try(function() local f = io.tmpfile() f:write(("x"):rep(100000)) f:close() end)
try(os.tmpname)
try(function() local f = io.open(directory .. "/c", "w") f:write(("x"):rep(100000)) f:close() end)
try(crypto.sha256, ("x"):rep(1e6))
try(template.parse, ("x"):rep(100000))
try(tar.create, directory .. "/a.tar", {directory .. "/b"})
try(yaml.decode, ("- x\n"):rep(10000))
try(function() create_server("s", 0) start_server("s") stop_server("s") end)
try(io.read, "*a")
try(io.stderr.write, io.stderr, "a message\n")
try(io.write, ("x"):rep(100000), "\n")
try(io.flush)
os.exit(0)
"#;

/// Runs a command in a shell; `before` is what the shell does first.
fn run(before: &str, command: &str, directory: &Path) -> Output {
    let script = format!("{before}\nexec {command}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, "sh", SOLVM]).arg(directory);
    shell.env("PROGRAM", PROGRAM).env("TMPDIR", directory).env_remove("RUST_BACKTRACE");
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let started = Instant::now();
    let (mut output, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let output = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut output, &mut bytes).map(|_| bytes)
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut errors, &mut bytes).map(|_| bytes)
    });
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > TIMEOUT {
            child.kill().unwrap();
            panic!("hangs: {script}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Output {
        status,
        stdout: output.join().unwrap().unwrap(),
        stderr: errors.join().unwrap().unwrap(),
    }
}

/// The exit code of a program that ended on its own and did not panic.
fn code(before: &str, command: &str, directory: &Path) -> i32 {
    let output = run(before, command, directory);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{before}\n{command}\n{errors}");
    let code = output.status.code();
    code.unwrap_or_else(|| panic!("{before}\n{command}\n{:?}\n{errors}", output.status))
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

#[test]
fn programs_do_not_panic_when_the_system_is_short_of_things() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .unwrap();
    let program = directory.path().join("program.lua");
    std::fs::write(&program, PROGRAM).unwrap();
    let limits = [
        "",
        "prlimit --nofile=16:16",
        "prlimit --nofile=9:9",
        "prlimit --fsize=2048:2048",
        "prlimit --stack=131072:131072",
    ];
    let streams =
        ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/full 2>/dev/full"];
    // Threads are counted for each user, and root has no limit: the program runs as another user.
    let is_possible = is_root() && Command::new("setpriv").arg("--version").output().is_ok();
    let other = "setpriv --reuid=65533 --clear-groups prlimit --nproc=1:1";
    let users = if is_possible { &["", other][..] } else { &[""] };
    for user in users {
        for limit in limits {
            for stream in streams {
                let solvm = r#""$1" -timeout 40s "$2/program.lua" "$2""#;
                let code = code("", &format!("{user} {limit} {solvm} {stream}"), directory.path());
                // 1 means that output was lost, or that the program could not start.
                assert!(matches!(code, 0 | 1), "{code}: {user} {limit} {stream}");
                if !stream.contains("full") && !limit.contains("nofile=9") {
                    assert_eq!(code, 0, "{user} {limit} {stream}");
                }
            }
        }
    }
}

#[test]
fn work_that_needs_a_thread_fails_where_there_is_none() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let command = "setpriv --reuid=65533 --clear-groups prlimit --nproc=1:1 \
        \"$1\" -e 'print(read_file(\"/etc/passwd\"))'";
    let output = run("", command, directory.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("/etc/passwd: cannot start a thread: "), "{text}");
}

#[test]
fn lost_output_of_commands_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a_test.lua"), "test('a', function() end)").unwrap();
    let commands = [
        "doc",
        "doc string",
        "help",
        "--help",
        "man",
        "completions bash",
        "init \"$2/new\"",
        "test \"$2\"",
        "check --json \"$2\"",
        "--dump ast -e 'x = 1'",
        "-e 'print(1)'",
        "-e 'print(1) os.exit(0)'",
    ];
    for command in commands {
        let full = format!(r#""$1" {command} >/dev/full"#);
        let output = run("", &full, directory.path());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {errors}");
        assert!(errors.contains("No space left on device"), "{command}: {errors}");
        // The reader is closed before the command starts.
        let closed = r#"exec 3>&1; mkfifo "$2/pipe"; (exec 4<"$2/pipe") & "#;
        let closed = format!(r#"{closed} exec 5>"$2/pipe"; wait; rm "$2/pipe""#);
        let code = code(&closed, &format!(r#""$1" {command} >&5"#), directory.path());
        assert_eq!(code, 0, "{command} into a closed pipe");
        let _ = std::fs::remove_dir_all(directory.path().join("new"));
    }
}

#[test]
fn a_write_beyond_the_largest_size_fails() {
    let directory = tempfile::tempdir().unwrap();
    let program = r#"local f = io.open(arg[1] .. "/a", "w") f:write(("x"):rep(60000))
        print(f:write(("x"):rep(60000))) print(f:flush()) print(f:close())
        print(write_file(arg[1] .. "/b", ("x"):rep(100000)))"#;
    std::fs::write(directory.path().join("program.lua"), program).unwrap();
    let output = run("ulimit -f 4", r#""$1" "$2/program.lua" "$2""#, directory.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("File too large").count(), 4, "{text}");
}
