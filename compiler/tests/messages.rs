//! Errors in source text. The messages are exactly PUC Lua 5.1.5's, except for features that it
//! lacks: `goto`, and the escape sequences of later versions.
#![cfg(test)]

use solvm_compiler::bytecode::Source;
use solvm_compiler::{Options, chunk_id, compile};

#[track_caller]
fn assert_message(text: impl AsRef<[u8]>, expected: &str) {
    let text = text.as_ref();
    let error = compile(Source::new(text, *b"=t"), &Options::default())
        .map(|_| ())
        .expect_err("it should not compile");
    assert_eq!(
        error.message.escape_ascii().to_string(),
        expected.as_bytes().escape_ascii().to_string()
    );
    assert_eq!(error.at_end_of_input, expected.ends_with("near '<eof>'"));
}

#[track_caller]
fn assert_compiles(text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    if let Err(error) = compile(Source::new(text, *b"=t"), &Options::default()) {
        panic!("{}: {error}", text.escape_ascii());
    }
}

#[test]
fn unexpected_tokens() {
    for (text, expected) in [
        ("x", "t:1: '=' expected near '<eof>'"),
        ("x =", "t:1: unexpected symbol near '<eof>'"),
        ("x = = 1", "t:1: unexpected symbol near '='"),
        ("x = }", "t:1: unexpected symbol near '}'"),
        ("x = 1 1", "t:1: unexpected symbol near '1'"),
        ("end", "t:1: '<eof>' expected near 'end'"),
        ("x = 'a' 'b\\n'", "t:1: unexpected symbol near ''b\n''"),
        ("x = 1 'a\\0b'", "t:1: unexpected symbol near ''a'"),
        ("x = 1 [==[\nab]==]", "t:2: unexpected symbol near '[==[ab]==]'"),
        ("x = @", "t:1: unexpected symbol near '@'"),
        ("x = \u{1}", "t:1: unexpected symbol near 'char(1)'"),
        ("x = ~1", "t:1: unexpected symbol near '~'"),
        ("local 1", "t:1: '<name>' expected near '1'"),
        ("local x, = 1", "t:1: '<name>' expected near '='"),
        ("local function 1", "t:1: '<name>' expected near '1'"),
        ("function 1()", "t:1: '<name>' expected near '1'"),
        ("function f.", "t:1: '<name>' expected near '<eof>'"),
        ("function f:g.h() end", "t:1: '(' expected near '.'"),
        ("function f(a,) end", "t:1: <name> or '...' expected near ')'"),
        ("function f(..., a) end", "t:1: ')' expected near ','"),
        ("function f(a b) end", "t:1: ')' expected near 'b'"),
        ("for 1 = 2", "t:1: '<name>' expected near '1'"),
        ("for i do", "t:1: '=' or 'in' expected near 'do'"),
        ("for i = 1 do", "t:1: ',' expected near 'do'"),
        ("for i, j = 1", "t:1: 'in' expected near '='"),
        ("for i = 1, 2, 3, 4", "t:1: 'do' expected near ','"),
        ("if x", "t:1: 'then' expected near '<eof>'"),
        ("while x", "t:1: 'do' expected near '<eof>'"),
        ("x = {1, 2", "t:1: '}' expected near '<eof>'"),
        ("x = {[1]}", "t:1: '=' expected near '}'"),
        ("x = a.+", "t:1: '<name>' expected near '+'"),
        ("a:b", "t:1: function arguments expected near '<eof>'"),
        ("a:b = 1", "t:1: function arguments expected near '='"),
    ] {
        assert_message(text, expected);
    }
}

