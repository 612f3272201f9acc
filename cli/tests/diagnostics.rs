//! `-debug` and `-trace`: their output on standard error.
#![cfg(test)]

use std::process::{Command, Output};

fn run(options: &[&str], code: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(options).args(["-e", code]).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn debug_tells_limits_and_directory() {
    let output = run(&["-debug", "-timeout", "7s", "-memory-limit", "100"], "print('out')");
    let text = errors(&output);
    assert!(text.contains("debug: SolVM "), "{text}");
    assert!(text.contains("debug: timeout 7s; run limit none\n"), "{text}");
    assert!(text.contains("debug: memory limit 100 MiB; at most 10000000 goroutines"), "{text}");
    assert!(
        text.contains(&format!("debug: directory {}; script none\n", env!("CARGO_MANIFEST_DIR"))),
        "{text}"
    );
    assert!(text.contains("debug: started in "), "{text}");
    assert_eq!((output.stdout, output.status.code()), (b"out\n".to_vec(), Some(0)));
}

#[test]
fn debug_shows_locals_in_tracebacks() {
    let code = "local function f(text, n)
        local t = {}
        do local gone = 1 end
        for i = 1, 2 do if i == n then error('no') end end
        local later = 1
    end
    f('a\"\\0' .. ('x'):rep(100), 2)";
    let text = errors(&run(&["-debug"], code));
    let locals = "in function 'f'\n\t\ttext = \"a\\\"\\x00";
    assert!(
        text.contains(locals) && text.contains("\"...\n\t\tn = 2\n\t\tt = table: 0x"),
        "{text}"
    );
    assert!(
        text.contains("\n\t\ti = 2\n") && !text.contains("gone =") && !text.contains("later ="),
        "{text}"
    );
    assert!(text.contains("in main chunk\n\t\tf = function <(command line):1>\n"), "{text}");
    let plain = errors(&run(&[], code));
    assert!(
        plain.contains("in function 'f'\n\t(command line):7: in main chunk\n\t[C]: ?"),
        "{plain}"
    );
}

#[test]
fn trace_tells_calls_and_returns_of_all_goroutines() {
    let code = "local function f(x) return x end
        local function tail() return f(1) end
        local x = tail()
        go(function() f(2) end)
        wait()
        coroutine.wrap(function() math.abs(x) end)()";
    let output = run(&["-trace"], code);
    let text = errors(&output);
    let wanted = "trace: 1 call ? <(command line):0>
trace: 1 (command line):3: call tail <(command line):2>
trace: 1 (command line):3: call ? <(command line):1>
trace: 1 (command line):1: return ? <(command line):1>
trace: 1 (command line):1: tail return ? <(command line):1>
trace: 1 (command line):4: call go <[C]>
trace: 1 (command line):4: return go <[C]>
trace: 1 (command line):5: call wait <[C]>
trace: 2 call ? <(command line):4>
trace: 2 (command line):4: call f <(command line):1>
trace: 2 (command line):1: return f <(command line):1>
trace: 2 (command line):4: return ? <(command line):4>
trace: 1 (command line):5: return wait <[C]>
trace: 1 (command line):6: call wrap <[C]>
trace: 1 (command line):6: return wrap <[C]>
trace: 1 (command line):6: call ? <[C]>
trace: 1 call ? <(command line):6>
trace: 1 (command line):6: call abs <[C]>
trace: 1 (command line):6: return abs <[C]>
trace: 1 (command line):6: return ? <(command line):6>
trace: 1 (command line):6: return ? <[C]>
trace: 1 (command line):6: return ? <(command line):0>
";
    assert_eq!(text, wanted);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn hooks_work_while_calls_are_traced() {
    let code = "local events = ''
        debug.sethook(function(event) events = events .. event:sub(1, 1) end, 'cr')
        math.abs(1)
        debug.sethook()
        assert(events == 'rcrc', events)
        local lines = 0
        debug.sethook(function() lines = lines + 1 end, 'l')
        local t = {}
        debug.sethook()
        assert(lines == 2, lines)";
    let output = run(&["-trace"], code);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert_eq!(run(&[], code).status.code(), Some(0));
}
