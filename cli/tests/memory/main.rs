//! The memory limit applies to the process, whatever a script keeps or discards, and an OS that
//! refuses memory causes Lua errors.
//!
//! `generated` calls every native, `documents` every parser; here are programs for combinations of
//! calls. `SOLVM_MEMORY=100`
//! gives each native more arguments and 100 ms instead of a few; `SOLVM=...` selects another
//! program to test, such as one with the feature `account-check`.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod documents;
mod generated;
#[path = "../natives/mod.rs"]
#[allow(dead_code)]
mod natives;

use std::fmt::Write;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{fs, thread};

/// What scripts do until memory is short, or for a number of rounds. Each is the body of a
/// function; `keep` is a table, `long` a string of 1000 bytes.
const ROWS: &[(&str, &str)] = &[
    (
        "chained coroutines",
        "local function chain() local co = coroutine.create(function()
        local a, b, c = 1, 2, 3 return chain() end) return coroutine.resume(co) end chain()",
    ),
    ("coroutines", "for i = 1, 1e7 do keep[i] = coroutine.create(function() end) end"),
    (
        "failed coroutines",
        "for i = 1, 1e6 do keep[i] = coroutine.create(error)
        coroutine.resume(keep[i], long .. i) end",
    ),
    ("os.setenv", "for i = 1, 1e6 do os.setenv('V' .. i, long) end"),
    ("dotenv.set", "for i = 1, 1e6 do dotenv.set('V' .. i, long) end"),
    (
        "setvbuf",
        "local f = io.tmpfile() f:setvbuf('full', 2^30)
        for i = 1, 1e5 do f:write(long) end",
    ),
    ("chunk names", "for i = 1, 1e6 do keep[i] = load('return 1', '=' .. long:rep(100) .. i) end"),
    ("sources", "for i = 1, 1e6 do keep[i] = load('return 1 --' .. long:rep(100) .. i) end"),
    ("small chunks", "for i = 1, 1e6 do keep[i] = load('return 1') end"),
    (
        "local names",
        "local lines = {} for i = 1, 190 do lines[i] = 'local ' .. long:sub(1, 200) .. i end
        local source = table.concat(lines, '\\n') for i = 1, 1e6 do keep[i] = load(source) end",
    ),
    (
        "constants",
        "local source = {'return {'}
        for i = 1, 2000 do source[#source + 1] = ('%q,'):format(long:sub(1, 50) .. i) end
        source = table.concat(source) .. '}' for i = 1, 1e6 do keep[i] = load(source) end",
    ),
    ("garbage of chunks", "for i = 1, 20000 do load('return 1 --' .. long .. i) end"),
    ("names of servers", "for i = 1, 1e6 do create_server(long:rep(100) .. i, 0) end"),
    (
        "hosts of servers",
        "for i = 1, 1e6 do create_server('s' .. i, 0, { host = long:rep(60) }) end",
    ),
    (
        "URLs",
        "local url = 'http://127.0.0.1:' .. tcp_listen(0).port .. '/' .. long:rep(60)
        for i = 1, 2000 do go(function() http_get(url .. i) end)
        if i % 20 == 0 then sleep(0.005) end end",
    ),
    (
        "URLs of WebSockets",
        "local url = 'ws://127.0.0.1:' .. tcp_listen(0).port .. '/' .. long:rep(60)
        for i = 1, 2000 do go(function() ws_connect(url .. i) end)
        if i % 20 == 0 then sleep(0.005) end end",
    ),
    (
        "redirects",
        "create_server('s', 0, { max_header = 2 ^ 20 })
        local url = 'http://127.0.0.1:' .. start_server('s')
        local headers = { Location = url .. '/slow/' .. long:rep(60) }
        handle_http('s', '/', function() return { status = 302, headers = headers } end)
        handle_http('s', '/slow/*', function() sleep(9) end)
        for i = 1, 1000 do go(function() http_get(url) end)
        if i % 20 == 0 then sleep(0.005) end end",
    ),
    (
        "routes",
        "create_server('s', 0)
        for i = 1, 1e4 do handle_http('s', '/' .. long:rep(10) .. i, print) end",
    ),
    (
        "routes of many segments",
        "create_server('s', 0) local p = ('/a'):rep(2e4)
        for i = 1, 1e9 do handle_http('s', p .. i, print) end",
    ),
    (
        "routes of empty segments",
        "create_server('s', 0) local p = ('/'):rep(6e4)
        for i = 1, 1e9 do handle_ws('s', p .. i, print) end",
    ),
    (
        "routes of many parameters",
        "create_server('s', 0) local p = {} for i = 1, 8000 do p[i] = '/:' .. i end
        p = table.concat(p) for i = 1, 1e9 do handle_http('s', p .. '/' .. i, print) end",
    ),
    (
        "middleware of many segments",
        "create_server('s', 0) local p = ('/a'):rep(2e4)
        for i = 1, 1e9 do use_middleware('s', p .. i, print) end",
    ),
    (
        "directories of many segments",
        "create_server('s', 0) local p = ('/a'):rep(2e4)
        for i = 1, 1e9 do serve_static('s', p .. i, '.') end",
    ),
    ("timers", "for i = 1, 1e6 do set_timeout(print, 1e6) end"),
    ("intervals", "for i = 1, 1e6 do set_interval(print, 1e6) end"),
    ("files", "for i = 1, 1e6 do keep[i] = assert(io.open('/dev/zero')) keep[i]:read(1) end"),
    ("goroutines", "for i = 1, 1e7 do go(function() sleep(1000) end) end"),
    (
        "waiting senders",
        "local c = channel.make() for i = 1, 1e6 do
        go(function() c:send(long .. i) end) if i % 100 == 0 then sleep(0) end end",
    ),
    ("parsed templates", "for i = 1, 1e5 do keep[i] = template.parse('{{.x}}' .. long .. i) end"),
    ("garbage of templates", "for i = 1, 1000 do template.parse('{{.x}}' .. long .. i) end"),
    (
        "garbage of trusted texts",
        "local text = long:rep(100)
        for i = 1, 2e4 do template.html(text) end",
    ),
    (
        "long patterns",
        "local p = long:rep(1000)
        for i = 1, 100 do keep[i] = p:gmatch(p) keep[i]() end",
    ),
    ("string.rep", "long:rep(1e6)"),
    ("string.format", "local s = long:rep(2e4) s = ('%s%s%s%s%s%s'):format(s, s, s, s, s, s)"),
    ("gsub", "long:rep(1000):gsub('x', long)"),
    ("table.concat", "for i = 1, 1e6 do keep[i] = long end table.concat(keep)"),
    ("json_decode", "json_decode('[' .. ('[],'):rep(3e6) .. '1]')"),
    (
        "json_encode",
        "for i = 1, 1e6 do keep[i] = 'a string with the number ' .. i end json_encode(keep)",
    ),
    ("yaml.decode", "yaml.decode(('- {a: [1, 2]}\\n'):rep(3e5))"),
    ("csv.parse", "csv.parse(('a,b,c,d\\n'):rep(1e6))"),
    ("io.read", "io.open('/dev/zero'):read('*a')"),
    ("read_file", "read_file('/dev/zero')"),
    (
        "buffers of files",
        "for i = 1, 900 do
            local f = io.tmpfile() keep[i] = f
            f:setvbuf('full', 2^20) f:write(long:rep(1048)) end",
    ),
    (
        "waiting writers",
        "local f, s = io.tmpfile(), long:rep(5000)
        for i = 1, 200 do go(function() f:write(s) end) end sleep(0.5)",
    ),
    (
        "waiting hashes",
        "local s = long:rep(5000)
        for i = 1, 200 do go(function() crypto.base64_encode(s) end) end sleep(0.5)",
    ),
    (
        "waiting datagrams",
        "local s = long:rep(5000)
        for i = 1, 200 do go(function() udp_sendto('localhost', 9, s) end) end sleep(0.5)",
    ),
    ("brackets in YAML", "yaml.decode('[' .. ('a: '):rep(1e6))"),
    ("lists in YAML", "yaml.decode('[' .. ('1,'):rep(1e6) .. '1]')"),
    ("dotted keys", "toml.decode('a=[' .. ('{x.y.z.w.v.u.t.s.r=1},'):rep(3e4) .. ']')"),
    (
        "doubling variables of templates",
        "local doubled = ('{{$v = print $v $v}}'):rep(24)
        template.parse('{{$v := \"xxxxxxxxxx\"}}' .. doubled):execute({})",
    ),
    (
        "variables of templates",
        "local code = {'{{$v0 := .}}'}
        for i = 1, 1000 do code[i + 1] = '{{$v' .. i .. ' := print $v0 \"x\"}}' end
        template.parse(table.concat(code)):execute(long:rep(1000))",
    ),
    (
        "parts of lists in templates",
        "local code, list = {}, {} for i = 1, 1e4 do list[i] = i end
        for i = 1, 1000 do code[i] = '{{$v' .. i .. ' := slice . 1}}' end
        template.parse(table.concat(code)):execute(list)",
    ),
    (
        "formats in templates",
        "template.parse('{{len (printf \"' .. ('%[1]s'):rep(1000) .. '\" .)}}')
            :execute(long:rep(1000))",
    ),
    (
        "functions of escaping in templates",
        "local t = template.parse('{{$v := .}}'
            .. ('{{$v = _html_template_htmlescaper $v $v}}'):rep(9))
        t:execute(('<'):rep(1e5))",
    ),
    ("escaping in templates", "template.parse('<a b={{.}}>'):execute(('<'):rep(2.5e7))"),
    (
        "debug hooks",
        "for i = 1, 1e6 do keep[i] = coroutine.create(function() end)
        debug.sethook(keep[i], print, 'c') end",
    ),
    (
        "select",
        "local cases = {} for i = 1, 100 do cases[i] = {'|<-', channel.make()} end
        for i = 1, 1e5 do go(function() channel.select(unpack(cases)) end)
        if i % 100 == 0 then sleep(0) end end",
    ),
    (
        "waits on many channels",
        "local failed
        for i = 1, 1000 do keep[i] = chan() end
        for i = 1, 1e5 do
            go(function() failed = not pcall(select, unpack(keep)) end)
            if i % 50 == 0 then sleep(0) end
            if failed then break end
        end",
    ),
];

