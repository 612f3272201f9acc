//! Memory that a waiting program returns: garbage of goroutines that have ended, and memory of
//! closed connections.
#![cfg(test)]
#![cfg(target_os = "linux")]

#[allow(dead_code)]
mod program;

use program::Program;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time limit for returning unused memory.
const TIMEOUT: Duration = Duration::from_secs(60);

const OPTIONS: &[&str] = &["-timeout", "0", "-memory-limit", "256"];

/// The process's own memory in KiB, without pages of files.
fn memory(program: &Program) -> usize {
    program.figure("RssAnon:")
}

/// Waits until the process uses less memory than this.
fn expect_below(program: &Program, kibibytes: usize) {
    let start = Instant::now();
    while memory(program) >= kibibytes {
        assert!(start.elapsed() < TIMEOUT, "{} of {kibibytes} KiB", memory(program));
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_few_goroutines_have_left_behind_is_freed() {
    // Collected while they live, so that only their ends produce garbage.
    let mut program = Program::start(
        OPTIONS,
        "local ends = channel.make()
        for i = 1, 40 do
            go(function()
                local long = ('x'):rep(3000000) .. i
                ends:receive()
                return long
            end)
        end
        sleep(0.1)
        collectgarbage()
        sleep(3)
        print('full')
        io.stdout:flush()
        sleep(1)
        ends:close()
        sleep(1000)",
    );
    assert_eq!(program.line(), "full");
    assert!(memory(&program) > 100 << 10, "{} KiB", memory(&program));
    expect_below(&program, 16 << 10);
}

#[test]
fn what_connections_have_taken_is_given_back_while_the_program_waits() {
    let mut program = Program::start(
        OPTIONS,
        "create_server('s', 0, { host = '127.0.0.1' })
        handle_http('s', '/', function() return 'answer' end)
        print(start_server('s'))
        io.stdout:flush()",
    );
    let address = ("127.0.0.1", program.port());
    let connect = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 100]).unwrap();
        stream
    };
    drop(connect());
    let begin = memory(&program);
    for _ in 0..2 {
        let streams: Vec<TcpStream> = (0..700).map(|_| connect()).collect();
        assert!(memory(&program) > begin + (6 << 10), "{} KiB", memory(&program));
        // All free memory has been returned now; then only the connections' ends wake the program.
        sleep(Duration::from_secs(3));
        drop(streams);
        expect_below(&program, begin + (4 << 10));
    }
}
