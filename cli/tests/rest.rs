//! What a program that waits gives back: the garbage of goroutines that have ended, and the memory
//! of connections that are closed.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Within this time a program has given back what it does not need.
const PATIENCE: Duration = Duration::from_secs(15);

/// A program, which ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(script: &str) -> Program {
    let child = Command::new(env!("CARGO_BIN_EXE_solvm"))
        .args(["-timeout", "0", "-memory-limit", "256", "-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    Program(child.unwrap())
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim().to_string()
}

/// The process's own memory in KiB, without pages of files.
fn memory(process: &Program) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Waits until the process takes less than this.
fn expect_below(process: &Program, kibibytes: usize) {
    let start = Instant::now();
    while memory(process) >= kibibytes {
        assert!(start.elapsed() < PATIENCE, "{} of {kibibytes} KiB", memory(process));
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_few_goroutines_have_left_behind_is_freed() {
    // Collected while they live, so that only their ends tell of the garbage.
    let mut process = start(
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
        io.read()
        ends:close()
        io.read()",
    );
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    assert_eq!(line(&mut output), "full");
    assert!(memory(&process) > 100 << 10, "{} KiB", memory(&process));
    process.0.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
    expect_below(&process, 16 << 10);
}

#[test]
fn what_connections_have_taken_is_given_back_while_the_program_waits() {
    let mut process = start(
        "create_server('s', 0, { host = '127.0.0.1' })
        handle_http('s', '/', function() return 'answer' end)
        print(start_server('s'))
        io.stdout:flush()",
    );
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    let address = format!("127.0.0.1:{}", line(&mut output));
    let connect = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 100]).unwrap();
        stream
    };
    drop(connect());
    let begin = memory(&process);
    for _ in 0..2 {
        let streams: Vec<TcpStream> = (0..700).map(|_| connect()).collect();
        assert!(memory(&process) > begin + (6 << 10), "{} KiB", memory(&process));
        // What can be given back now is; then only the connections' ends wake the program.
        sleep(Duration::from_secs(3));
        drop(streams);
        expect_below(&process, begin + (4 << 10));
    }
}
