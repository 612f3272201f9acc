//! The `solvm` command.
#![forbid(unsafe_code)]

mod arguments;
mod chunks;
mod colors;
mod commands;
mod compat;
mod description;
mod exit;
mod hints;
mod interactive;
mod isolates;
mod output;
mod permissions;
mod reload;
mod repl;
mod report;
mod run;
mod session;
mod signals;
mod snippet;

use std::ffi::OsString;
use std::process::ExitCode;

/// If the OS refuses memory, this causes Lua errors.
#[cfg(not(feature = "account-check"))]
#[global_allocator]
static ALLOCATOR: solvm_vm::ReservingAllocator = solvm_vm::ReservingAllocator;

fn main() -> ExitCode {
    solvm_vm::limit_allocator();
    signals::survive_file_size_limit();
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = commands::run(&words) {
        return code;
    }
    match arguments::parse(words.into_iter(), commands::command) {
        Ok(arguments) => run::run(arguments),
        Err(error) => output::print_usage(&error),
    }
}
