//! `--sandbox`, `--allow-*` and `--deny-*`: every access to the outside world, with no permission
//! and with each one alone.
#![cfg(test)]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const ATTEMPTS: &str = include_str!("permissions/attempts.lua");
const CONNECTIONS: &str = include_str!("permissions/connections.lua");

/// A fresh set of files for `attempts.lua`.
fn files() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    for directory in ["program", "data/modules", "out", "other/inner"] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    fs::write(at("program/attempts.lua"), ATTEMPTS).unwrap();
    for path in ["data/secret.txt", "other/secret.txt", "program/secret.txt"] {
        fs::write(at(path), "s3cret = 1").unwrap();
    }
    fs::write(at("data/table.lua"), "return { 1 }").unwrap();
    fs::write(at("data/modules/one.lua"), "return 1").unwrap();
    fs::write(at("data/a.csv"), "a,b\n1,2\n").unwrap();
    fs::write(at("data/a.ini"), "[a]\nb=1\n").unwrap();
    fs::write(at("data/a.env"), "SOLVM_TEST=1\n").unwrap();
    fs::write(at("data/a.tmpl"), "{{.}}").unwrap();
    fs::write(at("data/a.tar"), [0; 1024]).unwrap();
    symlink(at("data/secret.txt"), at("data/link")).unwrap();
    symlink(at("other/secret.txt"), at("data/out-link")).unwrap();
    symlink(at("other"), at("data/out-directory")).unwrap();
    symlink(at("other/written.txt"), at("out/out-link")).unwrap();
    for number in 1..=6 {
        fs::write(at(&format!("out/old{number}")), "old").unwrap();
    }
    root
}

/// A server that responds to every request with a Lua chunk, or a redirect to what follows `/to/`.
struct Server {
    port: u16,
    /// The number of its connections so far.
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || answer(stream));
            }
        });
        Server { port, connections }
    }
}

/// The port of such a server.
fn server() -> u16 {
    Server::new().port
}

fn answer(mut stream: std::net::TcpStream) {
    let mut request = [0; 4096];
    while let Ok(count) = stream.read(&mut request)
        && count > 0
    {
        let request = String::from_utf8_lossy(&request[..count]);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let response = match path.strip_prefix("/to/") {
            Some(target) => {
                format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")
            }
            None => "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nreturn 1".to_string(),
        };
        if stream.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

/// A port that is free.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn solvm(directory: &Path, options: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_solvm"))
        .args(["-timeout", "60s"])
        .args(options)
        .env("SOLVM_TEST", "value")
        .current_dir(directory)
        .output()
        .unwrap()
}

/// The outcome of each attempt, and the permission that it needs.
fn attempts(options: &[&str], server: u16) -> BTreeMap<String, (String, String)> {
    let root = files();
    let listen = free_port();
    let path = root.path().to_str().unwrap();
    let fill = |word: &str| {
        word.replace("ROOT", path)
            .replace("SERVER", &server.to_string())
            .replace("PORT", &listen.to_string())
    };
    let mut words: Vec<String> = options.iter().map(|word| fill(word)).collect();
    words.push(format!("{path}/program/attempts.lua"));
    words.extend([path.to_string(), server.to_string(), listen.to_string()]);
    let output = solvm(root.path(), &words);
    let (lines, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{options:?}: {errors}");
    if options.contains(&"--sandbox") {
        assert!(!root.path().join("other/new.txt").exists());
        assert!(!root.path().join("other/written.txt").exists());
    }
    let outcomes: BTreeMap<_, _> = lines
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            (parts[0].to_string(), (parts[1].to_string(), parts[2].to_string()))
        })
        .collect();
    assert!(outcomes.len() > 70, "{lines}");
    outcomes
}

/// Whether permissions for these areas allow an attempt.
fn is_allowed(needs: &str, areas: &[&str]) -> bool {
    needs.split(", ").all(|need| need.split(" or ").any(|need| areas.contains(&need)))
}

