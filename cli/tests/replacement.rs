//! Programs that replace a file and are killed: the file is complete at any time.
#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
const KILLS: usize = 40;
const SIZE: usize = 300_000;

/// Replaces the file forever.
const WRITER: &str = r#"
local path, letter = ...
local content = letter:rep(300000)
repeat until not write_file(path, content)
"#;

fn start(program: &str, path: &str, number: usize) -> Child {
    let letter = char::from(b'a' + (number % 26) as u8).to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(["-timeout", "0", program, path, &letter]).spawn().unwrap()
}

#[test]
fn killed_writers_leave_a_complete_file() {
    let directory = tempfile::tempdir().unwrap();
    let (program, path) = (directory.path().join("writer.lua"), directory.path().join("file"));
    fs::write(&program, WRITER).unwrap();
    fs::write(&path, "z".repeat(SIZE)).unwrap();
    let check = || {
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), SIZE);
        assert!(content.iter().all(|byte| *byte == content[0]), "the file is torn");
        content[0]
    };
    let (program, path) = (program.to_str().unwrap(), path.to_str().unwrap());
    let mut writers: Vec<Child> = (0..WRITERS).map(|number| start(program, path, number)).collect();
    let deadline = Instant::now() + Duration::from_secs(120);
    while check() == b'z' {
        assert!(Instant::now() < deadline, "nothing is written");
    }
    for kill in 0..KILLS {
        let place = kill % WRITERS;
        writers[place].kill().unwrap();
        writers[place].wait().unwrap();
        check();
        writers[place] = start(program, path, WRITERS + kill);
        // The program is killed at different points.
        std::thread::sleep(Duration::from_millis(kill as u64 % 7 * 3));
        check();
    }
    for writer in &mut writers {
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    check();
}
