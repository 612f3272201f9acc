//! Functions that borrow for the time of a scope: what they may do, and that nothing is borrowed
//! when the scope has ended.
#![cfg(test)]

use solvm::native::{Rest, Start, Step, Steps, Wanted};
use solvm::{Call, Error, ErrorKind, Function, LuaError, Runtime, Value};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn runtime() -> Runtime {
    Runtime::new().expect("there is memory for the libraries")
}

const ENDED: &str = "cannot call function: its scope has ended";

/// The message of an error of a chunk, without its position.
fn message(lua: &mut Runtime, code: &str) -> String {
    let error = lua.run(code).unwrap_err();
    error.message().trim_start_matches("chunk:1: ").to_string()
}

#[test]
fn functions_read_and_write_what_they_borrow() {
    let mut lua = runtime();
    let names = BTreeMap::from([("a", 1), ("b", 2)]);
    let (mut lines, mut count) = (Vec::new(), 0);
    lua.scope(|scope| {
        scope.register("log", |_: &mut Call, line: String| lines.push(line))?;
        scope.register("find", |_: &mut Call, name: String| names.get(&name[..]).copied())?;
        let tick = scope.function(|_: &mut Call| {
            count += 1;
            count
        })?;
        scope.set("tick", &tick)?;
        assert_eq!(scope.call::<u32>(&tick, ())?, 1);
        scope.run("log('x') log(find('b') .. tick()) assert(find('c') == nil)")
    })
    .unwrap();
    assert_eq!((lines, count), (vec!["x".to_string(), "22".into()], 2));
}

#[test]
fn parameters_and_results_are_those_of_other_functions() {
    let mut lua = runtime();
    let prefix = String::from("<");
    let text: String = lua
        .scope(|scope| {
            scope.register("none", |_: &mut Call| ())?;
            scope.register("text", |_: &mut Call, text: Option<String>| {
                text.map(|text| (format!("{prefix}{text}"), &prefix[..]))
                    .ok_or_else(|| LuaError::text("no text"))
            })?;
            scope.register("count", |_: &mut Call, _: f64, rest: Rest| rest.first)?;
            type B = u8;
            scope.register(
                "twelve",
                |_: &mut Call,
                 a: B,
                 b: B,
                 c: B,
                 d: B,
                 e: B,
                 f: B,
                 g: B,
                 h: B,
                 i: B,
                 j: B,
                 k: B,
                 l: B| {
                    [a, b, c, d, e, f, g, h, i, j, k, l].map(u32::from).iter().sum::<u32>()
                },
            )?;
            scope.eval(
                "assert(select('#', none()) == 0)
                local a, b = text('x')
                local sum = twelve(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
                return table.concat({ a, b, count(1, 2), sum }, ' ')",
            )
        })
        .unwrap();
    assert_eq!(text, "<x < 1 78");
}

#[test]
fn errors_of_rust_are_raised() {
    let mut lua = runtime();
    let mut numbers = Vec::new();
    let error = lua
        .scope(|scope| {
            scope.register("parse", |_: &mut Call, text: String| {
                numbers.push(text.parse::<i32>()?);
                Ok::<_, std::num::ParseIntError>(())
            })?;
            let reason = message(scope, "parse()");
            assert_eq!(reason, "bad argument #1 to 'parse' (UTF-8 string expected, got no value)");
            scope.run("parse('1') pcall(parse, 'x') parse('y')")
        })
        .unwrap_err();
    assert_eq!(error.message(), "chunk:1: invalid digit found in string");
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    assert_eq!(numbers, [1]);
}

#[test]
fn a_function_raises_an_error_after_the_end_of_its_scope() {
    let mut lua = runtime();
    let mut count = 0;
    let function = lua
        .scope(|scope| {
            let function = scope.function(|_: &mut Call| count += 1)?;
            scope.set("tick", &function)?;
            scope.run(
                "tick() kept = coroutine.wrap(function() tick() while true do tick() end end)",
            )?;
            Ok(function)
        })
        .unwrap();
    count *= 10;
    let error = lua.call::<()>(&function, ()).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Raised, ENDED));
    assert_eq!(message(&mut lua, "tick()"), ENDED);
    assert_eq!(message(&mut lua, "kept()"), ENDED);
    let reason: String = lua.eval("return select(2, pcall(tick))").unwrap();
    assert_eq!(reason, ENDED);
    assert_eq!(count, 10);
}

#[test]
fn an_error_of_the_block_ends_the_scope() {
    let mut lua = runtime();
    let mut count = 0;
    let error = lua
        .scope(|scope| {
            scope.register("tick", |_: &mut Call| count += 1)?;
            scope.run("tick() error('boom', 0)")?;
            scope.run("tick()")
        })
        .unwrap_err();
    assert_eq!(error.message(), "boom");
    assert_eq!(message(&mut lua, "tick()"), ENDED);
    assert_eq!(count, 1);
}

#[test]
fn a_panic_of_the_block_ends_the_scope() {
    let mut lua = runtime();
    let mut count = 0;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        lua.scope(|scope| -> Result<(), Error> {
            scope.register("tick", |_: &mut Call| count += 1)?;
            scope.run("tick()")?;
            panic!("broken")
        })
    }));
    assert!(panic.is_err());
    // It has not been a panic of a native.
    assert_eq!(message(&mut lua, "tick()"), ENDED);
    assert_eq!(count, 1);
}

