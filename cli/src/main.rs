//! The `solvm` command.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod arguments;
mod colors;
mod commands;
mod exit;
mod interactive;
mod output;
mod permissions;
mod reload;
mod repl;
mod report;
mod run;
mod signals;
mod spelling;

use std::ffi::OsString;
use std::process::ExitCode;

/// A system that refuses memory makes Lua errors.
#[cfg(not(feature = "account-check"))]
#[global_allocator]
static ALLOCATOR: solvm_vm::ReservingAllocator = solvm_vm::ReservingAllocator;

/// The exit code for a command line that makes no sense.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    signals::survive_file_size_limit();
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = commands::run(&words) {
        return code;
    }
    match arguments::parse(words.into_iter()) {
        Ok(arguments) => run::run(arguments),
        Err(answer) => self::answer(&answer),
    }
}

/// Prints clap's output: the requested help, or the usage error.
fn answer(answer: &clap::Error) -> ExitCode {
    let printed = answer.print();
    if answer.use_stderr() {
        return ExitCode::from(BAD_USAGE);
    }
    output::finish(printed, ExitCode::SUCCESS)
}
