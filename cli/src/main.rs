//! The `solvm` command.
#![forbid(unsafe_code)]

mod arguments;
mod run;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => run::run(arguments),
        Err(message) => {
            eprintln!("solvm: {message}\nusage: {}", arguments::USAGE);
            ExitCode::from(2)
        }
    }
}
