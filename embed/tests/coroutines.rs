//! Coroutines that a Rust program resumes.
#![cfg(test)]

use solvm::{Coroutine, ErrorKind, Function, Runtime};

fn coroutine(lua: &mut Runtime, code: &str) -> Coroutine {
    let function = lua.load(code, "=coroutine").unwrap();
    lua.coroutine(&function).unwrap()
}

#[test]
fn a_coroutine_talks_with_rust() {
    let mut lua = Runtime::new().unwrap();
    let adder = coroutine(
        &mut lua,
        "local sum = ... while true do sum = sum + coroutine.yield(sum, 'so far') end",
    );
    assert_eq!(adder.resume::<(f64, String)>(&mut lua, 1).unwrap(), (1.0, "so far".into()));
    assert_eq!(adder.resume::<f64>(&mut lua, 10).unwrap(), 11.0);
    assert!(adder.next::<f64>(&mut lua).unwrap_err().message().contains("nil value"));
    assert!(adder.is_dead(&mut lua).unwrap());
    let error = adder.resume::<f64>(&mut lua, ()).unwrap_err();
    assert_eq!(error.message(), "cannot resume dead coroutine");
    assert_eq!(adder.next::<f64>(&mut lua).unwrap(), None);
}

#[test]
fn what_it_yields_is_a_sequence() {
    let mut lua = Runtime::new().unwrap();
    let words = coroutine(
        &mut lua,
        "for word in ('a b c'):gmatch('%a') do sleep(0.001) coroutine.yield(word) end return 'd'",
    );
    let mut found = Vec::new();
    while let Some(word) = words.next::<String>(&mut lua).unwrap() {
        found.push(word);
    }
    assert_eq!(found, ["a", "b", "c"]);
    let empty = coroutine(&mut lua, "");
    assert_eq!(empty.next::<String>(&mut lua).unwrap(), None);
    let number = coroutine(&mut lua, "coroutine.yield({})");
    let error = number.next::<f64>(&mut lua).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Conversion, "result #1: number expected, got table")
    );
}

#[test]
fn errors_and_values_of_coroutines() {
    let mut lua = Runtime::new().unwrap();
    let failing = coroutine(&mut lua, "error({ code = 3 })");
    let error = failing.resume::<()>(&mut lua, ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Raised);
    assert!(error.value().is_some());
    // Lua and Rust may resume the same one.
    let shared: Coroutine = lua
        .eval(
            "shared = coroutine.create(function() coroutine.yield(1) coroutine.yield(2) end)
            return shared",
        )
        .unwrap();
    assert_eq!(shared.resume::<u8>(&mut lua, ()).unwrap(), 1);
    assert_eq!(lua.eval::<(bool, u8)>("return coroutine.resume(shared)").unwrap(), (true, 2));
    let print: Function = lua.get("print").unwrap();
    assert_eq!(lua.coroutine(&print).unwrap_err().message(), "Lua function expected");
    let mut other = Runtime::new().unwrap();
    assert_eq!(shared.resume::<u8>(&mut other, ()).unwrap_err().kind(), ErrorKind::ForeignHandle);
}
