//! A program that runs while a test communicates with it.

use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

/// It is ended with the test at the latest.
pub(crate) struct Program {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    pub(crate) fn start(options: &[&str], code: &str) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(options).args(["-e", code]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        Program { output: BufReader::new(process.stdout.take().unwrap()), process }
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    pub(crate) fn port(&mut self) -> u16 {
        self.line().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits for its end and returns its exit code and its errors.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.process.wait().unwrap().code(), errors)
    }

    /// A figure from the OS's statistics of the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn figure(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Usually it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