#[track_caller]
fn check(options: &[&str], areas: &[&str], server: u16) {
    let mut wrong = String::new();
    for (name, (needs, outcome)) in attempts(options, server) {
        let expected = if is_allowed(&needs, areas) { "reached" } else { "denied" };
        if outcome != expected {
            wrong.push_str(&format!("\n{name} (needs {needs}): {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{options:?}:{wrong}");
}

#[test]
fn a_sandbox_denies_every_way_to_the_outside() {
    check(&["--sandbox"], &[], server());
}

#[test]
fn each_permission_allows_what_it_names_and_nothing_else() {
    let server = server();
    for (options, areas) in [
        (&["--allow-read=ROOT/data"][..], &["read"][..]),
        (&["--allow-write=ROOT/out"], &["write"]),
        (&["--allow-read=ROOT/out", "--allow-write=ROOT/out"], &["write", "read of out"]),
        (&["--allow-read=ROOT/data", "--allow-write=ROOT/out"], &["read", "write"]),
        (&["--allow-net=127.0.0.1:SERVER"], &["net"]),
        (&["--allow-import=127.0.0.1:SERVER"], &["import"]),
        (&["--allow-net=127.0.0.0/8:SERVER", "--allow-write=ROOT/out"], &["net", "write"]),
        (&["--allow-net=127.0.0.1:SERVER", "--allow-read=ROOT/data"], &["net", "read"]),
        (&["--allow-env=SOLVM_TEST", "--allow-read=ROOT/data"], &["env", "read"]),
        (&["--allow-listen=PORT"], &["listen"]),
        (&["--allow-env=SOLVM_TEST"], &["env"]),
        (&["--allow-run=sh"], &["run"]),
    ] {
        let options: Vec<&str> = ["--sandbox"].into_iter().chain(options.iter().copied()).collect();
        check(&options, areas, server);
    }
}

#[test]
fn what_is_denied_wins_over_what_is_allowed() {
    let server = server();
    for denied in ["read", "write", "net", "listen", "env", "run"] {
        let option = format!("--deny-{denied}");
        for (name, (needs, outcome)) in attempts(&[&option], server) {
            if needs.split(", ").any(|need| need == denied) {
                assert_eq!(outcome, "denied", "{option}: {name}");
            }
        }
    }
    let sandboxed = ["--sandbox", "--allow-read=ROOT/data", "--deny-read=ROOT/data/secret.txt"];
    let outcomes = attempts(&sandboxed, server);
    for (name, outcome) in [("read_file", "denied"), ("through a link", "denied")] {
        assert_eq!(outcomes[name].1, outcome, "{name}");
    }
    assert_eq!(outcomes["csv.read"].1, "reached");
    let moved = ["--deny-read=ROOT/out/old1", "--deny-write=ROOT/data"];
    assert_eq!(attempts(&moved, server)["os.rename"].1, "reached");
}

/// Hosts that are this machine; some by a look-up.
const HOSTS: [&str; 4] = ["localhost", "LOCALHOST", "127.0.0.1", "::ffff:127.0.0.1"];

/// Calls every way to connect to a port, with some options; the proxy is set in the environment.
/// Returns the outcomes: how, the host, and "reached" or "denied".
fn connections(
    options: &[String],
    proxy: u16,
    redirecting: u16,
    port: u16,
) -> Vec<(String, String, String)> {
    let root = files();
    let script = root.path().join("program/connections.lua");
    fs::write(&script, CONNECTIONS).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    for scheme in ["http", "https", "all"] {
        let address = format!("http://127.0.0.1:{proxy}");
        command.env(format!("{scheme}_proxy"), &address);
        command.env(format!("{}_PROXY", scheme.to_uppercase()), &address);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let ports = [redirecting, port].map(|port| port.to_string());
    let output = command
        .args(["-timeout", "60s"])
        .args(options)
        .args([&script, root.path()])
        .args(ports)
        .args(HOSTS)
        .current_dir(root.path())
        .output()
        .unwrap();
    let (lines, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{options:?}: {errors}");
    let outcomes: Vec<_> = lines
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            (parts[0].to_string(), parts[1].to_string(), parts[2].to_string())
        })
        .collect();
    assert!(outcomes.len() >= 15 * HOSTS.len(), "{options:?}: {lines}");
    outcomes
}

/// Every way to connect, with rules for names, addresses and ports. `ONE` is the port of a server,
/// `OTHER` that of another; a row has the hosts whose ports ONE and OTHER are allowed.
#[test]
fn every_connection_goes_to_a_host_and_port_that_are_allowed() {
    const ALL: &[&str] = &HOSTS;
    const NAMES: &[&str] = &["localhost", "LOCALHOST"];
    const ADDRESSES: &[&str] = &["127.0.0.1", "::ffff:127.0.0.1"];
    let rows: &[(&[&str], &[&str], &[&str])] = &[
        (&["--allow-net=localhost:ONE"], NAMES, &[]),
        (&["--allow-net=localhost:ONE,10.0.0.0/8:OTHER"], NAMES, &[]),
        (&["--allow-net=localhost:ONE,10.0.0.0/8"], NAMES, &[]),
        (&["--allow-net=127.0.0.1:ONE"], ALL, &[]),
        (&["--allow-net=127.0.0.1:ONE,10.0.0.0/8:OTHER"], ALL, &[]),
        (&["--allow-net=127.0.0.1:ONE,10.0.0.0/8"], ALL, &[]),
        (&["--allow-net=127.0.0.0/8:ONE,localhost:OTHER"], ALL, NAMES),
        (&["--allow-net=[::ffff:127.0.0.1]:ONE"], ALL, &[]),
        (&["--allow-net=[::ffff:127.0.0.0/104]:ONE,::1"], ALL, &[]),
        (&["--allow-net", "--deny-net=localhost:OTHER"], ALL, ADDRESSES),
        (&["--allow-net", "--deny-net=127.0.0.1:OTHER,::1"], ALL, &[]),
        (&["--allow-net", "--deny-net=127.0.0.0/8:OTHER,10.0.0.0/8,::1"], ALL, &[]),
        (&["--allow-net", "--deny-net=[::ffff:127.0.0.1]:OTHER,::1"], ALL, &[]),
        (&["--allow-net", "--deny-net=::ffff:127.0.0.1,::1"], &[], &[]),
        (&["--allow-net", "--deny-net=::ffff:127.0.0.0/104,::1"], &[], &[]),
        (&["--allow-net", "--deny-net=::ffff:0:0/96,::1"], &[], &[]),
        (&["--allow-net", "--deny-net=::/0"], ALL, ALL),
    ];
    let (one, other, proxy) = (Server::new(), Server::new(), Server::new());
    let fill = |word: &&str| {
        word.replace("ONE", &one.port.to_string()).replace("OTHER", &other.port.to_string())
    };
    let mut wrong = String::new();
    for (options, to_one, to_other) in rows {
        for (server, allowed) in [(&one, to_one), (&other, to_other)] {
            let mut words =
                ["--sandbox", "--allow-read=data", "--allow-write=out"].map(String::from).to_vec();
            words.extend(options.iter().map(fill));
            let before = server.connections.load(Ordering::Relaxed);
            for (way, host, outcome) in connections(&words, proxy.port, one.port, server.port) {
                let is_allowed = allowed.contains(&&host[..])
                    && (!way.starts_with("redirect") || to_one.contains(&&host[..]));
                if outcome != if is_allowed { "reached" } else { "denied" } {
                    wrong.push_str(&format!("\n{options:?}: {way} {host}: {outcome}"));
                }
            }
            // Redirects begin at the first server.
            let count = server.connections.load(Ordering::Relaxed) - before;
            if (count > 0) == allowed.is_empty() {
                wrong.push_str(&format!("\n{options:?}: {count} connections"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(proxy.connections.load(Ordering::Relaxed), 0, "the proxy of the environment");
}

/// A directory with denied contents cannot be moved to where they are allowed.
#[test]
fn what_is_denied_cannot_be_moved_along() {
    let root = files();
    let path = root.path().to_str().unwrap();
    let code = format!("print(os.rename('{path}/other', '{path}/moved'))");
    let output =
        solvm(root.path(), &[format!("--deny-read={path}/other/secret.txt"), "-e".into(), code]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("permission denied: "));
    assert!(root.path().join("other/secret.txt").exists());
}

/// A link that is swapped while the program reads does not give access to outside files.
#[test]
fn a_swapped_link_leads_nowhere() {
    let root = files();
    let data = root.path().join("data");
    let (place, real) = (data.join("place"), data.join("real"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("secret.txt"), "fine").unwrap();
    let over = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // The program may hold the moved file.
                let _ = fs::rename(&real, &place);
                let _ = fs::rename(&place, &real);
                let _ = symlink(root.path().join("other"), &place);
                let _ = fs::remove_file(&place);
            }
        });
        let code = "
            local path, fine = 'data/place/secret.txt', 0
            for i = 1, 20000 do
                local text = i % 2 == 0 and read_file(path) or nil
                if not text then
                    local file = io.open(path)
                    text = file and file:read('*a')
                    if file then file:close() end
                end
                assert(text ~= 's3cret = 1', 'the link was followed')
                if text then fine = fine + 1 end
            end
            assert(fine > 0)
            print('fine')";
        let options = ["--sandbox", "--allow-read=data", "-e", code].map(String::from);
        let output = solvm(root.path(), &options);
        over.store(true, Ordering::Relaxed);
        output
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "fine\n", "{errors}");
}

/// Modules next to the script run; their source cannot be read, not even through an error.
#[test]
fn modules_of_the_script_may_be_run_and_not_read() {
    let root = files();
    let at = |path: &str| root.path().join("program").join(path);
    fs::create_dir(at("inner")).unwrap();
    fs::write(at("module.lua"), "return 'module'").unwrap();
    fs::write(at("inner/other.lua"), "return 'other'").unwrap();
    fs::write(at("functions.lua"), "return function() return 's3cret' end").unwrap();
    fs::write(at("broken.lua"), "x = 1\npassword s3cret").unwrap();
    fs::write(at(".env"), "API_KEY = 's3cret'").unwrap();
    symlink(root.path().join("other/secret.txt"), at("outside.lua")).unwrap();
    fs::write(
        at("main.lua"),
        r#"
        assert(require("module") == "module" and require("inner.other") == "other")
        assert(import("module") == "module" and dofile("module.lua") == "module")
        assert(loadfile("inner/other.lua")() == "other")
        assert(not io.open("module.lua") and not read_file("module.lua"))
        local function is_dumped(chunk) return pcall(string.dump, chunk) end
        assert(not is_dumped(loadfile("module.lua")) and not is_dumped(require("functions")))
        assert(is_dumped(is_dumped))
        for _, load in ipairs { loadfile, dofile, require, import } do
            local name = (load == require or load == import) and "broken" or "broken.lua"
            local ok, result, reason = pcall(load, name)
            local message = tostring(reason or result)
            assert(message:find("broken.lua:2: ", 1, true), message)
            assert(not message:find("s3cret", 1, true), message)
            assert(not message:find("password", 1, true), message)
        end
        package.path = "./.env"
        for _, load in ipairs { loadfile, dofile, import } do
            for _, name in ipairs { ".env", "outside.lua", "../other/secret.txt" } do
                local ok, result, reason = pcall(load, name)
                assert(not (ok and result), name)
                assert(not API_KEY and not s3cret, name)
            end
        end
        assert(not pcall(require, "x") and not API_KEY)
        assert(not pcall(import, "inner/"))
        "#,
    )
    .unwrap();
    let output = solvm(&at(""), &["--sandbox".into(), "main.lua".into()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let code = "assert(not pcall(require, 'module'))".to_string();
    let output = solvm(&at(""), &["--sandbox".into(), "-e".into(), code]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_denial_is_the_same_whether_a_file_exists_or_not() {
    let root = files();
    let code = "
        local function reason(path)
            local text = select(2, io.open(path)) .. select(2, read_file(path))
                .. select(2, loadfile(path)) .. select(2, os.remove(path)) .. select(2, mkdir(path))
                .. select(2, pcall(import, path)) .. select(2, require('lfs').attributes(path))
                .. select(2, tar.list(path))
            return (text:gsub('[%w_]+%.txt', 'NAME'))
        end
        for _, directory in ipairs {
            'other/', 'other/inner/../', 'data/out-directory/', '/etc/', '/etc/x/../',
        } do
            local present, missing = directory .. 'secret.txt', directory .. 'missing.txt'
            assert(reason(present) == reason(missing), directory)
        end";
    let options = ["--sandbox", "--allow-read=data", "-e", code].map(String::from);
    let output = solvm(root.path(), &options);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn wrong_usage_is_told() {
    let root = files();
    for (options, message) in [
        (&["--allow-read"][..], "--allow-read requires --sandbox"),
        (&["--allow-net=x", "--deny-read"], "--allow-net requires --sandbox"),
        (&["--sandbox", "--allow-read="], "--allow-read: a path must not be empty"),
        (&["--sandbox", "--allow-listen=http"], "--allow-listen: invalid port 'http'"),
        (&["--sandbox", "--allow-net=http://x"], "--allow-net: invalid host 'http://x'"),
        (&["--deny-net=::1:80"], "invalid host '::1:80' (write [::1]:80 or [::1:80])"),
        (&["--sandbox", "--allow-run=no-such-program"], "program 'no-such-program' not found"),
    ] {
        let mut options: Vec<String> = options.iter().map(|word| word.to_string()).collect();
        options.extend(["-e".into(), "print('ran')".into()]);
        let output = solvm(root.path(), &options);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(errors.contains(message), "{options:?}: {errors}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn denials_are_shown_with_debug() {
    let root = files();
    let code = "io.open('other/secret.txt')";
    let output = solvm(root.path(), &["--sandbox", "-debug", "-e", code].map(String::from));
    let errors = String::from_utf8_lossy(&output.stderr);
    let message = "permission denied: reading 'other/secret.txt' needs --allow-read";
    assert!(errors.contains(message), "{errors}");
}

/// Code files are read with a size limit, and do not keep a program running beyond its timeout.
#[test]
fn code_is_read_in_bounds() {
    let root = files();
    let pipe = root.path().join("pipe.lua");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let run = |words: &[&str]| {
        let started = std::time::Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_solvm"))
            .args(["-timeout", "700ms", "-memory-limit", "64"])
            .args(words)
            .current_dir(root.path())
            .output()
            .unwrap();
        assert!(started.elapsed() < Duration::from_secs(30), "{words:?}");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let calls = ["loadfile('NAME')", "dofile('NAME')", "require('x')", "import('./NAME')"];
    for call in calls {
        let code = format!("package.path = 'NAME' {call}").replace("NAME", "pipe.lua");
        assert_eq!(run(&["-e", &code]).0, Some(124), "{code}");
        let code = format!("package.path = 'NAME' {call}").replace("NAME", "/dev/zero");
        let (status, errors) = run(&["-e", &code]);
        assert!(status == Some(0) || status == Some(1), "{code}: {status:?} {errors}");
    }
    assert_eq!(run(&["pipe.lua"]).0, Some(124));
    let (status, errors) = run(&["/dev/zero"]);
    assert!(status == Some(1) && errors.contains("not enough memory"), "{status:?} {errors}");
    for call in [
        "http_get('https://127.0.0.1:1', { ca_file = '/dev/zero' })",
        "ws_connect('wss://127.0.0.1:1', { ca_file = '/dev/zero' })",
        "pcall(create_server, 's', 0, true, '/dev/zero', '/dev/zero')",
    ] {
        let code = format!("local _, reason = {call} print(reason) assert(reason)");
        let (status, errors) = run(&["-e", &code]);
        assert_eq!(status, Some(0), "{call}: {errors}");
    }
}
