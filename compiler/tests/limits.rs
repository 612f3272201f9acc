//! Limits of the compiler, and that no source makes it use more host stack than a small thread has.
#![cfg(test)]

use solvm_compiler::bytecode::{Prototype, Source, verify};
use solvm_compiler::{Error, Options, compile};
use std::sync::Arc;

const SMALL_STACK: usize = 256 * 1024;

/// Compiles and drops on a thread with a small stack.
fn compile_on_small_stack(text: String) -> Result<Arc<Prototype>, Error> {
    let work = move || compile(Source::new(text.into_bytes(), *b"=t"), &Options::default());
    std::thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap().join().unwrap()
}

#[track_caller]
fn assert_message(text: String, expected: &str) {
    let error = compile_on_small_stack(text).expect_err("it should not compile");
    assert_eq!(String::from_utf8_lossy(&error.message), expected);
}

#[track_caller]
fn assert_compiles(text: String) {
    let prototype = compile_on_small_stack(text).unwrap();
    verify(&prototype).unwrap();
}

/// Constructs to nest: what comes before, what is repeated, what is innermost, what closes each
/// repetition, and the syntax levels that one repetition takes.
const NESTINGS: &[(&str, &str, &str, &str, usize)] = &[
    ("x = ", "(", "1", ")", 1),
    ("x = ", "{", "1", "}", 1),
    ("x = ", "{a = ", "1", "}", 1),
    ("x = ", "{[1] = ", "1", "}", 1),
    ("x = ", "{[", "1", "] = 1}", 1),
    ("x = ", "a..", "1", "", 1),
    ("x = ", "a^", "1", "", 1),
    ("x = ", "- - ", "1", "", 2),
    ("x = ", "not ", "1", "", 1),
    ("x = ", "-(1 + ", "1", ")", 3),
    ("x = ", "(a or b and not (", "1", "))", 5),
    ("x = ", "a == (b < ", "1", ")", 3),
    ("x = ", "f{a[", "1", "]}", 2),
    ("x = ", "1 + (a)[", "1", "]", 2),
    ("", "a(", "1", ")", 1),
    ("x = ", "f(a, b:c(", "1", "))", 2),
    ("", "do ", "", " end", 1),
    ("", "while a do ", "", " end", 1),
    ("", "repeat ", "", " until a", 1),
    ("", "if a then else ", "", " end", 1),
    ("", "function f() ", "", " end", 1),
    ("", "local function f(...) ", "", " end", 1),
    ("", "return function() ", "", " end", 2),
    ("", "x = {f(function() ", "", " end)}", 4),
    ("", "return a and {function() if x then ", "", " end end}", 5),
];

#[test]
fn nesting_ends_at_200_levels() {
    for &(before, repeated, innermost, _, _) in NESTINGS {
        let text = format!("{before}{}{innermost}", repeated.repeat(400));
        assert_message(text, "t:1: chunk has too many syntax levels");
    }
}

#[test]
fn nesting_up_to_the_bound_compiles_on_a_small_stack() {
    for &(before, repeated, innermost, closing, levels) in NESTINGS {
        let depth = 195 / levels;
        let text =
            format!("{before}{}{innermost}{}", repeated.repeat(depth), closing.repeat(depth));
        match compile_on_small_stack(text) {
            Ok(prototype) => verify(&prototype).unwrap(),
            // Each call in the arguments of another takes two registers.
            Err(error) => {
                assert!(
                    error.message.ends_with(b"function or expression too complex"),
                    "{repeated}: {error}"
                );
            }
        }
    }
}

/// However many tokens, comments and lines follow each other.
#[test]
fn blank_lines_and_comments_take_no_host_stack() {
    for blank in ["\n", " \n", "--x\n", "--[[a]]", ";"] {
        assert_compiles(format!("{}x = 1", blank.repeat(1_000_000)));
    }
}

#[test]
fn nested_for_loops_end_at_the_bound_on_locals() {
    for opening in ["for i = 1, 2 do ", "for k in f do "] {
        let nested = |depth: usize| format!("{}{}", opening.repeat(depth), " end".repeat(depth));
        assert_compiles(nested(50 - 1));
        assert_message(nested(51), "t:1: main function has more than 200 local variables");
    }
}