#[test]
fn what_is_not_closed() {
    for (text, expected) in [
        ("do", "t:1: 'end' expected near '<eof>'"),
        ("\ndo\n", "t:3: 'end' expected (to close 'do' at line 2) near '<eof>'"),
        ("function f()\n\n", "t:3: 'end' expected (to close 'function' at line 1) near '<eof>'"),
        (
            "x = function(\n) until",
            "t:2: 'end' expected (to close 'function' at line 1) near 'until'",
        ),
        ("if x then\nelse\nelse end", "t:3: 'end' expected (to close 'if' at line 1) near 'else'"),
        ("while x do\n", "t:2: 'end' expected (to close 'while' at line 1) near '<eof>'"),
        ("for i = 1, 2 do\n", "t:2: 'end' expected (to close 'for' at line 1) near '<eof>'"),
        ("repeat\n end", "t:2: 'until' expected (to close 'repeat' at line 1) near 'end'"),
        ("f(\n1", "t:2: ')' expected (to close '(' at line 1) near '<eof>'"),
        ("x = (\n1", "t:2: ')' expected (to close '(' at line 1) near '<eof>'"),
        ("x = {\n1 2", "t:2: '}' expected (to close '{' at line 1) near '2'"),
    ] {
        assert_message(text, expected);
    }
}

#[test]
fn assignments_and_calls() {
    for (text, expected) in [
        ("(a) = 1", "t:1: syntax error near '='"),
        ("a.b", "t:1: '=' expected near '<eof>'"),
        ("(f())", "t:1: syntax error near '<eof>'"),
        ("f() = 1", "t:1: unexpected symbol near '='"),
        ("a, f() = 1", "t:1: syntax error near '='"),
        ("a, b", "t:1: '=' expected near '<eof>'"),
        ("'a':len()", "t:1: unexpected symbol near ''a''"),
        ("f\n(x)", "t:2: ambiguous syntax (function call x new statement) near '('"),
        ("x = f:g\n(x)", "t:2: ambiguous syntax (function call x new statement) near '('"),
    ] {
        assert_message(text, expected);
    }
    assert_compiles("f\n'x' f\n{x}");
}

#[test]
fn what_is_out_of_place() {
    for (text, expected) in [
        ("break", "t:1: no loop to break near '<eof>'"),
        ("while x do function f() break end end", "t:1: no loop to break near 'end'"),
        ("while x do break x = 1 end", "t:1: 'end' expected near 'x'"),
        ("return 1 x = 2", "t:1: '<eof>' expected near 'x'"),
        (
            "function f() return ... end",
            "t:1: cannot use '...' outside a vararg function near '...'",
        ),
        ("do return end x = 1 return;;", "t:1: '<eof>' expected near ';'"),
    ] {
        assert_message(text, expected);
    }
    assert_compiles("while x do break; end return;");
    assert_compiles(";;; x = 1;; ; do ; end");
}

#[test]
fn numbers_strings_and_comments() {
    for (text, expected) in [
        ("x = 3x", "t:1: malformed number near '3x'"),
        ("x = 1..2", "t:1: malformed number near '1..2'"),
        ("x = 0x", "t:1: malformed number near '0x'"),
        ("x = 1e", "t:1: malformed number near '1e'"),
        ("x = 1e+", "t:1: malformed number near '1e+'"),
        ("x = 0x1p-3", "t:1: malformed number near '0x1p'"),
        ("x = \"abc", "t:1: unfinished string near '<eof>'"),
        ("x = 'abc\n'", "t:1: unfinished string near ''abc'"),
        ("x = 'a\\\nb\\tc\n'", "t:2: unfinished string near ''a\nb\tc'"),
        ("x = 'abc\\", "t:1: unfinished string near '<eof>'"),
        ("x = 'abc\\300'", "t:1: escape sequence too large near ''abc'"),
        ("x = [[abc\n", "t:2: unfinished long string near '<eof>'"),
        ("x = [==[abc]=]\n", "t:2: unfinished long string near '<eof>'"),
        ("--[[abc\n\n", "t:3: unfinished long comment near '<eof>'"),
        ("x = [=abc", "t:1: invalid long string delimiter near '[='"),
        ("x = [[a\n[[b]]", "t:2: nesting of [[...]] is deprecated near '['"),
        ("--[[a [[b]]", "t:1: nesting of [[...]] is deprecated near '['"),
        // From here on as in Lua 5.4.
        ("x = 'ab\\xg0'", "t:1: hexadecimal digit expected near ''ab\\xg'"),
        ("x = 'ab\\x1'", "t:1: hexadecimal digit expected near ''ab\\x1''"),
        ("x = '\\u12'", "t:1: missing '{' near ''\\u1'"),
        ("x = '\\u{}'", "t:1: hexadecimal digit expected near ''\\u{}'"),
        ("x = '\\u{12'", "t:1: missing '}' near ''\\u{12''"),
        ("x = '\\u{80000000}'", "t:1: UTF-8 value too large near ''\\u{80000000'"),
    ] {
        assert_message(text, expected);
    }
    assert_compiles("x = 0x1p4 + .5 + 3. + 3e-2 + 0xep1");
    assert_compiles("x = [==[ [[ ]] ]=] ]==] --[==[ ]] ]==]");
    assert_compiles("--[==x\nx = a[b[1]]");
}

