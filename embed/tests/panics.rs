//! Panics of natives end their runtime, and nothing else. (Their messages are not printed: the hook
//! is that of the process.)
#![cfg(test)]

use solvm::{Call, ErrorKind, Runtime};

fn runtime() -> Runtime {
    Runtime::new().expect("there is memory for the libraries")
}

#[test]
fn a_panic_in_a_native_ends_its_runtime_only() {
    std::panic::set_hook(Box::new(|_| ()));
    let check = |error: solvm::Error| {
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Panic, "the runtime is dead: a native function panicked: broken")
        );
    };
    let mut lua = runtime();
    lua.register("panics", |_: &mut Call| -> () { panic!("broken") }).unwrap();
    lua.register_async("panics_later", |()| async { panic!("{}", "broken") as Result<(), String> })
        .unwrap();
    let function = lua.load("return 1", "=function").unwrap();
    let table = lua.new_table().unwrap();
    check(lua.run("pcall(panics)").unwrap_err());
    check(lua.run("return 1").unwrap_err());
    check(lua.call::<f64>(&function, ()).unwrap_err());
    check(lua.load("return 1", "=again").unwrap_err());
    check(lua.set("x", 1).unwrap_err());
    check(lua.get::<f64>("x").unwrap_err());
    check(table.get::<f64>(&mut lua, 1).unwrap_err());
    check(lua.run_goroutines().unwrap_err());
    check(lua.enter(|_| ()).unwrap_err());
    drop(lua);

    let mut lua = runtime();
    lua.register_async("panics", |()| async { panic!("{}", "broken") as Result<(), String> })
        .unwrap();
    check(lua.run("go(panics) sleep(1)").unwrap_err());
    check(lua.run_goroutines().unwrap_err());
    let mut lua = runtime();
    check(lua.enter(|_| panic!("broken")).unwrap_err());
    runtime().run("return 1").unwrap();
}
