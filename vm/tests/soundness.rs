//! What safe Rust may do with the native interface without breaking the VM, however odd it is.
#![cfg(test)]

use solvm_vm::native::asynchronous::run;
use solvm_vm::native::{Library, Rest, Results, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Config, Error, Function, GoroutineId, LuaString, Turn, Value, Vm};
use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

static LIBRARY: Library = solvm_vm::library!("" {
    "ask_from_plain" => ask_from_plain,
    "ask_twice" => ask_twice,
    "ask_nothing" => ask_nothing,
    "stale_results" => stale_results,
    "all_results" => all_results,
    "begin_anew" => begin_anew,
    "collect" => collect,
    "keep_results" => keep_results,
    "interrupt" => interrupt,
    "pcall" => special ProtectedCall,
    "finish_in_scope" => finish_in_scope,
});

/// A plain native has no frame to call from.
fn ask_from_plain<'c>(call: &mut Call<'c>, function: Function<'c>) -> bool {
    let refused = call.call(function.value(), &[], Wanted::All).is_err()
        && call.again().is_err()
        && call.collect_garbage(None).is_err()
        && call.finish(1.0).is_err();
    call.keep(Value::number(1.0));
    refused && call.kept_count() == 0 && call.kept(0).is_nil() && call.all_kept().is_empty()
}

/// Results that are left overwrite the frame that a call would need.
fn ask_twice(_: &mut Call, _function: Function) -> Start<AskTwice> {
    Start::new(AskTwice)
}

struct AskTwice;

impl Steps for AskTwice {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let function = call.argument(0).unwrap_or(Value::NIL);
        let many: Vec<Value<'c>> = (0..40).map(|i| Value::number(f64::from(i))).collect();
        call.finish(many)?;
        call.call(function, &[], Wanted::All)
    }
}

/// A step of a native that failed says nothing about another.
fn ask_nothing(_: &mut Call, _function: Function) -> Start<AskNothing> {
    Start::new(AskNothing)
}

thread_local!(static STOLEN: Cell<Option<Step>> = const { Cell::new(None) });

struct AskNothing;

impl Steps for AskNothing {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if let Some(step) = STOLEN.take() {
            return Ok(step);
        }
        let function = call.argument(0).unwrap_or(Value::NIL);
        STOLEN.set(Some(call.call(function, &[], Wanted::All)?));
        Err(Error::text("failed"))
    }
}

/// What another native was returned is not this one's.
fn stale_results(call: &mut Call) -> bool {
    (1..1000).all(|i| call.returned(i).is_nil())
}

fn all_results(_: &mut Call, _function: Function) -> Start<AllResults> {
    Start::new(AllResults(false))
}

struct AllResults(bool);

impl Steps for AllResults {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.0, true) {
            let function = call.argument(0).unwrap_or(Value::NIL);
            return call.call(function, &[], Wanted::All);
        }
        let count = call.returned_count();
        call.finish(count)
    }
}

/// A native may end by becoming another one, which moves the stack.
fn begin_anew(_: &mut Call, _function: Function) -> Start<BeginAnew> {
    Start::new(BeginAnew)
}

struct BeginAnew;

impl Steps for BeginAnew {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        call.finish(Start::new(Spread))
    }
}

struct Spread;

impl Steps for Spread {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if call.returned_count() > 0 {
            let result = call.returned(0);
            return call.finish(result);
        }
        let function = call.argument(0).unwrap_or(Value::NIL);
        call.call(function, &[Value::number(1.0); 5000], Wanted::All)
    }
}

fn collect(_: &mut Call) -> Start<Collect> {
    Start::new(Collect { asked: false, slice: None })
}

struct Collect {
    asked: bool,
    slice: Option<usize>,
}

impl Steps for Collect {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::replace(&mut self.asked, true) {
            call.finish(())
        } else {
            call.collect_garbage(self.slice)
        }
    }
}

/// Calls a function 200 times, with a slice of collection after each call; keeps and joins what it
/// returns.
fn keep_results(_: &mut Call, _function: Function) -> Start<KeepResults> {
    Start::new(KeepResults { calls: 0, collect: false })
}

struct KeepResults {
    calls: usize,
    collect: bool,
}

impl Steps for KeepResults {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::replace(&mut self.collect, false) {
            let result = call.returned(0);
            call.keep(result);
            return call.collect_garbage(Some(8000));
        }
        if self.calls < 200 {
            self.calls += 1;
            self.collect = true;
            let function = call.argument(0).unwrap_or(Value::NIL);
            return call.call(function, &[Value::number(self.calls as f64)], Wanted::One);
        }
        let mut joined = Vec::new();
        for &value in call.all_kept().iter() {
            joined.extend_from_slice(LuaString::from_value(value).map_or(b"?", LuaString::bytes));
        }
        call.finish(joined)
    }
}

/// The host requests the program to stop.
fn interrupt(call: &mut Call, _all: Rest) {
    if let Some(flag) = call.host::<Arc<AtomicBool>>() {
        flag.store(true, Ordering::Relaxed);
    }
}

/// An async native that ends unexpectedly.
fn finish_in_scope<'c>(_: &mut Call<'c>) -> impl Results<'c> + use<'c> {
    run(|lua| async move {
        let slot = lua.slot();
        lua.with(|call| call.finish(vec![Value::number(1.0); 60]).is_ok());
        lua.finish(&[slot])
    })
}

fn start(vm: &mut Vm, source: &str) -> GoroutineId {
    vm.enter(|call| {
        call.open(&LIBRARY).expect("room for the library");
        let function = call.load(source.as_bytes(), b"=test").expect("compiles");
        call.spawn(function, &[]).expect("starts")
    })
}

