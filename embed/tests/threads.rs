//! Handles of runtimes on threads of their own, and what may be sent between threads.
#![cfg(test)]

use solvm::{Call, Error, ErrorKind, Function, Handle, Runtime, Table, Value};
use std::time::{Duration, Instant};

fn is_send<T: Send + Sync>() {}

#[test]
fn handles_and_errors_may_leave_the_thread() {
    is_send::<Handle>();
    is_send::<Error>();
    is_send::<Value>();
    is_send::<Table>();
    is_send::<Function>();
}

#[test]
fn many_threads_use_a_runtime_by_its_handle() {
    let handle = Handle::new(|| {
        let mut lua = Runtime::new()?;
        lua.run("count = 0 function add(n) count = count + n return count end")?;
        Ok(lua)
    })
    .unwrap();
    let add = |handle: Handle| move || handle.call_blocking::<u32>("add", 1).unwrap();
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(add(handle.clone()))).collect();
    let mut counts: Vec<u32> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    counts.sort();
    assert_eq!(counts, (1..=8).collect::<Vec<_>>());
    // A value stays with its runtime while a handle to it is elsewhere.
    let table = handle.with_blocking(|lua| lua.eval::<Table>("return { 7 }")).unwrap().unwrap();
    let seven = handle.with_blocking(move |lua| table.get::<u32>(lua, 1)).unwrap();
    assert_eq!(seven, Ok(7));
}

#[test]
fn goroutines_run_between_jobs() {
    let handle = Handle::new(Runtime::new).unwrap();
    let code = "go(function() for i = 1, 3 do sleep(0.001) ticks = i end end)";
    handle.with_blocking(move |lua| lua.run(code)).unwrap().unwrap();
    let started = Instant::now();
    while handle.with_blocking(|lua| lua.get::<Option<u32>>("ticks")).unwrap() != Ok(Some(3)) {
        assert!(started.elapsed() < Duration::from_secs(20), "goroutines do not run");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn failures_of_jobs_are_errors() {
    let error = Handle::new(|| Runtime::builder().libraries(&["x"]).build()).err().unwrap();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Start, "unknown library 'x'"));
    let handle = Handle::new(Runtime::new).unwrap();
    let error = handle.call::<()>("error", "boom").await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Raised, "boom"));
    let error = handle.with(|_| -> () { panic!("broken") }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    // That was not a panic inside Lua.
    assert_eq!(handle.call::<String>("tostring", 1).await.unwrap(), "1");
    handle
        .with(|lua| lua.register("panics", |_: &mut Call| -> () { panic!("broken") }))
        .await
        .unwrap()
        .unwrap();
    for function in ["panics", "tostring"] {
        assert_eq!(handle.call::<()>(function, ()).await.unwrap_err().kind(), ErrorKind::Panic);
    }
}

#[test]
fn the_thread_ends_with_its_last_handle() {
    struct Noted(std::sync::mpsc::Sender<()>);
    impl Drop for Noted {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (sender, dropped) = std::sync::mpsc::channel();
    let handle = Handle::new(move || {
        let noted = Noted(sender);
        let mut lua = Runtime::new()?;
        lua.register("keep", move |_: &mut Call| drop(noted.0.clone()))?;
        lua.run("go(function() sleep(1000) end)")?;
        Ok(lua)
    })
    .unwrap();
    let other = handle.clone();
    drop(handle);
    other.with_blocking(|lua| lua.run("keep()")).unwrap().unwrap();
    drop(other);
    dropped.recv_timeout(Duration::from_secs(20)).expect("the runtime is dropped");
}

#[tokio::test]
async fn calls_of_one_runtime_wait_at_the_same_time() {
    let handle = Handle::new(|| {
        let mut lua = Runtime::new()?;
        // Each call needs the next one: in sequence, none would return.
        lua.run(
            "waiting = {} for i = 0, 100 do waiting[i] = chan('c' .. i, 1) end
            function link(i) send(waiting[i + 1], true) receive(waiting[i]) return i end",
        )?;
        Ok(lua)
    })
    .unwrap();
    let calls: Vec<_> = (0..100u32)
        .map(|i| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.call::<u32>("link", i).await })
        })
        .collect();
    handle.with(|lua| lua.run("send(waiting[0], true)")).await.unwrap().unwrap();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), Ok(i as u32));
    }
    let error = handle.call::<()>("nothing", ()).await.unwrap_err();
    assert_eq!(error.message(), "attempt to call global 'nothing' (a nil value)");
    let error = handle.call::<f64>("tostring", 1).await.map(|_| ());
    assert_eq!(error, Ok(()), "a numeric string is a number");
    let error = handle.call::<Table>("tostring", 1).await.unwrap_err();
    assert_eq!(error.message(), "result #1: table expected, got string");
}

#[test]
fn tasks_deliver_results_and_errors() {
    let mut lua = Runtime::new().unwrap();
    lua.run("function slow(x) sleep(0.01) return x, 'done' end").unwrap();
    lua.run("local function inner() error({ code = 5 }) end function fails() inner() end").unwrap();
    let slow = lua.spawn::<(u32, String)>("slow", 7).unwrap();
    let fails = lua.spawn::<()>("fails", ()).unwrap();
    let never = lua.spawn::<()>("slow", 1).unwrap();
    assert!(lua.spawn::<()>("nothing", ()).is_err());
    lua.run_goroutines().unwrap();
    let tokio = solvm::new_tokio().unwrap();
    assert_eq!(tokio.block_on(slow).unwrap(), (7, "done".into()));
    let error = tokio.block_on(fails).unwrap_err();
    assert!(error.traceback().contains("in function 'inner'"), "{}", error.traceback());
    let Some(Value::Table(table)) = error.value() else { panic!("an error of a table") };
    assert_eq!(table.get::<u8>(&mut lua, "code").unwrap(), 5);
    drop(never);
    let late = lua.spawn::<()>("slow", 1).unwrap();
    drop(lua);
    assert_eq!(tokio.block_on(late).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_limit_of_calls_holds_for_a_handle() {
    let handle = Handle::new(|| {
        let mut lua = Runtime::builder().call_limit(Duration::from_millis(30)).build()?;
        lua.run("function spin() while true do end end")?;
        Ok(lua)
    })
    .unwrap();
    let error = handle.call_blocking::<()>("spin", ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(handle.call_blocking::<String>("tostring", 1).unwrap(), "1");
}

#[test]
fn a_panic_ends_the_calls_that_wait() {
    let handle = Handle::new(|| {
        let mut lua = Runtime::new()?;
        lua.register("panics", |_: &mut Call| -> () { panic!("broken") })?;
        lua.run("function waits() sleep(1000) end")?;
        Ok(lua)
    })
    .unwrap();
    let waiting = handle.clone();
    let waiting = std::thread::spawn(move || waiting.call_blocking::<()>("waits", ()));
    handle
        .with_blocking(|lua| lua.run("go(function() sleep(0.05) panics() end)"))
        .unwrap()
        .unwrap();
    let error = waiting.join().unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Panic | ErrorKind::Cancelled), "{error:?}");
    assert_eq!(handle.with_blocking(|_| ()).unwrap_err().kind(), ErrorKind::Panic);
}
