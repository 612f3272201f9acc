//! `solvm-benches compare`: SolVM compared with the other Lua interpreters of the machine.
//! `solvm-benches runtime`: goroutines, channels and timers. `solvm-benches pauses`: delays caused
//! by the collector. `solvm-benches memory`: heap bytes per object. `solvm-benches network`:
//! operations of servers and clients per second.
#![forbid(unsafe_code)]

mod compare;
mod memory;
mod network;
mod pauses;
mod runtime;
mod script;

use std::process::ExitCode;

const USAGE: &str = "usage: solvm-benches runtime [SCRIPT]

Measures goroutines, channels and timers, each in a separate process, and compares the figures
with the targets; or runs one of the scripts below benches/runtime.

usage: solvm-benches pauses [SCRIPT]

Measures how long a small operation takes while the collector works on a large heap, for many
kinds of heaps, each in a separate process; or runs one of the scripts below benches/pauses.

usage: solvm-benches memory [SOLVM]

Prints heap bytes of objects of each kind, also for the other interpreters that are installed.
SOLVM is the binary to measure (default: the release build, brought up to date).

usage: solvm-benches network [SOLVM]

Measures a server with a Lua handler, compared with node and nginx with its Lua module if they are
installed, with wrk; echoes of WebSockets and TCP; the HTTP client. SOLVM is the binary to measure
(default: the release build, brought up to date).

usage: solvm-benches compare [--runs N] [--smoke] [--solvm PATH] [NAME...]

Runs the programs below benches/scripts, benches/programs and benches/headline (those whose names
contain one of the NAMEs; the latter two start with programs/ and headline/) with SolVM, with and
without native code, and with each of luajit, lua5.1, luajit -joff and lua5.4 that is installed, the
headline also with gopher-lua's glua, interleaved; checks that all print the same; prints medians of
processor time.

  --runs N      runs of each program (default 5)
  --smoke       one run of each at a tiny size
  --solvm PATH  the binary to measure (default: the release build, brought up to date)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        Some("compare") => {
            compare::Options::parse(arguments).and_then(|options| compare::run(&options))
        }
        Some("runtime") => {
            arguments.next().map_or_else(runtime::run, |script| runtime::run_script(&script))
        }
        Some("memory") => memory::run(arguments.next().map(Into::into)),
        Some("pauses") => {
            arguments.next().map_or_else(pauses::run, |script| pauses::run_script(&script))
        }
        Some("network") => network::run(arguments.next().map(Into::into)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
