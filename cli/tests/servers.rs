//! Servers from outside: signals, time limits, floods of connections.
#![cfg(test)]
#![cfg(unix)]

mod program;

use program::Program;
use rustix::process::Signal;
use std::io::{Read, Write};
#[cfg(target_os = "linux")]
use std::net::Shutdown;
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn begin_get(port: u16, path: &str) -> TcpStream {
    let mut stream = connect(port);
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(port: u16, path: &str) -> String {
    answer(begin_get(port, path))
}

/// What would go on for ever has ended by then, however busy the machine is.
const LONG: Duration = Duration::from_secs(50);
/// Less than the five seconds that requests have after a signal.
const BEFORE_REQUESTS: Duration = Duration::from_millis(4500);

const SERVER: &str = "create_server('s', 0, { host = '127.0.0.1', header_timeout = 3 })
    handle_http('s', '/', function() return 'fine' end)
    handle_http('s', '/slow', function(req)
        print('begun') io.stdout:flush() sleep(tonumber(req.query)) return 'slow'
    end)
    handle_http('s', '/loop', function() while true do end end)
    handle_http('s', '/loop/caught', function()
        while true do pcall(function() while true do end end) end
    end)
    print(start_server('s')) io.stdout:flush() ";

#[test]
fn a_signal_lets_requests_under_way_finish() {
    let mut program = Program::start(&[], SERVER);
    let port = program.port();
    let idle = connect(port);
    let slow = begin_get(port, "/slow?1");
    assert_eq!(program.line(), "begun");
    let start = Instant::now();
    program.signal(Signal::TERM);
    assert!(answer(slow).ends_with("slow"));
    assert_eq!(program.end().0, Some(143));
    let time = start.elapsed();
    assert!(time > Duration::from_millis(700) && time < BEFORE_REQUESTS, "{time:?}");
    drop(idle);
}

#[test]
fn requests_under_way_have_five_seconds_after_a_signal() {
    let mut program = Program::start(&[], SERVER);
    let port = program.port();
    let _slow = begin_get(port, "/slow?60");
    assert_eq!(program.line(), "begun");
    let start = Instant::now();
    program.signal(Signal::INT);
    assert_eq!(program.end().0, Some(130));
    let time = start.elapsed();
    assert!(time > Duration::from_secs(4) && time < LONG, "{time:?}");
}

#[test]
fn a_second_signal_does_not_wait_for_requests() {
    let mut program = Program::start(&[], SERVER);
    let port = program.port();
    let _slow = begin_get(port, "/slow?60");
    assert_eq!(program.line(), "begun");
    let start = Instant::now();
    program.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(100));
    program.signal(Signal::INT);
    assert_eq!(program.end().0, Some(130));
    assert!(start.elapsed() < BEFORE_REQUESTS, "{:?}", start.elapsed());
}

#[test]
fn handlers_that_do_not_end_are_ended() {
    let mut program = Program::start(&["-run-limit", "300ms", "-handler-timeout", "500ms"], SERVER);
    let port = program.port();
    for path in ["/loop", "/loop/caught", "/slow?60"] {
        let start = Instant::now();
        assert!(get(port, path).starts_with("HTTP/1.1 500 "), "{path}");
        assert!(start.elapsed() < LONG, "{path} {:?}", start.elapsed());
    }
    assert!(get(port, "/").ends_with("fine"));
    program.signal(Signal::TERM);
    let (code, errors) = program.end();
    assert_eq!(code, Some(143));
    assert!(errors.contains("handler timed out"), "{errors}");
}

#[test]
fn complaints_about_handlers_say_which_request_it_was() {
    let code = "create_server('shop', 0, { host = '127.0.0.1', handler_timeout = 0.2 })
        handle_http('shop', '/buy/:what', function() error('sold out') end)
        handle_http('shop', '/object', function() error({}) end)
        handle_http('shop', '/wrong', function() return 1, 2 end)
        handle_http('shop', '/slow', function() sleep(60) end)
        print(start_server('shop')) io.stdout:flush()";
    let mut program = Program::start(&[], code);
    let port = program.port();
    for path in ["/buy/bread?secret=1", "/object", "/wrong", "/slow"] {
        assert!(get(port, path).starts_with("HTTP/1.1 500 "), "{path}");
    }
    program.signal(Signal::TERM);
    let (_, errors) = program.end();
    for expected in [
        "sold out\nstack traceback:",
        "in the response to GET /buy/bread of server 'shop'\n",
        "in the response to GET /object of server 'shop'\n",
        "GET /wrong of server 'shop': invalid response from handler: \
         string or table expected, got number\n",
        "in the response to GET /slow of server 'shop'\n",
    ] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    assert!(!errors.contains("secret"), "{errors}");
    // If no code was running there is no traceback.
    assert!(!errors.contains("got number\nstack traceback:"), "{errors}");
}