#[test]
fn gotos_and_labels() {
    for (text, expected) in [
        ("goto x", "t:1: no visible label 'x' for <goto> at line 1"),
        ("do ::x:: end\ngoto x", "t:2: no visible label 'x' for <goto> at line 2"),
        ("function f()\ngoto x\nend\n::x::", "t:4: no visible label 'x' for <goto> at line 2"),
        ("::x::\n::x::", "t:2: label 'x' already defined on line 1"),
        (
            "goto x\nlocal a\n::x::\nprint(a)",
            "t:4: <goto x> at line 1 jumps into the scope of local 'a'",
        ),
        (
            "repeat goto x local a ::x:: until a",
            "t:1: <goto x> at line 1 jumps into the scope of local 'a'",
        ),
        ("goto = 1", "t:1: '<name>' expected near '='"),
        ("::x", "t:1: '::' expected near '<eof>'"),
    ] {
        assert_message(text, expected);
    }
    assert_compiles("goto x local a ::x:: ::y:: ; ;");
    assert_compiles("::x:: do ::x:: goto x end goto x");
    assert_compiles("do goto x end local a ::x::");
    assert_compiles("while a do local b if c then goto continue end local d ::continue:: end");
    assert_compiles("t.goto = t:end(t.repeat) function t.end:while() end");
}

#[test]
fn the_start_of_a_chunk() {
    let compiles =
        |text: &[u8], name: &[u8]| compile(Source::new(text, name), &Options::default()).is_ok();
    assert!(compiles(b"#!/usr/bin/solvm\nx = 1", b"=x"));
    assert!(compiles(b"\xEF\xBB\xBF#!/usr/bin/solvm\nx = 1", b"=x"));
    assert!(compiles(b"\xEF\xBB\xBFx = 1", b"@x"));
    assert!(compiles(b"# comment", b"@x"));
    assert!(!compiles(b"# comment", b"=x"));
    assert!(!compiles(b"\n#!x", b"@x"));
    assert_message("#! x\nx = ", "t:2: unexpected symbol near '<eof>'");
    assert_message("x = 1\r\ny = 2\n\rz = 3\r\r= 4", "t:5: unexpected symbol near '='");
}

#[test]
fn chunk_ids() {
    let long = "x".repeat(100);
    for (name, expected) in [
        ("=name".to_string(), "name".to_string()),
        (format!("={long}"), "x".repeat(59)),
        ("@file.lua".into(), "file.lua".into()),
        (format!("@{}", "x".repeat(52)), "x".repeat(52)),
        (format!("@a{}", "x".repeat(52)), format!("...{}", "x".repeat(52))),
        ("return 1".into(), "[string \"return 1\"]".into()),
        ("return 1\nx".into(), "[string \"return 1...\"]".into()),
        ("x".repeat(43), format!("[string \"{}\"]", "x".repeat(43))),
        ("x".repeat(44), format!("[string \"{}...\"]", "x".repeat(43))),
        (String::new(), "[string \"\"]".into()),
    ] {
        assert_eq!(String::from_utf8(chunk_id(name.as_bytes())).unwrap(), expected);
    }
}

#[test]
fn syntax_errors_leave_more_room_for_the_name() {
    let error = compile(
        Source::new(*b"=", format!("@{}", "x".repeat(100)).into_bytes()),
        &Options::default(),
    );
    let message = String::from_utf8(error.unwrap_err().message).unwrap();
    assert_eq!(message, format!("...{}:1: unexpected symbol near '='", "x".repeat(72)));
}
