//! The embedding API, beyond the examples in its documentation: what is kept alive, what ends, what
//! is rejected.
#![cfg(test)]

use solvm::{
    Call, Class, Data, ErrorKind, Function, Library, Network, NetworkUse, Object, Runtime, Sandbox,
    Table, Value, World,
};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime};

fn runtime() -> Runtime {
    Runtime::new().expect("there is memory for the libraries")
}

#[test]
fn references_keep_values_and_give_them_back() {
    let mut lua = runtime();
    let big: Value = lua.eval("return {string.rep('x', 10e6)}").unwrap();
    let used = |lua: &mut Runtime| {
        lua.eval::<f64>("collectgarbage() return collectgarbage('count')").unwrap()
    };
    let kept = used(&mut lua);
    let Value::Table(table) = &big else { panic!("a table") };
    assert_eq!(table.get::<Vec<u8>>(&mut lua, 1).unwrap().len(), 10_000_000);
    drop(big);
    assert!(used(&mut lua) < kept - 9e3, "the table is gone");
    // Slots are reused.
    for _ in 0..1000 {
        let _: Table = lua.eval("return {}").unwrap();
    }
    assert!(used(&mut lua) < kept - 9e3);
}

#[test]
fn handles_of_another_runtime_are_refused() {
    let mut other = runtime();
    let check = |error: solvm::Error, what: &str| {
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::ForeignHandle, format!("the {what} belongs to another runtime").as_str())
        );
    };
    let mut one = runtime();
    let function: Function = one.eval("return function() return 1 end").unwrap();
    let table: Table = one.eval("return {}").unwrap();
    let values: (Value, Value, Value) =
        one.eval("return {}, io.stdout, coroutine.create(function() end)").unwrap();
    // It makes no difference whether their runtime is still there.
    for owner in [Some(one), None] {
        check(other.call::<f64>(&function, ()).unwrap_err(), "function");
        check(other.set("function", &function).unwrap_err(), "function");
        check(other.call::<()>("print", &table).unwrap_err(), "table");
        check(table.get::<Value>(&mut other, 1).unwrap_err(), "table");
        check(table.set(&mut other, 1, 1).unwrap_err(), "table");
        check(table.len(&mut other).unwrap_err(), "table");
        check(table.pairs::<Value, Value>(&mut other).unwrap_err(), "table");
        check(other.set("x", &values.0).unwrap_err(), "table");
        check(other.set("x", &values.1).unwrap_err(), "userdata");
        check(other.set("x", &values.2).unwrap_err(), "coroutine");
        drop(owner);
    }
    // A native that returns one raises an error.
    other.register("foreign", move |_: &mut Call| table.clone()).unwrap();
    let error = other.run("foreign()").unwrap_err();
    assert_eq!(error.message(), "chunk:1: the table belongs to another runtime");
    assert!(matches!(other.get::<Value>("x"), Ok(Value::Nil)));
}

#[test]
fn errors_keep_the_error_of_rust_and_the_value_of_lua() {
    let mut lua = runtime();
    lua.register("read", |_: &mut Call, path: String| std::fs::read(path)).unwrap();
    lua.register("fail", |_: &mut Call| Err::<(), _>("a string")).unwrap();
    lua.register_async("parse", |(text,): (String,)| async move { text.parse::<i32>() }).unwrap();
    let error = lua.run("read('/does/not/exist')").unwrap_err();
    assert_eq!(error.message(), "chunk:1: No such file or directory (os error 2)");
    let source = error.downcast_ref::<io::Error>().expect("the error of Rust");
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
    let error = lua.run("parse('x')").unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    assert_eq!(lua.run("fail()").unwrap_err().message(), "chunk:1: a string");
    // Lua sees strings; what it raises again is the same error.
    let error = lua
        .run("local ok, text = pcall(read, '/x') assert(type(text) == 'string') error(text, 0)")
        .unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_some());
    let error = lua.run("pcall(read, '/x') error('other')").unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_none());

    let error = lua.run("error({ code = 7 })").unwrap_err();
    let Some(Value::Table(table)) = error.value() else { panic!("{:?}", error.value()) };
    assert_eq!(table.get::<u8>(&mut lua, "code").unwrap(), 7);
    // An error may leave the thread.
    let error = std::thread::spawn(move || error.with_context("elsewhere")).join().unwrap();
    assert_eq!(error.to_string(), "elsewhere: (error object is a table value): { code = 7 }");
}