/// Calls that wait for the network, each of which would wait forever.
const WAITS: &[&str] = &[
    "tcp_listen(0, { host = '127.0.0.1' }).accept()",
    "receive(tcp_listen(0, { host = '127.0.0.1' }))",
    "udp_recvfrom(0, { host = '127.0.0.1' }).receive()",
    "local l = tcp_listen(0, { host = '127.0.0.1' }) tcp_connect('127.0.0.1', l.port).read()",
    "local l = tcp_listen(0, { host = '127.0.0.1' })
     tcp_connect('127.0.0.1', l.port).write(('x'):rep(1e8))",
    "local l = tcp_listen(0, { host = '127.0.0.1' })
     http_get('http://127.0.0.1:' .. l.port, { timeout = 0 })",
    "local l = tcp_listen(0, { host = '127.0.0.1' })
     ws_connect('ws://127.0.0.1:' .. l.port, { timeout = 0 })",
    "create_server('w', 0, { host = '127.0.0.1' })
     handle_ws('w', '/', function(ws) ws.receive() end)
     ws_connect('ws://127.0.0.1:' .. start_server('w')).receive()",
];

#[test]
fn every_wait_ends_with_the_time_limit() {
    for wait in WAITS {
        let start = Instant::now();
        let program = Program::start(
            &["-timeout", "300ms"],
            &format!("while true do pcall(function() {wait} end) end"),
        );
        assert_eq!(program.end().0, Some(124), "{wait}");
        assert!(start.elapsed() < LONG, "{wait}: {:?}", start.elapsed());
    }
}

#[test]
fn every_wait_ends_with_a_signal() {
    for wait in WAITS {
        let mut program = Program::start(&[], &format!("print('ready') io.stdout:flush() {wait}"));
        assert_eq!(program.line(), "ready");
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        program.signal(Signal::INT);
        assert_eq!(program.end().0, Some(130), "{wait}");
        assert!(start.elapsed() < LONG, "{wait}: {:?}", start.elapsed());
    }
}

/// Resources of connections are released: after several thousand of each kind, the number of open
/// descriptors is as before.
#[cfg(target_os = "linux")]
#[test]
fn connections_leave_nothing_behind() {
    let code = format!(
        "{SERVER}
        handle_ws('s', '/ws', function(ws) while ws.receive() do end end)
        local listener = tcp_listen(0, {{ host = '127.0.0.1' }})
        go(function()
            while true do
                local conn = receive(listener)
                if not conn then break end
                go(function() conn.read() conn.close() end)
            end
        end)
        print(listener.port) io.stdout:flush()"
    );
    let mut program = Program::start(&[], &code);
    let (port, tcp_port) = (program.port(), program.port());
    let upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let flood = |count: usize| {
        for round in 0..count {
            let mut stream = connect(if round % 5 == 4 { tcp_port } else { port });
            let bytes: &[u8] = match round % 5 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\nHo",
                2 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                3 => upgrade.as_bytes(),
                _ => b"hello",
            };
            stream.write_all(bytes).unwrap();
            if let 2 | 3 = round % 5 {
                stream.read_exact(&mut [0; 12]).unwrap();
            }
            // Without a close frame, like a broken connection.
            let _ = stream.shutdown(Shutdown::Both);
        }
    };
    flood(1000);
    std::thread::sleep(Duration::from_millis(500));
    let (descriptors, memory) = (program.descriptors(), program.figure("VmRSS"));
    flood(10_000);
    let deadline = Instant::now() + LONG;
    while program.descriptors() > descriptors + 5 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(program.descriptors() <= descriptors + 5, "{} > {descriptors}", program.descriptors());
    let grown = program.figure("VmRSS").saturating_sub(memory);
    assert!(grown < 20_000, "{grown} KiB more than before");
    assert!(get(port, "/").ends_with("fine"));
}

/// A thousand clients that never finish their headers do not block one that does.
#[test]
fn slow_clients_hold_up_nobody() {
    let mut program = Program::start(&[], SERVER);
    let port = program.port();
    let mut slow: Vec<TcpStream> = (0..1000).map(|_| connect(port)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    }
    let times: Vec<Duration> = (0..20)
        .map(|_| {
            let start = Instant::now();
            assert!(get(port, "/").ends_with("fine"));
            start.elapsed()
        })
        .collect();
    let median = {
        let mut times = times.clone();
        times.sort();
        times[10]
    };
    // The others have three seconds.
    assert!(median < Duration::from_secs(1), "{times:?}");
    // At the end they are disconnected.
    let mut first = slow.swap_remove(0);
    assert_eq!(first.read(&mut [0; 64]).unwrap_or(0), 0);
}
