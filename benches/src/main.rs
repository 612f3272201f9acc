//! `solvm-benches compare`: SolVM beside the other Lua interpreters of the machine.
#![forbid(unsafe_code)]

mod compare;

use std::process::ExitCode;

const USAGE: &str = "usage: solvm-benches compare [--runs N] [--smoke] [--solvm PATH] [NAME...]

Runs the programs below benches/scripts (those whose names contain one of the NAMEs) with SolVM and with each of lua5.1,
luajit -joff and lua5.4 that is installed, interleaved; checks that all print the same; prints medians of processor time.

  --runs N      runs of each program (default 5)
  --smoke       one run of each at a tiny size
  --solvm PATH  the binary to measure (default: the release build, brought up to date)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("compare") {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    }
    match compare::Options::parse(arguments).and_then(|options| compare::run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
