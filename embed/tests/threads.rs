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
    let error = handle.with(|_| panic!("broken")).await.map(|()| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    // That was no panic inside Lua.
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