fn turns(vm: &mut Vm) -> Turn {
    loop {
        let turn = vm.turn(&mut Context::from_waker(Waker::noop()));
        if turn != Turn::Ready {
            return turn;
        }
    }
}

/// The results of a chunk as text.
fn results_of(source: &str) -> Vec<String> {
    let mut vm = Vm::new(Config::default());
    let main = start(&mut vm, source);
    vm.watch(Some(main));
    turns(&mut vm);
    ended(&mut vm)
}

fn ended(vm: &mut Vm) -> Vec<String> {
    vm.next_end(|_, _, result| match result {
        Ok(values) => values.into_iter().map(shown).collect(),
        Err((error, _)) => vec![format!("error: {}", shown(error))],
    })
    .expect("has ended")
}

fn shown(value: Value) -> String {
    match LuaString::from_value(value) {
        Some(text) => String::from_utf8_lossy(text.bytes()).into_owned(),
        None => {
            value.as_number().map_or_else(|| format!("{:?}", value.as_boolean()), |x| x.to_string())
        }
    }
}

#[test]
fn a_plain_native_cannot_ask_for_calls() {
    assert_eq!(results_of("return ask_from_plain(collect)"), ["Some(true)"]);
}

#[test]
fn a_step_asks_for_one_thing() {
    let out_of_turn = "native function requested a step at the wrong time";
    let source = "return pcall(ask_twice, function() error('called') end)";
    assert_eq!(results_of(source), ["Some(false)", out_of_turn]);
    let source = "pcall(ask_nothing, function() end) return pcall(ask_nothing, function() end)";
    assert_eq!(results_of(source), ["Some(false)", "native function did not request a next step"]);
    assert_eq!(results_of("return pcall(finish_in_scope)"), ["Some(false)", out_of_turn]);
}

#[test]
fn results_belong_to_the_native_that_asked() {
    let source =
        "local function many() return 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 end
        return all_results(many), stale_results()";
    assert_eq!(results_of(source), ["16", "Some(true)"]);
}

#[test]
fn a_native_can_become_another() {
    assert_eq!(
        results_of("return begin_anew(function(...) collect() return (select or pcall) and 7 end)"),
        ["7"]
    );
}

#[test]
fn kept_values_are_seen_by_a_collection_under_way() {
    let source = "local hold = {} for i = 1, 20000 do hold[i] = {{}} end
        local text = keep_results(function(i)
            local list = {} for j = 1, 20 do list[j] = {} end return 'key' .. i
        end)
        local expected = '' for i = 1, 200 do expected = expected .. 'key' .. i end
        return text == expected and #hold";
    assert_eq!(results_of(source), ["20000"]);
}

#[test]
fn the_host_has_no_bound_values() {
    let mut vm = Vm::new(Config::default());
    vm.enter(|call| {
        assert!(call.upvalue(0).is_none());
        call.set_upvalue(0, Value::number(1.0));
        assert!(call.call(Value::NIL, &[], Wanted::One).is_err());
        assert!(call.level(0).is_none() && call.traceback(0).to_text().len() < 100);
    });
}

/// A VM may be moved out of its box, between any two calls.
#[test]
fn a_vm_can_be_moved() {
    let source = "local list = {} for i = 1, 200000 do list[i % 100 + 1] = {i} end return #list";
    let mut first = *Vm::new(Config::default());
    let main = start(&mut first, source);
    let mut second = first;
    second.watch(Some(main));
    second.turn(&mut Context::from_waker(Waker::noop()));
    let mut third = Box::new(second);
    turns(&mut third);
    assert_eq!(ended(&mut third), ["100"]);
}

/// Neither the goroutine that was stopped nor the next one in the queue loses an instruction.
#[test]
fn an_interrupted_program_can_go_on() {
    let mut vm = Vm::new(Config { slice: NonZeroU32::MIN, ..Config::default() });
    let flag = vm.cancel_flag();
    vm.set_host(flag.clone());
    let source = "local function count(...) return ... end
        local sum = 0
        for i = 1, 300 do
            sum = sum + count(count(i))
            if i % 7 == 0 then interrupt() end
            sum = sum + (function(...) return count(...) end)(1)
        end
        total = (total or 0) + sum
        return total";
    start(&mut vm, source);
    start(&mut vm, source);
    let last = start(&mut vm, source);
    vm.watch(Some(last));
    let mut interruptions = 0;
    while turns(&mut vm) == Turn::Interrupted {
        flag.store(false, Ordering::Relaxed);
        interruptions += 1;
        assert!(interruptions < 10_000);
    }
    assert!(interruptions > 10);
    let total = vm.enter(|call| {
        let key = call.string(b"total").expect("memory");
        call.globals().get(key).as_number()
    });
    assert_eq!(total, Some(3.0 * 45_450.0));
}

#[test]
fn a_goroutine_that_cannot_start_takes_no_place() {
    let mut failures = 0;
    // Somewhere in between it is the table of threads that cannot grow.
    for limit in (1_000_000..4_000_000).step_by(10_000) {
        let mut vm = Vm::new(Config { memory_limit: limit, ..Config::default() });
        vm.enter(|call| {
            let function = call.load(b"return 1", b"=test").expect("compiles");
            let mut started = 0;
            while started < 20_000 && call.spawn(function, &[]).is_ok() {
                started += 1;
            }
            failures += usize::from(started < 20_000);
            assert_eq!(call.goroutine_count(), started);
            assert_eq!(call.goroutines().len(), started);
        });
        while turns(&mut vm) != Turn::Done {}
    }
    assert_eq!(failures, 300);
}
