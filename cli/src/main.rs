//! The `solvm` command.
#![forbid(unsafe_code)]

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

/// Prints what clap has to say: the help that was asked for, or what was wrong with the words.
fn answer(answer: &clap::Error) -> ExitCode {
    let printed = answer.print();
    if answer.use_stderr() {
        return ExitCode::from(BAD_USAGE);
    }
    output::finish(printed, ExitCode::SUCCESS)
}
