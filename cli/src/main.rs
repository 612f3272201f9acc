//! The `solvm` command.
#![forbid(unsafe_code)]
#![cfg_attr(all(not(test), target_os = "linux", target_env = "gnu"), no_main)]

mod arguments;
mod chunks;
mod colors;
mod commands;
mod compat;
mod description;
mod error_format;
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
#[cfg(all(not(test), target_os = "linux", target_env = "gnu"))]
mod start;

use std::ffi::OsString;
use std::process::ExitCode;

/// If the OS refuses memory, this causes Lua errors.
#[cfg(not(feature = "account-check"))]
#[global_allocator]
static ALLOCATOR: solvm_vm::ReservingAllocator = solvm_vm::ReservingAllocator;

#[cfg(all(not(test), target_os = "linux", target_env = "gnu"))]
solvm_vm::c_main!(start_of_process);

#[cfg(all(not(test), target_os = "linux", target_env = "gnu"))]
fn start_of_process() -> ! {
    start::run(main)
}

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
