//! What Lua prints reaches standard output that is not a terminal, and files get what was written
//! to them.
#![cfg(test)]

use solvm::Runtime;
use std::process::Command;

/// The name of the case that a child process runs: this test binary again, whose standard output is
/// a pipe.
const CASE: &str = "SOLVM_OUTPUT_CASE";

fn output_of(case: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(CASE, case)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Ends the process without a destructor after a call: only what the call has flushed arrives.
#[test]
fn the_child() {
    let Ok(case) = std::env::var(CASE) else { return };
    let mut lua = Runtime::new().unwrap();
    match &case[..] {
        "run" => lua.run("print('printed')").unwrap(),
        "eval" => lua.eval("io.write('printed') return 1").map(|_: f64| ()).unwrap(),
        "call" => lua.call("print", "printed").unwrap(),
        "call_async" => {
            let print = lua.load("print('printed')", "=chunk").unwrap();
            solvm::new_tokio().unwrap().block_on(lua.call_async(&print, ())).unwrap()
        }
        "goroutines" => {
            lua.run("go(function() sleep(0.001) print('printed') end)").unwrap();
            lua.run_goroutines().unwrap();
        }
        "failed" => assert!(lua.run("print('printed') error('x')").is_err()),
        "drop" => {
            lua.run("io.stdout:setvbuf('full', 1000)").unwrap();
            lua.enter(|call| {
                call.host::<solvm_runtime::Host>().unwrap().world.write_output(b"printed").unwrap()
            })
            .unwrap();
            drop(lua);
        }
        _ => panic!("unknown case {case}"),
    }
    std::process::exit(0);
}

#[test]
fn printed_text_reaches_a_pipe_when_a_call_returns() {
    for case in ["run", "eval", "call", "call_async", "goroutines", "failed", "drop"] {
        let output = output_of(case);
        assert!(output.contains("printed"), "{case}: {output}");
    }
}

#[test]
fn files_are_complete_when_the_runtime_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut lua = Runtime::new().unwrap();
    lua.set("path", path.to_str().unwrap()).unwrap();
    lua.run("file = io.open(path, 'w') file:write('written')").unwrap();
    drop(lua);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "written");
}