#[test]
fn a_panic_of_a_function_ends_the_runtime() {
    let mut lua = runtime();
    let dropped = Cell::new(false);
    struct Noting<'a>(&'a Cell<bool>);
    impl Drop for Noting<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let noting = Noting(&dropped);
    let result = lua.scope(|scope| {
        scope.register("fails", move |_: &mut Call| {
            let _ = &noting;
            panic!("broken") as ()
        })?;
        let error = scope.run("pcall(fails)").unwrap_err();
        assert!(!dropped.get());
        scope.run("fails()").map_err(|again| {
            assert_eq!(again, error);
            error
        })
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Panic);
    assert!(dropped.get());
    assert_eq!(lua.run("fails()").unwrap_err().kind(), ErrorKind::Panic);
}

/// Calls its argument and returns what that returns.
struct Calls(bool);

impl Steps for Calls {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, LuaError> {
        if std::mem::replace(&mut self.0, true) {
            return call.finish(call.returned(0));
        }
        let function = call.argument(0).unwrap_or(solvm::native::Value::NIL);
        call.call(function, &[function], Wanted::One)
    }
}

#[test]
fn a_closure_has_returned_when_lua_calls_its_function_again() {
    let mut lua = runtime();
    let mut depth = 0;
    let reached = lua
        .scope(|scope| {
            // Between two levels Lua runs, while the call of the function has not returned.
            scope.register("descend", |_: &mut Call, _next: Function| {
                depth += 1;
                Start::new(Calls(false))
            })?;
            scope.eval::<u32>(
                "local level = 0
                local function next()
                    level = level + 1
                    if level < 50 then return descend(next) end
                    return level
                end
                return descend(next)",
            )
        })
        .unwrap();
    assert_eq!((reached, depth), (50, 50));
}

#[test]
fn a_goroutine_that_outlives_the_scope_gets_the_error() {
    let mut lua = runtime();
    let mut count = 0;
    lua.scope(|scope| {
        scope.register("tick", |_: &mut Call| count += 1)?;
        scope.run(
            "go(function()
                tick()
                sleep(0.01)
                local _, reason = pcall(tick)
                result = reason
            end)
            sleep(0.001)",
        )
    })
    .unwrap();
    assert_eq!(count, 1);
    lua.run_goroutines().unwrap();
    assert_eq!(lua.get::<String>("result").unwrap(), ENDED);
    assert_eq!(count, 1);
}

#[test]
fn scopes_nest() {
    let mut lua = runtime();
    let mut outer = Vec::new();
    lua.scope(|scope| {
        scope.register("outer", |_: &mut Call, x: u32| outer.push(x))?;
        // The inner scope may borrow from the block of the outer one.
        let mut inner = Vec::new();
        scope.scope(|scope| {
            scope.register("inner", |_: &mut Call, x: u32| inner.push(x))?;
            scope.run("outer(1) inner(2)")
        })?;
        assert_eq!(inner, [2]);
        assert_eq!(message(scope, "inner(3)"), ENDED);
        scope.run("outer(4)")
    })
    .unwrap();
    assert_eq!(outer, [1, 4]);
    assert_eq!(message(&mut lua, "outer(5)"), ENDED);
}

#[test]
fn the_runtime_may_be_leaked_or_dropped_inside() {
    let mut lua = runtime();
    let text = RefCell::new(String::new());
    lua.scope(|scope| {
        for take in [drop as fn(Runtime), std::mem::forget] {
            scope.register("write", |_: &mut Call, line: String| {
                text.borrow_mut().push_str(&line)
            })?;
            scope.run("write('x')")?;
            take(std::mem::replace(&mut **scope, runtime()));
        }
        scope.run("assert(write == nil)")
    })
    .unwrap();
    assert_eq!(text.into_inner(), "xx");
    assert!(matches!(lua.get("write"), Ok(Value::Nil)));
}

#[tokio::test]
async fn an_asynchronous_block_borrows() {
    let mut lua = runtime();
    let script = lua.load("log('a') sleep(0.001) log('b')", "=script").unwrap();
    let mut lines = Vec::new();
    let result = lua
        .scope_async(async |scope| {
            scope.register("log", |_: &mut Call, line: String| lines.push(line))?;
            scope.call_async::<()>(&script, ()).await?;
            scope.call_async::<()>(&script, ()).await
        })
        .await;
    assert_eq!((result, lines), (Ok(()), ["a", "b", "a", "b"].map(String::from).to_vec()));
    let error = lua.call_async::<()>("log", "c").await.unwrap_err();
    assert_eq!(error.message(), ENDED);
}

#[tokio::test]
async fn an_asynchronous_scope_ends_with_its_future() {
    let mut lua = runtime();
    let script = lua.load("log('a') sleep(0.02) log('b')", "=script").unwrap();
    let mut lines = Vec::new();
    let block = lua.scope_async(async |scope| {
        scope.register("log", |_: &mut Call, line: String| lines.push(line))?;
        scope.call_async::<()>(&script, ()).await
    });
    let limit = std::time::Duration::from_millis(1);
    assert!(tokio::time::timeout(limit, block).await.is_err());
    lines.push("after".into());
    let error = lua.call_async::<()>("log", "c").await.unwrap_err();
    assert_eq!(error.message(), ENDED);
    assert_eq!(lines, ["a", "after"]);
}