/// Tables of header fields: how they are added to the empty table `h`.
const FIELDS: &[(&str, &str)] = &[
    ("that share a value", "for i = 1, 990 do h['a' .. i] = ('x'):rep(6e4) end"),
    ("with long names", "for i = 1, 50 do h['a' .. i .. ('x'):rep(6e4)] = 'x' end"),
    ("in a list", "h.a = {} for i = 1, 990 do h.a[i] = ('x'):rep(6e4) end"),
    ("that are many", "for i = 1, 900 do h['a' .. i] = ('x'):rep(60) end"),
    ("with a long value", "h.a = ('x'):rep(64000)"),
];

/// Where a program can pass them. `ask` sends requests, and reads no response.
const USES: &[(&str, &str)] = &[
    ("http_get", "http_get(url .. '/slow', { headers = h })"),
    ("http_request", "http_request('GET', url .. '/slow', nil, h)"),
    ("ft.download", "ft.download(url .. '/slow', '/dev/null', { headers = h, progress = false })"),
    ("ft.upload", "ft.upload('/etc/hostname', url .. '/slow', { headers = h, progress = false })"),
    ("ws_connect", "ws_connect('ws' .. url:sub(5) .. '/slow', { headers = h })"),
    ("a response", "ask('/fields', 1)"),
    ("responses to a pipeline", "ask('/fields', 1000)"),
    ("a streamed response", "ask('/stream', 1)"),
    ("middleware", "ask('/added/slow', 1)"),
    ("middleware and a file", "ask('/added/files/hostname', 100)"),
    ("middleware and nothing", "ask('/added/nothing', 1000)"),
    ("middleware and a WebSocket", "keep[i] = ws_connect('ws' .. url:sub(5) .. '/added/socket')"),
];