#[test]
fn goroutines_go_on_between_calls() {
    let mut lua = runtime();
    lua.run("go(function() sleep(0.01) done = true end)").unwrap();
    assert_eq!(lua.get::<Option<bool>>("done").unwrap(), None);
    lua.run_goroutines().unwrap();
    assert_eq!(lua.get::<Option<bool>>("done").unwrap(), Some(true));
}

#[test]
fn a_call_that_takes_too_long_ends_alone() {
    let mut lua = Runtime::builder().call_limit(Duration::from_millis(50)).build().unwrap();
    lua.run("count = 0 function spin() while true do count = count + 1 end end").unwrap();
    for _ in 0..3 {
        let error = lua.call::<()>("spin", ()).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::TimedOut, "timed out"));
    }
    let count: f64 = lua.get("count").unwrap();
    assert!(count > 0.0);
    // None of the three is running any more.
    lua.run_goroutines().unwrap();
    assert_eq!(lua.get::<f64>("count").unwrap(), count);
}

#[test]
fn errors_tell_where_and_how() {
    let mut lua = runtime();
    let function =
        lua.load("local function inner()\n  error('boom')\nend\ninner()", "@inner.lua").unwrap();
    let error = lua.call::<()>(&function, ()).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Raised, "inner.lua:2: boom")
    );
    assert!(
        error.traceback().contains("inner.lua:2: in function 'inner'"),
        "{}",
        error.traceback()
    );
    let error = lua.eval::<f64>("return 'text'").unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Conversion, "result #1: number expected, got string")
    );
    let error = lua.call::<()>("no_such_function", ()).unwrap_err();
    assert_eq!(error.message(), "attempt to call global 'no_such_function' (a nil value)");
    let error = lua.eval::<String>("return '\\255'").unwrap_err();
    assert_eq!(error.message(), "result #1: UTF-8 string expected, got string");
    assert_eq!(lua.run("error(nil)").unwrap_err().message(), "(error object is a nil value)");
    let error = lua.run("local function inner() error({ code = 42 }) end inner()").unwrap_err();
    assert_eq!(error.message(), "(error object is a table value): { code = 42 }");
    assert!(error.traceback().contains("in function 'inner'"), "{}", error.traceback());
}

#[tokio::test]
async fn blocking_calls_are_refused_where_futures_are_driven() {
    let mut lua = runtime();
    let function = lua.load("return 1", "=one").unwrap();
    assert_eq!(lua.call::<f64>(&function, ()).unwrap_err().kind(), ErrorKind::Blocking);
    assert_eq!(lua.call_async::<f64>(&function, ()).await, Ok(1.0));
}

#[test]
fn closures_own_what_they_capture() {
    struct Tally(Rc<Cell<u32>>);
    impl Data for Tally {
        fn external_size(&self) -> usize {
            0
        }
    }
    impl Class for Tally {
        const NAME: &'static str = "Tally";
        const METHODS: &'static Library = &METHODS;
    }
    impl Drop for Tally {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 100);
        }
    }
    static METHODS: Library = solvm::library!("Tally" {});

    let count = Rc::new(Cell::new(0));
    let mut lua = runtime();
    let counted = count.clone();
    lua.register("tick", move |_: &mut Call| counted.set(counted.get() + 1)).unwrap();
    lua.set("tally", Object(Tally(count.clone()))).unwrap();
    lua.run("tick() tick() tally, tick = nil, nil collectgarbage()").unwrap();
    assert_eq!(count.get(), 102);
    drop(lua);
    assert_eq!(Rc::strong_count(&count), 1);
}