#[test]
fn what_is_not_nested_has_no_bound() {
    let count = 100_000;
    assert_compiles(format!("x = a{}", " + a".repeat(count)));
    assert_compiles(format!("x = a{}", " == a".repeat(count)));
    assert_compiles(format!("x = a{}", " and a".repeat(count)));
    assert_compiles(format!("if a{} then end", " or a".repeat(count)));
    assert_compiles(format!("x = 1{}", " - 1".repeat(count)));
    assert_compiles(format!("x = a{}", ".b".repeat(count)));
    assert_compiles(format!("a{}", "()".repeat(count)));
    assert_compiles(format!("x = a{}", ":b()[1]".repeat(count)));
    assert_compiles(format!("x = {{{}}}", "1,".repeat(count)));
    assert_compiles(format!("x = {{{}}}", "a,".repeat(count)));
    assert_compiles((0..count).map(|n| format!("x{n} = {n}.5 ")).collect());
    assert_compiles(format!(
        "x = {{{}}}",
        (0..count).map(|n| format!("k{n} = a,")).collect::<String>()
    ));
    assert_compiles(format!("if a then {} end", "elseif b then c() ".repeat(count)));
    assert_compiles(";".repeat(count));
    assert_compiles((0..2000).map(|n| format!("do ::l{n}:: goto l{n} end ")).collect());
}

/// Each label and each `goto` is found at once, however many there are: otherwise this would take
/// minutes.
#[test]
fn many_labels_take_no_longer_than_other_statements() {
    let count = 300_000;
    let gotos: String = (0..count).map(|i| format!("do goto l{i} end ")).collect();
    let labels: String = (0..count).map(|i| format!("::l{i}:: x = 1 ")).collect();
    assert_compiles(format!("{gotos} {labels} {gotos}"));
}

#[test]
fn functions_longer_than_a_short_jump_compile() {
    let body = "x = y ".repeat(20_000);
    for (opening, closing) in [
        ("while a do ", " end"),
        ("while a < b do ", " end"),
        ("repeat ", " until a"),
        ("for i = 1, 2 do ", " end"),
        ("for i = 1, 2, n do ", " end"),
        ("for k, v in pairs(t) do ", " end"),
        ("if a then ", " else b() end"),
        ("local z for i = 1, 2 do function f() z = i end ", " end"),
    ] {
        assert_compiles(format!("{opening}{body}{closing}"));
    }
}

#[test]
fn nested_long_functions_are_compiled_only_twice() {
    let body = "x = y ".repeat(17_000);
    let opening = format!("function f() while a do {body} ");
    assert_compiles(format!("{}{}", opening.repeat(30), "end end ".repeat(30)));
}

#[test]
fn locals_upvalues_and_registers_are_bounded() {
    let names = |count: usize| (0..count).map(|n| format!("a{n}")).collect::<Vec<_>>().join(", ");
    assert_compiles(format!("local {}", names(200)));
    assert_message(
        format!("local {}", names(201)),
        "t:1: main function has more than 200 local variables",
    );
    assert_message(
        format!("\nfunction f() local {}", names(201)),
        "t:2: function at line 2 has more than 200 local variables",
    );
    assert_message(
        format!("local {}\nfor i = 1, 2 do end", names(198)),
        "t:2: main function has more than 200 local variables",
    );
    let uses = |count: usize| (0..count).map(|n| format!("a{n} = 1 ")).collect::<String>();
    assert_compiles(format!("local {} function f() {} end", names(60), uses(60)));
    assert_message(
        format!("local {}\nfunction f() {} end", names(61), uses(61)),
        "t:2: function at line 2 has more than 60 upvalues",
    );
    assert_message(format!("return {}", names(251)), "t:1: function or expression too complex");
    assert_message(format!("f({})", names(260)), "t:1: function or expression too complex");
}

#[test]
fn the_interrupt_hook_stops_a_long_compilation() {
    let text = "x = y ".repeat(10_000);
    let options = Options { interrupt: Some(&|| true), ..Options::default() };
    let error = compile(Source::new(text.into_bytes(), *b"=t"), &options).unwrap_err();
    assert!(error.interrupted);
    assert_eq!(error.message, b"t:1: compilation interrupted");
    let short = compile(Source::new(*b"x = y", *b"=t"), &options);
    assert!(short.is_ok());
}