/// The process has at most so much memory, whatever header fields a program passes, and where.
#[test]
fn header_fields_are_accounted_for_wherever_they_are_passed() {
    const LIMIT: usize = 64;
    let body = |make: &str, pass: &str| {
        format!(
            "local h = {{}} {make}
            create_server('s', 0, {{ max_header = 2 ^ 20 }})
            handle_http('s', '/slow', function() sleep(9) end)
            handle_http('s', '/fields', function() return {{ headers = h }} end)
            handle_http('s', '/stream', function()
                return {{ headers = h, body = function() sleep(9) end }}
            end)
            use_middleware('s', '/added/*', function() return {{ headers = h }} end)
            handle_http('s', '/added/slow', function() sleep(9) end)
            handle_ws('s', '/added/socket', function() sleep(9) end)
            serve_static('s', '/added/files', '/etc')
            local url = 'http://127.0.0.1:' .. start_server('s')
            local function ask(path, count)
                local connection = assert(tcp_connect('127.0.0.1', tonumber(url:match('%d+$'))))
                keep[#keep + 1] = connection
                local request = 'GET ' .. path .. ' HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
                connection:write(request:rep(count))
            end
            for i = 1, 1000 do
                go(function() pcall(function() {pass} end) end)
                if i % 20 == 0 then sleep(0.005) end
            end
            sleep(0.3)"
        )
    };
    let rows: Vec<_> =
        USES.iter().flat_map(|to| FIELDS.iter().map(move |fields| (to, fields))).collect();
    let problems: Vec<String> = thread::scope(|scope| {
        let halves = rows.chunks(rows.len().div_ceil(2)).map(|rows| {
            scope.spawn(move || {
                let problem = |((to, pass), (fields, make)): &(&(&str, &str), &(&str, &str))| {
                    let peak = peak(&body(make, pass), LIMIT);
                    let is_fine = peak.as_ref().is_ok_and(|&peak| peak <= bound(LIMIT));
                    (!is_fine).then(|| format!("fields {fields} to {to}: {peak:?}"))
                };
                rows.iter().filter_map(problem).collect::<Vec<_>>()
            })
        });
        let halves: Vec<_> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn shown(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text).chars().take(600).collect()
}

/// The peak of a running process's memory in MiB, so far; None once it has ended.
fn peak_of(process: u32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? >> 10)
}

/// Maximum memory of a process at a limit, in MiB.
fn bound(limit: usize) -> usize {
    limit * 3 / 2 + 64
}

/// Runs a row and returns the peak of the process's memory in MiB. It may end with an error, but
/// not crash.
fn peak(body: &str, limit: usize) -> Result<usize, String> {
    let script = format!(
        "local keep, long = {{}}, ('x'):rep(1000)
        pcall(function() {body}\n end) os.exit(0)"
    );
    let mut command = natives::solvm(Path::new("."));
    command.args(["-timeout", "20s", "-memory-limit", &limit.to_string(), "-e", &script]);
    command.stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut peak = 0;
    loop {
        peak = peak.max(peak_of(child.id()).unwrap_or(0));
        match child.try_wait().map_err(|error| error.to_string())? {
            None => thread::sleep(Duration::from_millis(5)),
            Some(status) if matches!(status.code(), Some(0 | 1 | 124)) => return Ok(peak),
            Some(status) => return Err(status.to_string()),
        }
    }
}

#[test]
fn the_process_stays_below_one_and_a_half_times_the_limit_and_64_megabytes() {
    let mut problems = String::new();
    for limit in [16, 64] {
        for (name, body) in ROWS {
            match peak(body, limit) {
                Ok(peak) if peak <= bound(limit) => {}
                Ok(peak) => _ = writeln!(problems, "{name} at {limit}: {peak} MiB"),
                Err(problem) => _ = writeln!(problems, "{name} at {limit}: {problem}"),
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// hyper keeps what has come of a response's header.
#[test]
fn incomplete_headers_of_responses_are_accounted_for() {
    const LIMIT: usize = 64;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let fields = format!("X: {}\r\n", "x".repeat(4000)).repeat(98);
        let header = format!("HTTP/1.1 200 OK\r\n{fields}");
        for mut stream in listener.incoming().flatten() {
            let header = header.clone();
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(header.as_bytes());
                thread::sleep(Duration::from_secs(20));
            });
        }
    });
    let body = format!(
        "for i = 1, 600 do
            go(function() pcall(http_get, 'http://127.0.0.1:{port}/') end)
            if i % 20 == 0 then sleep(0.005) end
        end
        sleep(3)"
    );
    let peak = peak(&body, LIMIT).unwrap();
    assert!(peak <= bound(LIMIT), "{peak} MiB");
}

#[test]
fn a_system_that_refuses_memory_makes_errors() {
    const WAYS: &[&str] = &[
        "local t = {} for i = 1, 1e9 do t[i] = 's' .. i end",
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
        "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
        "local t = {} for i = 1, 1e9 do t[i] = newproxy(true) end",
        "json_decode('[' .. ('[],'):rep(3e7) .. '1]')",
        "local t = {} for i = 1, 1e9 do t[i] = assert(io.open('/dev/zero')) t[i]:read(1) end",
        "('x'):rep(2^30)",
        "local s = 'x' while true do s = s .. s end",
        "('x'):rep(1e6):gsub('x', ('y'):rep(1e4))",
        "local t = {} for i = 1, 1e9 do t[i] = channel.make(100) end",
    ];
    let mut problems = String::new();
    for way in WAYS {
        let output = under_limit(600_000, way);
        let text = shown(&output);
        let is_error = text.contains("not enough memory") || text.contains("Too many open files");
        if output.status.code() != Some(1) || !is_error {
            let _ = writeln!(problems, "{way}\n  {}: {text}", output.status);
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// Runs a program with this many KiB of address space.
fn under_limit(kibibytes: usize, program: &str) -> Output {
    let limited =
        format!("ulimit -v {kibibytes} && ulimit -c 0 && exec \"$0\" -timeout 1h -e \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_solvm"), program]);
    let Ok(output) = command.output() else { panic!("sh cannot be run") };
    output
}

/// Each of these programs has crashed the process: with many small allocations between two
/// safepoints, or one that is larger than the reserve.
#[test]
fn a_refusal_of_memory_never_ends_the_process() {
    const WAYS: &[&str] = &[
        "for i = 1, 1e9 do go(function() sleep(100) end) end",
        "local function chain(n)
           return coroutine.resume(coroutine.create(function() return chain(n - 1) end))
         end
         chain(1e7)",
        "csv.parse(('a,b,c,d\\n'):rep(1.5e6))",
        "toml.decode('a=[' .. ('1,'):rep(3e6) .. ']')",
        "yaml.decode(('- x\\n'):rep(2e6))",
        "io.popen('yes | head -c 200000000'):read('*a')",
        "io.open('/dev/zero'):read(2^30)",
        "read_file('/dev/zero')",
        "local s = ('x'):rep(2e7) return string.format('%s%s%s%s%s%s%s%s', s, s, s, s, s, s, s, s)",
        "local s = ('x'):rep(5e7) return table.concat({s, s, s, s, s, s, s, s})",
    ];
    let mut problems = String::new();
    for way in WAYS {
        for limit in [600_000, 300_000] {
            let output = under_limit(limit, way);
            if !matches!(output.status.code(), Some(0 | 1)) {
                let _ = writeln!(problems, "{way} ({limit})\n  {}", output.status);
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}