#[test]
fn a_sandbox_has_no_files() {
    let mut lua = Runtime::builder().world(solvm::Sandbox::new()).build().unwrap();
    let denied = r#"
        local directory = ...
        local calls = {
            function() return read_file("/etc/hostname") end,
            function() return write_file(directory .. "/x", "x") end,
            function() return append_file(directory .. "/x", "x") end,
            function() return list_dir("/") end,
            function() return mkdir(directory .. "/x") end,
            function() return remove(directory, true) end,
            function() return rename(directory, directory .. "2") end,
            function() return file_info("/") end,
            function() return glob("/*") end,
            function() return ft.copy("/etc/hostname", directory .. "/x") end,
            function() return tar.create(directory .. "/x.tar", "/etc") end,
            function() return tar.list("/x.tar") end,
            function() return watch_file("/etc/hostname", print) end,
            function() return os.remove(directory) end,
            function() return require("lfs").mkdir(directory .. "/x") end,
            function() return require("lfs").currentdir() end,
        }
        for i, call in ipairs(calls) do
            local result, message = call()
            assert(result == nil and message:lower():find("permission denied", 1, true),
                i .. ": " .. tostring(message))
        end
        assert(exists("/") == false)
        assert(not pcall(walk, "/") and not pcall(import, "/etc/hostname"))
        assert(not pcall(require("lfs").dir, "/"))
    "#;
    let directory = tempfile::tempdir().unwrap();
    let check: Function = lua.eval(format!("return function(...) {denied} end")).unwrap();
    lua.call::<()>(&check, directory.path().to_str().unwrap()).unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// A sandbox from which programs may listen, and reach one port.
#[derive(Default)]
struct Fenced {
    sandbox: Sandbox,
    port: Arc<AtomicU16>,
}

struct Fence {
    port: Arc<AtomicU16>,
}

impl Network for Fence {
    fn allow(&self, what: NetworkUse<'_>) -> io::Result<()> {
        match what {
            NetworkUse::Listen { .. } => Ok(()),
            NetworkUse::Connect { port, .. } if port == self.port.load(Ordering::Relaxed) => Ok(()),
            _ => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

impl World for Fenced {
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sandbox.write_output(bytes)
    }

    fn write_error(&mut self, bytes: &[u8]) {
        self.sandbox.write_error(bytes);
    }

    fn flush_output(&mut self) -> io::Result<()> {
        self.sandbox.flush_output()
    }

    fn network(&self) -> Arc<dyn Network> {
        Arc::new(Fence { port: self.port.clone() })
    }

    fn now(&self) -> Duration {
        self.sandbox.now()
    }

    fn processor_time(&self) -> Duration {
        self.sandbox.processor_time()
    }

    fn wall_clock(&self) -> SystemTime {
        self.sandbox.wall_clock()
    }

    fn resident_memory(&self) -> u64 {
        self.sandbox.resident_memory()
    }
}

#[test]
fn redirects_lead_to_no_host_that_is_not_allowed() {
    let world = Fenced::default();
    let port = world.port.clone();
    let mut lua = Runtime::builder().world(world).build().unwrap();
    lua.run(
        "asked = 0
        create_server('inner', 0, { host = '127.0.0.1' })
        handle_http('inner', '*', function() asked = asked + 1 return 'secret = 1' end)
        inner = start_server('inner')
        create_server('outer', 0, { host = '127.0.0.1' })
        handle_http('outer', '/out/*', function()
            local location = 'http://127.0.0.1:' .. inner .. '/secret.lua'
            return { status = 302, headers = { Location = location } }
        end)
        handle_http('outer', '/round', function()
            return { status = 302, headers = { Location = '/home' } }
        end)
        handle_http('outer', '/home', function() return 'home' end)
        outer = start_server('outer')
        base = 'http://127.0.0.1:' .. outer",
    )
    .unwrap();
    port.store(lua.get::<u32>("outer").unwrap() as u16, Ordering::Relaxed);
    lua.run(
        "local response, reason = http_get(base .. '/out/x')
        assert(response == nil and reason:lower():find('permission denied', 1, true), reason)
        assert(not pcall(import, base .. '/out/secret.lua'))
        assert(asked == 0, 'nobody was asked')
        assert(http_get(base .. '/round').body == 'home')
        stop_server('inner') stop_server('outer')",
    )
    .unwrap();
}
