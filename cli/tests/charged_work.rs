//! The time limit ends loops of operators each of which takes long: they charge the budget for
//! their work. (Natives are measured, see `unpaid_work`.)
#![cfg(test)]

use std::process::Command;
use std::time::{Duration, Instant};

/// Ten megabytes, and a copy in another object; an empty table with a capacity of a million
/// entries.
const PREPARATION: &str = "
    local text, same = ('x'):rep(1e7) .. 'y', ('x'):rep(1e7) .. 'y'
    local empty = {}
    for i = 1, 1e6 do empty[i] = i end
    for i = 1, 1e6 do empty[i] = nil end
    local list = {}
    for i = 1, 5e4 do list[i] = i end
    local key = { [text] = 1 }
    local function ignore() end
    local function pass(...) while true do ignore(...) end end
";

const LOOPS: &[&str] = &[
    "while text == same do end",
    "while text <= same do end",
    "while key[same] do end",
    "while not next(empty) do end",
    "while true do for _ in pairs(empty) do end end",
    "while true do local _ = -text end",
    "while true do local _ = text .. 'z' end",
    "while true do local _ = unpack(list) end",
    "while true do coroutine.wrap(ignore)(unpack(list)) end",
    "while true do pcall(error, text .. 'z') end",
    "pass(unpack(list))",
];

#[test]
fn long_work_ends_at_the_time_limit() {
    for code in LOOPS {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_solvm"))
            .args([
                "-timeout",
                "300ms",
                "-e",
                &format!("{PREPARATION} while true do pcall(function() {code} end) end"),
            ])
            .output()
            .unwrap();
        let took = began.elapsed();
        assert_eq!(
            output.status.code(),
            Some(124),
            "{code}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        // Far more than it takes where other programs keep the machine busy.
        assert!(took < Duration::from_secs(20), "{code}: ended after {took:?}");
    }
}
