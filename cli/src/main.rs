//! The `solvm` command.
#![forbid(unsafe_code)]

mod arguments;
mod interactive;
mod reload;
mod run;
mod signals;

use std::process::ExitCode;

/// The exit code for a command line that makes no sense.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os()) {
        Ok(arguments) => run::run(arguments),
        Err(answer) => {
            // A closed pipe is no error of ours.
            let _ = answer.print();
            if answer.use_stderr() { ExitCode::from(BAD_USAGE) } else { ExitCode::SUCCESS }
        }
    }
}
